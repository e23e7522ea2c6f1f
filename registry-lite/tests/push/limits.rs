//! How large a manifest may be.

use bundle_format::media;
use serde_json::json;

use crate::content::{descriptor, sha256};
use crate::registry::Registry;

const LIMIT: usize = 4 << 20;

/// A manifest of exactly `size` bytes.
fn manifest(size: usize) -> Vec<u8> {
    let build = |padding: usize| {
        let config = descriptor(media::OCI_EMPTY, b"{}");
        let annotations = json!({"padding": "x".repeat(padding)});
        json!({"schemaVersion": 2, "config": config, "layers": [], "annotations": annotations}).to_string().into_bytes()
    };
    let bytes = build(size - build(0).len());
    assert_eq!(bytes.len(), size);
    bytes
}

#[test]
fn a_manifest_of_four_mebibytes_is_taken_and_one_byte_more_is_not() {
    let registry = Registry::new();
    registry.push_blob("app", b"{}");
    let (fits, not) = (manifest(LIMIT), manifest(LIMIT + 1));
    for chunk in [None, Some(100_000)] {
        let put = |to: &str, bytes: &[u8]| {
            let request = registry.request("PUT", to).header("content-type", media::OCI_MANIFEST).body(bytes);
            if let Some(size) = chunk { request.chunked(size).send() } else { request.send() }
        };
        assert_eq!(put("app/manifests/fits", &fits).status, 201, "{chunk:?}");
        assert_eq!(put("app/manifests/not", &not).outcome(), (413, "SIZE_INVALID".to_owned()), "{chunk:?}");
    }
    assert!(registry.get("app/manifests/fits").body == fits);
    assert_eq!(registry.tags("app"), ["fits"]);
    assert!(!registry.has_manifest("app", &sha256(&not)));
}

#[test]
fn a_manifest_that_says_it_is_too_large_is_refused_before_it_is_sent() {
    let registry = Registry::new();
    let request = registry.request("PUT", "app/manifests/1").header("content-type", media::OCI_MANIFEST);
    let mut stream = request.body(&manifest(LIMIT + 1)).begin();
    assert_eq!(crate::http::Answer::read(&mut stream).outcome(), (413, "SIZE_INVALID".to_owned()));
}
