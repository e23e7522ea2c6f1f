//! What the tests on a cluster share: the cloud shop's bundles, a site that has the first version, its registry, and kubectl.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{Background, output, skip};

/// The vendor's and the site's folders, and the registry that the nodes pull from.
pub struct World {
    dir: tempfile::TempDir,
    _registry: Background,
}

/// The address that the nodes ask for every image.
const REGISTRY: &str = "127.0.0.1:5000";

/// The world, for one test at a time: they share the node. `None`, and a named skip, where there is no cluster.
pub fn world() -> Option<MutexGuard<'static, World>> {
    static WORLD: OnceLock<Option<Mutex<World>>> = OnceLock::new();
    let made = WORLD.get_or_init(|| {
        let cluster = std::env::var_os("KUBECONFIG").is_some() && kubectl_can("get nodes");
        cluster.then(|| Mutex::new(World::make()))
    });
    match made {
        // A test that failed has nothing to say of the others.
        Some(world) => Some(world.lock().unwrap_or_else(|broken| broken.into_inner())),
        None => {
            assert!(
                std::env::var_os("SEALIFT_TEST_CLUSTER").is_none(),
                "a cluster must be here, and KUBECONFIG names none"
            );
            skip_without_ci("KUBECONFIG names no cluster with nodes");
            None
        }
    }
}

/// CI brings a cluster in a stage of its own; the other tests run without.
fn skip_without_ci(why: &str) {
    match std::env::var_os("CI") {
        Some(_) => eprintln!("SKIPPED {}: {why}", std::thread::current().name().unwrap_or_default()),
        None => skip(why),
    }
}

fn kubectl_can(words: &str) -> bool {
    let mut command = Command::new("kubectl");
    command.args(words.split_whitespace()).args(["-o", "name", "--request-timeout=10s"]);
    command.output().is_ok_and(|out| out.status.success() && !out.stdout.is_empty())
}

impl World {
    fn make() -> Self {
        // Not on the node's own /tmp, which may be in memory.
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        let repo = Path::new(env!("CARGO_MANIFEST_DIR"));
        output(Command::new(repo.join("testdata/cloud/build")).arg(dir.path().join("cloud")));
        let sealift = |line: &str| run(dir.path(), line);
        sealift("keygen -q --no-passphrase -o vendor");
        sealift("pack cloud/v1/sealift.yaml -o v1.sealift --key vendor.pem");
        sealift("pack cloud/v2/sealift.yaml -o v2.sealift --key vendor.pem --base v1.sealift");
        sealift("pack cloud/v3/sealift.yaml -o v3.sealift --key vendor.pem");
        sealift("import v1.sealift --key vendor.pub --site site");
        let digest = sealift("pack cloud/v2/sealift.yaml -o v2-full.sealift --key vendor.pem --json");
        let digest: Value = serde_json::from_str(&digest).unwrap();
        let template = dir.path().join("cloud/patch/sealift.yaml");
        let text = fs::read_to_string(&template).unwrap();
        let text = text.replace(&format!("sha256:{}", "0".repeat(64)), digest["digest"].as_str().unwrap());
        fs::write(&template, text).unwrap();
        sealift("pack cloud/patch/sealift.yaml -o patch.sealift --key vendor.pem");
        assert!(TcpStream::connect(REGISTRY).is_err(), "somebody else serves {REGISTRY}");
        // The world is never dropped: the registry ends when this process does, and with it the pipe.
        let mut serve = Command::new("sh");
        let script = "\"$0\" registry serve --site site --listen \"$1\" --read-only -q & cat; kill $!";
        serve.args(["-c", script, env!("CARGO_BIN_EXE_sealift"), REGISTRY]).current_dir(dir.path());
        let registry = Background::fed(&mut serve);
        let world = Self { dir, _registry: registry };
        wait(Duration::from_secs(60), "the registry answers", || TcpStream::connect(REGISTRY).is_ok());
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs `sealift`; returns its standard output.
    pub fn sealift(&self, line: &str) -> String {
        run(self.dir.path(), line)
    }

    /// Runs `sealift`, which must fail with this code; returns its standard error.
    pub fn fails(&self, line: &str, code: &str) -> String {
        let out = self.command(line).output().unwrap();
        let error = String::from_utf8(out.stderr).unwrap();
        assert!(!out.status.success() && error.contains(&format!("error[{code}]")), "{line}: {code} expected: {error}");
        error
    }

    pub fn command(&self, line: &str) -> Command {
        command(self.dir.path(), line)
    }

    /// A namespace of its own, with volumes for the claims in it.
    pub fn team(&self, name: &str) -> Team<'_> {
        let team = Team { world: self, name: format!("{name}-{}", std::process::id()) };
        kubectl(&format!("create namespace {}", team.name));
        let folder = self.path(&format!("volumes/{name}"));
        fs::create_dir_all(&folder).unwrap();
        let volume = serde_json::json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": team.name},
            "spec": {
                "capacity": {"storage": "64Mi"}, "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": team.name, "name": "data-cloud-db-0"},
                "hostPath": {"path": folder},
            },
        });
        apply(&volume);
        team
    }
}

/// A namespace.
pub struct Team<'w> {
    pub world: &'w World,
    pub name: String,
}

impl Team<'_> {
    /// Runs a verb on the installation: `upgrade cloud --to 2.0.0` in this namespace, on the cluster.
    pub fn sealift(&self, line: &str) -> String {
        self.world.sealift(&self.line(line))
    }

    pub fn line(&self, line: &str) -> String {
        format!("{line} --site site -n {} --target kube", self.name)
    }

    pub fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.sealift(&format!("{line} --json"))).unwrap()
    }

    pub fn kubectl(&self, line: &str) -> String {
        kubectl(&format!("--namespace {} {line}", self.name))
    }

    pub fn object(&self, what: &str) -> Value {
        serde_json::from_str(&self.kubectl(&format!("get {what} -o json"))).unwrap()
    }

    /// What a component answers to a request, through its Service.
    pub fn ask(&self, component: &str, path: &str) -> String {
        let service = self.object(&format!("service cloud-{component}"));
        let host = service["spec"]["clusterIP"].as_str().unwrap().to_owned();
        let port = service["spec"]["ports"][0]["port"].as_u64().unwrap();
        let mut last = String::new();
        wait(Duration::from_secs(90), &format!("{component} answers {path}"), || {
            match get(&format!("{host}:{port}"), path) {
                Ok(answer) => {
                    last = answer;
                    true
                }
                Err(_) => false,
            }
        });
        last
    }

    /// Waits until a component answers this: for a moment, a Service still leads to pods that are ending.
    pub fn answers(&self, component: &str, path: &str, expected: &str) {
        self.settles(|| self.ask(component, path), expected.to_owned(), &format!("{component}{path}"));
    }

    /// Waits until a variable in a component's environment has this value.
    pub fn has(&self, component: &str, name: &str, value: Option<&str>) {
        let value = value.map(str::to_owned);
        let there = || {
            let all = self.ask(component, "/cgi-bin/env");
            all.lines().find_map(|line| line.strip_prefix(&format!("{name}=")).map(str::to_owned))
        };
        self.settles(there, value, &format!("{name} of {component}"));
    }

    fn settles<T: PartialEq + std::fmt::Debug>(&self, now: impl Fn() -> T, expected: T, what: &str) {
        let start = Instant::now();
        loop {
            let is = now();
            if is == expected {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{what} is {is:?}, not {expected:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Values of the generated secrets, as the cluster has them.
    pub fn secrets(&self) -> Vec<Value> {
        ["cloud-db", "cloud-tokens"].map(|name| self.object(&format!("secret {name}"))["data"].clone()).into()
    }
}

impl Drop for Team<'_> {
    fn drop(&mut self) {
        // The namespace goes by itself; the node is needed for the next test.
        let _ = Command::new("kubectl").args(["delete", "namespace", &self.name, "--wait=false"]).output();
        let _ = Command::new("kubectl").args(["delete", "pv", &self.name, "--wait=false"]).output();
    }
}

fn command(dir: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    command.args(line.split_whitespace()).current_dir(dir).env_remove("SEALIFT_PASSPHRASE");
    command
}

fn run(dir: &Path, line: &str) -> String {
    let out = command(dir, line).output().unwrap();
    let error = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "sealift {line}: {error}");
    assert!(!error.contains("panicked"), "sealift {line}: {error}");
    String::from_utf8(out.stdout).unwrap()
}

pub fn kubectl(line: &str) -> String {
    String::from_utf8(output(Command::new("kubectl").args(line.split_whitespace()))).unwrap()
}

pub fn apply(object: &Value) {
    let mut command = Command::new("kubectl");
    let mut child = command.args(["apply", "-f", "-"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(object.to_string().as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// The body of the answer to a GET.
fn get(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address.parse().unwrap(), Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: shop\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.contains(" 200 ") => Ok(body.to_owned()),
        _ => Err(std::io::Error::other(answer)),
    }
}

pub fn wait(patience: Duration, what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < patience, "not after {} s: {what}", patience.as_secs());
        std::thread::sleep(Duration::from_millis(200));
    }
}
