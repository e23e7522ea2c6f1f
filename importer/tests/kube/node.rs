//! Waiting for pods that run, where the cluster has a node. SEALIFT_TEST_IMAGE names an image that the node can pull, whose
//! entry point is a busybox.

use std::env;
use std::time::{Duration, Instant};

use importer::target::{Target, TargetError};

use crate::{PATIENCE, Site, Told, kubectl, skip};

/// A site on a cluster with a node, and an image.
fn with_node() -> Option<(Site, String)> {
    let site = Site::new()?;
    let Ok(image) = env::var("SEALIFT_TEST_IMAGE") else {
        skip("SEALIFT_TEST_IMAGE names no image");
        return None;
    };
    if kubectl(&["get", "nodes", "-o", "name"], "").is_empty() {
        skip("the cluster has no node");
        return None;
    }
    Some((site, image))
}

fn workload(kind: &str, name: &str, image: &str, args: &str, more: &str) -> String {
    let set = if kind == "StatefulSet" { "serviceName: none, " } else { "" };
    format!(
        "---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}, labels: {{app.kubernetes.io/instance: shop}}}}\nspec: {{{set}\
         selector: {{matchLabels: {{app: {name}}}}}, template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{terminationGracePeriodSeconds: 1, \
         containers: [{{name: main, image: '{image}', args: {args}{more}}}]}}}}}}\n"
    )
}

#[test]
fn workloads_are_ready_when_their_pods_are_and_a_service_when_one_is_behind_it() {
    let Some((site, image)) = with_node() else { return };
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}\n";
    let job = format!(
        "---\napiVersion: batch/v1\nkind: Job\nmetadata: {{name: once}}\nspec: {{template: {{spec: {{restartPolicy: Never, containers: \
         [{{name: main, image: '{image}', args: ['true']}}]}}}}}}\n"
    );
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"].map(|kind| {
        let name = if kind == "Deployment" { "web".to_owned() } else { kind.to_lowercase() };
        workload(kind, &name, &image, "[sleep, '1000']", "")
    });
    site.apply(&format!("{}{service}{job}", kinds.join(""))).unwrap();
    let ids = [
        site.id("apps", "Deployment", "web"),
        site.id("apps", "StatefulSet", "statefulset"),
        site.id("apps", "DaemonSet", "daemonset"),
        site.id("", "Service", "web"),
        site.id("batch", "Job", "once"),
    ];
    let told = Told::default();
    site.target().wait(&ids, PATIENCE, &told).unwrap_or_else(|e| panic!("{e} {e:?}"));
    assert!(told.any("waiting Deployment web", "0 of 1 pods"), "{:?}", told.0.borrow());
    assert!(!site.get("endpoints", "web")["subsets"][0]["addresses"].is_null());

    // A new version is ready when its own pods are, not while those of the old one are available.
    site.apply(&workload("Deployment", "web", &image, "[sleep, '2000']", "")).unwrap();
    site.target().wait(&ids[..1], PATIENCE, &told).unwrap();
    let pods =
        site.kubectl(&["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].spec.containers[0].args[1]}"], "");
    assert!(pods.contains("2000"), "{pods}");
    site.target().remove(&ids, PATIENCE, &told).unwrap();
}

#[test]
fn an_image_that_the_registry_does_not_have_ends_the_wait_early() {
    let Some((site, image)) = with_node() else { return };
    let missing = format!("{}-not-there:1", image.rsplit_once(':').unwrap().0);
    site.apply(&workload("Deployment", "web", &missing, "[sleep, '1000']", "")).unwrap();
    let start = Instant::now();
    match site.target().wait(&[site.id("apps", "Deployment", "web")], PATIENCE, &()).unwrap_err() {
        TargetError::Failed { why, details, .. } => {
            assert!(why.starts_with("the registry does not have the image: "), "{why}");
            assert!(why.contains(&missing) && why.contains("was asked of "), "{why}");
            assert!(details.iter().any(|l| l.contains("pod web-") && l.contains("ull")), "{details:?}");
        }
        other => panic!("{other:?}"),
    }
    let spent = start.elapsed();
    assert!(spent >= Duration::from_secs(20) && spent < PATIENCE, "{spent:?}");
}

#[test]
fn a_container_that_ends_again_and_again_is_told_of_with_its_last_words() {
    let Some((site, image)) = with_node() else { return };
    let args = r#"[sh, -c, "echo no database at db:5432; exit 3"]"#;
    // Without a probe it would be ready for the moment in which it runs.
    let probe = ", readinessProbe: {exec: {command: [/busybox, 'false']}}";
    site.apply(&workload("StatefulSet", "db", &image, args, probe)).unwrap();
    let told = Told::default();
    match site.target().wait(&[site.id("apps", "StatefulSet", "db")], Duration::from_secs(60), &told).unwrap_err() {
        TargetError::NotReady { why, details, .. } => {
            assert!(
                why.contains("0 of 1 pods are ready; pod db-0, container main: ") && why.contains("exit code 3"),
                "{why}"
            );
            assert!(details.iter().any(|l| l == "log of db-0, main: no database at db:5432"), "{details:?}");
            assert!(details.iter().any(|l| l.contains("restarts: ")), "{details:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_container_without_a_probe_that_ends_again_and_again_is_never_counted_on() {
    let Some((site, image)) = with_node() else { return };
    let args = r#"[sh, -c, "echo no database at db:5432; sleep 4; exit 3"]"#;
    for kind in ["Deployment", "StatefulSet"] {
        // Of its own: pods are told apart by the label that has this name.
        let name = &kind.to_lowercase();
        site.apply(&workload(kind, name, &image, args, "")).unwrap();
        let told = Told::default();
        match site.target().wait(&[site.id("apps", kind, name)], Duration::from_secs(90), &told).unwrap_err() {
            TargetError::NotReady { why, details, .. } => {
                assert!(why.contains("container main: "), "{why}");
                assert!(
                    details
                        .iter()
                        .any(|l| l.starts_with(&format!("log of {name}-")) && l.ends_with("no database at db:5432")),
                    "{details:?}"
                );
            }
            other => panic!("{other:?}"),
        }
        // While it was waited for.
        assert!(told.any(&format!("waiting {kind} {name}"), "is counted on after"), "{:?}", told.0.borrow());
        let said = format!("said {kind} {name}: log of {name}-");
        assert!(told.any(&said, "no database at db:5432"), "{:?}", told.0.borrow());
    }
    // One that goes on running is, without having to wait again.
    site.apply(&workload("Deployment", "good", &image, "[sleep, '1000']", "")).unwrap();
    let id = [site.id("apps", "Deployment", "good")];
    site.target().wait(&id, PATIENCE, &()).unwrap();
    site.target().wait(&id, Duration::ZERO, &()).unwrap();
}

#[test]
fn a_job_that_fails_is_no_longer_waited_for() {
    let Some((site, image)) = with_node() else { return };
    let job = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: once}}\nspec: {{backoffLimit: 0, template: {{spec: {{restartPolicy: Never, containers: \
         [{{name: main, image: '{image}', args: [sh, -c, 'echo the schema is too old; exit 4']}}]}}}}}}\n"
    );
    site.apply(&job).unwrap();
    match site.target().wait(&[site.id("batch", "Job", "once")], PATIENCE, &()).unwrap_err() {
        TargetError::Failed { why, details, .. } => {
            assert!(why.starts_with("the job failed: BackoffLimitExceeded"), "{why}");
            assert!(details.iter().any(|l| l.contains(", main: the schema is too old")), "{details:?}");
        }
        other => panic!("{other:?}"),
    }
    site.target().remove(&[site.id("batch", "Job", "once")], PATIENCE, &()).unwrap();
}

#[test]
fn a_claim_that_keeps_a_pod_waiting_is_told_of_with_what_it_lacks() {
    let Some((site, image)) = with_node() else { return };
    let claim = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {storageClassName: '', \
        accessModes: [ReadWriteOnce], resources: {requests: {storage: 3Mi}}}\n";
    let volume = "}], volumes: [{name: data, persistentVolumeClaim: {claimName: data}";
    site.apply(&format!("{claim}{}", workload("Deployment", "web", &image, "[sleep, '1000']", volume))).unwrap();
    let e = site.target().wait(&[site.id("apps", "Deployment", "web")], Duration::from_secs(20), &()).unwrap_err();
    match e {
        TargetError::NotReady { details, .. } => {
            let line = "PersistentVolumeClaim data (3Mi, no storage class) is Pending";
            assert!(details.iter().any(|l| l == line), "{details:?}");
            assert!(details.iter().any(|l| l.starts_with("event of PersistentVolumeClaim data: ")), "{details:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pod_that_no_node_takes_is_told_of() {
    let Some((site, image)) = with_node() else { return };
    let more = ", resources: {requests: {cpu: '10000'}}";
    site.apply(&workload("Deployment", "web", &image, "[sleep, '1000']", more)).unwrap();
    let e = site.target().wait(&[site.id("apps", "Deployment", "web")], Duration::from_secs(20), &()).unwrap_err();
    assert!(e.to_string().contains("Unschedulable") && e.to_string().contains("Insufficient cpu"), "{e}");
}
