//! The same inputs and the same key give the same bytes, whatever the circumstances.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::common::{PACK, Ran, Shop, have, tree};

/// Packs the shop with `command`; returns the bundle.
fn packed(shop: &Shop, command: &mut Command) -> Vec<u8> {
    Ran::of(command).ok();
    let bundle = shop.read("shop.sealift");
    fs::remove_file(shop.path("shop.sealift")).unwrap();
    bundle
}

#[test]
fn the_circumstances_leave_no_trace() {
    let shop = Shop::new();
    let first = packed(&shop, &mut shop.command(PACK));
    assert!(packed(&shop, &mut shop.command(PACK)) == first, "a second time");

    let elsewhere = tempfile::tempdir().unwrap();
    let path = |name: &str| shop.path(name).display().to_string();
    let line = format!("pack {} -o {} --key {}", path("sealift.yaml"), path("shop.sealift"), path("vendor.pem"));
    assert!(packed(&shop, shop.command(&line).current_dir(elsewhere.path())) == first, "from another folder");
    assert!(packed(&shop, shop.command(PACK).env("TMPDIR", elsewhere.path())) == first, "with another TMPDIR");
    let threads = [("RAYON_NUM_THREADS", "1"), ("TZ", "Asia/Tokyo"), ("LC_ALL", "tr_TR.UTF-8"), ("USER", "somebody")];
    assert!(packed(&shop, shop.command(PACK).envs(threads)) == first, "in another environment");

    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for name in tree(shop.dir()).keys().filter(|name| !name.ends_with('/')) {
        let file = fs::File::options().append(true).open(shop.path(name)).unwrap();
        file.set_modified(long_ago).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        file.set_permissions(mode).unwrap();
    }
    assert!(packed(&shop, &mut shop.command(PACK)) == first, "with files of another date and mode");

    if have(&["faketime"]) {
        let mut command = Command::new("faketime");
        command.arg("2041-05-06 07:08:09").arg(env!("CARGO_BIN_EXE_sealift")).args(PACK.split(' '));
        assert!(packed(&shop, shop.prepare(&mut command)) == first, "on another day");
    }
}

#[test]
fn an_image_counts_and_not_where_it_came_from() {
    let shop = Shop::new();
    let first = packed(&shop, &mut shop.command(PACK));
    super::common::db().write_layout(&shop.path("layout"), "any").unwrap();
    let line = format!("{PACK} --image {}=oci:layout", super::common::DB);
    assert!(packed(&shop, &mut shop.command(&line)) == first);
}

#[test]
fn the_date_of_a_release_is_stated_and_never_the_clock_s() {
    let shop = Shop::new();
    let line = format!("{PACK} --json --force");
    let issued = |command: &mut Command| Ran::of(command).ok().json()["issuedAt"].clone();
    let dated = |epoch: &str| issued(shop.command(&line).env("SOURCE_DATE_EPOCH", epoch));
    assert_eq!(dated("86400"), "2026-01-31T12:00:00Z", "what the template says goes first");
    shop.edit("  created: \"2026-01-31T12:00:00Z\"\n", "");
    assert_eq!(dated("86400"), "1970-01-02T00:00:00Z");
    assert!(issued(&mut shop.command(&line)).is_null(), "without either there is none");
    for epoch in ["yesterday", "", "1.5", "99999999999999999999"] {
        let ran = Ran::of(shop.command(&line).env("SOURCE_DATE_EPOCH", epoch));
        ran.refused(2, "E-USAGE", &["SOURCE_DATE_EPOCH"]);
    }
}

#[test]
fn another_key_changes_the_signature_and_not_the_release() {
    let shop = Shop::new();
    shop.sealift("keygen -q --no-passphrase -o other").ok();
    let pack =
        |key: &str| shop.sealift(&format!("pack --json sealift.yaml -o {key}.sealift --key {key}.pem")).ok().json();
    let (ours, others) = (pack("vendor"), pack("other"));
    assert_eq!(ours["releaseId"], others["releaseId"]);
    assert!(shop.read("vendor.sealift") != shop.read("other.sealift"));
}
