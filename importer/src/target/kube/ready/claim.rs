//! Claims of storage.

use serde_json::Value;

use super::{Readiness, text};

/// Set when a pod that uses the claim has got its node, by which the waiting for it ends.
const NODE: &str = "/metadata/annotations/volume.kubernetes.io~1selected-node";

pub(super) fn claim(object: &Value, waits_for_consumer: bool) -> Readiness {
    match (text(object, "/status/phase"), text(object, NODE)) {
        ("Bound", _) => Readiness::Ready,
        ("Lost", _) => Readiness::Failed("its volume is gone, and the data with it".to_owned()),
        (_, "") if waits_for_consumer => Readiness::Ready,
        (_, "") => match text(object, "/spec/storageClassName") {
            "" => Readiness::waiting(
                "no volume is bound to it; it names no storage class, so one has to be made by hand, or a default class is missing",
            ),
            class => Readiness::Waiting(format!("no volume is bound to it; the storage class {class} has to make one")),
        },
        (_, node) => Readiness::Waiting(format!("no volume is bound to it; one is to be made for {node}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_claim_is_ready_when_it_is_bound_or_waits_for_its_first_pod() {
        let class = json!({"storageClassName": "fast"});
        for (annotations, phase, waits, expected) in [
            (json!({}), "Bound", false, Readiness::Ready),
            (json!({}), "Pending", true, Readiness::Ready),
            (
                json!({}),
                "Pending",
                false,
                Readiness::waiting("no volume is bound to it; the storage class fast has to make one"),
            ),
            (
                json!({"volume.kubernetes.io/selected-node": "n1"}),
                "Pending",
                true,
                Readiness::waiting("no volume is bound to it; one is to be made for n1"),
            ),
            (json!({}), "Lost", true, Readiness::Failed("its volume is gone, and the data with it".to_owned())),
        ] {
            let object = json!({"metadata": {"annotations": annotations}, "spec": class, "status": {"phase": phase}});
            assert_eq!(claim(&object, waits), expected, "{object}");
        }
    }
}
