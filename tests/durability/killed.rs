//! `SIGKILL`, at points that the test chooses by what was read, and at points that the clock chooses.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use bundle_format::Digest;

use super::common::files::proved_blobs;
use super::common::registry::Registry;
use super::common::{Background, Ran, Shop, have, tree};

const PACK: &str = "pack large.yaml -o large.sealift --key vendor.pem -q";
const IMPORT: &str = "import large.sealift --key vendor.pub --site site -q";

/// The site shows nothing or all of the bundle, and every blob under its final name is what the name says.
fn shows_nothing_or_all(shop: &Shop) -> bool {
    if !shop.path("site/site.json").exists() {
        assert!(
            !shop.path("site/index.json").exists() || shown_by_index(shop) == 0,
            "a site is marked before it is filled"
        );
        return false;
    }
    let list = shop.list("site");
    let shown = list["templates"].as_array().unwrap();
    proved_blobs(&shop.path("site"));
    match shown.len() {
        0 => assert_eq!(shown_by_index(shop), 0, "no name without its template version"),
        _ => assert_eq!((shown.len(), &shown[0]["partial"]), (1, &serde_json::json!(false))),
    }
    !shown.is_empty()
}

fn shown_by_index(shop: &Shop) -> usize {
    let index: serde_json::Value = serde_json::from_slice(&shop.read("site/index.json")).unwrap();
    index["manifests"].as_array().unwrap().len()
}

/// Running again works, sweeps what the killed run left, and completes the site.
fn runs_again(shop: &Shop) {
    shop.sealift(IMPORT).ok();
    assert!(shows_nothing_or_all(shop), "all is there after the next run");
    let names: Vec<_> = tree(&shop.path("site")).into_keys().filter(|n| n.contains(".tmp-")).collect();
    assert!(names.is_empty() && tree(&shop.path("site/tmp")).is_empty(), "tmp/ is swept: {names:?}");
}

#[test]
fn an_import_killed_after_any_part_of_the_bundle_shows_nothing_and_resumes() {
    let shop = Shop::large(4);
    shop.sealift(PACK).ok();
    let bundle = shop.read("large.sealift");
    let mut points: Vec<_> = (0..=8).map(|n| bundle.len() / 8 * n).collect();
    points.extend([1, 600, 4096, 20_000, bundle.len() - 1024, bundle.len() - 1, bundle.len()]);
    for point in points {
        let _ = fs::remove_dir_all(shop.path("site"));
        let mut import = Background::fed(&mut shop.command("import - --key vendor.pub --site site -q"));
        import.feed(&bundle[..point]);
        import.kill();
        shop.no_temporary_files();
        assert!(!shows_nothing_or_all(&shop), "after {point} bytes nothing is acknowledged, so nothing is shown");
        runs_again(&shop);
    }
}

#[test]
fn an_import_killed_at_any_time_shows_nothing_or_all() {
    let shop = Shop::large(8);
    shop.sealift(PACK).ok();
    let start = Instant::now();
    shop.sealift(IMPORT).ok();
    let whole = start.elapsed();
    let points: u32 = 10;
    for n in 0..=points {
        let _ = fs::remove_dir_all(shop.path("site"));
        // The last ones fall into the end, where names are given.
        let after = whole * n / points;
        let import = Background::start(&mut shop.command(IMPORT));
        thread::sleep(after);
        import.kill();
        shop.no_temporary_files();
        shows_nothing_or_all(&shop);
        if n % 2 == 0 {
            runs_again(&shop);
        }
    }
}

#[test]
fn an_import_that_timeout_kills_again_and_again_comes_to_its_end() {
    if !have(&["timeout"]) {
        return;
    }
    let shop = Shop::large(8);
    shop.sealift(PACK).ok();
    for (n, milliseconds) in [5, 10, 20, 40, 80, 160, 320, 30_000].into_iter().enumerate() {
        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", &format!("{:.3}", f64::from(milliseconds) / 1000.0)]);
        command.arg(env!("CARGO_BIN_EXE_sealift")).args(IMPORT.split(' '));
        let ran = Ran::of(shop.prepare(&mut command));
        let shown = shows_nothing_or_all(&shop);
        if ran.exit == Some(0) {
            assert!(shown, "run {n} said that it was done: {ran:#?}");
        }
    }
    runs_again(&shop);
}

#[test]
fn a_second_version_killed_on_its_way_leaves_the_first_as_it_was() {
    let shop = Shop::imported();
    let before = shop.list("site");
    shop.edit("version: \"1.0.0\"", "version: \"1.1.0\"");
    shop.sealift("pack sealift.yaml -o next.sealift --key vendor.pem").ok();
    let bundle = shop.read("next.sealift");
    for point in [600, bundle.len() / 2, bundle.len()] {
        let mut import = Background::fed(&mut shop.command("import - --key vendor.pub --site site"));
        import.feed(&bundle[..point]);
        import.kill();
        assert_eq!(shop.list("site"), before, "after {point} bytes");
        proved_blobs(&shop.path("site"));
    }
    shop.sealift("import next.sealift --key vendor.pub --site site").ok();
    assert_eq!(shop.list("site")["templates"].as_array().unwrap().len(), 2);
}

#[test]
fn a_killed_pack_leaves_the_old_output_or_the_whole_new_one() {
    let shop = Shop::large(8);
    let start = Instant::now();
    shop.sealift(PACK).ok();
    let whole = start.elapsed();
    let digest = Digest::of(&shop.read("large.sealift"));
    let points: u32 = 8;
    for old in [None, Some(&b"the old one"[..])] {
        for n in 0..=points {
            let _ = fs::remove_file(shop.path("large.sealift"));
            if let Some(old) = old {
                shop.write("large.sealift", old);
            }
            let pack = Background::start(&mut shop.command(&format!("{PACK} --force")));
            thread::sleep(whole * n / points);
            pack.kill();
            shop.no_temporary_files();
            let found = shop.path("large.sealift").exists().then(|| shop.read("large.sealift"));
            assert!(found.as_deref() == old || found.is_some_and(|f| Digest::of(&f) == digest), "point {n}");
        }
    }
    shop.sealift(&format!("{PACK} --force")).ok();
    assert_eq!(Digest::of(&shop.read("large.sealift")), digest);
    assert!(!shop.path(".large.sealift.partial").exists());
}

#[test]
fn an_installation_killed_at_any_time_keeps_its_secrets() {
    let shop = Shop::imported();
    let install = "install shop --site site -n team --target dir:out -q";
    let secret = || fs::read(shop.path("out/10-secret-db.yaml")).ok();
    let mut first: Option<Vec<u8>> = None;
    for n in 0..12 {
        let run = Background::start(&mut shop.command(install));
        thread::sleep(Duration::from_millis(n * 3));
        run.kill();
        if let (Some(first), Some(now)) = (&first, secret()) {
            assert_eq!(*first, now, "run {n}");
        }
        first = first.or_else(secret);
        // Whatever was left, the site can be read.
        shop.list("site");
    }
    shop.sealift(install).ok();
    assert!(first.is_none() || first == secret());
    assert_eq!(shop.list("site")["installations"][0]["complete"], true);
    assert!(!shop.path("out/.sealift-staging").exists());
}

#[test]
fn an_import_into_a_registry_that_is_killed_shows_no_tag_and_resumes() {
    if !have(&["docker-registry", "curl"]) {
        return;
    }
    let shop = Shop::packed();
    let registry = Registry::open();
    let host = registry.host();
    let bundle = shop.read("shop.sealift");
    let line = format!("--key vendor.pub --registry http://{host} -q");
    let repositories = ["sealift/shop", "registry.example/shop/web", "registry.example/shop/db"];
    for point in [600, bundle.len() / 2, bundle.len()] {
        let mut import = Background::fed(&mut shop.command(&format!("import - {line}")));
        import.feed(&bundle[..point]);
        import.kill();
        for repository in repositories {
            let tags = Command::new("curl").args(["-s", &format!("http://{host}/v2/{repository}/tags/list")]).output();
            let tags: serde_json::Value = serde_json::from_slice(&tags.unwrap().stdout).unwrap();
            assert!(tags["tags"].as_array().is_none_or(Vec::is_empty), "{repository} after {point} bytes: {tags}");
        }
    }
    shop.sealift(&format!("import shop.sealift {line}")).ok();
    for repository in repositories {
        let tags = shop.run(&format!("curl -sf http://{host}/v2/{repository}/tags/list"));
        assert!(String::from_utf8(tags).unwrap().contains("1.0.0"), "{repository}");
    }
}
