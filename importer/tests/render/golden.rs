//! The templates of testdata, as they are committed, typed, and read by kubectl.

use std::fs;
use std::path::{Path, PathBuf};

use bundle_format::template::{RelativePath, Template};
use importer::render::RenderedFile;
use serde_json::Value;

use crate::{Site, assert_kubectl_reads, names};

/// A cluster of today, with Prometheus' operator.
const TODAY: [(&str, &str); 4] = [
    ("batch/v1", "CronJob"),
    ("networking.k8s.io/v1", "Ingress"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("monitoring.coreos.com/v1", "ServiceMonitor"),
];

/// A cluster that knows the earliest versions that will do.
const EARLY: [(&str, &str); 3] = [
    ("batch/v1beta1", "CronJob"),
    ("networking.k8s.io/v1beta1", "Ingress"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler"),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/templates").join(name)
}

fn read(name: &str) -> (Template, Site) {
    let template =
        Template::parse(&fs::read(folder(name).join("sealift.yaml")).unwrap()).unwrap_or_else(|e| panic!("{e}"));
    let mut site = Site::of(&template);
    let charts = template.charts.iter().map(|c| format!("rendered/charts/{}.yaml", c.name));
    let folders = template.kustomizations.iter().map(|k| format!("rendered/kustomizations/{}.yaml", k.name));
    let rendered: Vec<RelativePath> = charts.chain(folders).map(|path| path.parse().unwrap()).collect();
    let beside = template.manifests.iter().chain(template.config_files().filter_map(|c| c.file.as_ref()));
    for path in beside.chain(&rendered) {
        site.documents.insert(path.clone(), fs::read(folder(name).join(path.as_str())).unwrap());
    }
    (template, site)
}

fn shop() -> Vec<RenderedFile> {
    let (template, site) = read("shop");
    site.enable("report").render(&template).unwrap()
}

fn full() -> Vec<RenderedFile> {
    let (template, site) = read("full");
    site.enable("search").on(&TODAY, true).render(&template).unwrap()
}

/// On an early cluster, with everything switched off that there is, and a login for the registry.
fn full_off() -> Vec<RenderedFile> {
    let (template, site) = read("full");
    let site = template.components.iter().fold(site, |site, component| site.switch_off(component.name.as_str()));
    Site { pull_secret: Some("registry-login"), ..site }.on(&EARLY, true).render(&template).unwrap()
}

fn full_early() -> Vec<RenderedFile> {
    let (template, site) = read("full");
    Site { pull_secret: Some("registry-login"), ..site }.on(&EARLY, true).render(&template).unwrap()
}

#[test]
fn the_templates_render_as_committed() {
    for (expected, files) in [
        ("shop/expected", shop()),
        ("full/expected", full()),
        ("full/expected-early", full_early()),
        ("full/expected-off", full_off()),
    ] {
        let expected = folder(expected);
        if std::env::var_os("UPDATE").is_some() {
            let _ = fs::remove_dir_all(&expected);
            fs::create_dir(&expected).unwrap();
            for file in &files {
                fs::write(expected.join(file.name()), file.content()).unwrap();
            }
        }
        let mut committed: Vec<_> =
            fs::read_dir(&expected).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        committed.sort();
        assert_eq!(names(&files), committed, "UPDATE=1 renews them");
        for file in &files {
            let committed = fs::read_to_string(expected.join(file.name())).unwrap();
            assert!(
                committed == file.content(),
                "{} is stale; UPDATE=1 renews it. Found:\n{}",
                file.name(),
                file.content()
            );
        }
    }
}

/// Reads `object` as a `T` and writes it again: what is lost was no field of `T`.
fn through<T: serde::de::DeserializeOwned + serde::Serialize>(object: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(object.clone()).unwrap()).unwrap()
}

#[test]
fn every_object_is_what_its_kind_says() {
    use k8s_openapi::api::{
        apps::v1 as apps, autoscaling::v2 as autoscaling, batch::v1 as batch, core::v1 as core,
        networking::v1 as networking, node::v1 as node, rbac::v1 as rbac, scheduling::v1 as scheduling,
    };
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as extensions;
    for file in shop().iter().chain(&full()) {
        for object in file.objects() {
            let again = match object["kind"].as_str().unwrap() {
                "Namespace" => through::<core::Namespace>(object),
                "Secret" => through::<core::Secret>(object),
                "ConfigMap" => through::<core::ConfigMap>(object),
                "PersistentVolumeClaim" => through::<core::PersistentVolumeClaim>(object),
                "Service" => through::<core::Service>(object),
                "ServiceAccount" => through::<core::ServiceAccount>(object),
                "Endpoints" => through::<core::Endpoints>(object),
                "Deployment" => through::<apps::Deployment>(object),
                "StatefulSet" => through::<apps::StatefulSet>(object),
                "DaemonSet" => through::<apps::DaemonSet>(object),
                "Job" => through::<batch::Job>(object),
                "CronJob" => through::<batch::CronJob>(object),
                "HorizontalPodAutoscaler" => through::<autoscaling::HorizontalPodAutoscaler>(object),
                "Ingress" => through::<networking::Ingress>(object),
                "NetworkPolicy" => through::<networking::NetworkPolicy>(object),
                "Role" => through::<rbac::Role>(object),
                "RoleBinding" => through::<rbac::RoleBinding>(object),
                "PriorityClass" => through::<scheduling::PriorityClass>(object),
                "RuntimeClass" => through::<node::RuntimeClass>(object),
                "CustomResourceDefinition" => through::<extensions::CustomResourceDefinition>(object),
                // The type of a custom resource is the cluster's alone.
                "ServiceMonitor" => continue,
                other => panic!("{other} in {}", file.name()),
            };
            assert_eq!(&again, object, "{}", file.name());
        }
    }
}

#[test]
fn kubectl_reads_the_templates_as_they_are_meant() {
    for files in [shop(), full(), full_early(), full_off()] {
        assert_kubectl_reads(&files);
    }
}

#[test]
fn every_object_says_whose_it_is() {
    for (files, installation) in [(shop(), "team-a/shop"), (full(), "team-a/full"), (full_off(), "team-a/full")] {
        for file in files.iter().skip(1) {
            for object in file.objects() {
                let metadata = &object["metadata"];
                assert_eq!(metadata["annotations"]["sealift.dev/installation"], installation, "{}", file.name());
                let raw = ["05", "06", "80", "90"].iter().any(|stage| file.name().starts_with(stage));
                let labels = &metadata["labels"];
                assert_eq!(labels["app.kubernetes.io/managed-by"] == "sealift", !raw, "{}", file.name());
                let instance = installation.strip_prefix("team-a/").unwrap();
                assert_eq!(labels["app.kubernetes.io/instance"] == instance, !raw, "{}", file.name());
            }
        }
    }
}
