//! Real clients with the configuration that is made for them: they pull by original names, and go nowhere else.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use bundle_format::Digest;
use registry_lite::mirrors::{CaCertificates, ClientKind, Login, Mirror, RegistryHost, configuration};
use tempfile::TempDir;

use crate::clients::{have, run, skip};
use crate::containerd::Containerd;
use crate::nginx::{Front, LOGIN, Nginx};
use crate::site::Usual;

fn registries() -> BTreeSet<RegistryHost> {
    ["docker.io", "quay.io", "localhost:5000", "ghcr.io"].iter().map(|host| host.parse().unwrap()).collect()
}

/// The server itself, in plain text and for anyone.
fn open(host: &str) -> Mirror {
    format!("http://{host}").parse().unwrap()
}

/// Behind nginx, with TLS and a login.
fn secured(nginx: &Nginx) -> Mirror {
    let mirror: Mirror = format!("https://{}", nginx.host()).parse().unwrap();
    let ca = CaCertificates::from_pem(&fs::read(nginx.path("ca.pem")).unwrap()).unwrap();
    mirror.trusting(ca).unwrap().as_user(Login::new(LOGIN.0, LOGIN.1).unwrap())
}

/// Writes the files of `client` below `root`.
fn write(client: ClientKind, mirror: &Mirror, root: &Path) {
    for file in configuration(client, mirror, &registries()).files {
        let path = root.join(file.place.relative());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, file.content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(file.mode.bits())).unwrap();
    }
}

/// Every image under its original name, and what is not there.
fn containerd_pulls(usual: &Usual, mirror: &Mirror) {
    let root = TempDir::new().unwrap();
    write(ClientKind::Containerd, mirror, root.path());
    let hosts = |folder: &Path| fs::rename(root.path().join("etc/containerd/certs.d"), folder).unwrap();
    let containerd = match Containerd::with_hosts(hosts) {
        Ok(containerd) => containerd,
        Err(why) => return skip(&format!("containerd cannot be started here: {why}")),
    };
    let by_path = format!("{}/quay.io/plain/app:latest", mirror.authority());
    let own = format!("{}/sealift/shop:1.0.0", mirror.authority());
    let mut expected: Vec<Digest> = vec![usual.template];
    for (name, image) in [
        ("docker.io/library/nginx:1.25", &usual.nginx),
        ("quay.io/plain/app:1", &usual.plain),
        ("localhost:5000/shop/web:2", &usual.port),
        ("ghcr.io/sparse/tool:3", &usual.sparse),
        (by_path.as_str(), &usual.plain),
        (own.as_str(), &usual.plain),
    ] {
        run(&mut containerd.fetch(name));
        expected.push(image.root().digest);
    }
    let content = containerd.content();
    for digest in expected {
        assert!(content.contains(&digest.to_string()), "{digest} in {content:?}");
    }
    for name in ["docker.io/library/nginx:2", "localhost:5000/no/such:1"] {
        let missing = containerd.fetch(name).output().unwrap();
        let why = String::from_utf8_lossy(&missing.stderr).into_owned();
        assert!(!missing.status.success() && why.contains("not found"), "{name} is missed, plainly: {why}");
    }
}

#[test]
fn containerd_pulls_original_names_with_its_generated_hosts() {
    if !have(&["containerd", "ctr"]) {
        return;
    }
    let usual = Usual::new();
    let server = usual.site.serve();
    containerd_pulls(&usual, &open(&server.address.to_string()));
    assert!(server.events().is_empty(), "{:?}", server.events());
}

#[test]
fn containerd_pulls_over_tls_with_a_login_with_its_generated_hosts() {
    if !have(&["containerd", "ctr", "nginx", "openssl"]) {
        return;
    }
    let usual = Usual::new();
    let server = usual.site.serve();
    let nginx = Nginx::start(&server, &Front { secured: true, ..Front::default() });
    containerd_pulls(&usual, &secured(&nginx));
}

/// skopeo, told by the files below `root` alone.
fn skopeo(root: &Path, mirror: &Mirror, name: &str) -> Command {
    let mut command = Command::new("skopeo");
    command.arg("--registries-conf").arg(root.join("etc/containers/registries.conf.d/050-sealift.conf"));
    command.args(["inspect", "--raw"]);
    if mirror.ca().is_some() {
        command.arg("--cert-dir").arg(root.join("etc/containers/certs.d").join(mirror.authority()));
    }
    if mirror.login().is_some() {
        command.arg("--authfile").arg(root.join("root/.config/containers/auth.json"));
    }
    command.arg(format!("docker://{name}"));
    command
}

fn skopeo_reads(usual: &Usual, mirror: &Mirror) {
    let root = TempDir::new().unwrap();
    write(ClientKind::Podman, mirror, root.path());
    let by_path = format!("{}/quay.io/plain/app:latest", mirror.authority());
    for (name, image) in [
        ("nginx:1.25", &usual.nginx),
        ("docker.io/library/nginx:1.25", &usual.nginx),
        ("quay.io/plain/app:1", &usual.plain),
        ("localhost:5000/shop/web:2", &usual.port),
        ("ghcr.io/sparse/tool:3", &usual.sparse),
        (by_path.as_str(), &usual.plain),
    ] {
        let raw = run(&mut skopeo(root.path(), mirror, name)).stdout;
        assert_eq!(Digest::of(&raw), image.root().digest, "{name}");
    }
    let missing = skopeo(root.path(), mirror, "quay.io/no/such:1").output().unwrap();
    let why = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(!missing.status.success() && why.contains("no such repository here"), "it is our answer: {why}");
}

#[test]
fn skopeo_reads_original_names_with_its_generated_registries() {
    if !have(&["skopeo"]) {
        return;
    }
    let usual = Usual::new();
    let server = usual.site.serve();
    skopeo_reads(&usual, &open(&server.address.to_string()));
}

#[test]
fn skopeo_reads_over_tls_with_a_login_with_its_generated_files() {
    if !have(&["skopeo", "nginx", "openssl"]) {
        return;
    }
    let usual = Usual::new();
    let server = usual.site.serve();
    let nginx = Nginx::start(&server, &Front { secured: true, ..Front::default() });
    skopeo_reads(&usual, &secured(&nginx));
}

#[test]
fn podman_pulls_original_names_with_its_generated_files() {
    if !have(&["podman", "nginx", "openssl"]) {
        return;
    }
    let usual = Usual::new();
    let server = usual.site.serve();
    let nginx = Nginx::start(&server, &Front { secured: true, ..Front::default() });
    let mirror = secured(&nginx);
    let root = TempDir::new().unwrap();
    write(ClientKind::Podman, &mirror, root.path());
    let policy = root.path().join("policy.json");
    fs::write(&policy, r#"{"default":[{"type":"insecureAcceptAnything"}]}"#).unwrap();
    let podman = |arguments: &[&str]| {
        let mut command = Command::new("podman");
        let conf = root.path().join("etc/containers/registries.conf.d/050-sealift.conf");
        command.env("CONTAINERS_REGISTRIES_CONF", conf);
        command.arg("--root").arg(root.path().join("store")).arg("--runroot").arg(root.path().join("run"));
        command.args(["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=file"]).args(arguments);
        command
    };
    if let Err(why) = crate::clients::works(&mut podman(&["info"])) {
        return skip(&format!("podman does not work here: {why}"));
    }
    let at = |option: &str, path: &str| format!("--{option}={}", root.path().join(path).display());
    for (name, digest) in [
        ("quay.io/plain/app:1", usual.plain.root().digest),
        ("localhost:5000/shop/web:2", usual.port.root().digest),
        ("docker.io/library/nginx:1.25", usual.nginx.root().digest),
    ] {
        let certificates = at("cert-dir", &format!("etc/containers/certs.d/{}", mirror.authority()));
        let logins = at("authfile", "root/.config/containers/auth.json");
        let policy = at("signature-policy", "policy.json");
        run(&mut podman(&["pull", "--quiet", "--arch=amd64", &certificates, &logins, &policy, name]));
        let seen = run(&mut podman(&["image", "inspect", "--format={{.Digest}} {{.RepoDigests}}", name])).stdout;
        let seen = String::from_utf8(seen).unwrap();
        assert!(seen.contains(&digest.to_string()), "{name}: {seen}");
    }
}
