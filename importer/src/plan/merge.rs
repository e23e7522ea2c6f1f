//! Values compared and merged: amounts by what they say, objects leaf by leaf, volumes that only grow.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::amount::Amount;
use super::{AttributePath, Change};

/// Whether two values of an attribute say the same.
pub(super) fn same(path: &AttributePath, a: Option<&Value>, b: Option<&Value>) -> bool {
    Like::at(path).same(a, b)
}

/// An object of a manifest merged leaf by leaf (spec/plan.md 3.4): what the site changed stays, all else is the vendor's.
pub(super) fn objects(
    path: &AttributePath,
    old: Option<&Value>,
    new: Option<&Value>,
    site: Option<&Value>,
) -> Option<Value> {
    leaves(Like::at(path), old, new, site)
}

/// How values of one place compare.
#[derive(Clone, Copy)]
struct Like {
    /// Whether the value is an amount, or an object of amounts.
    amount: bool,
    /// Whether there may be amounts further down.
    inside: bool,
}

impl Like {
    fn at(path: &AttributePath) -> Self {
        // The data of these are texts, whatever they are called.
        let texts = path.scope().starts_with("object/ConfigMap/") || path.scope().starts_with("object/Secret/");
        let inside = !texts && matches!(path.field(), "" | "volumes" | "resources");
        Self { amount: path.field() == "maxBody" || (path.field() == "resources" && path.key().is_some()), inside }
    }

    fn field(self, key: &str) -> Self {
        let amounts = matches!(key, "requests" | "limits" | "hard" | "capacity" | "size" | "sizeLimit" | "storage");
        Self { amount: self.inside && (self.amount || amounts), inside: self.inside }
    }

    fn same(self, a: Option<&Value>, b: Option<&Value>) -> bool {
        match (a, b) {
            (Some(Value::Object(a)), Some(Value::Object(b))) => {
                a.len() == b.len() && a.iter().all(|(key, value)| self.field(key).same(Some(value), b.get(key)))
            }
            (Some(Value::Array(a)), Some(Value::Array(b))) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same(Some(a), Some(b)))
            }
            (Some(a), Some(b)) => {
                a == b || (self.amount && matches!((Amount::of(a), Amount::of(b)), (Some(a), Some(b)) if a == b))
            }
            (a, b) => a.is_none() && b.is_none(),
        }
    }
}

/// Whether an amount is smaller than another; not, if one of them is none.
pub(crate) fn is_smaller(amount: &Value, than: &Value) -> bool {
    matches!((Amount::of(amount), Amount::of(than)), (Some(a), Some(b)) if a < b)
}

// All three come from parsers that bound the depth.
fn leaves(like: Like, old: Option<&Value>, new: Option<&Value>, site: Option<&Value>) -> Option<Value> {
    match (new, site) {
        (Some(Value::Object(new)), Some(Value::Object(site))) => {
            let old = old.and_then(Value::as_object);
            let keys: BTreeSet<&String> = new.keys().chain(site.keys()).collect();
            let merged = keys.into_iter().filter_map(|key| {
                let value = leaves(like.field(key), old.and_then(|o| o.get(key)), new.get(key), site.get(key))?;
                Some((key.clone(), value))
            });
            Some(Value::Object(merged.collect()))
        }
        (Some(Value::Array(new)), Some(Value::Array(site))) if named(new) && named(site) => {
            let old = old.and_then(Value::as_array).filter(|old| named(old));
            let of = |list: Option<&'_ Vec<Value>>, name: &Value| list.and_then(|l| find(l, name).cloned());
            let beyond = site.iter().filter(|item| find(new, &item["name"]).is_none());
            let merged = new.iter().chain(beyond).filter_map(|item| {
                let name = &item["name"];
                leaves(like, of(old, name).as_ref(), find(new, name), find(site, name))
            });
            Some(Value::Array(merged.collect()))
        }
        _ if like.same(old, site) => new.cloned(),
        _ => site.cloned(),
    }
}

/// Whether a list is one of objects that each have a `name` of their own.
fn named(list: &[Value]) -> bool {
    let names: BTreeSet<&str> = list.iter().filter_map(|item| item.get("name")?.as_str()).collect();
    names.len() == list.len()
}

fn find<'l>(list: &'l [Value], name: &Value) -> Option<&'l Value> {
    list.iter().find(|item| item.get("name") == Some(name))
}

/// What becomes of a volume that the new version has (spec/plan.md 3.2, the row of volumes). How large a claim is only grows, and its
/// modes and class are what they are for ever. Where it is mounted is the vendor's to say until the site has.
pub(super) fn volume(
    change: Change,
    old: Option<&Value>,
    new: &Value,
    site: Option<&Value>,
    accepted: bool,
) -> Option<Value> {
    let site_decides = change == Change::Site && !accepted;
    let (Value::Object(vendor), Some(Value::Object(here))) = (new, site) else {
        return if site_decides { site.cloned() } else { Some(new.clone()) };
    };
    match (vendor.get("size"), here.get("size")) {
        (Some(wanted), Some(there)) => {
            let larger = Amount::of(wanted) > Amount::of(there) && !site_decides;
            let mut volume = mounted(old, vendor, here, accepted);
            volume.insert("size".to_owned(), if larger { wanted } else { there }.clone());
            for field in ["accessModes", "storageClass"] {
                match here.get(field) {
                    Some(value) => _ = volume.insert(field.to_owned(), value.clone()),
                    None => _ = volume.remove(field),
                }
            }
            Some(Value::Object(volume))
        }
        // A claim holds data: it becomes nothing else unless that is accepted.
        (None, Some(_)) if !accepted => site.cloned(),
        _ if site_decides => site.cloned(),
        _ => Some(new.clone()),
    }
}

/// The vendor's volume, mounted where the site wants it.
fn mounted(
    old: Option<&Value>,
    new: &Map<String, Value>,
    site: &Map<String, Value>,
    accepted: bool,
) -> Map<String, Value> {
    let mut volume = new.clone();
    for field in ["path", "readOnly"] {
        let was = old.and_then(|o| o.get(field));
        if let Some(value) = site.get(field)
            && was.is_some_and(|was| was != value)
            && !accepted
        {
            volume.insert(field.to_owned(), value.clone());
        }
    }
    volume
}
