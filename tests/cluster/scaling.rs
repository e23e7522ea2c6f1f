//! Scaling rules become autoscalers where a cluster measures, and these scale.

use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::world::{apply, kubectl, wait, world};

const TYPE: &str = "pods.metrics.k8s.io";

/// The types that a metrics server brings, and the measurements that are written by hand: the controller that reads them is real.
struct Metrics;

impl Metrics {
    fn new() -> Self {
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        apply(&json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": TYPE, "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}},
            "spec": {
                "group": "metrics.k8s.io", "scope": "Namespaced",
                "names": {"plural": "pods", "singular": "podmetrics", "kind": "PodMetrics", "listKind": "PodMetricsList"},
                "versions": [{"name": "v1beta1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
            },
        }));
        let metrics = Self;
        kubectl(&format!("wait --for=condition=Established --timeout=60s crd/{TYPE}"));
        metrics
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        let _ = Command::new("kubectl").args(["delete", "crd", TYPE]).output();
    }
}

#[test]
fn a_component_is_scaled_by_its_rule() {
    let Some(world) = world() else { return };
    let metrics = Metrics::new();
    let team = world.team("scaling");
    let few = "--set gateway.replicas=1 --set customers.resources.requests.cpu=10m";
    team.sealift(&format!("install cloud:1.0.0 {few} --timeout 300s"));
    let replicas = || team.object("deployment cloud-customers")["spec"]["replicas"].as_u64().unwrap();
    assert_eq!(replicas(), 1);
    // Ten times what it asked for, where 75 % are wanted: as many as the rule has.
    let selector = "app.kubernetes.io/instance=cloud,app.kubernetes.io/component=customers";
    wait(Duration::from_secs(120), "four customers", || {
        let pods = team.object(&format!("pods --selector {selector}"));
        for pod in pods["items"].as_array().unwrap() {
            let (name, labels) = (&pod["metadata"]["name"], &pod["metadata"]["labels"]);
            let now = String::from_utf8(Command::new("date").args(["-u", "+%FT%TZ"]).output().unwrap().stdout).unwrap();
            apply(&json!({
                "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
                "metadata": {"name": name, "namespace": team.name, "labels": labels},
                "timestamp": now.trim(), "window": "1s",
                "containers": [{"name": "customers", "usage": {"cpu": "100m", "memory": "1Mi"}}],
            }));
        }
        replicas() == 4
    });
    // How many there are is the scaler's business: no drift, and no upgrade puts it back.
    assert_eq!(team.json("status cloud")["drift"], json!([]));
    assert_eq!(team.json("plan cloud --to 1.0.0")["empty"], true);
    world.sealift("import v2.sealift --key vendor.pub --site site");
    team.sealift("upgrade cloud --to 2.0.0 --timeout 300s");
    assert_eq!(replicas(), 4);
    // The rule is the site's to change.
    team.sealift("upgrade cloud --to 2.0.0 --set customers.scaling.max=2 --timeout 300s");
    wait(Duration::from_secs(60), "two customers", || replicas() == 2);
    // Without a rule, or without measurements, there is no scaler; what it left is what runs.
    drop(metrics);
    team.sealift("upgrade cloud --to 2.0.0 --timeout 300s");
    assert_eq!(team.kubectl("get hpa --ignore-not-found -o name"), "");
}
