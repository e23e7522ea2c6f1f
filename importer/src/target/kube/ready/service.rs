//! Services.

use serde_json::{Map, Value};

use super::{Around, Readiness, list, number, text};

pub(super) fn service(object: &Value, around: &Around) -> Readiness {
    let selects = object.pointer("/spec/selector").and_then(Value::as_object).is_some_and(|s| !s.is_empty());
    if !selects || !around.pods_wanted || text(object, "/spec/type") == "ExternalName" {
        return Readiness::Ready;
    }
    let subsets = around.endpoints.as_ref().map(|e| list(e, "/subsets")).unwrap_or_default();
    if subsets.iter().any(|s| !list(s, "/addresses").is_empty()) {
        return Readiness::Ready;
    }
    match subsets.iter().map(|s| list(s, "/notReadyAddresses").len()).sum::<usize>() {
        0 => Readiness::waiting("no pod is behind it"),
        n => Readiness::Waiting(format!("the pods behind it are not ready: {n}")),
    }
}

/// Whether a selector of a service takes the pods of a workload.
pub(in super::super) fn selects(selector: &Map<String, Value>, workload: &Value) -> bool {
    let labels = workload.pointer("/spec/template/metadata/labels");
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.and_then(|l| l.get(key)) == Some(value))
}

/// Whether a workload wants pods.
pub(in super::super) fn wants_pods(workload: &Value) -> bool {
    match text(workload, "/kind") {
        "DaemonSet" => number(workload, "/status/desiredNumberScheduled") > 0,
        _ => workload.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1) > 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_service_is_ready_when_a_ready_pod_is_behind_it_if_there_should_be_one() {
        let selecting = json!({"spec": {"selector": {"a": "b"}}});
        let ready = json!({"subsets": [{"notReadyAddresses": [{}]}, {"addresses": [{"ip": "10.0.0.1"}]}]});
        let unready = json!({"subsets": [{"notReadyAddresses": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]}]});
        for (object, endpoints, pods_wanted, expected) in [
            (selecting.clone(), None, true, Readiness::waiting("no pod is behind it")),
            (selecting.clone(), Some(json!({})), true, Readiness::waiting("no pod is behind it")),
            (selecting.clone(), Some(unready), true, Readiness::waiting("the pods behind it are not ready: 2")),
            (selecting.clone(), Some(ready), true, Readiness::Ready),
            (selecting, None, false, Readiness::Ready),
            (json!({"spec": {"ports": []}}), None, true, Readiness::Ready),
            (json!({"spec": {"type": "ExternalName", "selector": {"a": "b"}}}), None, true, Readiness::Ready),
        ] {
            let around = Around { endpoints, pods_wanted, ..Around::default() };
            assert_eq!(service(&object, &around), expected, "{object} {around:?}");
        }
    }

    #[test]
    fn a_selector_takes_a_workload_whose_pods_carry_all_of_it() {
        let workload = json!({"spec": {"template": {"metadata": {"labels": {"a": "1", "b": "2"}}}}});
        for (selector, takes) in [
            (json!({"a": "1"}), true),
            (json!({"a": "1", "b": "2"}), true),
            (json!({"a": "2"}), false),
            (json!({"c": "1"}), false),
            (json!({}), false),
        ] {
            assert_eq!(selects(selector.as_object().unwrap(), &workload), takes, "{selector}");
        }
        assert!(!wants_pods(&json!({"kind": "Deployment", "spec": {"replicas": 0}})));
        assert!(wants_pods(&json!({"kind": "Deployment", "spec": {}})));
        assert!(!wants_pods(&json!({"kind": "DaemonSet", "status": {"desiredNumberScheduled": 0}})));
    }
}
