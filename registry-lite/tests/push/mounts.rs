//! Blobs that are here already, and are not sent again.

use crate::content::{Image, sha256};
use crate::registry::Registry;

const BYTES: &[u8] = b"a blob that many share";

fn mount(registry: &Registry, to: &str, query: &str) -> crate::http::Answer {
    registry.request("POST", &format!("{to}/blobs/uploads/?{query}")).send()
}

#[test]
fn a_blob_of_another_repository_is_mounted() {
    let registry = Registry::new();
    let digest = registry.push_blob("source/app", BYTES);
    for from in ["&from=source/app", "&from=source%2Fapp", ""] {
        let to = format!("target{}", from.len());
        let answer = mount(&registry, &to, &format!("mount={digest}{from}"));
        assert_eq!((answer.status, answer.header("docker-content-digest")), (201, digest.as_str()), "{from}");
        assert_eq!(registry.get(answer.header("location")).body, BYTES, "{from}: its location is the blob");
        assert!(registry.has_blob(&to, BYTES), "{from}");
    }
    assert!(!registry.has_blob("elsewhere", BYTES));
}

#[test]
fn a_layer_that_a_manifest_lists_is_mounted_as_well() {
    let registry = Registry::new();
    let image = Image::new("shared");
    registry.push("source", "1", &image);
    for blob in [&image.layer, &image.config] {
        assert_eq!(mount(&registry, "target", &format!("mount={}&from=source", sha256(blob))).status, 201);
    }
    registry.tag("target", "1", &image);
    assert!(registry.has_blob("target", &image.layer));
}

#[test]
fn what_cannot_be_mounted_begins_an_upload() {
    let registry = Registry::new();
    let digest = registry.push_blob("source", BYTES);
    let image = Image::new("an image");
    registry.push("source", "1", &image);
    let nowhere = sha256(b"pushed to nobody yet");
    for (why, query) in [
        ("a repository that is not there", format!("mount={digest}&from=no/such")),
        ("a blob that is not there", format!("mount={nowhere}&from=source")),
        ("a blob that is nowhere", format!("mount={nowhere}")),
        ("a name outside the grammar", format!("mount={digest}&from=NO")),
        ("a manifest is no blob", format!("mount={}&from=source", image.digest())),
    ] {
        let answer = mount(&registry, "target", &query);
        assert_eq!(answer.status, 202, "{why}");
        assert_eq!(registry.finish(answer.header("location"), &sha256(b"sent"), b"sent").status, 201, "{why}");
        assert!(!registry.has_blob("target", BYTES), "{why}");
    }
    assert_eq!(mount(&registry, "target", "mount=sha256:short&from=source").outcome().1, "DIGEST_INVALID");
}

#[test]
fn a_mounted_blob_stays_when_its_source_goes() {
    let registry = Registry::new();
    let digest = registry.push_blob("source", BYTES);
    mount(&registry, "target", &format!("mount={digest}&from=source"));
    assert_eq!(registry.delete(&format!("source/blobs/{digest}")).status, 202);
    assert!(!registry.has_blob("source", BYTES) && registry.has_blob("target", BYTES));
    let again = mount(&registry, "third", &format!("mount={digest}&from=source"));
    assert_eq!(again.status, 202, "what was deleted there cannot be mounted from there");
}
