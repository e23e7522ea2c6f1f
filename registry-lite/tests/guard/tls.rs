//! TLS as clients see it: a real listener, asked by curl and openssl.

use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bundle_format::{Code, Coded};
use hyper::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use registry_lite::server::LOOK_EVERY;
use registry_lite::server::tls::{OwnCa, ServerNames, Tls, TlsError};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::tools::{attempt, have, run};

/// Answers every request on a free loopback port.
struct Server {
    port: u16,
    _runtime: Runtime,
}

impl Server {
    fn start(tls: &Tls) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let (port, acceptor) = (listener.local_addr().unwrap().port(), tls.acceptor());
        runtime.spawn(async move {
            loop {
                let (stream, acceptor) = (listener.accept().await.unwrap().0, acceptor.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let answer = service_fn(async |_| Ok::<_, Infallible>(Response::new("{}".to_owned())));
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        Self { port, _runtime: runtime }
    }

    /// Whether curl, which trusts `ca` alone, takes the server for `host`.
    fn is(&self, host: &str, ca: &Path) -> bool {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "20", "--cacert"]).arg(ca);
        curl.args(["--connect-to", &format!("::127.0.0.1:{}", self.port), &format!("https://{host}:5000/v2/")]);
        let (success, stdout, stderr) = attempt(&mut curl);
        match success {
            true => assert_eq!(stdout, "{}"),
            false => assert!(stderr.contains("curl: (60)"), "{host}: {stderr}"),
        }
        success
    }

    /// What `openssl s_client` says.
    fn s_client(&self, options: &[&str]) -> (bool, String) {
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-connect", &format!("127.0.0.1:{}", self.port)]).args(options);
        let (success, stdout, stderr) = attempt(&mut openssl);
        (success, stdout + &stderr)
    }

    /// The fingerprint of the certificate that it shows.
    fn shows(&self) -> String {
        let (_, text) = self.s_client(&["-servername", "mirror.site"]);
        let begin = text.find("-----BEGIN CERTIFICATE").unwrap();
        let end = text.find("-----END CERTIFICATE-----").unwrap() + 26;
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("shown"), &text[begin..end]).unwrap();
        fingerprint(&dir.path().join("shown"))
    }
}

fn fingerprint(certificate: &Path) -> String {
    let line = openssl(&["x509", "-noout", "-fingerprint", "-sha256", "-in", &certificate.display().to_string()]);
    line.trim().split_once('=').unwrap().1.to_owned()
}

fn openssl(arguments: &[&str]) -> String {
    run(Command::new("openssl").args(arguments))
}

/// A folder for our own certificates, as in a site.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("tls").join(name)
    }

    fn open(&self, names: &[&str]) -> Result<(Tls, OwnCa), TlsError> {
        Tls::own(&self.0.path().join("tls"), &ServerNames::new(names).unwrap())
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Whether a client that trusts `ca` takes `server.crt` for `mirror.site`, by openssl's strictest rules.
    fn verifies_with(&self, ca: &Path) -> bool {
        let mut openssl = Command::new("openssl");
        openssl.args(["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "mirror.site", "-CAfile"]);
        attempt(openssl.arg(ca).arg(self.path("server.crt"))).0
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn clients_that_trust_our_authority_take_the_server_for_its_names_and_no_others() {
    if !have(&["curl", "openssl"]) {
        return;
    }
    let site = Site::new();
    let (tls, ca) = site.open(&["mirror.site", "MIRROR", "10.0.0.5", "fd00::5"]).unwrap();
    let server = Server::start(&tls);
    for (host, expected) in [
        ("mirror.site", true),
        ("mirror", true),
        ("localhost", true),
        ("127.0.0.1", true),
        ("[::1]", true),
        ("10.0.0.5", true),
        ("[fd00::5]", true),
        ("other.site", false),
        ("sub.mirror.site", false),
        ("10.0.0.6", false),
    ] {
        assert_eq!(server.is(host, &ca.path), expected, "{host}");
    }
    let other = Site::new();
    other.open(&[]).unwrap();
    assert!(!server.is("mirror.site", &other.path("ca.crt")), "another site's authority is another one");
    assert!(site.verifies_with(&ca.path));
}

#[test]
fn http_1_1_is_spoken_over_tls_1_2_and_1_3() {
    if !have(&["openssl"]) {
        return;
    }
    let site = Site::new();
    let server = Server::start(&site.open(&["mirror.site"]).unwrap().0);
    let ca = site.path("ca.crt").display().to_string();
    for (options, success, shown) in [
        (&["-tls1_2"][..], true, "TLSv1.2"),
        (&["-tls1_3"], true, "TLSv1.3"),
        (&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], false, "SSL alert number"),
        (&["-alpn", "h2,http/1.1"], true, "ALPN protocol: http/1.1"),
        (&["-alpn", "h2"], false, "no application protocol"),
        (&["-servername", "elsewhere"], true, "Verify return code: 0 (ok)"),
    ] {
        let (got, text) = server.s_client(&[&["-CAfile", &ca, "-verify_return_error"], options].concat());
        assert_eq!(got, success, "{options:?}: {text}");
        assert!(text.contains(shown), "{options:?}: {text}");
    }
}

#[test]
fn the_authority_signs_servers_and_nothing_else() {
    if !have(&["openssl"]) {
        return;
    }
    let site = Site::new();
    let (_, ca) = site.open(&["mirror.site"]).unwrap();
    assert_eq!(ca.fingerprint_sha256, fingerprint(&ca.path));
    assert_eq!(ca.pem.as_bytes(), site.read("ca.crt"));
    let text = |name: &str| openssl(&["x509", "-noout", "-text", "-in", &site.path(name).display().to_string()]);
    let authority = text("ca.crt");
    for expected in ["CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "Not Before: Jan  1 00:00:00 2020 GMT"] {
        assert!(authority.contains(expected), "{expected}: {authority}");
    }
    let server = text("server.crt");
    for expected in ["CA:FALSE", "TLS Web Server Authentication", "DNS:mirror.site", "prime256v1"] {
        assert!(server.contains(expected), "{expected}: {server}");
    }
    for (name, expected) in [("ca.crt", 0o644), ("ca.key", 0o600), ("server.crt", 0o644), ("server.key", 0o600)] {
        assert_eq!(mode(&site.path(name)), expected, "{name}");
    }
    assert_eq!(fs::read_dir(site.path("")).unwrap().count(), 4);
}

#[test]
fn the_authority_stays_and_the_certificate_follows_the_names() {
    let site = Site::new();
    let (_, ca) = site.open(&["mirror.site"]).unwrap();
    assert!(ca.is_new);
    let mut before = site.read("server.crt");
    for (why, names, same) in [
        ("nothing changed", &["mirror.site"][..], true),
        ("another spelling", &["MIRROR.site.", "localhost"], true),
        ("a name was added", &["mirror.site", "new.site"], false),
        ("an address was added", &["mirror.site", "new.site", "10.0.0.5"], false),
        ("the order changed", &["10.0.0.5", "new.site", "mirror.site"], true),
        ("a name was removed", &["mirror.site", "10.0.0.5"], false),
        ("an address was removed", &["mirror.site"], false),
    ] {
        let (_, again) = site.open(names).unwrap();
        assert_eq!(again, OwnCa { is_new: false, ..ca.clone() }, "{why}");
        let after = site.read("server.crt");
        assert_eq!(after == before, same, "{why}");
        before = after;
    }
}

#[test]
fn whatever_a_kill_left_is_made_whole() {
    if !have(&["openssl"]) {
        return;
    }
    let other = Site::new();
    other.open(&["mirror.site"]).unwrap();
    let site = Site::new();
    let (_, ca) = site.open(&["mirror.site"]).unwrap();
    let trusted = site.path("trusted");
    fs::copy(&ca.path, &trusted).unwrap();
    let broken: [(&str, &dyn Fn()); 8] = [
        ("no certificate", &|| fs::remove_file(site.path("server.crt")).unwrap()),
        ("no key", &|| fs::remove_file(site.path("server.key")).unwrap()),
        ("the next key with the old certificate", &|| {
            fs::write(site.path("server.key"), other.read("server.key")).unwrap();
        }),
        ("another authority's pair", &|| {
            fs::write(site.path("server.key"), other.read("server.key")).unwrap();
            fs::write(site.path("server.crt"), other.read("server.crt")).unwrap();
        }),
        ("an empty certificate", &|| fs::write(site.path("server.crt"), "").unwrap()),
        ("an empty key", &|| fs::write(site.path("server.key"), "").unwrap()),
        ("a temporary file", &|| fs::write(site.path(".tmp-abc"), "key").unwrap()),
        // Before anybody could trust it, or by a mistake afterwards.
        ("no ca.crt yet", &|| fs::remove_file(site.path("ca.crt")).unwrap()),
    ];
    for (why, break_it) in broken {
        break_it();
        site.open(&["mirror.site"]).unwrap_or_else(|e| panic!("{why}: {e}"));
        assert!(site.verifies_with(&site.path("ca.crt")), "{why}");
        assert!(site.verifies_with(&trusted), "{why}: who trusted us before still does");
        assert!(!site.path(".tmp-abc").exists());
        assert_eq!(mode(&site.path("server.key")), 0o600, "{why}");
    }
}

#[test]
fn the_authority_s_key_may_be_kept_elsewhere_until_it_is_needed() {
    let site = Site::new();
    site.open(&["mirror.site"]).unwrap();
    let away = site.0.path().join("ca.key");
    fs::rename(site.path("ca.key"), &away).unwrap();
    site.open(&["mirror.site"]).unwrap();
    let error = site.open(&["mirror.site", "new.site"]).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("ca.key"), "{error}");
    fs::rename(&away, site.path("ca.key")).unwrap();
    site.open(&["mirror.site", "new.site"]).unwrap();
}

#[test]
fn a_damaged_authority_is_reported_and_never_replaced() {
    let other = Site::new();
    other.open(&[]).unwrap();
    for (why, name, content) in [
        ("another authority's certificate", "ca.crt", other.read("ca.crt")),
        ("another authority's key", "ca.key", other.read("ca.key")),
        ("an empty certificate", "ca.crt", Vec::new()),
        (
            "a certificate that is none",
            "ca.crt",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec(),
        ),
        ("an empty key", "ca.key", Vec::new()),
    ] {
        let site = Site::new();
        site.open(&["mirror.site"]).unwrap();
        fs::write(site.path(name), &content).unwrap();
        let error = site.open(&["mirror.site", "new.site"]).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), Code::Certificate, "{why}: {error}");
        assert!(error.hint().is_some(), "{why}");
        assert_eq!(site.read(name), content, "{why}");
    }
}

#[test]
fn a_private_key_that_others_can_read_is_refused() {
    let site = Site::new();
    site.open(&["mirror.site"]).unwrap();
    // The authority's is looked at when it is needed: for another name.
    for (name, names) in [("server.key", &["mirror.site"][..]), ("ca.key", &["mirror.site", "new.site"])] {
        for bits in [0o640, 0o604, 0o644, 0o602, 0o666] {
            set_mode(&site.path(name), bits);
            let error = site.open(names).map(|_| ()).unwrap_err();
            assert_eq!(error.code(), Code::Certificate, "{name} {bits:o}");
            assert!(error.to_string().contains(name), "{error}");
            assert!(error.hint().unwrap().starts_with("chmod 600 "), "{:?}", error.hint());
        }
        set_mode(&site.path(name), 0o400);
        site.open(names).unwrap();
    }
    // The operator's own may be for a group too.
    let (cert, key) = (site.path("server.crt"), site.path("server.key"));
    for (bits, fine) in [(0o600, true), (0o640, true), (0o660, false), (0o644, false)] {
        set_mode(&key, bits);
        assert_eq!(Tls::from_files(&cert, &key).is_ok(), fine, "{bits:o}");
    }
}

/// Certificates that openssl makes, as an operator has them.
struct Pki(TempDir);

impl Pki {
    fn new() -> Self {
        let pki = Self(TempDir::new().unwrap());
        fs::write(pki.path("ca.ext"), "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n").unwrap();
        fs::write(pki.path("san.ext"), "subjectAltName=DNS:mirror.site\nbasicConstraints=CA:FALSE\n").unwrap();
        pki.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out root.key");
        pki.openssl("req -new -x509 -key root.key -subj /CN=root -days 30 -out root.crt");
        pki.signed(
            "middle",
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out middle.key",
            "root",
            "ca.ext",
        );
        pki
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, line: &str) {
        run(Command::new("openssl").current_dir(self.0.path()).args(line.split(' ')));
    }

    /// Makes `name`.key by `genkey`, and `name`.crt.
    fn signed(&self, name: &str, genkey: &str, by: &str, extensions: &str) {
        self.openssl(genkey);
        self.openssl(&format!("req -new -key {name}.key -subj /CN={name} -out {name}.csr"));
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {by}.crt -CAkey {by}.key -CAcreateserial -days 30 -extfile {extensions} -out {name}.crt"
        ));
        set_mode(&self.path(&format!("{name}.key")), 0o600);
    }

    /// A file of these one after the other.
    fn bundle(&self, name: &str, parts: &[&str]) {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| fs::read(self.path(part)).unwrap()).collect();
        fs::write(self.path(name), bytes).unwrap();
        set_mode(&self.path(name), 0o600);
    }

    fn open(&self, cert: &str, key: &str) -> Result<Tls, TlsError> {
        Tls::from_files(&self.path(cert), &self.path(key))
    }
}

#[test]
fn an_operator_s_own_certificate_is_served_with_its_chain() {
    if !have(&["curl", "openssl"]) {
        return;
    }
    let pki = Pki::new();
    for (name, genkey, form) in [
        ("p256", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256.key", "BEGIN PRIVATE KEY"),
        ("sec1", "ecparam -name prime256v1 -genkey -noout -out sec1.key", "BEGIN EC PRIVATE KEY"),
        // With the curve's parameters before the key, as openssl writes by default.
        ("sec1p", "ecparam -name secp384r1 -genkey -out sec1p.key", "BEGIN EC PARAMETERS"),
        ("pkcs1", "genrsa -traditional -out pkcs1.key 2048", "BEGIN RSA PRIVATE KEY"),
        ("rsa", "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key", "BEGIN PRIVATE KEY"),
        ("ed25519", "genpkey -algorithm ED25519 -out ed25519.key", "BEGIN PRIVATE KEY"),
    ] {
        pki.signed(name, genkey, "middle", "san.ext");
        let key = format!("{name}.key");
        assert!(fs::read_to_string(pki.path(&key)).unwrap().contains(form), "{name}");
        pki.bundle("chain.crt", &[&format!("{name}.crt"), "middle.crt"]);
        let server = Server::start(&pki.open("chain.crt", &key).unwrap());
        assert!(server.is("mirror.site", &pki.path("root.crt")), "{name}");
        assert!(!server.is("localhost", &pki.path("root.crt")), "{name}: not in the certificate");
    }
    // All in one file, as haproxy wants it.
    pki.bundle("all.pem", &["p256.key", "p256.crt", "middle.crt"]);
    assert!(Server::start(&pki.open("all.pem", "all.pem").unwrap()).is("mirror.site", &pki.path("root.crt")));
}

#[test]
fn what_cannot_be_served_is_refused_with_the_reason() {
    if !have(&["openssl"]) {
        return;
    }
    let pki = Pki::new();
    pki.signed("a", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out a.key", "middle", "san.ext");
    pki.openssl("ec -in a.key -aes128 -passout pass:hunter2 -out locked.key");
    pki.openssl("pkcs8 -topk8 -in a.key -passout pass:hunter2 -out locked8.key");
    pki.openssl("x509 -in a.crt -outform DER -out a.der");
    pki.openssl("genpkey -algorithm X25519 -out x25519.key");
    pki.openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out short.key");
    for key in ["locked.key", "locked8.key", "x25519.key", "short.key"] {
        set_mode(&pki.path(key), 0o600);
    }
    pki.bundle("reversed.crt", &["middle.crt", "a.crt"]);
    fs::write(pki.path("empty"), "").unwrap();
    set_mode(&pki.path("empty"), 0o600);
    fs::write(pki.path("cut.crt"), &fs::read(pki.path("a.crt")).unwrap()[..300]).unwrap();
    fs::write(pki.path("garbage.crt"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    fs::write(pki.path("large.crt"), vec![b'\n'; (1 << 20) + 1]).unwrap();
    for (why, cert, key, code) in [
        ("another key", "a.crt", "middle.key", Code::Certificate),
        ("the authority before the server", "reversed.crt", "a.key", Code::Certificate),
        ("swapped", "a.key", "a.crt", Code::Certificate),
        ("DER", "a.der", "a.key", Code::Certificate),
        ("nothing", "empty", "a.key", Code::Certificate),
        ("no key", "a.crt", "empty", Code::Certificate),
        ("cut", "cut.crt", "a.key", Code::Certificate),
        ("garbage", "garbage.crt", "a.key", Code::Certificate),
        ("a passphrase", "a.crt", "locked.key", Code::Certificate),
        ("a passphrase, PKCS#8", "a.crt", "locked8.key", Code::Certificate),
        ("a key that cannot sign", "a.crt", "x25519.key", Code::Certificate),
        ("a key that is too short", "a.crt", "short.key", Code::Certificate),
        ("too large", "large.crt", "a.key", Code::Io),
        ("not there", "none.crt", "a.key", Code::Io),
        ("a folder", ".", "a.key", Code::Io),
    ] {
        let error = pki.open(cert, key).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), code, "{why}: {error}");
        assert!(error.to_string().contains(cert) || error.to_string().contains(key), "{why}: {error}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn a_renewed_certificate_is_shown_without_a_restart_and_a_broken_one_is_not() {
    if !have(&["openssl"]) {
        return;
    }
    let pki = Pki::new();
    for name in ["a", "b", "c"] {
        let genkey = format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key");
        pki.signed(name, &genkey, "middle", "san.ext");
    }
    let copy = |from: &str, to: &str| {
        // As certbot and most others do it, so that nobody reads half a file.
        fs::copy(pki.path(from), pki.path("new")).unwrap();
        fs::rename(pki.path("new"), pki.path(to)).unwrap();
    };
    copy("a.crt", "tls.crt");
    copy("a.key", "tls.key");
    let tls = pki.open("tls.crt", "tls.key").unwrap();
    let reports = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&reports);
    tls.report_to(move |error| sink.lock().unwrap().push(error.to_string()));
    let server = Server::start(&tls);
    let look = || thread::sleep(LOOK_EVERY + Duration::from_millis(50));
    assert_eq!(server.shows(), fingerprint(&pki.path("a.crt")));

    copy("b.crt", "tls.crt");
    look();
    assert_eq!(server.shows(), fingerprint(&pki.path("a.crt")), "until the key is there too");
    look();
    assert_eq!(server.shows(), fingerprint(&pki.path("a.crt")));
    assert_eq!(reports.lock().unwrap().len(), 1, "told once: {reports:?}");

    copy("b.key", "tls.key");
    look();
    assert_eq!(server.shows(), fingerprint(&pki.path("b.crt")));

    fs::remove_file(pki.path("tls.crt")).unwrap();
    look();
    assert_eq!(server.shows(), fingerprint(&pki.path("b.crt")), "while there is none");
    assert_eq!(reports.lock().unwrap().len(), 2, "{reports:?}");

    // Links that are turned to another file, as Kubernetes does it.
    copy("c.key", "tls.key");
    symlink(pki.path("c.crt"), pki.path("tls.crt")).unwrap();
    look();
    assert_eq!(server.shows(), fingerprint(&pki.path("c.crt")));
    assert_eq!(reports.lock().unwrap().len(), 2, "{reports:?}");
}

#[test]
fn no_debug_output_shows_a_key() {
    let site = Site::new();
    let (tls, ca) = site.open(&["mirror.site"]).unwrap();
    let text = format!("{tls:?} {ca:?}");
    assert!(text.contains("mirror.site") && !text.contains("PRIVATE"), "{text}");
}
