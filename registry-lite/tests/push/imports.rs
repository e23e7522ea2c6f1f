//! Pushes beside imports into the same site.

use bundle_format::{Descriptor, media};
use registry_lite::{LockedStore, Store};

use crate::content::{Image, index, sha256};
use crate::registry::{Registry, wait_for};

fn write(store: &LockedStore, media_type: &str, bytes: &[u8]) -> Descriptor {
    let blob = Descriptor::of(media_type, bytes);
    let mut writer = store.write_blob(&blob).unwrap();
    writer.write(bytes).unwrap();
    writer.commit().unwrap();
    blob
}

/// Imports `image` as `name`.
fn import(store: &LockedStore, name: &str, image: &Image) {
    write(store, media::OCI_CONFIG, &image.config);
    write(store, media::OCI_LAYER_TAR, &image.layer);
    let root = write(store, media::OCI_MANIFEST, &image.manifest);
    store.publish(vec![root.annotated(media::REF_NAME, name)]).unwrap();
}

/// Imports a template version of `image`, whose index it gives.
fn import_version(store: &LockedStore, image: &Image) -> Vec<u8> {
    import(store, "docker.io/library/web:1", image);
    let version = index(&[&image.manifest]);
    let mut root = write(store, media::OCI_INDEX, &version).annotated(media::REF_NAME, "sealift/shop:1.0.0");
    root.artifact_type = Some(media::TEMPLATE.to_owned());
    store.publish(vec![root]).unwrap();
    version
}

#[test]
fn a_template_version_stands_for_what_was_imported_whatever_clients_do() {
    let mut registry = Registry::new();
    let (image, other) = (Image::new("imported"), Image::new("pushed"));
    let version = import_version(&registry.lock(), &image);
    let digest = sha256(&version);
    registry.restart();
    let entries = || Store::open(registry.site()).unwrap().roots().unwrap();
    let before = entries();
    registry.push("sealift/shop", "mine", &other);
    let retag = |to: &str| registry.put_manifest(to, media::OCI_MANIFEST, &other.manifest).outcome();
    let denied = (403, "DENIED".to_owned());
    assert_eq!(retag("sealift/shop/manifests/1.0.0"), denied);
    assert_eq!(retag(&format!("sealift/shop/manifests/{}?tag=a&tag=1.0.0", other.digest())), denied);
    assert_eq!(registry.tags("sealift/shop"), ["1.0.0", "mine"], "of several tags none is given");
    assert_eq!(registry.delete("sealift/shop/manifests/1.0.0").outcome(), denied);
    assert_eq!(registry.delete(&format!("sealift/shop/manifests/{digest}")).outcome(), denied);
    for needed in [&image.config, &image.layer] {
        assert_eq!(registry.delete(&format!("sealift/shop/blobs/{}", sha256(needed))).outcome(), denied);
    }
    assert_eq!(registry.delete(&format!("sealift/shop/manifests/{}", image.digest())).outcome(), denied);
    // The same again changes nothing, and a further tag of it is the client's own.
    assert_eq!(registry.put_manifest("sealift/shop/manifests/1.0.0", media::OCI_INDEX, &version).status, 201);
    assert_eq!(registry.put_manifest("sealift/shop/manifests/copy", media::OCI_INDEX, &version).status, 201);
    assert_eq!(registry.delete("sealift/shop/manifests/copy").status, 202);
    assert_eq!(registry.tagged("sealift/shop", "1.0.0"), digest);
    let after = entries();
    assert!(before.iter().all(|entry| after.contains(entry)), "{before:#?}\n{after:#?}");
    // Images beside it are like all others.
    assert_eq!(registry.delete("docker.io/library/web/manifests/1").status, 202);
}

#[test]
fn what_is_pushed_is_an_entry_with_a_name_and_nothing_else() {
    let registry = Registry::new();
    let image = Image::new("pretends");
    registry.push_blob("sealift/shop", &image.config);
    registry.push_blob("sealift/shop", &image.layer);
    let pretends = String::from_utf8(image.manifest.clone()).unwrap().replacen(
        "{",
        &format!(r#"{{"artifactType":"{}","annotations":{{"dev.sealift.release.id":"x"}},"#, media::TEMPLATE),
        1,
    );
    let put = registry.put_manifest("sealift/shop/manifests/9.9.9", media::OCI_MANIFEST, pretends.as_bytes());
    assert_eq!(put.status, 201, "{put:?}");
    let roots = Store::open(registry.site()).unwrap().roots().unwrap();
    assert_eq!(roots.len(), 1);
    assert_eq!((roots[0].artifact_type.as_deref(), roots[0].annotations.len()), (None, 1), "{roots:?}");
    assert_eq!(roots[0].name(), Some("sealift/shop:9.9.9"));
}

#[test]
fn an_import_beside_a_running_server_is_seen_and_pushes_go_on_meanwhile() {
    let registry = Registry::new();
    let (pushed, imported) = (Image::new("pushed"), Image::new("imported"));
    let import_runs = registry.lock();
    write(&import_runs, media::OCI_LAYER_TAR, &imported.layer);
    registry.push("app", "1", &pushed);
    assert!(registry.has_manifest("app", "1"), "whoever imports keeps no client out");
    import(&import_runs, "quay.io/a/b:1", &imported);
    wait_for("the import is seen", || registry.has_manifest("quay.io/a/b", "1").then_some(()));
    assert!(registry.has_blob("quay.io/a/b", &imported.layer) && registry.has_manifest("app", "1"));
    registry.push("quay.io/a/b", "1", &pushed);
    assert_eq!(registry.tagged("quay.io/a/b", "1"), pushed.digest());
    assert!(registry.has_manifest("quay.io/a/b", &imported.digest()), "what was imported stays by its digest");
}

#[test]
fn neither_pushes_nor_imports_lose_what_the_others_publish() {
    let mut registry = Registry::new();
    let image = Image::new("together");
    let locked = registry.lock();
    std::thread::scope(|scope| {
        scope.spawn(|| (0..15).for_each(|i| import(&locked, &format!("quay.io/imported/app:{i}"), &image)));
        scope.spawn(|| (0..15).for_each(|i| registry.push("pushed/app", &i.to_string(), &image)));
        scope.spawn(|| {
            for i in 0..15 {
                registry.push("deleted/app", &i.to_string(), &image);
                assert_eq!(registry.delete(&format!("deleted/app/manifests/{i}")).status, 202);
            }
        });
    });
    drop(locked);
    for turn in ["at once", "after a restart"] {
        for (name, tags) in [("quay.io/imported/app", 15), ("pushed/app", 15), ("deleted/app", 0)] {
            wait_for(&format!("{name}, {turn}"), || (registry.tags(name).len() == tags).then_some(()));
        }
        registry.restart();
    }
}

#[test]
fn an_import_brings_back_what_clients_deleted() {
    let mut registry = Registry::new();
    let image = Image::new("imported twice");
    import(&registry.lock(), "quay.io/a/b:1", &image);
    registry.restart();
    assert_eq!(registry.delete(&format!("quay.io/a/b/blobs/{}", sha256(&image.layer))).status, 202);
    assert!(!registry.has_blob("quay.io/a/b", &image.layer));
    import(&registry.lock(), "quay.io/a/b:1", &image);
    wait_for("it is back", || registry.has_blob("quay.io/a/b", &image.layer).then_some(()));
    assert_eq!(registry.delete(&format!("quay.io/a/b/manifests/{}", image.digest())).status, 202);
    assert!(!registry.has_manifest("quay.io/a/b", "1"));
    import(&registry.lock(), "quay.io/a/b:1", &image);
    wait_for("it is back", || registry.has_manifest("quay.io/a/b", "1").then_some(()));
}
