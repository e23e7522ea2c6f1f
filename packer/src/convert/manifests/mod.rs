//! Kubernetes objects: from files, or as a cluster has them.

mod clean;
mod container;
mod edge;
mod environment;
mod left;
mod services;
mod volumes;
mod workload;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bundle_format::limits;
use bundle_format::template::{ComponentName, Manifest, VolumeName};
use serde_json::{Map, Value};

use self::clean::Verdict;
use super::draft::{Draft, NoteKind};
use super::{ConvertError, Naming, connect, passwords, yaml};
use crate::plan::read_file;

/// Most objects that are converted together.
const OBJECTS: usize = 10_000;
/// Most files, and how deep folders may be nested.
const FILES: usize = 2000;
const DEPTH: usize = 16;

/// The objects that are converted, and what became of them.
struct World {
    objects: Vec<Value>,
    /// Those that are in the template, or that have no place anywhere.
    used: BTreeSet<usize>,
    /// Workloads: the object, and the component that it became.
    workloads: Vec<(usize, ComponentName)>,
    /// Claims by name: the component that has the volume.
    claims: BTreeMap<String, (ComponentName, VolumeName)>,
    /// Hosts by which components are reached.
    hosts: connect::Hosts,
    /// Namespaces that the objects were in.
    namespaces: BTreeSet<String>,
}

/// Converts files of Kubernetes objects; of folders, all files that end in `.yaml`, `.yml` or `.json`.
///
/// # Errors
/// A file that cannot be read or is none of Kubernetes objects; more than a converter takes.
pub fn from_manifests(paths: &[PathBuf], naming: &Naming) -> Result<Draft, ConvertError> {
    let mut files = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => files_of(path, 0, &mut files)?,
            false => files.push(path.clone()),
        }
    }
    let mut objects = Vec::new();
    for path in &files {
        let bytes = read_file(path, limits::TEMPLATE_BYTES)
            .map_err(|source| ConvertError::Read { path: path.clone(), source })?;
        let manifest =
            Manifest::parse(&bytes).map_err(|source| ConvertError::Manifest { path: path.clone(), source })?;
        objects.extend(manifest.into_objects());
        if objects.len() > OBJECTS {
            return Err(ConvertError::TooMuch { what: "objects", limit: OBJECTS as u64 });
        }
    }
    let first = paths.first().and_then(|p| p.canonicalize().ok());
    let stem = first.and_then(|p| p.file_stem().map(|s| s.to_string_lossy().into_owned())).unwrap_or_default();
    let (name, version) = naming.or(&stem, "1.0.0")?;
    from_objects(objects, &Naming { name: Some(name), version: Some(version) })
}

fn files_of(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), ConvertError> {
    let read = |source| ConvertError::Read { path: folder.to_owned(), source };
    let mut entries: Vec<_> = std::fs::read_dir(folder).map_err(read)?.collect::<Result<_, _>>().map_err(read)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().map_err(read)?;
        let path = entry.path();
        let known = path.extension().is_some_and(|e| ["yaml", "yml", "json"].iter().any(|k| e == *k));
        if kind.is_dir() && depth < DEPTH {
            files_of(&path, depth + 1, files)?;
        } else if kind.is_file() && known {
            files.push(path);
        }
        if files.len() > FILES {
            return Err(ConvertError::TooMuch { what: "files", limit: FILES as u64 });
        }
    }
    Ok(())
}

/// Converts Kubernetes objects, as they were applied or as a cluster gives them: what the server set is taken away, and
/// what controllers made is left out. Images keep the names that pods run them by, digests included.
///
/// # Errors
/// Objects of which nothing can be made; more than a converter takes.
pub fn from_objects(objects: Vec<Value>, naming: &Naming) -> Result<Draft, ConvertError> {
    if objects.len() > OBJECTS {
        return Err(ConvertError::TooMuch { what: "objects", limit: OBJECTS as u64 });
    }
    let namespace =
        objects.iter().find_map(|o| text_at(o, &["metadata", "namespace"])).unwrap_or("application").to_owned();
    let (name, version) = naming.or(&namespace, "1.0.0")?;
    let mut draft = Draft::new(name, version);
    let mut kept = Vec::new();
    let mut namespaces = BTreeSet::new();
    for mut object in objects {
        if let Some(namespace) = text_at(&object, &["metadata", "namespace"]) {
            namespaces.insert(namespace.to_owned());
        }
        match clean::judge(&object) {
            Verdict::Keep => {
                clean::clean(&mut object);
                kept.push(object);
            }
            Verdict::Skip => {}
            Verdict::Leave(why) => draft.note(NoteKind::Left, None, format!("{}: {why}", label(&object))),
        }
    }
    if namespaces.len() > 1 {
        let all: Vec<&str> = namespaces.iter().map(String::as_str).collect();
        draft.note(
            NoteKind::Look,
            None,
            format!("the objects are of several namespaces, and become one installation: {}", all.join(", ")),
        );
    }
    let mut world = World {
        objects: kept,
        used: BTreeSet::new(),
        workloads: Vec::new(),
        claims: BTreeMap::new(),
        hosts: BTreeMap::new(),
        namespaces,
    };
    world.convert(&mut draft)?;
    Ok(draft.finish())
}

impl World {
    fn convert(&mut self, draft: &mut Draft) -> Result<(), ConvertError> {
        for index in 0..self.objects.len() {
            if ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"].contains(&kind(&self.objects[index]))
                && draft.template.components.len() < bundle_format::template::limits::COMPONENTS
            {
                self.workload(draft, index)?;
            }
        }
        self.shared_environment(draft)?;
        self.services(draft)?;
        self.edge(draft)?;
        passwords::generate(draft)?;
        connect::rewrite(draft, &self.hosts)?;
        self.rest(draft)
    }

    /// What no component took stays as it is, in a file of its own.
    fn rest(&mut self, draft: &mut Draft) -> Result<(), ConvertError> {
        for index in 0..self.objects.len() {
            if self.used.contains(&index) {
                continue;
            }
            let object = &self.objects[index];
            if kind(object) == "Secret" {
                let text =
                    format!("{}: nothing in the template uses it, and its values are not carried", label(object));
                draft.note(NoteKind::Left, None, text);
                continue;
            }
            let file = format!("{}-{}.yaml", kind(object).to_ascii_lowercase(), name(object));
            let path = draft.file("k8s", &file, yaml::document(object).into_bytes())?;
            draft.template.manifests.push(path.clone());
            draft.note(NoteKind::Changed, None, format!("{} stays as it is, in {path}", label(object)));
            for text in self.dangling(draft, object) {
                draft.note(NoteKind::Look, None, format!("{} stays as it is, and {text}", label(object)));
            }
        }
        let mut images = BTreeSet::new();
        for path in draft.template.manifests.clone() {
            if let Some(super::draft::Content::Bytes(bytes)) = draft.files.get(&path) {
                images.extend(Manifest::parse(bytes).map(|m| m.images()).unwrap_or_default());
            }
        }
        images.into_iter().for_each(|image| draft.image(image, None));
        Ok(())
    }

    /// The object of this kind and name.
    fn find(&self, wanted: &str, called: &str) -> Option<usize> {
        self.objects.iter().position(|o| kind(o) == wanted && name(o) == called)
    }

    /// The component that workload `called` of `wanted` kind became.
    fn component_of(&self, wanted: &str, called: &str) -> Option<ComponentName> {
        let found =
            self.workloads.iter().find(|(i, _)| kind(&self.objects[*i]) == wanted && name(&self.objects[*i]) == called);
        found.map(|(_, component)| component.clone())
    }

    /// The component whose pods carry all labels of `selector`.
    fn selected(&self, selector: &Map<String, Value>) -> Option<ComponentName> {
        let carries = |index: &usize| {
            let labels = pod(&self.objects[*index]).and_then(|t| at(t, &["metadata", "labels"]));
            selector.iter().all(|(k, v)| labels.and_then(|l| l.get(k)) == Some(v))
        };
        if selector.is_empty() {
            return None;
        }
        self.workloads.iter().find(|(index, _)| carries(index)).map(|(_, component)| component.clone())
    }
}

/// The container of a workload that becomes the component: the one of its name, or the first.
fn main_container(object: &Value) -> usize {
    let containers = pod(object).map(|t| list_at(t, &["spec", "containers"])).unwrap_or_default();
    containers.iter().position(|c| text_at(c, &["name"]) == Some(name(object))).unwrap_or(0)
}

/// The template of a workload's pods.
fn pod(object: &Value) -> Option<&Value> {
    at(object, &["spec", "template"]).or_else(|| at(object, &["spec", "jobTemplate", "spec", "template"]))
}

fn kind(object: &Value) -> &str {
    text_at(object, &["kind"]).unwrap_or_default()
}

fn name(object: &Value) -> &str {
    text_at(object, &["metadata", "name"]).unwrap_or_default()
}

fn label(object: &Value) -> String {
    format!("{} {}", kind(object), name(object))
}

pub(super) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |v, key| v.get(key)).filter(|v| !v.is_null())
}

pub(super) fn text_at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(value, path).and_then(Value::as_str)
}

pub(super) fn list_at<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn map_at<'a>(value: &'a Value, path: &[&str]) -> impl Iterator<Item = (&'a String, &'a Value)> {
    at(value, path).and_then(Value::as_object).into_iter().flatten()
}

/// A number that must fit its place.
fn number_at<T: TryFrom<u64>>(value: &Value, path: &[&str]) -> Option<T> {
    at(value, path).and_then(Value::as_u64).and_then(|n| T::try_from(n).ok())
}
