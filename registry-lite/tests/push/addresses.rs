//! Where a push goes, and by which addresses it is found (spec/registry.md section 3).

use bundle_format::media;

use crate::content::{Image, sha256};
use crate::http::with;
use crate::registry::Registry;

/// Pushes by an address with a query, as a client does that takes this server for a mirror.
fn push(registry: &Registry, name: &str, query: &str, image: &Image) {
    for blob in [&image.config, &image.layer] {
        let begun = registry.request("POST", &format!("{name}/blobs/uploads/{query}")).send();
        assert_eq!(begun.status, 202, "{name}{query}: {begun:?}");
        let moved = registry.patch(begun.header("location"), None, blob);
        assert_eq!(moved.status, 202, "{name}{query}: {moved:?}");
        let to = with(moved.header("location"), &format!("digest={}", sha256(blob)));
        let done = registry.request("PUT", &to).send();
        assert_eq!(done.status, 201, "{name}{query}: {done:?}");
        assert_eq!(registry.get(done.header("location")).body, *blob, "{name}{query}: the location leads to it");
    }
    let put = registry.put_manifest(&format!("{name}/manifests/1{query}"), media::OCI_MANIFEST, &image.manifest);
    assert_eq!(put.status, 201, "{name}{query}: {put:?}");
    assert_eq!(registry.get(put.header("location")).body, image.manifest, "{name}{query}");
}

#[test]
fn a_push_is_found_by_every_address_of_its_repository() {
    let hub: &[(&str, &str, &str)] = &[
        ("docker.io/library/nginx", "", ""),
        ("docker.io/nginx", "", ""),
        ("index.docker.io/library/nginx", "", ""),
        ("library/nginx", "?ns=docker.io", "docker.io"),
        ("nginx", "?ns=docker.io", "docker.io"),
        ("library/nginx", "?ns=registry-1.docker.io", "registry-1.docker.io"),
        ("library/nginx", "", ""),
        ("nginx", "", ""),
    ];
    let port: &[(&str, &str, &str)] = &[
        ("localhost_5000/shop/web", "", ""),
        ("shop/web", "?ns=localhost%3A5000", "localhost:5000"),
        ("shop/web", "?ns=localhost:5000", "localhost:5000"),
        ("shop/web", "", ""),
    ];
    let own: &[(&str, &str, &str)] = &[("team/app", "", "")];
    for (pushed, query, path, addresses) in [
        ("docker.io/library/nginx", "", "docker.io/library/nginx", hub),
        ("docker.io/nginx", "", "docker.io/library/nginx", hub),
        ("registry.docker.io/nginx", "", "docker.io/library/nginx", hub),
        ("nginx", "?ns=docker.io", "docker.io/library/nginx", hub),
        ("library/nginx", "?ns=index.docker.io", "docker.io/library/nginx", hub),
        ("localhost_5000/shop/web", "", "localhost_5000/shop/web", port),
        ("shop/web", "?ns=localhost%3A5000", "localhost_5000/shop/web", port),
        ("team/app", "", "team/app", own),
    ] {
        let registry = Registry::new();
        let image = Image::new(pushed);
        push(&registry, pushed, query, &image);
        assert_eq!(registry.get("_catalog").json()["repositories"], serde_json::json!([path]), "{pushed}{query}");
        for (name, query, namespace) in addresses {
            for reference in ["1".to_owned(), image.digest()] {
                let read = registry.get(&format!("{name}/manifests/{reference}{query}"));
                assert_eq!((read.status, &read.body), (200, &image.manifest), "{pushed} by {name}{query}");
                assert_eq!(read.header("oci-namespace"), *namespace, "{pushed} by {name}{query}");
            }
            let blob = registry.get(&format!("{name}/blobs/{}{query}", sha256(&image.layer)));
            assert_eq!(blob.body, image.layer, "{pushed} by {name}{query}");
        }
        assert_eq!(registry.get("nginx/manifests/1?ns=quay.io").status, 404, "another registry's name");
    }
}

#[test]
fn a_bare_name_is_never_pushed_into_another_registrys_repository() {
    let registry = Registry::new();
    let (theirs, ours) = (Image::new("theirs"), Image::new("ours"));
    registry.push("docker.io/library/nginx", "1", &theirs);
    assert_eq!(registry.tagged("nginx", "1"), theirs.digest(), "nothing else has the name");
    assert_eq!(registry.delete("nginx/manifests/1").status, 404, "a change means our own");
    assert_eq!(registry.delete(&format!("nginx/blobs/{}", sha256(&theirs.layer))).status, 404);
    registry.push("nginx", "1", &ours);
    assert_eq!(registry.tagged("nginx", "1"), ours.digest(), "a whole path goes before");
    assert_eq!(registry.tagged("docker.io/nginx", "1"), theirs.digest());
    assert_eq!(registry.delete("nginx/manifests/1?ns=docker.io").status, 202);
    assert_eq!(registry.tags("docker.io/library/nginx"), Vec::<String>::new());
    assert_eq!(registry.tags("nginx"), ["1"]);
}

#[test]
fn a_name_that_several_registries_have_must_say_which() {
    let registry = Registry::new();
    let image = Image::new("everywhere");
    registry.push("quay.io/a/b", "1", &image);
    registry.push("ghcr.io/a/b", "1", &image);
    let answer = registry.get("a/b/manifests/1");
    assert_eq!(answer.outcome(), (404, "NAME_UNKNOWN".to_owned()));
    let message = answer.json()["errors"][0]["message"].to_string();
    assert!(message.contains("ghcr.io/a/b") && message.contains("quay.io/a/b"), "{message}");
    assert_eq!(registry.tagged("quay.io/a/b", "1"), image.digest());
}

#[test]
fn a_namespace_is_a_registrys_host_or_the_server_itself() {
    let registry = Registry::new();
    let image = Image::new("own");
    for ns in ["team", "localhost_5000", "a/b", "quay.io/x", "%00"] {
        let answer = registry.request("POST", &format!("app/blobs/uploads/?ns={ns}")).send();
        assert_eq!(answer.outcome(), (400, "NAME_INVALID".to_owned()), "{ns}");
    }
    push(&registry, "team/app", "", &image);
    let read = registry.request("GET", "team/app/manifests/1?ns=registry.site").header("Host", "registry.site").send();
    assert_eq!((read.status, read.header("oci-namespace")), (200, ""), "a mirror of itself");
    let begun = registry.request("POST", "own/blobs/uploads/?ns=registry.site").header("Host", "registry.site").send();
    assert_eq!(registry.finish(begun.header("location"), &sha256(b"x"), b"x").status, 201);
    assert!(registry.has_blob("own", b"x"), "a push to itself goes to our own");
}

#[test]
fn an_upload_is_the_same_under_every_spelling_of_its_repository() {
    let registry = Registry::new();
    let location = registry.begin("docker.io/library/nginx");
    let other = location.replace("docker.io/library/nginx", "docker.io/nginx");
    assert_eq!(registry.patch(&other, None, b"x").status, 202);
    let namespace = with(&location.replace("docker.io/library/nginx", "nginx"), "ns=docker.io");
    assert_eq!(registry.get(&namespace).status, 204);
    let elsewhere = with(&location.replace("docker.io/library/nginx", "nginx"), "ns=quay.io");
    assert_eq!(registry.get(&elsewhere).status, 404);
    assert_eq!(registry.finish(&location, &sha256(b"x"), b"").status, 201);
}
