//! Pairs that an API server made, and what is changed in them.

use serde_json::json;

use super::*;

/// Objects as they were applied to Kubernetes 1.20.2, and as it gave them back.
fn pairs() -> Vec<(Value, Value)> {
    let text = include_str!("../../../../testdata/kubernetes/1.20.2.json");
    let pairs: Vec<Value> = serde_json::from_str(text).unwrap();
    pairs.into_iter().map(|pair| (pair["rendered"].clone(), pair["live"].clone())).collect()
}

fn pair(kind: &str, name: &str) -> (Value, Value) {
    let is = |object: &Value| object["kind"] == kind && object["metadata"]["name"] == name;
    pairs().into_iter().find(|(rendered, _)| is(rendered)).unwrap()
}

#[test]
fn what_a_server_adds_is_no_difference() {
    let pairs = pairs();
    assert!(pairs.len() > 30);
    for (rendered, live) in pairs {
        let id = format!("{} {}", rendered["kind"], rendered["metadata"]["name"]);
        assert_eq!(differences(&rendered, &live), [], "{id}");
        assert!(same(&rendered, &live), "{id}");
    }
}

#[test]
fn every_leaf_that_a_server_has_otherwise_is_a_difference() {
    /// The places of all leaves that say something.
    fn leaves(value: &Value, at: &str, out: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(k, v)| {
                leaves(v, &format!("{at}/{}", k.replace('~', "~0").replace('/', "~1")), out);
            }),
            Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| leaves(v, &format!("{at}/{i}"), out)),
            Value::Null => {}
            _ => out.push(at.to_owned()),
        }
    }
    let passed = ["/apiVersion", "/metadata/namespace"];
    for (rendered, live) in pairs() {
        let mut found = Vec::new();
        leaves(&rendered, "", &mut found);
        for pointer in found.iter().filter(|pointer| !passed.contains(&pointer.as_str())) {
            let mut changed = rendered.clone();
            *changed.pointer_mut(pointer).unwrap() = json!("something else");
            assert!(!same(&changed, &live), "{pointer} of {}", rendered["metadata"]["name"]);
        }
    }
}

#[test]
fn a_change_on_the_server_is_found_at_its_place() {
    for (kind, name, place, value, pointer) in [
        ("Deployment", "amounts", "/spec/replicas", json!(3), "/spec/replicas"),
        (
            "Deployment",
            "amounts",
            "/spec/template/spec/containers/0/resources/requests/cpu",
            json!("501m"),
            "/spec/template/spec/containers/0/resources/requests/cpu",
        ),
        ("ConfigMap", "files", "/data/empty", json!("x"), "/data/empty"),
        ("ConfigMap", "files", "/data/size", json!("500m"), "/data/size"),
        ("Service", "amounts", "/spec/ports/1/port", json!(54), "/spec/ports/1"),
        ("Ingress", "amounts", "/spec/rules/0/host", json!("b.example"), "/spec/rules/0/host"),
        ("HorizontalPodAutoscaler", "amounts", "/spec/minReplicas", json!(1), "/spec/minReplicas"),
        (
            "PersistentVolumeClaim",
            "data",
            "/spec/resources/requests/storage",
            json!("2Gi"),
            "/spec/resources/requests/storage",
        ),
    ] {
        let (rendered, mut live) = pair(kind, name);
        *live.pointer_mut(place).unwrap() = value;
        let found: Vec<String> = differences(&rendered, &live).into_iter().map(|d| d.pointer).collect();
        assert_eq!(found, [pointer], "{kind} {place}");
        assert!(!same(&rendered, &live));
    }
}

#[test]
fn values_are_the_same_by_what_they_say() {
    for (case, rendered, live, expected) in [
        ("an amount", json!({"limits": {"cpu": "0.5"}}), json!({"limits": {"cpu": "500m"}}), true),
        ("an amount as a number", json!({"limits": {"cpu": 2}}), json!({"limits": {"cpu": "2"}}), true),
        ("a text that looks like an amount", json!({"data": {"a": "1Gi"}}), json!({"data": {"a": "1024Mi"}}), false),
        ("a number or its text", json!({"targetPort": "80"}), json!({"targetPort": 80}), true),
        ("a number elsewhere", json!({"replicas": "80"}), json!({"replicas": 80}), false),
        ("nothing", json!({"a": null, "b": {}, "c": [], "d": {"e": {}}}), json!({}), true),
        ("false, an empty text and zero", json!({"a": false, "b": "", "c": 0}), json!({}), true),
        ("an empty text that is data", json!({"data": {"a": ""}}), json!({"data": {}}), false),
        ("a choice without a word", json!({"emptyDir": {}}), json!({"hostPath": {"path": "/"}}), false),
        ("no replicas", json!({"replicas": 0}), json!({}), false),
        ("true", json!({"a": true}), json!({}), false),
        ("more in a map", json!({"a": {"b": 1}}), json!({"a": {"b": 1, "c": 2}}), true),
        (
            "more in a merged list",
            json!({"env": [{"name": "a"}]}),
            json!({"env": [{"name": "b"}, {"name": "a"}]}),
            true,
        ),
        ("less in a merged list", json!({"env": [{"name": "a"}]}), json!({"env": [{"name": "b"}]}), false),
        ("more in another list", json!({"args": ["a"]}), json!({"args": ["a", "b"]}), false),
        (
            "a port twice",
            json!({"ports": [{"port": 53, "protocol": "UDP"}]}),
            json!({"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}),
            true,
        ),
        ("a name twice", json!({"env": [{"name": "a"}, {"name": "a"}]}), json!({"env": [{"name": "a"}]}), false),
        ("another version of the API", json!({"apiVersion": "a/v1"}), json!({"apiVersion": "a/v2"}), true),
        ("other types", json!({"a": {"b": 1}}), json!({"a": [1]}), false),
    ] {
        assert_eq!(same(&rendered, &live), expected, "{case}");
    }
}

#[test]
fn values_of_secrets_are_compared_and_not_given() {
    let (rendered, mut live) = pair("Secret", "login");
    live["data"]["user"] = json!("cm9vdA==");
    let [found] = <[Difference; 1]>::try_from(differences(&rendered, &live)).unwrap();
    assert_eq!((found.pointer.as_str(), found.rendered, found.live), ("/stringData/user", None, None));
}
