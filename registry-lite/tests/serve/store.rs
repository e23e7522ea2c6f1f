//! The content store behind the server: what is published is seen, what is only written is not.

use std::thread::sleep;
use std::time::{Duration, Instant};

use bundle_format::{Descriptor, media};
use registry_lite::content::Site;
use registry_lite::{LockedStore, Store};
use tempfile::TempDir;
use testdata::Image;

use crate::http::get;
use crate::site::{Server, image};

fn write(store: &LockedStore, image: &Image) {
    for (digest, bytes) in image.blobs() {
        let blob = Descriptor::new("", *digest, bytes.len() as u64);
        let mut writer = store.write_blob(&blob).unwrap();
        writer.write(bytes).unwrap();
        writer.commit().unwrap();
    }
    store.settle().unwrap();
}

#[test]
fn an_import_appears_when_it_is_published_and_its_predecessor_stays_by_its_digest() {
    let dir = TempDir::new().unwrap();
    let store = Store::lock_or_create(dir.path()).unwrap();
    let site = Store::open(dir.path()).unwrap();
    let server = Server::start(|report| Site::open(site, report).unwrap(), |_| {});
    let images = [image("linux/amd64", "first", 1000), image("linux/amd64", "second", 1000)];
    for image in &images {
        let digest = image.root().digest;
        let by_digest = format!("/v2/library/nginx/manifests/{digest}?ns=docker.io");
        write(&store, image);
        sleep(Duration::from_millis(1100));
        assert_eq!(get(&server, &by_digest).status, 404, "it is written, not published");
        store.publish(vec![image.root().clone().annotated(media::REF_NAME, "docker.io/library/nginx:1.25")]).unwrap();
        let begun = Instant::now();
        while get(&server, "/v2/library/nginx/manifests/1.25?ns=docker.io").header("docker-content-digest")
            != digest.to_string()
        {
            assert!(begun.elapsed() < Duration::from_secs(10), "not seen: {:?}", server.events());
            sleep(Duration::from_millis(100));
        }
        assert_eq!(get(&server, &by_digest).status, 200);
    }
    let first = format!("/v2/library/nginx/manifests/{}?ns=docker.io", images[0].root().digest);
    assert_eq!(get(&server, &first).status, 200, "an older release may still be installed");
    assert!(server.events().is_empty(), "{:?}", server.events());
}
