//! Waiting, where no node is needed for it.

use std::time::Duration;

use importer::target::{Target, TargetError};

use crate::{PATIENCE, Site, Told, kubectl};

fn claim(class: &str) -> String {
    format!(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data}}\nspec: {{{class} accessModes: [ReadWriteOnce], \
         resources: {{requests: {{storage: 1Gi}}}}}}\n"
    )
}

#[test]
fn what_is_ready_once_it_is_applied_is_not_waited_for() {
    let Some(site) = Site::new() else { return };
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: alone}\n\
        spec: {ports: [{port: 80}]}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: nothing-behind}\n\
        spec: {selector: {a: b}, ports: [{port: 80}]}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: resting}\nspec: {replicas: 0, \
        selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'r.example/a:1'}]}}}\n";
    site.apply(yaml).unwrap();
    let ids = [
        site.id("", "Service", "alone"),
        site.id("", "Service", "nothing-behind"),
        site.id("apps", "Deployment", "resting"),
        site.id("", "ConfigMap", "conf"),
    ];
    let told = Told::default();
    site.target().wait(&ids, PATIENCE, &told).unwrap();
    for id in &ids {
        assert!(told.any(&format!("ready {id}"), ""), "{id}");
    }
}

#[test]
fn a_claim_that_waits_for_its_first_pod_is_ready_and_one_that_no_volume_takes_is_not() {
    let Some(site) = Site::new() else { return };
    let class = format!("class-{}", site.namespace());
    let yaml = format!(
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {{name: {class}}}\nprovisioner: kubernetes.io/no-provisioner\n\
         volumeBindingMode: WaitForFirstConsumer\n"
    );
    kubectl(&["apply", "-f", "-"], &yaml);
    site.apply(&claim(&format!("storageClassName: {class},"))).unwrap();
    let id = [site.id("", "PersistentVolumeClaim", "data")];
    let waited = site.target().wait(&id, PATIENCE, &());
    kubectl(&["delete", "storageclass", &class], "");
    waited.unwrap();

    let site = Site::new().unwrap();
    site.apply(&claim("storageClassName: '',")).unwrap();
    let id = [site.id("", "PersistentVolumeClaim", "data"), site.id("", "ConfigMap", "never-made")];
    match site.target().wait(&id, Duration::from_secs(12), &()).unwrap_err() {
        TargetError::NotReady { object, why, details, .. } => {
            assert_eq!(object, id[0]);
            assert!(why.contains("no volume is bound to it"), "{why}");
            assert!(details.iter().any(|l| l.starts_with("event of PersistentVolumeClaim data: ")), "{details:?}");
            assert!(
                details.contains(&"waiting as well: ConfigMap never-made: it is not there".to_owned()),
                "{details:?}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn pods_that_cannot_be_made_are_told_of() {
    let Some(site) = Site::new() else { return };
    site.make_namespace();
    let quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none}\nspec: {hard: {pods: '0'}}\n";
    site.kubectl(&["apply", "-f", "-"], quota);
    for _ in 0..100 {
        // The quota counts from when its controller has seen it.
        if site.get("resourcequota", "none")["status"]["hard"]["pods"] == "0" {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let yaml = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {selector: {matchLabels: {a: b}}, \
        template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'r.example/a:1'}]}}}\n";
    site.apply(yaml).unwrap();
    let told = Told::default();
    let e = site.target().wait(&[site.id("apps", "Deployment", "web")], Duration::from_secs(16), &told).unwrap_err();
    assert!(e.to_string().contains("exceeded quota"), "{e}");
    assert!(
        told.any("waiting Deployment web", "0 of 1 pods are updated")
            || told.any("waiting Deployment web", "exceeded quota")
    );
    match e {
        TargetError::NotReady { details, .. } => {
            assert!(
                details.iter().any(|l| l.starts_with("condition ReplicaFailure is True: FailedCreate")),
                "{details:?}"
            );
        }
        other => panic!("{other:?}"),
    }
}
