//! What is about something: listed at once, by its type, with or without its subject.

use bundle_format::media;
use serde_json::{Value, json};

use crate::content::{Image, artifact, descriptor, sha256};
use crate::registry::Registry;

fn listed(registry: &Registry, subject: &str, query: &str) -> Vec<Value> {
    let answer = registry.get(&format!("app/referrers/{subject}{query}"));
    assert_eq!((answer.status, answer.header("content-type")), (200, media::OCI_INDEX), "{answer:?}");
    let filtered = if query.contains("artifactType") { "artifactType" } else { "" };
    assert_eq!(answer.header("oci-filters-applied"), filtered);
    let index = answer.json();
    assert_eq!((&index["schemaVersion"], &index["mediaType"]), (&json!(2), &json!(media::OCI_INDEX)));
    index["manifests"].as_array().unwrap().clone()
}

#[test]
fn what_is_about_a_manifest_is_listed_by_its_type_also_before_the_manifest_comes() {
    let registry = Registry::new();
    let image = Image::new("subject");
    let subject = image.digest();
    registry.push_blob("app", b"{}");
    assert_eq!(listed(&registry, &subject, ""), Vec::<Value>::new(), "in no repository there are none");
    let (sbom, signature) = (artifact("x/sbom", &image.manifest), artifact("x/sig+json", &image.manifest));
    for (i, bytes) in [&sbom, &signature].into_iter().enumerate() {
        let put = registry.put_manifest(&format!("app/manifests/{}", sha256(bytes)), media::OCI_MANIFEST, bytes);
        assert_eq!((put.status, put.header("oci-subject")), (201, subject.as_str()));
        assert_eq!(listed(&registry, &subject, "").len(), i + 1);
    }
    let of_type = listed(&registry, &subject, "?artifactType=x/sbom");
    let expected = json!({
        "mediaType": media::OCI_MANIFEST, "digest": sha256(&sbom), "size": sbom.len(), "artifactType": "x/sbom",
        "annotations": {"org.example.kind": "x/sbom"},
    });
    assert_eq!(of_type, [expected]);
    assert_eq!(listed(&registry, &subject, "?artifactType=x/sig%2Bjson").len(), 1);
    assert_eq!(listed(&registry, &subject, "?artifactType=x/sig+json").len(), 1, "a + that nobody encoded");
    assert_eq!(listed(&registry, &subject, "?artifactType=x/other").len(), 0);
    registry.push("app", "1", &image);
    assert_eq!(listed(&registry, &subject, "").len(), 2);
    assert_eq!(registry.delete(&format!("app/manifests/{}", sha256(&sbom))).status, 202);
    let left = listed(&registry, &subject, "");
    assert_eq!((left.len(), &left[0]["digest"]), (1, &json!(sha256(&signature))), "what is deleted is not listed");
    assert_eq!(registry.delete(&format!("app/manifests/{subject}")).status, 202);
    assert_eq!(listed(&registry, &subject, "").len(), 1, "what is about it outlives it");
    assert_eq!(registry.get("app/referrers/sha256:short").outcome(), (400, "DIGEST_INVALID".to_owned()));
}

#[test]
fn an_index_can_be_about_something_and_an_image_says_its_configurations_type() {
    let registry = Registry::new();
    let image = Image::new("subject");
    registry.push("app", "1", &image);
    let about = descriptor(media::OCI_MANIFEST, &image.manifest);
    let config = descriptor(media::OCI_CONFIG, &image.config);
    let index = json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [], "subject": about});
    let copy =
        json!({"schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "config": config, "layers": [], "subject": about});
    for (manifest, kind) in [(&index, media::OCI_INDEX), (&copy, media::OCI_MANIFEST)] {
        let put = registry.put_manifest("app/manifests/about", kind, manifest.to_string().as_bytes());
        assert_eq!((put.status, put.header("oci-subject")), (201, image.digest().as_str()));
    }
    let listed = listed(&registry, &image.digest(), "");
    let of = |manifest: &Value| listed.iter().find(|d| d["digest"] == sha256(manifest.to_string().as_bytes())).unwrap();
    assert_eq!(of(&index).get("artifactType"), None);
    assert_eq!(of(&copy)["artifactType"], json!(media::OCI_CONFIG));
}

#[test]
fn what_a_fallback_tag_lists_is_among_the_referrers() {
    // What cosign and ORAS push where they think that a registry has no list (distribution-spec, "Pushing Manifests with
    // Subject").
    let registry = Registry::new();
    let (image, silent) = (Image::new("subject"), Image::new("says no subject"));
    registry.push("app", "1", &image);
    registry.push("app", &silent.digest(), &silent);
    let list = crate::content::index(&[&silent.manifest]);
    let to = format!("app/manifests/{}", image.digest().replace(':', "-"));
    assert_eq!(registry.put_manifest(&to, media::OCI_INDEX, &list).status, 201);
    let listed = listed(&registry, &image.digest(), "");
    assert_eq!((listed.len(), &listed[0]["digest"]), (1, &json!(silent.digest())));
}
