//! Wherever an image is packed from, the same image is packed; a docker archive of the old layout has lost its manifest, and
//! keeps configuration and layers.

use testdata::docker_archive::{write_before_25, write_since_25};

use super::common::registry::Registry;
use super::common::{API, Shop, api, have, image};
use serde_json::Value;
use testdata::Compression;

/// Packs with the image `api` from `source`; returns the digest that the release gives it.
fn packed_from(shop: &Shop, source: &str) -> Value {
    let line = format!("pack --json --force sealift.yaml -o other.sealift --key vendor.pem --image {API}={source}");
    let packed = shop.sealift(&line).ok().json();
    shop.sealift("verify other.sealift --key vendor.pub").ok();
    packed["images"].as_array().unwrap().iter().find(|i| i["name"] == API).unwrap()["digest"].clone()
}

#[test]
fn an_image_is_the_same_from_every_kind_of_source() {
    let shop = Shop::new();
    let (api, other) = (api(), image("other", Compression::Gzip));
    api.write_layout(&shop.path("layout"), "api:1").unwrap();
    api.write_oci_archive(&shop.path("api.tar"), "api:1").unwrap();
    let saved: [(&testdata::Image, &[&str]); 2] = [(&api, &["api:1"]), (&other, &["other:1"])];
    write_since_25(&shop.path("docker.tar"), &saved).unwrap();
    for source in [
        "oci:layout",
        "oci:layout:api:1",
        "oci-archive:api.tar",
        "oci-archive:api.tar:api:1",
        "docker-archive:docker.tar:api:1",
    ] {
        assert_eq!(packed_from(&shop, source), api.root().digest.to_string(), "{source}");
    }
}

#[test]
fn a_docker_archive_of_the_old_layout_gives_the_same_digest_every_time() {
    let shop = Shop::new();
    write_before_25(&shop.path("docker.tar"), &[(&api(), &["api:1"])]).unwrap();
    let first = packed_from(&shop, "docker-archive:docker.tar");
    assert_eq!(packed_from(&shop, "docker-archive:docker.tar:api:1"), first);
    shop.sealift("import other.sealift --key vendor.pub --site site").ok();
}

#[test]
fn an_image_is_packed_from_a_registry_with_a_login() {
    if !have(&["docker-registry", "htpasswd", "skopeo"]) {
        return;
    }
    let shop = Shop::new();
    let registry = Registry::with_password("open sesame");
    let login = registry.login("open sesame").display().to_string();
    api().write_layout(&shop.path("layout"), "api:1").unwrap();
    let host = registry.host();
    shop.run(&format!(
        "skopeo copy -q --insecure-policy --dest-tls-verify=false --authfile {login} oci:layout:api:1 docker://{host}/shop/api:1"
    ));
    let digest = api().root().digest;
    for reference in ["shop/api:1".to_owned(), format!("shop/api@{digest}")] {
        let source = format!("docker://{host}/{reference} --plain-http --authfile {login}");
        assert_eq!(packed_from(&shop, &source), digest.to_string(), "{reference}");
    }

    // The template itself names the registry, and is given no other source.
    shop.edit("  - name: registry.example/shop/api:1.0.0\n    from: oci-archive:images/api.tar\n", "");
    let template = String::from_utf8(shop.read("sealift.yaml")).unwrap();
    shop.write(
        "sealift.yaml",
        template.replace("registry.example/shop/api:1.0.0", &format!("{host}/shop/api:1")).as_bytes(),
    );
    let line = format!("pack sealift.yaml -o named.sealift --key vendor.pem --plain-http --authfile {login}");
    assert!(shop.sealift(&line).ok().stdout.contains(&digest.to_string()));

    let without =
        format!("pack sealift.yaml -o refused.sealift --key vendor.pem --plain-http --authfile {}", "none.json");
    shop.write("none.json", b"{}");
    shop.refuses(&without, 5, "E-IMAGE", &[&format!("{host}/shop/api:1"), "401"]);
}

#[test]
fn what_skopeo_writes_is_packed() {
    if !have(&["skopeo"]) {
        return;
    }
    let shop = Shop::new();
    api().write_layout(&shop.path("layout"), "api:1").unwrap();
    let copy = "skopeo copy -q --insecure-policy oci:layout:api:1";
    for (target, source) in [
        ("oci:copied:x", "oci:copied:x"),
        ("oci-archive:copied.tar", "oci-archive:copied.tar"),
        ("docker-archive:docker.tar:shop/api:1", "docker-archive:docker.tar"),
    ] {
        shop.run(&format!("{copy} {target}"));
        let found = packed_from(&shop, source);
        if !target.starts_with("docker") {
            assert_eq!(found, api().root().digest.to_string(), "{target}");
        }
    }
}
