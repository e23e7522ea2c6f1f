//! Several processes at once.

use std::fs;

use super::common::process::wait_for;
use super::common::{Background, IMPORT, Shop, tree};

#[test]
fn of_two_imports_one_is_told_who_the_other_is() {
    let shop = Shop::packed();
    let members = shop.sealift("inspect shop.sealift --key vendor.pub --json").ok().json()["members"].clone();
    let blobs = |m: &&serde_json::Value| m["name"].as_str().unwrap().starts_with("blobs/");
    let blobs = members.as_array().unwrap().iter().filter(blobs).count();
    let bundle = shop.read("shop.sealift");
    let mut first = Background::fed(&mut shop.command("import - --key vendor.pub --site site"));
    first.feed(&bundle[..bundle.len() - 1]);
    wait_for("the first import has everything but the last byte", || {
        let there = fs::read_dir(shop.path("site/blobs/sha256")).map_or(0, Iterator::count);
        there == blobs && tree(&shop.path("site/tmp")).is_empty()
    });
    let process = format!("process {}", first.id());
    for line in [IMPORT, "import shop.sealift --key vendor.pub --site ./site"] {
        shop.refuses(line, 6, "E-LOCKED", &["site", &process, "wait"]);
    }
    // Readers are not kept out.
    assert!(shop.list("site")["templates"].as_array().unwrap().is_empty());
    first.feed(&bundle[bundle.len() - 1..]);
    first.end().ok();
    assert_eq!(shop.list("site")["templates"].as_array().unwrap().len(), 1);
    shop.sealift(IMPORT).ok();
}

#[test]
fn an_installation_is_told_who_writes_to_the_site() {
    let shop = Shop::imported();
    let mut import = Background::fed(&mut shop.command("import - --key vendor.pub --site site"));
    import.feed(&shop.read("shop.sealift"));
    let process = format!("process {}", import.id());
    wait_for("the import has the lock", || {
        fs::read_to_string(shop.path("site/lock")).is_ok_and(|text| text.contains(&import.id().to_string()))
    });
    shop.sealift("install shop --site site -n team --target dir:out").refused(6, "E-LOCKED", &[&process]);
    import.end().ok();
    shop.sealift("install shop --site site -n team --target dir:out").ok();
}

#[test]
fn of_two_packs_to_one_output_one_writes_it() {
    let shop = Shop::large(8);
    let line = "pack large.yaml -o large.sealift --key vendor.pem";
    let first = Background::start(&mut shop.command(line));
    let partial = shop.path(".large.sealift.partial");
    wait_for("packing has begun", || partial.exists());
    first.signal("STOP");
    shop.sealift(line).refused(6, "E-LOCKED", &["large.sealift", "another process"]);
    shop.sealift(&format!("{line} --force")).refused(6, "E-LOCKED", &["large.sealift"]);
    first.signal("CONT");
    first.end().ok();
    shop.sealift("verify large.sealift --key vendor.pub").ok();
    assert!(!partial.exists());
}

#[test]
fn an_output_that_appears_meanwhile_is_not_replaced() {
    let shop = Shop::large(8);
    let pack = Background::start(&mut shop.command("pack large.yaml -o large.sealift --key vendor.pem"));
    let partial = shop.path(".large.sealift.partial");
    wait_for("packing has begun", || partial.exists());
    pack.signal("STOP");
    shop.write("large.sealift", b"somebody else's");
    pack.signal("CONT");
    pack.end().refused(6, "E-EXISTS", &["large.sealift"]);
    assert_eq!(shop.read("large.sealift"), b"somebody else's");
    assert!(!partial.exists());
}

#[test]
fn a_pack_that_is_interrupted_leaves_nothing_behind() {
    let shop = Shop::large(64);
    for signal in ["INT", "TERM"] {
        let pack = Background::start(&mut shop.command("pack large.yaml -o large.sealift --key vendor.pem"));
        let partial = shop.path(".large.sealift.partial");
        wait_for("packing has begun", || partial.exists());
        pack.signal("STOP");
        pack.signal(signal);
        pack.signal("CONT");
        pack.end().refused(1, "E-INTERRUPTED", &["nothing was left behind"]);
        assert!(!partial.exists() && !shop.path("large.sealift").exists());
    }
}

#[test]
fn what_an_interrupted_action_left_undone_is_done_by_the_next() {
    let shop = Shop::imported();
    let install = "install shop --site site -n team --target dir:out";
    shop.sealift(&format!("{install} --with report")).ok();
    let report = fs::read_dir(shop.path("out"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.to_string_lossy().contains("deployment-report"))
        .unwrap();
    let (running, before) = (fs::read(&report).unwrap(), shop.read("site/installations/team/shop/1.json"));
    // A second action that switches the component off, killed after its record and before it wrote a file.
    shop.sealift(&format!("{install} --without report")).ok();
    let off = fs::read(&report).unwrap();
    assert_ne!(off, running);
    let second = String::from_utf8(shop.read("site/installations/team/shop/2.json")).unwrap();
    shop.write("site/installations/team/shop/2.json", second.replace("\"done\"", "\"begun\"").as_bytes());
    fs::write(&report, &running).unwrap();
    let status = shop.sealift("status shop --site site -n team --json").ok().json();
    assert_eq!((&status["holds"]["number"], &status["unfinished"]["number"]), (&1.into(), &2.into()), "{status:#}");
    assert_eq!(status["drift"], serde_json::json!([]), "what the killed run was at is no change of the site's");
    shop.sealift(&format!("{install} --without report")).ok();
    assert_eq!(fs::read(&report).unwrap(), off);
    assert_eq!(shop.read("site/installations/team/shop/1.json"), before, "records stay as they are");
}
