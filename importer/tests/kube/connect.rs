//! The way to a cluster, and what it says of itself.

use std::fs;

use bundle_format::{Code, Coded};
use importer::target::Target;
use importer::target::kube::Cluster;
use serde_json::{Value, json};

use crate::{Site, kubectl};

#[test]
fn a_cluster_says_which_one_it_is_and_what_it_takes() {
    let Some(site) = Site::new() else { return };
    let uid = kubectl(&["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"], "");
    assert_eq!(site.cluster.cluster_id().unwrap(), uid);
    let context = kubectl(&["config", "current-context"], "");
    let target = site.target();
    assert_eq!(target.name(), format!("kube:{}", context.trim()));
    let takes = target.capabilities();
    for (version, kind) in
        [("apps/v1", "Deployment"), ("batch/v1", "Job"), ("v1", "Service"), ("networking.k8s.io/v1", "Ingress")]
    {
        assert!(takes.has(version, kind), "{kind}");
    }
    assert!(!takes.has("example.com/v1", "Nothing"));
    // The oldest that is supported has cron jobs in beta only, the newest has no beta.
    assert!(takes.choose("CronJob", &["batch/v1", "batch/v1beta1"]).is_some());
}

#[test]
fn a_group_whose_own_server_does_not_answer_hinders_nothing() {
    let Some(site) = Site::new() else { return };
    let service = "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1beta1.broken.sealift.dev}\n\
        spec: {group: broken.sealift.dev, version: v1beta1, groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true, \
        service: {name: none, namespace: default}}\n";
    kubectl(&["apply", "-f", "-"], service);
    let connected = Cluster::connect(None);
    kubectl(&["delete", "apiservice", "v1beta1.broken.sealift.dev"], "");
    let target = connected.unwrap().target(site.place.clone());
    assert!(target.capabilities().has("apps/v1", "Deployment"));
}

#[test]
fn what_is_wrong_with_the_way_to_a_cluster_is_said() {
    let Some(_site) = Site::new() else { return };
    let good: Value =
        serde_json::from_str(&kubectl(&["config", "view", "--raw", "--minify", "-o", "json"], "")).unwrap();
    let server = good["clusters"][0]["cluster"]["server"].as_str().unwrap().to_owned();
    let context = good["current-context"].as_str().unwrap().to_owned();
    let other = foreign_authority();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let mut nowhere = good.clone();
    nowhere["clusters"][0]["cluster"]["server"] = json!("https://127.0.0.1:1");
    let mut untrusted = good.clone();
    untrusted["clusters"][0]["cluster"]["certificate-authority-data"] = json!(other);
    let mut stranger = good.clone();
    stranger["users"][0]["user"] = json!({"token": "not-a-token"});
    for (config, wanted, parts) in [
        (&good, Some("moon"), vec!["has no context moon", &context]),
        (&nowhere, None, vec!["https://127.0.0.1:1/", "nothing listens there"]),
        (&untrusted, None, vec![server.as_str(), "certificate is not one that the kubeconfig trusts"]),
        (&stranger, None, vec![server.as_str(), "does not accept the login"]),
    ] {
        fs::write(&path, config.to_string()).unwrap();
        let e = Cluster::connect_by(Some(&path), wanted).err().expect("it is not accepted");
        assert_eq!(e.code(), Code::Cluster, "{e}");
        for part in parts {
            assert!(e.to_string().contains(part), "{e} / {part}");
        }
    }
    let e = Cluster::connect_by(Some(&folder.path().join("none")), None).err().expect("there is no file");
    assert!(e.to_string().contains("reading the kubeconfig"), "{e}");
}

/// A certificate that signed no server: the authority of the cluster's own service accounts would do as well, but is the same as
/// the server's in small clusters.
fn foreign_authority() -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (key, certificate) = (file("key"), file("certificate"));
    let arguments = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", "-days", "2"];
    let made =
        std::process::Command::new("openssl").args(arguments).args(["-keyout", &key, "-out", &certificate]).output();
    assert!(made.unwrap().status.success());
    serde_json::to_value(k8s_openapi::ByteString(fs::read(certificate).unwrap())).unwrap().as_str().unwrap().to_owned()
}
