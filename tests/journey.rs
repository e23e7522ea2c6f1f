//! The whole journey through the real command: from a vendor's template to what a site's cluster pulls and applies.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "journey/charts.rs"]
mod charts;
#[path = "journey/collect.rs"]
mod collect;
mod common;
#[path = "journey/delta.rs"]
mod delta;
#[path = "journey/diff.rs"]
mod diff;
#[path = "journey/mirrors.rs"]
mod mirrors;
#[path = "journey/platforms.rs"]
mod platforms;
#[path = "journey/push.rs"]
mod push;
#[path = "journey/pushes.rs"]
mod pushes;
#[path = "journey/reproducible.rs"]
mod reproducible;
#[path = "journey/serve.rs"]
mod serve;
#[path = "journey/skopeo.rs"]
mod skopeo;
#[path = "journey/sources.rs"]
mod sources;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use common::files::proved_blobs;
use common::{API, DB, IMPORT, PACK, Shop, WEB};
use serde_json::json;

#[test]
fn a_shop_travels_from_its_vendor_to_its_site() {
    let shop = Shop::new();
    shop.write("passphrase", b"correct horse\n");

    let key = shop.sealift("keygen --json --passphrase-file passphrase -o signer").ok().json();
    assert_eq!(key["encrypted"], json!(true));
    assert_eq!(fs::metadata(shop.path("signer.pem")).unwrap().permissions().mode() & 0o777, 0o600);
    let key_id = key["keyId"].as_str().unwrap();

    shop.sealift("template check sealift.yaml").ok();
    let line = "pack --json sealift.yaml -o shop.sealift --key signer.pem --passphrase-file passphrase";
    let packed = shop.sealift(line).ok().json();
    assert_eq!(packed["size"], json!(shop.read("shop.sealift").len()));
    let digests = [(API, common::api()), (DB, common::db()), (WEB, common::web())];
    let images: Vec<_> =
        digests.iter().map(|(name, image)| json!({"name": name, "digest": image.root().digest})).collect();
    assert_eq!(packed["images"], json!(images));

    let verified = shop.sealift("verify --json shop.sealift --key signer.pub").ok().json();
    assert_eq!((&verified["verified"], &verified["signedBy"]), (&json!(true), &json!([key_id])));
    let inspected = shop.sealift("inspect --json shop.sealift --key signer.pub").ok().json();
    assert_eq!((&inspected["signaturesChecked"], &inspected["signers"]), (&json!(true), &json!([key_id])));
    for member in ["releaseId", "digest", "size", "images", "name", "version"] {
        assert_eq!(verified[member], packed[member], "verify: {member}");
        assert_eq!(inspected[member], packed[member], "inspect: {member}");
    }

    let imported = shop.sealift("import --json shop.sealift --key signer.pub --site site").ok().json();
    assert_eq!(imported["releaseId"], packed["releaseId"]);
    assert_eq!((&imported["label"], &imported["blobsPresent"]), (&json!("shop:1.0.0"), &json!(0)));
    proved_blobs(&shop.path("site"));

    let list = shop.list("site");
    let template = &list["templates"][0];
    assert_eq!(template["digest"], packed["digest"]);
    assert_eq!(template["releases"], json!([packed["releaseId"]]));
    assert_eq!((&template["verifiedBy"], &template["partial"]), (&json!([key_id]), &json!(false)));

    let install = "install shop --json --site site -n team-a --target dir:out --registry registry.site:5000";
    let installed = shop.sealift(install).ok().json();
    assert_eq!((&installed["record"], &installed["namespace"]), (&json!(1), &json!("team-a")));
    let files: Vec<_> = installed["files"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    let written: Vec<_> = common::tree(&shop.path("out")).into_keys().collect();
    assert_eq!(written, files, "what is said to be written is what is there");
    let deployment = String::from_utf8(shop.read("out/50-004-deployment-web.yaml")).unwrap();
    let pinned = format!("registry.site:5000/registry.example/shop/web@{}", common::web().root().digest);
    assert!(deployment.contains(&pinned), "{deployment}");
    assert_eq!(shop.list("site")["installations"][0]["complete"], json!(true));
}

#[test]
fn people_read_what_machines_read() {
    let shop = Shop::new();
    for (line, lines) in [
        (PACK, &["bundle   shop.sealift (", "release  shop 1.0.0", "channel  stable"][..]),
        ("verify shop.sealift --key vendor.pub", &["OK       shop.sealift (", "signed   by key "]),
        ("inspect shop.sealift --key vendor.pub", &["signatures checked, content not read", "member   "]),
        ("inspect shop.sealift", &["NOT VERIFIED", "claims   a signature by key "]),
        (IMPORT, &["imported shop:1.0.0 into site", "present  0 blobs, 0 B"]),
        ("list --site site", &["shop 1.0.0  3 images, ", "The Shop"]),
        ("install shop --site site -n team-a --target dir:out", &["installed shop 1.0.0 for team-a on dir:"]),
        ("list --site site", &["installed  team-a/shop 1.0.0 on dir:"]),
    ] {
        let ran = shop.sealift(line).ok();
        for text in lines {
            assert!(ran.stdout.contains(text), "{line} says {text:?}: {}", ran.stdout);
        }
    }
}

#[test]
fn a_bundle_is_read_from_standard_input() {
    let shop = Shop::packed();
    for line in ["verify - --key vendor.pub", "inspect - --key vendor.pub", "import - --key vendor.pub --site site"] {
        let mut command = shop.command(line);
        command.stdin(fs::File::open(shop.path("shop.sealift")).unwrap());
        common::Ran::of(&mut command).ok();
    }
}

#[test]
fn several_keys_sign_together() {
    let shop = Shop::new();
    shop.sealift("keygen -q --no-passphrase -o qa").ok();
    shop.sealift(&format!("{PACK} --key qa.pem")).ok();
    for keys in ["--key vendor.pub", "--key vendor.pub --key qa.pub"] {
        shop.sealift(&format!("verify shop.sealift {keys}")).ok();
    }
    shop.sealift("pack sealift.yaml -o one.sealift --key vendor.pem").ok();
    shop.refuses(
        "verify one.sealift --key vendor.pub --key qa.pub",
        3,
        "E-UNTRUSTED",
        &["one.sealift", "1 of 2 needed signatures"],
    );
}
