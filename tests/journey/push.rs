//! `sealift import --registry`: into a registry that the site already runs.

use bundle_format::Digest;
use serde_json::json;

use super::common::registry::Registry;
use super::common::{API, DB, PACK, Shop, WEB, api, db, have, web};

#[test]
fn what_was_pushed_is_pulled_back_by_tag_and_by_digest() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let shop = Shop::new();
    let packed = shop.sealift(&format!("{PACK} --json")).ok().json();
    let registry = Registry::open();
    let host = registry.host();
    for prefix in ["", "/mirror/a"] {
        let line = format!("import --json shop.sealift --key vendor.pub --registry http://{host}{prefix}");
        let first = shop.sealift(&line).ok().json();
        assert!(first["blobsWritten"].as_u64().unwrap() > 0, "{first}");
        for (name, image) in [(WEB, web()), (API, api()), (DB, db())] {
            let digest = image.root().digest;
            let repository = name.split(':').next().unwrap();
            for reference in [name.to_owned(), format!("{repository}@{digest}")] {
                let source = format!("docker://{host}{prefix}/{reference}");
                let raw = shop.run(&format!("skopeo inspect --raw --tls-verify=false {source}"));
                assert_eq!(Digest::of(&raw), digest, "{source}");
                shop.run(&format!(
                    "skopeo copy -q --all --preserve-digests --insecure-policy --src-tls-verify=false {source} oci:pulled"
                ));
                std::fs::remove_dir_all(shop.path("pulled")).unwrap();
            }
        }
        let own = format!("docker://{host}{prefix}/sealift/shop:1.0.0");
        let raw = shop.run(&format!("skopeo inspect --raw --tls-verify=false {own}"));
        assert_eq!(Digest::of(&raw).to_string(), packed["digest"], "the template version has a tag of its own");

        let before = registry.store();
        let again = shop.sealift(&line).ok().json();
        assert_eq!(again["blobsWritten"], json!(0), "{again}");
        crate::common::files::assert_same(&before, &registry.store(), "pushing again uploads nothing");
    }
}

#[test]
fn a_version_does_not_change_in_a_registry_either() {
    if !have(&["docker-registry"]) {
        return;
    }
    let shop = Shop::packed();
    let registry = Registry::open();
    let import = |bundle: &str| format!("import {bundle} --key vendor.pub --registry http://{}", registry.host());
    shop.sealift(&import("shop.sealift")).ok();
    shop.edit("title: The Shop", "title: Another Shop");
    shop.sealift("pack sealift.yaml -o other.sealift --key vendor.pem").ok();
    let before = registry.store();
    shop.sealift(&import("other.sealift")).refused(6, "E-VERSION-EXISTS", &["shop:1.0.0", "revision"]);
    crate::common::files::assert_same(&before, &registry.store(), "nothing was pushed");
    shop.edit("version: \"1.0.0\"", "version: \"1.0.0\"\n  revision: 2");
    shop.sealift("pack sealift.yaml -o second.sealift --key vendor.pem").ok();
    shop.sealift(&import("second.sealift")).ok();
}

#[test]
fn a_login_is_used_and_a_missing_one_is_said() {
    if !have(&["docker-registry", "htpasswd", "skopeo"]) {
        return;
    }
    let shop = Shop::packed();
    let registry = Registry::with_password("open sesame");
    let line = format!("import shop.sealift --key vendor.pub --registry http://{}", registry.host());
    shop.write("none.json", b"{}");
    let before = registry.store();
    shop.refuses(&format!("{line} --authfile none.json"), 7, "E-REGISTRY", &[&registry.host(), "401"]);
    assert_eq!(registry.store(), before);
    shop.sealift(&format!("{line} --authfile {}", registry.login("open sesame").display())).ok();
}

#[test]
fn a_registry_that_takes_no_narrowed_index_is_named_with_the_image() {
    if !have(&["docker-registry"]) {
        return;
    }
    let shop = Shop::new();
    shop.sealift(&format!("{PACK} --platform linux/amd64")).ok();
    let registry = Registry::open();
    let line = format!("import shop.sealift --key vendor.pub --registry http://{}", registry.host());
    shop.refuses(&line, 7, "E-REGISTRY", &[&registry.host(), WEB, "some platforms only"]);
}

#[test]
fn a_registry_that_is_not_there_is_named() {
    let shop = Shop::packed();
    let line = "import shop.sealift --key vendor.pub --registry http://127.0.0.1:1";
    shop.refuses(line, 7, "E-REGISTRY", &["127.0.0.1:1"]);
}
