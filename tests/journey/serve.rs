//! `sealift registry serve`, from a site and straight out of a bundle: what clients fetch is what was packed.

use bundle_format::Digest;

use super::common::{API, Background, DB, Shop, Tree, WEB, api, db, have, tree, web};
use crate::common::files::{assert_same, proved_blobs};
use crate::common::process::Ran;

/// Every image by every address, whole and by digest, through skopeo.
fn fetched_by_skopeo(shop: &Shop, host: &str) {
    for (name, image) in [(WEB, web()), (API, api()), (DB, db())] {
        let digest = image.root().digest;
        let repository = name.split(':').next().unwrap();
        let short = name.split_once('/').unwrap().1;
        for reference in [name.to_owned(), format!("{repository}@{digest}"), short.to_owned()] {
            let source = format!("docker://{host}/{reference}");
            let raw = shop.run(&format!("skopeo inspect --raw --tls-verify=false {source}"));
            assert_eq!(Digest::of(&raw), digest, "{reference}");
        }
        let to = format!("fetched-{}", digest.hex());
        shop.run(&format!(
            "skopeo copy -q --all --preserve-digests --insecure-policy --src-tls-verify=false docker://{host}/{name} oci:{to}"
        ));
        assert_eq!(proved_blobs(&shop.path(&to)), image.blobs().len(), "{name}");
        std::fs::remove_dir_all(shop.path(&to)).unwrap();
    }
}

#[test]
fn a_site_serves_what_was_packed() {
    if !have(&["skopeo"]) {
        return;
    }
    let shop = Shop::imported();
    let before = tree(shop.dir());
    let line = "registry serve --site site --read-only --listen 127.0.0.1:0";
    let mut server = Background::start(&mut shop.command(line));
    let host = server.address();
    fetched_by_skopeo(&shop, &host);
    server.signal("TERM");
    server.end().ok();
    assert_same(&before, &tree(shop.dir()), "serving writes nothing");
}

#[test]
fn a_bundle_serves_what_was_packed() {
    if !have(&["skopeo"]) {
        return;
    }
    let shop = Shop::packed();
    let before: Tree = tree(shop.dir());
    let line = "registry serve --bundle shop.sealift --key vendor.pub --listen 127.0.0.1:0";
    let mut server = Background::start(&mut shop.command(line));
    let host = server.address();
    fetched_by_skopeo(&shop, &host);
    server.signal("INT");
    server.end().ok();
    assert_same(&before, &tree(shop.dir()), "serving writes nothing");
    shop.no_temporary_files();
}

#[test]
fn a_site_is_served_while_the_next_version_arrives() {
    if !have(&["curl"]) {
        return;
    }
    let shop = Shop::imported();
    shop.edit("version: \"1.0.0\"", "version: \"1.1.0\"");
    shop.sealift("pack sealift.yaml -o next.sealift --key vendor.pem").ok();
    let mut server = Background::start(&mut shop.command("registry serve --site site --listen 127.0.0.1:0"));
    let host = server.address();
    let tags = || String::from_utf8(shop.run(&format!("curl -sf http://{host}/v2/sealift/shop/tags/list"))).unwrap();
    assert!(tags().contains(r#"["1.0.0"]"#), "{}", tags());
    let mut import = Background::fed(&mut shop.command("import - --key vendor.pub --site site"));
    // Everything has come but the knowledge that nothing follows.
    import.feed(&shop.read("next.sealift"));
    assert!(tags().contains(r#"["1.0.0"]"#), "nothing is shown before all is proved: {}", tags());
    import.end().ok();
    crate::common::process::wait_for("the new version is served", || tags().contains(r#"["1.0.0","1.1.0"]"#));
}

#[test]
fn a_server_says_when_it_is_ready_and_what_it_was_asked() {
    let shop = Shop::imported();
    let manager = std::os::unix::net::UnixDatagram::bind(shop.path("notify")).unwrap();
    manager.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let told = || {
        let mut message = [0; 99];
        let n = manager.recv(&mut message).unwrap();
        String::from_utf8(message[..n].to_vec()).unwrap()
    };
    let mut command = shop.command("registry serve --site site --listen 127.0.0.1:0 --log json --log-requests all");
    let mut server = Background::start(command.env("NOTIFY_SOCKET", shop.path("notify")));
    let host = server.address();
    assert_eq!(told(), "READY=1");
    for path in ["/readyz", "/v2/?x=%0a", "/v2/no/such/manifests/1"] {
        shop.run(&format!("curl -sS -o answer http://{host}{path}"));
    }
    server.signal("TERM");
    assert_eq!(told(), "STOPPING=1");
    let ran = server.end().ok();
    let lines: Vec<serde_json::Value> = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let seen: Vec<_> = lines.iter().map(|l| (l["target"].as_str().unwrap(), l["status"].as_u64().unwrap())).collect();
    assert_eq!(seen, [("/readyz", 200), ("/v2/?x=%0a", 200), ("/v2/no/such/manifests/1", 404)]);
    assert_eq!((&lines[2]["type"], &lines[2]["code"]), (&"request".into(), &"NAME_UNKNOWN".into()));
}

#[test]
fn the_unit_of_the_specification_is_one_that_systemd_takes() {
    if !have(&["systemd-analyze"]) {
        return;
    }
    let shop = Shop::new();
    let spec = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/spec/registry.md")).unwrap();
    let unit = spec.split("```ini\n").nth(1).unwrap().split("```").next().unwrap();
    let unit =
        unit.replace("/usr/local/bin/sealift", env!("CARGO_BIN_EXE_sealift")).replace("User=sealift", "User=root");
    std::fs::write(shop.path("sealift-registry.service"), unit).unwrap();
    let mut verify = std::process::Command::new("systemd-analyze");
    let ran = Ran::of(shop.prepare(verify.args(["verify", "--man=no", "./sealift-registry.service"]))).ok();
    assert_eq!(ran.stderr, "", "what it does not know it only warns of");
}
