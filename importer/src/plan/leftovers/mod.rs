//! What others put on a target where a plan has nothing, and which applying alone would leave there (spec/plan.md 6.7).

mod choices;
mod places;
mod spot;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::found::defaults::is_default;
use super::same::{key, keyed};
use super::{Effective, found};
use crate::render::RenderedFile;
use crate::target::{Live, ObjectId};
pub use spot::Spot;

/// What is to go, by the object that has it.
pub type Leftovers = BTreeMap<ObjectId, Vec<Leftover>>;

/// A place in an object where a target has more than was rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Leftover {
    /// Where.
    pub spot: Spot,
    /// What was rendered there; `None` where nothing was.
    pub instead: Option<Value>,
}

/// What the live objects have beyond `files`, of attributes alone: what the plan took from nobody, and a server does not take
/// away, because another manager of fields wrote it. `state` is what `files` were rendered from.
#[must_use]
pub fn leftovers(state: &Effective, files: &[RenderedFile], live: &Live) -> Leftovers {
    let left = found(&state.template, &state.documents, files, None, live);
    let mut out = Leftovers::new();
    let places = places::Places::new(state, files, left.values.keys());
    for file in files {
        for (id, object) in file.objects().iter().filter_map(|object| Some((ObjectId::of(object)?, object))) {
            let Some(there) = live.get(&id) else { continue };
            let spots = places.of(file, &id, there);
            let more = spots.into_iter().filter_map(|spot| {
                let ours = spot.find(object);
                has_more("", ours, spot.find(there)?).then(|| Leftover { instead: ours.cloned(), spot })
            });
            let mut more: Vec<Leftover> = more.collect();
            more.extend(choices::of(object, there));
            if !more.is_empty() {
                out.insert(id, more);
            }
        }
    }
    out
}

/// Whether a live value has fields or entries that the rendered one has not. Other values are no matter: applying changes them.
fn has_more(field: &str, rendered: Option<&Value>, live: &Value) -> bool {
    match (rendered, live) {
        (None, _) => true,
        (Some(Value::Object(ours)), Value::Object(there)) => there.iter().any(|(name, value)| match ours.get(name) {
            None => !value.is_null() && !is_default(name, value),
            ours => has_more(name, ours, value),
        }),
        (Some(Value::Array(ours)), Value::Array(there)) => {
            keyed(field, ours, there).is_some()
                && there.iter().any(|item| {
                    let same = ours.iter().find(|ours| key(field, ours) == key(field, item));
                    has_more("", same, item)
                })
        }
        _ => false,
    }
}

/// The operations of a JSON Patch (RFC 6902) that take the leftovers away from `object`, as it is now; none if they are gone.
#[must_use]
pub fn operations(leftovers: &[Leftover], object: &Value) -> Vec<Value> {
    let mut object = object.clone();
    let mut out = Vec::new();
    for Leftover { spot, instead } in leftovers {
        let Some(pointer) = spot.pointer(&object) else { continue };
        let Some(there) = object.pointer_mut(&pointer) else { continue };
        match instead {
            Some(value) if there == value => continue,
            Some(value) => {
                there.clone_from(value);
                out.push(json!({"op": "replace", "path": pointer, "value": value}));
            }
            None => {
                remove(&mut object, &pointer);
                out.push(json!({"op": "remove", "path": pointer}));
            }
        }
    }
    out
}

/// Takes the leftovers away from `object`.
pub fn take_away(leftovers: &[Leftover], object: &mut Value) {
    for Leftover { spot, instead } in leftovers {
        let Some(pointer) = spot.pointer(object) else { continue };
        match (instead, object.pointer_mut(&pointer)) {
            (Some(value), Some(there)) => there.clone_from(value),
            (None, Some(_)) => remove(object, &pointer),
            (_, None) => {}
        }
    }
}

fn remove(object: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    match object.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            let fields: &mut Map<String, Value> = fields;
            fields.remove(&last.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(items)) => {
            if let Some(index) = last.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
