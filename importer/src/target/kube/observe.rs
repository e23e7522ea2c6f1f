//! What is there of an installation.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::apply::is_namespace;
use super::cluster::Cluster;
use super::data;
use super::discovery::{Resource, check_name};
use super::failure::Failure;
use super::owner::{self, INSTANCE};
use super::patience::{BRIEF, Patience};
use super::session::MANAGER;
use super::target::KubeTarget;
use crate::render::Namespace;
use crate::target::{Live, ObjectId, Place, TargetError};

/// The kinds that the renderer makes.
const KINDS: [(&str, &str); 13] = [
    ("", "ConfigMap"),
    ("", "Endpoints"),
    ("", "PersistentVolumeClaim"),
    ("", "Secret"),
    ("", "Service"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("monitoring.coreos.com", "ServiceMonitor"),
    ("networking.k8s.io", "Ingress"),
];

/// What else an application may consist of that is not of our making.
const OTHERS: [(&str, &str); 6] = [
    ("", "ServiceAccount"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("policy", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ("", "Pod"),
];

impl Cluster {
    /// The objects of a namespace that an application consists of, without those that a controller made: what a template may be made
    /// of. Of Secrets and everything else as the server has it.
    ///
    /// # Errors
    /// [`TargetError`]; there is none for a kind that the cluster does not have.
    pub fn application(&self, namespace: &Namespace) -> Result<Vec<Value>, TargetError> {
        let patience = Patience::new(BRIEF);
        let mut all = Live::default();
        for (group, kind) in KINDS.into_iter().chain(OTHERS) {
            let Some(resource) = self.types().find(group, kind).cloned() else { continue };
            let fail = |e: Failure| e.doing(format!("listing {} in {namespace}", resource.plural));
            let path = resource.collection(Some(namespace.as_str())).map_err(fail)?;
            let found = match patience.insist("listing", &(), || self.session.list(&path, "", "")) {
                // What sealift itself has no use for, the rights of spec/rbac.yaml leave out.
                Err(e) if e.is_forbidden() && OTHERS.contains(&(group, kind)) => continue,
                other => other.map_err(fail)?,
            };
            for object in found.into_iter().map(|object| typed(object, &resource.api_version, kind)) {
                if let Some(id) = ObjectId::of(&object).filter(|_| !has_controller(&object)) {
                    all.objects.insert(id, object);
                }
            }
        }
        drop_derived(&mut all);
        Ok(all.objects.into_values().collect())
    }
}

impl KubeTarget {
    /// One object, as the server has it; none if it is not there, or its type is not. A namespace that may not be asked for is
    /// taken to be there: rights in it were given.
    pub(super) fn live(&self, id: &ObjectId) -> Result<Option<Value>, Failure> {
        match self.asked(id) {
            Err(e) if e.is_forbidden() && is_namespace(id) => {
                Ok(Some(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": id.name}})))
            }
            other => other,
        }
    }

    fn asked(&self, id: &ObjectId) -> Result<Option<Value>, Failure> {
        let Some(resource) = self.cluster.types().find(&id.group, &id.kind).cloned() else { return Ok(None) };
        let Some(found) = self.asked_as(id, &resource)? else { return Ok(None) };
        // The same object says other fields under another version. Those that were applied are compared with.
        let applied = applied_as(&found).filter(|version| *version != resource.api_version);
        let Some(applied) = applied.and_then(|version| self.cluster.types().exact(id, version).cloned()) else {
            return Ok(Some(typed(found, &resource.api_version, &id.kind)));
        };
        Ok(self.asked_as(id, &applied)?.map(|object| typed(object, &applied.api_version, &id.kind)))
    }

    fn asked_as(&self, id: &ObjectId, resource: &Resource) -> Result<Option<Value>, Failure> {
        let path = resource.collection(id.namespace.as_deref())?;
        self.cluster.session.find(&path, check_name(&id.name)?)
    }

    pub(super) fn look(&self, place: &Place, known: &[ObjectId]) -> Result<Live, TargetError> {
        let patience = Patience::new(BRIEF);
        let mut live = Live::default();
        let namespace = Some(place.namespace.as_str());
        for (group, kind) in KINDS {
            let Some(resource) = self.cluster.types().find(group, kind).cloned() else { continue };
            let fail = |e: Failure| e.doing(format!("listing {} in {}", resource.plural, place.namespace));
            let path = resource.collection(namespace).map_err(fail)?;
            let labels = format!("{INSTANCE}={}", place.name);
            let found = patience.insist("listing", &(), || self.cluster.session.list(&path, &labels, ""));
            let found = found.map_err(fail)?;
            for object in found {
                let is_other = applied_as(&object).is_some_and(|version| version != resource.api_version);
                let object = typed(object, &resource.api_version, kind);
                let is_ours = !has_controller(&object) && owner::owns(place, &object);
                let Some(id) = ObjectId::of(&object).filter(|_| is_ours) else { continue };
                let object = match is_other {
                    true => patience.insist("looking", &(), || self.live(&id)).map_err(fail)?,
                    false => Some(object),
                };
                live.objects.extend(object.map(|object| (id, object)));
            }
        }
        for id in known.iter().filter(|id| !live.objects.contains_key(*id)).collect::<BTreeSet<_>>() {
            let found = patience.insist("looking", &(), || self.live(id));
            if let Some(object) = found.map_err(|e| e.doing(format!("looking for {id}")))? {
                live.objects.insert(id.clone(), object);
            }
        }
        drop_derived(&mut live);
        live.objects.values_mut().for_each(data::as_it_was);
        Ok(live)
    }
}

/// An object of a list says neither its version nor its kind. What the server writes down for itself is left out.
pub(super) fn typed(mut object: Value, version: &str, kind: &str) -> Value {
    if let Value::Object(map) = &mut object {
        map.insert("apiVersion".to_owned(), version.into());
        map.insert("kind".to_owned(), kind.into());
        if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
            metadata.remove("managedFields");
        }
    }
    object
}

/// The version under which we applied an object last, as the server has written it down.
fn applied_as(object: &Value) -> Option<&str> {
    let writers = object.pointer("/metadata/managedFields").and_then(Value::as_array)?;
    let is = |writer: &Value, key: &str, value: &str| writer.get(key).is_some_and(|v| v == value);
    let ours = writers.iter().find(|w| is(w, "manager", MANAGER) && is(w, "operation", "Apply"))?;
    ours.get("apiVersion").and_then(Value::as_str)
}

/// Whether a controller made it, as a cron job makes jobs.
fn has_controller(object: &Value) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.is_some_and(|all| all.iter().any(|o| o.get("controller") == Some(&Value::Bool(true))))
}

/// Endpoints of a service with a selector are the cluster's, which copies the service's labels to them.
fn drop_derived(live: &mut Live) {
    let selecting = |id: &ObjectId| {
        let service = ObjectId { kind: "Service".to_owned(), ..id.clone() };
        let selector = live.objects.get(&service).and_then(|s| s.pointer("/spec/selector")).and_then(Value::as_object);
        selector.is_some_and(|s| !s.is_empty())
    };
    let endpoints = live.objects.keys().filter(|id| id.group.is_empty() && id.kind == "Endpoints");
    let derived: Vec<ObjectId> = endpoints.filter(|id| selecting(id)).cloned().collect();
    for id in derived {
        live.objects.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cluster_derives_is_no_part_of_an_installation() {
        let id = |kind: &str, name: &str| ObjectId {
            group: String::new(),
            kind: kind.to_owned(),
            namespace: Some("a".to_owned()),
            name: name.to_owned(),
        };
        let mut live = Live::default();
        live.objects.insert(id("Service", "web"), json!({"spec": {"selector": {"a": "b"}}}));
        live.objects.insert(id("Endpoints", "web"), json!({}));
        live.objects.insert(id("Service", "db"), json!({"spec": {"ports": []}}));
        live.objects.insert(id("Endpoints", "db"), json!({}));
        drop_derived(&mut live);
        let names: Vec<String> = live.objects.keys().map(ToString::to_string).collect();
        assert_eq!(names, ["Endpoints db", "Service db", "Service web"]);
        assert!(has_controller(&json!({"metadata": {"ownerReferences": [{"kind": "CronJob", "controller": true}]}})));
        assert!(!has_controller(&json!({"metadata": {"ownerReferences": [{"kind": "App"}]}})));
    }

    #[test]
    fn the_version_that_was_applied_is_ours_and_nobody_elses() {
        let writer = |manager: &str, operation: &str, version: &str| json!({"manager": manager, "operation": operation, "apiVersion": version});
        let of = |writers: Value| applied_as(&json!({"metadata": {"managedFields": writers}})).map(str::to_owned);
        let (server, ours) = (writer("kube-controller-manager", "Update", "v2"), writer("sealift", "Apply", "v1"));
        assert_eq!(of(json!([server, writer("sealift", "Update", "v3"), ours])).as_deref(), Some("v1"));
        assert_eq!(of(json!([server])), None);
        assert_eq!(applied_as(&json!({"metadata": {}})), None);
    }

    #[test]
    fn an_object_of_a_list_says_its_kind_and_not_who_manages_what() {
        let object = typed(json!({"metadata": {"name": "a", "managedFields": [1]}}), "apps/v1", "Deployment");
        assert_eq!(object, json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}));
    }
}
