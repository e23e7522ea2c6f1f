//! What runs pods and keeps them running.

use serde_json::Value;

use super::{Readiness, condition, holds, number, said, text, unseen};

fn wanted(object: &Value) -> i64 {
    object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1)
}

/// The reason, and what the controller complains about, if it does.
fn waiting(object: &Value, why: String) -> Readiness {
    let complaint = condition(object, "ReplicaFailure").filter(|c| holds(c)).map(said);
    let late = condition(object, "Progressing").filter(|c| text(c, "/reason") == "ProgressDeadlineExceeded").map(said);
    Readiness::Waiting([Some(why), complaint, late].into_iter().flatten().collect::<Vec<_>>().join("; "))
}

pub(super) fn deployment(object: &Value) -> Readiness {
    if let Some(waiting) = unseen(object) {
        return waiting;
    }
    let want = wanted(object);
    let status = |key: &str| number(object, &format!("/status/{key}"));
    let (all, updated, available) = (status("replicas"), status("updatedReplicas"), status("availableReplicas"));
    if updated < want {
        let paused = object.pointer("/spec/paused") == Some(&Value::Bool(true));
        let paused = if paused { "; it is paused: `kubectl rollout resume` lets it go on" } else { "" };
        return waiting(object, format!("{updated} of {want} pods are updated{paused}"));
    }
    if all > updated {
        return waiting(object, format!("{} old pods are still there", all.saturating_sub(updated)));
    }
    if available < want {
        return waiting(object, format!("{available} of {want} pods are available"));
    }
    Readiness::Ready
}

pub(super) fn replica_set(object: &Value) -> Readiness {
    if let Some(waiting) = unseen(object) {
        return waiting;
    }
    let (want, available) = (wanted(object), number(object, "/status/availableReplicas"));
    if available < want {
        return waiting(object, format!("{available} of {want} pods are available"));
    }
    Readiness::Ready
}

pub(super) fn stateful_set(object: &Value) -> Readiness {
    if let Some(waiting) = unseen(object) {
        return waiting;
    }
    let want = wanted(object);
    let status = |key: &str| number(object, &format!("/status/{key}"));
    // Only with minReadySeconds is available another thing than ready, and servers before 1.22 count the one alone.
    let (counted, word) = if number(object, "/spec/minReadySeconds") > 0 {
        (status("availableReplicas"), "available")
    } else {
        (status("readyReplicas"), "ready")
    };
    if counted < want {
        return waiting(object, format!("{counted} of {want} pods are {word}"));
    }
    if status("replicas") > want {
        return waiting(object, format!("{} pods are one too many", status("replicas")));
    }
    // Pods that somebody has to delete, or that the partition holds back, are not waited for.
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Readiness::Ready;
    }
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition");
    let update = want.saturating_sub(partition).max(0);
    let same = text(object, "/status/updateRevision") == text(object, "/status/currentRevision");
    let updated = status("updatedReplicas");
    if !same && updated < update {
        return waiting(object, format!("{updated} of {update} pods are updated"));
    }
    Readiness::Ready
}

pub(super) fn daemon_set(object: &Value) -> Readiness {
    if let Some(waiting) = unseen(object) {
        return waiting;
    }
    let status = |key: &str| number(object, &format!("/status/{key}"));
    let want = status("desiredNumberScheduled");
    let (updated, available) = (status("updatedNumberScheduled"), status("numberAvailable"));
    if text(object, "/spec/updateStrategy/type") != "OnDelete" && updated < want {
        return waiting(object, format!("the pods of {updated} of {want} nodes are updated"));
    }
    if available < want {
        return waiting(object, format!("the pods of {available} of {want} nodes are available"));
    }
    Readiness::Ready
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn why(readiness: Readiness) -> String {
        match readiness {
            Readiness::Ready => "ready".to_owned(),
            Readiness::Waiting(why) => why,
            Readiness::Failed(why) => format!("failed: {why}"),
        }
    }

    #[test]
    fn a_deployment_is_ready_when_all_pods_are_updated_and_available_and_no_old_one_is_left() {
        let of = |spec: Value, status: Value| {
            why(deployment(&json!({"metadata": {"generation": 2}, "spec": spec, "status": status})))
        };
        for (spec, status, expected) in [
            (json!({"replicas": 2}), json!({}), "its controller has not seen this change yet"),
            (
                json!({"replicas": 2}),
                json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}),
                "its controller has not seen this change yet",
            ),
            (
                json!({"replicas": 2}),
                json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 1, "availableReplicas": 2}),
                "1 of 2 pods are updated",
            ),
            (
                json!({"replicas": 2}),
                json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 2}),
                "1 old pods are still there",
            ),
            (
                json!({"replicas": 2}),
                json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}),
                "1 of 2 pods are available",
            ),
            (
                json!({"replicas": 2}),
                json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}),
                "ready",
            ),
            (json!({"replicas": 0}), json!({"observedGeneration": 2}), "ready"),
            (json!({}), json!({"observedGeneration": 2}), "0 of 1 pods are updated"),
            (
                json!({"paused": true}),
                json!({"observedGeneration": 2}),
                "0 of 1 pods are updated; it is paused: `kubectl rollout resume` lets it go on",
            ),
            (
                json!({}),
                json!({"observedGeneration": 2, "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}]}),
                "0 of 1 pods are updated; FailedCreate: exceeded quota",
            ),
            (
                json!({}),
                json!({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"}]}),
                "0 of 1 pods are available; ProgressDeadlineExceeded: late",
            ),
        ] {
            assert_eq!(of(spec.clone(), status.clone()), expected, "{spec} {status}");
        }
    }

    #[test]
    fn a_stateful_set_waits_for_no_pod_that_is_held_back() {
        let of = |spec: Value, status: Value| {
            why(stateful_set(&json!({"metadata": {"generation": 1}, "spec": spec, "status": status})))
        };
        let rolling = |partition: i64| json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}});
        let status = |ready: i64, updated: i64| json!({"observedGeneration": 1, "replicas": 3, "readyReplicas": ready, "updatedReplicas": updated, "currentRevision": "a", "updateRevision": "b"});
        for (spec, status, expected) in [
            (rolling(0), json!({}), "its controller has not seen this change yet"),
            (rolling(0), status(2, 3), "2 of 3 pods are ready"),
            (rolling(0), status(3, 2), "2 of 3 pods are updated"),
            (rolling(0), status(3, 3), "ready"),
            (rolling(2), status(3, 1), "ready"),
            (rolling(2), status(3, 0), "0 of 1 pods are updated"),
            (rolling(9), status(3, 0), "ready"),
            (json!({"replicas": 3, "updateStrategy": {"type": "OnDelete"}}), status(3, 0), "ready"),
            // When all is done the server leaves updatedReplicas out.
            (
                rolling(0),
                json!({"observedGeneration": 1, "replicas": 3, "readyReplicas": 3, "currentRevision": "b", "updateRevision": "b"}),
                "ready",
            ),
            (
                json!({"replicas": 0}),
                json!({"observedGeneration": 1, "replicas": 1, "readyReplicas": 1}),
                "1 pods are one too many",
            ),
            (json!({"replicas": 0}), json!({"observedGeneration": 1}), "ready"),
            (
                json!({"replicas": 1, "minReadySeconds": 5}),
                json!({"observedGeneration": 1, "replicas": 1, "readyReplicas": 1}),
                "0 of 1 pods are available",
            ),
        ] {
            assert_eq!(of(spec.clone(), status.clone()), expected, "{spec} {status}");
        }
    }

    #[test]
    fn a_daemon_set_is_ready_when_every_node_that_should_run_it_does() {
        let of = |spec: Value, status: Value| {
            why(daemon_set(&json!({"metadata": {"generation": 1}, "spec": spec, "status": status})))
        };
        let status = |updated: i64, available: i64| json!({"observedGeneration": 1, "desiredNumberScheduled": 2, "updatedNumberScheduled": updated, "numberAvailable": available});
        for (spec, status, expected) in [
            (json!({}), json!({}), "its controller has not seen this change yet"),
            (json!({}), json!({"observedGeneration": 1, "desiredNumberScheduled": 0}), "ready"),
            (json!({}), status(1, 2), "the pods of 1 of 2 nodes are updated"),
            (json!({}), status(2, 1), "the pods of 1 of 2 nodes are available"),
            (json!({}), status(2, 2), "ready"),
            (json!({"updateStrategy": {"type": "OnDelete"}}), status(0, 2), "ready"),
        ] {
            assert_eq!(of(spec.clone(), status.clone()), expected, "{spec} {status}");
        }
    }

    #[test]
    fn a_replica_set_is_ready_when_its_pods_are_available() {
        let of = |available: i64| {
            why(replica_set(
                &json!({"metadata": {"generation": 1}, "spec": {"replicas": 2}, "status": {"observedGeneration": 1, "availableReplicas": available}}),
            ))
        };
        assert_eq!(of(1), "1 of 2 pods are available");
        assert_eq!(of(2), "ready");
    }
}
