//! Statuses in a site: how they come, what is shown, what stays.

use std::fs;

use bundle_format::{Digest, media};
use serde_json::{Value, json};

use crate::common::files::assert_same;
use crate::common::http::{ask, get};
use crate::common::{Background, IMPORT, Shop, tree};
use crate::world::{KEYS, imported, mark, tested};

const BRING: &str = "import --site site --qa-key qa.pub --status";

/// The status of the first version that `list` shows.
fn shown(shop: &Shop) -> Value {
    shop.list("site")["templates"][0]["releaseStatus"].clone()
}

/// The blobs of a site.
fn blobs(shop: &Shop) -> crate::common::Tree {
    tree(&shop.path("site/blobs"))
}

#[test]
fn a_bundle_and_its_status_become_visible_together() {
    let shop = tested();
    mark(&shop, "s.json", "released", 1_700_000_000);
    let line = format!("import shop.sealift --site site --status s.json {KEYS}");
    let report = shop.sealift(&format!("{line} --json")).ok().json();
    assert_eq!(
        (&report["statuses"][0]["label"], &report["statuses"][0]["status"]),
        (&"shop:1.0.0".into(), &"released".into())
    );
    let status = shown(&shop);
    assert_eq!((&status["status"], &status["note"]), (&"released".into(), &"because".into()));
    assert_eq!(status["signedBy"].as_array().unwrap().len(), 1);
    assert!(shop.sealift("list --site site").ok().stdout.contains("  released  The Shop"));
    // The same again is the same.
    let before = tree(shop.dir());
    shop.sealift(&line).ok();
    shop.sealift(&format!("{BRING} s.json --status s.json")).ok();
    assert_same(&before, &tree(shop.dir()), "a status that is there");
}

#[test]
fn a_withdrawal_comes_alone_and_later_and_can_be_taken_back() {
    let shop = imported();
    assert_eq!(shown(&shop), Value::Null);
    for (file, status, at, shows) in [
        ("a.json", "released", 1_700_000_100, "released"),
        ("b.json", "withdrawn", 1_700_000_200, "withdrawn"),
        // An older one that comes late, perhaps because somebody wants it to count.
        ("c.json", "released", 1_700_000_150, "withdrawn"),
        ("d.json", "released", 1_700_000_200, "withdrawn"),
        ("e.json", "released", 1_700_000_201, "released"),
    ] {
        mark(&shop, file, status, at);
        let said = shop.sealift(&format!("{BRING} {file}")).ok().stdout;
        assert!(said.contains("status   shop:1.0.0"), "{said}");
        assert_eq!(shown(&shop)["status"], shows, "{file}");
    }
    let report = shop.sealift(&format!("{BRING} a.json --status b.json --json")).ok().json();
    assert_eq!(report["statuses"].as_array().unwrap().len(), 2);
    assert_eq!(shown(&shop)["status"], "released");
}

#[test]
fn one_import_brings_a_new_version_and_the_withdrawal_of_the_old_one() {
    let shop = imported();
    mark(&shop, "old.json", "withdrawn", 1_700_000_000);
    shop.edit("version: \"1.0.0\"", "version: \"1.1.0\"");
    shop.sealift("pack sealift.yaml -o next.sealift --key vendor.pem").ok();
    shop.sealift("mark next.sealift --key vendor.pub --signer qa.pem --status released -o new.json").ok();
    shop.sealift(&format!("import next.sealift --site site {KEYS} --status old.json --status new.json")).ok();
    let listed = shop.list("site")["templates"].clone();
    let status = |n: usize| (listed[n]["version"].clone(), listed[n]["releaseStatus"]["status"].clone());
    assert_eq!(status(0), ("1.0.0".into(), "withdrawn".into()));
    assert_eq!(status(1), ("1.1.0".into(), "released".into()));
    // Only what belongs there: one that is about neither takes the bundle with it.
    let elsewhere = format!("import next.sealift --site other {KEYS} --status old.json");
    shop.sealift(&elsewhere).refused(6, "E-NOT-FOUND", &["shop:1.0.0"]);
    assert_eq!(shop.list("other")["templates"], json!([]));
}

#[test]
fn a_status_needs_the_version_that_it_is_of() {
    let shop = tested();
    mark(&shop, "s.json", "released", 1_700_000_000);
    shop.refuses(&format!("{BRING} s.json"), 6, "E-NOT-A-SITE", &["site"]);
    // The same name with other content.
    shop.edit("title: The Shop", "title: Another Shop");
    shop.sealift("pack sealift.yaml -o other.sealift --key vendor.pem").ok();
    shop.sealift("import other.sealift --key vendor.pub --site site").ok();
    shop.refuses(&format!("{BRING} s.json"), 4, "E-STATUS", &["shop:1.0.0"]);
    let ran = shop.sealift("import --status s.json --qa-key qa.pub");
    assert!(ran.exit == Some(2) && ran.stderr.contains("--site"), "{ran:#?}");
    let ran = shop.sealift(&format!("import shop.sealift --registry http://127.0.0.1:1 --status s.json {KEYS}"));
    assert!(ran.exit == Some(2) && ran.stderr.contains("--registry"), "{ran:#?}");
}

#[test]
fn a_collection_keeps_a_status_with_its_version_and_lets_it_go_with_it() {
    let shop = imported();
    mark(&shop, "s.json", "withdrawn", 1_700_000_000);
    shop.sealift(&format!("{BRING} s.json")).ok();
    let before = blobs(&shop);
    shop.sealift("registry gc --site site --grace 0s").ok();
    assert_same(&before, &blobs(&shop), "gc");
    shop.sealift("registry fsck --site site").ok();
    assert_eq!(shown(&shop)["status"], "withdrawn");
    let envelope = Digest::of(&shop.read("s.json")).hex();
    assert!(shop.path(&format!("site/blobs/sha256/{envelope}")).exists());
    // The version goes, and nothing else names what is about it.
    let mut index: Value = serde_json::from_slice(&shop.read("site/index.json")).unwrap();
    index["manifests"].as_array_mut().unwrap().retain(|e| e["artifactType"] != media::TEMPLATE);
    shop.write("site/index.json", index.to_string().as_bytes());
    shop.sealift("registry gc --site site --grace 0s").ok();
    assert!(!shop.path(&format!("site/blobs/sha256/{envelope}")).exists());
}

#[test]
fn a_status_that_was_damaged_is_never_taken_for_none() {
    let shop = imported();
    mark(&shop, "s.json", "withdrawn", 1_700_000_000);
    shop.sealift(&format!("{BRING} s.json")).ok();
    let envelope = format!("site/blobs/sha256/{}", Digest::of(&shop.read("s.json")).hex());
    crate::common::files::damage(&shop.path(&envelope));
    let install = "install shop --site site -n team --target dir:out";
    for line in [install, "list --site site"] {
        shop.sealift(line).refused(6, "E-SITE-DAMAGED", &["the status sha256:", "registry fsck"]);
    }
    shop.sealift("registry fsck --site site").refused(6, "E-SITE-DAMAGED", &[]);
    assert!(!shop.path(&envelope).exists());
    shop.sealift("list --site site").refused(6, "E-SITE-DAMAGED", &["import it again with --status"]);
    shop.sealift(&format!("{BRING} s.json")).ok();
    shop.sealift("registry fsck --site site").ok();
    shop.sealift(install).refused(6, "E-WITHDRAWN", &["shop:1.0.0"]);
}

#[test]
fn what_a_client_pushes_is_never_a_status() {
    let shop = imported();
    mark(&shop, "s.json", "withdrawn", 1_700_000_000);
    shop.sealift(IMPORT).ok();
    let version = shop.list("site")["templates"][0].clone();
    let mut server = Background::start(&mut shop.command("registry serve --site site --listen 127.0.0.1:0"));
    let host = server.address();
    let envelope = shop.read("s.json");
    let index = get(&host, &format!("/v2/sealift/shop/manifests/{}", version["digest"].as_str().unwrap())).unwrap();
    let descriptor =
        |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "digest": Digest::of(bytes), "size": bytes.len()});
    // All that a status in a site has, as far as a client can say it.
    let artifact = json!({
        "schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "artifactType": media::STATUS,
        "config": descriptor(media::OCI_EMPTY, b"{}"),
        "layers": [descriptor(media::DSSE, &envelope)],
        "subject": descriptor(media::OCI_INDEX, &index.body),
        "annotations": {media::STATUS_ID: Digest::of(&envelope), media::STATUS_VERIFIED_BY: "0".repeat(64)},
    });
    let artifact = artifact.to_string().into_bytes();
    for blob in [&b"{}"[..], &envelope] {
        let path = format!("/v2/sealift/shop/blobs/uploads/?digest={}", Digest::of(blob));
        let put = ask(&host, "POST", &path, "application/octet-stream", blob).unwrap();
        assert_eq!(put.status, 201, "{}", put.text());
    }
    for reference in ["status".to_owned(), Digest::of(&artifact).to_string()] {
        let path = format!("/v2/sealift/shop/manifests/{reference}");
        let put = ask(&host, "PUT", &path, media::OCI_MANIFEST, &artifact).unwrap();
        assert_eq!(put.status, 201, "{}", put.text());
    }
    let referrers = format!("/v2/sealift/shop/referrers/{}", version["digest"].as_str().unwrap());
    assert!(get(&host, &referrers).unwrap().text().contains(media::STATUS), "clients see it");
    assert_eq!(shown(&shop), Value::Null);
    shop.sealift("install shop --site site -n team --target dir:out --require-released").refused(
        6,
        "E-NOT-RELEASED",
        &["shop:1.0.0"],
    );
    // The same content that a tester vouches for counts, and what was pushed stays what it was.
    shop.sealift(&format!("{BRING} s.json")).ok();
    assert_eq!(shown(&shop)["status"], "withdrawn");
    shop.sealift(&format!("registry check http://{host} --site site --full")).ok();
    assert!(fs::read_to_string(shop.path("site/index.json")).unwrap().contains("sealift/shop:status"));
}
