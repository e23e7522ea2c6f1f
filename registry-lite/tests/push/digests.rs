//! SHA-512, beside SHA-256: content has the name that its client gave it.

use bundle_format::media;
use serde_json::json;

use crate::content::{Image, sha256, sha512};
use crate::registry::Registry;

const BYTES: &[u8] = b"named by a longer digest";

#[test]
fn a_blob_is_pushed_and_pulled_by_sha512_by_every_way() {
    let registry = Registry::new();
    let digest = sha512(BYTES);
    let begin = |name: &str, query: &str| {
        registry.request("POST", &format!("{name}/blobs/uploads/{query}")).send().header("location").to_owned()
    };
    for (why, name, done) in [
        ("at once", "one", registry.request("POST", &format!("one/blobs/uploads/?digest={digest}")).body(BYTES).send()),
        ("announced", "two", registry.finish(&begin("two", "?digest-algorithm=sha512"), &digest, BYTES)),
        ("not announced", "three", registry.finish(&begin("three", ""), &digest, BYTES)),
    ] {
        assert_eq!((done.status, done.header("docker-content-digest")), (201, digest.as_str()), "{why}: {done:?}");
        let read = registry.get(&format!("{name}/blobs/{digest}"));
        assert_eq!((read.status, read.body.as_slice()), (200, BYTES), "{why}");
        assert_eq!(read.header("docker-content-digest"), digest, "{why}");
        assert_eq!(read.header("etag"), format!("\"{digest}\""), "{why}");
        assert!(!registry.has_blob(name, BYTES), "{why}: by SHA-256 it is another content, which nobody pushed");
    }
    let announced = begin("four", "?digest-algorithm=sha512");
    assert_eq!(registry.finish(&announced, &sha256(BYTES), BYTES).status, 201, "the end says what counts");
    let wrong = registry.finish(&begin("four", "?digest-algorithm=sha512"), &sha512(b"other"), BYTES);
    assert_eq!(wrong.outcome(), (400, "DIGEST_INVALID".to_owned()));
    let unknown = registry.request("POST", "four/blobs/uploads/?digest-algorithm=sha384").send();
    assert_eq!(unknown.outcome(), (400, "DIGEST_INVALID".to_owned()));
}

#[test]
fn a_manifest_by_sha512_is_served_and_tagged_by_it() {
    let registry = Registry::new();
    let image = Image::new("long");
    registry.push_blob("app", &image.config);
    registry.push_blob("app", &image.layer);
    let digest = sha512(&image.manifest);
    let put = registry.put_manifest(&format!("app/manifests/{digest}?tag=1"), media::OCI_MANIFEST, &image.manifest);
    assert_eq!((put.status, put.header("docker-content-digest")), (201, digest.as_str()), "{put:?}");
    for reference in [digest.as_str(), "1"] {
        let read = registry.get(&format!("app/manifests/{reference}"));
        assert_eq!((read.status, &read.body), (200, &image.manifest), "{reference}");
        assert_eq!(read.header("docker-content-digest"), digest, "{reference}");
    }
    assert!(!registry.has_manifest("app", &image.digest()), "by SHA-256 it was not pushed");
    registry.tag("app", "2", &image);
    assert_eq!(registry.tagged("app", "2"), image.digest());
    assert_eq!(registry.tagged("app", "1"), digest, "both names stay");
    assert_eq!(registry.delete(&format!("app/manifests/{digest}")).status, 202);
    assert_eq!(registry.tags("app"), ["2"], "each is deleted by itself");
}

#[test]
fn sha512_descriptors_and_subjects_work_like_others() {
    let mut registry = Registry::new();
    let (config, subject) = (b"{}", Image::new("subject"));
    let digest = sha512(config);
    let to = format!("app/blobs/uploads/?digest={digest}");
    assert_eq!(registry.request("POST", &to).body(config).send().status, 201);
    let about = sha512(&subject.manifest);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "artifactType": "x/y",
        "config": {"mediaType": media::OCI_EMPTY, "digest": digest, "size": 2}, "layers": [],
        "subject": {"mediaType": media::OCI_MANIFEST, "digest": about, "size": subject.manifest.len()},
    });
    let manifest = manifest.to_string().into_bytes();
    let put = registry.put_manifest("app/manifests/1", media::OCI_MANIFEST, &manifest);
    assert_eq!((put.status, put.header("oci-subject")), (201, about.as_str()), "{put:?}");
    for turn in ["at once", "after a restart"] {
        let listed = registry.get(&format!("app/referrers/{about}")).json();
        assert_eq!(listed["manifests"][0]["digest"], json!(sha256(&manifest)), "{turn}");
        let other = registry.get(&format!("app/referrers/{}", subject.digest())).json();
        assert_eq!(other["manifests"], json!([]), "{turn}: by another digest it is another subject");
        registry.restart();
    }
}
