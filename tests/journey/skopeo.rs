//! Standard tools read bundles and sites as they are (spec/bundle.md section 3).

use bundle_format::Digest;

use super::common::{API, DB, Shop, WEB, api, db, have, web};
use crate::common::files::proved_blobs;

#[test]
fn a_bundle_is_an_oci_archive_to_skopeo() {
    if !have(&["skopeo"]) {
        return;
    }
    let shop = Shop::packed();
    // skopeo extracts into a temporary folder, and gives the folders that the archive has no entries for to root.
    if std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(shop.dir()).unwrap()) != 0 {
        eprintln!("SKIPPED: skopeo reads archives without entries for folders as root only");
        return;
    }
    images_of(&shop, "oci-archive:shop.sealift");
}

#[test]
fn a_site_is_an_oci_layout_to_skopeo() {
    if !have(&["skopeo"]) {
        return;
    }
    let shop = Shop::imported();
    images_of(&shop, "oci:site");
}

fn images_of(shop: &Shop, from: &str) {
    for (name, image) in [(WEB, web()), (API, api()), (DB, db())] {
        let digest = image.root().digest;
        let raw = shop.run(&format!("skopeo inspect --raw {from}:{name}"));
        assert_eq!(Digest::of(&raw), digest, "{from}: {name}");
        let copied = format!("copied-{}", digest.hex());
        shop.run(&format!("skopeo copy -q --all --preserve-digests --insecure-policy {from}:{name} oci:{copied}"));
        assert_eq!(proved_blobs(&shop.path(&copied)), image.blobs().len(), "{from}: {name}");
    }
}

#[test]
fn tar_and_sha256sum_read_a_bundle() {
    let shop = Shop::packed();
    std::fs::create_dir(shop.path("extracted")).unwrap();
    shop.run("tar -xf shop.sealift -C extracted");
    assert_eq!(shop.read("extracted/oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
    proved_blobs(&shop.path("extracted"));
    if have(&["skopeo"]) {
        images_of(&shop, "oci:extracted");
    }
}
