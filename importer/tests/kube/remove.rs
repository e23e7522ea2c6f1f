//! Removing.

use std::time::Duration;

use importer::target::{Target, TargetError};

use crate::{PATIENCE, Site, Told};

const TWO: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n";

#[test]
fn what_is_removed_is_gone_and_what_is_not_there_is_passed_over() {
    let Some(site) = Site::new() else { return };
    let deployment = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {selector: {matchLabels: {a: b}}, \
        template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'r.example/a:1'}]}}}\n";
    site.apply(&format!("{TWO}{deployment}")).unwrap();
    let ids = [
        site.id("apps", "Deployment", "web"),
        site.id("", "ConfigMap", "one"),
        site.id("", "ConfigMap", "never"),
        site.id("example.com", "Unknown", "x"),
    ];
    // An old kubelet takes most of a minute for a pod.
    let told = Told::default();
    site.target().remove(&ids, PATIENCE, &told).unwrap();
    assert!(told.any("removed Deployment web", "") && told.any("removed ConfigMap one", ""));
    assert!(!told.any("removed ConfigMap never", ""));
    // In the foreground: with its replica set and pods, which an old kubelet may still be ending.
    assert_eq!(site.kubectl(&["get", "deployments,replicasets", "-o", "name"], ""), "");
    let pods: serde_json::Value = serde_json::from_str(&site.kubectl(&["get", "pods", "-o", "json"], "")).unwrap();
    let mut pods = pods["items"].as_array().unwrap().iter();
    assert!(pods.all(|pod| pod["metadata"]["deletionTimestamp"].is_string()));
    assert!(site.kubectl(&["get", "configmaps", "-o", "name"], "").contains("configmap/two"));
}

#[test]
fn what_holds_an_object_back_is_said_when_time_is_up() {
    let Some(site) = Site::new() else { return };
    site.apply(TWO).unwrap();
    let finalizer = |value: &str| {
        let patch = format!(r#"{{"metadata":{{"finalizers":{value}}}}}"#);
        site.kubectl(&["patch", "configmap", "one", "--type=merge", "-p", &patch], "");
    };
    finalizer(r#"["sealift.dev/test"]"#);
    let told = Told::default();
    let e = site.target().remove(&[site.id("", "ConfigMap", "one")], Duration::from_secs(2), &told).unwrap_err();
    finalizer("null");
    assert!(matches!(e, TargetError::NotReady { .. }), "{e:?}");
    assert!(e.to_string().contains("finalizers") && e.to_string().contains("sealift.dev/test"), "{e}");
    assert!(told.any("waiting ConfigMap one", "sealift.dev/test"));
}

#[test]
fn what_is_of_others_is_not_removed_also_where_it_may_be_taken_over() {
    let Some(site) = Site::new() else { return };
    let mine = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine}\n";
    site.make_namespace();
    site.kubectl(&["apply", "-f", "-"], mine);
    let ids = [site.id("", "ConfigMap", "mine")];
    let refused = site.target().remove(&ids, PATIENCE, &()).unwrap_err();
    assert!(matches!(refused, TargetError::Foreign { .. }), "{refused:?}");
    site.target().adopt(true).remove(&ids, PATIENCE, &()).unwrap();
    assert!(site.kubectl(&["get", "configmaps", "-o", "name"], "").contains("configmap/mine"));
}

#[test]
fn what_another_has_to_see_end_goes_before_those_who_may_be_that() {
    let Some(site) = Site::new() else { return };
    site.apply(TWO).unwrap();
    let patch = |value: &str| format!(r#"{{"metadata":{{"finalizers":{value}}}}}"#);
    site.kubectl(&["patch", "configmap", "one", "--type=merge", "-p", &patch(r#"["boxes.example/end"]"#)], "");
    let namespace = site.namespace().to_owned();
    // An operator, of which the second object is a part: it lets the first go for as long as that is there.
    let operator = std::thread::spawn(move || {
        let get = |name: &str, path: &str| {
            let arguments = ["--namespace", &namespace, "get", "configmap", name, "--ignore-not-found", "-o", path];
            crate::kubectl(&arguments, "")
        };
        let start = std::time::Instant::now();
        while get("one", "jsonpath={.metadata.deletionTimestamp}").is_empty() {
            assert!(start.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(200));
        }
        // What is deleted with it is deleted by now.
        std::thread::sleep(Duration::from_secs(2));
        let runs = !get("two", "name").is_empty();
        let arguments = [
            "--namespace",
            &namespace,
            "patch",
            "configmap",
            "one",
            "--type=merge",
            "-p",
            r#"{"metadata":{"finalizers":null}}"#,
        ];
        crate::kubectl(&arguments, "");
        runs
    });
    let ids = [site.id("", "ConfigMap", "one"), site.id("", "ConfigMap", "two")];
    site.target().remove(&ids, PATIENCE, &()).unwrap();
    assert!(operator.join().unwrap(), "the operator was still there");
    assert!(!site.kubectl(&["get", "configmaps", "-o", "name"], "").contains("configmap/two"));
}
