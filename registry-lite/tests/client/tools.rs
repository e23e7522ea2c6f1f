//! The real registry and the real clients that the tests run against.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Whether every one of `tools` is installed. A missing one is a named skip, but a failure where the environment says CI.
pub fn have(tools: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing: Vec<_> =
        tools.iter().filter(|tool| !std::env::split_paths(&path).any(|dir| dir.join(tool).exists())).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "not installed: {missing:?}");
    eprintln!("SKIPPED: not installed: {missing:?}");
    false
}

/// Runs a tool; returns what it prints.
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Docker's registry on a free loopback port, its store in a temporary folder.
pub struct Server {
    child: Child,
    port: u16,
    dir: tempfile::TempDir,
}

pub enum Access {
    Anyone,
    /// `user` with this password.
    Basic(&'static str),
    /// Anyone, over TLS, with a certificate for 127.0.0.1 of an authority that nobody knows.
    Tls,
}

impl Server {
    pub fn start(access: Access) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let mut config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {:?}}}, delete: {{enabled: true}}}}\nhttp:\n  addr: 127.0.0.1:{port}\n",
            path("store")
        );
        match access {
            Access::Anyone => {}
            Access::Basic(password) => {
                let line = run(Command::new("htpasswd").args(["-nbB", "user", password]));
                fs::write(path("htpasswd"), line).unwrap();
                config += &format!("auth: {{htpasswd: {{realm: test, path: {:?}}}}}\n", path("htpasswd"));
            }
            Access::Tls => {
                certificate(dir.path());
                config += &format!("  tls: {{certificate: {:?}, key: {:?}}}\n", path("server.pem"), path("server.key"));
            }
        }
        fs::write(path("config.yml"), config).unwrap();
        let mut command = Command::new("docker-registry");
        command.args(["serve", &path("config.yml")]).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self { child: command.spawn().unwrap(), port, dir };
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "docker-registry does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        server
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file of logins as `skopeo login` writes it.
    pub fn auth_file(&self, tool: &str, password: &str) -> PathBuf {
        let file = self.path(&format!("{tool}.json"));
        let mut command = Command::new(tool);
        command.args(["login", "--tls-verify=false", "--username=user", "--password-stdin"]);
        command.arg(format!("--authfile={}", file.display())).arg(self.host());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
        file
    }

    /// The uploads in `repository` whose content the registry keeps. (A cancelled one leaves the hash of its first zero
    /// bytes behind: version 2.8 writes that again when it closes what it has just removed.)
    pub fn open_uploads(&self, repository: &str) -> usize {
        let dir = self.path("store/docker/registry/v2/repositories").join(repository).join("_uploads");
        let Ok(uploads) = fs::read_dir(dir) else { return 0 };
        uploads.filter(|upload| upload.as_ref().unwrap().path().join("data").exists()).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn certificate(dir: &Path) {
    fs::write(dir.join("san"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n").unwrap();
    let openssl = |line: &str| run(Command::new("openssl").current_dir(dir).args(line.split(' ')));
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=Test-CA"));
    openssl(&format!("req {key} -keyout server.key -out server.csr -subj /CN=registry"));
    openssl("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.pem");
}
