//! What somebody put on the cluster where the vendor has nothing is taken away when it is asked for, and nothing else is.

use serde_json::{Value, json};

use crate::world::{Team, world};

fn container(team: &Team<'_>, deployment: &str) -> Value {
    let object = team.object(&format!("deployment cloud-{deployment}"));
    let containers = object["spec"]["template"]["spec"]["containers"].as_array().unwrap().clone();
    containers.into_iter().find(|c| c["name"] == deployment).unwrap()
}

fn variable(team: &Team<'_>, deployment: &str, name: &str) -> Value {
    let container = container(team, deployment);
    container["env"].as_array().unwrap().iter().find(|e| e["name"] == name).cloned().unwrap_or_default()
}

fn patch(team: &Team<'_>, what: &str, patch: &Value) {
    team.kubectl(&format!("patch {what} --type=strategic -p {patch}"));
}

#[test]
fn what_others_added_goes_where_it_is_asked_for_and_stays_otherwise() {
    let Some(world) = world() else { return };
    let team = world.team("drift");
    team.sealift("install cloud:1.0.0 --set gateway.replicas=1 --timeout 300s");

    let pods = |template: Value| json!({"spec": {"template": template}});
    let with = |name: &str, mut container: Value| {
        container["name"] = json!(name);
        pods(json!({"spec": {"containers": [container]}}))
    };
    // Of the vendor's kind: put back. What is nobody's attribute stays: a sidecar, a tool's annotation.
    let auth = json!({
        "metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01"}, "labels": {"tier": "back"}},
        "spec": {"terminationGracePeriodSeconds": 5, "containers": [
            {"name": "auth", "args": [], "env": [{"name": "SITE", "value": "1"}, {"name": "LOG_LEVEL", "value": "debug"}]},
        ]},
    });
    patch(&team, "deployment cloud-auth", &pods(auth));
    // A choice that excludes the vendor's, of a variable and of a probe.
    let from =
        json!([{"name": "OLD_SWITCH", "value": null, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]);
    patch(&team, "deployment cloud-auth", &with("auth", json!({"env": from})));
    let probe = json!({"readinessProbe": {"httpGet": null, "exec": {"command": ["/bin/sh", "-c", "true"]}}});
    patch(&team, "deployment cloud-orders", &with("orders", probe));
    patch(&team, "deployment cloud-catalog", &with("catalog", json!({"resources": {"limits": {"memory": "64Mi"}}})));
    team.kubectl("scale deployment/cloud-catalog --replicas=2");
    patch(
        &team,
        "deployment cloud-front",
        &with(
            "sidecar",
            json!({"image": "registry.example/cloud/front:1.0.0", "command": ["/bin/busybox", "sleep", "100000"]}),
        ),
    );
    let command = container(&team, "front");
    assert_eq!(command.get("command"), None);
    patch(&team, "deployment cloud-front", &with("front", json!({"command": ["/bin/sleep", "1000"]})));

    let drift = team.json("status cloud")["drift"].to_string();
    for path in ["auth.env.SITE", "auth.labels.tier", "auth.kubernetes.terminationGracePeriodSeconds", "front.command"]
    {
        assert!(drift.contains(path), "{path}: {drift}");
    }
    // An upgrade to the same version puts back what is the vendor's to say, and leaves the site's.
    let plan = team.json("plan cloud --to 1.0.0");
    assert_eq!(plan["empty"], false, "{plan:#}");
    team.sealift("upgrade cloud --to 1.0.0 --timeout 300s");
    assert_eq!(container(&team, "front").get("command"), None, "the vendor's image knows what to run");
    assert!(container(&team, "orders")["readinessProbe"].get("exec").is_some(), "the site's probe");
    assert_eq!(variable(&team, "auth", "OLD_SWITCH"), json!({"name": "OLD_SWITCH", "value": "on"}));
    assert_eq!(variable(&team, "auth", "SITE")["value"], "1");
    assert_eq!(container(&team, "catalog")["resources"]["limits"]["memory"], "64Mi");
    assert_eq!(team.object("deployment cloud-catalog")["spec"]["replicas"], 2);
    assert_eq!(team.json("plan cloud --to 1.0.0")["empty"], true);

    // What the site added goes when the site says so, whoever else says it: kubectl owns these fields as well.
    team.sealift(
        "upgrade cloud --to 1.0.0 --accept auth.env.SITE --accept auth.labels.tier --accept catalog.replicas \
         --accept auth.kubernetes.terminationGracePeriodSeconds --accept catalog.resources.limits.memory \
         --accept auth.env.LOG_LEVEL --accept orders.probes.readiness --timeout 300s",
    );
    assert_eq!(variable(&team, "auth", "SITE"), Value::Null);
    assert_eq!(variable(&team, "auth", "LOG_LEVEL")["value"], "info");
    assert!(container(&team, "catalog")["resources"].get("limits").is_none());
    let probe = container(&team, "orders")["readinessProbe"].clone();
    assert!(probe.get("exec").is_none() && probe.get("httpGet").is_some(), "{probe}");
    assert_eq!(team.object("deployment cloud-catalog")["spec"]["replicas"], 1);
    let auth = team.object("deployment cloud-auth")["spec"]["template"].clone();
    assert_eq!(auth["metadata"]["labels"].get("tier"), None, "{auth:#}");
    assert_eq!(auth["spec"]["terminationGracePeriodSeconds"], 30);
    assert_eq!(auth["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"], "2026-01-01");
    let front = team.object("deployment cloud-front")["spec"]["template"]["spec"]["containers"].clone();
    assert!(front.as_array().unwrap().iter().any(|c| c["name"] == "sidecar"), "{front:#}");
    assert_eq!(team.json("plan cloud --to 1.0.0")["empty"], true);
    assert_eq!(team.json("status cloud")["drift"], json!([]));

    // A value that was given, and that kubectl then set as well, goes with `--unset` and with an exact rollback.
    team.sealift("upgrade cloud --to 1.0.0 --set auth.env.GIVEN=1 --timeout 300s");
    team.kubectl("set env deployment/cloud-auth GIVEN=2");
    team.sealift("upgrade cloud --to 1.0.0 --unset auth.env.GIVEN --timeout 300s");
    assert_eq!(variable(&team, "auth", "GIVEN"), Value::Null);
    team.kubectl("set env deployment/cloud-auth LATER=1");
    team.sealift("rollback cloud 1 --exact --timeout 300s");
    assert_eq!(variable(&team, "auth", "LATER"), Value::Null);
    assert_eq!(team.json("plan cloud --to 1.0.0")["empty"], true);
}
