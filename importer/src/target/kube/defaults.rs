//! What a server-side apply must say and other ways of applying need not.

use serde_json::Value;

/// Says `protocol: TCP` where a port leaves it out. It is a part of the port's key: servers before 1.21 refuse an apply without.
pub(super) fn fill(object: &mut Value) {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let Some(spec) = object.get_mut("spec") else { return };
    match (version.as_str(), kind.as_str()) {
        ("v1", "Service") => ports(spec.get_mut("ports")),
        ("v1", "Pod") => pod(Some(spec)),
        ("batch/v1" | "batch/v1beta1", "CronJob") => pod(spec.pointer_mut("/jobTemplate/spec/template/spec")),
        ("v1" | "apps/v1" | "batch/v1", _) => pod(spec.pointer_mut("/template/spec")),
        _ => {}
    }
}

fn pod(spec: Option<&mut Value>) {
    let Some(spec) = spec else { return };
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            ports(container.get_mut("ports"));
        }
    }
}

fn ports(list: Option<&mut Value>) {
    for port in list.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
        port.entry("protocol").or_insert_with(|| "TCP".into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ports_say_their_protocol() {
        let port = json!({"ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}]});
        let full = json!({"ports": [{"port": 80, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]});
        let pods = |p: &Value| json!({"containers": [p], "initContainers": [p]});
        for (version, kind, given, filled) in [
            ("v1", "Service", port.clone(), full.clone()),
            ("v1", "Pod", pods(&port), pods(&full)),
            (
                "apps/v1",
                "Deployment",
                json!({"template": {"spec": pods(&port)}}),
                json!({"template": {"spec": pods(&full)}}),
            ),
            (
                "batch/v1",
                "CronJob",
                json!({"jobTemplate": {"spec": {"template": {"spec": pods(&port)}}}}),
                json!({"jobTemplate": {"spec": {"template": {"spec": pods(&full)}}}}),
            ),
            ("example.com/v1", "Service", port.clone(), port.clone()),
            ("v1", "Service", json!("text"), json!("text")),
        ] {
            let mut object = json!({"apiVersion": version, "kind": kind, "spec": given});
            fill(&mut object);
            assert_eq!(object["spec"], filled, "{kind}");
        }
    }
}
