//! Disks that are full, and folders that cannot be written. The small disks are mounted by the test, which only root can.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::common::process::wait_for;
use super::common::tmpfs::Tmpfs;
use super::common::{Background, Shop, tree};

/// Fills the disk to the last byte.
fn fill(disk: &Path) {
    use std::io::Write as _;
    let mut file = fs::File::create(disk.join("filler")).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
}

#[test]
fn space_is_checked_before_anything_is_written() {
    let shop = Shop::large(1);
    shop.sealift("pack large.yaml -o large.sealift --key vendor.pem").ok();
    let Some(_disk) = Tmpfs::mount(&shop.path("disk"), "1m") else { return };
    let pack = "pack large.yaml -o disk/large.sealift --key vendor.pem";
    shop.refuses(pack, 1, "E-SPACE", &["disk", "bytes free", "another disk"]);
    let import = "import large.sealift --key vendor.pub --site disk/site";
    let ran = shop.sealift(import).refused(1, "E-SPACE", &["disk/site", "bytes free", "are needed"]);
    assert!(shop.list("disk/site")["templates"].as_array().unwrap().is_empty(), "{ran:#?}");
    assert_eq!(tree(&shop.path("disk/site/blobs/sha256")).len(), 0);
}

#[test]
fn a_disk_that_fills_up_during_packing_keeps_no_half_bundle() {
    let shop = Shop::large(8);
    let Some(disk) = Tmpfs::mount(&shop.path("disk"), "96m") else { return };
    shop.write("disk/large.sealift", b"the old one");
    let pack = "pack large.yaml -o disk/large.sealift --force --key vendor.pem";
    let run = Background::start(&mut shop.command(pack));
    let partial = shop.path("disk/.large.sealift.partial");
    wait_for("packing has begun", || partial.exists());
    run.signal("STOP");
    fill(&shop.path("disk"));
    run.signal("CONT");
    run.end().refused(1, "E-SPACE", &["disk/large.sealift"]);
    assert_eq!(tree(&shop.path("disk")).keys().collect::<Vec<_>>(), ["filler", "large.sealift"]);
    assert_eq!(shop.read("disk/large.sealift"), b"the old one");
    disk.remount("size=200m");
    shop.sealift(pack).ok();
    shop.sealift("verify disk/large.sealift --key vendor.pub").ok();
}

#[test]
fn an_import_resumes_when_a_full_disk_was_enlarged() {
    let shop = Shop::large(4);
    shop.sealift("pack large.yaml -o large.sealift --key vendor.pem").ok();
    let Some(disk) = Tmpfs::mount(&shop.path("disk"), "64m") else { return };
    let bundle = shop.read("large.sealift");
    let mut run = Background::fed(&mut shop.command("import - --key vendor.pub --site disk/site"));
    run.feed(&bundle[..20 << 20]);
    wait_for("the first layer is kept", || {
        fs::read_dir(shop.path("disk/site/blobs/sha256"))
            .unwrap()
            .any(|b| b.unwrap().metadata().unwrap().len() >= 8 << 20)
    });
    fill(&shop.path("disk"));
    // The reader may end before it has taken everything.
    run.feed_what_is_taken(&bundle[20 << 20..]);
    run.end().refused(1, "E-SPACE", &["disk/site", "run the same command again"]);
    assert!(shop.list("disk/site")["templates"].as_array().unwrap().is_empty());
    assert!(tree(&shop.path("disk/site/tmp")).is_empty(), "what was not whole is gone");
    let kept = crate::common::files::proved_blobs(&shop.path("disk/site"));

    disk.remount("size=128m");
    let line = "import large.sealift --key vendor.pub --site disk/site --json";
    let resumed = shop.sealift(line).ok().json();
    assert_eq!(resumed["blobsPresent"], json!(kept), "what was kept is not written again: {resumed}");
    assert_eq!(shop.list("disk/site")["templates"][0]["partial"], json!(false));
}

#[test]
fn an_installation_onto_a_full_disk_changes_nothing_and_is_made_when_there_is_room() {
    let shop = Shop::imported();
    let Some(_disk) = Tmpfs::mount(&shop.path("disk"), "1m") else { return };
    let install = "install shop --site site -n team --target dir:disk/out";
    shop.sealift(install).ok();
    let installed = tree(&shop.path("disk/out"));
    fill(&shop.path("disk"));
    let with_report = format!("{install} --with report");
    shop.sealift(&with_report).refused(1, "E-SPACE", &["disk/out"]);
    assert_eq!(tree(&shop.path("disk/out")), installed);
    assert_eq!(shop.list("site")["installations"][0]["complete"], json!(false));
    fs::remove_file(shop.path("disk/filler")).unwrap();
    shop.sealift(&with_report).ok();
    assert_eq!(shop.list("site")["installations"][0]["complete"], json!(true));
    let secret = |t: &super::common::Tree| t["10-secret-db.yaml"].clone().unwrap().content;
    assert_eq!(secret(&tree(&shop.path("disk/out"))), secret(&installed));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let shop = Shop::packed();
    let Some(disk) = Tmpfs::mount(&shop.path("disk"), "8m") else { return };
    shop.sealift("import shop.sealift --key vendor.pub --site disk/site").ok();
    fs::create_dir(shop.path("disk/empty")).unwrap();
    disk.remount("ro");
    for (line, names) in [
        ("pack sealift.yaml -o disk/shop.sealift --key vendor.pem", ["disk/shop.sealift", "Read-only"]),
        ("import shop.sealift --key vendor.pub --site disk/site", ["disk/site", "Read-only"]),
        ("import shop.sealift --key vendor.pub --site disk/empty", ["disk/empty", "Read-only"]),
        ("import shop.sealift --key vendor.pub --site disk/new", ["disk/new", "Read-only"]),
        ("install shop --site disk/site -n team --target dir:disk/out", ["disk/site", "Read-only"]),
        ("keygen --no-passphrase -o disk/key", ["disk/key.pem", "Read-only"]),
        ("template init disk/sealift.yaml", ["disk/sealift.yaml", "Read-only"]),
    ] {
        shop.refuses(line, 1, "E-IO", &names);
    }
}
