//! Applying, and seeing what is there.

use std::time::Duration;

use bundle_format::{Code, Coded};
use importer::plan::Leftovers;
use importer::target::{Target, TargetError};
use serde_json::Value;

use crate::{PATIENCE, Site, Told, kubectl};

fn config(data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: conf}}\ndata: {data}\n")
}

/// Neither protocols of ports nor selectors of jobs are written down: servers fill them in.
const WORKLOADS: &str = "
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app.kubernetes.io/instance: shop}}
spec: {selector: {a: b}, ports: [{port: 80, name: http}, {port: 81, name: more}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app.kubernetes.io/instance: shop}}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec: {containers: [{name: c, image: 'r.example/a:1', ports: [{containerPort: 80}, {containerPort: 81}]}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once, labels: {app.kubernetes.io/instance: shop}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'r.example/a:1'}]}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, labels: {app.kubernetes.io/instance: shop}}
spec:
  serviceName: db
  selector: {matchLabels: {c: d}}
  template:
    metadata: {labels: {c: d}}
    spec: {containers: [{name: c, image: 'r.example/a:1'}]}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]
";

#[test]
fn what_is_applied_is_there_and_applying_it_again_changes_nothing() {
    let Some(site) = Site::new() else { return };
    let told = Told::default();
    let mut target = site.target();
    for file in site.files(WORKLOADS) {
        target.apply(&file, &Leftovers::new(), PATIENCE, &told).unwrap();
    }
    assert!(told.any("applied Namespace", ""), "{told:?}", told = told.0.borrow());
    let versions = |site: &Site| {
        let kinds = "services,deployments,jobs,statefulsets";
        site.kubectl(&["get", kinds, "-o", "jsonpath={range .items[*]}{.kind}{.metadata.generation} {end}"], "")
    };
    let before = versions(&site);
    site.apply(WORKLOADS).unwrap();
    assert_eq!(versions(&site), before);

    let live = target.observe(&site.place, &[]).unwrap();
    let mut names: Vec<String> = live.objects.keys().map(ToString::to_string).collect();
    names.sort();
    assert_eq!(names, ["Deployment web", "Job once", "Service web", "StatefulSet db"]);
    let web = &live.objects[&site.id("apps", "Deployment", "web")];
    assert_eq!(web["apiVersion"], "apps/v1");
    assert_eq!(web["metadata"].get("managedFields"), None);
}

#[test]
fn a_field_that_is_no_longer_applied_goes_and_what_others_set_stays() {
    let Some(site) = Site::new() else { return };
    site.apply(&config("{a: '1', b: '2'}")).unwrap();
    site.kubectl(&["patch", "configmap", "conf", "--type=merge", "-p", r#"{"data":{"c":"3"}}"#], "");
    site.apply(&config("{a: '9'}")).unwrap();
    assert_eq!(site.get("configmap", "conf")["data"], serde_json::json!({"a": "9", "c": "3"}));
    // A type that nobody has, and an object that is not there, are no errors of looking.
    let known = [site.id("", "ConfigMap", "conf"), site.id("", "ConfigMap", "no"), site.id("example.com", "Box", "a")];
    let live = site.target().observe(&site.place, &known).unwrap();
    assert_eq!(live.objects.keys().collect::<Vec<_>>(), [&known[0]]);
}

#[test]
fn an_object_of_others_is_refused_until_it_is_adopted() {
    let Some(site) = Site::new() else { return };
    site.make_namespace();
    site.kubectl(&["create", "configmap", "conf", "--from-literal=theirs=1"], "");
    let file = site.file(&config("{ours: '1'}"));
    let ids = [site.id("", "ConfigMap", "conf"), site.id("", "ConfigMap", "not-there")];
    for e in [
        site.target().apply(&file, &Leftovers::new(), PATIENCE, &()).unwrap_err(),
        site.target().refuse_foreign(&ids).unwrap_err(),
        site.target().remove(&ids, PATIENCE, &()).unwrap_err(),
    ] {
        assert_eq!(e.code(), Code::Exists);
        assert!(e.to_string().starts_with(&format!("ConfigMap conf in {}", site.namespace())), "{e}");
    }
    assert_eq!(site.get("configmap", "conf")["data"]["ours"], Value::Null);
    site.target().adopt(true).apply(&file, &Leftovers::new(), PATIENCE, &()).unwrap();
    let adopted = site.get("configmap", "conf");
    assert_eq!(adopted["data"], serde_json::json!({"theirs": "1", "ours": "1"}));
    assert_eq!(adopted["metadata"]["annotations"]["sealift.dev/installation"], format!("{}/shop", site.namespace()));
    // From now on it is ours.
    site.target().apply(&file, &Leftovers::new(), PATIENCE, &()).unwrap();
    site.target().refuse_foreign(&ids).unwrap();
}

#[test]
fn what_never_changes_is_named_when_it_is_refused() {
    let Some(site) = Site::new() else { return };
    site.apply(WORKLOADS).unwrap();
    for (from, to, object, field) in [
        ("kind: Job", "image: 'r.example/a:1'}]}}}", "Job once", "spec.template"),
        ("storage: 1Gi", "storage: 2Gi", "StatefulSet db", "spec.volumeClaimTemplates"),
        ("serviceName: db", "serviceName: other", "StatefulSet db", "spec.serviceName"),
        ("selector: {a: b}, ports", "clusterIP: 10.0.0.99, selector: {a: b}, ports", "Service web", "spec.clusterIP"),
    ] {
        let changed = if object == "Job once" {
            WORKLOADS.replacen(
                "restartPolicy: Never, containers: [{name: c, image: 'r.example/a:1'",
                "restartPolicy: Never, containers: [{name: c, image: 'r.example/a:2'",
                1,
            )
        } else {
            WORKLOADS.replacen(from, to, 1)
        };
        match site.apply(&changed).unwrap_err() {
            TargetError::Refused { object: refused, why, .. } => {
                assert_eq!(refused.to_string(), object);
                assert!(why.contains(&format!("let {field}")) && why.contains("change on an object"), "{why}");
            }
            other => panic!("{other:?}"),
        }
    }
    let e = site
        .apply("apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 99999}]}\n")
        .unwrap_err();
    assert_eq!(e.code(), Code::Refused);
    assert!(e.to_string().contains("Service bad: applying: ") && e.to_string().contains("1 and 65535"), "{e}");
}

#[test]
fn a_type_that_is_applied_in_the_same_file_is_there_a_moment_later() {
    let Some(site) = Site::new() else { return };
    let group = format!("g{}.sealift.dev", std::process::id());
    let yaml = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: boxes.{group}}}\n\
         spec:\n  group: {group}\n  scope: Namespaced\n  names: {{kind: Box, plural: boxes, singular: box}}\n  versions:\n  \
         - {{name: v1, served: true, storage: true, subresources: {{status: {{}}}}, schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}\n\
         ---\napiVersion: {group}/v1\nkind: Box\nmetadata: {{name: one}}\nspec: {{size: 3}}\n"
    );
    let told = Told::default();
    let mut target = site.target();
    for file in site.files(&yaml) {
        target.apply(&file, &Leftovers::new(), PATIENCE, &told).unwrap();
    }
    let definition = importer::target::ObjectId {
        group: "apiextensions.k8s.io".to_owned(),
        kind: "CustomResourceDefinition".to_owned(),
        namespace: None,
        name: format!("boxes.{group}"),
    };
    let one = site.id(&group, "Box", "one");
    target.wait(&[definition.clone(), one.clone()], PATIENCE, &told).unwrap();
    assert_eq!(target.observe(&site.place, std::slice::from_ref(&one)).unwrap().objects[&one]["spec"]["size"], 3);
    target.remove(&[one, definition.clone()], PATIENCE, &told).unwrap();
    assert!(target.observe(&site.place, &[definition]).unwrap().objects.is_empty());
}

#[test]
fn a_webhook_that_is_not_up_is_waited_for() {
    let Some(site) = Site::new() else { return };
    site.make_namespace();
    let name = format!("hook-{}", site.namespace());
    kubectl(&["label", "namespace", site.namespace(), &format!("hook={name}")], "");
    let hook = format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {{name: {name}}}\nwebhooks:\n\
         - name: a.sealift.dev\n  admissionReviewVersions: [v1]\n  sideEffects: None\n  failurePolicy: Fail\n  \
         namespaceSelector: {{matchLabels: {{hook: {name}}}}}\n  clientConfig: {{url: 'https://127.0.0.1:1/'}}\n  \
         rules: [{{apiGroups: [''], apiVersions: [v1], operations: ['*'], resources: [configmaps]}}]\n"
    );
    kubectl(&["apply", "-f", "-"], &hook);
    let file = site.file(&config("{a: '1'}"));
    let told = Told::default();
    let e = site.target().apply(&file, &Leftovers::new(), Duration::from_secs(2), &told).unwrap_err();
    assert!(e.to_string().contains("webhook"), "{e}");
    assert!(told.any("retry applying ConfigMap conf: ", "refused"), "{:?}", told.0.borrow());
    let remover = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(2));
        kubectl(&["delete", "validatingwebhookconfiguration", &name], "");
    });
    let applied = site.target().apply(&file, &Leftovers::new(), PATIENCE, &told);
    remover.join().unwrap();
    applied.unwrap();
}

#[test]
fn what_the_server_cannot_read_is_refused_at_once() {
    let Some(site) = Site::new() else { return };
    for (spec, part) in [
        ("{selector: {a: b}, ports: [{port: 80}], colour: red}", "colour"),
        ("{selector: {a: b}, ports: [{port: eighty}]}", "eighty"),
        ("{selector: {a: b}, ports: {port: 80}}", "ports"),
    ] {
        let start = std::time::Instant::now();
        let yaml = format!("apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {spec}\n");
        let e = site.apply(&yaml).unwrap_err();
        assert_eq!(e.code(), Code::Refused, "{e}");
        assert!(e.to_string().contains(part), "{e}");
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }
}

#[test]
fn an_object_that_is_still_being_removed_is_made_anew_when_it_is_gone() {
    let Some(site) = Site::new() else { return };
    site.apply(&config("{a: '1'}")).unwrap();
    let patch = |value: &str| {
        let patch = format!(r#"{{"metadata":{{"finalizers":{value}}}}}"#);
        site.kubectl(&["patch", "configmap", "conf", "--type=merge", "-p", &patch], "");
    };
    patch(r#"["sealift.dev/test"]"#);
    site.kubectl(&["delete", "configmap", "conf", "--wait=false"], "");
    let file = site.file(&config("{a: '2'}"));
    let told = Told::default();
    let e = site.target().apply(&file, &Leftovers::new(), Duration::from_secs(1), &told).unwrap_err();
    assert!(e.to_string().contains("still being removed"), "{e}");
    patch("null");
    site.target().apply(&file, &Leftovers::new(), PATIENCE, &told).unwrap();
    assert_eq!(site.get("configmap", "conf")["data"]["a"], "2");
}

#[test]
fn what_a_secret_holds_is_not_repeated_when_it_is_refused() {
    let Some(site) = Site::new() else { return };
    let yaml = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\ndata: {key: [hush]}\n";
    let e = site.apply(yaml).unwrap_err();
    assert_eq!(e.code(), Code::Refused, "{e}");
    assert!(e.to_string().contains("data") && !e.to_string().contains("hush"), "{e}");
}

#[test]
fn a_namespace_of_a_manifest_has_the_labels_that_it_asks_for() {
    let Some(site) = Site::new() else { return };
    site.make_namespace();
    let name = site.namespace();
    let with = |name: &str, more: &str| {
        let labels = format!("labels: {{pod-security.kubernetes.io/enforce: {more}}}");
        site.file(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, {labels}}}\n"))
    };
    site.target().apply(&with(name, "baseline"), &Leftovers::new(), PATIENCE, &()).unwrap();
    let labels = |name: &str| {
        let object: Value = serde_json::from_str(&kubectl(&["get", "namespace", name, "-o", "json"], "")).unwrap();
        object["metadata"]["labels"]["pod-security.kubernetes.io/enforce"].clone()
    };
    assert_eq!(labels(name), "baseline");
    // One of others is not ours to change; one that is only to be there is.
    let other = format!("{name}-other");
    kubectl(&["create", "namespace", &other], "");
    let e = site.target().apply(&with(&other, "baseline"), &Leftovers::new(), PATIENCE, &()).unwrap_err();
    let bare = site.file(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {other}}}\n"));
    let there = site.target().apply(&bare, &Leftovers::new(), PATIENCE, &());
    let before = labels(&other);
    let adopted = site.target().adopt(true).apply(&with(&other, "baseline"), &Leftovers::new(), PATIENCE, &());
    let after = labels(&other);
    kubectl(&["delete", "namespace", &other, "--wait=false"], "");
    assert_eq!((e.code(), before, after), (Code::Exists, Value::Null, "baseline".into()));
    there.unwrap();
    adopted.unwrap();
}

#[test]
fn an_object_is_seen_under_the_version_that_it_was_applied_in() {
    let Some(site) = Site::new() else { return };
    let scaler = "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\n\
        spec: {minReplicas: 1, maxReplicas: 3, targetCPUUtilizationPercentage: 70, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n";
    site.apply(scaler).unwrap();
    let id = site.id("autoscaling", "HorizontalPodAutoscaler", "web");
    let file = site.file(scaler);
    // Found by its name; where labels say whose it is, by those.
    let labelled = scaler.replace("{name: web}", "{name: web, labels: {app.kubernetes.io/instance: shop}}");
    for (yaml, known) in [(scaler, std::slice::from_ref(&id)), (labelled.as_str(), &[])] {
        site.apply(yaml).unwrap();
        let live = site.target().observe(&site.place, known).unwrap();
        let live = &live.objects[&id];
        assert_eq!(
            (&live["apiVersion"], &live["spec"]["targetCPUUtilizationPercentage"]),
            (&"autoscaling/v1".into(), &70.into())
        );
        assert!(importer::plan::differences(&file.objects()[0], live).is_empty(), "nobody changed it");
    }
}

#[test]
fn a_version_that_kubernetes_no_longer_has_is_refused_before_anything_is_applied() {
    let Some(site) = Site::new() else { return };
    let gone = site.file("apiVersion: apps/v1beta2\nkind: Deployment\nmetadata: {name: old}\nspec: {}\n");
    let start = std::time::Instant::now();
    let e = site.target().check(&[&gone]).unwrap_err();
    assert_eq!(e.code(), Code::Refused);
    assert!(e.to_string().contains("no Deployment of apps/v1beta2, but of apps/v1"), "{e}");
    assert!(start.elapsed() < Duration::from_secs(20));
    // What a definition in the same plan brings is no reason.
    let box_ = site.file("apiVersion: boxes.example/v1\nkind: Box\nmetadata: {name: one}\n");
    site.target().check(&[&box_]).unwrap();
}

#[test]
fn a_quota_is_told_as_what_it_is() {
    let Some(site) = Site::new() else { return };
    site.make_namespace();
    site.kubectl(&["create", "quota", "small", "--hard=count/configmaps=0"], "");
    let wait = std::time::Instant::now();
    // Its controller counts what is there before it is in force.
    while site.get("resourcequota", "small")["status"]["hard"].is_null() {
        assert!(wait.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(200));
    }
    let e = site.apply(&config("{a: '1'}")).unwrap_err();
    assert_eq!(e.code(), Code::Refused, "{e}");
    assert!(e.to_string().contains("exceeded quota: small"), "{e}");
    assert!(e.hint().unwrap().contains("no right is missing"));
}
