//! Packing: sources that are not what they say, and outputs that cannot be written.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use bundle_format::{Descriptor, Document, Raw};
use testdata::Compression;

use super::common::files::damage;
use super::common::{API, PACK, Shop, WEB, api, image};

/// Digests of manifest, configuration and last layer of the image `api`.
fn parts() -> (String, String, Descriptor) {
    let image = api();
    let root = image.root().clone();
    match Raw::parse(&root, image.blobs()[&root.digest].clone()).unwrap().value() {
        Document::Image { config, layers, .. } => {
            (root.digest.hex(), config.digest.hex(), layers.last().unwrap().clone())
        }
        Document::Index { .. } => panic!("{API} is an index"),
    }
}

#[test]
fn an_image_must_be_where_it_is_said_to_be() {
    let shop = Shop::new();
    api().write_layout(&shop.path("layout"), "api:1").unwrap();
    for (why, source, code, names) in [
        ("no such file", "oci-archive:gone.tar", "E-IMAGE", ["gone.tar", "No such file"]),
        ("no such folder", "oci:gone", "E-IMAGE", ["gone", "No such file"]),
        ("no such name in it", "oci:layout:web:1", "E-IMAGE", ["layout does not hold \"web:1\"", "\"api:1\""]),
        ("a folder that is no layout", "oci:docs", "E-IMAGE", ["docs", "not an OCI image layout"]),
        ("a file that is no archive", "oci-archive:icon.png", "E-IMAGE", ["icon.png", "archive"]),
        ("an archive of the other kind", "docker-archive:images/api.tar", "E-IMAGE", ["images/api.tar", "oci-archive"]),
        ("a folder for an archive", "oci-archive:layout", "E-IMAGE", ["layout", "oci:"]),
        ("a registry that is not there", "docker://127.0.0.1:1/shop/api:1", "E-IMAGE", ["127.0.0.1:1", API]),
    ] {
        eprintln!("{why}");
        shop.refuses(&format!("{PACK} --image {API}={source}"), 5, code, &[&[API][..], &names].concat());
    }
    for (why, image, names) in [
        ("no source", "registry.example/x", ["--image registry.example/x", "NAME=SOURCE"]),
        ("no name", "=oci:layout", ["--image =oci:layout", "name"]),
        ("an unknown transport", "x/y:1=containers-storage:z", ["containers-storage:z", "docker-archive:PATH"]),
    ] {
        eprintln!("{why}");
        shop.refuses(&format!("{PACK} --image {image}"), 2, "E-USAGE", &names);
    }
}

#[test]
fn an_image_s_content_must_be_what_its_digest_says() {
    type Change = fn(&std::path::Path);
    let (manifest, config, layer) = parts();
    let (layer_digest, size) = (layer.digest.hex(), layer.size);
    let cut: Change = |path| fs::write(path, &fs::read(path).unwrap()[1..]).unwrap();
    let longer: Change = |path| fs::write(path, [fs::read(path).unwrap(), vec![0]].concat()).unwrap();
    let empty: Change = |path| fs::write(path, b"").unwrap();
    let missing: Change = |path| fs::remove_file(path).unwrap();
    let (ends, long) =
        (format!("ends after {} of its {size} bytes", size - 1), format!("longer than its {size} bytes"));
    for (why, blob, change, code, says) in [
        (
            "a layer whose bytes were changed",
            &layer_digest,
            damage as Change,
            "E-IMAGE-CONTENT",
            "the content is sha256:",
        ),
        ("a layer that ends early", &layer_digest, cut, "E-IMAGE-CONTENT", &*ends),
        ("a layer that goes on", &layer_digest, longer, "E-IMAGE-CONTENT", &*long),
        ("an empty layer", &layer_digest, empty, "E-IMAGE-CONTENT", "ends after 0 of its"),
        ("a layer that is not there", &layer_digest, missing, "E-IMAGE", "does not hold sha256:"),
        ("a configuration that was changed", &config, damage, "E-IMAGE-CONTENT", "the content is sha256:"),
        ("a manifest that was changed", &manifest, damage, "E-IMAGE-CONTENT", "the content is sha256:"),
        ("a manifest that ends early", &manifest, cut, "E-IMAGE-CONTENT", "ends after"),
        ("a manifest that is not there", &manifest, missing, "E-IMAGE", "does not hold sha256:"),
    ] {
        eprintln!("{why}");
        let shop = Shop::new();
        api().write_layout(&shop.path("layout"), "api:1").unwrap();
        change(&shop.path(&format!("layout/blobs/sha256/{blob}")));
        shop.write("shop.sealift", b"an old bundle");
        shop.refuses(&format!("{PACK} --force --image {API}=oci:layout"), 5, code, &["layout", blob, says]);
    }
}

#[test]
fn a_digest_in_a_name_must_be_the_source_s() {
    let shop = Shop::new();
    let other = image("other", Compression::Gzip).root().digest;
    let pinned = format!("registry.example/shop/api@{other}");
    let template = String::from_utf8(shop.read("sealift.yaml")).unwrap();
    shop.write("sealift.yaml", template.replace(API, &pinned).as_bytes());
    shop.refuses(PACK, 5, "E-IMAGE", &[&pinned, &api().root().digest.to_string()]);
}

#[test]
fn a_platform_must_be_there() {
    let shop = Shop::new();
    for (platform, names) in [
        ("linux/s390x", &["no linux/s390x", "it has linux/amd64"][..]),
        ("linux/arm64", &[API, "no linux/arm64", "it has linux/amd64"]),
        ("nonsense", &["no nonsense", "it has linux/amd64"]),
    ] {
        shop.refuses(&format!("{PACK} --platform {platform}"), 5, "E-PLATFORM", names);
    }
    // One of several is enough.
    assert!(shop.sealift(&format!("{PACK} --platform linux/s390x --platform linux/amd64")).ok().stdout.contains(WEB));
}

#[test]
fn an_output_is_replaced_only_when_asked_and_only_by_a_whole_one() {
    let shop = Shop::new();
    shop.write("shop.sealift", b"precious");
    shop.refuses(PACK, 6, "E-EXISTS", &["shop.sealift", "--force"]);
    std::os::unix::fs::symlink("nowhere", shop.path("link.sealift")).unwrap();
    shop.refuses("pack sealift.yaml -o link.sealift --key vendor.pem", 6, "E-EXISTS", &["link.sealift"]);
    fs::create_dir(shop.path("folder")).unwrap();
    shop.refuses("pack sealift.yaml -o folder --key vendor.pem", 6, "E-EXISTS", &["folder"]);
    shop.refuses("pack sealift.yaml -o folder --force --key vendor.pem", 1, "E-IO", &["folder"]);
    shop.sealift(&format!("{PACK} --force")).ok();
    shop.sealift("verify shop.sealift --key vendor.pub").ok();
}

#[test]
fn an_output_must_have_a_place() {
    let shop = Shop::new();
    for (output, names) in [
        ("gone/shop.sealift", ["gone/shop.sealift", "No such file"]),
        ("icon.png/shop.sealift", ["icon.png/shop.sealift", "Not a directory"]),
    ] {
        shop.refuses(&format!("pack sealift.yaml -o {output} --key vendor.pem"), 1, "E-IO", &names);
    }
}

#[test]
fn a_killed_run_s_partial_output_is_not_in_the_way() {
    let shop = Shop::new();
    shop.write(".shop.sealift.partial", &[1; 1 << 20]);
    let inode = fs::metadata(shop.path(".shop.sealift.partial")).unwrap().ino();
    shop.sealift(PACK).ok();
    assert_eq!(fs::metadata(shop.path("shop.sealift")).unwrap().ino(), inode, "it becomes the bundle");
    shop.sealift("verify shop.sealift --key vendor.pub").ok();
}

#[test]
fn a_link_in_the_place_of_the_temporary_file_is_not_followed() {
    let shop = Shop::new();
    shop.write("precious", b"not a bundle");
    std::os::unix::fs::symlink(shop.path("precious"), shop.path(".shop.sealift.partial")).unwrap();
    shop.refuses(PACK, 1, "E-IO", &["shop.sealift"]);
    assert_eq!(shop.read("precious"), b"not a bundle");
}
