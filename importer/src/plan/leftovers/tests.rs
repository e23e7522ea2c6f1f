//! What goes, of whatever somebody did.

use serde_json::json;

use super::*;

fn workload(container: Value) -> Value {
    json!({"kind": "Deployment", "metadata": {"resourceVersion": "7"}, "spec": {"template": {"spec": {
        "containers": [{"name": "sidecar"}, container],
    }}}})
}

#[test]
fn an_entry_is_found_by_its_name_wherever_it_is() {
    let spot = Spot::below(&["spec", "template", "spec", "containers"]).entry("web").field("env").entry("A");
    let object = workload(json!({"name": "web", "env": [{"name": "B"}, {"name": "A", "value": "1"}]}));
    assert_eq!(spot.pointer(&object).unwrap(), "/spec/template/spec/containers/1/env/1");
    assert_eq!(spot.find(&object), Some(&json!({"name": "A", "value": "1"})));
    assert_eq!(spot.to_string(), "/spec/template/spec/containers[web]/env[A]");
    assert_eq!(spot.find(&workload(json!({"name": "web"}))), None);
    assert_eq!(Spot::below(&["a/b"]).field("c~d").pointer(&json!({"a/b": {"c~d": 1}})).unwrap(), "/a~1b/c~0d");
}

#[test]
fn the_operations_of_a_patch_leave_nothing_of_what_is_left_over() {
    let env = Spot::below(&["spec", "template", "spec", "containers"]).entry("web").field("env");
    let leftovers = [
        Leftover { spot: env.entry("A"), instead: None },
        Leftover { spot: env.entry("C"), instead: Some(json!({"name": "C", "value": "3"})) },
        Leftover { spot: env.entry("B"), instead: None },
        Leftover { spot: Spot::below(&["spec", "replicas"]), instead: None },
    ];
    let list = json!([{"name": "A"}, {"name": "B"}, {"name": "C", "valueFrom": {}}, {"name": "D"}]);
    let mut object = workload(json!({"name": "web", "env": list}));
    let there = "/spec/template/spec/containers/1/env";
    assert_eq!(
        operations(&leftovers, &object),
        [
            json!({"op": "remove", "path": format!("{there}/0")}),
            json!({"op": "replace", "path": format!("{there}/1"), "value": {"name": "C", "value": "3"}}),
            json!({"op": "remove", "path": format!("{there}/0")}),
        ],
        "each where the ones before it leave it"
    );
    take_away(&leftovers, &mut object);
    assert_eq!(object, workload(json!({"name": "web", "env": [{"name": "C", "value": "3"}, {"name": "D"}]})));
    assert_eq!(operations(&leftovers, &object), Vec::<Value>::new());
}

#[test]
fn more_is_what_a_server_does_not_add_by_itself() {
    for (case, rendered, live, expected) in [
        ("nothing was rendered", None, json!([]), true),
        ("another value", Some(json!({"path": "/a"})), json!({"path": "/b"}), false),
        ("a default", Some(json!({"path": "/a"})), json!({"path": "/a", "periodSeconds": 10}), false),
        ("no default", Some(json!({"path": "/a"})), json!({"path": "/a", "periodSeconds": 11}), true),
        ("further in", Some(json!({"a": {"b": 1}})), json!({"a": {"b": 1, "c": 2}}), true),
        ("an entry", Some(json!({"env": [{"name": "A"}]})), json!({"env": [{"name": "A"}, {"name": "B"}]}), true),
        ("a list that is one value", Some(json!({"command": ["a"]})), json!({"command": ["a", "b"]}), false),
    ] {
        assert_eq!(has_more("", rendered.as_ref(), &live), expected, "{case}");
    }
}

#[test]
fn what_cannot_stand_beside_ours_goes_where_a_target_has_chosen_otherwise() {
    let ours = workload(json!({
        "name": "web",
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "readinessProbe": {"httpGet": {"path": "/"}},
        "livenessProbe": {"httpGet": {"path": "/"}},
    }));
    let live = workload(json!({
        "name": "web",
        "env": [{"name": "A", "valueFrom": {"fieldRef": {}}}, {"name": "B", "value": "3"}],
        "readinessProbe": {"exec": {"command": ["true"]}},
        "livenessProbe": {"httpGet": {"path": "/b"}},
    }));
    let found: Vec<String> = choices::of(&ours, &live).iter().map(|l| l.spot.to_string()).collect();
    let container = "/spec/template/spec/containers[web]";
    assert_eq!(found, [format!("{container}/env[A]"), format!("{container}/readinessProbe")]);
}
