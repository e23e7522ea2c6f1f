//! Removing objects.

use std::time::Duration;

use kube::api::{DeleteParams, Preconditions};
use serde_json::Value;

use super::discovery::check_name;
use super::failure::{Failure, plain};
use super::owner;
use super::patience::Patience;
use super::target::KubeTarget;
use crate::target::{Event, ObjectId, TargetError, Watch};

const POLL: Duration = Duration::from_millis(500);

/// How often somebody who watches is told of the same.
const TELL: Duration = Duration::from_secs(5);

impl KubeTarget {
    /// Deletes all of them, and waits until they are gone. One whose end somebody else has asked to see is waited for before the next is
    /// deleted: whoever that is may be among those.
    pub(super) fn delete_all(
        &self,
        objects: &[ObjectId],
        patience: Duration,
        watch: &dyn Watch,
    ) -> Result<(), TargetError> {
        let patience = Patience::new(patience);
        let mut ended = Vec::new();
        for id in objects {
            let Some((uid, is_awaited)) = self.delete_one(id, &patience, watch)? else { continue };
            if is_awaited {
                self.wait_gone(id, &uid, &patience, watch)?;
                watch.event(&Event::Removed(id));
            } else {
                ended.push((id, uid));
            }
        }
        for (id, uid) in ended {
            self.wait_gone(id, &uid, &patience, watch)?;
            watch.event(&Event::Removed(id));
        }
        Ok(())
    }

    /// Asks for the end of an object. Its `uid`, and whether a controller that is not Kubernetes' own waits for it, if it is there. What
    /// took its name since it was looked at is left alone.
    fn delete_one(
        &self,
        id: &ObjectId,
        patience: &Patience,
        watch: &dyn Watch,
    ) -> Result<Option<(String, bool)>, TargetError> {
        let what = format!("removing {id}");
        let fail = |e: Failure| refusal(id, e);
        let Some(live) = patience.insist(&what, watch, || self.live(id)).map_err(fail)? else { return Ok(None) };
        if !owner::owns(&self.place, &live) {
            // Where others' objects are taken over, those that were say by now whose they are; this one never was.
            return if self.adopts { Ok(None) } else { Err(foreign(id)) };
        }
        let uid = text(&live, "/metadata/uid").to_owned();
        let only = Preconditions { uid: Some(uid.clone()), ..Preconditions::default() };
        let params = DeleteParams::foreground().preconditions(only);
        let deleted = patience.insist(&what, watch, || {
            let Some(resource) = self.cluster.types().find(&id.group, &id.kind).cloned() else { return Ok(()) };
            let path = resource.collection(id.namespace.as_deref())?;
            match self.cluster.session.delete(&path, check_name(&id.name)?, &params) {
                Err(e) if e.is_absence() => Ok(()),
                // Another object has its name by now.
                Err(e) if e.is_conflict() && e.text().contains("UID in precondition") => Ok(()),
                other => other,
            }
        });
        deleted.map_err(fail)?;
        Ok(Some((uid, is_awaited(&live))))
    }

    fn wait_gone(&self, id: &ObjectId, uid: &str, patience: &Patience, watch: &dyn Watch) -> Result<(), TargetError> {
        let mut told = None;
        loop {
            let found = patience.insist("waiting for the end", watch, || self.live(id)).map_err(|e| refusal(id, e))?;
            let Some(live) = found.filter(|live| text(live, "/metadata/uid") == uid) else { return Ok(()) };
            let why = still_there(&live);
            if patience.is_over() {
                let waited = patience.spent();
                return Err(TargetError::NotReady { object: id.clone(), waited, why, details: Vec::new() });
            }
            if told.is_none_or(|at| patience.spent().saturating_sub(at) >= TELL) {
                told = Some(patience.spent());
                watch.event(&Event::Waiting { object: id, why: &why, since: patience.spent() });
            }
            patience.sleep(POLL, watch)?;
        }
    }
}

fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// Whether an object has a finalizer of a controller that is not Kubernetes' own.
fn is_awaited(live: &Value) -> bool {
    let finalizers = live.pointer("/metadata/finalizers").and_then(Value::as_array);
    let is_own = |name: &str| {
        let group = name.split_once('/').map_or("", |(group, _)| group);
        group.is_empty() || group == "kubernetes.io" || group.ends_with(".kubernetes.io") || group.ends_with(".k8s.io")
    };
    finalizers.into_iter().flatten().filter_map(Value::as_str).any(|name| !is_own(name))
}

/// Why an object is not gone yet: somebody has asked to be waited for.
fn still_there(live: &Value) -> String {
    let finalizers = live.pointer("/metadata/finalizers").and_then(Value::as_array);
    let names: Vec<&str> = finalizers.into_iter().flatten().filter_map(Value::as_str).collect();
    match names.as_slice() {
        [] => "it is being removed".to_owned(),
        ["foregroundDeletion"] => "it is removed when what it made is gone, as its pods".to_owned(),
        ["kubernetes.io/pvc-protection"] => "it is removed when no pod uses it any more".to_owned(),
        names => plain(&format!("it is removed when its finalizers are done: {}", names.join(", ")), 300),
    }
}

fn foreign(id: &ObjectId) -> TargetError {
    let place = id.namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
    TargetError::Foreign { object: format!("{id}{place}") }
}

fn refusal(id: &ObjectId, failure: Failure) -> TargetError {
    match failure {
        Failure::Answer(answer) if !matches!(answer.code, 401 | 403) => {
            TargetError::Refused { object: id.clone(), what: "removing", why: Failure::Answer(answer).text() }
        }
        other => other.doing(format!("removing {id}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_finalizer_of_a_tool_is_not_one_of_kubernetes() {
        for (finalizers, awaited) in [
            (json!(null), false),
            (json!(["kubernetes.io/pvc-protection", "foregroundDeletion", "orphan"]), false),
            (
                json!(["service.kubernetes.io/load-balancer-cleanup", "customresourcecleanup.apiextensions.k8s.io"]),
                false,
            ),
            (json!(["foregroundDeletion", "boxes.example/cleanup"]), true),
        ] {
            assert_eq!(is_awaited(&json!({"metadata": {"finalizers": finalizers}})), awaited, "{finalizers}");
        }
    }

    #[test]
    fn what_keeps_an_object_is_said() {
        for (finalizers, why) in [
            (json!([]), "it is being removed"),
            (json!(["foregroundDeletion"]), "it is removed when what it made is gone, as its pods"),
            (json!(["kubernetes.io/pvc-protection"]), "it is removed when no pod uses it any more"),
            (json!(["a.com/x", "b"]), "it is removed when its finalizers are done: a.com/x, b"),
        ] {
            assert_eq!(still_there(&json!({"metadata": {"finalizers": finalizers}})), why);
        }
    }
}
