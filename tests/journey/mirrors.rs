//! `sealift registry mirrors` and `sealift registry check`: nodes are told where to pull from, and the answers that they will get are
//! tried before.

use std::os::unix::fs::PermissionsExt as _;

use bundle_format::Digest;

use super::common::{API, Background, DB, Shop, WEB, api, db, have, tree, web};
use crate::common::files::assert_same;

const CONF: &str = "etc/containers/registries.conf.d/050-sealift.conf";

fn served(shop: &Shop) -> (Background, String) {
    let mut server = Background::start(&mut shop.command("registry serve --site site --listen 127.0.0.1:0"));
    let host = server.address();
    (server, host)
}

#[test]
fn a_node_pulls_original_names_with_the_files_that_a_site_makes_for_it() {
    if !have(&["skopeo"]) {
        return;
    }
    let shop = Shop::imported();
    let (_server, host) = served(&shop);
    let line = format!("registry mirrors --for podman --site site --mirror http://{host} -o node");
    let ran = shop.sealift(&line).ok();
    assert!(ran.stdout.contains(&format!("written  node/{CONF}")), "{ran:?}");
    for (name, image) in [(WEB, web()), (API, api()), (DB, db())] {
        let raw = shop.run(&format!("skopeo --registries-conf node/{CONF} inspect --raw docker://{name}"));
        assert_eq!(Digest::of(&raw), image.root().digest, "{name}");
    }
    let before = tree(&shop.path("node"));
    let again = shop.sealift(&line).ok();
    assert!(again.stdout.contains(&format!("the same node/{CONF}")), "{again:?}");
    assert_same(&before, &tree(&shop.path("node")), "the same again changes nothing");
}

#[test]
fn the_registries_are_those_of_the_content_and_those_that_are_named() {
    let shop = Shop::imported();
    for source in ["--site site", "--bundle shop.sealift --key vendor.pub"] {
        let line = format!("registry mirrors --json --for containerd --mirror http://10.0.0.5:5000 {source}");
        let report = shop.sealift(&line).ok().json();
        assert_eq!(report["registries"], serde_json::json!(["registry.example"]), "{source}");
        let paths: Vec<&str> =
            report["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
        let folder = "/etc/containerd/certs.d";
        assert_eq!(
            paths,
            [format!("{folder}/registry.example/hosts.toml"), format!("{folder}/10.0.0.5_5000_/hosts.toml")]
        );
        let report = shop.sealift(&format!("{line} --host quay.io --host index.docker.io")).ok().json();
        assert_eq!(report["registries"], serde_json::json!(["docker.io", "quay.io", "registry.example"]), "{source}");
    }
    let printed = shop.sealift("registry mirrors --for k3s --mirror http://10.0.0.5:5000 --host localhost:5000").ok();
    assert!(printed.stdout.starts_with("### /etc/rancher/k3s/registries.yaml\n"), "{printed:?}");
    assert!(printed.stderr.contains("systemctl restart k3s"), "{printed:?}");
    let why = "a bundle that nobody vouches for must not decide where nodes pull from";
    let ran = shop.refuses("registry mirrors --for k3s --mirror http://a.b --bundle shop.sealift", 3, "E-NO-KEY", &[]);
    assert!(ran.stdout.is_empty(), "{why}");
}

#[test]
fn what_is_on_a_node_is_not_lost() {
    let shop = Shop::new();
    let line = "registry mirrors --for docker --mirror http://10.0.0.5:5000 --host docker.io -o node";
    shop.write("node/etc/docker/daemon.json", b"{\"mtu\": 1400}\n");
    shop.refuses(line, 6, "E-EXISTS", &["node/etc/docker/daemon.json", "--force"]);
    shop.sealift(&format!("{line} --force")).ok();
    assert!(String::from_utf8(shop.read("node/etc/docker/daemon.json")).unwrap().contains("registry-mirrors"));
    shop.write("in-the-way/etc", b"a file");
    let line = line.replace("node", "in-the-way");
    shop.refuses(&line, 1, "E-IO", &["in-the-way/etc"]);
}

#[test]
fn a_login_is_read_by_its_owner_alone_and_not_logged() {
    let shop = Shop::new();
    shop.write("password", b"s3cret \"\\\n");
    let line = "registry mirrors --json --for k3s --mirror https://mirror.site:5000 --host quay.io --user node \
                --password-file password";
    let file = "node/etc/rancher/k3s/registries.yaml";
    shop.write(file, b"");
    let ran = shop.sealift(&format!("{line} -o node --force")).ok();
    let mode = std::fs::metadata(shop.path(file)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "also where a file was that everybody could read");
    let written = String::from_utf8(shop.read(file)).unwrap();
    assert!(written.contains(r#"password: "s3cret \"\\""#), "{written}");
    assert!(!ran.stdout.contains("s3cret") && !ran.stderr.contains("s3cret"), "{ran:?}");
    let printed = shop.sealift(line).ok().json();
    assert!(printed["files"][0]["content"].as_str().unwrap().contains("s3cret"), "without a folder it is the result");
    for (file, content) in [("colon", ""), ("two-lines", "a\nb"), ("latin", "ü")] {
        shop.write(file, content.as_bytes());
        let line = line.replace("--password-file password", &format!("--password-file {file}"));
        shop.refuses(&line, 2, "E-USAGE", &["the login", file]);
    }
}

#[test]
fn the_authority_of_the_site_goes_along_where_the_mirror_speaks_tls() {
    if !have(&["openssl"]) {
        return;
    }
    let shop = Shop::imported();
    std::fs::create_dir(shop.path("site/tls")).unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key";
    shop.run(&format!("openssl req -x509 {key} -out site/tls/ca.crt -days 2 -subj /CN=site"));
    let line = "registry mirrors --json --for containerd --site site --mirror";
    let secure = shop.sealift(&format!("{line} https://mirror.site")).ok().json();
    let content = |report: &serde_json::Value, i: usize| report["files"][i]["content"].as_str().unwrap().to_owned();
    assert_eq!(content(&secure, 1).into_bytes(), shop.read("site/tls/ca.crt"));
    let plain = shop.sealift(&format!("{line} http://mirror.site")).ok().json();
    assert!(!plain.to_string().contains("CERTIFICATE"), "{plain}");
    shop.refuses(&format!("{line} https://mirror.site --ca ca.key"), 2, "E-USAGE", &["ca.key", "private key"]);
    shop.refuses(&format!("{line} http://mirror.site --ca site/tls/ca.crt"), 2, "E-USAGE", &["http"]);
}

#[test]
fn the_check_is_content_with_a_site_and_with_what_a_bundle_says_is_there() {
    let shop = Shop::imported();
    let (_server, host) = served(&shop);
    for source in ["--site site", "--bundle shop.sealift --key vendor.pub --full", WEB] {
        let report = shop.sealift(&format!("registry check --json http://{host} {source}")).ok().json();
        assert_eq!(report["ok"], true, "{source}");
        let images = if source == WEB { 1 } else { 3 };
        let checked = report["checked"].as_array().unwrap();
        assert_eq!(checked.len(), images * 3, "{source}: three ways of asking for each");
        let clients: Vec<_> = checked.iter().flat_map(|c| c["clients"].as_array().unwrap()).collect();
        assert_eq!(clients.len(), images * 7, "{source}: every client");
    }
    let one = shop.sealift(&format!("registry check {host} --site site --for podman --for crio")).ok();
    assert!(one.stdout.contains(&format!("ok      {WEB} (podman, crio)")), "{one:?}");
    assert!(one.stdout.contains("all is well"), "{one:?}");
}

#[test]
fn the_check_fails_with_what_is_wrong_and_what_it_means() {
    let shop = Shop::imported();
    let (server, host) = served(&shop);
    let line = format!("registry check http://{host} --site site quay.io/no/such:1");
    let ran = shop.sealift(&line).refused(7, "E-REGISTRY", &["3 of 12 checks failed"]);
    assert!(ran.stdout.contains("FAILED  quay.io/no/such:1 (containerd, k3s, rke2, talos)"), "{ran:?}");
    assert!(ran.stdout.contains("HEAD /v2/no/such/manifests/1?ns=quay.io"), "{ran:?}");
    let report = shop.sealift(&format!("{line} --json"));
    assert_eq!(report.exit, Some(7));
    let checked = &report.json()["error"]["details"]["checked"];
    assert_eq!(checked[0]["problem"], serde_json::Value::Null);
    assert!(checked[9]["problem"]["meaning"].as_str().unwrap().contains("nodes cannot pull it"), "{checked}");
    // A layer that was damaged where it lies.
    let layer = db().blobs().iter().max_by_key(|(_, bytes)| bytes.len()).unwrap().0.hex();
    let path = format!("site/blobs/sha256/{layer}");
    let mut bytes = shop.read(&path);
    bytes[20] ^= 1;
    std::fs::remove_file(shop.path(&path)).unwrap();
    shop.write(&path, &bytes);
    let ran = shop.sealift(&format!("registry check http://{host} --site site --full")).refused(7, "E-REGISTRY", &[]);
    assert!(ran.stdout.contains(&format!("blobs/sha256:{layer}")), "{ran:?}");
    assert!(ran.stdout.contains("every client refuses it"), "{ran:?}");
    drop(server);
    shop.sealift(&line).refused(7, "E-REGISTRY", &["cannot be reached"]);
    let with_path = format!("registry check http://{host}/v2 --site site");
    shop.refuses(&with_path, 2, "E-USAGE", &["has no path"]);
}
#[test]
fn a_site_with_tls_and_logins_of_its_own_tells_nodes_all_that_they_need() {
    if !have(&["skopeo", "htpasswd"]) {
        return;
    }
    let shop = Shop::imported();
    shop.write("password", b"for-nodes\n");
    shop.write("users", &shop.run("htpasswd -nbB node for-nodes"));
    let line = "registry serve --site site --listen 127.0.0.1:0 --tls --htpasswd users";
    let mut server = Background::start(&mut shop.command(line));
    let said = server.line();
    let host = said.trim().rsplit_once("https://").unwrap_or_else(|| panic!("{said:?}")).1;
    let login = "--user node --password-file password";
    shop.sealift(&format!("registry mirrors --for podman --mirror https://{host} --site site {login} -o node")).ok();
    let logins = "node/root/.config/containers/auth.json";
    let skopeo = format!(
        "skopeo --registries-conf node/{CONF} inspect --raw --cert-dir node/etc/containers/certs.d/{host} --authfile {logins}"
    );
    for (name, image) in [(WEB, web()), (API, api()), (DB, db())] {
        let raw = shop.run(&format!("{skopeo} docker://{name}"));
        assert_eq!(Digest::of(&raw), image.root().digest, "{name}");
    }
    let check = format!("registry check https://{host} --site site --full");
    shop.sealift(&format!("{check} --authfile {logins}")).ok();
    shop.write("nobody.json", b"{\"auths\": {}}");
    shop.sealift(&format!("{check} --authfile nobody.json")).refused(7, "E-REGISTRY", &["without a login"]);
    let stranger = format!("registry check https://{host} {WEB} --authfile {logins}");
    shop.sealift(&stranger).refused(7, "E-REGISTRY", &["certificate"]);
}
