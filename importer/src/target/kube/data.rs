//! What the claims of an installation hold (spec/installation.md section 5).

use std::io::Write;
use std::time::Duration;

use bundle_format::Digest;
use serde_json::{Value, json};

use super::discovery::check_name;
use super::failure::Failure;
use super::observe::typed;
use super::owner;
use super::patience::{BRIEF, Patience};
use super::target::KubeTarget;
use crate::target::{Data, Event, Fill, Filled, Helper, ObjectId, TargetError, Watch};

/// On a workload that is stopped: how many replicas it had.
const STOPPED: &str = "sealift.dev/stopped-replicas";

/// On a claim that is filled: `begun` or `done`, and with what.
const FILLED: &str = "sealift.dev/filled";
const BEGUN: &str = "begun";
const DONE: &str = "done";

const POLL: Duration = Duration::from_millis(500);

impl KubeTarget {
    fn claims_path(&self) -> String {
        format!("/api/v1/namespaces/{}/persistentvolumeclaims", self.place.namespace)
    }

    /// Changes what `change` makes of the object as it is, if it makes anything of it.
    fn change(
        &self,
        id: &ObjectId,
        patience: &Patience,
        watch: &dyn Watch,
        change: impl Fn(&Value) -> Option<Value>,
    ) -> Result<bool, TargetError> {
        let what = format!("changing {id}");
        let done = patience.insist(&what, watch, || {
            let Some(live) = self.live(id)? else { return Ok(false) };
            if !owner::owns(&self.place, &live) {
                return Ok(false);
            }
            let Some(mut patch) = change(&live) else { return Ok(false) };
            // Somebody else's change since then is a conflict, and looked at again.
            patch["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
            let Some(resource) = self.cluster.types().find(&id.group, &id.kind).cloned() else { return Ok(false) };
            let path = resource.collection(id.namespace.as_deref())?;
            self.cluster.session.merge(&path, check_name(&id.name)?, &patch).map(|_| true)
        });
        done.map_err(|e| e.doing(what))
    }

    /// Waits until no pod mounts any of `claims`.
    fn wait_free(&self, claims: &[String], patience: &Patience, watch: &dyn Watch) -> Result<(), TargetError> {
        let pods = format!("/api/v1/namespaces/{}/pods", self.place.namespace);
        let mut told = String::new();
        loop {
            let found = patience.insist("listing pods", watch, || self.cluster.session.list(&pods, "", ""));
            let found = found.map_err(|e| e.doing("listing pods"))?;
            let Some((pod, claim)) = found.iter().find_map(|pod| Some((pod, mounts(pod, claims)?))) else {
                return Ok(());
            };
            let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let namespace = Some(self.place.namespace.to_string());
            let id = ObjectId { group: String::new(), kind: "Pod".to_owned(), namespace, name };
            let why = format!("it still mounts {claim}");
            if patience.is_over() {
                let details = vec![
                    "data is read when nothing uses it: end what is no part of the installation, or a job".to_owned(),
                ];
                return Err(TargetError::NotReady { object: id, waited: patience.spent(), why, details });
            }
            if told != id.name {
                watch.event(&Event::Waiting { object: &id, why: &why, since: patience.spent() });
                told.clone_from(&id.name);
            }
            patience.sleep(POLL, watch)?;
        }
    }

    /// Refuses to let anything run on claims of the installation that an import has begun to fill, and no more.
    pub(super) fn refuse_half_filled(&self) -> Result<(), TargetError> {
        let listed =
            Patience::new(BRIEF).insist("listing", &(), || self.cluster.session.list(&self.claims_path(), "", ""));
        let namespace = self.place.namespace.to_string();
        let listed = listed.map_err(|e| e.doing(format!("listing persistentvolumeclaims in {namespace}")))?;
        let listed: Vec<Value> = listed.into_iter().map(|claim| typed(claim, "v1", "PersistentVolumeClaim")).collect();
        let is_begun = |claim: &&Value| owner::owns(&self.place, claim) && is_half_filled(claim);
        let names = listed.iter().filter(is_begun).filter_map(|claim| claim.pointer("/metadata/name")?.as_str());
        let claims: Vec<String> = names.map(str::to_owned).collect();
        if claims.is_empty() { Ok(()) } else { Err(TargetError::HalfFilled { namespace, claims }) }
    }

    /// The error of a command that reads or fills a claim.
    fn tar_failed(&self, claim: &str, what: &str, failure: Failure) -> TargetError {
        let Failure::Nonsense(why) = &failure else { return failure.doing(format!("the claim {claim}: {what}")) };
        let namespace = Some(self.place.namespace.to_string());
        let kind = "PersistentVolumeClaim".to_owned();
        let object = ObjectId { group: String::new(), kind, namespace, name: claim.to_owned() };
        TargetError::Failed { object, why: format!("{what}: {why}"), details: Vec::new() }
    }

    fn mark(&self, claim: &str, text: &str) -> Result<(), TargetError> {
        let patch = json!({"metadata": {"annotations": {FILLED: text}}});
        let done = Patience::new(BRIEF).insist("marking a claim", &(), || {
            self.cluster.session.merge(&self.claims_path(), check_name(claim)?, &patch)
        });
        done.map(drop).map_err(|e| e.doing(format!("marking the claim {claim}")))
    }
}

/// The one of `claims` that a pod mounts, unless it has ended.
fn mounts<'a>(pod: &Value, claims: &'a [String]) -> Option<&'a String> {
    let phase = pod.pointer("/status/phase").and_then(Value::as_str);
    if matches!(phase, Some("Succeeded" | "Failed")) {
        return None;
    }
    let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array)?;
    let mut mounted = volumes.iter().filter_map(|v| v.pointer("/persistentVolumeClaim/claimName")?.as_str());
    mounted.find_map(|name| claims.iter().find(|claim| *claim == name))
}

/// How a workload is stopped: what it had is said in the same change.
fn stop(live: &Value) -> Option<Value> {
    if live["metadata"]["annotations"].get(STOPPED).is_some() {
        return None;
    }
    let replicas = live.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    (replicas > 0)
        .then(|| json!({"metadata": {"annotations": {STOPPED: replicas.to_string()}}, "spec": {"replicas": 0}}))
}

/// Whether an import has begun to fill a claim, and did not come to its end.
fn is_half_filled(claim: &Value) -> bool {
    let said = claim.pointer("/metadata/annotations").and_then(|all| all.get(FILLED)).and_then(Value::as_str);
    said.and_then(|text| text.split_once(' ')).is_some_and(|(how, _)| how == BEGUN)
}

/// Whether a workload is stopped while its data is read, or since that was interrupted.
pub(super) fn is_stopped(live: &Value) -> bool {
    live.pointer("/metadata/annotations").is_some_and(|all| all.get(STOPPED).is_some())
}

/// A stopped workload as it was: that it is stopped is nobody's wish for it. The annotation may be on anything, and by anybody.
pub(super) fn as_it_was(live: &mut Value) {
    let Some(was) = start(live) else { return };
    match live.get_mut("spec").and_then(|spec| spec.get_mut("replicas")) {
        Some(replicas) => *replicas = was["spec"]["replicas"].clone(),
        None => return,
    }
    if let Some(annotations) = live.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(STOPPED);
    }
}

/// How a workload that was stopped is started.
fn start(live: &Value) -> Option<Value> {
    let had: u32 = live["metadata"]["annotations"].get(STOPPED)?.as_str()?.parse().ok()?;
    // Who scaled it since knows better.
    let is = live.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(0);
    let replicas = if is == 0 { u64::from(had) } else { is };
    Some(json!({"metadata": {"annotations": {STOPPED: null}}, "spec": {"replicas": replicas}}))
}

impl Data for KubeTarget {
    fn claims(&self) -> Result<Vec<String>, TargetError> {
        let live = self.look(&self.place, &[])?;
        let claims = live.objects.keys().filter(|id| id.group.is_empty() && id.kind == "PersistentVolumeClaim");
        Ok(claims.map(|id| id.name.clone()).collect())
    }

    fn stop(
        &mut self,
        workloads: &[ObjectId],
        claims: &[String],
        patience: Duration,
        watch: &dyn Watch,
    ) -> Result<(), TargetError> {
        let patience = Patience::new(patience);
        for id in workloads {
            if self.change(id, &patience, watch, stop)? {
                watch.event(&Event::Waiting {
                    object: id,
                    why: "stopped while its data is read",
                    since: patience.spent(),
                });
            }
            self.wait_stopped(id, &patience, watch)?;
        }
        self.wait_free(claims, &patience, watch)
    }

    fn start(
        &mut self,
        workloads: &[ObjectId],
        patience: Duration,
        watch: &dyn Watch,
    ) -> Result<Vec<ObjectId>, TargetError> {
        let patience = Patience::new(patience.max(BRIEF));
        let (mut started, mut failed) = (Vec::new(), None);
        for id in workloads {
            match self.change(id, &patience, watch, start) {
                Ok(true) => {
                    watch.event(&Event::Applied(id));
                    started.push(id.clone());
                }
                Ok(false) => {}
                // The others are started all the same.
                Err(e) => failed = Some(e),
            }
        }
        failed.map_or(Ok(started), Err)
    }

    fn read(
        &mut self,
        claim: &str,
        helper: &Helper,
        patience: Duration,
        watch: &dyn Watch,
        out: &mut dyn Write,
    ) -> Result<u64, TargetError> {
        let pod = self.helper(claim, true, helper, patience, watch)?;
        let command = ["sh", "-c", "exec tar -c -f - -C /data ."];
        let read = self.cluster.session.exec_read((self.place.namespace.as_str(), &pod.name), &command, out, watch);
        read.map_err(|e| self.tar_failed(claim, "reading it with tar", e))
    }

    fn filled(&self, claim: &str, content: &Digest) -> Result<Filled, TargetError> {
        let found = Patience::new(BRIEF)
            .insist("looking", &(), || self.cluster.session.find(&self.claims_path(), check_name(claim)?))
            .map_err(|e| e.doing(format!("looking for the claim {claim}")))?;
        let Some(live) = found else { return Ok(Filled::Absent) };
        let with = live["metadata"]["annotations"].get(FILLED).and_then(Value::as_str).unwrap_or_default();
        Ok(match with.split_once(' ') {
            Some((how, digest)) if digest == content.to_string() => match how {
                BEGUN => Filled::Begun,
                DONE => Filled::Done,
                _ => Filled::Other,
            },
            _ => Filled::Other,
        })
    }

    fn begin(
        &mut self,
        claim: &Value,
        content: &Digest,
        patience: Duration,
        watch: &dyn Watch,
    ) -> Result<(), TargetError> {
        let name = claim.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let patience = Patience::new(patience);
        self.make_namespace(self.place.namespace.as_str(), &patience, watch)?;
        let mut object = owner::signed(&self.place, claim);
        // In the same request: a claim that is there and says nothing is somebody's.
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            let mut annotations = metadata.get("annotations").and_then(Value::as_object).cloned().unwrap_or_default();
            annotations.insert(FILLED.to_owned(), format!("{BEGUN} {content}").into());
            metadata.insert("annotations".to_owned(), annotations.into());
        }
        let what = format!("making the claim {name}");
        let made = patience.insist(&what, watch, || match self.cluster.session.create(&self.claims_path(), &object) {
            Err(e) if e.is_conflict() && matches!(self.filled(name, content), Ok(Filled::Begun)) => Ok(()),
            other => other.map(drop),
        });
        made.map_err(|e| e.doing(what))
    }

    fn fill(&mut self, claim: &str, (content, size): (&Digest, u64), fill: Fill<'_>) -> Result<(), TargetError> {
        let pod = self.helper(claim, false, fill.helper, fill.patience, fill.watch)?;
        // Older servers cannot say that the input ends, so it is counted.
        let size = size.to_string();
        let command = ["sh", "-c", "head -c \"$1\" | tar -x -p -f - -C /data", "sh", &size];
        let target = (self.place.namespace.as_str(), pod.name.as_str());
        let filled = self.cluster.session.exec_write(target, &command, fill.tar, fill.watch);
        // Whoever reads to the end of it alone knows that all of it is what was signed.
        let ended = filled.and_then(|()| {
            let rest = std::io::copy(fill.tar, &mut std::io::sink());
            rest.map(drop).map_err(|e| Failure::Nonsense(format!("what it is to read: {e}")))
        });
        ended.map_err(|e| self.tar_failed(claim, "filling it with tar", e))?;
        drop(pod);
        self.mark(claim, &format!("{DONE} {content}"))
    }
}

impl KubeTarget {
    /// Waits until a workload has no pods.
    fn wait_stopped(&self, id: &ObjectId, patience: &Patience, watch: &dyn Watch) -> Result<(), TargetError> {
        loop {
            let found = patience.insist("waiting for the end", watch, || self.live(id));
            let live = found.map_err(|e: Failure| e.doing(format!("looking for {id}")))?;
            let Some(live) = live else { return Ok(()) };
            let count = |path: &str| live.pointer(path).and_then(Value::as_u64).unwrap_or(0);
            let seen = count("/status/observedGeneration") >= count("/metadata/generation");
            if count("/spec/replicas") > 0 || (seen && count("/status/replicas") == 0) {
                return Ok(());
            }
            if patience.is_over() {
                let (waited, why) = (patience.spent(), "it still has pods".to_owned());
                return Err(TargetError::NotReady { object: id.clone(), waited, why, details: Vec::new() });
            }
            patience.sleep(POLL, watch)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stopped_says_what_it_had_and_is_started_with_that() {
        let stopped = stop(&json!({"metadata": {}, "spec": {"replicas": 3}})).unwrap();
        assert_eq!(stopped, json!({"metadata": {"annotations": {STOPPED: "3"}}, "spec": {"replicas": 0}}));
        // Stopped twice, it still had three.
        assert_eq!(stop(&stopped), None);
        assert_eq!(stop(&json!({"metadata": {}, "spec": {"replicas": 0}})), None);
        let back = start(&stopped).unwrap();
        assert_eq!(back, json!({"metadata": {"annotations": {STOPPED: null}}, "spec": {"replicas": 3}}));
        assert_eq!(start(&json!({"metadata": {}, "spec": {"replicas": 0}})), None);
        let scaled = json!({"metadata": {"annotations": {STOPPED: "3"}}, "spec": {"replicas": 5}});
        assert_eq!(start(&scaled).unwrap()["spec"]["replicas"], 5);
        let mut was = stopped.clone();
        as_it_was(&mut was);
        assert_eq!((is_stopped(&stopped), is_stopped(&was), &was["spec"]["replicas"]), (true, false, &json!(3)));
        for other in [json!("text"), json!([1]), json!({"key": "value"})] {
            let annotated = json!({"metadata": {"annotations": {STOPPED: "3"}}, "spec": other});
            let mut was = annotated.clone();
            as_it_was(&mut was);
            assert_eq!(was, annotated);
        }
    }

    #[test]
    fn a_claim_is_half_filled_until_it_says_that_it_is_done() {
        let claim = |said: &str| json!({"metadata": {"annotations": {FILLED: said}}});
        assert!(is_half_filled(&claim("begun sha256:a")));
        assert!(!is_half_filled(&claim("done sha256:a")) && !is_half_filled(&json!({"metadata": {}})));
    }

    #[test]
    fn a_pod_that_has_ended_mounts_nothing() {
        let claims = ["a".to_owned(), "b".to_owned()];
        let pod = |phase: &str, claim: &str| json!({"spec": {"volumes": [{"emptyDir": {}}, {"persistentVolumeClaim": {"claimName": claim}}]}, "status": {"phase": phase}});
        assert_eq!(mounts(&pod("Running", "b"), &claims), Some(&claims[1]));
        assert_eq!(mounts(&pod("Succeeded", "b"), &claims), None);
        assert_eq!(mounts(&pod("Pending", "c"), &claims), None);
    }
}
