//! What is scaled to nothing keeps its claims, configuration and name.

use crate::{Site, names, object, template};

const ALL: &str = "
components:
  - {name: web, image: 'nginx:1', replicas: 3, ports: [{name: http, port: 80}], config: [{path: /c, content: x}], volumes: [{name: v, path: /v, size: 1Gi}]}
  - {name: db, image: 'nginx:1', kind: StatefulSet, replicas: 3}
  - {name: agent, image: 'nginx:1', kind: DaemonSet, kubernetes: {nodeSelector: {a: b}}}
  - {name: job, image: 'nginx:1', kind: Job, config: [{path: /c, content: x}]}
  - {name: nightly, image: 'nginx:1', kind: CronJob, schedule: '0 1 * * *'}
  - {name: scaled, image: 'nginx:1', scaling: {min: 2, max: 4}, resources: {requests: {cpu: 1}}}
  - {name: user, image: 'nginx:1', dependsOn: [web], env: [{name: WEB, service: {component: web}}, {name: A, value: b}]}
routes: [{name: r, component: web, port: http}]
streams: [{name: s, component: web, port: http}]
";

#[test]
fn each_kind_stops_in_its_own_way() {
    let template = template(ALL);
    let off = ["web", "db", "agent", "job", "nightly", "scaled"];
    let site = off.iter().fold(Site::of(&template), |site, component| site.switch_off(component));
    let files = site.render(&template).unwrap();
    for (file, place, expected) in [
        ("deployment-web.yaml", "/spec/replicas", serde_json::json!(0)),
        ("statefulset-db.yaml", "/spec/replicas", serde_json::json!(0)),
        ("deployment-scaled.yaml", "/spec/replicas", serde_json::json!(0)),
        (
            "daemonset-agent.yaml",
            "/spec/template/spec/nodeSelector",
            serde_json::json!({"a": "b", "sealift.dev/switched-on": "true"}),
        ),
        ("cronjob-nightly.yaml", "/spec/suspend", serde_json::json!(true)),
        (
            "deployment-user.yaml",
            "/spec/template/spec/containers/0/env",
            serde_json::json!([{"name": "A", "value": "b"}]),
        ),
    ] {
        assert_eq!(object(&files, file).pointer(place), Some(&expected), "{file}");
    }
    assert_eq!(
        names(&files),
        [
            "00-namespace.yaml",
            "20-configmap-job.yaml",
            "20-configmap-web.yaml",
            "30-pvc-web-v.yaml",
            "40-service-db-headless.yaml",
            "40-service-web.yaml",
            "50-001-deployment-web.yaml",
            "50-002-statefulset-db.yaml",
            "50-003-daemonset-agent.yaml",
            "50-005-cronjob-nightly.yaml",
            "50-006-deployment-scaled.yaml",
            "50-007-deployment-user.yaml",
        ],
        "no job, autoscaler, route or stream"
    );
}

#[test]
fn what_is_on_says_nothing_of_it() {
    let template = template(ALL);
    let files = Site::of(&template).render(&template).unwrap();
    for (file, place) in [
        ("daemonset-agent.yaml", "/spec/template/spec/nodeSelector/sealift.dev~1switched-on"),
        ("cronjob-nightly.yaml", "/spec/suspend"),
        ("deployment-scaled.yaml", "/spec/replicas"),
    ] {
        assert_eq!(object(&files, file).pointer(place), None, "{file}");
    }
    assert_eq!(object(&files, "deployment-web.yaml")["spec"]["replicas"], 3);
    for file in ["60-autoscaler-scaled.yaml", "60-route-r.yaml", "60-stream-s.yaml", "50-004-job-job.yaml"] {
        assert!(names(&files).contains(&file), "{file}");
    }
}

#[test]
fn an_optional_component_is_there_when_it_was_on_once() {
    let template = template("components: [{name: a, image: 'nginx:1'}, {name: o, image: 'nginx:1', optional: true}]\n");
    let site = || Site::of(&template);
    for (site, replicas) in [
        (site(), None),
        (site().enable("o"), Some(None)),
        (site().switch_off("o"), Some(Some(0))),
        (site().switch_off("o").enable("o"), Some(None)),
        (site().switch_off("of-another-version"), None),
    ] {
        let files = site.render(&template).unwrap();
        let found = files.iter().find(|f| f.name().ends_with("deployment-o.yaml"));
        assert_eq!(found.map(|f| f.objects()[0]["spec"].get("replicas").and_then(|n| n.as_u64())), replicas);
    }
}

#[test]
fn a_shared_volume_is_mounted_while_its_claim_is_there() {
    let template = template(
        "components:
  - {name: a, image: 'nginx:1', mounts: [{component: o, volume: v, path: /v}]}
  - {name: o, image: 'nginx:1', optional: true, volumes: [{name: v, path: /v, size: 1Gi, accessModes: [ReadWriteMany]}]}
",
    );
    let volumes = |site: Site| {
        let files = site.render(&template).unwrap();
        object(&files, "deployment-a.yaml")["spec"]["template"]["spec"].get("volumes").cloned()
    };
    let mounted = serde_json::json!([{"name": "sealift-mount-1", "persistentVolumeClaim": {"claimName": "t-o-v"}}]);
    assert_eq!(volumes(Site::of(&template)), None, "pods would wait for a claim that is not there");
    assert_eq!(volumes(Site::of(&template).enable("o")), Some(mounted.clone()));
    assert_eq!(volumes(Site::of(&template).switch_off("o")), Some(mounted));
}
