//! Pods, and what keeps their containers from running.

use serde_json::Value;

use super::{REASON, Readiness, condition, holds, list, number, said, text};
use crate::target::kube::failure::plain;

/// Whether a pod is ready, where one is applied by itself.
pub(super) fn pod(object: &Value) -> Readiness {
    match text(object, "/status/phase") {
        "Succeeded" => Readiness::Ready,
        "Failed" => Readiness::Failed(format!("the pod failed: {}", text(object, "/status/reason"))),
        _ if condition(object, "Ready").is_some_and(holds) => Readiness::Ready,
        _ => Readiness::Waiting(trouble(object).map_or_else(|| "it is not ready".to_owned(), |t| t.text())),
    }
}

/// What keeps a pod from being ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Trouble {
    /// The pod.
    pub pod: String,
    /// The container, if it is one.
    pub container: Option<String>,
    /// Its image.
    pub image: String,
    /// One word, as Kubernetes says it.
    pub reason: String,
    /// What Kubernetes says about it.
    pub message: String,
}

impl Trouble {
    /// For people.
    pub fn text(&self) -> String {
        let container = self.container.as_ref().map(|c| format!(", container {c}")).unwrap_or_default();
        let colon = if self.message.is_empty() { "" } else { ": " };
        plain(&format!("pod {}{container}: {}{colon}{}", self.pod, self.reason, self.message), REASON)
    }

    /// Whether an image does not come.
    pub fn is_pull(&self) -> bool {
        matches!(self.reason.as_str(), "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull")
    }
}

/// Every container of a pod that has a state: those that prepare first.
fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    list(pod, "/status/initContainerStatuses").iter().chain(list(pod, "/status/containerStatuses"))
}

/// The first thing that keeps a pod from being ready, the most telling first.
pub(in super::super) fn trouble(pod: &Value) -> Option<Trouble> {
    let name = text(pod, "/metadata/name").to_owned();
    let of = |container: Option<&Value>, reason: &str, message: &str| Trouble {
        pod: name.clone(),
        container: container.map(|c| text(c, "/name").to_owned()),
        image: container.map(|c| text(c, "/image").to_owned()).unwrap_or_default(),
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    for container in containers(pod) {
        let (reason, message) = (text(container, "/state/waiting/reason"), text(container, "/state/waiting/message"));
        if !matches!(reason, "" | "PodInitializing" | "ContainerCreating") {
            let message = match ended(container, "/lastState/terminated") {
                Some(end) if message.is_empty() => end,
                Some(end) => format!("{end}; {message}"),
                None => message.to_owned(),
            };
            return Some(of(Some(container), reason, &message));
        }
        if let Some(end) = ended(container, "/state/terminated")
            && number(container, "/state/terminated/exitCode") != 0
        {
            return Some(of(Some(container), "Terminated", &end));
        }
    }
    if let Some(waiting) = condition(pod, "PodScheduled").filter(|c| !holds(c)) {
        return Some(of(None, text(waiting, "/reason"), text(waiting, "/message")));
    }
    if let Some(unready) = condition(pod, "Ready").filter(|c| !holds(c) && text(pod, "/status/phase") == "Running") {
        return Some(of(None, "not ready", &said(unready)));
    }
    let creating = containers(pod).find(|c| text(c, "/state/waiting/reason") == "ContainerCreating")?;
    Some(of(Some(creating), "ContainerCreating", text(creating, "/state/waiting/message")))
}

/// How a container ended, if it did.
fn ended(container: &Value, state: &str) -> Option<String> {
    let end = container.pointer(state)?.as_object()?;
    let (reason, code) = (end.get("reason").and_then(Value::as_str), end.get("exitCode").and_then(Value::as_i64));
    let message = end.get("message").and_then(Value::as_str).filter(|m| !m.is_empty());
    let code = code.unwrap_or_default();
    let reason = reason.filter(|r| *r != "Error").map(|r| format!(" ({r})")).unwrap_or_default();
    Some(format!("exit code {code}{reason}{}", message.map(|m| format!(": {m}")).unwrap_or_default()))
}

/// The state of each container of a pod, a line each.
pub(in super::super) fn states(pod: &Value) -> Vec<String> {
    let name = text(pod, "/metadata/name");
    let mut lines = Vec::new();
    for container in containers(pod) {
        let state = match text(container, "/state/waiting/reason") {
            "" => match ended(container, "/state/terminated") {
                Some(end) => format!("ended with {end}"),
                None if container.pointer("/ready") == Some(&Value::Bool(true)) => continue,
                None => "runs, and is not ready".to_owned(),
            },
            reason => match text(container, "/state/waiting/message") {
                "" => reason.to_owned(),
                message => format!("{reason}: {message}"),
            },
        };
        let last = ended(container, "/lastState/terminated").map(|end| format!("; before, {end}")).unwrap_or_default();
        let restarts = match number(container, "/restartCount") {
            0 => String::new(),
            n => format!("; restarts: {n}"),
        };
        let line = format!("pod {name}, container {}: {state}{last}{restarts}", text(container, "/name"));
        lines.push(plain(&line, REASON));
    }
    if let Some(waiting) = condition(pod, "PodScheduled").filter(|c| !holds(c)) {
        lines.push(plain(&format!("pod {name}: {}", said(waiting)), REASON));
    }
    lines
}

/// Whether a pod runs the images that a workload has now: those of an earlier change say nothing about this one.
pub(in super::super) fn runs_template(pod: &Value, workload: &Value) -> bool {
    let images = |object: &Value, path: &str| {
        let pairs = list(object, path).iter().map(|c| (text(c, "/name").to_owned(), text(c, "/image").to_owned()));
        pairs.collect::<Vec<_>>()
    };
    ["containers", "initContainers"].iter().all(|key| {
        let has = images(pod, &format!("/spec/{key}"));
        images(workload, &format!("/spec/template/spec/{key}")).iter().all(|image| has.contains(image))
    })
}

/// Why an image will not come, if what was said about it says that it will not: the registry does not have it, is not there, or
/// is not trusted.
pub(in super::super) fn hopeless(reason: &str, said: &str) -> Option<&'static str> {
    let low = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| low.contains(word));
    if matches!(reason, "InvalidImageName" | "ErrImageNeverPull") {
        return Some("the node cannot pull an image of this name");
    }
    if has(&["x509", "certificate"]) {
        return Some("the node does not trust the registry's certificate");
    }
    if has(&["connection refused", "no route to host", "no such host", "http response to https client"]) {
        return Some("the node does not reach the registry");
    }
    if has(&["not found", "manifest unknown", "name unknown", "notfound"]) {
        return Some("the registry does not have the image");
    }
    if has(&["unauthorized", "authorization failed", "access denied", "401", "403 forbidden"]) {
        return Some("the registry does not let the node in");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(states: Value) -> Value {
        json!({"metadata": {"name": "web-1"}, "status": {"phase": "Pending", "containerStatuses": [states]}})
    }

    #[test]
    fn what_keeps_a_pod_from_running_is_said_with_the_container_and_the_cause() {
        for (pod, expected) in [
            (
                with(
                    json!({"name": "main", "image": "r/a:1", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"r/a:1\""}}}),
                ),
                Some("pod web-1, container main: ImagePullBackOff: Back-off pulling image \"r/a:1\""),
            ),
            (
                with(
                    json!({"name": "main", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}}, "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}}}),
                ),
                Some("pod web-1, container main: CrashLoopBackOff: exit code 3; back-off 20s"),
            ),
            (
                with(json!({"name": "main", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}})),
                Some("pod web-1, container main: Terminated: exit code 137 (OOMKilled)"),
            ),
            (
                with(json!({"name": "main", "state": {"waiting": {"reason": "ContainerCreating"}}})),
                Some("pod web-1, container main: ContainerCreating"),
            ),
            (with(json!({"name": "main", "state": {"running": {}}})), None),
            (
                json!({"metadata": {"name": "web-1"}, "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}]}}),
                Some("pod web-1: Unschedulable: 0/1 nodes are available"),
            ),
            (
                json!({"metadata": {"name": "web-1"}, "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "containers with unready status: [main]"}]}}),
                Some("pod web-1: not ready: ContainersNotReady: containers with unready status: [main]"),
            ),
        ] {
            assert_eq!(trouble(&pod).map(|t| t.text()).as_deref(), expected, "{pod}");
        }
    }

    #[test]
    fn an_image_that_will_not_come_is_told_from_one_that_may() {
        for (reason, said, expected) in [
            (
                "ErrImagePull",
                "rpc error: code = NotFound desc = failed to resolve reference \"r/a:1\": r/a:1: not found",
                Some("the registry does not have the image"),
            ),
            (
                "ErrImagePull",
                "Get \"https://r/v2/\": x509: certificate signed by unknown authority",
                Some("the node does not trust the registry's certificate"),
            ),
            (
                "ErrImagePull",
                "dial tcp 127.0.0.1:5000: connect: connection refused",
                Some("the node does not reach the registry"),
            ),
            ("ErrImagePull", "dial tcp: lookup r: no such host", Some("the node does not reach the registry")),
            (
                "ErrImagePull",
                "pull access denied, repository does not exist or may require authorization",
                Some("the registry does not let the node in"),
            ),
            ("InvalidImageName", "couldn't parse image reference", Some("the node cannot pull an image of this name")),
            ("ImagePullBackOff", "Back-off pulling image \"r/a:1\"", None),
            ("ErrImagePull", "i/o timeout", None),
        ] {
            assert_eq!(hopeless(reason, said), expected, "{said}");
        }
    }

    #[test]
    fn a_pod_of_an_earlier_change_is_known_by_its_images() {
        let workload = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "a:2"}]}}}});
        let pod = |image: &str| json!({"spec": {"containers": [{"name": "main", "image": image}, {"name": "mesh", "image": "m"}]}});
        assert!(runs_template(&pod("a:2"), &workload));
        assert!(!runs_template(&pod("a:1"), &workload));
    }

    #[test]
    fn a_single_pod_is_ready_when_it_says_so_or_has_done_its_work() {
        let ready = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        assert_eq!(pod(&ready), Readiness::Ready);
        assert_eq!(pod(&json!({"status": {"phase": "Succeeded"}})), Readiness::Ready);
        assert_eq!(
            pod(&json!({"status": {"phase": "Failed", "reason": "Evicted"}})),
            Readiness::Failed("the pod failed: Evicted".to_owned())
        );
        assert_eq!(pod(&json!({"status": {"phase": "Pending"}})), Readiness::waiting("it is not ready"));
    }

    #[test]
    fn states_are_told_for_containers_that_are_not_well() {
        let pod = json!({"metadata": {"name": "p"}, "status": {"containerStatuses": [
            {"name": "a", "ready": true, "state": {"running": {}}},
            {"name": "b", "ready": false, "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1, "message": "no\u{1b}[0m config"}}},
        ]}});
        assert_eq!(
            states(&pod),
            ["pod p, container b: CrashLoopBackOff; before, exit code 1: no [0m config; restarts: 4"]
        );
    }
}
