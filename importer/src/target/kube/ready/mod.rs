//! What ready means (spec/plan.md 6.2): pure functions of what a server says of an object.

mod claim;
mod generic;
mod job;
mod pods;
mod service;
mod steady;
mod workload;

use serde_json::Value;

pub(super) use pods::{Trouble, hopeless, runs_template, states, trouble};
pub(super) use service::{selects, wants_pods};
pub(super) use steady::{Run, ended_again, restarts, runs};

use super::data::is_stopped;
use super::failure::plain;

/// Longest reason, in characters.
const REASON: usize = 400;

/// Whether an object is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It is.
    Ready,
    /// It is not yet, and why.
    Waiting(String),
    /// It never will be, and why.
    Failed(String),
}

impl Readiness {
    fn waiting(why: impl Into<String>) -> Self {
        Self::Waiting(why.into())
    }
}

/// What else than the object has to be known.
#[derive(Debug, Default)]
pub(super) struct Around {
    /// Of a service: its `Endpoints`.
    pub endpoints: Option<Value>,
    /// Of a service: whether something that it selects wants pods.
    pub pods_wanted: bool,
    /// Of a claim: whether its storage class waits for the first pod that uses it.
    pub waits_for_consumer: bool,
}

/// Whether `object` is ready.
pub(super) fn of(object: &Value, around: &Around) -> Readiness {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
    if is_stopped(object) {
        return Readiness::waiting("an export has stopped it, and did not end; `sealift upgrade` starts it again");
    }
    match (group, text("kind")) {
        ("apps", "Deployment") => workload::deployment(object),
        ("apps", "StatefulSet") => workload::stateful_set(object),
        ("apps", "DaemonSet") => workload::daemon_set(object),
        ("apps", "ReplicaSet") => workload::replica_set(object),
        ("batch", "Job") => job::job(object),
        ("", "PersistentVolumeClaim") => claim::claim(object, around.waits_for_consumer),
        ("", "Service") => service::service(object, around),
        ("", "Pod") => pods::pod(object),
        ("", "Namespace") => generic::namespace(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => generic::definition(object),
        // What these say of themselves are no promises: a scaling rule without measurements works as soon as there are some.
        ("" | "autoscaling" | "networking.k8s.io" | "policy", _) => Readiness::Ready,
        _ => generic::other(object),
    }
}

/// A number of an object, or 0.
fn number(object: &Value, path: &str) -> i64 {
    object.pointer(path).and_then(Value::as_i64).unwrap_or_default()
}

fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(object: &'a Value, path: &str) -> &'a [Value] {
    object.pointer(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The condition called `kind`.
fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|c| text(c, "/type") == kind)
}

/// Whether a condition says yes.
fn holds(condition: &Value) -> bool {
    text(condition, "/status") == "True"
}

/// What a condition says, as `REASON: MESSAGE`.
fn said(condition: &Value) -> String {
    let (reason, message) = (text(condition, "/reason"), text(condition, "/message"));
    let both = if reason.is_empty() || message.is_empty() { "" } else { ": " };
    plain(&format!("{reason}{both}{message}"), REASON)
}

/// Whether a controller has not yet seen what was applied.
fn unseen(object: &Value) -> Option<Readiness> {
    let seen = number(object, "/status/observedGeneration") >= number(object, "/metadata/generation");
    (!seen).then(|| Readiness::waiting("its controller has not seen this change yet"))
}
