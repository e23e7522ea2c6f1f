//! What a plan decides: which content travels, in which order, under which digests; and that the bundle is what it says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot run has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bundle_format::archive::MemberName;
use bundle_format::trust::{PrivateKey, TrustRoot};
use bundle_format::walk::{Bundle, Proved};
use bundle_format::{Code, Coded, Document, ImageRef, SourceError};
use packer::{IfExists, ImageSource, PackError, PackOptions, Plan, SourceSpec};
use tempfile::TempDir;
use testdata::{Compression, Image, Layer};

const NAME: &str = "registry.example/app/web:1";

fn no_registry(image: &ImageRef) -> Result<Box<dyn ImageSource>, SourceError> {
    Err(SourceError::Missing { place: "the test".to_owned(), what: image.to_string() })
}

fn app(text: &str) -> Layer {
    Layer::new(Compression::Gzip, [("bin/app", text)])
}

fn template(dir: &Path, more: &str) -> PathBuf {
    let path = dir.join("sealift.yaml");
    let text = format!(
        "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: {{ name: app, version: \"1\" }}\n\
         images: [{{ name: {NAME}, from: \"oci:web\" }}]\ncomponents: [{{ name: web, image: {NAME} }}]\n{more}"
    );
    fs::write(&path, text).unwrap();
    path
}

fn options<'a>(template: &'a Path, platforms: &[&str]) -> PackOptions<'a> {
    let platforms = platforms.iter().map(|p| (*p).to_owned()).collect();
    PackOptions { template, images: BTreeMap::new(), platforms, issued_at: None, registry: &no_registry }
}

/// Packs `image` and proves the bundle.
fn packed(image: &Image, platforms: &[&str]) -> Result<(TempDir, Proved), PackError> {
    let dir = tempfile::tempdir().unwrap();
    image.write_layout(&dir.path().join("web"), "web").unwrap();
    let template = template(dir.path(), "");
    let key = PrivateKey::generate().unwrap();
    let out = dir.path().join("app.sealift");
    let plan = Plan::make(&options(&template, platforms))?.sign(&[&key])?;
    let len = plan.len();
    plan.write(&out, IfExists::Refuse, &())?;
    assert_eq!(fs::metadata(&out).unwrap().len(), len, "the plan knows the bundle's length");
    let trust = TrustRoot::pinned(vec![key.public().unwrap()]).unwrap();
    let bundle = Bundle::open(fs::File::open(&out).unwrap(), &trust).unwrap();
    let proved = bundle.prove(&mut (), &()).unwrap();
    Ok((dir, proved))
}

fn two_platforms() -> Image {
    let image = |platform: &str| Image::new(platform, &[app("base"), app(platform)]).unwrap();
    Image::index([image("linux/amd64"), image("linux/arm64/v8")]).unwrap()
}

#[test]
fn every_blob_of_an_image_travels_once_with_its_digest() {
    let image = two_platforms();
    let (_dir, proved) = packed(&image, &[]).unwrap();
    for (digest, bytes) in image.blobs() {
        assert_eq!(proved.extents.get(digest).map(|e| e.1), Some(bytes.len() as u64), "{digest}");
    }
    assert_eq!(proved.version.images()[0].root.digest, image.root().digest);
    assert!(proved.list.value().predicate().omitted().is_empty());
}

#[test]
fn documents_come_first_then_manifests_then_configurations_then_layers() {
    let image = two_platforms();
    let (_dir, proved) = packed(&image, &[]).unwrap();
    let group = |name: &MemberName| {
        let MemberName::Blob(digest) = name else { return 0 };
        match proved.manifests.get(digest) {
            _ if *digest == proved.version.raw().descriptor().digest => 1,
            _ if *digest == proved.documents.raw().descriptor().digest => 2,
            Some(_) => 4,
            None => {
                let images = proved.manifests.values().filter_map(|m| match m.value() {
                    Document::Image { config, layers, .. } => Some((config, layers)),
                    Document::Index { .. } => None,
                });
                let mut group = 3;
                for (config, layers) in images.filter(|(c, _)| c.media_type != bundle_format::media::OCI_EMPTY) {
                    if config.digest == *digest {
                        group = 5;
                    } else if layers.iter().any(|l| l.digest == *digest) {
                        group = 6;
                    }
                }
                group
            }
        }
    };
    let groups: Vec<_> = proved.list.value().predicate().body().map(|m| group(&m.name)).collect();
    assert!(groups.is_sorted(), "{groups:?}");
    assert_eq!(groups.iter().max(), Some(&6));
}

#[test]
fn narrowing_leaves_the_index_and_the_release_as_they_are() {
    let image = two_platforms();
    let (_all_dir, all) = packed(&image, &[]).unwrap();
    for wanted in ["linux/arm64", "linux/arm64/v8"] {
        let (_dir, narrow) = packed(&image, &[wanted]).unwrap();
        assert_eq!(narrow.version.raw().bytes(), all.version.raw().bytes());
        assert_eq!(narrow.release.value(), all.release.value());
        let list = narrow.list.value().predicate();
        assert_eq!(list.platforms(), [wanted]);
        assert_eq!(list.omitted().len(), 1);
        assert!(!narrow.extents.contains_key(list.omitted().first().unwrap()));
        assert!(narrow.len < all.len);
    }
}

#[test]
fn a_platform_that_an_image_does_not_have_is_refused_with_those_that_it_has() {
    let single = Image::new("linux/amd64", &[app("x")]).unwrap();
    for (image, available) in [(two_platforms(), "linux/amd64, linux/arm64/v8"), (single, "linux/amd64")] {
        let Err(e) = packed(&image, &["linux/s390x"]) else { panic!("packed a platform that is not there") };
        assert_eq!(e.code(), Code::Platform);
        assert_eq!(e.to_string(), format!("image {NAME} has no linux/s390x; it has {available}"));
    }
}

#[test]
fn a_layout_that_lacks_a_platform_packs_with_the_others() {
    let image = two_platforms();
    let dir = tempfile::tempdir().unwrap();
    image.write_layout(&dir.path().join("web"), "web").unwrap();
    // The second platform's manifest: what a tool that copied one platform has not fetched.
    let Document::Index { manifests, .. } =
        bundle_format::Raw::parse(image.root(), image.blobs()[&image.root().digest].clone()).unwrap().value().clone()
    else {
        panic!("an index")
    };
    fs::remove_file(dir.path().join("web/blobs/sha256").join(manifests[1].digest.hex())).unwrap();
    let template = template(dir.path(), "");
    let Err(e) = Plan::make(&options(&template, &[])) else { panic!("a platform is missing") };
    assert_eq!(e.code(), Code::Image);
    assert!(e.to_string().contains("--platform"), "{e}");
    assert!(Plan::make(&options(&template, &["linux/amd64"])).is_ok());
}

#[test]
fn an_image_that_is_named_by_another_digest_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let image = Image::new("linux/amd64", &[app("x")]).unwrap();
    image.write_layout(&dir.path().join("web"), "web").unwrap();
    let template = template(dir.path(), "");
    let other = bundle_format::Digest::of(b"another");
    let text = fs::read_to_string(&template).unwrap().replace(NAME, &format!("registry.example/app/web@{other}"));
    fs::write(&template, text).unwrap();
    assert_eq!(Plan::make(&options(&template, &[])).err().map(|e| e.code()), Some(Code::Image));
}

#[test]
fn a_manifest_may_run_only_images_that_travel() {
    let dir = tempfile::tempdir().unwrap();
    let image = Image::new("linux/amd64", &[app("x")]).unwrap();
    image.write_layout(&dir.path().join("web"), "web").unwrap();
    let template = template(dir.path(), "manifests: [pod.yaml]\n");
    let pod = |image: &str| {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{ name: x }}\nspec: {{ containers: [{{ name: x, image: {image} }}] }}\n"
        );
        fs::write(dir.path().join("pod.yaml"), text).unwrap();
        Plan::make(&options(&template, &[])).err().map(|e| (e.code(), e.to_string()))
    };
    assert_eq!(pod(NAME), None);
    let (code, message) = pod("nginx").unwrap();
    assert_eq!(code, Code::Template);
    assert!(message.contains("docker.io/library/nginx:latest"), "{message}");
}

#[test]
fn a_source_given_for_one_run_comes_before_the_templates() {
    let dir = tempfile::tempdir().unwrap();
    let template = template(dir.path(), "");
    let image = Image::new("linux/amd64", &[app("another")]).unwrap();
    image.write_layout(&dir.path().join("elsewhere"), "web").unwrap();
    let mut options = options(&template, &[]);
    assert_eq!(Plan::make(&options).err().map(|e| e.code()), Some(Code::Image), "the template's own is not there");
    options.images.insert(NAME.parse().unwrap(), SourceSpec::parse("oci:elsewhere", dir.path()).unwrap());
    assert_eq!(Plan::make(&options).unwrap().version().images()[0].root.digest, image.root().digest);
}

#[test]
fn two_packs_of_the_same_are_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    two_platforms().write_layout(&dir.path().join("web"), "web").unwrap();
    let template = template(dir.path(), "");
    let key = PrivateKey::generate().unwrap();
    let pack = |name: &str| {
        let out = dir.path().join(name);
        Plan::make(&options(&template, &[]))
            .unwrap()
            .sign(&[&key])
            .unwrap()
            .write(&out, IfExists::Refuse, &())
            .unwrap();
        fs::read(out).unwrap()
    };
    assert!(pack("a") == pack("b"));
}
