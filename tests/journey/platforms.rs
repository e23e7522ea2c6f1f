//! `--platform` narrows what travels, and never what is signed about the images.

use serde_json::{Value, json};

use super::common::{Background, PACK, Shop, WEB, have, output, web};
use bundle_format::Digest;

/// A shop with the full bundle, and `amd64.sealift`; what packing said of both.
fn both() -> (Shop, Value, Value) {
    let shop = Shop::new();
    let full = shop.sealift(&format!("{PACK} --json")).ok().json();
    let line = "pack --json sealift.yaml -o amd64.sealift --key vendor.pem --platform linux/amd64";
    let narrow = shop.sealift(line).ok().json();
    (shop, full, narrow)
}

#[test]
fn a_narrowed_bundle_is_the_same_release_and_smaller() {
    let (shop, full, narrow) = both();
    for member in ["releaseId", "digest", "images"] {
        assert_eq!(narrow[member], full[member], "{member}");
    }
    assert!(narrow["size"].as_u64() < full["size"].as_u64());
    let inspected = shop.sealift("inspect --json amd64.sealift --key vendor.pub").ok().json();
    assert_eq!(inspected["platforms"], json!(["linux/amd64"]));
    assert_eq!(inspected["omitted"].as_array().unwrap().len(), 1, "the other platform's manifest");
    shop.sealift("verify amd64.sealift --key vendor.pub").ok();
}

#[test]
fn a_site_holds_a_narrowed_index_and_serves_what_it_has() {
    let (shop, ..) = both();
    shop.sealift("import amd64.sealift --key vendor.pub --site site").ok();
    assert_eq!(shop.list("site")["templates"][0]["partial"], json!(true));
    if have(&["skopeo"]) {
        let mut server = Background::start(&mut shop.command("registry serve --site site --listen 127.0.0.1:0"));
        let image = format!("docker://{}/{WEB}", server.address());
        let raw = shop.run(&format!("skopeo inspect --raw --tls-verify=false {image}"));
        assert_eq!(Digest::of(&raw), web().root().digest, "the index is served as it was signed");
        let copy = |arch: &str| {
            let line = format!(
                "skopeo copy -q --insecure-policy --src-tls-verify=false --override-arch {arch} {image} oci:{arch}"
            );
            let mut words = line.split(' ');
            std::process::Command::new(words.next().unwrap()).args(words).current_dir(shop.dir()).output().unwrap()
        };
        assert!(copy("amd64").status.success());
        assert!(!copy("arm64").status.success(), "what did not travel is not there");
    }
    // The full bundle brings the rest of the same release.
    let rest = shop.sealift("import --json shop.sealift --key vendor.pub --site site").ok().json();
    assert!(rest["blobsWritten"].as_u64().unwrap() > 0 && rest["blobsPresent"].as_u64().unwrap() > 0, "{rest}");
    assert_eq!(shop.list("site")["templates"][0]["partial"], json!(false));
}

#[test]
fn an_installation_does_not_depend_on_the_platforms_that_came() {
    let (shop, ..) = both();
    for (bundle, site) in [("shop", "full"), ("amd64", "narrow")] {
        shop.sealift(&format!("import {bundle}.sealift --key vendor.pub --site {site}")).ok();
        shop.sealift(&format!("install shop --site {site} -n team-a --target dir:out-{site}")).ok();
    }
    let deployment = |site: &str| shop.read(&format!("out-{site}/50-004-deployment-web.yaml"));
    assert_eq!(deployment("full"), deployment("narrow"));
}

#[test]
fn a_narrowed_layout_is_packed_with_its_platform() {
    if !have(&["skopeo"]) {
        return;
    }
    let (shop, _, narrow) = both();
    shop.sealift("import amd64.sealift --key vendor.pub --site site").ok();
    // What a site holds is a layout, and may be packed again on the way to the next one.
    let line = format!(
        "pack --json sealift.yaml -o again.sealift --key vendor.pem --platform linux/amd64 --image {WEB}=oci:site:{WEB}"
    );
    assert_eq!(shop.sealift(&line).ok().json()["images"], narrow["images"]);
    let all = line.replace("--platform linux/amd64 ", "").replace("again", "all");
    shop.refuses(&all, 5, "E-IMAGE", &[WEB, "--platform"]);
    output(std::process::Command::new("cmp").args(["again.sealift", "amd64.sealift"]).current_dir(shop.dir()));
}
