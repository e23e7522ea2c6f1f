//! What a catalogue shows, and what it leaves out with which reason.

use std::fs;

use bundle_format::{Descriptor, Digest, media};
use registry_lite::catalog::{Catalog, Reason};
use serde_json::json;
use testdata::Image;

use crate::site::{Layout, Site, Usual, image};

/// The reasons in the catalogue of `site`, by name.
fn skipped(site: &Site) -> Vec<String> {
    site.view().catalog.skipped().iter().map(ToString::to_string).collect()
}

#[test]
fn only_what_a_root_of_the_repository_reaches_is_shown() {
    let usual = Usual::new();
    let catalog = usual.site.view().catalog;
    assert!(catalog.skipped().is_empty(), "{:?}", catalog.skipped());
    let plain = catalog.find("quay.io/plain/app", None).unwrap().repository;
    let nginx = catalog.find("docker.io/library/nginx", None).unwrap().repository;
    assert_eq!(nginx.tag("1.25"), Some(usual.nginx.root().digest));
    for (digest, bytes) in usual.plain.blobs() {
        let known = plain.manifest(digest).map(|m| m.size).or(plain.blob(digest));
        assert_eq!(known, Some(bytes.len() as u64));
        assert!(nginx.manifest(digest).is_none() && nginx.blob(digest).is_none(), "{digest} is another repository's");
    }
    assert!(plain.blob(&usual.stray).is_none());
}

#[test]
fn an_unnamed_root_is_found_beside_its_subject_and_so_is_what_is_about_it() {
    let mut usual = Usual::new();
    let countersigned = usual.site.release(&usual.release);
    let nowhere = usual.site.release(&usual.stray);
    let catalog = usual.site.view().catalog;
    let shop = catalog.find("sealift/shop", None).unwrap().repository;
    let about = |subject: &Digest| shop.referrers(subject).map(|d| d.digest).collect::<Vec<_>>();
    assert_eq!(about(&usual.template), [usual.release]);
    assert_eq!(about(&usual.release), [countersigned]);
    assert!(shop.manifest(&usual.release).is_some());
    let [skipped] = catalog.skipped() else { panic!("{:?}", catalog.skipped()) };
    assert!(matches!(skipped.reason, Reason::Unreachable));
    assert_eq!(skipped.root.digest, nowhere);
}

#[test]
fn referrers_that_a_fallback_tag_lists_are_found_by_their_subject_as_well() {
    // What cosign and ORAS write where a registry has no referrers API (distribution-spec, "Enabling the Referrers API").
    let mut usual = Usual::new();
    let subject = usual.plain.root().digest;
    let about = usual.site.release(&subject);
    let size = fs::metadata(usual.site.blob(&about)).unwrap().len();
    let list = [Descriptor::new(media::OCI_MANIFEST, about, size)];
    let index = json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": list});
    usual.site.hold_manifest(&index, Some(&format!("quay.io/plain/app:sha256-{}", subject.hex())));
    let catalog = usual.site.view().catalog;
    let plain = catalog.find("quay.io/plain/app", None).unwrap().repository;
    assert_eq!(plain.referrers(&subject).map(|d| d.digest).collect::<Vec<_>>(), [about]);
}

#[test]
fn an_index_whose_platforms_were_narrowed_is_whole() {
    let usual = Usual::new();
    let catalog = usual.site.view().catalog;
    let sparse = catalog.find("ghcr.io/sparse/tool", None).unwrap().repository;
    assert!(sparse.manifest(&usual.sparse.root().digest).is_some());
    assert!(sparse.manifest(&usual.absent).is_none());
}

#[test]
fn a_root_that_cannot_be_served_whole_is_left_out_with_the_reason() {
    let app = image("linux/amd64", "broken", 100);
    let layer = *app.blobs().iter().max_by_key(|(_, bytes)| bytes.len()).unwrap().0;
    let name = Some("quay.io/broken/app:1");

    let mut missing = Site::new();
    missing.hold(&app, name, &[layer]);
    let mut short = Site::new();
    short.hold(&app, name, &[]);
    fs::write(short.blob(&layer), b"short").unwrap();
    let mut gone = Site::new();
    let root = gone.hold(&app, name, &[]);
    fs::remove_file(gone.blob(&root)).unwrap();
    let mut other = Site::new();
    let root = other.hold(&app, name, &[]);
    let size = fs::metadata(other.blob(&root)).unwrap().len();
    fs::write(other.blob(&root), vec![b' '; usize::try_from(size).unwrap()]).unwrap();
    let mut folder = Site::new();
    folder.hold(&app, name, &[]);
    fs::remove_file(folder.blob(&layer)).unwrap();
    fs::create_dir(folder.blob(&layer)).unwrap();
    let mut deep = Site::new();
    let nested = (0..5).fold(app.clone(), |inner, _| Image::index([inner]).unwrap());
    deep.hold(&nested, name, &[]);
    let mut named = Site::new();
    named.hold(&app, Some(&format!("quay.io/broken/app@{layer}")), &[]);

    let mut unspeakable = Site::new();
    unspeakable.hold(&app, Some("../escape:1"), &[]);

    for (why, site, reason) in [
        ("a name that is none", unspeakable, "is not an image name".to_owned()),
        ("a missing layer", missing, format!("{layer} is not held")),
        ("a layer that lost its end", short, format!("{layer} has 5 bytes instead of")),
        ("a missing manifest", gone, "is not held".to_owned()),
        ("other bytes", other, "was expected, the content is".to_owned()),
        ("a blob that is no file", folder, "not a regular file".to_owned()),
        ("too deep", deep, "lies deeper than 4 indexes".to_owned()),
        ("another digest than its name's", named, format!("the name says {layer}")),
    ] {
        let skipped = skipped(&site);
        assert!(skipped.len() == 1 && skipped[0].contains(&reason), "{why}: {skipped:?}");
        assert!(site.view().catalog.find("quay.io/broken/app", None).is_err(), "{why}: nothing of it is served");
    }
}

#[test]
fn one_broken_root_does_not_take_the_others_along() {
    let mut usual = Usual::new();
    let app = image("linux/amd64", "broken", 100);
    let layer = *app.blobs().iter().max_by_key(|(_, bytes)| bytes.len()).unwrap().0;
    usual.site.hold(&app, Some("quay.io/plain/app:2"), &[layer]);
    usual.site.hold(&app, Some("quay.io/plain/app:1"), &[]);
    fs::remove_file(usual.site.blob(&layer)).unwrap();
    let catalog = usual.site.view().catalog;
    let plain = catalog.find("quay.io/plain/app", None).unwrap().repository;
    assert_eq!(plain.tags(None).collect::<Vec<_>>(), ["1", "latest"]);
    assert_eq!(plain.tag("1"), Some(usual.plain.root().digest), "the first of a name stays");
    let reasons: Vec<_> = catalog.skipped().iter().map(|s| &s.reason).collect();
    assert!(matches!(reasons[..], [Reason::Missing { .. }, Reason::NameTaken { .. }]), "{reasons:?}");
}

#[test]
fn a_root_that_is_neither_a_manifest_nor_an_index_is_left_out() {
    let site = Site::new();
    let blob = Descriptor::new("text/plain", site.hold_blob(b"text"), 4);
    let roots = [("sealift/text:1".parse().unwrap(), blob)];
    let catalog = Catalog::build(roots, &Layout(site.path().to_owned())).unwrap();
    assert!(matches!(catalog.skipped()[0].reason, Reason::NotADocument { .. }));
}

#[test]
fn a_list_of_the_same_index_many_times_costs_no_more_than_its_content() {
    // 40 entries at each of 4 levels would be 2.5 million walks.
    let mut site = Site::new();
    let inner = image("linux/amd64", "many", 10);
    site.hold(&inner, None, &[]);
    let mut list = inner.root().clone();
    for _ in 0..4 {
        let index = json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": vec![&list; 40]});
        let digest = site.hold_manifest(&index, None);
        list = Descriptor::new(media::OCI_INDEX, digest, fs::metadata(site.blob(&digest)).unwrap().len());
    }
    let catalog = Catalog::build([("sealift/many:1".parse().unwrap(), list)], &Layout(site.path().to_owned())).unwrap();
    assert!(catalog.skipped().is_empty(), "{:?}", catalog.skipped());
}
