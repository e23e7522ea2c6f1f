//! Docker's registry on a free loopback port, its store in a temporary folder.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::output;
use super::process::wait_for;

pub struct Registry {
    child: Child,
    port: u16,
    dir: tempfile::TempDir,
}

impl Registry {
    /// Open to anyone.
    pub fn open() -> Self {
        Self::start("")
    }

    /// For `user` with this password only.
    pub fn with_password(password: &str) -> Self {
        Self::start(&String::from_utf8(output(Command::new("htpasswd").args(["-nbB", "user", password]))).unwrap())
    }

    fn start(htpasswd: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let mut config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {:?}}}}}\nhttp: {{addr: \"127.0.0.1:{port}\"}}\n",
            path("store")
        );
        if !htpasswd.is_empty() {
            fs::write(path("htpasswd"), htpasswd).unwrap();
            config += &format!("auth: {{htpasswd: {{realm: test, path: {:?}}}}}\n", path("htpasswd"));
        }
        fs::create_dir(path("store")).unwrap();
        fs::write(path("config.yml"), config).unwrap();
        let mut command = Command::new("docker-registry");
        command.args(["serve", &path("config.yml")]).stdout(Stdio::null()).stderr(Stdio::null());
        let registry = Self { child: command.spawn().unwrap(), port, dir };
        wait_for("docker-registry answers", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        registry
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A file of logins as `skopeo login` writes it.
    pub fn login(&self, password: &str) -> PathBuf {
        let file = self.dir.path().join("auth.json");
        let mut command = Command::new("skopeo");
        command.args(["login", "--tls-verify=false", "--username=user", "--password-stdin"]);
        command.arg(format!("--authfile={}", file.display())).arg(self.host());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        file
    }

    /// The files of its store, with their times.
    pub fn store(&self) -> super::Tree {
        super::tree(&self.dir.path().join("store"))
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
