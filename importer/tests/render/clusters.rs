//! What the target knows decides about versions of the API, and about what there is no use for.

use crate::{Site, names, object, template};

const ALL: &str = "
components:
  - name: web
    image: 'nginx:1'
    ports: [{name: http, port: 80}]
    scaling: {min: 2, max: 4, step: 2}
    resources: {requests: {cpu: 1}}
    monitors: [{name: m, port: http}]
  - {name: nightly, image: 'nginx:1', kind: CronJob, schedule: '0 1 * * *'}
routes: [{name: r, component: web, port: http}]
";

const CRON: (&str, &str) = ("batch/v1beta1", "CronJob");
const INGRESS: (&str, &str) = ("networking.k8s.io/v1beta1", "Ingress");
const SCALER: (&str, &str) = ("autoscaling/v2beta2", "HorizontalPodAutoscaler");

#[test]
fn the_latest_version_that_the_target_knows_is_taken() {
    let template = template(ALL);
    let newer =
        [("batch/v1", "CronJob"), ("networking.k8s.io/v1", "Ingress"), ("autoscaling/v2", "HorizontalPodAutoscaler")];
    let early = [CRON, INGRESS, SCALER];
    let both = [early, newer].concat();
    for (types, expected) in [(&early[..], early), (&newer[..], newer), (&both[..], newer)] {
        let files = Site::of(&template).on(types, true).render(&template).unwrap();
        for (file, (version, kind)) in
            ["cronjob-nightly.yaml", "60-route-r.yaml", "60-autoscaler-web.yaml"].into_iter().zip(expected)
        {
            let object = object(&files, file);
            assert_eq!((&object["apiVersion"], &object["kind"]), (&version.into(), &kind.into()));
        }
    }
}

#[test]
fn an_early_route_says_its_backend_in_the_early_way() {
    let template = template(ALL);
    let files = Site::of(&template).on(&[CRON, INGRESS, SCALER], true).render(&template).unwrap();
    assert_eq!(
        object(&files, "60-route-r.yaml")["spec"]["rules"][0]["http"]["paths"][0],
        serde_json::json!({"backend": {"serviceName": "t-web", "servicePort": "http"}, "path": "/", "pathType": "Prefix"})
    );
}

#[test]
fn a_target_without_a_kind_is_told_who_needs_it() {
    let template = template(ALL);
    for (types, error) in [
        (
            vec![INGRESS],
            "the component nightly needs a CronJob, and the target has none: it would have to know batch/v1, batch/v1beta1",
        ),
        (
            vec![CRON],
            "the component web needs a Ingress, and the target has none: it would have to know networking.k8s.io/v1, networking.k8s.io/v1beta1",
        ),
    ] {
        assert_eq!(Site::of(&template).on(&types, true).render(&template).unwrap_err().to_string(), error);
    }
}

#[test]
fn without_measurements_the_replicas_are_fixed() {
    for (replicas, types, measures, expected) in [
        ("", vec![CRON, INGRESS, SCALER], false, 2),
        ("", vec![CRON, INGRESS], true, 2),
        ("replicas: 3, ", vec![CRON, INGRESS, SCALER], false, 3),
    ] {
        let template = template(&ALL.replace("scaling:", &format!("{}scaling:", replicas.replace(", ", "\n    "))));
        let files = Site::of(&template).on(&types, measures).render(&template).unwrap();
        assert_eq!(object(&files, "deployment-web.yaml")["spec"]["replicas"], expected);
        assert!(!names(&files).contains(&"60-autoscaler-web.yaml"));
    }
}

#[test]
fn a_monitor_is_made_where_the_cluster_has_the_operator_and_sees_one_service() {
    let template = template(
        "components: [{name: db, image: 'nginx:1', kind: StatefulSet, ports: [{name: http, port: 80}], monitors: [{name: a, port: http, interval: 10s}, {name: b, port: http, path: /b}]}]\nstreams: [{name: s, component: db, port: http}]\n",
    );
    let files = Site::of(&template).render(&template).unwrap();
    assert!(!names(&files).contains(&"60-monitor-db.yaml"));
    let files =
        Site::of(&template).on(&[("monitoring.coreos.com/v1", "ServiceMonitor")], true).render(&template).unwrap();
    let spec = &object(&files, "60-monitor-db.yaml")["spec"];
    assert_eq!(
        spec["endpoints"],
        serde_json::json!([{"interval": "10s", "path": "/metrics", "port": "http"}, {"path": "/b", "port": "http"}])
    );
    let wanted = spec["selector"]["matchLabels"].as_object().unwrap();
    let chosen: Vec<&str> = files
        .iter()
        .flat_map(|f| f.objects())
        .filter(|o| o["kind"] == "Service")
        .filter(|o| wanted.iter().all(|(key, value)| o["metadata"]["labels"].get(key) == Some(value)))
        .map(|o| o["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(chosen, ["t-db"], "each pod is measured once");
}
