//! What is deleted is gone at once, and nothing else is.

use bundle_format::media;
use serde_json::json;

use crate::content::{Image, index, sha256};
use crate::registry::Registry;

#[test]
fn deleting_a_tag_leaves_the_manifest_and_its_other_tags() {
    let registry = Registry::new();
    let image = Image::new("tagged");
    registry.push("app", "1", &image);
    registry.tag("app", "2", &image);
    for (tag, left) in [("1", vec!["2"]), ("2", vec![])] {
        let answer = registry.delete(&format!("app/manifests/{tag}"));
        assert_eq!((answer.status, answer.body.len()), (202, 0), "{tag}");
        assert!(!registry.has_manifest("app", tag), "{tag}");
        assert_eq!(registry.tags("app"), left, "{tag}");
        assert!(registry.has_manifest("app", &image.digest()) && registry.has_blob("app", &image.layer), "{tag}");
        assert_eq!(registry.delete(&format!("app/manifests/{tag}")).outcome(), (404, "MANIFEST_UNKNOWN".to_owned()));
    }
}

#[test]
fn deleting_by_digest_takes_all_tags_along_in_this_repository() {
    let registry = Registry::new();
    let (image, other) = (Image::new("gone"), Image::new("stays"));
    registry.push("app", "1", &image);
    registry.tag("app", "2", &image);
    registry.push("app", "3", &other);
    registry.push("copy", "1", &image);
    let to = format!("app/manifests/{}", image.digest());
    assert_eq!(registry.delete(&to).status, 202);
    assert_eq!(registry.get(&to).outcome(), (404, "MANIFEST_UNKNOWN".to_owned()));
    assert_eq!(registry.tags("app"), ["3"]);
    assert!(!registry.has_manifest("app", "1"));
    assert!(registry.has_blob("app", &other.layer) && registry.has_manifest("app", "3"));
    assert!(
        registry.has_manifest("copy", "1") && registry.has_blob("copy", &image.layer),
        "another repository's stays"
    );
    assert_eq!(registry.delete(&to).outcome(), (404, "MANIFEST_UNKNOWN".to_owned()));
    registry.push("app", "4", &image);
    assert_eq!(registry.tags("app"), ["3", "4"], "what is pushed again is there");
}

#[test]
fn deleting_a_blob_takes_it_from_this_repository_alone() {
    let registry = Registry::new();
    let image = Image::new("with a layer");
    registry.push("app", "1", &image);
    registry.push("copy", "1", &image);
    registry.push_blob("loose", &image.layer);
    let to = |name: &str| format!("{name}/blobs/{}", sha256(&image.layer));
    for (name, left) in [("app", ["copy", "loose"].as_slice()), ("loose", &["copy"])] {
        let answer = registry.delete(&to(name));
        assert_eq!((answer.status, answer.body.len()), (202, 0), "{name}");
        assert_eq!(registry.head(&to(name)).status, 404, "{name}");
        let again = registry.delete(&to(name));
        assert_eq!(again.status, 404, "{name}: {again:?}");
        for name in left {
            assert!(registry.has_blob(name, &image.layer), "{name}");
        }
    }
    assert!(registry.has_manifest("app", "1"), "the manifest that lists it stays");
    registry.push_blob("app", &image.layer);
    assert!(registry.has_blob("app", &image.layer), "what is pushed again is there");
    assert_eq!(registry.delete(&to("app")).status, 202);
    assert!(!registry.has_blob("app", &image.layer), "and is deleted again");
    registry.tag("app", "2", &image);
    assert!(registry.has_blob("app", &image.layer), "a manifest that lists it brings it back");
}

#[test]
fn a_manifest_that_an_index_lists_can_be_deleted_and_comes_back_with_a_push() {
    let registry = Registry::new();
    let (one, two) = (Image::new("one"), Image::new("two"));
    for image in [&one, &two] {
        registry.push("app", &image.digest(), image);
    }
    let list = index(&[&one.manifest, &two.manifest]);
    registry.put_manifest("app/manifests/both", media::OCI_INDEX, &list);
    assert_eq!(registry.delete(&format!("app/manifests/{}", one.digest())).status, 202);
    assert!(!registry.has_manifest("app", &one.digest()));
    assert!(registry.has_manifest("app", &two.digest()) && registry.has_manifest("app", "both"));
    let again = registry.delete(&format!("app/manifests/{}", one.digest()));
    assert_eq!(again.outcome(), (404, "MANIFEST_UNKNOWN".to_owned()));
    registry.push("app", &one.digest(), &one);
    assert!(registry.has_manifest("app", &one.digest()));
    assert_eq!(registry.delete(&format!("app/manifests/{}", one.digest())).status, 202);
    registry.put_manifest("app/manifests/both", media::OCI_INDEX, &list);
    assert!(registry.has_manifest("app", &one.digest()), "pushing the index brings back what it lists");
}

#[test]
fn what_is_not_there_cannot_be_deleted() {
    let registry = Registry::new();
    let image = Image::new("here");
    registry.push("app", "1", &image);
    let (nothing, here) = (sha256(b"nothing"), image.digest());
    for (why, to, status, code) in [
        ("no such tag", "app/manifests/2".to_owned(), 404, "MANIFEST_UNKNOWN"),
        ("no tag at all", "app/manifests/-".to_owned(), 404, "MANIFEST_UNKNOWN"),
        ("no such manifest", format!("app/manifests/{nothing}"), 404, "MANIFEST_UNKNOWN"),
        ("another repository's", format!("other/manifests/{here}"), 404, "MANIFEST_UNKNOWN"),
        ("a digest that is none", "app/manifests/sha256:x".to_owned(), 400, "DIGEST_INVALID"),
        ("no such blob", format!("app/blobs/{nothing}"), 404, "BLOB_UNKNOWN"),
        ("another repository's", format!("other/blobs/{}", sha256(&image.layer)), 404, "BLOB_UNKNOWN"),
        ("a name that is none", format!("APP/blobs/{nothing}"), 400, "NAME_INVALID"),
    ] {
        assert_eq!(registry.delete(&to).outcome(), (status, code.to_owned()), "{why}: {to}");
    }
    assert!(registry.has_manifest("app", "1") && registry.has_blob("app", &image.layer));
}

#[test]
fn a_repository_is_gone_with_its_last_manifest() {
    let registry = Registry::new();
    let image = Image::new("last");
    registry.push("app", "1", &image);
    assert_eq!(registry.delete(&format!("app/manifests/{}", image.digest())).status, 202);
    assert_eq!(registry.get("_catalog").json(), json!({"repositories": []}));
    assert_eq!(registry.get("app/tags/list").outcome(), (404, "NAME_UNKNOWN".to_owned()));
}
