//! A cluster in memory, for laws about whole plans. It keeps what an API server keeps: what is applied is merged as a
//! server-side apply merges it (Kubernetes, structured-merge-diff), defaults are filled in, and others' fields stay.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Live, ObjectId};
use crate::plan::Leftovers;
use crate::plan::leftovers::{operations, take_away};
use crate::render::RenderedFile;

/// The objects of a cluster.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cluster {
    objects: BTreeMap<ObjectId, Object>,
    clock: u64,
}

#[derive(Debug, Clone)]
struct Object {
    /// What was applied last.
    ours: Value,
    /// What somebody else wrote last.
    theirs: Value,
    /// The object as the server has it.
    live: Value,
}

impl Cluster {
    /// Applies the objects of a file, forced, after taking away what is left over in them.
    pub fn apply(&mut self, file: &RenderedFile, leftovers: &Leftovers) {
        for new in file.objects() {
            let id = ObjectId::of(new).unwrap();
            let (ours, theirs, mut before) = match self.objects.remove(&id) {
                Some(Object { ours, theirs, live }) => (ours, theirs, live),
                None => (json!({}), json!({}), json!({})),
            };
            let left = leftovers.get(&id).map(Vec::as_slice).unwrap_or_default();
            if !before["metadata"].is_null() {
                let patch = operations(left, &before);
                take_away(left, &mut before);
                assert_eq!(operations(left, &before), Vec::<Value>::new(), "{patch:?}");
            }
            // What another manager wrote is not taken away with ours.
            let mut shared = ours.clone();
            disown(&mut shared, &theirs);
            let live = self.written(merged(&before, &shared, new), &before);
            self.objects.insert(id, Object { ours: new.clone(), theirs, live });
        }
    }

    /// Removes objects.
    pub fn remove(&mut self, ids: &[ObjectId]) {
        for id in ids {
            self.objects.remove(id);
        }
    }

    /// Lets somebody else make of the objects what `files` say. What is not there is not made, and nobody but Sealift writes its
    /// annotations.
    pub fn edit(&mut self, files: &[RenderedFile]) {
        for new in files.iter().flat_map(RenderedFile::objects) {
            let Some(object) = self.objects.remove(&ObjectId::of(new).unwrap()) else { continue };
            let Object { ours, live: before, .. } = object;
            let mut live = merged(&before, &ours, new);
            for place in ["/metadata", "/spec/template/metadata", "/spec/jobTemplate/spec/template/metadata"] {
                let Some(annotations) = before.pointer(place).and_then(|m| m.get("annotations")) else { continue };
                let own = annotations.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("sealift.dev/"));
                for (name, value) in own {
                    live.pointer_mut(place).unwrap()["annotations"][name] = value.clone();
                }
            }
            let live = self.written(live, &before);
            self.objects.insert(ObjectId::of(new).unwrap(), Object { ours, theirs: new.clone(), live });
        }
    }

    /// What a plan sees.
    pub fn live(&self) -> Live {
        Live { objects: self.objects.iter().map(|(id, object)| (id.clone(), object.live.clone())).collect() }
    }

    /// The objects without what only counts changes.
    pub fn said(&self) -> BTreeMap<ObjectId, Value> {
        let mut live = self.live().objects;
        for object in live.values_mut() {
            object["metadata"].as_object_mut().unwrap().remove("resourceVersion");
        }
        live
    }

    /// What a server makes of an object that is written.
    fn written(&mut self, mut live: Value, before: &Value) -> Value {
        defaults(&mut live);
        if live["metadata"]["uid"].is_null() {
            live["metadata"]["uid"] = json!("6b1c7a5e");
            live["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
            live["status"] = json!({});
        }
        if live != *before {
            self.clock += 1;
            live["metadata"]["resourceVersion"] = json!(self.clock.to_string());
        }
        live
    }
}

/// Leaves of `ours` that `theirs` has as well, with the same value, go.
fn disown(ours: &mut Value, theirs: &Value) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => ours.retain(|name, value| match theirs.get(name) {
            Some(said @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => value != said,
            Some(other) => {
                disown(value, other);
                !value.as_array().is_some_and(Vec::is_empty)
            }
            None => true,
        }),
        (Value::Array(ours), Value::Array(theirs)) => ours.retain(|item| !theirs.contains(item)),
        _ => {}
    }
}

fn merged(live: &Value, ours: &Value, new: &Value) -> Value {
    let mut live = live.clone();
    without("", &mut live, ours, new);
    with("", &mut live, new);
    live
}

/// Takes away what was applied and is no longer.
fn without(field: &str, live: &mut Value, ours: &Value, new: &Value) {
    match (live, ours, new) {
        (Value::Object(live), Value::Object(ours), new) => {
            for (name, value) in ours {
                let Some(there) = live.get_mut(name) else { continue };
                let next = new.get(name);
                without(name, there, value, next.unwrap_or(&Value::Null));
                // With a field goes what a server added within, but not what others put into a map or a list.
                let left = match there {
                    Value::Object(fields) => is_map(name) && !fields.is_empty(),
                    Value::Array(items) => items.iter().any(|item| key(name, item).is_some()),
                    _ => false,
                };
                if next.is_none() && !left {
                    live.remove(name);
                }
            }
        }
        (Value::Array(live), Value::Array(ours), new) => {
            let new = new.as_array().map(Vec::as_slice).unwrap_or_default();
            live.retain_mut(|item| {
                let Some(key) = key(field, item) else { return !new.is_empty() };
                let of = |list: &[Value]| list.iter().find(|i| self::key(field, i).as_ref() == Some(&key)).cloned();
                match (of(ours), of(new)) {
                    (Some(ours), Some(new)) => {
                        without("", item, &ours, &new);
                        true
                    }
                    (Some(_), None) => false,
                    (None, _) => true,
                }
            });
        }
        _ => {}
    }
}

/// Puts in what is applied.
fn with(field: &str, live: &mut Value, new: &Value) {
    match (live, new) {
        (Value::Object(live), Value::Object(new)) if field != "nodeSelector" => {
            for (name, value) in new {
                with(name, live.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(live), Value::Array(new)) if new.iter().all(|item| key(field, item).is_some()) => {
            let mut list = Vec::new();
            for item in new {
                let same = |i: &Value| key(field, i) == key(field, item);
                let mut there = live.iter().position(same).map_or_else(|| json!({}), |at| live.remove(at));
                with("", &mut there, item);
                list.push(there);
            }
            list.append(live);
            *live = list;
        }
        (live, new) => *live = new.clone(),
    }
}

fn is_map(field: &str) -> bool {
    matches!(field, "data" | "binaryData" | "labels" | "annotations" | "requests" | "limits" | "resources" | "metadata")
}

/// What tells an entry of a list from others, where Kubernetes merges the list.
fn key(field: &str, item: &Value) -> Option<String> {
    let by: &[&str] = match field {
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" => &["name"],
        "ports" if item.get("containerPort").is_some() => &["containerPort", "protocol"],
        "ports" => &["port", "protocol"],
        "volumeMounts" => &["mountPath"],
        "hostAliases" => &["ip"],
        "topologySpreadConstraints" => &["topologyKey", "whenUnsatisfiable"],
        _ => return None,
    };
    by.iter().map(|name| item.get(name).map(Value::to_string)).collect()
}

/// What a server says where nothing was said (`core/v1/defaults.go` and its like; what 1.20.2 answers is in
/// `testdata/kubernetes`).
fn defaults(object: &mut Value) {
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    let Some(spec) = object.get_mut("spec") else { return };
    match kind.as_str() {
        "Deployment" => fill(spec, json!({"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})),
        "StatefulSet" => {
            fill(spec, json!({"replicas": 1, "revisionHistoryLimit": 10, "podManagementPolicy": "OrderedReady"}));
            fill(spec, json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}}));
            for claim in spec.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten() {
                claim["apiVersion"] = json!("v1");
                fill(claim, json!({"status": {"phase": "Pending"}}));
                fill(&mut claim["spec"], json!({"volumeMode": "Filesystem"}));
            }
        }
        "DaemonSet" => fill(spec, json!({"revisionHistoryLimit": 10, "updateStrategy": {"type": "RollingUpdate"}})),
        "Job" => fill(spec, json!({"backoffLimit": 6, "completions": 1, "parallelism": 1})),
        "CronJob" => fill(spec, json!({"concurrencyPolicy": "Allow", "suspend": false, "failedJobsHistoryLimit": 1})),
        "PersistentVolumeClaim" => {
            fill(spec, json!({"volumeMode": "Filesystem", "volumeName": "pv", "storageClassName": "standard"}));
        }
        "Service" => service(spec),
        "Ingress" => fill(spec, json!({"ingressClassName": "default"})),
        "HorizontalPodAutoscaler" => {
            fill(spec, json!({"minReplicas": 1}));
            for (_, rules) in spec.get_mut("behavior").and_then(Value::as_object_mut).into_iter().flatten() {
                fill(rules, json!({"selectPolicy": "Max"}));
            }
        }
        _ => {}
    }
    for place in ["/template", "/jobTemplate/spec/template"] {
        if let Some(template) = spec.pointer_mut(place) {
            fill(template, json!({"metadata": {}}));
            template["metadata"]["creationTimestamp"] = Value::Null;
            pods(&mut template["spec"]);
        }
    }
}

fn service(spec: &mut Value) {
    fill(spec, json!({"type": "ClusterIP", "sessionAffinity": "None"}));
    if spec["type"] != "ExternalName" {
        fill(spec, json!({"clusterIP": "10.96.0.7"}));
    }
    if spec["type"] == "NodePort" || spec["type"] == "LoadBalancer" {
        for (number, port) in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
            fill(port, json!({"nodePort": 31_000 + number}));
        }
    }
}

fn pods(spec: &mut Value) {
    fill(spec, json!({"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler"}));
    fill(spec, json!({"terminationGracePeriodSeconds": 30, "securityContext": {}}));
    let fields = spec.as_object_mut().unwrap();
    for list in ["containers", "initContainers"] {
        for container in fields.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            fill(container, json!({"terminationMessagePath": "/dev/termination-log", "resources": {}}));
            if let Some(limits) = container["resources"].get("limits").cloned() {
                fill(&mut container["resources"], json!({"requests": {}}));
                fill(&mut container["resources"]["requests"], limits);
            }
            for probe in ["readinessProbe", "livenessProbe", "startupProbe"] {
                if let Some(probe) = container.get_mut(probe) {
                    fill(probe, json!({"timeoutSeconds": 1, "periodSeconds": 10}));
                    fill(probe, json!({"successThreshold": 1, "failureThreshold": 3}));
                    if let Some(http) = probe.get_mut("httpGet") {
                        fill(http, json!({"scheme": "HTTP"}));
                    }
                }
            }
        }
    }
    for volume in fields.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(map) = volume.get_mut("configMap") {
            fill(map, json!({"defaultMode": 420}));
        }
    }
}

/// Adds the fields that are not there.
fn fill(value: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (value, more) {
        for (name, value) in more {
            fields.entry(name).or_insert(value);
        }
    }
}

mod tests {
    use super::*;
    use crate::plan::{Leftover, Spot};

    fn file(object: Value) -> RenderedFile {
        RenderedFile::new("90-a.yaml".to_owned(), vec![object]).unwrap()
    }

    #[test]
    fn what_others_set_stays_and_what_is_no_longer_applied_goes() {
        let map =
            |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data});
        let none = Leftovers::new();
        let mut cluster = Cluster::default();
        let data = |cluster: &Cluster| cluster.said().values().next().unwrap()["data"].clone();
        cluster.apply(&file(map(json!({"a": "1", "b": "2"}))), &none);
        cluster.edit(&[file(map(json!({"a": "9", "b": "2", "c": "3"})))]);
        assert_eq!(data(&cluster), json!({"a": "9", "b": "2", "c": "3"}));
        cluster.apply(&file(map(json!({"a": "1", "b": "2", "d": "4"}))), &none);
        assert_eq!(data(&cluster), json!({"a": "1", "b": "2", "c": "3", "d": "4"}));
        cluster.apply(&file(map(json!({"a": "1"}))), &none);
        assert_eq!(data(&cluster), json!({"a": "1", "b": "2", "c": "3"}), "b is theirs as well");
        let left = |key: &str| Leftover { spot: Spot::below(&["data", key]), instead: None };
        let id = cluster.objects.keys().next().unwrap().clone();
        cluster.apply(&file(map(json!({"a": "1"}))), &Leftovers::from([(id, vec![left("b"), left("c")])]));
        assert_eq!(data(&cluster), json!({"a": "1"}));
    }
}
