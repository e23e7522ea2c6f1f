//! Answers that Docker's registry does not give: it redirects only from an object store, asks for tokens only of a token
//! server with keys that it trusts, and does not lie. A few lines of HTTP on loopback give them, word by word as the
//! specifications say; nothing of the protocol that a real registry can be asked for is tested here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use bundle_format::{BlobSource, Descriptor, Digest, limits, media};
use registry_lite::client::{ClientError, ClientOptions, CredentialSource, Reference, Registry, Scheme};

/// One request: `GET /path`, header lines in lower case (values as they are), body.
#[derive(Clone, Debug)]
struct Heard {
    line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Heard {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

struct Host {
    address: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    /// Logins are read when they are first needed.
    logins: tempfile::TempDir,
}

impl Host {
    /// Answers each request with what `answer` says; a connection serves one request.
    fn start(answer: impl Fn(&Heard) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = heard.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let mut lines = Vec::new();
                loop {
                    let mut line = Vec::new();
                    stream.read_until(b'\n', &mut line).unwrap();
                    // A TLS handshake is no request.
                    let line = if line.first() == Some(&0x16) { "" } else { std::str::from_utf8(&line).unwrap() };
                    match line.trim_end() {
                        "" => break,
                        line => lines.push(line.to_owned()),
                    }
                }
                if lines.is_empty() {
                    continue;
                }
                let line = lines.remove(0).trim_end_matches(" HTTP/1.1").to_owned();
                let headers = lines.iter().filter_map(|line| line.split_once(": "));
                let headers: Vec<_> = headers.map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect();
                let mut heard = Heard { line, headers, body: String::new() };
                let length = heard.header("content-length").map_or(0, |length| length.parse().unwrap());
                stream.by_ref().take(length).read_to_string(&mut heard.body).unwrap();
                log.lock().unwrap().push(heard.clone());
                let _ = stream.get_mut().write_all(&answer(&heard));
            }
        });
        Self { address, heard, logins: tempfile::tempdir().unwrap() }
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    fn lines(&self) -> Vec<String> {
        self.heard().into_iter().map(|heard| heard.line).collect()
    }

    /// The registry at this host, asked with the login `auth` (base64 of `user:password`), or none.
    fn registry(&self, auth: Option<&str>) -> Registry {
        let file = self.logins.path().join("auth.json");
        let credentials = match auth {
            Some(auth) => {
                let text = format!(r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#, self.address);
                std::fs::write(&file, text).unwrap();
                CredentialSource::AuthFile(file)
            }
            None => CredentialSource::Anonymous,
        };
        let options = ClientOptions { scheme: Scheme::Http, credentials, ..ClientOptions::default() };
        Registry::connect(&self.address, &options).unwrap()
    }
}

fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()).into()
}

const INDEX: &str = r#"{"schemaVersion":2,"manifests":[]}"#;
/// `user:hunter2`
const LOGIN: &str = "dXNlcjpodW50ZXIy";

fn index() -> Vec<u8> {
    answer(200, &format!("content-type: {}\r\n", media::OCI_INDEX), INDEX)
}

fn blob() -> Descriptor {
    Descriptor::of(media::OCI_LAYER_TAR, b"0123456789")
}

/// A registry that wants tokens of `tokens`, and knows one.
fn wants_token(tokens: &str) -> Host {
    let challenge = format!(
        "www-authenticate: Bearer realm=\"http://{tokens}/token?x=1\",service=\"the registry\",scope=\"repository:a:pull\"\r\n"
    );
    Host::start(move |heard| match heard.header("authorization") {
        Some("Bearer t0ken") => index(),
        _ => answer(401, &challenge, r#"{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}"#),
    })
}

#[test]
fn a_token_is_fetched_with_the_login_once_and_kept_for_its_scope() {
    let tokens = Host::start(|_| answer(200, "", r#"{"token":"t0ken","expires_in":300}"#));
    let host = wants_token(&tokens.address);
    let registry = host.registry(Some(LOGIN));
    for _ in 0..2 {
        registry.manifest("a", Reference::Tag("1")).unwrap();
    }
    registry.has_manifest("a", Reference::Tag("1")).unwrap();
    let asked = tokens.heard();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].line, "GET /token?x=1&service=the%20registry&scope=repository%3Aa%3Apull&account=user");
    assert_eq!(asked[0].header("authorization"), Some(format!("Basic {LOGIN}").as_str()));
    let tokens = host.heard().into_iter().map(|heard| heard.header("authorization").map(str::to_owned));
    let (refused, taken): (Vec<_>, Vec<_>) = tokens.partition(Option::is_none);
    assert_eq!(refused.len(), 1, "only the first request had to be refused");
    assert!(taken.iter().flatten().all(|header| header == "Bearer t0ken"), "{taken:?}");
}

#[test]
fn a_token_that_expired_is_fetched_again() {
    let tokens = Host::start(|_| answer(200, "", r#"{"access_token":"t0ken","expires_in":1}"#));
    let host = wants_token(&tokens.address);
    let registry = host.registry(None);
    registry.manifest("a", Reference::Tag("1")).unwrap();
    registry.manifest("a", Reference::Tag("1")).unwrap();
    assert_eq!(tokens.heard().len(), 2);
    let refused = host.heard().iter().filter(|heard| heard.header("authorization").is_none()).count();
    assert_eq!(refused, 1, "an upload in the middle could not be sent again");
    assert!(tokens.heard().iter().all(|heard| heard.header("authorization").is_none()), "nobody is logged in");
}

#[test]
fn an_identity_token_is_exchanged_by_a_form() {
    let tokens = Host::start(|_| answer(200, "", r#"{"access_token":"t0ken"}"#));
    let host = wants_token(&tokens.address);
    // "<token>:id&1"
    host.registry(Some("PHRva2VuPjppZCYx")).manifest("a", Reference::Tag("1")).unwrap();
    let asked = &tokens.heard()[0];
    assert_eq!(asked.line, "POST /token?x=1");
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    let form = "grant_type=refresh_token&client_id=sealift&service=the%20registry&scope=repository%3Aa%3Apull&refresh_token=id%261";
    assert_eq!(asked.body, form);
    assert_eq!(asked.header("authorization"), None);
}

#[test]
fn a_token_that_is_refused_or_missing_is_a_clear_error() {
    for (why, status, body) in [
        ("refused", 401, r#"{"errors":[{"code":"UNAUTHORIZED","message":"wrong password"}]}"#),
        ("no token", 200, "{}"),
        ("not JSON", 200, "<html>"),
        ("a token that is a header", 200, r#"{"token":"x\r\nHost: y"}"#),
        ("a token that is not taken", 200, r#"{"token":"other"}"#),
    ] {
        let tokens = Host::start(move |_| answer(status, "", body));
        let host = wants_token(&tokens.address);
        let error = host.registry(Some(LOGIN)).manifest("a", Reference::Tag("1")).unwrap_err();
        assert!(matches!(error, ClientError::Unauthorized { .. } | ClientError::Protocol { .. }), "{why}: {error}");
        assert!(!format!("{error}{error:?}").contains("hunter2"));
        assert_eq!(tokens.heard().len(), 1, "{why}: a wrong password is sent once");
    }
}

#[test]
fn a_token_servers_redirect_does_not_get_the_login() {
    let elsewhere = Host::start(|_| answer(200, "", r#"{"token":"t0ken"}"#));
    let location = format!("location: http://{}/token\r\n", elsewhere.address);
    let tokens = Host::start(move |_| answer(307, &location, ""));
    let host = wants_token(&tokens.address);
    let error = host.registry(Some(LOGIN)).manifest("a", Reference::Tag("1")).unwrap_err();
    assert!(matches!(error, ClientError::Refused { .. }), "{error}");
    assert!(elsewhere.heard().is_empty());
}

/// A registry that wants the login on every request, and then answers with `then`.
fn wants_basic(then: impl Fn(&Heard) -> Vec<u8> + Send + 'static) -> Host {
    Host::start(move |heard| match heard.header("authorization") {
        Some(_) => then(heard),
        None => answer(401, "www-authenticate: Basic realm=x\r\n", ""),
    })
}

#[test]
fn a_login_that_was_refused_is_not_sent_twice_for_one_request() {
    let host = Host::start(|_| answer(401, "www-authenticate: Basic realm=x\r\n", ""));
    let registry = host.registry(Some(LOGIN));
    for sent in [1, 2] {
        let error = registry.manifest("a", Reference::Tag("1")).unwrap_err();
        assert!(matches!(error, ClientError::Unauthorized { user: Some(_), .. }), "{error}");
        let logins = host.heard().iter().filter(|heard| heard.header("authorization").is_some()).count();
        assert_eq!(logins, sent, "registries lock users out who try too often");
    }
}

#[test]
fn a_redirect_is_followed_without_the_login() {
    let store = Host::start(|_| answer(200, "", "0123456789"));
    let location = format!("location: http://{}/store?sig=1\r\n", store.address);
    let host = wants_basic(move |_| answer(307, &location, ""));
    let source = host.registry(Some(LOGIN)).source("a").unwrap();
    assert_eq!(source.read(&blob(), limits::BLOB_BYTES).unwrap(), b"0123456789");
    assert_eq!(store.lines(), ["GET /store?sig=1"]);
    assert_eq!(store.heard()[0].header("authorization"), None);
}

#[test]
fn the_challenge_of_a_redirects_target_is_not_answered() {
    let tokens = Host::start(|_| answer(200, "", r#"{"token":"t0ken"}"#));
    let challenge = format!("www-authenticate: Bearer realm=\"http://{}/token\"\r\n", tokens.address);
    let store = Host::start(move |_| answer(401, &challenge, ""));
    let location = format!("location: http://{}/store\r\n", store.address);
    let host = Host::start(move |_| answer(307, &location, ""));
    let error = host.registry(Some(LOGIN)).open_blob("a", &blob()).map(drop).unwrap_err();
    assert!(matches!(error, ClientError::Unauthorized { .. }), "{error}");
    assert!(tokens.heard().is_empty());
    assert_eq!((host.heard().len(), store.heard().len()), (1, 1));
}

#[test]
fn an_upload_that_goes_on_at_another_host_goes_without_the_login() {
    let store = Host::start(|_| answer(201, "", ""));
    let location = format!("location: http://{}/upload?id=1\r\n", store.address);
    let host = wants_basic(move |_| answer(202, &location, ""));
    host.registry(Some(LOGIN)).push_blob("a", &blob(), &b"0123456789"[..]).unwrap();
    assert_eq!(store.lines(), [format!("PUT /upload?id=1&digest={}", blob().digest)]);
    assert_eq!((store.heard()[0].body.as_str(), store.heard()[0].header("authorization")), ("0123456789", None));
}

#[test]
fn a_registry_that_is_busy_for_a_moment_is_asked_again() {
    let times = Mutex::new(0);
    let host = Host::start(move |_| {
        let mut times = times.lock().unwrap();
        *times += 1;
        match *times {
            1 => answer(503, "", ""),
            2 => answer(429, "retry-after: 1\r\n", ""),
            3 => Vec::new(),
            _ => index(),
        }
    });
    host.registry(None).manifest("a", Reference::Tag("1")).unwrap();
    assert_eq!(host.heard().len(), 4);
}

#[test]
fn a_registry_that_is_busy_for_long_is_an_error() {
    let limit = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow\u001b[31m down"}]}"#;
    let host = Host::start(move |_| answer(429, "retry-after: 3600\r\n", limit));
    let error = host.registry(None).manifest("a", Reference::Tag("1")).unwrap_err();
    let ClientError::Refused { answer, .. } = &error else { panic!("{error}") };
    assert_eq!(answer.status(), 429);
    assert_eq!(
        answer.errors().collect::<Vec<_>>(),
        [("TOOMANYREQUESTS", "slow[31m down")],
        "nothing controls the terminal"
    );
    assert!(error.hint().is_some());
    assert_eq!(host.heard().len(), 1);
}

#[test]
fn a_download_that_breaks_goes_on_where_it_broke() {
    let host = Host::start(|heard| match heard.header("range") {
        None => b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123".to_vec(),
        Some("bytes=4-") => b"HTTP/1.1 206 X\r\ncontent-length: 6\r\ncontent-range: bytes 4-9/10\r\n\r\n45".to_vec(),
        Some("bytes=6-") => answer(206, "content-range: bytes 6-9/10\r\n", "6789"),
        other => panic!("{other:?}"),
    });
    let source = host.registry(None).source("a").unwrap();
    assert_eq!(source.read(&blob(), limits::BLOB_BYTES).unwrap(), b"0123456789");
}

#[test]
fn a_download_that_cannot_go_on_is_an_error() {
    for (why, range) in [
        ("no ranges", answer(200, "", "0123456789")),
        ("another range", answer(206, "content-range: bytes 0-5/10\r\n", "012345")),
        ("never a byte", b"HTTP/1.1 206 X\r\ncontent-length: 6\r\ncontent-range: bytes 4-9/10\r\n\r\n".to_vec()),
    ] {
        let host = Host::start(move |heard| match heard.header("range") {
            None => b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123".to_vec(),
            Some(_) => range.clone(),
        });
        let source = host.registry(None).source("a").unwrap();
        assert!(source.read(&blob(), limits::BLOB_BYTES).is_err(), "{why}");
        assert!(host.heard().len() <= 5, "{why}: {:?}", host.lines());
    }
}

#[test]
fn a_registry_that_lies_is_not_believed() {
    let other = Digest::of(b"other");
    let typed = |more: &str| format!("content-type: {}\r\n{more}", media::OCI_INDEX);
    let large = " ".repeat(limits::MANIFEST_BYTES as usize + 1);
    for (why, response) in [
        ("a digest of other content", answer(200, &typed(&format!("docker-content-digest: {other}\r\n")), INDEX)),
        ("a manifest without end", answer(200, &typed(""), &large)),
        ("schema 1", answer(200, "content-type: application/vnd.docker.distribution.manifest.v1+prettyjws\r\n", "{}")),
        ("a web page", answer(200, "content-type: text/html\r\n", "<html>")),
    ] {
        let host = Host::start(move |_| response.clone());
        let error = host.registry(None).manifest("a", Reference::Tag("1")).unwrap_err();
        let expected =
            matches!(error, ClientError::Digest { .. } | ClientError::Size { .. } | ClientError::MediaType { .. });
        assert!(expected, "{why}: {error}");
    }
    let host = Host::start(|_| index());
    let error = host.registry(None).manifest("a", Reference::Digest(&other)).unwrap_err();
    assert!(matches!(error, ClientError::Digest { .. }), "{error}");
    let error = host.registry(None).open_blob("a", &blob()).map(drop).unwrap_err();
    assert!(matches!(error, ClientError::Size { .. }), "{error}");
}

#[test]
fn a_registry_that_stores_other_content_than_was_pushed_is_not_believed() {
    let host = Host::start(|heard| match heard.line.split(' ').next() {
        Some("POST") => answer(202, "location: /v2/a/blobs/uploads/1\r\n", ""),
        _ => answer(201, &format!("docker-content-digest: {}\r\n", Digest::of(b"other")), ""),
    });
    let error = host.registry(None).push_blob("a", &blob(), &b"0123456789"[..]).unwrap_err();
    assert!(matches!(error, ClientError::Digest { .. }), "{error}");
}

#[test]
fn an_upload_that_is_cut_off_is_an_error_at_once_and_names_the_usual_cause() {
    let host = Host::start(|heard| match heard.line.split(' ').next() {
        Some("POST") => answer(202, "location: /v2/a/blobs/uploads/1\r\n", ""),
        // As nginx does above `client_max_body_size`: it answers, reads no more, and closes.
        _ => answer(413, "", ""),
    });
    let mut upload = host.registry(None).start_upload("a").unwrap();
    let error = std::iter::repeat_with(|| upload.write(&[0; 100_000])).take(10_000).find_map(Result::err).unwrap();
    assert!(error.hint().is_some_and(|hint| hint.contains("limit on the size")), "{error}");
    assert!(upload.write(b"more").is_err(), "what was lost is not skipped");
    assert!(upload.commit(&blob()).is_err());
}

#[test]
fn names_that_are_not_names_reach_no_registry() {
    let host = Host::start(|_| index());
    let registry = host.registry(None);
    for repository in ["", "../v2", "A", "a?x=", "a/../b", "a b"] {
        assert!(matches!(registry.manifest(repository, Reference::Tag("1")), Err(ClientError::Name { .. })));
        assert!(matches!(registry.start_upload(repository), Err(ClientError::Name { .. })));
        assert!(matches!(registry.mount_blob("a", &blob().digest, repository), Err(ClientError::Name { .. })));
    }
    assert!(matches!(registry.manifest("a", Reference::Tag("../b")), Err(ClientError::Name { .. })));
    assert!(matches!(registry.resolve(&"other.example/a".parse().unwrap()), Err(ClientError::Name { .. })));
    for host in ["", "http://x", "a/b", "user@host.example", "word"] {
        assert!(matches!(Registry::connect(host, &ClientOptions::default()), Err(ClientError::Name { .. })), "{host}");
    }
    assert!(host.heard().is_empty());
}

#[test]
fn what_answers_on_loopback_but_is_no_registry_is_not_taken_for_one() {
    let host = Host::start(|heard| answer(if heard.line == "GET /v2/" { 404 } else { 400 }, "", ""));
    let error = Registry::connect(&host.address, &ClientOptions::default()).unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
}

#[test]
fn a_host_that_does_not_answer_is_unreachable() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let error = Registry::connect(&closed, &ClientOptions::default()).unwrap_err();
    assert!(matches!(&error, ClientError::Unreachable { place, .. } if *place == closed), "{error}");
}
