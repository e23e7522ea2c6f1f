//! Files that are no bundle, damaged ones, and ones of a format that is not known. Every verb that reads one says the same.

use std::fs;

use bundle_format::archive::{ArchiveWriter, MemberName};
use bundle_format::statement::{Predicate, Statement};
use bundle_format::trust::{PrivateKey, Verified};
use bundle_format::{Digest, limits};
use serde::{Deserialize, Serialize};

use super::common::{Ran, Shop};
use crate::common::files::assert_same;
use crate::common::tree;

/// Every verb that reads the bundle refuses it; an existing site, and every other file, stays as it is.
fn refused_by_all(shop: &Shop, bundle: &str, exit: i32, code: &str, names: &[&str]) {
    let key = format!("{bundle} --key vendor.pub");
    for line in [
        format!("verify {key}"),
        format!("import {key} --site site"),
        format!("registry serve --listen 127.0.0.1:0 --bundle {key}"),
    ] {
        let before = shop.list("site");
        shop.refuses(&line, exit, code, names);
        assert_eq!(shop.list("site"), before, "{line}");
    }
}

#[test]
fn a_file_that_is_no_bundle_is_said_to_be_none() {
    let shop = Shop::imported();
    fs::write(shop.path("empty"), b"").unwrap();
    shop.run("gzip -k shop.sealift");
    shop.run("tar -cf foreign.tar docs k8s");
    shop.write("short", b"release.dsse.json");
    for (file, exit, code, names) in [
        ("empty", 4, "E-EMPTY", ["empty", "copy the bundle again"]),
        ("shop.sealift.gz", 4, "E-FOREIGN", ["shop.sealift.gz", "gzip'd"]),
        ("foreign.tar", 4, "E-FOREIGN", ["foreign.tar", "some other tar"]),
        ("images/web.tar", 4, "E-FOREIGN", ["images/web.tar", "some other tar"]),
        ("sealift.yaml", 4, "E-FOREIGN", ["sealift.yaml", "not a Sealift bundle"]),
        ("short", 4, "E-FOREIGN", ["short", "shorter than one block"]),
        ("docs", 4, "E-FOREIGN", ["docs", "is a folder"]),
        ("gone", 1, "E-IO", ["gone", "No such file"]),
    ] {
        refused_by_all(&shop, file, exit, code, &names);
        shop.refuses(&format!("inspect {file}"), exit, code, &names);
    }
}

#[test]
fn a_bundle_that_is_cut_short_is_refused_wherever_it_is_cut() {
    let shop = Shop::imported();
    let whole = shop.read("shop.sealift");
    for (why, len, code) in [
        ("in the release", 700, "E-TRUNCATED"),
        ("in the packing list", 5000, "E-TRUNCATED"),
        ("in the middle", whole.len() / 2, "E-TRUNCATED"),
        ("in the last member", whole.len() - 1100, "E-TRUNCATED"),
        ("in the end blocks", whole.len() - 1024, "E-END"),
        ("by one byte", whole.len() - 1, "E-END"),
    ] {
        eprintln!("{why}");
        shop.write("cut.sealift", &whole[..len]);
        refused_by_all(&shop, "cut.sealift", 4, code, &["cut.sealift"]);
        // Without a length known beforehand it is found out on the way.
        let before = tree(shop.dir());
        let mut command = shop.command("import - --key vendor.pub --site site");
        command.stdin(fs::File::open(shop.path("cut.sealift")).unwrap());
        Ran::of(&mut command).refused(4, code, &[]);
        assert_same(&before, &tree(shop.dir()), why);
    }
}

#[test]
fn a_changed_byte_is_found_wherever_it_is() {
    let shop = Shop::imported();
    let whole = shop.read("shop.sealift");
    let at = |needle: &[u8]| whole.windows(needle.len()).position(|w| w == needle).unwrap();
    let layer = at(b"dbdbdbdb");
    for (why, offset, codes) in [
        ("in the header of the release", 100, &["E-MEMBER"][..]),
        ("in the release", 600, &["E-ENVELOPE", "E-SIGNATURE", "E-UNTRUSTED"]),
        ("in the name of a member", at(b"blobs/sha256/"), &["E-MEMBER"]),
        ("in index.json", at(b"index.json") + 600, &["E-DIGEST"]),
        ("in a layer", layer, &["E-DIGEST"]),
        ("in the end", whole.len() - 10, &["E-END"]),
    ] {
        let mut bytes = whole.clone();
        bytes[offset] ^= 1;
        shop.write("changed.sealift", &bytes);
        for line in ["verify changed.sealift --key vendor.pub", "import changed.sealift --key vendor.pub --site site"] {
            let before = tree(shop.dir());
            let ran = shop.sealift(line);
            assert!(codes.iter().any(|code| ran.stderr.contains(&format!("error[{code}]"))), "{why}: {ran:#?}");
            assert!(matches!(ran.exit, Some(3 | 4)), "{why}: {ran:#?}");
            assert_same(&before, &tree(shop.dir()), why);
        }
    }
    shop.write("longer.sealift", &[whole, vec![0]].concat());
    shop.refuses("verify longer.sealift --key vendor.pub", 4, "E-TRAILING", &["longer.sealift", "after the end"]);
    shop.refuses("import longer.sealift --key vendor.pub --site site", 4, "E-TRAILING", &["after the end"]);
}

/// A release of a format that is still to be invented.
#[derive(Debug, Serialize, Deserialize)]
struct Later {
    what: String,
}

/// A statement of no kind that a bundle has.
#[derive(Debug, Serialize, Deserialize)]
struct Other {}

macro_rules! predicate {
    ($name:ident $kind:literal) => {
        impl Predicate for $name {
            const TYPE: &'static str = $kind;
            const WHAT: &'static str = "statement";
            const LIMIT: u64 = limits::RELEASE_ENVELOPE_BYTES;
            fn requires(&self) -> &[String] {
                &[]
            }
            fn check(&self) -> Result<(), String> {
                Ok(())
            }
        }
    };
}

predicate!(Later "https://sealift.dev/release/v2");
predicate!(Other "https://slsa.dev/provenance/v1");

/// A bundle, signed by the vendor, whose release is `predicate` and whose packing list is the shop's.
fn crafted<P: Predicate + std::fmt::Debug>(shop: &Shop, predicate: P) -> Vec<u8> {
    let pem = String::from_utf8(shop.read("vendor.pem")).unwrap();
    let key = PrivateKey::from_pem(&pem, || None).unwrap();
    let statement = Statement::new("shop:1.0.0".to_owned(), Digest::of(b"content"), predicate);
    let release = Verified::sign(statement, &[&key]).unwrap();
    let bundle = shop.read("shop.sealift");
    let text = b"packing-list.dsse.json\0";
    let list = bundle.windows(text.len()).position(|w| w == text).unwrap();
    let mut archive = ArchiveWriter::new(Vec::new());
    archive.member(MemberName::Release, release.envelope().bytes()).unwrap();
    // The rest as it is: the shop's list and what follows.
    let mut bytes = archive.finish().unwrap();
    bytes.truncate(bytes.len() - 1024);
    [&bytes, &bundle[list..]].concat()
}

#[test]
fn a_format_that_is_not_known_is_named() {
    let shop = Shop::imported();
    shop.write("later.sealift", &crafted(&shop, Later { what: "unknown".to_owned() }));
    let names = ["later.sealift", "https://sealift.dev/release/v2", "another version of the format", "newer sealift"];
    refused_by_all(&shop, "later.sealift", 4, "E-STATEMENT", &names);
    shop.refuses("inspect later.sealift", 4, "E-STATEMENT", &names[..3]);
    shop.write("other.sealift", &crafted(&shop, Other {}));
    let names = ["other.sealift", "https://slsa.dev/provenance/v1", "another kind"];
    refused_by_all(&shop, "other.sealift", 4, "E-STATEMENT", &names);
}

#[test]
fn the_list_of_another_release_is_refused() {
    let shop = Shop::imported();
    shop.edit("channel: stable", "channel: beta");
    shop.sealift("pack sealift.yaml -o beta.sealift --key vendor.pem").ok();
    let (stable, beta) = (shop.read("shop.sealift"), shop.read("beta.sealift"));
    let at = |bytes: &[u8]| bytes.windows(23).position(|w| w == b"packing-list.dsse.json\0").unwrap();
    shop.write("mixed.sealift", &[&beta[..at(&beta)], &stable[at(&stable)..]].concat());
    refused_by_all(&shop, "mixed.sealift", 4, "E-LIST", &["mixed.sealift", "another release"]);
}
