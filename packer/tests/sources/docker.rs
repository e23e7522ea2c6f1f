//! Docker archives of both layouts.

use std::collections::BTreeMap;

use bundle_format::{Digest, media};
use packer::source::ImageSource;
use serde_json::json;
use testdata::docker_archive::{write_before_25, write_since_25};
use testdata::image::write_tar;
use testdata::{Compression, Image};

use super::{Files, image, open, parts, platforms, read_to_end, sizes, validate};

#[test]
fn docker_before_25_keeps_the_configuration_and_gets_a_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let plain = image("web", Compression::None);
    for (why, image) in
        [("plain", &plain), ("gzip", &image("web", Compression::Gzip)), ("zstd", &image("web", Compression::Zstd))]
    {
        write_before_25(&dir.path().join(format!("{why}.tar")), &[(image, &["web:1"])]).unwrap();
        let source = open(dir.path(), &format!("docker-archive:{why}.tar")).unwrap();
        // The layers are saved uncompressed, so all three are the image of uncompressed layers.
        assert_eq!(content(&*source), content_of(&plain), "{why}");
        // Whoever packs the archive, on whatever machine and with whatever version of us, gets this digest.
        let made = "sha256:dd3e9b6bed31316e10992aea537be5c9d158ef1922d0a556489879a9b3ceec26";
        assert_eq!(source.root().unwrap().digest.to_string(), made, "{why}");
        assert_eq!(source.root().unwrap().media_type, media::OCI_MANIFEST, "{why}");
    }
}

#[test]
fn docker_since_25_keeps_the_digest() {
    let dir = tempfile::tempdir().unwrap();
    for (why, image, names) in [
        ("an image", image("web", Compression::Gzip), &["web:1"] as &[&str]),
        ("an index", platforms(), &["web:1", "web:latest"]),
        ("an image without names", image("web", Compression::None), &[]),
    ] {
        write_since_25(&dir.path().join(format!("{why}.tar")), &[(&image, names)]).unwrap();
        for kind in ["docker-archive", "oci-archive"] {
            let source = open(dir.path(), &format!("{kind}:{why}.tar")).unwrap();
            assert_eq!(source.root().unwrap(), *image.root(), "{why}");
            assert_eq!(validate(&*source), sizes(&image), "{why}");
        }
    }
}

#[test]
fn one_of_several_images_is_chosen_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (web, db, bare) =
        (image("web", Compression::None), image("db", Compression::None), image("x", Compression::None));
    let saved: [(&Image, &[&str]); 3] = [(&web, &["web:1", "web:latest"]), (&db, &["db:2"]), (&bare, &[])];
    write_before_25(&dir.path().join("before.tar"), &saved).unwrap();
    write_since_25(&dir.path().join("since.tar"), &saved).unwrap();
    for archive in ["before.tar", "since.tar"] {
        for (reference, expected) in [
            ("web:1", &web),
            ("web", &web),
            ("docker.io/library/web:1", &web),
            ("index.docker.io/db:2", &db),
            ("2", &db),
        ] {
            let source = open(dir.path(), &format!("docker-archive:{archive}:{reference}")).unwrap();
            // Layers that the images share are links in the older layout.
            assert_eq!(content(&*source), content_of(expected), "{archive} {reference}");
        }
        for (reference, message) in
            [("", "holds several images, name one after a colon: "), (":db:3", r#"does not hold "db:3"; it holds "#)]
        {
            let error = open(dir.path(), &format!("docker-archive:{archive}{reference}")).err().unwrap().to_string();
            assert!(error.contains(message) && error.contains("web:latest") && error.contains(archive), "{error}");
        }
    }
    let name = format!("docker-archive:before.tar:{}.json", parts_config(&bare).hex());
    assert_eq!(content(&*open(dir.path(), &name).unwrap()), content_of(&bare), "{name}");
}

#[test]
fn names_that_only_manifest_json_has_are_found_in_the_newer_layout() {
    let dir = tempfile::tempdir().unwrap();
    let (web, db) = (image("web", Compression::Gzip), image("db", Compression::Gzip));
    let mut files = web.layout("").unwrap();
    files.extend(db.layout("").unwrap());
    files.retain(|(path, _)| path.starts_with("blobs/"));
    files.sort();
    files.dedup();
    let entries = [web.root().clone(), db.root().clone().annotated(media::REF_NAME, "2")];
    let saved = |image: &Image, name: &str| json!({"Config": format!("blobs/sha256/{}", parts_config(image).hex()), "RepoTags": [name]});
    files.push(("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.1.0"}"#.to_vec()));
    files.push(("index.json".to_owned(), json!({"schemaVersion": 2, "manifests": entries}).to_string().into_bytes()));
    files
        .push(("manifest.json".to_owned(), json!([saved(&db, "db:2"), saved(&web, "web:1")]).to_string().into_bytes()));
    write_tar(&dir.path().join("saved.tar"), &files).unwrap();
    for (reference, expected) in [("web:1", &web), ("db:2", &db), ("2", &db)] {
        let source = open(dir.path(), &format!("docker-archive:saved.tar:{reference}")).unwrap();
        assert_eq!(source.root().unwrap().digest, expected.root().digest, "{reference}");
    }
}

/// What jib, bazel and go-containerregistry write: any names, layers compressed inside.
fn compressed_inside(image: &Image, config: &str) -> Files {
    let (digest, layers) = image_parts(image);
    let mut files = vec![(config.to_owned(), image.blobs()[&digest].clone())];
    let mut names = Vec::new();
    for (i, layer) in layers.iter().enumerate() {
        names.push(format!("{i}.tar.gz"));
        files.push((format!("./{i}.tar.gz"), image.blobs()[layer].clone()));
    }
    let list = json!([{"Config": config, "RepoTags": ["web:1"], "Layers": names}]);
    files.push(("manifest.json".to_owned(), list.to_string().into_bytes()));
    files
}

#[test]
fn layers_compressed_inside_get_their_own_digest_and_media_type() {
    let dir = tempfile::tempdir().unwrap();
    for (compression, media_type) in
        [(Compression::Gzip, media::OCI_LAYER_GZIP), (Compression::Zstd, media::OCI_LAYER_ZSTD)]
    {
        let web = image("web", compression);
        let hex = parts_config(&web).hex();
        for config in ["config.json".to_owned(), format!("sha256:{hex}"), format!("{hex}.json")] {
            write_tar(&dir.path().join("web.tar"), &compressed_inside(&web, &config)).unwrap();
            let source = open(dir.path(), "docker-archive:web.tar:web:1").unwrap();
            assert_eq!(content(&*source), content_of(&web), "{config}");
            let types: Vec<_> = parts(&*source).1.into_iter().map(|layer| layer.media_type).collect();
            assert_eq!(types, [media_type; 2], "{config}");
        }
    }
}

#[test]
fn a_layer_that_is_not_what_the_configuration_says_is_found_when_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let web = image("web", Compression::None);
    let mut files = compressed_inside(&web, "config.json");
    let layer = files.iter_mut().find(|(path, _)| path == "./1.tar.gz").unwrap();
    layer.1[600] ^= 1;
    write_tar(&dir.path().join("web.tar"), &files).unwrap();
    let source = open(dir.path(), "docker-archive:web.tar").unwrap();
    let (_, layers) = parts(&*source);
    assert!(read_to_end(&*source, &layers[0]).is_ok());
    let error = read_to_end(&*source, &layers[1]).unwrap_err().to_string();
    assert!(error.contains("was expected, the content is"), "{error}");
}

/// What the source holds, proved, without the manifest: an older docker archive has none.
fn content(source: &dyn ImageSource) -> BTreeMap<Digest, u64> {
    let mut all = validate(source);
    all.remove(&source.root().unwrap().digest);
    all
}

fn content_of(image: &Image) -> BTreeMap<Digest, u64> {
    let mut all = sizes(image);
    all.remove(&image.root().digest);
    all
}

fn image_parts(image: &Image) -> (Digest, Vec<Digest>) {
    let manifest: serde_json::Value = serde_json::from_slice(&image.blobs()[&image.root().digest]).unwrap();
    let digest = |value: &serde_json::Value| value["digest"].as_str().unwrap().parse().unwrap();
    (digest(&manifest["config"]), manifest["layers"].as_array().unwrap().iter().map(digest).collect())
}

fn parts_config(image: &Image) -> Digest {
    image_parts(image).0
}
