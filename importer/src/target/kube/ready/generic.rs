//! Types that Kubernetes does not have itself, and those that only say of themselves that they are there.

use serde_json::Value;

use super::{Readiness, condition, holds, number, said, text};

pub(super) fn namespace(object: &Value) -> Readiness {
    match text(object, "/status/phase") {
        "Terminating" => Readiness::waiting("it is being removed"),
        _ => Readiness::Ready,
    }
}

pub(super) fn definition(object: &Value) -> Readiness {
    if let Some(names) = condition(object, "NamesAccepted").filter(|c| text(c, "/status") == "False") {
        return Readiness::Failed(format!("another definition has its names: {}", said(names)));
    }
    match condition(object, "Established") {
        Some(condition) if holds(condition) => Readiness::Ready,
        _ => Readiness::waiting("the server has not taken the definition in yet"),
    }
}

/// With a condition `Ready` or `Available`, when that is true of what was applied; without one, once it is there.
pub(super) fn other(object: &Value) -> Readiness {
    let generation = number(object, "/metadata/generation");
    for kind in ["Ready", "Available"] {
        let Some(condition) = condition(object, kind) else { continue };
        let seen = [condition.get("observedGeneration"), object.pointer("/status/observedGeneration")];
        if seen.into_iter().flatten().filter_map(Value::as_i64).next().is_some_and(|seen| seen < generation) {
            return Readiness::waiting("its controller has not seen this change yet");
        }
        if !holds(condition) {
            let why = said(condition);
            let colon = if why.is_empty() { "" } else { ": " };
            return Readiness::Waiting(format!("its condition {kind} is not true{colon}{why}"));
        }
    }
    Readiness::Ready
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_definition_is_ready_when_it_is_established() {
        let of = |conditions: Value| definition(&json!({"status": {"conditions": conditions}}));
        assert_eq!(of(json!([])), Readiness::waiting("the server has not taken the definition in yet"));
        assert_eq!(of(json!([{"type": "Established", "status": "True"}])), Readiness::Ready);
        let taken = json!([{"type": "NamesAccepted", "status": "False", "reason": "PluralConflict", "message": "\"boxes\" is already in use"}]);
        assert_eq!(
            of(taken),
            Readiness::Failed(
                "another definition has its names: PluralConflict: \"boxes\" is already in use".to_owned()
            )
        );
    }

    #[test]
    fn another_object_is_ready_when_its_condition_says_so_of_this_generation() {
        let of = |status: Value| other(&json!({"metadata": {"generation": 3}, "status": status}));
        let unseen = Readiness::waiting("its controller has not seen this change yet");
        for (status, expected) in [
            (json!({}), Readiness::Ready),
            (json!({"conditions": [{"type": "Synced", "status": "False"}]}), Readiness::Ready),
            (json!({"conditions": [{"type": "Ready", "status": "True"}]}), Readiness::Ready),
            (json!({"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 2}]}), unseen.clone()),
            (json!({"observedGeneration": 2, "conditions": [{"type": "Available", "status": "True"}]}), unseen),
            (json!({"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 3}]}), Readiness::Ready),
            (
                json!({"conditions": [{"type": "Ready", "status": "False", "reason": "Pending", "message": "no disk"}]}),
                Readiness::waiting("its condition Ready is not true: Pending: no disk"),
            ),
            (
                json!({"conditions": [{"type": "Ready", "status": "True"}, {"type": "Available", "status": "Unknown"}]}),
                Readiness::waiting("its condition Available is not true"),
            ),
        ] {
            assert_eq!(of(status.clone()), expected, "{status}");
        }
    }
}
