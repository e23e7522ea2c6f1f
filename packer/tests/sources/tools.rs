//! What skopeo, umoci, buildah, podman and containerd write and read. Where one of them is missing the test says so and is
//! skipped, unless `CI` is set.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bundle_format::{Descriptor, Digest, media};
use testdata::docker_archive::{write_before_25, write_since_25};
use testdata::{Compression, Image};

use super::{image, open, parts, platforms, sizes, validate};

/// Whether all `tools` are installed.
fn have(tools: &[&str]) -> bool {
    let installed = |tool: &str| Command::new(tool).arg("--version").output().is_ok_and(|out| out.status.success());
    match tools.iter().find(|tool| !installed(tool)) {
        None => true,
        Some(tool) => skip(&format!("{tool} is not installed")),
    }
}

fn skip(why: &str) -> bool {
    assert!(std::env::var_os("CI").is_none(), "{why}");
    eprintln!("skipped: {why}");
    false
}

/// Runs `line`, words parted by spaces, in `dir`; returns what it prints.
fn run(dir: &Path, line: &str) -> Vec<u8> {
    let mut words = line.split_whitespace();
    let out = Command::new(words.next().unwrap()).args(words).current_dir(dir).output().unwrap();
    assert!(out.status.success(), "{line}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

fn copy(dir: &Path, arguments: &str) {
    run(dir, &format!("skopeo copy --insecure-policy --quiet {arguments}"));
}

/// The digest of the manifest or index that skopeo reads from `source`.
fn digest_by_skopeo(dir: &Path, source: &str) -> Digest {
    Digest::of(&run(dir, &format!("skopeo inspect --raw {source}")))
}

/// Image ID and layers that skopeo reads from `source`.
fn parts_by_skopeo(dir: &Path, source: &str) -> (Digest, Vec<Digest>) {
    let manifest: serde_json::Value =
        serde_json::from_slice(&run(dir, &format!("skopeo inspect --raw {source}"))).unwrap();
    let digest = |value: &serde_json::Value| value["digest"].as_str().unwrap().parse().unwrap();
    (digest(&manifest["config"]), manifest["layers"].as_array().unwrap().iter().map(digest).collect())
}

/// Our digests of the same.
fn parts_by_us(dir: &Path, source: &str) -> (Digest, Vec<Digest>) {
    let source = open(dir, source).unwrap();
    validate(&*source);
    let (config, layers): (Descriptor, Vec<Descriptor>) = parts(&*source);
    (config.digest, layers.into_iter().map(|layer| layer.digest).collect())
}

fn root(dir: &Path, source: &str) -> Digest {
    let source = open(dir, source).unwrap();
    validate(&*source);
    source.root().unwrap().digest
}

#[test]
fn an_oci_archive_of_skopeo_keeps_the_image() {
    if !have(&["skopeo"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, image) in [("gzip", image("web", Compression::Gzip)), ("platforms", platforms())] {
        image.write_layout(&dir.path().join(name), "web:1").unwrap();
        let archive = format!("oci-archive:{name}.tar:shop/web:1");
        copy(dir.path(), &format!("--all --preserve-digests oci:{name}:web:1 {archive}"));
        assert_eq!(root(dir.path(), &archive), digest_by_skopeo(dir.path(), &archive), "{name}");
        let source = open(dir.path(), &archive).unwrap();
        assert_eq!(source.root().unwrap().digest, image.root().digest, "{name}");
        assert_eq!(validate(&*source), sizes(&image), "{name}");
    }
}

#[test]
fn a_docker_archive_of_skopeo_keeps_the_image_id_and_the_layers() {
    if !have(&["skopeo"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for compression in [Compression::None, Compression::Gzip] {
        let name = format!("{compression:?}");
        image("web", compression).write_layout(&dir.path().join(&name), "web:1").unwrap();
        let archive = format!("docker-archive:{name}.tar:shop/web:1");
        copy(dir.path(), &format!("--additional-tag shop/web:stable oci:{name}:web:1 {archive}"));
        for archive in
            [archive, format!("docker-archive:{name}.tar"), format!("docker-archive:{name}.tar:shop/web:stable")]
        {
            assert_eq!(parts_by_us(dir.path(), &archive), parts_by_skopeo(dir.path(), &archive), "{archive}");
        }
    }
}

#[test]
fn skopeo_reads_the_docker_archives_of_testdata_as_we_do() {
    if !have(&["skopeo"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (web, db) = (image("web", Compression::None), image("db", Compression::None));
    let saved: [(&Image, &[&str]); 2] = [(&web, &["web:1", "web:latest"]), (&db, &["db:2"])];
    write_before_25(&dir.path().join("before.tar"), &saved).unwrap();
    write_since_25(&dir.path().join("since.tar"), &saved).unwrap();
    for archive in ["before.tar", "since.tar"] {
        for name in ["web:1", "web:latest", "db:2"] {
            let archive = format!("docker-archive:{archive}:{name}");
            assert_eq!(parts_by_us(dir.path(), &archive), parts_by_skopeo(dir.path(), &archive), "{archive}");
        }
    }
}

#[test]
fn a_layout_of_umoci_is_read() {
    if !have(&["umoci", "skopeo"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    image("web", Compression::Gzip).write_layout(&dir.path().join("layout"), "base").unwrap();
    fs::create_dir(dir.path().join("files")).unwrap();
    fs::write(dir.path().join("files/new"), "new").unwrap();
    run(dir.path(), "umoci insert --rootless --image layout:base --tag new files /srv");
    for name in ["base", "new"] {
        let layout = format!("oci:layout:{name}");
        assert_eq!(root(dir.path(), &layout), digest_by_skopeo(dir.path(), &layout), "{name}");
    }
    assert_ne!(root(dir.path(), "oci:layout:base"), root(dir.path(), "oci:layout:new"));
}

/// Storage of podman's and buildah's own, away from the user's.
fn storage(dir: &Path) -> String {
    let dir = dir.display();
    format!("--root {dir}/storage --runroot {dir}/run --storage-driver vfs")
}

#[test]
fn what_buildah_pushes_is_read() {
    if !have(&["buildah", "skopeo"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let buildah = |arguments: &str| run(dir.path(), &format!("buildah {} {arguments}", storage(dir.path())));
    fs::write(dir.path().join("app"), "app".repeat(10_000)).unwrap();
    let container = String::from_utf8(buildah("from scratch")).unwrap();
    buildah(&format!("add {} app /bin/app", container.trim()));
    buildah(&format!("commit {} shop/built:1", container.trim()));
    for target in ["oci:layout:1", "oci-archive:built.tar:shop/built:1"] {
        buildah(&format!("push shop/built:1 {target}"));
        assert_eq!(root(dir.path(), target), digest_by_skopeo(dir.path(), target), "{target}");
    }
    let target = "docker-archive:docker.tar:shop/built:1";
    buildah(&format!("push shop/built:1 {target}"));
    assert_eq!(parts_by_us(dir.path(), target), parts_by_skopeo(dir.path(), target));
}

#[test]
fn what_podman_saves_is_read() {
    if !have(&["podman", "skopeo"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let podman = |arguments: &str| run(dir.path(), &format!("podman {} {arguments}", storage(dir.path())));
    let (web, db) = (image("web", Compression::Gzip), image("db", Compression::Gzip));
    write_before_25(&dir.path().join("both.tar"), &[(&web, &["localhost/web:1"]), (&db, &["localhost/db:2"])]).unwrap();
    podman("load --quiet --input both.tar");
    podman("save --quiet --multi-image-archive --output docker.tar localhost/web:1 localhost/db:2");
    for name in ["localhost/web:1", "localhost/db:2"] {
        let archive = format!("docker-archive:docker.tar:{name}");
        let found = parts_by_us(dir.path(), &archive);
        assert_eq!(found, parts_by_skopeo(dir.path(), &archive), "{name}");
        let id = String::from_utf8(podman(&format!("image inspect --format {{{{.Id}}}} {name}"))).unwrap();
        assert_eq!(found.0.hex(), id.trim(), "{name}");
    }
    let error = open(dir.path(), "docker-archive:docker.tar").err().unwrap().to_string();
    assert!(error.contains("localhost/web:1") && error.contains("localhost/db:2"), "{error}");
    podman("save --quiet --format oci-archive --output oci.tar localhost/web:1");
    assert_eq!(
        root(dir.path(), "oci-archive:oci.tar:localhost/web:1"),
        digest_by_skopeo(dir.path(), "oci-archive:oci.tar")
    );
}

/// A containerd of our own, ended with the test.
struct Containerd(Child);

impl Drop for Containerd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Containerd {
    fn start(dir: &Path) -> Self {
        let at = dir.display();
        let config = format!(
            "version = 2\nroot = '{at}/root'\nstate = '{at}/state'\n\
             disabled_plugins = ['io.containerd.grpc.v1.cri', 'io.containerd.internal.v1.opt']\n\
             [grpc]\naddress = '{at}/socket'\n[ttrpc]\naddress = '{at}/ttrpc'\n"
        );
        fs::write(dir.join("config.toml"), config).unwrap();
        let log = fs::File::create(dir.join("log")).unwrap();
        let mut command = Command::new("containerd");
        command.arg("--config").arg(dir.join("config.toml")).stdout(Stdio::null()).stderr(log);
        let started = Self(command.spawn().unwrap());
        for _ in 0..300 {
            let ctr = Command::new("ctr").args(["--address", &format!("{at}/socket"), "version"]).output().unwrap();
            if ctr.status.success() {
                return started;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("containerd does not answer: {}", fs::read_to_string(dir.join("log")).unwrap());
    }
}

/// Docker 25 and later with its containerd store exports through the same code as `ctr`: a layout and a `manifest.json`.
#[test]
fn what_containerd_exports_keeps_its_digest() {
    if !have(&["containerd", "ctr"]) || !(is_root() || skip("containerd needs root")) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let containerd = Containerd::start(dir.path());
    let ctr =
        |arguments: &str| run(dir.path(), &format!("ctr --address {}/socket image {arguments}", dir.path().display()));
    let (web, db) = (image("web", Compression::Gzip), platforms());
    write_since_25(&dir.path().join("in.tar"), &[(&web, &["web:1"]), (&db, &["db:2"])]).unwrap();
    ctr("import --no-unpack --all-platforms in.tar");
    ctr("export --all-platforms out.tar docker.io/library/web:1 docker.io/library/db:2");
    drop(containerd);
    let index = Digest::of(&run(dir.path(), "tar -xOf out.tar index.json"));
    assert_ne!(index, Digest::of(&run(dir.path(), "tar -xOf in.tar index.json")), "containerd wrote its own");
    for (name, expected) in [("web:1", &web), ("db:2", &db), ("1", &web), ("docker.io/library/db:2", &db)] {
        for kind in ["docker-archive", "oci-archive"] {
            let source = open(dir.path(), &format!("{kind}:out.tar:{name}")).unwrap();
            assert_eq!(source.root().unwrap().digest, expected.root().digest, "{kind} {name}");
            assert_eq!(validate(&*source), sizes(expected), "{kind} {name}");
        }
    }
    assert!(media::is_index(&open(dir.path(), "docker-archive:out.tar:db:2").unwrap().root().unwrap().media_type));
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").unwrap().uid() == 0
}
