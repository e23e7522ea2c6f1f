//! The shop of testdata, as it is committed, typed, and read by kubectl.

use std::fs;
use std::path::{Path, PathBuf};

use bundle_format::template::Template;
use importer::render::RenderedFile;
use serde_json::Value;

use crate::{Site, assert_kubectl_reads, names};

fn shop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/templates/shop")
}

fn rendered_shop() -> Vec<RenderedFile> {
    let template = Template::parse(&fs::read(shop().join("sealift.yaml")).unwrap()).unwrap();
    let mut site = Site::of(&template).enable("report");
    for path in template.documents() {
        site.documents.insert(path.clone(), fs::read(shop().join(path.as_str())).unwrap());
    }
    site.render(&template).unwrap()
}

#[test]
fn the_shop_renders_as_committed() {
    let expected = shop().join("expected");
    let files = rendered_shop();
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

/// Reads `object` as a `T` and writes it again: what is lost was no field of `T`.
fn through<T: serde::de::DeserializeOwned + serde::Serialize>(object: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(object.clone()).unwrap()).unwrap()
}

#[test]
fn every_object_of_the_shop_is_what_its_kind_says() {
    use k8s_openapi::api::{apps::v1 as apps, batch::v1 as batch, core::v1 as core, networking::v1 as networking};
    for file in rendered_shop() {
        for object in file.objects() {
            let again = match object["kind"].as_str().unwrap() {
                "Namespace" => through::<core::Namespace>(object),
                "Secret" => through::<core::Secret>(object),
                "ConfigMap" => through::<core::ConfigMap>(object),
                "PersistentVolumeClaim" => through::<core::PersistentVolumeClaim>(object),
                "Service" => through::<core::Service>(object),
                "Deployment" => through::<apps::Deployment>(object),
                "StatefulSet" => through::<apps::StatefulSet>(object),
                "Job" => through::<batch::Job>(object),
                "CronJob" => through::<batch::CronJob>(object),
                "Ingress" => through::<networking::Ingress>(object),
                other => panic!("{other} in {}", file.name()),
            };
            assert_eq!(&again, object, "{}", file.name());
        }
    }
}

#[test]
fn kubectl_reads_the_shop_as_it_is_meant() {
    assert_kubectl_reads(&rendered_shop());
}
