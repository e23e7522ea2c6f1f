//! What is around an object: its pods, its endpoints, events and logs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::api::LogParams;
use serde_json::Value;

use super::cluster::Cluster;
use super::discovery::check_name;
use super::failure::{Failure, plain};
use super::ready::{self, Around, Readiness, Trouble};
use super::wait::if_allowed;

/// Pods, events of each object, and lines of each log, that are told of.
const PODS: usize = 3;
const EVENTS: usize = 5;
const LINES: i64 = 10;

/// Longest line, in characters.
const LINE: usize = 400;

/// Kinds that are made of pods which they select.
const WORKLOADS: [&str; 5] = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"];

/// What is around objects, asked for once in a round.
pub(super) struct Surroundings<'a> {
    cluster: &'a Cluster,
    workloads: BTreeMap<String, Vec<Value>>,
}

fn text<'v>(object: &'v Value, path: &str) -> &'v str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

impl<'a> Surroundings<'a> {
    pub fn new(cluster: &'a Cluster) -> Self {
        Self { cluster, workloads: BTreeMap::new() }
    }

    fn list(
        &self,
        group: &str,
        kind: &str,
        namespace: &str,
        labels: &str,
        fields: &str,
    ) -> Result<Vec<Value>, Failure> {
        let Some(resource) = self.cluster.types().find(group, kind).cloned() else { return Ok(Vec::new()) };
        let mut found = self.cluster.session.list(&resource.collection(Some(namespace))?, labels, fields)?;
        for object in found.iter_mut().filter_map(Value::as_object_mut) {
            object.insert("kind".to_owned(), kind.into());
        }
        Ok(found)
    }

    /// What has to be known to judge `live`.
    pub fn of(&mut self, live: &Value) -> Result<Around, Failure> {
        let namespace = text(live, "/metadata/namespace");
        let mut around = Around::default();
        match (text(live, "/apiVersion"), text(live, "/kind")) {
            ("v1", "Service") => {
                around.pods_wanted = self.pods_wanted(namespace, live)?;
                if around.pods_wanted {
                    let path = format!("/api/v1/namespaces/{namespace}/endpoints");
                    around.endpoints = if_allowed(self.cluster.session.find(&path, text(live, "/metadata/name")))?;
                }
            }
            ("v1", "PersistentVolumeClaim") if text(live, "/status/phase") == "Pending" => {
                around.waits_for_consumer = self.waits_for_consumer(live)?;
            }
            _ => {}
        }
        Ok(around)
    }

    fn pods_wanted(&mut self, namespace: &str, service: &Value) -> Result<bool, Failure> {
        let Some(selector) = service.pointer("/spec/selector").and_then(Value::as_object) else { return Ok(false) };
        if !self.workloads.contains_key(namespace) {
            let mut all = Vec::new();
            for kind in ["Deployment", "StatefulSet", "DaemonSet"] {
                all.extend(if_allowed(self.list("apps", kind, namespace, "", ""))?);
            }
            self.workloads.insert(namespace.to_owned(), all);
        }
        let all = self.workloads.get(namespace).map(Vec::as_slice).unwrap_or_default();
        Ok(all.iter().any(|w| ready::selects(selector, w) && ready::wants_pods(w)))
    }

    /// Whether a claim waits for its first pod: its class says it, or, where classes may not be read, an event of the claim.
    fn waits_for_consumer(&self, claim: &Value) -> Result<bool, Failure> {
        if let Ok(class) = check_name(text(claim, "/spec/storageClassName")) {
            let class = self.cluster.session.find("/apis/storage.k8s.io/v1/storageclasses", class);
            if let Some(class) = if_allowed(class)? {
                return Ok(text(&class, "/volumeBindingMode") == "WaitForFirstConsumer");
            }
        }
        let events = self.events(claim)?;
        Ok(events.iter().any(|e| matches!(text(e, "/reason"), "WaitForFirstConsumer" | "WaitForPodScheduled")))
    }

    /// Events of an object, oldest first.
    fn events(&self, object: &Value) -> Result<Vec<Value>, Failure> {
        let fields = format!("involvedObject.uid={}", text(object, "/metadata/uid"));
        let mut events = if_allowed(self.list("", "Event", text(object, "/metadata/namespace"), "", &fields))?;
        let time = |event: &Value| {
            let times = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime"].map(|path| text(event, path));
            times.into_iter().find(|t| !t.is_empty()).unwrap_or_default().to_owned()
        };
        events.sort_by_key(time);
        Ok(events)
    }

    /// The pods of a workload that run what it says now; of a job as well.
    pub fn pods_of(&self, live: &Value) -> Result<Vec<Value>, Failure> {
        if WORKLOADS.contains(&text(live, "/kind")) { self.pods(live) } else { Ok(Vec::new()) }
    }

    /// What time it is for the cluster.
    pub fn now(&self) -> Result<Timestamp, Failure> {
        self.cluster.session.now()
    }

    /// The pods of a workload that run what it says now.
    fn pods(&self, workload: &Value) -> Result<Vec<Value>, Failure> {
        let labels = workload.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
        let Some(labels) = labels.filter(|l| !l.is_empty()) else { return Ok(Vec::new()) };
        let pairs: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        let mut pods = if_allowed(self.list("", "Pod", text(workload, "/metadata/namespace"), &pairs.join(","), ""))?;
        pods.retain(|pod| ready::runs_template(pod, workload) && pod.pointer("/metadata/deletionTimestamp").is_none());
        Ok(pods)
    }

    /// `why` an object is waited for, with what its pods say; or that it is of no use to wait. `hopeless` decides that from a
    /// trouble and the last word about it.
    pub fn with_pods(
        &self,
        pods: &[Value],
        why: String,
        hopeless: &mut dyn FnMut(&Trouble, &str) -> Option<&'static str>,
    ) -> Result<Readiness, Failure> {
        let mut first = None;
        for pod in pods {
            let Some(trouble) = ready::trouble(pod) else { continue };
            if trouble.is_pull() {
                let said = self.last_word(pod, &trouble)?;
                if let Some(cause) = hopeless(&trouble, &said) {
                    let (image, registry) = (&trouble.image, registry(&trouble.image));
                    let all = format!("{cause}: {image} was asked of {registry}: {said}");
                    return Ok(Readiness::Failed(plain(&all, 2 * LINE)));
                }
            }
            first.get_or_insert(trouble);
        }
        Ok(Readiness::Waiting(match first {
            Some(trouble) => format!("{why}; {}", trouble.text()),
            None => why,
        }))
    }

    /// What a node said last about an image. A pod in back-off says no more than that; the events do.
    fn last_word(&self, pod: &Value, trouble: &Trouble) -> Result<String, Failure> {
        if trouble.reason == "ErrImagePull" && !trouble.message.is_empty() {
            return Ok(trouble.message.clone());
        }
        let events = self.events(pod)?;
        let failed = |e: &&Value| text(e, "/reason") == "Failed" && text(e, "/message").contains(&trouble.image);
        let last = events.iter().filter(failed).map(|e| text(e, "/message")).rfind(|m| m.contains("pull"));
        Ok(last.unwrap_or(&trouble.message).to_owned())
    }

    /// Everything that may say why an object is not ready, a line each. What cannot be asked is left out.
    pub fn details(&self, live: &Value) -> Vec<String> {
        let mut lines = conditions(live);
        lines.extend(self.event_lines(live));
        if !WORKLOADS.contains(&text(live, "/kind")) && text(live, "/kind") != "Pod" {
            return lines;
        }
        let pods = if text(live, "/kind") == "Pod" { Ok(vec![live.clone()]) } else { self.pods(live) };
        // The youngest last: those that have trouble are told of.
        for pod in
            pods.unwrap_or_default().iter().filter(|p| ready::trouble(p).is_some() || ready::restarts(p) > 0).take(PODS)
        {
            lines.extend(ready::states(pod));
            lines.extend(self.event_lines(pod));
            lines.extend(self.claim_lines(pod));
            lines.extend(self.log_lines(pod));
        }
        lines
    }

    /// The claims that keep a pod waiting.
    fn claim_lines(&self, pod: &Value) -> Vec<String> {
        let claims = format!("/api/v1/namespaces/{}/persistentvolumeclaims", text(pod, "/metadata/namespace"));
        let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten();
        let names = volumes.map(|volume| text(volume, "/persistentVolumeClaim/claimName")).filter(|n| !n.is_empty());
        let mut lines = Vec::new();
        for name in names {
            let found = check_name(name).and_then(|name| if_allowed(self.cluster.session.find(&claims, name)));
            let Ok(Some(mut claim)) = found else { continue };
            if text(&claim, "/status/phase") == "Bound" {
                continue;
            }
            if let Some(claim) = claim.as_object_mut() {
                claim.insert("kind".to_owned(), "PersistentVolumeClaim".into());
            }
            let class = match text(&claim, "/spec/storageClassName") {
                "" => "no storage class".to_owned(),
                class => format!("storage class {class}"),
            };
            let (phase, size) = (text(&claim, "/status/phase"), text(&claim, "/spec/resources/requests/storage"));
            lines.push(plain(&format!("PersistentVolumeClaim {name} ({size}, {class}) is {phase}"), LINE));
            lines.extend(self.event_lines(&claim));
        }
        lines
    }

    fn event_lines(&self, object: &Value) -> Vec<String> {
        let events = self.events(object).unwrap_or_default();
        let from = events.len().saturating_sub(EVENTS);
        let line = |event: &Value| {
            let times = match event.pointer("/count").and_then(Value::as_i64) {
                Some(n) if n > 1 => format!(" ({n} times)"),
                _ => String::new(),
            };
            let of = format!("{} {}", text(object, "/kind"), text(object, "/metadata/name"));
            let (kind, reason, message) = (text(event, "/type"), text(event, "/reason"), text(event, "/message"));
            plain(&format!("event of {of}: {kind} {reason}{times}: {message}"), LINE)
        };
        events.iter().skip(from).map(line).collect()
    }

    /// The last lines of containers that are not well, or were not: of one that runs again, those before it ended.
    pub fn log_lines(&self, pod: &Value) -> Vec<String> {
        let (namespace, name) = (text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
        let mut lines = Vec::new();
        for list in ["/status/initContainerStatuses", "/status/containerStatuses"] {
            for container in pod.pointer(list).and_then(Value::as_array).into_iter().flatten() {
                let ready = container.get("ready") == Some(&Value::Bool(true));
                let well = ready && container.pointer("/restartCount").and_then(Value::as_i64).unwrap_or(0) == 0;
                let ended = container.pointer("/lastState/terminated").is_some();
                let ran = ended
                    || container.pointer("/state/terminated").is_some()
                    || container.pointer("/state/running").is_some();
                if well || !ran {
                    continue;
                }
                let params = LogParams {
                    container: Some(text(container, "/name").to_owned()),
                    previous: ended && (ready || container.pointer("/state/waiting").is_some()),
                    tail_lines: Some(LINES),
                    limit_bytes: Some(16 << 10),
                    ..LogParams::default()
                };
                let pods = format!("/api/v1/namespaces/{namespace}/pods");
                let log = self.cluster.session.log(&pods, name, &params).unwrap_or_default();
                let who = format!("log of {name}, {}", text(container, "/name"));
                lines.extend(log.lines().map(|line| plain(&format!("{who}: {line}"), LINE)));
            }
        }
        lines
    }
}

/// The conditions of an object, but those that are as they should be.
fn conditions(object: &Value) -> Vec<String> {
    let all = object.pointer("/status/conditions").and_then(Value::as_array);
    let line = |condition: &Value| {
        let (kind, status) = (text(condition, "/type"), text(condition, "/status"));
        let bad = kind.contains("Fail") || kind.contains("Pressure") || kind == "Terminating";
        if kind.is_empty() || (status == "True") != bad {
            return None;
        }
        let (reason, message) = (text(condition, "/reason"), text(condition, "/message"));
        Some(plain(&format!("condition {kind} is {status}: {reason}: {message}"), LINE))
    };
    all.into_iter().flatten().filter_map(line).collect()
}

/// The registry of an image's name, as container runtimes understand it.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_registry_of_an_image_is_named() {
        for (image, host) in [
            ("r.example.com/a:1", "r.example.com"),
            ("localhost:5000/a", "localhost:5000"),
            ("a:1", "docker.io"),
            ("library/a", "docker.io"),
        ] {
            assert_eq!(registry(image), host, "{image}");
        }
    }

    #[test]
    fn conditions_are_told_that_are_not_as_they_should_be() {
        let object = json!({"status": {"conditions": [
            {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable", "message": "no"},
            {"type": "Progressing", "status": "True", "reason": "x", "message": "y"},
            {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "z"},
        ]}});
        assert_eq!(
            conditions(&object),
            [
                "condition Available is False: MinimumReplicasUnavailable: no",
                "condition Failed is True: BackoffLimitExceeded: z"
            ]
        );
    }
}
