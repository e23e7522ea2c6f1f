//! Where objects say what an attribute says (spec/template.md section 7).

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::template::Template;
use serde_json::Value;

use super::Spot;
use crate::plan::found::workload::{CONTAINER, POD};
use crate::plan::found::{is_reserved, object};
use crate::plan::{AttributePath, Effective, Scope};
use crate::render::RenderedFile;
use crate::target::ObjectId;

/// The places of some attributes.
pub(super) struct Places<'a> {
    template: &'a Template,
    /// The attributes, by their scopes.
    paths: BTreeMap<&'a str, Vec<&'a AttributePath>>,
    /// The vendor's own objects that are among them.
    objects: BTreeSet<ObjectId>,
}

impl<'a> Places<'a> {
    pub fn new(
        state: &'a Effective,
        files: &[RenderedFile],
        attributes: impl Iterator<Item = &'a AttributePath>,
    ) -> Self {
        let mut paths: BTreeMap<&str, Vec<&AttributePath>> = BTreeMap::new();
        attributes.for_each(|path| paths.entry(path.scope()).or_default().push(path));
        let mut objects = BTreeSet::new();
        if paths.keys().any(|scope| matches!(Scope::split(scope).0, Scope::Object)) {
            let (_, namespace) = super::super::found::place(files);
            let originals = object::originals(&state.template, &state.documents, &namespace);
            let raw = files.iter().filter(|file| file.is_raw()).flat_map(RenderedFile::objects);
            let named = raw.filter_map(ObjectId::of).filter(|id| {
                let path = object::path(&originals, id);
                path.is_some_and(|path| paths.contains_key(path.scope()))
            });
            objects = named.collect();
        }
        Self { template: &state.template, paths, objects }
    }

    /// The places of the attributes in an object, which the target has as `live`.
    pub fn of(&self, file: &RenderedFile, id: &ObjectId, live: &Value) -> BTreeSet<Spot> {
        let mut out = BTreeSet::new();
        if file.is_raw() {
            if self.objects.contains(id) {
                raw(id, live, &mut out);
            }
            return out;
        }
        if let Some(component) = file.component() {
            for path in self.paths.get(component.as_str()).into_iter().flatten() {
                match id.kind.as_str() {
                    "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob" => {
                        workload(path, component.as_str(), live, &mut out);
                    }
                    "ConfigMap" => self.file(path, &mut out),
                    "HorizontalPodAutoscaler" if path.field() == "scaling" => scaler(&mut out),
                    _ => {}
                }
            }
        }
        for (scope, paths) in &self.paths {
            let (scope, name) = Scope::split(scope);
            let ends = |kind: &str| id.name.ends_with(&format!("-{kind}{name}"));
            for path in paths {
                match (scope, id.kind.as_str()) {
                    (Scope::Plugin, "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob") => {
                        out.extend(variable(path).into_iter().flat_map(|key| {
                            plugin_containers(live, name).map(move |place| place.field("env").entry(key))
                        }));
                    }
                    (Scope::Plugin, "ConfigMap") if ends("plugin-") => self.file(path, &mut out),
                    (Scope::Group, "ConfigMap") if ends("group-") => {
                        out.extend(Some(Spot::below(&["data"]).field(path.field())));
                    }
                    (Scope::Route, "Ingress") if ends("route-") => route(path, live, &mut out),
                    (Scope::Stream, "Service") if ends("stream-") => {
                        out.insert(Spot::below(&["spec", "ports"]));
                    }
                    _ => {}
                }
            }
        }
        out
    }

    /// The content of a file.
    fn file(&self, path: &AttributePath, out: &mut BTreeSet<Spot>) {
        if path.field() != "config" {
            return;
        }
        let (scope, name) = Scope::split(path.scope());
        let files = match scope {
            Scope::Plugin => self.template.plugins.iter().find(|p| p.name.as_str() == name).map(|p| &p.config),
            _ => self.template.components.iter().find(|c| c.name.as_str() == name).map(|c| &c.config),
        };
        let file = files.into_iter().flatten().find(|file| Some(file.path.as_str()) == path.key());
        for field in ["data", "binaryData"] {
            out.extend(file.map(|file| Spot::below(&[field]).field(&file.path.key())));
        }
    }
}

fn variable(path: &AttributePath) -> Option<&str> {
    path.key().filter(|_| path.field() == "env")
}

fn pods(live: &Value) -> Spot {
    match live.pointer("/spec/jobTemplate") {
        Some(_) => Spot::below(&["spec", "jobTemplate", "spec", "template"]),
        None => Spot::below(&["spec", "template"]),
    }
}

fn workload(path: &AttributePath, component: &str, live: &Value, out: &mut BTreeSet<Spot>) {
    let pods = pods(live);
    let container = pods.field("spec").field("containers").entry(component);
    let key = path.key().unwrap_or_default();
    match path.field() {
        "replicas" => _ = out.insert(Spot::below(&["spec", "replicas"])),
        "command" | "args" => _ = out.insert(container.field(path.field())),
        "env" => _ = out.insert(container.field("env").entry(key)),
        "probes" => _ = out.insert(container.field(&format!("{key}Probe"))),
        "resources" => {
            if let Some((kind, name)) = key.split_once('.') {
                out.insert(container.field("resources").field(kind).field(name));
            }
        }
        "labels" => _ = out.insert(pods.field("metadata").field("labels").field(key)),
        "kubernetes" if key == "annotations" => entries(&pods.field("metadata").field("annotations"), live, out),
        "kubernetes" => {
            let spec = pods.field("spec");
            let fields = POD.iter().map(|f| (&spec, f)).chain(CONTAINER.iter().map(|f| (&container, f)));
            out.extend(fields.filter(|(_, (_, ours))| *ours == key).map(|(place, (kube, _))| place.field(kube)));
        }
        "plugins" => out.extend(plugin_containers(live, key).map(|place| place.field("env"))),
        _ => {}
    }
}

/// Where a plugin's containers are.
fn plugin_containers<'v>(live: &'v Value, plugin: &'v str) -> impl Iterator<Item = Spot> + 'v {
    let spec = pods(live).field("spec");
    ["containers", "initContainers"]
        .into_iter()
        .flat_map(move |list| [format!("plugin-{plugin}"), plugin.to_owned()].map(|name| spec.field(list).entry(&name)))
        .filter(|place| place.find(live).is_some())
}

/// The entries of a map of texts but for those that are no one's word on the application.
fn entries(map: &Spot, live: &Value, out: &mut BTreeSet<Spot>) {
    let keys = map.find(live).and_then(Value::as_object).into_iter().flat_map(|map| map.keys());
    out.extend(keys.filter(|key| !is_reserved(key)).map(|key| map.field(key)));
}

fn scaler(out: &mut BTreeSet<Spot>) {
    let fields = ["minReplicas", "maxReplicas", "metrics", "behavior", "targetCPUUtilizationPercentage"];
    out.extend(fields.map(|field| Spot::below(&["spec", field])));
}

fn route(path: &AttributePath, live: &Value, out: &mut BTreeSet<Spot>) {
    let annotations = Spot::below(&["metadata", "annotations"]);
    match path.field() {
        "annotations" => entries(&annotations, live, out),
        "tlsSecret" => _ = out.insert(Spot::below(&["spec", "tls"])),
        "class" => {
            out.insert(annotations.field("kubernetes.io/ingress.class"));
            out.insert(Spot::below(&["spec", "ingressClassName"]));
        }
        _ => _ = out.insert(Spot::below(&["spec", "rules"])),
    }
}

/// Of an object that a file says, everything is somebody's word; of one that a server has, only what a `ConfigMap` holds.
fn raw(id: &ObjectId, live: &Value, out: &mut BTreeSet<Spot>) {
    if live.pointer("/metadata/uid").is_some() {
        if id.group.is_empty() && id.kind == "ConfigMap" {
            for map in ["data", "binaryData"] {
                entries_of_all(&Spot::below(&[map]), live, out);
            }
        }
        return;
    }
    let fields = live.as_object().into_iter().flat_map(|fields| fields.keys());
    let said = fields.filter(|field| !matches!(field.as_str(), "apiVersion" | "kind" | "metadata" | "status"));
    out.extend(said.map(|field| Spot::below(&[field])));
    for map in ["labels", "annotations"] {
        entries_of_all(&Spot::below(&["metadata", map]), live, out);
    }
}

fn entries_of_all(map: &Spot, live: &Value, out: &mut BTreeSet<Spot>) {
    let keys = map.find(live).and_then(Value::as_object).into_iter().flat_map(|map| map.keys());
    out.extend(keys.map(|key| map.field(key)));
}
