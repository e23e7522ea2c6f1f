//! Tags: given, moved, listed.

use bundle_format::media;
use serde_json::json;

use crate::content::Image;
use crate::registry::Registry;

#[test]
fn a_tag_that_moves_leaves_what_it_stood_for_by_its_digest() {
    let registry = Registry::new();
    let (old, new) = (Image::new("old"), Image::new("new"));
    registry.push("app", "1", &old);
    registry.push("app", "1", &new);
    assert_eq!(registry.tagged("app", "1"), new.digest());
    assert!(registry.has_manifest("app", &old.digest()) && registry.has_blob("app", &old.layer));
    registry.tag("app", "1", &old);
    assert_eq!(registry.tagged("app", "1"), old.digest(), "and back");
    assert!(registry.has_manifest("app", &new.digest()));
    assert_eq!(registry.tags("app"), ["1"]);
}

#[test]
fn a_manifest_is_given_many_tags_at_once() {
    let registry = Registry::new();
    let image = Image::new("many tags");
    registry.push("app", "old", &image);
    for count in [1, 10, 100] {
        let tags: Vec<String> = (0..count).map(|i| format!("{count}.{i:03}")).collect();
        let query: Vec<String> = tags.iter().map(|tag| format!("tag={tag}")).collect();
        let to = format!("app/manifests/{}?{}", image.digest(), query.join("&"));
        let put = registry.put_manifest(&to, media::OCI_MANIFEST, &image.manifest);
        assert_eq!((put.status, put.all("oci-tag")), (201, tags.iter().map(String::as_str).collect()), "{count}");
        for tag in &tags {
            assert_eq!(registry.tagged("app", tag), image.digest(), "{tag}");
        }
    }
    let known = registry.tags("app").len();
    assert_eq!(known, 112);
    let many: Vec<String> = (0..101).map(|i| format!("tag=x{i}")).collect();
    let to = format!("app/manifests/{}?{}", image.digest(), many.join("&"));
    let put = registry.put_manifest(&to, media::OCI_MANIFEST, &image.manifest);
    assert_eq!(put.outcome(), (414, "TAG_INVALID".to_owned()), "more than are taken");
    let to = format!("app/manifests/{}?tag=fine&tag=-not", image.digest());
    let put = registry.put_manifest(&to, media::OCI_MANIFEST, &image.manifest);
    assert_eq!(put.outcome(), (400, "TAG_INVALID".to_owned()), "one of them is none");
    assert_eq!(registry.tags("app").len(), known, "all are given, or none");
}

#[test]
fn a_tag_is_letters_digits_and_some_signs() {
    let registry = Registry::new();
    let image = Image::new("tag");
    registry.push("app", "first", &image);
    let (longest, longer) = ("t".repeat(128), "t".repeat(129));
    for (tag, taken) in [
        ("1", true),
        ("_", true),
        ("V1.0-rc_1", true),
        (longest.as_str(), true),
        (longer.as_str(), false),
        ("-1", false),
        (".1", false),
        ("1+2", false),
        ("a%20b", false),
        ("%C3%A9", false),
    ] {
        let to = format!("app/manifests/{tag}");
        let put = registry.put_manifest(&to, media::OCI_MANIFEST, &image.manifest);
        let expected = if taken { (201, String::new()) } else { (400, "TAG_INVALID".to_owned()) };
        assert_eq!(put.outcome(), expected, "{tag}");
        let expected = if taken { 200 } else { 404 };
        assert_eq!(registry.get(&to).status, expected, "{tag}: no manifest has a tag that is none");
    }
}

#[test]
fn tags_are_listed_in_order_and_in_pages() {
    let registry = Registry::new();
    let image = Image::new("pages");
    registry.push("my/app", "b", &image);
    for tag in ["a", "10", "9", "B", "_"] {
        registry.tag("my/app", tag, &image);
    }
    let all = ["10", "9", "B", "_", "a", "b"];
    let list = registry.get("my/app/tags/list");
    assert_eq!(list.json(), json!({"name": "my/app", "tags": all}));
    assert_eq!((list.header("content-type"), list.header("link")), ("application/json", ""));
    for (query, tags, link) in [
        ("n=0", &all[..0], ""),
        ("n=0&last=9", &[], ""),
        ("n=2", &all[..2], "</v2/my/app/tags/list?n=2&last=9>; rel=\"next\""),
        ("n=2&last=9", &all[2..4], "</v2/my/app/tags/list?n=2&last=%5F>; rel=\"next\""),
        ("last=9&n=4", &all[2..], ""),
        ("n=6", &all, ""),
        ("n=99999", &all, ""),
        ("last=A", &all[2..], ""),
        ("last=b", &[], ""),
    ] {
        let page = registry.get(&format!("my/app/tags/list?{query}"));
        assert_eq!((&page.json()["tags"], page.header("link")), (&json!(tags), link), "{query}");
    }
    let last = registry.get("my/app/tags/list?n=2&last=%5F");
    assert_eq!(last.json()["tags"], json!(&all[4..]));
    assert_eq!(registry.get("no/such/tags/list").outcome(), (404, "NAME_UNKNOWN".to_owned()));
}

#[test]
fn a_repository_without_tags_has_an_empty_list() {
    let registry = Registry::new();
    let image = Image::new("untagged");
    registry.push("app", &image.digest(), &image);
    assert_eq!(registry.get("app/tags/list").json(), json!({"name": "app", "tags": []}));
    assert!(registry.has_manifest("app", &image.digest()));
    registry.tag("app", "1", &image);
    assert_eq!(registry.tags("app"), ["1"], "a tag is seen at once");
}

#[test]
fn tags_of_many_clients_at_once_are_all_there() {
    let registry = Registry::new();
    let images: Vec<Image> = (0..8).map(|i| Image::new(&format!("client {i}"))).collect();
    std::thread::scope(|scope| {
        for (i, image) in images.iter().enumerate() {
            let registry = &registry;
            scope.spawn(move || {
                for turn in 0..5 {
                    registry.push("app", &format!("{i}.{turn}"), image);
                    registry.push(&format!("own/{i}"), "latest", image);
                    assert_eq!(registry.tagged("app", &format!("{i}.{turn}")), image.digest());
                }
            });
        }
    });
    assert_eq!(registry.tags("app").len(), 40);
    for (i, image) in images.iter().enumerate() {
        assert_eq!(registry.tagged(&format!("own/{i}"), "latest"), image.digest());
    }
}
