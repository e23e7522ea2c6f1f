//! What was acknowledged holds after the server ended, and so does what was deleted.

use bundle_format::media;

use crate::content::{Image, artifact, index, sha256};
use crate::registry::Registry;

#[test]
fn everything_acknowledged_and_every_deletion_holds_after_a_restart() {
    let mut registry = Registry::new();
    let images: Vec<Image> = (0..6).map(|i| Image::new(&format!("image {i}"))).collect();
    let [plain, moved, gone, child, hidden, loose] = &images[..] else { panic!() };
    registry.push("app", "plain", plain);
    registry.push("app", "moves", moved);
    registry.tag("app", "moves", plain);
    registry.push("app", "gone", gone);
    registry.delete(&format!("app/manifests/{}", gone.digest()));
    registry.push("app", "untagged", child);
    registry.delete("app/manifests/untagged");
    registry.push("app", &hidden.digest(), hidden);
    let both = index(&[&child.manifest, &hidden.manifest]);
    registry.put_manifest("app/manifests/both", media::OCI_INDEX, &both);
    registry.delete(&format!("app/manifests/{}", hidden.digest()));
    registry.delete(&format!("app/blobs/{}", sha256(&child.layer)));
    registry.push_blob("app", &loose.layer);
    registry.push_blob("loose", &loose.layer);
    registry.delete(&format!("loose/blobs/{}", sha256(&loose.layer)));
    registry.push_blob("app", b"{}");
    let about = artifact("x/y", &plain.manifest);
    registry.put_manifest(&format!("app/manifests/{}", sha256(&about)), media::OCI_MANIFEST, &about);

    let upload = registry.begin("app");
    registry.patch(&upload, None, b"half");
    for turn in ["at once", "after a restart", "after another"] {
        assert_eq!(registry.tags("app"), ["both", "moves", "plain"], "{turn}");
        assert_eq!(registry.tagged("app", "moves"), plain.digest(), "{turn}");
        for (why, image, there) in [
            ("tagged", plain, true),
            ("lost its tag to another", moved, true),
            ("deleted", gone, false),
            ("lost its tag", child, true),
            ("deleted, though an index lists it", hidden, false),
        ] {
            assert_eq!(registry.has_manifest("app", &image.digest()), there, "{why}, {turn}");
        }
        assert!(registry.has_blob("app", &plain.layer) && registry.has_blob("app", &moved.layer), "{turn}");
        assert!(!registry.has_blob("app", &child.layer), "deleted, though a manifest lists it, {turn}");
        assert!(registry.has_blob("app", &loose.layer) && !registry.has_blob("loose", &loose.layer), "{turn}");
        let about = registry.get(&format!("app/referrers/{}", plain.digest())).json();
        assert_eq!(about["manifests"].as_array().unwrap().len(), 1, "{turn}");
        registry.restart();
    }
    assert_eq!(registry.get(&upload).outcome(), (404, "BLOB_UPLOAD_UNKNOWN".to_owned()), "uploads end with the server");
    let left: Vec<_> = std::fs::read_dir(registry.site().join("uploads")).unwrap().map(|e| e.unwrap()).collect();
    assert!(left.iter().all(|entry| entry.file_name() == "lock"), "and leave nothing: {left:?}");
    assert!(registry.events().is_empty(), "{:?}", registry.events());
}
