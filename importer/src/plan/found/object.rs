//! Objects of manifests, charts and kustomizations: kept as a whole, with the leaves that the site changed.

use std::collections::BTreeMap;

use bundle_format::template::{Manifest, RELEASE_NAMESPACE as NAMESPACE, RelativePath, Template};
use serde_json::{Map, Value};

use super::{Edits, Seen};
use crate::plan::choice::is_other_choice;
use crate::plan::same::{key, keyed, same, same_part};
use crate::plan::{AttributePath, object_path};
use crate::target::ObjectId;

/// The objects of the template's documents as the vendor wrote them: neither with the namespace, nor with pinned images. Each with
/// what names it once it has the namespace where a chart asks for it.
pub(in crate::plan) fn originals(
    template: &Template,
    documents: &BTreeMap<RelativePath, Vec<u8>>,
    namespace: &str,
) -> Vec<(ObjectId, Value)> {
    let charts = template.charts.iter().map(|chart| format!("rendered/charts/{}.yaml", chart.name));
    let folders = template.kustomizations.iter().map(|k| format!("rendered/kustomizations/{}.yaml", k.name));
    let rendered = charts.chain(folders).filter_map(|path| path.parse().ok());
    let paths = template.manifests.iter().cloned().chain(rendered);
    // What is no manifest was not rendered either, and nothing of it is live.
    let objects = paths.filter_map(|path| Manifest::parse(documents.get(&path)?).ok()).flat_map(Manifest::into_objects);
    let named = objects.filter_map(|object| {
        let ObjectId { group, kind, namespace: own, name } = ObjectId::of(&object)?;
        let own = own.map(|own| own.replace(NAMESPACE, namespace));
        Some((ObjectId { group, kind, namespace: own, name: name.replace(NAMESPACE, namespace) }, object))
    });
    named.collect()
}

/// Reads an object of a manifest. A Secret's values are nobody's to read.
pub(super) fn read(edits: &mut Edits<'_>, originals: &[(ObjectId, Value)], id: &ObjectId, seen: Seen<'_>) {
    if id.group.is_empty() && id.kind == "Secret" {
        return;
    }
    let Some(original) = original(originals, id) else { return };
    let Some(path) = object_path(original) else { return };
    // What a file says that we did not is the site's. What a server has more than was applied may be its own doing; only the
    // contents of a ConfigMap are not.
    let from_file = seen.live.pointer("/metadata/uid").is_none();
    let is = |ours: &Value| same(ours, seen.live) && !has_more(ours, seen.live, from_file, id);
    if is(seen.rendered) || seen.also.is_some_and(is) {
        return;
    }
    let merge = Merge { all: from_file, data: is_config_map(id) };
    edits.overlay.values.insert(path, Some(merge.whole(original, seen.rendered, seen.live)));
}

/// What the vendor wrote of an object.
fn original<'o>(originals: &'o [(ObjectId, Value)], id: &ObjectId) -> Option<&'o Value> {
    let is = |(other, _): &&(ObjectId, Value)| {
        let namespaced = other.namespace.is_none() || other.namespace == id.namespace;
        namespaced && (&other.group, &other.kind, &other.name) == (&id.group, &id.kind, &id.name)
    };
    originals.iter().find(is).map(|(_, original)| original)
}

/// The path of an object.
pub(in crate::plan) fn path(originals: &[(ObjectId, Value)], id: &ObjectId) -> Option<AttributePath> {
    object_path(original(originals, id)?)
}

fn has_more(ours: &Value, live: &Value, from_file: bool, id: &ObjectId) -> bool {
    if from_file {
        return !same(live, ours);
    }
    is_config_map(id)
        && ["data", "binaryData"].into_iter().any(|field| {
            let of = |object: &Value| object.get(field).cloned().unwrap_or_default();
            !same_part(field, &of(live), &of(ours))
        })
}

fn is_config_map(id: &ObjectId) -> bool {
    id.group.is_empty() && id.kind == "ConfigMap"
}

/// The vendor's object with the leaves that are not as they were rendered.
#[derive(Clone, Copy)]
struct Merge {
    /// Whether what is live beyond what was rendered is the site's.
    all: bool,
    /// Whether the `data` beyond it is.
    data: bool,
}

impl Merge {
    fn whole(self, original: &Value, rendered: &Value, live: &Value) -> Value {
        let fields = fields([Some(original), Some(rendered), Some(live)]);
        let of = |object: &'_ Value, field: &str| object.get(field).cloned();
        let merged = fields.into_iter().filter_map(|field| {
            let inner =
                Self { all: self.all || (self.data && matches!(field.as_str(), "data" | "binaryData")), ..self };
            let value = match field.as_str() {
                "apiVersion" | "kind" | "status" => of(original, &field),
                _ => inner.part(&field, original.get(&field), rendered.get(&field), live.get(&field)),
            };
            Some((field, value?))
        });
        let mut merged: Map<String, Value> = merged.collect();
        // It is called as the vendor calls it, whatever somebody wrote there: another name is another object.
        let calls = original.get("metadata").and_then(Value::as_object);
        let metadata = merged.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        if !metadata.is_object() {
            *metadata = Value::Object(Map::new());
        }
        if let (Some(calls), Some(metadata)) = (calls, metadata.as_object_mut()) {
            for field in ["name", "namespace"] {
                match calls.get(field) {
                    Some(name) => _ = metadata.insert(field.to_owned(), name.clone()),
                    None => _ = metadata.remove(field),
                }
            }
        }
        Value::Object(merged)
    }

    fn part(
        self,
        field: &str,
        original: Option<&Value>,
        rendered: Option<&Value>,
        live: Option<&Value>,
    ) -> Option<Value> {
        let null = &Value::Null;
        let (there, ours) = (live.unwrap_or(null), rendered.unwrap_or(null));
        let more = self.all && !same_part(field, there, ours);
        if same_part(field, ours, there) && !more {
            return original.cloned();
        }
        match (rendered, live) {
            (_, None) => None,
            // One of two that exclude each other was chosen: the one that is live, whole.
            (Some(ours), Some(there)) if is_other_choice(field, ours, there) => live.cloned(),
            (Some(Value::Object(_)), Some(Value::Object(_))) => {
                let fields = fields([original, rendered, live]);
                let of = |value: Option<&'_ Value>, field: &str| value.and_then(|value| value.get(field)).cloned();
                let merged = fields.into_iter().filter_map(|field| {
                    let (original, ours, live) = (of(original, &field), of(rendered, &field), of(live, &field));
                    let value = self.part(&field, original.as_ref(), ours.as_ref(), live.as_ref())?;
                    Some((field, value))
                });
                Some(Value::Object(merged.collect::<Map<_, _>>()))
            }
            (Some(Value::Array(ours)), Some(Value::Array(there))) => {
                let original = original.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                Some(Value::Array(self.list(field, original, ours, there)))
            }
            (_, Some(live)) => Some(live.clone()),
        }
    }

    /// A list that Kubernetes merges is merged here as well, another one is as it is live.
    fn list(self, field: &str, original: &[Value], rendered: &[Value], live: &[Value]) -> Vec<Value> {
        if keyed(field, rendered, live).is_none() {
            return live.to_vec();
        }
        let find = |list: &'_ [Value], item: &Value| list.iter().find(|i| key(field, i) == key(field, item)).cloned();
        let merged = live.iter().filter_map(|item| match find(rendered, item) {
            Some(ours) if is_other_choice(field, &ours, item) => Some(item.clone()),
            Some(ours) => self.part("", find(original, item).as_ref(), Some(&ours), Some(item)),
            // An entry that nobody rendered: the site's, in a list of the site's choosing.
            None => Some(item.clone()),
        });
        merged.collect()
    }
}

/// The fields that one of the values has.
fn fields(values: [Option<&Value>; 3]) -> std::collections::BTreeSet<String> {
    values.into_iter().flatten().filter_map(Value::as_object).flat_map(|fields| fields.keys().cloned()).collect()
}
