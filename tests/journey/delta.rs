//! Deltas and compact bundles: what a site holds does not travel again, and what it makes is what was signed.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testdata::{Compression, Image, Layer};

use crate::common::files::proved_blobs;
use crate::common::registry::Registry;
use crate::common::{Background, Shop, have};

/// Text that compresses as programs do, the same for the same seed.
fn text(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut out = Vec::with_capacity(len);
    while out.len() < len {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        out.extend_from_slice(format!("{:x} ", state >> 44).as_bytes());
    }
    out.truncate(len);
    out
}

/// The layers of version `version`: one that never changes, and two of which a byte changes. They are not compressed: which compressors are known is tested with these.
fn image(version: u8) -> Image {
    let layer = |seed: u64| {
        let mut changed = text(seed, 200_000);
        changed[1000] = version;
        Layer::new(Compression::None, [("bin/same", text(seed + 1, 200_000)), ("bin/changed", changed)])
    };
    let same = Layer::new(Compression::None, [("etc/base", text(1, 300_000))]);
    Image::new("linux/amd64", &[same, layer(10), layer(20)]).unwrap()
}

/// A vendor with the versions 1 to 3 of an application, each packed in full into `full/N.sealift`.
fn vendor() -> Shop {
    let shop = Shop::new();
    fs::create_dir_all(shop.path("full")).unwrap();
    for version in 1..=3 {
        image(version).write_layout(&shop.path(&format!("images/{version}")), "app").unwrap();
        let name = format!("registry.example/app:{version}");
        let template = format!(
            "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: {{ name: app, version: '{version}' }}\n\
             images: [{{ name: '{name}', from: 'oci:images/{version}' }}]\n\
             components: [{{ name: app, image: '{name}' }}]\n"
        );
        shop.write(&format!("{version}.yaml"), template.as_bytes());
        shop.sealift(&format!("pack {version}.yaml -o full/{version}.sealift --key vendor.pem")).ok();
    }
    shop
}

fn pack(shop: &Shop, version: u8, out: &str, rest: &str) -> Value {
    shop.sealift(&format!("pack --json {version}.yaml -o {out} --key vendor.pem {rest}")).ok().json()
}

fn import(shop: &Shop, bundle: &str, site: &str) -> Value {
    shop.sealift(&format!("import --json {bundle} --key vendor.pub --site {site}")).ok().json()
}

fn len(shop: &Shop, file: &str) -> u64 {
    fs::metadata(shop.path(file)).unwrap().len()
}

/// Every blob of the image is in the site, byte for byte.
fn holds(shop: &Shop, site: &str, version: u8) {
    proved_blobs(&shop.path(site));
    for (digest, blob) in image(version).blobs() {
        let found = fs::read(shop.path(&format!("{site}/blobs/sha256/{}", digest.hex()))).unwrap();
        assert!(found == *blob, "{digest} of version {version}");
    }
    assert_eq!(fs::read_dir(shop.path(&format!("{site}/tmp"))).unwrap().count(), 0, "temporary files are left");
}

/// The file of a layer of version 1 that is not in version 2.
fn changed_layer(shop: &Shop, site: &str) -> PathBuf {
    let (one, two) = (image(1), image(2));
    let (digest, _) = one.blobs().iter().find(|(d, b)| b.len() > 300_000 && !two.blobs().contains_key(d)).unwrap();
    shop.path(&format!("{site}/blobs/sha256/{}", digest.hex()))
}

#[test]
fn a_delta_is_small_and_gives_the_site_what_the_full_bundle_would() {
    let shop = vendor();
    let packed = pack(&shop, 2, "delta.sealift", "--base full/1.sealift");
    assert_eq!(packed["kind"], "delta");
    assert!(len(&shop, "delta.sealift") < len(&shop, "full/2.sealift") / 10, "{packed:#}");
    let ways: Vec<_> = packed["compared"]["blobs"].as_array().unwrap().iter().map(|b| b["way"].clone()).collect();
    assert_eq!(ways, [json!("whole"), json!("present"), json!("rebuilt"), json!("rebuilt")]);

    let verified = shop.sealift("verify --json delta.sealift --key vendor.pub").ok().json();
    assert_eq!(verified["leftToSite"]["states"], json!([["app:1"]]));
    let said = String::from_utf8(shop.sealift("verify delta.sealift --key vendor.pub").ok().stdout.into()).unwrap();
    assert!(said.contains("not proved"), "{said}");

    import(&shop, "full/1.sealift", "site");
    let imported = import(&shop, "delta.sealift", "site");
    assert_eq!((&imported["blobsRebuilt"], &imported["label"]), (&json!(2), &json!("app:2")));
    holds(&shop, "site", 2);
    // Once more: nothing is left to do. And over a full import, as well.
    assert_eq!(import(&shop, "delta.sealift", "site")["blobsRebuilt"], 0);
    import(&shop, "full/2.sealift", "other");
    assert_eq!(import(&shop, "delta.sealift", "other")["blobsRebuilt"], 0);
    // The full bundle of the same release is the same to the site.
    assert_eq!(import(&shop, "full/2.sealift", "site")["blobsWritten"], 0);
    if have(&["skopeo"]) {
        shop.run("skopeo copy -q oci:site:registry.example/app:2 oci:copy");
    }
}

#[test]
fn packing_a_delta_twice_gives_the_same_bytes() {
    let shop = vendor();
    for out in ["a.sealift", "b.sealift"] {
        pack(&shop, 2, out, "--base full/1.sealift --base full/3.sealift");
    }
    assert!(shop.read("a.sealift") == shop.read("b.sealift"));
}

#[test]
fn a_compact_bundle_needs_no_base() {
    let shop = vendor();
    assert_eq!(pack(&shop, 1, "compact.sealift", "--compact")["kind"], "compact");
    assert!(len(&shop, "compact.sealift") < len(&shop, "full/1.sealift"));
    import(&shop, "compact.sealift", "site");
    holds(&shop, "site", 1);
}

#[test]
fn a_site_without_the_base_is_told_what_is_missing_and_stays_as_it_was() {
    let shop = vendor();
    pack(&shop, 2, "delta.sealift", "--base full/1.sealift");
    import(&shop, "full/3.sealift", "site");
    let line = "import delta.sealift --key vendor.pub --site site";
    shop.refuses(line, 6, "E-BASE-MISSING", &["app:1"]);
    let json = shop.sealift("import --json delta.sealift --key vendor.pub --site site");
    let lacking = &json.json()["error"]["details"]["lacking"];
    assert_eq!(
        lacking.as_array().unwrap().len(),
        2,
        "every blob is named, and the one that is there is not: {lacking:#}"
    );
    shop.sealift("import delta.sealift --key vendor.pub --site empty").refused(6, "E-BASE-MISSING", &["app:1"]);
    assert!(shop.list("empty")["templates"].as_array().unwrap().is_empty());
}

#[test]
fn a_damaged_base_is_found_before_anything_is_written() {
    let shop = vendor();
    pack(&shop, 2, "delta.sealift", "--base full/1.sealift");
    import(&shop, "full/1.sealift", "site");
    let file = changed_layer(&shop, "site");
    let mut bytes = fs::read(&file).unwrap();
    bytes[5000] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let line = "import delta.sealift --key vendor.pub --site site";
    shop.refuses(line, 6, "E-BASE-DAMAGED", &["app:1", file.file_name().unwrap().to_str().unwrap()]);
}

#[test]
fn one_delta_serves_sites_of_either_version() {
    let shop = vendor();
    let packed = pack(&shop, 3, "delta.sealift", "--base full/1.sealift --base full/2.sealift");
    assert_eq!(packed["compared"]["states"], json!([["app:1"], ["app:2"]]));
    for version in [1, 2] {
        let site = format!("site{version}");
        import(&shop, &format!("full/{version}.sealift"), &site);
        import(&shop, "delta.sealift", &site);
        holds(&shop, &site, 3);
    }
    shop.sealift("import delta.sealift --key vendor.pub --site empty").refused(
        6,
        "E-BASE-MISSING",
        &["app:1 or app:2"],
    );
}

#[test]
fn a_delta_is_the_base_of_the_next_if_its_own_lies_beside_it() {
    let shop = vendor();
    fs::create_dir_all(shop.path("sent")).unwrap();
    fs::copy(shop.path("full/1.sealift"), shop.path("sent/1.sealift")).unwrap();
    pack(&shop, 2, "sent/2.sealift", "--base sent/1.sealift");
    pack(&shop, 3, "sent/3.sealift", "--base sent/2.sealift");
    pack(&shop, 3, "from-folder.sealift", "--base sent --force");
    for version in 1..=3 {
        import(&shop, &format!("sent/{version}.sealift"), "site");
    }
    holds(&shop, "site", 3);
    fs::copy(shop.path("sent/2.sealift"), shop.path("2-alone.sealift")).unwrap();
    fs::create_dir_all(shop.path("alone")).unwrap();
    fs::rename(shop.path("2-alone.sealift"), shop.path("alone/2.sealift")).unwrap();
    let line = "pack 3.yaml -o no.sealift --key vendor.pem --base alone/2.sealift";
    shop.refuses(line, 6, "E-BASE-MISSING", &["alone/2.sealift", "app:1"]);
}

#[test]
fn a_delta_is_not_served_and_says_why() {
    let shop = vendor();
    pack(&shop, 2, "delta.sealift", "--base full/1.sealift");
    let line = "registry serve --bundle delta.sealift --key vendor.pub --listen 127.0.0.1:0";
    shop.refuses(line, 6, "E-INCOMPLETE", &["delta", "sealift import"]);
}

#[test]
fn memory_that_is_not_allowed_is_not_used() {
    let shop = vendor();
    pack(&shop, 2, "delta.sealift", "--base full/1.sealift");
    import(&shop, "full/1.sealift", "site");
    let line = "import delta.sealift --key vendor.pub --site site --memory 1K";
    shop.refuses(line, 1, "E-MEMORY", &["--memory"]);
}

#[test]
fn an_import_of_a_delta_that_is_killed_resumes() {
    let shop = vendor();
    pack(&shop, 2, "delta.sealift", "--base full/1.sealift");
    import(&shop, "full/1.sealift", "whole");
    let copy = |to: &str| drop(shop.run(&format!("cp -r whole {to}")));
    copy("timed");
    let start = Instant::now();
    import(&shop, "delta.sealift", "timed");
    let whole = start.elapsed() + Duration::from_millis(20);
    for n in 0..10_u32 {
        let site = format!("site{n}");
        copy(&site);
        let line = format!("import delta.sealift --key vendor.pub --site {site} -q");
        let run = Background::start(&mut shop.command(&line));
        thread::sleep(whole * n / 10);
        run.kill();
        let shown = shop.list(&site)["templates"].as_array().unwrap().len();
        assert!(shown == 1 || shown == 2);
        proved_blobs(&shop.path(&site));
        shop.sealift(&line).ok();
        holds(&shop, &site, 2);
    }
}

#[test]
fn a_registry_is_the_base_of_what_is_pushed_to_it() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let shop = vendor();
    pack(&shop, 2, "delta.sealift", "--base full/1.sealift");
    let registry = Registry::open();
    let target = format!("--key vendor.pub --registry http://{}", registry.host());
    shop.sealift(&format!("import delta.sealift {target}")).refused(6, "E-BASE-MISSING", &["app:1"]);
    shop.sealift(&format!("import full/1.sealift {target}")).ok();
    let imported = shop.sealift(&format!("import --json delta.sealift {target}")).ok().json();
    assert_eq!(imported["blobsRebuilt"], 2);
    let image = format!("docker://{}/registry.example/app:2", registry.host());
    shop.run(&format!("skopeo copy -q --preserve-digests --src-tls-verify=false {image} oci:copy:app"));
    for (digest, blob) in self::image(2).blobs() {
        assert!(shop.read(&format!("copy/blobs/sha256/{}", digest.hex())) == *blob);
    }
}
