//! Sites: what they already hold, and folders that are none.

use std::fs;

use serde_json::json;

use super::common::{IMPORT, Shop, tree};
use crate::common::files::assert_same;

#[test]
fn a_bundle_imported_twice_writes_nothing() {
    let shop = Shop::imported();
    let before = tree(shop.dir());
    let again = shop.sealift(&format!("{IMPORT} --json")).ok().json();
    assert_eq!((&again["blobsWritten"], &again["bytesWritten"]), (&json!(0), &json!(0)));
    assert!(again["blobsPresent"].as_u64().unwrap() > 10, "{again}");
    assert_same(&before, &tree(shop.dir()), "no file has another content, inode or time");
}

#[test]
fn a_version_never_changes_silently() {
    let shop = Shop::imported();
    let first = shop.list("site")["templates"][0].clone();
    shop.edit("title: The Shop", "title: Another Shop");
    shop.sealift("pack sealift.yaml -o other.sealift --key vendor.pem").ok();
    let names = ["shop:1.0.0", first["digest"].as_str().unwrap(), "revision"];
    shop.refuses("import other.sealift --key vendor.pub --site site", 6, "E-VERSION-EXISTS", &names);

    shop.edit("version: \"1.0.0\"", "version: \"1.0.0\"\n  revision: 2");
    shop.sealift("pack sealift.yaml -o revised.sealift --key vendor.pem").ok();
    shop.sealift("import revised.sealift --key vendor.pub --site site").ok();
    let list = shop.list("site");
    let listed = |n: usize| (list["templates"][n]["revision"].clone(), list["templates"][n]["title"].clone());
    assert_eq!(list["templates"].as_array().unwrap().len(), 2);
    assert_eq!((listed(0), listed(1)), ((json!(1), json!("The Shop")), (json!(2), json!("Another Shop"))));
}

#[test]
fn another_vendor_may_vouch_for_what_is_there() {
    let shop = Shop::imported();
    shop.sealift("keygen -q --no-passphrase -o other").ok();
    shop.sealift("pack sealift.yaml -o other.sealift --key other.pem").ok();
    shop.sealift("import other.sealift --key other.pub --site site").ok();
    let list = shop.list("site");
    assert_eq!(list["templates"].as_array().unwrap().len(), 1);
    assert_eq!(list["templates"][0]["verifiedBy"].as_array().unwrap().len(), 2);
}

#[test]
fn a_folder_that_is_something_else_is_not_made_a_site() {
    let shop = Shop::packed();
    let import = |site: &str| format!("import shop.sealift --key vendor.pub --site {site}");
    for (site, exit, code, names) in [
        ("docs", 6, "E-NOT-A-SITE", ["docs is not a site", "empty or does not exist"]),
        (".", 6, "E-NOT-A-SITE", [". is not a site", "empty or does not exist"]),
    ] {
        shop.refuses(&import(site), exit, code, &names);
    }
    shop.refuses(&import("icon.png"), 1, "E-IO", &["icon.png"]);
    for verb in [
        "list --site",
        "registry serve --read-only --listen 127.0.0.1:0 --site",
        "install shop -n team --target dir:out --site",
    ] {
        shop.refuses(&format!("{verb} docs"), 6, "E-NOT-A-SITE", &["docs is not a site"]);
        shop.refuses(&format!("{verb} gone"), 6, "E-NOT-A-SITE", &["gone is not a site"]);
    }
    // A server that takes pushes would make a site, but not out of anything.
    shop.refuses("registry serve --listen 127.0.0.1:0 --site docs", 6, "E-NOT-A-SITE", &["docs is not a site"]);
    fs::create_dir(shop.path("empty")).unwrap();
    shop.sealift(&import("empty")).ok();
}

#[test]
fn a_site_of_another_format_is_left_alone() {
    let shop = Shop::imported();
    shop.write("site/site.json", br#"{"format":"https://sealift.dev/site/v2"}"#);
    let names = ["site", "https://sealift.dev/site/v2", "newer"];
    for line in [
        IMPORT,
        "list --site site",
        "registry serve --listen 127.0.0.1:0 --site site",
        "install shop --site site -n team --target dir:out",
    ] {
        shop.refuses(line, 6, "E-SITE-FORMAT", &names);
    }
}

#[test]
fn a_damaged_site_says_which_file() {
    for (why, file, content, names) in [
        ("no JSON", "site.json", &b"{"[..], ["site/site.json", "damaged"]),
        ("no index", "index.json", b"[]", ["site/index.json", "damaged"]),
        ("cut off", "index.json", b"{\"manifests\":[", ["site/index.json", "damaged"]),
    ] {
        let shop = Shop::imported();
        shop.write(&format!("site/{file}"), content);
        eprintln!("{why}");
        for line in [IMPORT, "list --site site", "install shop --site site -n team --target dir:out"] {
            shop.refuses(line, 6, "E-SITE-DAMAGED", &names);
        }
    }
}

#[test]
fn a_blob_that_was_lost_is_brought_back_by_the_same_bundle() {
    let shop = Shop::imported();
    let lost = shop.path("site/blobs/sha256").join(super::common::db().root().digest.hex());
    let whole = tree(&shop.path("site/blobs"));
    let changes: [fn(&std::path::Path); 2] =
        [|path| fs::remove_file(path).unwrap(), |path| fs::write(path, b"short").unwrap()];
    for change in changes {
        change(&lost);
        let again = shop.sealift(&format!("{IMPORT} --json")).ok().json();
        assert_eq!(again["blobsWritten"], json!(1));
        assert_eq!(tree(&shop.path("site/blobs")).keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
        crate::common::files::proved_blobs(&shop.path("site"));
    }
}

#[test]
fn others_may_read_a_site_but_not_its_secrets() {
    let shop = Shop::packed();
    for (umask, mode) in [("022", 0o644), ("077", 0o600)] {
        let bin = env!("CARGO_BIN_EXE_sealift");
        for line in [
            format!("import shop.sealift --key vendor.pub --site site-{umask} -q"),
            format!("install shop --site site-{umask} -n team --target dir:out-{umask} -q"),
        ] {
            let mut command = std::process::Command::new("sh");
            command.args(["-c", &format!("umask {umask}; exec {bin} {line}")]);
            super::common::Ran::of(shop.prepare(&mut command)).ok();
        }
        for (name, file) in tree(&shop.path(&format!("site-{umask}"))) {
            let Some(file) = file else { continue };
            let wanted = if name.starts_with("installations/") { 0o600 } else { mode };
            assert_eq!(file.mode & 0o777, wanted, "{name}, umask {umask}");
        }
    }
}
