//! The tools of containers/image: skopeo and podman.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bundle_format::Digest;
use tempfile::TempDir;

use crate::site::{Server, Usual};

/// Whether the test can run: all of `tools` are here. Where they must be (CI), that they are not is a failure.
pub fn have(tools: &[&str]) -> bool {
    let missing: Vec<_> = tools.iter().filter(|tool| Command::new(tool).arg("--version").output().is_err()).collect();
    if missing.is_empty() {
        return true;
    }
    skip(&format!("{missing:?} not installed"));
    false
}

/// Says that a test is skipped, by its name.
pub fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "this test must run here: {why}");
    eprintln!("skipped {}: {why}", std::thread::current().name().unwrap_or_default());
}

/// Runs `command`; it must succeed.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A folder for one tool's state, with a `registries.conf` that sends `from` to `to`, and signature checks left out.
struct Home(TempDir);

impl Home {
    fn new(server: &Server, redirects: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        let mut conf = "unqualified-search-registries = []\n".to_owned();
        for (from, to) in redirects {
            let location = format!("{}/{to}", server.address);
            conf.push_str(&format!("[[registry]]\nprefix = \"{from}\"\nlocation = \"{location}\"\ninsecure = true\n"));
        }
        fs::write(dir.path().join("registries.conf"), conf).unwrap();
        fs::write(dir.path().join("policy.json"), r#"{"default":[{"type":"insecureAcceptAnything"}]}"#).unwrap();
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn skopeo(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("skopeo");
        command.arg("--policy").arg(self.path().join("policy.json"));
        command.arg("--registries-conf").arg(self.path().join("registries.conf"));
        run(command.arg("--override-os=linux").arg("--override-arch=amd64").args(arguments))
    }

    fn podman(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("podman");
        command.env("CONTAINERS_REGISTRIES_CONF", self.path().join("registries.conf"));
        command.arg("--root").arg(self.path().join("root")).arg("--runroot").arg(self.path().join("run"));
        command.args(["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=file"]).args(arguments);
        command
    }
}

/// Every file of a folder, by its digest.
fn digests(folder: &Path) -> Vec<Digest> {
    fs::read_dir(folder).unwrap().map(|entry| Digest::of(&fs::read(entry.unwrap().path()).unwrap())).collect()
}

#[test]
fn skopeo_sees_the_stored_bytes() {
    if !have(&["skopeo"]) {
        return;
    }
    let usual = Usual::new();
    let server = usual.site.serve();
    let home = Home::new(&server, &[]);
    for (name, image) in [
        ("docker.io/library/nginx:1.25", &usual.nginx),
        ("nginx:1.25", &usual.nginx),
        ("quay.io/plain/app:1", &usual.plain),
        ("localhost_5000/shop/web:2", &usual.port),
        ("ghcr.io/sparse/tool:3", &usual.sparse),
    ] {
        let source = format!("docker://{}/{name}", server.address);
        let raw = home.skopeo(&["inspect", "--tls-verify=false", "--raw", &source]).stdout;
        assert_eq!(Digest::of(&raw), image.root().digest, "{name}");
        home.skopeo(&["inspect", "--tls-verify=false", &source]);
    }
    let tags =
        home.skopeo(&["list-tags", "--tls-verify=false", &format!("docker://{}/quay.io/plain/app", server.address)]);
    let tags: serde_json::Value = serde_json::from_slice(&tags.stdout).unwrap();
    assert_eq!(tags["Tags"], serde_json::json!(["1", "latest"]));
}

#[test]
fn skopeo_copies_every_image_with_its_digests() {
    if !have(&["skopeo"]) {
        return;
    }
    let usual = Usual::new();
    let server = usual.site.serve();
    let home = Home::new(&server, &[]);
    for (name, image) in [
        ("docker.io/library/nginx:1.25", &usual.nginx),
        ("quay.io/plain/app:1", &usual.plain),
        ("localhost_5000/shop/web:2", &usual.port),
    ] {
        let source = format!("docker://{}/{name}", server.address);
        for kind in ["dir", "oci"] {
            let folder = TempDir::new().unwrap();
            let target = format!("{kind}:{}", folder.path().join("copy").display());
            let copy = ["copy", "--all", "--preserve-digests", "--src-tls-verify=false", &source, &target];
            home.skopeo(&copy);
            let blobs = if kind == "dir" { "copy" } else { "copy/blobs/sha256" };
            let copied = digests(&folder.path().join(blobs));
            for digest in image.blobs().keys() {
                assert!(copied.contains(digest), "{name} to {kind}: {digest} in {copied:?}");
            }
        }
    }
    // Of a narrowed index, the platform that is there.
    let folder = TempDir::new().unwrap();
    let source = format!("docker://{}/ghcr.io/sparse/tool:3", server.address);
    let target = format!("dir:{}", folder.path().join("copy").display());
    home.skopeo(&["copy", "--src-tls-verify=false", &source, &target]);
    assert!(digests(&folder.path().join("copy")).iter().any(|digest| usual.sparse.blobs().contains_key(digest)));
}

#[test]
fn skopeo_finds_original_names_through_registries_conf() {
    if !have(&["skopeo"]) {
        return;
    }
    let usual = Usual::new();
    let server = usual.site.serve();
    let redirects = [("docker.io", "docker.io"), ("quay.io", "quay.io"), ("localhost:5000", "localhost_5000")];
    let home = Home::new(&server, &redirects);
    for (name, image) in [
        ("nginx:1.25", &usual.nginx),
        ("quay.io/plain/app:1", &usual.plain),
        ("localhost:5000/shop/web:2", &usual.port),
    ] {
        let raw = home.skopeo(&["inspect", "--raw", &format!("docker://{name}")]).stdout;
        assert_eq!(Digest::of(&raw), image.root().digest, "{name}");
    }
}

#[test]
fn podman_pulls_original_names_through_registries_conf() {
    if !have(&["podman"]) {
        return;
    }
    let usual = Usual::new();
    let server = usual.site.serve();
    let home = Home::new(&server, &[("docker.io", "docker.io"), ("quay.io", "quay.io")]);
    if let Err(why) = works(&mut home.podman(&["info"])) {
        return skip(&format!("podman does not work here: {why}"));
    }
    let direct = format!("{}/localhost_5000/shop/web:2", server.address);
    let policy = format!("--signature-policy={}", home.path().join("policy.json").display());
    for (name, digest) in [
        (direct.as_str(), usual.port.root().digest),
        ("quay.io/plain/app:1", usual.plain.root().digest),
        ("docker.io/library/nginx:1.25", usual.nginx.root().digest),
    ] {
        run(&mut home.podman(&["pull", "--quiet", "--tls-verify=false", "--arch=amd64", &policy, name]));
        let seen = run(&mut home.podman(&["image", "inspect", "--format={{.Digest}} {{.RepoDigests}}", name])).stdout;
        let seen = String::from_utf8(seen).unwrap();
        assert!(seen.contains(&digest.to_string()), "{name}: {seen}");
    }
}

pub fn works(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(e) => Err(e.to_string()),
    }
}
