//! What changed between two versions of the shop, as the command tells it.

use serde_json::json;
use testdata::{Compression, Image, Layer};

use crate::common::{API, PACK, Shop};

/// The shop with a second bundle, `v2.sealift`: another version, another API.
fn two_versions() -> Shop {
    let shop = Shop::packed();
    shop.edit("1.0.0", "1.1.0");
    let base = Layer::new(Compression::Gzip, [("etc/os-release", "ID=sealift\n".repeat(500))]);
    let app = Layer::new(Compression::Zstd, [("bin/api", "other"), ("bin/.wh.sh", ""), ("new\u{1b}[2J", "1")]);
    let image = Image::new("linux/amd64", &[base, app]).unwrap();
    image.write_oci_archive(&shop.path("images/api.tar"), API).unwrap();
    shop.sealift(&PACK.replace("shop.sealift", "v2.sealift")).ok();
    shop
}

#[test]
fn two_versions_differ_in_what_was_changed_and_in_nothing_else() {
    let shop = two_versions();
    let diff = shop.sealift("diff --json shop.sealift v2.sealift --key vendor.pub").ok().json();
    assert_eq!((&diff["signaturesChecked"], &diff["different"]), (&json!(true), &json!(true)));
    assert_eq!(diff["template"], json!([{"path": "metadata.version", "old": "1.0.0", "new": "1.1.0"}]));
    assert_eq!((&diff["components"], &diff["documents"]), (&json!([]), &json!([])));
    let images = diff["images"].as_array().unwrap();
    assert_eq!((images.len(), &images[0]["newName"]), (1, &json!(API)));
    let platform = &images[0]["platforms"][0];
    let changes = |list: &str, key: &str| -> Vec<_> {
        let entries = platform[list].as_array().unwrap().iter();
        entries.map(|e| (e["change"].as_str().unwrap().to_owned(), e[key].clone())).collect()
    };
    let layers: Vec<_> = changes("layers", "carried").into_iter().map(|(c, _)| c).collect();
    assert_eq!(layers, ["same", "added", "removed"]);
    let expected = [("changed", "bin/api"), ("removed", "bin/x"), ("added", "new\u{1b}[2J")];
    let expected: Vec<_> = expected.iter().map(|(c, p)| ((*c).to_owned(), json!(p))).collect();
    assert_eq!(changes("files", "path"), expected);
}

#[test]
fn people_see_no_control_characters_and_are_told_what_was_not_checked() {
    let shop = two_versions();
    let ran = shop.sealift("diff shop.sealift v2.sealift").ok();
    assert!(ran.stderr.contains("signatures were not checked"), "{}", ran.stderr);
    assert!(ran.stdout.contains("+ new\\u{1b}[2J (file 1 B)") && !ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
    let short = shop.sealift("diff --no-files shop.sealift v2.sealift").ok();
    assert!(!short.stdout.contains("bin/api"), "{}", short.stdout);
    let same = shop.sealift("diff --json v2.sealift v2.sealift").ok().json();
    assert_eq!((&same["different"], &same["newBytes"]), (&json!(false), &json!(0)));
}

#[test]
fn bundles_that_are_damaged_or_of_others_are_not_compared() {
    let shop = two_versions();
    shop.sealift("keygen -q --no-passphrase -o other").ok();
    shop.write("cut.sealift", &shop.read("v2.sealift")[..20_000]);
    shop.refuses("diff shop.sealift v2.sealift --key other.pub", 3, "E-UNTRUSTED", &["shop.sealift"]);
    shop.refuses("diff shop.sealift sealift.yaml", 4, "E-FOREIGN", &["sealift.yaml"]);
    shop.refuses("diff shop.sealift cut.sealift", 4, "E-TRUNCATED", &["cut.sealift"]);
}
