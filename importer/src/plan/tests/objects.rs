//! Objects of manifests, merged leaf by leaf (spec/plan.md 3.4).

use serde_json::{Value, json};

use super::*;

#[test]
fn leaves_that_the_site_changed_stay_and_all_else_is_the_vendors() {
    let no = Value::Null;
    for (why, old, new, site, merged) in [
        (
            "another leaf",
            json!({"a": 1, "b": 1}),
            json!({"a": 2, "b": 1}),
            json!({"a": 1, "b": 9}),
            json!({"a": 2, "b": 9}),
        ),
        ("the same leaf", json!({"a": 1}), json!({"a": 2}), json!({"a": 9}), json!({"a": 9})),
        ("one more of the site", json!({"a": 1}), json!({"a": 2}), json!({"a": 1, "z": 9}), json!({"a": 2, "z": 9})),
        ("one more of the vendor", json!({"a": 1}), json!({"a": 1, "n": 2}), json!({"a": 9}), json!({"a": 9, "n": 2})),
        ("one less of the vendor", json!({"a": 1, "b": 1}), json!({"a": 1}), json!({"a": 9, "b": 1}), json!({"a": 9})),
        ("one less, that the site changed", json!({"b": 1}), json!({"c": 2}), json!({"b": 9}), json!({"b": 9, "c": 2})),
        ("removed by the site", json!({"a": 1, "b": 1}), json!({"a": 2, "b": 1}), json!({"a": 1}), json!({"a": 2})),
        (
            "deeper",
            json!({"s": {"a": 1}}),
            json!({"s": {"a": 2}}),
            json!({"s": {"a": 1, "z": 9}}),
            json!({"s": {"a": 2, "z": 9}}),
        ),
        (
            "lists by name",
            json!({"l": [{"name": "x", "v": 1}, {"name": "y", "v": 1}]}),
            json!({"l": [{"name": "n", "v": 2}, {"name": "x", "v": 2}]}),
            json!({"l": [{"name": "x", "v": 1}, {"name": "y", "v": 1}, {"name": "z", "v": 9}]}),
            json!({"l": [{"name": "n", "v": 2}, {"name": "x", "v": 2}, {"name": "z", "v": 9}]}),
        ),
        (
            "other lists are one leaf",
            json!({"l": [1, 2]}),
            json!({"l": [1, 2, 3]}),
            json!({"l": [9]}),
            json!({"l": [9]}),
        ),
        (
            "the vendor's list, if the site left it",
            json!({"l": [1]}),
            json!({"l": [2]}),
            json!({"l": [1], "z": 9}),
            json!({"l": [2], "z": 9}),
        ),
        (
            "another shape",
            json!({"a": 1}),
            json!({"a": {"b": 2}}),
            json!({"a": 1, "z": 9}),
            json!({"a": {"b": 2}, "z": 9}),
        ),
        (
            "amounts",
            json!({"limits": {"cpu": "0.5"}}),
            json!({"limits": {"cpu": "1"}}),
            json!({"limits": {"cpu": "500m"}, "z": 9}),
            json!({"limits": {"cpu": "1"}, "z": 9}),
        ),
        ("both made it", no.clone(), json!({"a": 1, "b": 2}), json!({"b": 9}), json!({"a": 1, "b": 9})),
    ] {
        let old = (!old.is_null()).then_some(old);
        let found = decide(&path("object/Thing/a"), old.as_ref(), Some(&new), Some(&site), false).unwrap();
        assert_eq!(found.value, Some(merged.clone()), "{why}");
        let accepted = decide(&path("object/Thing/a"), old.as_ref(), Some(&new), Some(&site), true).unwrap();
        assert_eq!(accepted.value, Some(new.clone()), "{why}");
        let again = decide(&path("object/Thing/a"), Some(&new), Some(&new), Some(&merged), false);
        assert_eq!(again.map_or(Some(new), |d| d.value), Some(merged), "{why}: deciding again changes nothing");
    }
}

#[test]
fn texts_of_a_configmap_are_no_amounts() {
    let old = json!({"data": {"storage": "1"}});
    let site = json!({"data": {"storage": "1.0"}});
    assert!(decide(&path("object/ConfigMap/a"), Some(&old), Some(&old), Some(&site), false).is_some());
    assert!(decide(&path("object/Thing/a"), Some(&old), Some(&old), Some(&site), false).is_none());
}
