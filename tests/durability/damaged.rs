//! Blobs that a disk damaged: never taken for whole, found, and brought again by an import or a push.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::common::files::damage;
use super::common::http::{ask, get};
use super::common::pusher::listed;
use super::common::{Shop, WEB, api, have, web};
use super::registry::serve;

type Break = fn(&Path);

/// How a blob is damaged, and whether its length shows it.
const WAYS: [(&str, Break, bool); 3] = [
    ("a changed byte", damage, false),
    ("cut short", |path| File::options().write(true).open(path).unwrap().set_len(7).unwrap(), true),
    ("empty", |path| drop(File::create(path).unwrap()), true),
];

fn blob(shop: &Shop, hex: &str) -> PathBuf {
    shop.path(&format!("site/blobs/sha256/{hex}"))
}

#[test]
fn a_damaged_blob_is_found_set_aside_and_healed_by_an_import() {
    let shop = Shop::imported();
    let (_server, host) = serve(&shop, "site");
    let root = "/v2/registry.example/shop/db/manifests/1.0.0";
    let manifest = get(&host, root).unwrap();
    let (layer, size) = listed(&manifest.body)[0];
    let at = format!("/v2/registry.example/shop/db/blobs/{layer}");
    let whole = get(&host, &at).unwrap().body;
    for (why, break_it, shows) in WAYS {
        let path = blob(&shop, &layer.hex());
        break_it(&path);
        let head = ask(&host, "HEAD", &at, "", b"").unwrap().status;
        assert_eq!(head, if shows { 404 } else { 200 }, "{why}: a length that is not the listed one is never served");
        let dry = shop.sealift("registry fsck --site site --dry-run --json");
        let found = dry.refused(6, "E-SITE-DAMAGED", &["1 thing"]).json();
        let finding = &found["error"]["details"]["findings"][0];
        assert_eq!((&finding["kind"], &finding["quarantined"]), (&"damaged".into(), &false.into()), "{why}: {found}");
        assert_eq!(finding["needed_by"], serde_json::Value::Null, "{why}: {found}");
        assert!(finding["neededBy"].to_string().contains("registry.example/shop/db:1.0.0"), "{why}: {found}");
        assert!(path.exists(), "{why}: only looked at");
        // An import brings what has another length; what has the same only when the check has set it aside.
        if !shows {
            shop.sealift("registry fsck --site site").refused(6, "E-SITE-DAMAGED", &["import the bundle again"]);
            assert_eq!(ask(&host, "HEAD", &at, "", b"").unwrap().status, 404, "{why}: at once, without a restart");
            assert!(shop.path(&format!("site/quarantine/sha256-{}", layer.hex())).exists(), "{why}");
            shop.sealift("registry fsck --site site").refused(6, "E-SITE-DAMAGED", &["1 thing"]);
        }
        let import = shop.sealift("import shop.sealift --key vendor.pub --site site --json").ok().json();
        assert_eq!((&import["blobsWritten"], &import["bytesWritten"]), (&1.into(), &size.into()), "{why}");
        assert_eq!(get(&host, &at).unwrap().body, whole, "{why}");
        shop.sealift("registry fsck --site site").ok();
    }
}

#[test]
fn a_damaged_manifest_is_not_served_stops_a_collection_and_is_healed_by_an_import() {
    let shop = Shop::imported();
    let (_server, host) = serve(&shop, "site");
    let at = "/v2/registry.example/shop/db/manifests/1.0.0";
    let whole = get(&host, at).unwrap();
    let hex = whole.header("docker-content-digest").unwrap().replace("sha256:", "");
    for (why, break_it, _) in WAYS {
        break_it(&blob(&shop, &hex));
        assert_eq!(get(&host, at).unwrap().status, 404, "{why}");
        let refused = shop.sealift("registry gc --site site --grace 0s");
        refused.refused(6, "E-SITE-DAMAGED", &[&hex, "fsck"]);
        let found = shop.sealift("registry fsck --site site").refused(6, "E-SITE-DAMAGED", &["1 thing"]);
        assert!(found.stdout.contains("registry.example/shop/db:1.0.0"), "{why}: {found:?}");
        shop.sealift("registry gc --site site --grace 0s").refused(6, "E-SITE-DAMAGED", &["missing"]);
        shop.sealift("import shop.sealift --key vendor.pub --site site").ok();
        assert_eq!(get(&host, at).unwrap().body, whole.body, "{why}");
        shop.sealift("registry gc --site site --grace 0s").ok();
        shop.sealift("registry fsck --site site").ok();
    }
}

#[test]
fn a_damaged_blob_is_healed_by_pushing_the_image_again() {
    if !have(&["skopeo"]) {
        return;
    }
    let shop = Shop::new();
    let (_server, host) = serve(&shop, "site");
    api().write_layout(&shop.path("api"), "1").unwrap();
    let push = format!("skopeo copy -q --dest-tls-verify=false oci:api:1 docker://{host}/team/api:1");
    let pull = format!("skopeo copy -q --src-tls-verify=false docker://{host}/team/api:1 dir:pulled");
    shop.run(&push);
    let manifest = get(&host, "/v2/team/api/manifests/1").unwrap();
    for (layer, _) in listed(&manifest.body) {
        for (why, break_it, shows) in WAYS {
            break_it(&blob(&shop, &layer.hex()));
            if !shows {
                shop.sealift("registry fsck --site site").refused(6, "E-SITE-DAMAGED", &["push the image again"]);
            }
            shop.run(&push);
            shop.run(&pull);
            shop.sealift("registry fsck --site site").ok();
            assert_eq!(
                fs::read(blob(&shop, &layer.hex())).map(|b| bundle_format::Digest::of(&b)).unwrap(),
                layer,
                "{why}"
            );
        }
    }
}

#[test]
fn a_client_that_relies_on_a_blob_that_was_cut_short_is_refused_once_and_then_told_to_push_it() {
    let shop = Shop::new();
    let (_server, host) = serve(&shop, "site");
    let layer = vec![5; 3000];
    let config = b"{}".to_vec();
    let post = |bytes: &[u8]| {
        let at = format!("/v2/team/app/blobs/uploads/?digest={}", bundle_format::Digest::of(bytes));
        assert_eq!(ask(&host, "POST", &at, "", bytes).unwrap().status, 201);
    };
    post(&layer);
    post(&config);
    let digest = bundle_format::Digest::of(&layer);
    let at = format!("/v2/team/app/blobs/{digest}");
    let path = blob(&shop, &digest.hex());
    File::options().write(true).open(&path).unwrap().set_len(5).unwrap();
    // No manifest lists it yet, so nobody knows how long it should be.
    assert_eq!(ask(&host, "HEAD", &at, "", b"").unwrap().status, 200);
    let manifest = |size: usize| {
        serde_json::json!({"schemaVersion": 2, "mediaType": bundle_format::media::OCI_MANIFEST,
            "config": {"mediaType": "a/b", "digest": bundle_format::Digest::of(&config), "size": 2},
            "layers": [{"mediaType": "a/b", "digest": digest, "size": size}]})
        .to_string()
    };
    let put = |size| {
        let at = "/v2/team/app/manifests/1";
        ask(&host, "PUT", at, bundle_format::media::OCI_MANIFEST, manifest(size).as_bytes()).unwrap()
    };
    let refused = put(layer.len());
    assert_eq!(refused.status, 404, "{}", refused.text());
    assert_eq!(ask(&host, "HEAD", &at, "", b"").unwrap().status, 404, "the next attempt pushes it");
    post(&layer);
    // A manifest that is wrong itself takes nothing away.
    assert_eq!(put(layer.len() + 1).status, 404);
    assert_eq!(ask(&host, "HEAD", &at, "", b"").unwrap().status, 200);
    assert_eq!(put(layer.len()).status, 201);
    assert_eq!(get(&host, &at).unwrap().body, layer);
}

#[test]
fn a_server_that_checks_by_itself_says_what_it_finds() {
    let shop = Shop::imported();
    let hex = web().root().digest.hex();
    damage(&blob(&shop, &hex));
    let line = "registry serve --listen 127.0.0.1:0 --site site --fsck-every 24";
    let mut server = super::common::Background::start(&mut shop.command(line));
    let host = server.address();
    super::common::process::wait_for("the blob is set aside", || !blob(&shop, &hex).exists());
    assert_eq!(get(&host, "/v2/registry.example/shop/web/manifests/1.0.0").unwrap().status, 404);
    // It says so after it has read everything.
    std::thread::sleep(std::time::Duration::from_millis(500));
    server.signal("TERM");
    let log = server.end().ok().stderr;
    assert!(log.contains(&hex) && log.contains("set aside") && log.contains(WEB), "{log}");
}
