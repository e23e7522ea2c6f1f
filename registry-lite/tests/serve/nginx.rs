//! nginx in front of the server, as sites have it: TLS, a login, a log of what clients send, and mistakes.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::clients::run;
use crate::site::Server;

/// An nginx that ends with the test.
pub struct Nginx {
    dir: TempDir,
    process: Child,
    port: u16,
}

/// The login that [`Front::secured`] asks for.
pub const LOGIN: (&str, &str) = ("node", "pass word");

/// What nginx does beside passing requests on.
#[derive(Default)]
pub struct Front {
    /// TLS by an authority that nobody knows, and a login.
    pub secured: bool,
    /// More directives.
    pub directives: &'static str,
}

impl Nginx {
    pub fn start(server: &Server, front: &Front) -> Self {
        let dir = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = |name: &str| dir.path().join(name).display().to_string();
        let mut inner = String::new();
        if front.secured {
            certificate(&dir);
            let (user, password) = LOGIN;
            let hash = run(Command::new("openssl").args(["passwd", "-apr1", password])).stdout;
            fs::write(at("logins"), format!("{user}:{}", String::from_utf8(hash).unwrap())).unwrap();
            inner.push_str(&format!(
                "ssl_certificate {}; ssl_certificate_key {}; auth_basic registry; auth_basic_user_file {};",
                at("server.pem"),
                at("server.key"),
                at("logins")
            ));
        }
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {}; ", at(name)))
            .concat();
        let ssl = if front.secured { " ssl" } else { "" };
        let config = format!(
            "daemon off; user root; worker_processes 1; pid {}; error_log {};\nevents {{}}\nhttp {{ {temporary}\n\
             log_format wire '$request_method $request_uri|$http_accept|$http_range';\naccess_log {} wire;\n\
             server {{ listen 127.0.0.1:{port}{ssl}; {inner}\n\
             location / {{ proxy_pass http://{}; proxy_http_version 1.1; proxy_set_header Host $http_host; {} }} }} }}\n",
            at("pid"),
            at("error.log"),
            at("access.log"),
            server.address,
            front.directives
        );
        fs::write(at("nginx.conf"), config).unwrap();
        let mut command = Command::new("nginx");
        command.args(["-c", &at("nginx.conf"), "-e", &at("error.log")]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut nginx = Self { process: command.spawn().unwrap(), dir, port };
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = fs::read_to_string(nginx.path("error.log")).unwrap_or_default();
            let ended = nginx.process.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < end, "nginx does not answer: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
        nginx
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `METHOD /path?query|Accept|Range` of each request since the last time.
    pub fn requests(&self) -> Vec<String> {
        // A log line is written once the answer is out, so a client may be told before.
        std::thread::sleep(Duration::from_millis(100));
        let lines = fs::read_to_string(self.path("access.log")).unwrap();
        fs::File::options().write(true).open(self.path("access.log")).unwrap().set_len(0).unwrap();
        lines.lines().map(|line| line.trim_start_matches('\0').to_owned()).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only if it may say so to them.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

fn certificate(dir: &TempDir) {
    fs::write(dir.path().join("san"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n").unwrap();
    let openssl = |line: &str| run(Command::new("openssl").current_dir(dir.path()).args(line.split(' ')));
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=Test-CA"));
    openssl(&format!("req {key} -keyout server.key -out server.csr -subj /CN=registry"));
    openssl("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.pem");
}
