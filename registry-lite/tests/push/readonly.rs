//! A server that only reads, and a second server on a site.

use std::sync::Arc;

use registry_lite::content::Site;
use registry_lite::server::{PushLimits, Pusher};
use registry_lite::{Store, StoreError};

use crate::content::{Image, sha256};
use crate::registry::Registry;

#[test]
fn a_server_without_a_writer_refuses_every_change_and_reads_on() {
    let mut registry = Registry::new();
    let image = Image::new("read");
    registry.push("app", "1", &image);
    let upload = registry.begin("app");
    registry.restart_read_only();
    let (digest, layer) = (image.digest(), sha256(&image.layer));
    for (method, to) in [
        ("POST", "app/blobs/uploads/".to_owned()),
        ("POST", format!("app/blobs/uploads/?digest={layer}")),
        ("POST", format!("app/blobs/uploads/?mount={layer}&from=app")),
        ("PATCH", upload.clone()),
        ("PUT", format!("{upload}?digest={layer}")),
        ("DELETE", upload.clone()),
        ("PUT", "app/manifests/2".to_owned()),
        ("DELETE", "app/manifests/1".to_owned()),
        ("DELETE", format!("app/manifests/{digest}")),
        ("DELETE", format!("app/blobs/{layer}")),
    ] {
        let answer = registry.request(method, &to).body(b"{}").send();
        assert_eq!(answer.outcome(), (405, "UNSUPPORTED".to_owned()), "{method} {to}");
        assert_eq!(answer.header("allow"), "GET, HEAD", "{method} {to}");
    }
    assert_eq!(registry.get(&upload).outcome(), (404, "BLOB_UPLOAD_UNKNOWN".to_owned()));
    assert!(registry.has_manifest("app", "1") && registry.has_blob("app", &image.layer));
}

#[test]
fn a_second_server_that_takes_pushes_is_refused_on_the_same_site() {
    let registry = Registry::new();
    let site = Site::open(Store::open(registry.site()).unwrap(), Arc::new(|_| {})).unwrap();
    match Pusher::open(site, PushLimits::default(), Arc::new(|_| {})) {
        Err(StoreError::Locked { dir, .. }) => assert_eq!(dir, registry.site()),
        other => panic!("{:?}", other.map(|_| ())),
    }
    assert_eq!(registry.finish(&registry.begin("app"), &sha256(b"x"), b"x").status, 201, "the first goes on");
}
