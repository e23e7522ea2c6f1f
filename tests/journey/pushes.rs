//! `sealift registry serve` as the place that a site's people push to, beside what the other verbs do there.

use bundle_format::Digest;
use serde_json::json;

use super::common::{Background, Shop, db, have, tree};
use crate::common::files::assert_same;
use crate::common::process::wait_for;

fn serve(shop: &Shop, rest: &str) -> (Background, String) {
    let mut server = Background::start(&mut shop.command(&format!("registry serve --listen 127.0.0.1:0 {rest}")));
    let host = server.address();
    (server, host)
}

/// Pushes the layout `layout` with skopeo.
fn push(shop: &Shop, host: &str, name: &str) {
    let copy = "skopeo copy -q --insecure-policy --preserve-digests --dest-tls-verify=false oci:layout:it";
    shop.run(&format!("{copy} docker://{host}/{name}"));
}

fn digest(shop: &Shop, host: &str, name: &str) -> Digest {
    Digest::of(&shop.run(&format!("skopeo inspect --raw --tls-verify=false docker://{host}/{name}")))
}

/// The status of a request by curl.
fn status(shop: &Shop, arguments: &str) -> String {
    String::from_utf8(shop.run(&format!("curl -s -o /dev/null -w %{{http_code}} {arguments}"))).unwrap()
}

#[test]
fn what_clients_push_is_never_taken_for_a_version_that_was_imported() {
    if !have(&["skopeo", "curl"]) {
        return;
    }
    let shop = Shop::imported();
    db().write_layout(&shop.path("layout"), "it").unwrap();
    let before = shop.sealift("list --site site --json").ok().json();
    let (server, host) = serve(&shop, "--site site");
    push(&shop, &host, "sealift/shop:9.9.9");
    push(&shop, &host, "sealift/other:1.0.0");
    let version = format!("http://{host}/v2/sealift/shop/manifests/1.0.0");
    assert_eq!(status(&shop, &format!("-X DELETE {version}")), "403");
    shop.run(&format!("curl -sf -o version.json {version}"));
    // The very bytes of a version, under another name, are not the version: nobody signed that name.
    let put = "-X PUT -H content-type:application/vnd.oci.image.index.v1+json --data-binary @version.json";
    assert_eq!(status(&shop, &format!("{put} http://{host}/v2/sealift/shop/manifests/2.0.0")), "201");
    assert_eq!(shop.sealift("list --site site --json").ok().json(), before);
    server.signal("TERM");
    server.end().ok();
    assert_eq!(shop.sealift("list --site site --json").ok().json(), before);
    shop.refuses("install shop:9.9.9 --site site -n team --target dir:out", 6, "E-NOT-FOUND", &["shop:9.9.9"]);
    shop.refuses("install shop:2.0.0 --site site -n team --target dir:out", 6, "E-NOT-FOUND", &["shop:2.0.0"]);
    shop.sealift("install shop --site site -n team --target dir:out").ok();
}

#[test]
fn of_two_servers_on_a_site_one_takes_pushes_and_the_other_shows_them() {
    if !have(&["skopeo", "curl"]) {
        return;
    }
    let shop = Shop::imported();
    db().write_layout(&shop.path("layout"), "it").unwrap();
    let (first, host) = serve(&shop, "--site site");
    shop.sealift("registry serve --listen 127.0.0.1:0 --site site").refused(6, "E-LOCKED", &["--read-only"]);
    let (_second, beside) = serve(&shop, "--site site --read-only");
    push(&shop, &host, "team/app:1");
    wait_for("the other one shows it", || status(&shop, &format!("http://{beside}/v2/team/app/manifests/1")) == "200");
    assert_eq!(digest(&shop, &beside, "team/app:1"), db().root().digest);
    assert_eq!(status(&shop, &format!("-X DELETE http://{beside}/v2/team/app/manifests/1")), "405");
    first.signal("TERM");
    first.end().ok();
    let (_third, host) = serve(&shop, "--site site");
    assert_eq!(digest(&shop, &host, "team/app:1"), db().root().digest, "it is there after a restart");
}

#[test]
fn a_client_pushes_while_an_import_runs_and_both_are_there() {
    if !have(&["skopeo", "curl"]) {
        return;
    }
    let shop = Shop::imported();
    db().write_layout(&shop.path("layout"), "it").unwrap();
    shop.edit("version: \"1.0.0\"", "version: \"1.1.0\"");
    shop.sealift("pack sealift.yaml -o next.sealift --key vendor.pem").ok();
    let (_server, host) = serve(&shop, "--site site");
    let mut import = Background::fed(&mut shop.command("import - --key vendor.pub --site site"));
    // All of it but the knowledge that nothing follows.
    import.feed(&shop.read("next.sealift"));
    push(&shop, &host, "team/app:1");
    assert_eq!(digest(&shop, &host, "team/app:1"), db().root().digest);
    import.end().ok();
    wait_for("the new version is shown", || {
        status(&shop, &format!("http://{host}/v2/sealift/shop/manifests/1.1.0")) == "200"
    });
    assert_eq!(digest(&shop, &host, "team/app:1"), db().root().digest);
    let listed = shop.sealift("list --site site --json").ok().stdout;
    assert!(["1.0.0", "1.1.0"].iter().all(|version| listed.contains(&format!("\"{version}\""))), "{listed}");
}

#[test]
fn a_server_makes_its_site_where_there_is_none() {
    if !have(&["skopeo", "curl"]) {
        return;
    }
    let shop = Shop::packed();
    db().write_layout(&shop.path("layout"), "it").unwrap();
    let (server, host) = serve(&shop, "--site fresh");
    push(&shop, &host, "team/app:1");
    server.signal("TERM");
    server.end().ok();
    shop.sealift("import shop.sealift --key vendor.pub --site fresh").ok();
    let (_server, host) = serve(&shop, "--site fresh");
    assert_eq!(digest(&shop, &host, "team/app:1"), db().root().digest);
    assert_eq!(status(&shop, &format!("http://{host}/v2/sealift/shop/manifests/1.0.0")), "200");
}

#[test]
fn several_bundles_are_served_together_and_take_no_pushes() {
    if !have(&["skopeo", "curl"]) {
        return;
    }
    let shop = Shop::packed();
    shop.edit("version: \"1.0.0\"", "version: \"1.1.0\"");
    shop.sealift("pack sealift.yaml -o next.sealift --key vendor.pem").ok();
    db().write_layout(&shop.path("layout"), "it").unwrap();
    let before = tree(shop.dir());
    let (server, host) = serve(&shop, "--bundle shop.sealift --bundle next.sealift --key vendor.pub");
    let tags = shop.run(&format!("curl -sf http://{host}/v2/sealift/shop/tags/list"));
    let tags: serde_json::Value = serde_json::from_slice(&tags).unwrap();
    assert_eq!(tags["tags"], json!(["1.0.0", "1.1.0"]));
    assert_eq!(digest(&shop, &host, super::common::DB), db().root().digest);
    for change in ["-X POST http://HOST/v2/a/blobs/uploads/", "-X DELETE http://HOST/v2/sealift/shop/manifests/1.0.0"] {
        assert_eq!(status(&shop, &change.replace("HOST", &host)), "405", "{change}");
    }
    server.signal("TERM");
    server.end().ok();
    assert_same(&before, &tree(shop.dir()), "serving writes nothing");
}
