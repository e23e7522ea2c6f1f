//! The pod that reads and fills a claim.

use std::time::Duration;

use kube::api::DeleteParams;
use serde_json::{Value, json};

use bundle_format::Digest;

use super::failure::{Failure, plain};
use super::owner::{self, MANAGED_BY};
use super::patience::{BRIEF, Patience};
use super::target::KubeTarget;
use crate::target::{Event, Helper, ObjectId, TargetError, Watch};

const POLL: Duration = Duration::from_millis(500);

/// A pod that is deleted when this is dropped.
pub(super) struct HelperPod<'a> {
    target: &'a KubeTarget,
    pub name: String,
}

impl KubeTarget {
    fn pods(&self) -> String {
        format!("/api/v1/namespaces/{}/pods", self.place.namespace)
    }

    /// Starts a pod that mounts `claim` at `/data`, and waits until it runs.
    pub(super) fn helper<'a>(
        &'a self,
        claim: &str,
        reads: bool,
        helper: &Helper,
        patience: Duration,
        watch: &dyn Watch,
    ) -> Result<HelperPod<'a>, TargetError> {
        let patience = Patience::new(patience);
        // Of a claim's name only what is safe in a name of 63 bytes.
        let name = format!("sealift-data-{}", &Digest::of(claim.as_bytes()).hex()[..16]);
        let pod = HelperPod { target: self, name };
        pod.remove(&patience, watch)?;
        let object = owner::signed(&self.place, &self.helper_object(&pod.name, claim, reads, helper));
        let what = format!("making the pod {} for {claim}", pod.name);
        let made = patience.insist(&what, watch, || match self.cluster.session.create(&self.pods(), &object) {
            // There was none a moment ago: the answer to the request before was lost.
            Err(e) if e.is_conflict() => {
                let there = self.cluster.session.find(&self.pods(), &pod.name)?;
                if there.is_some_and(|there| owner::owns(&self.place, &there)) { Ok(()) } else { Err(e) }
            }
            made => made.map(drop),
        });
        made.map_err(|e| e.doing(what))?;
        pod.wait(&patience, watch)?;
        Ok(pod)
    }

    fn helper_object(&self, name: &str, claim: &str, reads: bool, helper: &Helper) -> Value {
        let secrets: Vec<Value> = helper.pull_secret.iter().map(|s| json!({"name": s})).collect();
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": name, "namespace": self.place.namespace.as_str(), "labels": {MANAGED_BY: "sealift"},
            },
            "spec": {
                "restartPolicy": "Never", "terminationGracePeriodSeconds": 0,
                // Nobody is left to delete it after a kill.
                "activeDeadlineSeconds": 86_400,
                "automountServiceAccountToken": false, "enableServiceLinks": false,
                "imagePullSecrets": secrets,
                "containers": [{
                    "name": "tar", "image": helper.image,
                    "command": ["sh", "-c", "while sleep 60; do :; done"],
                    // Files belong to whom the application runs as; only root reads and makes them all.
                    "securityContext": {"runAsUser": 0, "runAsNonRoot": false, "allowPrivilegeEscalation": false},
                    "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": reads}],
                }],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim, "readOnly": reads}}],
            },
        })
    }
}

impl HelperPod<'_> {
    fn id(&self) -> ObjectId {
        let namespace = Some(self.target.place.namespace.to_string());
        ObjectId { group: String::new(), kind: "Pod".to_owned(), namespace, name: self.name.clone() }
    }

    fn wait(&self, patience: &Patience, watch: &dyn Watch) -> Result<(), TargetError> {
        let (id, mut told) = (self.id(), String::new());
        loop {
            let found = patience.insist("looking for the pod", watch, || {
                self.target.cluster.session.get(&self.target.pods(), &self.name)
            });
            let pod = found.map_err(|e| e.doing(format!("looking for {id}")))?;
            let phase = pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default();
            let why = why(&pod);
            match phase {
                "Running" => return Ok(()),
                "Failed" | "Succeeded" => return Err(TargetError::Failed { object: id, why, details: Vec::new() }),
                _ if patience.is_over() => {
                    let waited = patience.spent();
                    return Err(TargetError::NotReady { object: id, waited, why, details: Vec::new() });
                }
                _ => {}
            }
            if told != why {
                watch.event(&Event::Waiting { object: &id, why: &why, since: patience.spent() });
                told = why;
            }
            patience.sleep(POLL, watch)?;
        }
    }

    /// Deletes the pod, and waits until its claim is free.
    fn remove(&self, patience: &Patience, watch: &dyn Watch) -> Result<(), TargetError> {
        let session = &self.target.cluster.session;
        loop {
            let gone = patience.insist("removing the pod", watch, || {
                let Some(pod) = session.find(&self.target.pods(), &self.name)? else { return Ok(true) };
                if !owner::owns(&self.target.place, &pod) {
                    return Err(Failure::Nonsense(format!("the pod {} is not of this installation", self.name)));
                }
                match session.delete(&self.target.pods(), &self.name, &DeleteParams::default().grace_period(0)) {
                    Err(e) if !e.is_absence() => Err(e),
                    _ => Ok(false),
                }
            });
            if gone.map_err(|e| e.doing(format!("removing {}", self.id())))? {
                return Ok(());
            }
            if patience.is_over() {
                let (waited, why) = (patience.spent(), "it is being removed".to_owned());
                return Err(TargetError::NotReady { object: self.id(), waited, why, details: Vec::new() });
            }
            patience.sleep(POLL, watch)?;
        }
    }
}

impl Drop for HelperPod<'_> {
    fn drop(&mut self) {
        // Also when the work should end: it must not go on mounting the claim.
        // What is left after this ends by itself within a day, and is removed when the same claim is moved again.
        let _ = self.remove(&Patience::new(BRIEF), &());
    }
}

/// Why a pod does not run yet.
fn why(pod: &Value) -> String {
    let text = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let state =
        ["waiting", "terminated"].iter().find_map(|state| pod.pointer("/status/containerStatuses/0/state")?.get(state));
    let condition = pod
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .and_then(|all| all.iter().find(|c| text(c, "/type") == "PodScheduled" && text(c, "/status") == "False"));
    match state.or(condition) {
        Some(of) => plain(format!("{} {}", text(of, "/reason"), text(of, "/message")).trim(), 300),
        None => "it is being started".to_owned(),
    }
}
