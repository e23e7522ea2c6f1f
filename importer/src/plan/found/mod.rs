//! What the site changed on a target (spec/plan.md 1.3): the live objects, read back into attributes of the template.

pub(super) mod defaults;
mod env;
pub(super) mod object;
mod parts;
mod plugins;
pub(super) mod workload;

use std::collections::BTreeMap;

use bundle_format::template::{RelativePath, Template};
use serde::Serialize;
use serde_json::Value;

use super::same::same_part;
use super::{AttributePath, Overlay};
use crate::render::RenderedFile;
use crate::target::{Live, ObjectId};

/// The site's edits on the target. `template` and `documents` are what is in force, the site's values
/// included, and `rendered` what they were rendered into; `also` is what an interrupted action rendered. What is as either of them says is no edit. An object that is
/// gone as a whole is none either: it is made again. Values of Secrets are never read.
#[must_use]
pub fn found(
    template: &Template,
    documents: &BTreeMap<RelativePath, Vec<u8>>,
    rendered: &[RenderedFile],
    also: Option<&[RenderedFile]>,
    live: &Live,
) -> Overlay {
    let also: BTreeMap<ObjectId, &Value> = also.into_iter().flatten().flat_map(objects).collect();
    let (installation, namespace) = place(rendered);
    let originals = object::originals(template, documents, &namespace);
    let mut edits = Edits { template, installation, overlay: Overlay::default() };
    for file in rendered {
        for (id, object) in objects(file) {
            let Some(there) = live.get(&id) else { continue };
            let seen = Seen { rendered: object, also: also.get(&id).copied(), live: there };
            if file.is_raw() {
                object::read(&mut edits, &originals, &id, seen);
                continue;
            }
            match (file.component().and_then(|name| template.component(name)), id.kind.as_str()) {
                (Some(component), "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob") => {
                    workload::read(&mut edits, component, seen, is_scaled(&id, rendered, live));
                }
                (component, _) => parts::read(&mut edits, component, &id, seen),
            }
        }
    }
    plugins::read(&mut edits, rendered, &also, live);
    edits.overlay
}

/// One object, three times.
#[derive(Clone, Copy)]
struct Seen<'v> {
    rendered: &'v Value,
    also: Option<&'v Value>,
    live: &'v Value,
}

impl<'v> Seen<'v> {
    /// The same part of each, where the rendered and the live one have it.
    fn part(self, find: impl Fn(&'v Value) -> Option<&'v Value>) -> Option<Self> {
        Some(Self { rendered: find(self.rendered)?, also: self.also.and_then(&find), live: find(self.live)? })
    }
}

/// The edits that were found.
struct Edits<'t> {
    template: &'t Template,
    /// Name of the installation.
    installation: String,
    overlay: Overlay,
}

impl Edits<'_> {
    fn set(&mut self, scope: impl Into<String>, field: &str, key: Option<&str>, value: Option<Value>) {
        let path = AttributePath::new(scope, field, key.map(str::to_owned));
        self.overlay.values.insert(path, value);
    }

    /// What an object is called behind `INSTALLATION-`.
    fn short<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.strip_prefix(self.installation.as_str())?.strip_prefix('-')
    }
}

/// Whether a value was changed: it is neither as it was rendered, nor as an interrupted action rendered it. `field` says how
/// values are compared; `also` is `None` where there is no interrupted action.
fn is_edit(field: &str, rendered: Option<&Value>, also: Option<Option<&Value>>, live: Option<&Value>) -> bool {
    let equal = |ours: Option<&Value>| {
        let (ours, live) = (ours.unwrap_or(&Value::Null), live.unwrap_or(&Value::Null));
        same_part(field, ours, live) && same_part(field, live, ours)
    };
    !equal(rendered) && !also.is_some_and(equal)
}

/// The entries of a map that the site changed, added or removed; with their values on the target.
fn edited_entries<'v>(
    field: &str,
    seen: (Option<&'v Value>, Option<Option<&'v Value>>, Option<&'v Value>),
) -> BTreeMap<&'v str, Option<&'v Value>> {
    let (rendered, also, live) = seen;
    let keys = [rendered, live].into_iter().flatten().filter_map(Value::as_object).flat_map(|map| map.keys());
    let of = |map: Option<&'v Value>, key: &str| map.and_then(|map| map.get(key));
    keys.map(String::as_str)
        .filter(|key| is_edit(field, of(rendered, key), also.map(|also| of(also, key)), of(live, key)))
        .map(|key| (key, of(live, key)))
        .collect()
}

/// A value without its name, which is in the path.
fn unnamed(value: &impl Serialize) -> Option<Value> {
    let mut value = serde_json::to_value(value).ok()?;
    value.as_object_mut()?.remove("name");
    Some(value)
}

fn objects(file: &RenderedFile) -> impl Iterator<Item = (ObjectId, &Value)> {
    file.objects().iter().filter_map(|object| Some((ObjectId::of(object)?, object)))
}

/// The name of the installation, which every object of a component carries as a label (none without components), and its namespace.
pub(super) fn place(rendered: &[RenderedFile]) -> (String, String) {
    let own = rendered.iter().filter(|file| !file.is_raw()).flat_map(RenderedFile::objects);
    let place = |object: &Value| {
        let text = |place: &str| object.pointer(place)?.as_str().map(str::to_owned);
        Some((text("/metadata/labels/app.kubernetes.io~1instance")?, text("/metadata/namespace")?))
    };
    // Where there are no components, the namespace still has a file of its own.
    let namespace = || {
        let objects = rendered.iter().flat_map(RenderedFile::objects).filter_map(ObjectId::of);
        let mut all = objects.filter(|id| id.group.is_empty() && id.kind == "Namespace");
        all.next().map(|id| (String::new(), id.name))
    };
    own.into_iter().find_map(place).or_else(namespace).unwrap_or_default()
}

/// Whether a scaler decides how many replicas a workload has: ours, or one of the site's.
fn is_scaled(id: &ObjectId, rendered: &[RenderedFile], live: &Live) -> bool {
    let scales = |scaler: &Value| {
        let target = scaler.pointer("/spec/scaleTargetRef");
        let text = |field: &str| target.and_then(|t| t.get(field)).and_then(Value::as_str);
        scaler.get("kind").is_some_and(|kind| kind == "HorizontalPodAutoscaler")
            && text("kind") == Some(&id.kind)
            && text("name") == Some(&id.name)
    };
    rendered.iter().flat_map(RenderedFile::objects).any(scales) || live.objects.values().any(scales)
}

/// Whether a label or annotation is Kubernetes' own, a tool's, or ours, and never the site's word on the application.
pub(super) fn is_reserved(key: &str) -> bool {
    let prefix = key.split_once('/').map_or("", |(prefix, _)| prefix);
    let under = |domain: &str| prefix == domain || prefix.strip_suffix(domain).is_some_and(|p| p.ends_with('.'));
    ["kubernetes.io", "k8s.io", "sealift.dev"].into_iter().any(under)
        || matches!(key, "controller-uid" | "job-name" | "controller-revision-hash" | "pod-template-hash")
}

#[cfg(test)]
pub(crate) mod tests;
