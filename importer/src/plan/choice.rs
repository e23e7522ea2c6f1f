//! Objects of which only one of several fields may be set (Kubernetes, `core/v1`): a variable's value or where it comes from, what a
//! probe does, what a volume is.

use serde_json::Value;

const HANDLERS: &[&str] = &["exec", "grpc", "httpGet", "sleep", "tcpSocket"];

/// Whether `live` has chosen otherwise than `ours`: it has a field that excludes ours. `field` is the field that the two are in,
/// that of the list if they are entries of one.
pub(super) fn is_other_choice(field: &str, ours: &Value, live: &Value) -> bool {
    let (Value::Object(ours), Value::Object(live)) = (ours, live) else { return false };
    let is_choice = |name: &str| match field {
        "env" => matches!(name, "value" | "valueFrom"),
        "valueFrom" => true,
        "livenessProbe" | "readinessProbe" | "startupProbe" | "postStart" | "preStop" => HANDLERS.contains(&name),
        "volumes" => name != "name",
        _ => false,
    };
    live.iter().any(|(name, value)| is_choice(name) && !value.is_null() && !ours.contains_key(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn two_that_exclude_each_other_are_another_choice() {
        for (field, ours, live, expected) in [
            ("env", json!({"name": "A", "value": "1"}), json!({"name": "A", "value": "2"}), false),
            ("env", json!({"name": "A", "value": "1"}), json!({"name": "A", "valueFrom": {}}), true),
            ("valueFrom", json!({"secretKeyRef": {}}), json!({"configMapKeyRef": {}}), true),
            ("readinessProbe", json!({"httpGet": {}}), json!({"httpGet": {}, "periodSeconds": 3}), false),
            ("readinessProbe", json!({"httpGet": {}}), json!({"exec": {}}), true),
            ("volumes", json!({"name": "a", "emptyDir": {}}), json!({"name": "a", "hostPath": {}}), true),
            ("volumes", json!({"name": "a", "emptyDir": {}}), json!({"name": "a", "emptyDir": {}}), false),
            ("labels", json!({"a": "b"}), json!({"c": "d"}), false),
        ] {
            assert_eq!(is_other_choice(field, &ours, &live), expected, "{field} {live}");
        }
    }
}
