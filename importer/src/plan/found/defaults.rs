//! What an API server writes into objects where nothing was said.

use serde_json::{Value, json};

/// The live value without what an API server adds by itself, as far as `rendered` does not say the same
/// (Kubernetes, `core/v1/defaults.go`).
pub(super) fn without_defaults(live: &Value, rendered: Option<&Value>) -> Value {
    match live {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(field, value)| {
                    rendered.is_some_and(|r| r.get(field.as_str()) == Some(*value)) || !is_default(field, value)
                })
                .map(|(field, value)| {
                    (field.clone(), without_defaults(value, rendered.and_then(|r| r.get(field.as_str()))))
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(
            items.iter().enumerate().map(|(i, item)| without_defaults(item, rendered.and_then(|r| r.get(i)))).collect(),
        ),
        other => other.clone(),
    }
}

pub(in crate::plan) fn is_default(field: &str, value: &Value) -> bool {
    let default = match field {
        "scheme" => json!("HTTP"),
        "protocol" => json!("TCP"),
        "dnsPolicy" => json!("ClusterFirst"),
        "terminationGracePeriodSeconds" => json!(30),
        "initialDelaySeconds" => json!(0),
        "periodSeconds" => json!(10),
        "failureThreshold" => json!(3),
        "timeoutSeconds" | "successThreshold" => json!(1),
        "nodeTaintsPolicy" => json!("Ignore"),
        "nodeAffinityPolicy" => json!("Honor"),
        _ => return false,
    };
    *value == default
}
