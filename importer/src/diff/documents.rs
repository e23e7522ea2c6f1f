//! The documents that travel with a template compared.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::oci::Descriptor;
use bundle_format::template::Manifest;
use bundle_format::{limits, media};
use serde_json::Value;

use super::{Change, DiffError, Opened};

/// An object of Kubernetes that is not the same in both versions of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectDiff {
    /// `KIND NAMESPACE/NAME`, or `KIND NAME`.
    pub object: String,
    /// What became of it.
    pub change: Change,
}

/// A document that is not the same in both versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentDiff {
    /// Its path beside the template.
    pub path: String,
    /// What became of it.
    pub change: Change,
    /// Its bytes in the old version.
    pub old_size: Option<u64>,
    /// Its bytes in the new version.
    pub new_size: Option<u64>,
    /// The objects in it that differ, if it is a manifest of Kubernetes.
    pub objects: Vec<ObjectDiff>,
}

/// The documents that differ, sorted by path.
pub fn compare(old: &Opened, new: &Opened) -> Result<Vec<DocumentDiff>, DiffError> {
    let by_path = |o: &Opened| -> BTreeMap<_, _> {
        o.documents().files().iter().map(|(path, d)| (path.to_string(), d.clone())).collect()
    };
    let (was, is) = (by_path(old), by_path(new));
    let mut found = Vec::new();
    for path in was.keys().chain(is.keys()).collect::<BTreeSet<_>>() {
        let (a, b) = (was.get(path), is.get(path));
        let change = Change::between(a, b);
        if change == Change::Same {
            continue;
        }
        let (x, y) = (objects(old, a)?, objects(new, b)?);
        let names: BTreeSet<_> = x.keys().chain(y.keys()).collect();
        let objects = names.into_iter().map(|name| {
            let change = Change::between(x.get(name), y.get(name));
            ObjectDiff { object: name.clone(), change }
        });
        let objects = objects.filter(|o| o.change != Change::Same).collect();
        let (old_size, new_size) = (a.map(|d| d.size), b.map(|d| d.size));
        found.push(DocumentDiff { path: path.clone(), change, old_size, new_size, objects });
    }
    Ok(found)
}

/// The objects of a manifest by what people call them; none of what is no manifest.
fn objects(bundle: &Opened, file: Option<&Descriptor>) -> Result<BTreeMap<String, Vec<Value>>, DiffError> {
    let mut objects: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let Some(file) = file.filter(|f| f.media_type == media::KUBERNETES_YAML) else { return Ok(objects) };
    let Some(bytes) = bundle.whole(file, limits::TEMPLATE_BYTES)? else { return Ok(objects) };
    for object in Manifest::parse(&bytes).map(Manifest::into_objects).unwrap_or_default() {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
        let name = text("/metadata/name").unwrap_or("(no name)");
        let kind = text("/kind").unwrap_or("(no kind)");
        let called = match text("/metadata/namespace") {
            Some(namespace) => format!("{kind} {namespace}/{name}"),
            None => format!("{kind} {name}"),
        };
        objects.entry(called).or_default().push(object);
    }
    Ok(objects)
}
