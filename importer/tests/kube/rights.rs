//! The rights of spec/rbac.yaml are enough, and no more than they say.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bundle_format::{Code, Coded};
use importer::plan::Leftovers;
use importer::target::kube::Cluster;
use importer::target::{Records, Target};
use serde_json::{Value, json};

use crate::records::record;
use crate::{PATIENCE, Site, kubectl};

/// spec/rbac.yaml for the namespace of `site`; of its bindings and roles only those inside, unless `all`.
fn grant(site: &Site, all: bool) {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/rbac.yaml")).unwrap();
    let mut text = text.replace("namespace: shop", &format!("namespace: {}", site.namespace()));
    let cluster_wide = format!("sealift-{}", site.namespace());
    let documents: Vec<String> = text
        .split("---\n")
        .filter(|d| all || !d.contains("kind: Cluster"))
        .map(|d| {
            if d.contains("kind: Cluster") {
                d.replace("  name: sealift\n", &format!("  name: {cluster_wide}\n"))
            } else {
                d.to_owned()
            }
        })
        .collect();
    text = documents.join("---\n");
    // The subject keeps its name.
    text = text.replace(&format!("ServiceAccount\n    name: {cluster_wide}"), "ServiceAccount\n    name: sealift");
    site.kubectl(&["apply", "-f", "-"], &text);
}

/// A token of the service account `sealift`: by the secret that old servers make, or asked for.
fn token(site: &Site) -> String {
    let asked =
        Command::new("kubectl").args(["--namespace", site.namespace(), "create", "token", "sealift"]).output().unwrap();
    if asked.status.success() {
        return String::from_utf8(asked.stdout).unwrap().trim().to_owned();
    }
    let secret = "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\n\
        metadata: {name: token, annotations: {kubernetes.io/service-account.name: sealift}}\n";
    site.kubectl(&["apply", "-f", "-"], secret);
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let text = site.kubectl(
            &[
                "get",
                "secret",
                "token",
                "-o",
                "go-template={{with .data}}{{with .token}}{{.|base64decode}}{{end}}{{end}}",
            ],
            "",
        );
        if !text.is_empty() {
            return text;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("no token came");
}

/// The cluster as the service account sees it.
fn as_account(site: &Site) -> std::sync::Arc<Cluster> {
    let mut config: Value =
        serde_json::from_str(&kubectl(&["config", "view", "--raw", "--minify", "-o", "json"], "")).unwrap();
    config["users"][0]["user"] = json!({"token": token(site)});
    config["contexts"][0]["context"]["namespace"] = json!(site.namespace());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, config.to_string()).unwrap();
    Cluster::connect_by(Some(&path), None).unwrap()
}

const EVERYTHING: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: v1
kind: Secret
metadata: {name: a}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: a}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: a}
subsets: [{addresses: [{ip: 192.0.2.1}], ports: [{port: 80}]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec: {replicas: 0, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'r.example/a:1'}]}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: a}
spec: {replicas: 0, serviceName: a, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'r.example/a:1'}]}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: a}
spec: {selector: {matchLabels: {a: c}}, template: {metadata: {labels: {a: c}}, spec: {nodeSelector: {no: such}, containers: [{name: c, image: 'r.example/a:1'}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: a}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'r.example/a:1'}]}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a}
spec: {defaultBackend: {service: {name: a, port: {number: 80}}}}
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: a}
spec: {maxReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}}
";

#[test]
fn the_rights_of_the_page_are_enough_for_all_that_is_done() {
    for all in [true, false] {
        let Some(site) = Site::new() else { return };
        site.make_namespace();
        site.kubectl(&["create", "serviceaccount", "sealift"], "");
        grant(&site, all);
        let cluster = as_account(&site);
        assert_eq!(
            cluster.cluster_id().unwrap().starts_with("at-"),
            !all,
            "who may not read it knows the cluster by its address"
        );
        let (mut target, records) = (cluster.target(site.place.clone()), cluster.records(None));
        let lock = records.lock(&site.place, "eva@one").unwrap();
        records.keep(&site.place, &record(1, "")).unwrap();
        records.keep(&site.place, &record(1, "again")).unwrap();
        let files = site.files(EVERYTHING);
        target.check(&files.iter().collect::<Vec<_>>()).unwrap_or_else(|e| panic!("{e}"));
        for file in site.files(EVERYTHING) {
            target.apply(&file, &Leftovers::new(), PATIENCE, &()).unwrap_or_else(|e| panic!("{e}"));
        }
        let ids: Vec<_> = site
            .files(EVERYTHING)
            .iter()
            .flat_map(|f| f.objects().iter().filter_map(importer::target::ObjectId::of).collect::<Vec<_>>())
            .collect();
        assert!(ids.iter().any(|id| id.kind == "Namespace"), "the installation's own is among them");
        let live = target.observe(&site.place, &ids).unwrap();
        // The endpoints are those that we made: the service has no selector.
        assert_eq!(live.objects.len(), ids.len());
        let ids: Vec<_> = ids.into_iter().filter(|id| id.kind != "Namespace").collect();
        // The claim stays unbound and the job undone: what can be known about it is asked for.
        let e = target.wait(&ids, Duration::from_secs(2), &()).unwrap_err();
        assert_eq!(e.code(), Code::NotReady, "{e}");
        target.remove(&ids, PATIENCE, &()).unwrap_or_else(|e| panic!("{e}"));
        let found = records.installations().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(found.iter().map(|i| i.place.clone()).collect::<Vec<_>>(), std::slice::from_ref(&site.place));
        records.forget(&site.place, 1).unwrap();
        lock.check().unwrap();
        drop(lock);
        assert_eq!(site.kubectl(&["get", "leases", "-o", "name"], ""), "");

        // And nothing more: what is not on the page is refused, and said to be.
        let role = site.file("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: more}\n");
        let e = target.apply(&role, &Leftovers::new(), PATIENCE, &()).unwrap_err();
        assert_eq!(e.code(), Code::Forbidden, "{e}");
        let mut elsewhere = site.place.clone();
        elsewhere.namespace = "kube-system".parse().unwrap();
        assert_eq!(records.all(&elsewhere).unwrap_err().code(), Code::Forbidden);
        if all {
            let name = format!("sealift-{}", site.namespace());
            kubectl(&["delete", "clusterrole,clusterrolebinding", &name], "");
        }
    }
}
