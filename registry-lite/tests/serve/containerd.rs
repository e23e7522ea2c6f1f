//! containerd with a configuration of its own, told of the server by a `_default/hosts.toml`.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use bundle_format::Digest;
use tempfile::TempDir;

use crate::clients::{have, run, skip};
use crate::site::{Server, Usual};

/// A containerd that ends with the test.
pub struct Containerd {
    dir: TempDir,
    process: Child,
}

impl Containerd {
    /// Starts it with one default host.
    fn start(server: &Server) -> Result<Self, String> {
        // Both `server` and a `[host]` table: containerd 1.6 takes no notice of the former alone.
        let url = server.url("");
        let hosts = format!("server = {url:?}\n[host.{url:?}]\ncapabilities = [\"pull\", \"resolve\"]\n");
        Self::with_hosts(|folder| {
            fs::create_dir_all(folder.join("_default")).unwrap();
            fs::write(folder.join("_default/hosts.toml"), hosts).unwrap();
        })
    }

    /// Starts it with what `write` puts into its folder of hosts, and waits until it answers; says why it does not.
    pub fn with_hosts(write: impl FnOnce(&Path)) -> Result<Self, String> {
        let dir = TempDir::new().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        let config = format!(
            "version = 2\nroot = {:?}\nstate = {:?}\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.internal.v1.opt\"]\n[grpc]\naddress = {:?}\n",
            at("root"),
            at("state"),
            at("sock")
        );
        fs::write(dir.path().join("config.toml"), config).unwrap();
        write(&dir.path().join("certs.d"));
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let mut command = Command::new("containerd");
        command.arg("--config").arg(dir.path().join("config.toml")).stdout(Stdio::null()).stderr(log);
        let process = command.spawn().map_err(|e| e.to_string())?;
        let mut containerd = Self { dir, process };
        let begun = Instant::now();
        while !containerd.ctr().arg("version").output().is_ok_and(|output| output.status.success()) {
            let ended = containerd.process.try_wait().map_err(|e| e.to_string())?;
            if ended.is_some() || begun.elapsed() > Duration::from_secs(20) {
                let log = fs::read_to_string(containerd.path().join("log")).unwrap_or_default();
                return Err(format!("it does not answer: {}", log.lines().last().unwrap_or_default()));
            }
            sleep(Duration::from_millis(200));
        }
        Ok(containerd)
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn ctr(&self) -> Command {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.path().join("sock"));
        command
    }

    /// Pulls without unpacking, which would need to mount.
    pub fn fetch(&self, name: &str) -> Command {
        let mut command = self.ctr();
        command.args(["content", "fetch", "--platform=linux/amd64", "--hosts-dir"]).arg(self.path().join("certs.d"));
        command.arg(name);
        command
    }

    fn pull(&self, name: &str) -> Command {
        let mut command = self.ctr();
        command.args(["images", "pull", "--platform=linux/amd64", "--snapshotter=native", "--hosts-dir"]);
        command.arg(self.path().join("certs.d")).arg(name);
        command
    }

    pub fn content(&self) -> Vec<String> {
        let listed = run(self.ctr().args(["content", "ls", "-q"])).stdout;
        String::from_utf8(listed).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn containerd_pulls_original_names_through_one_default_host() {
    if !have(&["containerd", "ctr"]) {
        return;
    }
    let usual = Usual::new();
    let server = usual.site.serve();
    let containerd = match Containerd::start(&server) {
        Ok(containerd) => containerd,
        Err(why) => return skip(&format!("containerd cannot be started here: {why}")),
    };
    let own = format!("{}/sealift/shop:1.0.0", server.address);
    let mut expected: Vec<Digest> = vec![usual.template];
    for (name, image) in [
        ("docker.io/library/nginx:1.25", &usual.nginx),
        ("quay.io/plain/app:1", &usual.plain),
        ("localhost:5000/shop/web:2", &usual.port),
        ("ghcr.io/sparse/tool:3", &usual.sparse),
        (own.as_str(), &usual.plain),
    ] {
        run(&mut containerd.fetch(name));
        expected.push(image.root().digest);
    }
    let content = containerd.content();
    for digest in expected {
        assert!(content.contains(&digest.to_string()), "{digest} in {content:?}");
    }
    let missing = containerd.fetch("docker.io/library/nginx:2").output().unwrap();
    let why = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(!missing.status.success() && why.contains("not found"), "{why}");
    assert!(server.events().is_empty(), "{:?}", server.events());

    // Through to an unpacked image, which takes the right to mount.
    let pulled = containerd.pull("docker.io/library/nginx:1.25").output().unwrap();
    let why = String::from_utf8_lossy(&pulled.stderr).into_owned();
    if why.contains("operation not permitted") {
        return skip(&format!("containerd may not mount here: {why}"));
    }
    assert!(pulled.status.success(), "{why}");
}
