//! What a catalogue shows, and what it leaves out with which reason.

use std::fs;

use bundle_format::{Descriptor, Digest, media};
use registry_lite::catalog::Reason;
use registry_lite::digest::ContentDigest;
use registry_lite::server::View;
use serde_json::json;
use testdata::Image;

use crate::http::get;
use crate::site::{Site, Usual, image};

/// What is not served of `site`, with the reason: first roots, then what is missing below the roots of `repository`.
fn left_out(site: &Site, repository: &str) -> Vec<String> {
    let View { catalog, shelf } = site.view();
    let skipped = catalog.skipped().iter().map(ToString::to_string);
    let found = catalog.find(repository, None);
    let problems = found.iter().flat_map(|f| f.repository.problems(&shelf)).map(ToString::to_string);
    skipped.chain(problems).collect()
}

#[test]
fn only_what_a_root_of_the_repository_reaches_is_shown() {
    let usual = Usual::new();
    let View { catalog, shelf } = usual.site.view();
    assert!(catalog.skipped().is_empty(), "{:?}", catalog.skipped());
    let plain = catalog.find("quay.io/plain/app", None).unwrap().repository;
    let nginx = catalog.find("docker.io/library/nginx", None).unwrap().repository;
    assert_eq!(nginx.tag("1.25"), Some(usual.nginx.root().digest.into()));
    for (digest, bytes) in usual.plain.blobs() {
        let digest = &ContentDigest::from(*digest);
        let known = plain.manifest(digest, &shelf).map(|m| m.size).or(plain.blob(digest, &shelf));
        assert_eq!(known, Some(bytes.len() as u64));
        let elsewhere = nginx.manifest(digest, &shelf).is_some() || nginx.blob(digest, &shelf).is_some();
        assert!(!elsewhere, "{digest} is another repository's");
    }
    assert!(plain.blob(&usual.stray.into(), &shelf).is_none());
}

#[test]
fn an_unnamed_root_is_found_beside_its_subject_and_so_is_what_is_about_it() {
    let mut usual = Usual::new();
    let countersigned = usual.site.release(&usual.release);
    let nowhere = usual.site.release(&usual.stray);
    let View { catalog, shelf } = usual.site.view();
    let shop = catalog.find("sealift/shop", None).unwrap().repository;
    let about = |subject: Digest| -> Vec<_> {
        shop.referrers(&subject.into(), &shelf).map(|d| d.digest.sha256().unwrap()).collect()
    };
    assert_eq!(about(usual.template), [usual.release]);
    assert_eq!(about(usual.release), [countersigned]);
    assert!(shop.manifest(&usual.release.into(), &shelf).is_some());
    for path in catalog.repositories(None) {
        let repository = catalog.find(path, None).unwrap().repository;
        let found = repository.manifest(&nowhere.into(), &shelf);
        assert!(found.is_none(), "{path}: what is about nothing that is here is nowhere");
    }
}

#[test]
fn referrers_that_a_fallback_tag_lists_are_found_by_their_subject_as_well() {
    // What cosign and ORAS write where a registry has no referrers API (distribution-spec, "Enabling the Referrers API").
    let mut usual = Usual::new();
    let subject = usual.plain.root().digest;
    let says = usual.site.release(&subject);
    // Older tools list what does not say its subject itself.
    let config = Descriptor::new(media::OCI_EMPTY, usual.site.hold_blob(b"{}"), 2);
    let silent = json!({
        "schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "artifactType": "x/sbom", "config": config, "layers": [],
    });
    let silent = usual.site.hold_manifest(&silent, None);
    let listed = [says, silent, usual.stray].map(|digest| {
        Descriptor::new(media::OCI_MANIFEST, digest, fs::metadata(usual.site.blob(&digest)).unwrap().len())
    });
    let index = json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": listed});
    usual.site.hold_manifest(&index, Some(&format!("quay.io/plain/app:sha256-{}", subject.hex())));
    let View { catalog, shelf } = usual.site.view();
    let plain = catalog.find("quay.io/plain/app", None).unwrap().repository;
    let found: Vec<_> = plain.referrers(&subject.into(), &shelf).map(|d| d.digest.sha256().unwrap()).collect();
    let mut expected = [says, silent];
    expected.sort();
    assert_eq!(found, expected, "in the order of their digests, each once");
}

#[test]
fn an_index_whose_platforms_were_narrowed_is_served_without_them() {
    let usual = Usual::new();
    let View { catalog, shelf } = usual.site.view();
    let sparse = catalog.find("ghcr.io/sparse/tool", None).unwrap().repository;
    assert!(sparse.manifest(&usual.sparse.root().digest.into(), &shelf).is_some());
    assert!(sparse.manifest(&usual.absent.into(), &shelf).is_none());
}

#[test]
fn a_root_whose_name_cannot_be_served_is_left_out_with_the_reason() {
    let app = image("linux/amd64", "broken", 100);
    let layer = *app.blobs().iter().max_by_key(|(_, bytes)| bytes.len()).unwrap().0;
    for (why, name, reason) in [
        ("a name that is none", "../escape:1".to_owned(), "is not a name".to_owned()),
        ("the path of another registry's images", "quay.io_5000/app:1".to_owned(), "another registry".to_owned()),
        ("another digest than its name's", format!("quay.io/broken/app@{layer}"), format!("the name says {layer}")),
    ] {
        let mut site = Site::new();
        site.hold(&app, Some(&name), &[]);
        let left_out = left_out(&site, "quay.io/broken/app");
        assert!(left_out.len() == 1 && left_out[0].contains(&reason), "{why}: {left_out:?}");
        assert_eq!(site.view().catalog.repositories(None).count(), 0, "{why}: nothing of it is served");
    }
    let mut site = Site::new();
    let text = Descriptor::new("text/plain", site.hold_blob(b"text"), 4);
    site.name(text, Some("quay.io/broken/app:1"));
    assert!(matches!(site.view().catalog.skipped()[0].reason, Reason::NotADocument { .. }));
}

/// What is asked for after a damage: the root by its tag, the platform's manifest, its layer.
struct Damage {
    site: Site,
    root: Digest,
    manifest: Digest,
    layer: Digest,
}

impl Damage {
    fn new() -> Self {
        let app = image("linux/amd64", "broken", 100);
        let (manifest, blobs) = (app.root().digest, app.blobs());
        let layer = *blobs.iter().max_by_key(|(_, bytes)| bytes.len()).unwrap().0;
        let mut site = Site::new();
        let root = site.hold(&Image::index([app]).unwrap(), Some("quay.io/broken/app:1"), &[]);
        Self { site, root, manifest, layer }
    }

    /// Status of root, manifest and layer.
    fn served(&self) -> ([u16; 3], usize) {
        let server = self.site.serve();
        let status = |path: String| get(&server, &format!("/v2/quay.io/broken/app/{path}")).status;
        let manifest = status(format!("manifests/{}", self.manifest));
        let statuses = [status("manifests/1".to_owned()), manifest, status(format!("blobs/{}", self.layer))];
        (statuses, server.events().len())
    }
}

#[test]
fn what_is_lost_is_404_and_reported_and_the_rest_of_its_root_is_served() {
    type Harm = fn(&Damage);
    fn remove(damage: &Damage, digest: &Digest) {
        fs::remove_file(damage.site.blob(digest)).unwrap();
    }
    fn other(damage: &Damage, digest: &Digest) {
        let path = damage.site.blob(digest);
        let len = fs::metadata(&path).unwrap().len();
        fs::write(&path, vec![b' '; usize::try_from(len).unwrap()]).unwrap();
    }
    assert_eq!(Damage::new().served(), ([200; 3], 0));
    // The layer is known from the manifest that lists it alone: without that, it is nobody's, and no event.
    for (why, harm, expected) in [
        ("a missing layer", (|d| remove(d, &d.layer)) as Harm, ([200, 200, 404], 1)),
        ("a layer that lost its end", |d| fs::write(d.site.blob(&d.layer), b"short").unwrap(), ([200, 200, 404], 1)),
        (
            "a layer that is a folder",
            |d| {
                remove(d, &d.layer);
                fs::create_dir(d.site.blob(&d.layer)).unwrap();
            },
            ([200, 200, 404], 1),
        ),
        ("a missing platform", |d| remove(d, &d.manifest), ([200, 404, 404], 0)),
        ("a platform with other bytes", |d| other(d, &d.manifest), ([200, 404, 404], 0)),
        ("a missing root", |d| remove(d, &d.root), ([404, 404, 404], 1)),
        ("a root with other bytes", |d| other(d, &d.root), ([404, 404, 404], 1)),
    ] {
        let damage = Damage::new();
        harm(&damage);
        assert_eq!(damage.served(), expected, "{why}");
    }
}

#[test]
fn what_cannot_be_read_below_a_root_is_listed_as_a_problem() {
    let app = image("linux/amd64", "broken", 100);
    let nested = (0..5).fold(app.clone(), |inner, _| Image::index([inner]).unwrap());
    let name = Some("quay.io/broken/app:1");
    let mut missing = Site::new();
    let root = missing.hold(&app, name, &[]);
    fs::remove_file(missing.blob(&root)).unwrap();
    let mut other = Site::new();
    let root = other.hold(&app, name, &[]);
    fs::write(other.blob(&root), b"{}").unwrap();
    let mut long = Site::new();
    let root = long.hold(&app, name, &[]);
    fs::File::options().write(true).open(long.blob(&root)).unwrap().set_len((4 << 20) + 1).unwrap();
    let mut deep = Site::new();
    deep.hold(&nested, name, &[]);
    for (why, site, reason) in [
        ("a missing manifest", missing, "is not held"),
        ("other bytes", other, "was expected, what is held is"),
        ("longer than a manifest", long, "more than the 4194304 of a manifest"),
        ("too deep", deep, "lies deeper than 4 indexes"),
    ] {
        let left_out = left_out(&site, "quay.io/broken/app");
        assert!(left_out.len() == 1 && left_out[0].contains(reason), "{why}: {left_out:?}");
    }
}

#[test]
fn one_broken_root_does_not_take_the_others_along() {
    let mut usual = Usual::new();
    let app = image("linux/amd64", "broken", 100);
    let broken = usual.site.hold(&app, Some("quay.io/plain/app:2"), &[]);
    usual.site.hold(&app, Some("quay.io/plain/app:1"), &[]);
    fs::remove_file(usual.site.blob(&broken)).unwrap();
    let View { catalog, shelf } = usual.site.view();
    let plain = catalog.find("quay.io/plain/app", None).unwrap().repository;
    assert_eq!(plain.tags(None).collect::<Vec<_>>(), ["1", "2", "latest"], "what names stand for is known");
    assert_eq!(plain.tag("1"), Some(usual.plain.root().digest.into()), "the first of a name stays");
    let reasons: Vec<_> = catalog.skipped().iter().map(|s| &s.reason).collect();
    assert!(matches!(reasons[..], [Reason::NameTaken { .. }]), "{reasons:?}");
    assert_eq!(plain.problems(&shelf).count(), 1);
    for digest in usual.plain.blobs().keys().filter(|digest| **digest != usual.plain.root().digest) {
        assert!(plain.blob(&(*digest).into(), &shelf).is_some(), "{digest}");
    }
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
    site.name(list, Some("sealift/many:1"));
    let View { catalog, shelf } = site.view();
    let many = catalog.find("sealift/many", None).unwrap().repository;
    assert_eq!(many.problems(&shelf).count(), 0);
    assert!(many.manifest(&inner.root().digest.into(), &shelf).is_some());
}
