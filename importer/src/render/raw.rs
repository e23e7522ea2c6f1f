//! The template's own manifests, and what its charts and folders of kustomize became when it was packed.

use std::collections::{BTreeMap, HashSet};

use bundle_format::ImageRef;
use bundle_format::template::{Manifest, RELEASE_NAMESPACE as NAMESPACE, RelativePath};
use serde_json::{Map, Value};

use super::meta::Names;
use super::pull::Login;
use super::{RenderError, RenderedFile, kinds};
use crate::record;
use crate::target::ObjectId;

/// The folder of the documents that hold a site's objects which no document of the version has.
pub(crate) const KEPT: &str = "in-force/objects/";

/// The moments at which Helm runs a hook that an installation never comes to.
const NOT_NOW: [&str; 7] =
    ["test", "test-success", "test-failure", "pre-delete", "post-delete", "pre-rollback", "post-rollback"];

/// The objects of one document.
struct Source {
    /// Name of its file, without numbers and ending.
    stem: String,
    /// Number of its file: components come between those below 80 and the others.
    stage: u8,
    objects: Vec<Value>,
}

/// The files of raw objects, with the namespace where an object has none and can have one, and with the images of the
/// template pinned. Pods that run these are given the site's login. Each document becomes up to three: what components may need comes before them.
pub(super) fn render(names: &Names<'_>) -> Result<Vec<RenderedFile>, RenderError> {
    let mut sources = sources(names)?;
    let cluster_wide: HashSet<(String, String)> =
        sources.iter().flat_map(|source| &source.objects).filter_map(kinds::defines_cluster_wide).collect();
    let login = Login::of(names);
    let mut files = Vec::new();
    // As many digits as the last one needs: files are applied in the order of their names.
    let width = sources.len().to_string().len().max(3);
    let mut numbers = BTreeMap::new();
    for source in &mut sources {
        let mut staged: [(u8, Vec<Value>); 3] = [(5, vec![]), (6, vec![]), (source.stage, vec![])];
        for mut object in std::mem::take(&mut source.objects) {
            let (group, kind) = kinds::group_and_kind(&object);
            if !kinds::is_cluster_wide(group, kind) && !cluster_wide.contains(&(group.to_owned(), kind.to_owned())) {
                put_namespace(&mut object, names.input.namespace.as_str());
            }
            if let Some(login) = &login {
                login.put_into(&mut object);
            }
            let stage = kinds::stage(&object);
            mark(&mut object, names.mark());
            let [types, needs, rest] = &mut staged;
            match stage {
                kinds::Stage::Types => types.1.push(object),
                kinds::Stage::Needs => needs.1.push(object),
                kinds::Stage::Rest => rest.1.push(object),
            }
        }
        for (stage, objects) in staged {
            // The number is the document's, so that one more object does not rename the files behind.
            let number = numbers.entry(stage).or_insert(0_usize);
            *number += 1;
            if !objects.is_empty() {
                let name = format!("{stage:02}-{number:0width$}-{}.yaml", source.stem);
                files.push(RenderedFile::new(name, objects)?);
            }
        }
    }
    Ok(files)
}

/// Charts, folders of kustomize and manifests, each in the order of the template.
fn sources(names: &Names<'_>) -> Result<Vec<Source>, RenderError> {
    let template = names.template;
    let charts = template.charts.iter().map(|chart| ("chart", "charts", &chart.name));
    let kustomizations = template.kustomizations.iter().map(|k| ("kustomization", "kustomizations", &k.name));
    let mut sources = Vec::new();
    for (what, folder, name) in charts.chain(kustomizations) {
        let path = format!("rendered/{folder}/{name}.yaml");
        let refused = || RenderError::NotRendered { what, name: name.clone() };
        let path: RelativePath = path.parse().map_err(|_| refused())?;
        let bytes = names.input.documents.get(&path).ok_or_else(refused)?;
        let mut objects = read(names, &path, bytes)?;
        objects.iter_mut().for_each(|object| replace(object, names.input.namespace.as_str()));
        sources.push(Source { stem: format!("{what}-{name}"), stage: 80, objects });
    }
    for path in &template.manifests {
        let missing = || RenderError::MissingDocument { path: path.clone() };
        let bytes = names.input.documents.get(path).ok_or_else(missing)?;
        let mut objects = read(names, path, bytes)?;
        // What a chart brought that is gone from the version asks for the namespace still.
        if path.as_str().starts_with(KEPT) {
            objects.iter_mut().for_each(|object| replace(object, names.input.namespace.as_str()));
        }
        sources.push(Source { stem: stem(path), stage: 90, objects });
    }
    Ok(sources)
}

fn read(names: &Names<'_>, path: &RelativePath, bytes: &[u8]) -> Result<Vec<Value>, RenderError> {
    let packed = names.template.images();
    let pin = |image: &ImageRef| packed.contains(image).then(|| (names.input.image)(image));
    let refused = |source| RenderError::Manifest { path: path.clone(), source };
    let mut manifest = Manifest::parse(bytes).map_err(refused)?;
    manifest.pin(&pin);
    let mut objects = manifest.into_objects();
    objects.retain(|object| !is_hook_of_another_time(object));
    match objects.iter().find(|object| is_ours(object)).and_then(ObjectId::of) {
        Some(object) => Err(RenderError::Reserved { object: object.to_string() }),
        None => Ok(objects),
    }
}

/// Whether it would pass for a record, or for the lease of an installation (spec/plan.md section 7).
fn is_ours(object: &Value) -> bool {
    let named = || object.pointer("/metadata/name").and_then(Value::as_str).is_some_and(|n| n.starts_with("sealift."));
    match kinds::group_and_kind(object) {
        ("", "Secret") => object.get("type").and_then(Value::as_str) == Some(record::SECRET_TYPE) || named(),
        ("coordination.k8s.io", "Lease") => named(),
        _ => false,
    }
}

/// Whether Helm would run this only for tests, or when an installation goes or is rolled back.
fn is_hook_of_another_time(object: &Value) -> bool {
    let hooks = object.pointer("/metadata/annotations").and_then(|a| a.get("helm.sh/hook"));
    let Some(hooks) = hooks.and_then(Value::as_str) else { return false };
    hooks.split(',').all(|hook| NOT_NOW.contains(&hook.trim()))
}

/// Puts the namespace into every text where the packer left a mark for it. In the objects, not in their YAML: there, a
/// namespace called `1` would become a number.
fn replace(value: &mut Value, namespace: &str) {
    match value {
        Value::String(text) if text.contains(NAMESPACE) => *text = text.replace(NAMESPACE, namespace),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, namespace)),
        Value::Object(fields) => {
            for (mut key, mut value) in std::mem::take(fields) {
                if key.contains(NAMESPACE) {
                    key = key.replace(NAMESPACE, namespace);
                }
                replace(&mut value, namespace);
                fields.insert(key, value);
            }
        }
        _ => {}
    }
}

/// As much of the path's last name as is harmless in a file's name.
fn stem(path: &RelativePath) -> String {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_lowercase();
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let stem: String = stem.chars().map(|c| if legal(c) { c } else { '-' }).take(60).collect();
    match stem.trim_matches('-') {
        "" => "manifest".to_owned(),
        stem => stem.to_owned(),
    }
}

fn put_namespace(object: &mut Value, namespace: &str) {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata")
        && metadata.get("namespace").and_then(Value::as_str).is_none_or(str::is_empty)
    {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
}

/// Says whose the object is. Labels of ours it gets none: its own selectors may rely on those that it has.
fn mark(object: &mut Value, (key, value): (String, String)) {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        let annotations = metadata.entry("annotations").or_insert(Value::Null);
        if annotations.is_null() {
            *annotations = Value::Object(Map::new());
        }
        if let Value::Object(annotations) = annotations {
            annotations.insert(key, value.into());
        }
    }
}
