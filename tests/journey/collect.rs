//! `registry gc` and `registry fsck`, as an operator meets them.

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;

use super::common::files::assert_same;
use super::common::process::wait_for;
use super::common::{Background, IMPORT, Shop, noise, tree};

fn blobs(shop: &Shop) -> BTreeSet<String> {
    tree(&shop.path("site/blobs/sha256")).into_keys().collect()
}

/// Puts content there that nothing names.
fn orphan(shop: &Shop, len: usize) -> String {
    let bytes = noise(len);
    let hex = bundle_format::Digest::of(&bytes).hex();
    shop.write(&format!("site/blobs/sha256/{hex}"), &bytes);
    hex
}

#[test]
fn a_dry_run_shows_what_goes_and_changes_nothing() {
    let shop = Shop::imported();
    orphan(&shop, 3 << 20);
    let before = tree(&shop.path("site/blobs"));
    let shown = shop.sealift("registry gc --site site --dry-run").ok();
    assert!(shown.stdout.contains("would go  3.00 MiB in 1 blobs"), "{shown:?}");
    let json = shop.sealift("registry gc --site site --dry-run --json").ok().json();
    assert_eq!((&json["blobs"], &json["bytes"], &json["freed"]), (&json!(1), &json!(3 << 20), &json!(null)));
    assert_same(&before, &tree(&shop.path("site/blobs")), "gc --dry-run");
    let freed = shop.sealift("registry gc --site site").ok();
    assert!(freed.stdout.contains("freed     3.00 MiB in 1 blobs"), "{freed:?}");
    assert_eq!(blobs(&shop).len() as u64, json["keptBlobs"].as_u64().unwrap());
    shop.sealift("registry fsck --site site").ok();
    shop.sealift(IMPORT).ok();
}

#[test]
fn what_an_installation_was_made_of_stays_though_nothing_names_it() {
    let shop = Shop::imported();
    shop.sealift("install shop --site site -n team --target dir:out").ok();
    let before = blobs(&shop);
    let index = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    shop.write("site/index.json", index);
    let json = shop.sealift("registry gc --site site --grace 0s --json").ok().json();
    // The release and its envelope are about the version, and are found by their names alone.
    let gone: Vec<_> = before.difference(&blobs(&shop)).cloned().collect();
    assert_eq!((gone.len(), &json["freed"]["blobs"]), (2, &json!(2)), "{gone:?}");
    fs::remove_dir_all(shop.path("site/installations")).unwrap();
    shop.sealift("registry gc --site site --grace 0s").ok();
    assert_eq!(blobs(&shop).len(), 0);
}

#[test]
fn a_record_that_cannot_be_read_may_need_anything() {
    let shop = Shop::imported();
    let install = "install shop --site site -n team --target dir:out";
    shop.sealift(install).ok();
    shop.sealift(install).ok();
    orphan(&shop, 1000);
    let record = String::from_utf8(shop.read("site/installations/team/shop/1.json")).unwrap();
    let before = blobs(&shop);
    for (why, text) in [
        ("no JSON", "{".to_owned()),
        ("cut short", record[..record.len() / 2].to_owned()),
        ("another version's", record.replace("\"digest\"", "\"contentDigest\"")),
        ("an image without its digest", record.replacen("@sha256:", ":", 1)),
    ] {
        shop.write("site/installations/team/shop/1.json", text.as_bytes());
        let refused = shop.sealift("registry gc --site site --grace 0s");
        refused.refused(6, "E-SITE-DAMAGED", &["installations/team/shop/1.json"]);
        assert_eq!(blobs(&shop), before, "{why}");
    }
    shop.write("site/installations/team/shop/1.json", record.as_bytes());
    shop.sealift("registry gc --site site --grace 0s").ok();
    assert_eq!(blobs(&shop).len(), before.len() - 1);
}

#[test]
fn a_collection_is_told_who_imports_and_what_to_do() {
    let shop = Shop::imported();
    let bundle = shop.read("shop.sealift");
    let mut import = Background::fed(&mut shop.command("import - --key vendor.pub --site site"));
    import.feed(&bundle[..bundle.len() - 1]);
    let process = import.id().to_string();
    wait_for("the import has the lock", || {
        fs::read_to_string(shop.path("site/lock")).is_ok_and(|t| t.contains(&process))
    });
    for line in ["registry gc --site site", "registry gc --site site --dry-run"] {
        shop.refuses(line, 6, "E-LOCKED", &["site", &process, "wait"]);
    }
    // A check is in nobody's way.
    shop.sealift("registry fsck --site site").ok();
    import.feed(&bundle[bundle.len() - 1..]);
    import.end().ok();
    shop.sealift("registry gc --site site").ok();
}
