//! Refusals: status, code, envelope.

use bundle_format::media;

use crate::content::{Image, sha256};
use crate::registry::Registry;

#[test]
fn names_are_lowercase_components_of_any_depth() {
    let registry = Registry::new();
    let image = Image::new("names");
    let deep = vec!["a"; 100].join("/");
    let (longest, longer) = ("n".repeat(255), "n".repeat(256));
    for name in [
        "a",
        "0",
        "a.b",
        "a_b",
        "a__b",
        "a-b",
        "a---b",
        "a/b/c/d/e",
        "blobs",
        "manifests/blobs",
        "a/blobs/uploads",
        "tags/list",
        "v2",
        deep.as_str(),
        longest.as_str(),
    ] {
        registry.push(name, "1", &image);
        assert!(registry.has_manifest(name, "1") && registry.has_blob(name, &image.layer), "{name}");
        assert_eq!(registry.get(&format!("{name}/tags/list")).json()["name"], name);
    }
    for name in [
        "A",
        "a/B",
        "-a",
        "a-",
        "a..b",
        "a___b",
        "a._b",
        ".",
        "..",
        "a/../b",
        "a//b",
        "_a",
        "a+b",
        "a%2F%2Fb",
        "a:1",
        "%C3%A9",
        longer.as_str(),
    ] {
        let outcome = |method: &str, to: &str| registry.request(method, &format!("{name}/{to}")).send().outcome();
        let digest = sha256(b"");
        for (method, to) in [
            ("GET", "manifests/1".to_owned()),
            ("PUT", "manifests/1".to_owned()),
            ("DELETE", "manifests/1".to_owned()),
            ("GET", "tags/list".to_owned()),
            ("GET", format!("referrers/{digest}")),
            ("GET", format!("blobs/{digest}")),
            ("DELETE", format!("blobs/{digest}")),
            ("POST", "blobs/uploads/".to_owned()),
            ("PATCH", "blobs/uploads/01234567-89ab-4def-8123-456789abcdef".to_owned()),
        ] {
            assert_eq!(outcome(method, &to), (400, "NAME_INVALID".to_owned()), "{name}: {method} {to}");
        }
    }
}

#[test]
fn every_refusal_has_its_code_in_the_envelope_and_head_has_no_body() {
    let registry = Registry::new();
    let image = Image::new("refusals");
    registry.push("app", "1", &image);
    let (nothing, long) = (sha256(b"nothing"), "x".repeat(5000));
    let no_upload = "app/blobs/uploads/01234567-89ab-4def-8123-456789abcdef";
    for (why, method, to, status, code) in [
        ("no repository", "GET", "no/such/manifests/1".to_owned(), 404, "NAME_UNKNOWN"),
        ("no manifest", "GET", "app/manifests/2".to_owned(), 404, "MANIFEST_UNKNOWN"),
        ("no manifest", "GET", format!("app/manifests/{nothing}"), 404, "MANIFEST_UNKNOWN"),
        ("no digest", "GET", "app/manifests/sha256:totallywrong".to_owned(), 400, "DIGEST_INVALID"),
        ("no blob", "GET", format!("app/blobs/{nothing}"), 404, "BLOB_UNKNOWN"),
        ("a manifest is no blob", "GET", format!("app/blobs/{}", image.digest()), 404, "BLOB_UNKNOWN"),
        ("no digest", "GET", "app/blobs/sha256:baddigeststring".to_owned(), 400, "DIGEST_INVALID"),
        ("no upload", "GET", no_upload.to_owned(), 404, "BLOB_UPLOAD_UNKNOWN"),
        ("no upload", "PATCH", no_upload.to_owned(), 404, "BLOB_UPLOAD_UNKNOWN"),
        ("no upload", "PUT", format!("{no_upload}?digest={nothing}"), 404, "BLOB_UPLOAD_UNKNOWN"),
        ("no number", "GET", "app/tags/list?n=-1".to_owned(), 400, "PAGINATION_NUMBER_INVALID"),
        ("no endpoint", "GET", "app".to_owned(), 404, "NAME_UNKNOWN"),
        ("no such method", "POST", "app/manifests/1".to_owned(), 405, "UNSUPPORTED"),
        ("no such method", "PUT", format!("app/blobs/{nothing}"), 405, "UNSUPPORTED"),
        ("no such method", "DELETE", "app/tags/list".to_owned(), 405, "UNSUPPORTED"),
        ("too long", "GET", format!("app/manifests/{long}"), 414, "UNSUPPORTED"),
        ("too long", "PUT", format!("app/manifests/1?tag={long}"), 414, "UNSUPPORTED"),
    ] {
        let answer = registry.request(method, &to).send();
        assert_eq!(answer.outcome(), (status, code.to_owned()), "{why}: {method} {to}");
        assert_eq!(answer.header("content-type"), "application/json", "{why}");
        assert_eq!(answer.header("content-length"), answer.body.len().to_string(), "{why}");
        if method == "GET" {
            let head = registry.head(&to);
            assert_eq!((head.status, head.body.len()), (status, 0), "{why}: HEAD {to}");
        }
        if status == 405 {
            assert!(answer.header("allow").contains("GET"), "{why}: {answer:?}");
        }
    }
    assert!(registry.events().is_empty(), "none of it is the operator's trouble: {:?}", registry.events());
    assert_eq!(registry.put_manifest("app/manifests/1", media::OCI_MANIFEST, &image.manifest).status, 201);
}
