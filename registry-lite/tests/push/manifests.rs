//! Manifests: taken as they are, or refused with the rule.

use bundle_format::media;
use serde_json::json;

use crate::content::{Image, artifact, descriptor, index, sha256};
use crate::registry::Registry;

#[test]
fn manifests_come_back_byte_for_byte_under_the_type_they_were_pushed_with() {
    let registry = Registry::new();
    let image = Image::new("round trip");
    registry.push_blob("app", &image.config);
    registry.push_blob("app", &image.layer);
    registry.push_blob("app", b"{}");
    let (config, layer) =
        (descriptor(media::OCI_CONFIG, &image.config), descriptor(media::OCI_LAYER_TAR, &image.layer));
    let with_type = |kind: &str| json!({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]});
    let no_type = json!({"schemaVersion": 2, "config": config, "layers": [layer]});
    let mut unknown = with_type(media::OCI_MANIFEST);
    unknown["x-later"] = json!({"a": [1.50, null, "é"]});
    let mut data = with_type(media::OCI_MANIFEST);
    data["config"]["data"] = json!("aGVsbG8=");
    for (why, kind, bytes) in [
        ("OCI", media::OCI_MANIFEST, with_type(media::OCI_MANIFEST).to_string()),
        ("Docker", media::DOCKER_MANIFEST, with_type(media::DOCKER_MANIFEST).to_string()),
        ("without a type inside", media::OCI_MANIFEST, no_type.to_string()),
        ("with unknown fields", media::OCI_MANIFEST, unknown.to_string()),
        ("with content in it", media::OCI_MANIFEST, data.to_string()),
        ("indented, with a line at its end", media::OCI_MANIFEST, format!("{:#}\n", with_type(media::OCI_MANIFEST))),
        ("no layers", media::OCI_MANIFEST, json!({"schemaVersion": 2, "config": config, "layers": []}).to_string()),
        ("an artifact", media::OCI_MANIFEST, String::from_utf8(artifact("x/y", b"subject")).unwrap()),
        ("an empty index", media::OCI_INDEX, json!({"schemaVersion": 2, "manifests": []}).to_string()),
        ("an index", media::OCI_INDEX, String::from_utf8(index(&[&image.manifest])).unwrap()),
        ("a Docker list", media::DOCKER_LIST, json!({"schemaVersion": 2, "manifests": []}).to_string() + " "),
        (
            "an index of an index",
            media::OCI_INDEX,
            json!({"schemaVersion": 2, "manifests": [descriptor(media::OCI_INDEX, b"inner")]}).to_string(),
        ),
    ] {
        let (bytes, digest) = (bytes.as_bytes(), sha256(bytes.as_bytes()));
        for reference in ["tag", digest.as_str()] {
            let to = format!("app/manifests/{reference}");
            let put = registry.put_manifest(&to, kind, bytes);
            assert_eq!((put.status, put.header("docker-content-digest")), (201, digest.as_str()), "{why}: {put:?}");
            for asked in [put.header("location"), &to] {
                // What clients accept does not change what there is.
                let read = registry.request("GET", asked).header("accept", "application/json, text/html").send();
                assert_eq!((read.status, read.body.as_slice()), (200, bytes), "{why}");
                assert_eq!(read.header("content-type"), kind, "{why}");
                assert_eq!(read.header("content-length"), bytes.len().to_string(), "{why}");
                assert_eq!(read.header("docker-content-digest"), digest, "{why}");
                let head = registry.head(asked);
                assert_eq!((head.status, head.body.len()), (200, 0), "{why}: HEAD has no body");
                for name in ["content-type", "content-length", "docker-content-digest", "etag"] {
                    assert_eq!(head.header(name), read.header(name), "{why}: HEAD says what GET says");
                }
                let tag = read.header("etag");
                let again = registry.request("GET", asked).header("if-none-match", tag).send();
                assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag), "{why}");
                let other = registry.request("GET", asked).header("if-none-match", "\"other\"").send();
                assert_eq!(other.status, 200, "{why}");
            }
        }
    }
    let parameters = format!("{}; charset=utf-8", media::OCI_MANIFEST);
    let put = registry.put_manifest("app/manifests/parameters", &parameters, no_type.to_string().as_bytes());
    assert_eq!(put.status, 201, "parameters of a media type are not part of it");
    assert_eq!(registry.get("app/manifests/parameters").header("content-type"), media::OCI_MANIFEST);
    let bytes = with_type(media::OCI_MANIFEST).to_string();
    let put = registry.request("PUT", "app/manifests/untyped").body(bytes.as_bytes()).send();
    assert_eq!(put.status, 201, "the type inside is enough");
    assert_eq!(registry.get("app/manifests/untyped").header("content-type"), media::OCI_MANIFEST);
}

#[test]
fn what_is_no_manifest_is_refused_and_leaves_nothing() {
    let registry = Registry::new();
    let image = Image::new("refused");
    registry.push("app", "1", &image);
    let manifest = String::from_utf8(image.manifest.clone()).unwrap();
    let both = json!({"schemaVersion": 2, "config": descriptor("x/y", b""), "layers": [], "manifests": []}).to_string();
    for (why, kind, bytes) in [
        ("nothing", media::OCI_MANIFEST, ""),
        ("not JSON", media::OCI_MANIFEST, "hello"),
        ("cut off", media::OCI_MANIFEST, &manifest[..manifest.len() - 1]),
        ("another type inside", media::OCI_INDEX, &manifest),
        ("no manifest's type", "application/json", &manifest),
        ("both", media::OCI_MANIFEST, &both),
        ("schema 1", "application/vnd.docker.distribution.manifest.v1+prettyjws", r#"{"schemaVersion": 1}"#),
    ] {
        let put = registry.put_manifest("app/manifests/2", kind, bytes.as_bytes());
        assert_eq!(put.outcome(), (400, "MANIFEST_INVALID".to_owned()), "{why}");
        let digest = sha256(bytes.as_bytes());
        assert!(!registry.has_manifest("app", "2"), "{why}");
        assert_eq!(registry.has_manifest("app", &digest), bytes == manifest, "{why}");
    }
    let other = sha256(b"other");
    let put = registry.put_manifest(&format!("app/manifests/{other}"), media::OCI_MANIFEST, &image.manifest);
    assert_eq!(put.outcome(), (400, "DIGEST_INVALID".to_owned()));
    assert!(!registry.has_manifest("app", &other));
}

#[test]
fn an_image_needs_its_blobs_and_an_index_nothing() {
    let registry = Registry::new();
    let image = Image::new("whole");
    let put = || registry.put_manifest("app/manifests/1", media::OCI_MANIFEST, &image.manifest);
    let refused = put();
    assert_eq!(refused.outcome(), (404, "MANIFEST_BLOB_UNKNOWN".to_owned()));
    registry.push_blob("app", &image.config);
    let refused = put();
    let message = refused.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&sha256(&image.layer)), "it says what is missing: {message}");
    assert!(!message.contains(&sha256(&image.config)), "and that alone: {message}");
    registry.push_blob("app", &image.layer);
    assert_eq!(put().status, 201);

    let mut short = descriptor(media::OCI_LAYER_TAR, &image.layer);
    short["size"] = json!(image.layer.len() + 1);
    let config = descriptor(media::OCI_CONFIG, &image.config);
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": [short]}).to_string();
    let put = registry.put_manifest("app/manifests/2", media::OCI_MANIFEST, manifest.as_bytes());
    assert_eq!(put.outcome(), (404, "MANIFEST_BLOB_UNKNOWN".to_owned()), "a blob of another size is another blob");

    let mut elsewhere = descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", b"elsewhere");
    let foreign = json!({"schemaVersion": 2, "config": config, "layers": [elsewhere]}).to_string();
    assert_eq!(registry.put_manifest("app/manifests/3", media::OCI_MANIFEST, foreign.as_bytes()).status, 201);
    elsewhere["mediaType"] = json!(media::OCI_LAYER_TAR);
    elsewhere["urls"] = json!(["https://example.com/layer"]);
    let urls = json!({"schemaVersion": 2, "config": config, "layers": [elsewhere]}).to_string();
    assert_eq!(registry.put_manifest("app/manifests/4", media::OCI_MANIFEST, urls.as_bytes()).status, 201);

    let absent = Image::new("never pushed");
    let sparse = index(&[&image.manifest, &absent.manifest]);
    assert_eq!(registry.put_manifest("app/manifests/5", media::OCI_INDEX, &sparse).status, 201, "some platforms");
    assert!(!registry.has_manifest("app", &absent.digest()));
    registry.push("app", &absent.digest(), &absent);
    assert!(registry.has_manifest("app", &absent.digest()), "the rest may come later");
}

#[test]
fn a_manifest_that_several_repositories_have_is_each_ones_own() {
    let registry = Registry::new();
    let image = Image::new("shared");
    registry.push("one", "1", &image);
    assert!(!registry.has_manifest("two", &image.digest()) && !registry.has_blob("two", &image.layer));
    registry.tag("two", "1", &image);
    assert!(registry.has_blob("two", &image.layer), "what a manifest of the repository lists is there");
    assert_eq!(registry.get("_catalog").json(), json!({"repositories": ["one", "two"]}));
}

#[test]
fn pushing_again_mends_what_was_damaged() {
    let registry = Registry::new();
    let image = Image::new("mended");
    registry.push("app", "1", &image);
    let path = |bytes: &[u8]| registry.site().join("blobs/sha256").join(&sha256(bytes)[7..]);
    std::fs::write(path(&image.layer), b"short").unwrap();
    std::fs::write(path(&image.manifest), vec![b' '; image.manifest.len()]).unwrap();
    assert!(!registry.has_blob("app", &image.layer) && !registry.has_manifest("app", "1"));
    registry.push("app", "1", &image);
    assert!(registry.has_blob("app", &image.layer) && registry.has_manifest("app", "1"));
}
