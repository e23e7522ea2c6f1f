//! The endpoints, by plain HTTP.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use bundle_format::{Descriptor, Digest, media};
use serde_json::{Value, json};

use crate::site::{ARTIFACT, Server, Usual, image};

/// An answer: status, headers, body.
pub struct Answer {
    pub status: u16,
    headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {:?}", String::from_utf8_lossy(&self.body)))
    }

    fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }
}

pub fn ask(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = ureq::http::Request::builder().method(method).uri(server.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = agent.run(request.body(()).unwrap()).unwrap();
    let (parts, body) = response.into_parts();
    let mut bytes = Vec::new();
    body.into_reader().read_to_end(&mut bytes).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body: bytes }
}

pub fn get(server: &Server, path: &str) -> Answer {
    ask(server, "GET", path, &[])
}

#[test]
fn a_ping_says_that_this_is_a_registry() {
    let server = Usual::new().site.serve();
    for path in ["/v2/", "/v2"] {
        let answer = get(&server, path);
        assert_eq!((answer.status, answer.header("docker-distribution-api-version")), (200, "registry/2.0"), "{path}");
    }
}

#[test]
fn a_manifest_is_served_as_it_is_stored_by_every_address() {
    let usual = Usual::new();
    let server = usual.site.serve();
    for (image, media_type, addresses) in [
        (
            &usual.nginx,
            media::OCI_INDEX,
            &[
                ("docker.io/library/nginx", "1.25", "", ""),
                ("docker.io/nginx", "1.25", "", ""),
                ("library/nginx", "1.25", "", ""),
                ("nginx", "1.25", "", ""),
                ("library/nginx", "1.25", "?ns=docker.io", "docker.io"),
                ("library/nginx", "1.25", "?ns=registry-1.docker.io", "registry-1.docker.io"),
                ("nginx", "1.25", "?ns=index.docker.io", "index.docker.io"),
            ][..],
        ),
        (
            &usual.port,
            media::OCI_MANIFEST,
            &[
                ("localhost_5000/shop/web", "2", "", ""),
                ("shop/web", "2", "?ns=localhost%3A5000", "localhost:5000"),
                ("shop/web", "2", "?ns=localhost:5000", "localhost:5000"),
                ("shop/web", "2", "", ""),
            ][..],
        ),
        (&usual.sparse, media::OCI_INDEX, &[("ghcr.io/sparse/tool", "3", "", "")][..]),
    ] {
        let digest = image.root().digest;
        let stored = &image.blobs()[&digest];
        for (name, tag, query, namespace) in addresses {
            for reference in [(*tag).to_owned(), digest.to_string()] {
                let path = format!("/v2/{name}/manifests/{reference}{query}");
                // What clients accept does not change what there is.
                let answer =
                    ask(&server, "GET", &path, &[("accept", media::DOCKER_MANIFEST), ("accept-encoding", "gzip")]);
                assert_eq!(answer.status, 200, "{path}");
                assert_eq!(&answer.body, stored, "{path}");
                assert_eq!(answer.header("content-type"), media_type, "{path}");
                assert_eq!(answer.header("content-length"), stored.len().to_string(), "{path}");
                assert_eq!(answer.header("docker-content-digest"), digest.to_string(), "{path}");
                assert_eq!(answer.header("etag"), format!("\"{digest}\""), "{path}");
                assert_eq!(answer.header("oci-namespace"), *namespace, "{path}");
                assert_eq!(answer.header("content-encoding"), "", "{path}");
                let head = ask(&server, "HEAD", &path, &[]);
                assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
                for name in ["content-type", "content-length", "docker-content-digest", "etag", "oci-namespace"] {
                    assert_eq!(head.header(name), answer.header(name), "{path}: HEAD says what GET says");
                }
                let tag = answer.header("etag").to_owned();
                let again = ask(&server, "GET", &path, &[("if-none-match", &tag)]);
                assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
            }
        }
    }
}

#[test]
fn a_blob_is_served_whole_or_in_part() {
    let usual = Usual::new();
    let server = usual.site.serve();
    let (digest, stored) = usual.nginx.blobs().iter().max_by_key(|(_, bytes)| bytes.len()).unwrap();
    let path = format!("/v2/library/nginx/blobs/{digest}?ns=docker.io");
    let size = stored.len();
    let whole = ask(&server, "GET", &path, &[("accept-encoding", "zstd;q=1.0, gzip;q=0.8")]);
    assert_eq!((whole.status, &whole.body), (200, stored));
    for (name, value) in [
        ("content-type", "application/octet-stream".to_owned()),
        ("content-length", size.to_string()),
        ("docker-content-digest", digest.to_string()),
        ("etag", format!("\"{digest}\"")),
        ("accept-ranges", "bytes".to_owned()),
        ("oci-namespace", "docker.io".to_owned()),
        ("content-encoding", String::new()),
    ] {
        assert_eq!(whole.header(name), value);
    }
    let head = ask(&server, "HEAD", &path, &[("range", "bytes=0-1")]);
    assert_eq!((head.status, head.body.len(), head.header("content-length")), (200, 0, size.to_string().as_str()));

    let tag = format!("\"{digest}\"");
    for (why, range, if_range, expected) in [
        ("inside", "bytes=500-1499", "", Some((500, 1499))),
        ("across buffers", "bytes=131000-270000", "", Some((131_000, 270_000))),
        ("to the end", "bytes=500-", "", Some((500, size - 1))),
        ("from the end", "bytes=-500", "", Some((size - 500, size - 1))),
        ("clamped", "bytes=2000-99999999", "", Some((2000, size - 1))),
        ("of this content", "bytes=0-9", tag.as_str(), Some((0, 9))),
        ("of other content", "bytes=0-9", "\"other\"", None),
        ("more than one", "bytes=0-1,5-6", "", None),
    ] {
        let answer = ask(
            &server,
            "GET",
            &path,
            &[("range", range), ("if-range", if_range)][..if if_range.is_empty() { 1 } else { 2 }],
        );
        match expected {
            Some((first, last)) => {
                assert_eq!(answer.status, 206, "{why}");
                assert_eq!(answer.header("content-range"), format!("bytes {first}-{last}/{size}"), "{why}");
                assert_eq!(answer.body, &stored[first..=last], "{why}");
            }
            None => assert_eq!((answer.status, answer.body.len()), (200, size), "{why}"),
        }
    }
    for range in ["bytes=500-0", "bytes=99999999-", "bytes=-0"] {
        let answer = ask(&server, "GET", &path, &[("range", range)]);
        assert_eq!(
            (answer.status, answer.header("content-range")),
            (416, format!("bytes */{size}").as_str()),
            "{range}"
        );
    }
}

#[test]
fn blobs_of_every_size_are_served() {
    // A server checks lengths, so a file with a hole stands for a blob of 6 GiB.
    let mut usual = Usual::new();
    let (huge, size) = (Digest::of(b"huge"), 6_u64 << 30);
    let file = fs::File::create(usual.site.blob(&huge)).unwrap();
    file.set_len(size).unwrap();
    file.write_all_at(b"end", size - 3).unwrap();
    let empty = usual.site.hold_blob(b"");
    let layers = [Descriptor::new(media::OCI_LAYER_TAR, huge, size), Descriptor::new(media::OCI_LAYER_TAR, empty, 0)];
    let config = Descriptor::new(media::OCI_EMPTY, usual.site.hold_blob(b"{}"), 2);
    let manifest = json!({"schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "config": config, "layers": layers});
    usual.site.hold_manifest(&manifest, Some("quay.io/sizes/app:1"));
    let server = usual.site.serve();
    let path = format!("/v2/quay.io/sizes/app/blobs/{huge}");
    assert_eq!(ask(&server, "HEAD", &path, &[]).header("content-length"), size.to_string());
    let end = ask(&server, "GET", &path, &[("range", "bytes=6442450939-")]);
    assert_eq!((end.status, end.body.as_slice()), (206, &b"\0\0end"[..]));
    let nothing = get(&server, &format!("/v2/quay.io/sizes/app/blobs/{empty}"));
    assert_eq!((nothing.status, nothing.header("content-length"), nothing.body.len()), (200, "0", 0));
}

#[test]
fn what_is_not_there_is_404_and_what_is_malformed_400_with_a_code() {
    let usual = Usual::new();
    let server = usual.site.serve();
    let other = usual.port.root().digest;
    for (why, path, status, code) in [
        ("no repository", "no/such/manifests/1".to_owned(), 404, "NAME_UNKNOWN"),
        ("no repository", "no/such/tags/list".to_owned(), 404, "NAME_UNKNOWN"),
        ("no repository", format!("no/such/blobs/{other}"), 404, "NAME_UNKNOWN"),
        ("not in that registry", "library/nginx/manifests/1.25?ns=quay.io".to_owned(), 404, "NAME_UNKNOWN"),
        ("no tag", "nginx/manifests/2".to_owned(), 404, "MANIFEST_UNKNOWN"),
        ("another repository's", format!("nginx/manifests/{other}"), 404, "MANIFEST_UNKNOWN"),
        ("narrowed away", format!("sparse/tool/manifests/{}", usual.absent), 404, "MANIFEST_UNKNOWN"),
        ("a manifest is no blob", format!("shop/web/blobs/{other}"), 404, "BLOB_UNKNOWN"),
        ("not yet imported", format!("sealift/shop/blobs/{}", usual.stray), 404, "BLOB_UNKNOWN"),
        ("not a digest", "nginx/manifests/sha256:totallywrong".to_owned(), 400, "DIGEST_INVALID"),
        ("not a digest", "nginx/blobs/sha256:baddigeststring".to_owned(), 400, "DIGEST_INVALID"),
        ("not a digest", "nginx/referrers/x".to_owned(), 400, "DIGEST_INVALID"),
        ("not a name", "NGINX/manifests/1".to_owned(), 400, "NAME_INVALID"),
        ("not a number", "nginx/tags/list?n=many".to_owned(), 400, "PAGINATION_NUMBER_INVALID"),
        ("too long", format!("{}/manifests/1", "a/".repeat(3000)), 414, "UNSUPPORTED"),
    ] {
        let path = format!("/v2/{path}");
        let answer = get(&server, &path);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{why}: {path}");
        assert_eq!(answer.header("content-type"), "application/json", "{why}");
        let head = ask(&server, "HEAD", &path, &[]);
        assert_eq!((head.status, head.body.len()), (status, 0), "{why}: HEAD");
    }
    assert!(server.events().is_empty(), "none of it is the operator's trouble: {:?}", server.events());
}

#[test]
fn what_would_change_something_is_refused_and_says_why() {
    let usual = Usual::new();
    let server = usual.site.serve();
    let digest = usual.plain.root().digest;
    for (method, path) in [
        ("POST", "/v2/quay.io/plain/app/blobs/uploads/".to_owned()),
        ("PUT", "/v2/quay.io/plain/app/manifests/2".to_owned()),
        ("PATCH", "/v2/quay.io/plain/app/blobs/uploads/1".to_owned()),
        ("DELETE", format!("/v2/quay.io/plain/app/manifests/{digest}")),
        ("DELETE", format!("/v2/quay.io/plain/app/blobs/{digest}")),
    ] {
        let answer = ask(&server, method, &path, &[]);
        assert_eq!((answer.status, answer.code().as_str()), (405, "UNSUPPORTED"), "{method}");
        assert_eq!(answer.header("allow"), "GET, HEAD", "{method}");
        let message = answer.json()["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("read-only"), "{method}: {message}");
    }
}

#[test]
fn lists_come_sorted_in_pages_that_lead_to_the_next() {
    let mut usual = Usual::new();
    for tag in ["10", "2", "Z", "_"] {
        usual.site.hold(&usual.plain, Some(&format!("quay.io/plain/app:{tag}")), &[]);
    }
    let server = usual.site.serve();
    let all = ["1", "10", "2", "Z", "_", "latest"];
    let answer = get(&server, "/v2/plain/app/tags/list?ns=quay.io");
    assert_eq!(answer.json(), json!({"name": "plain/app", "tags": all}));
    assert_eq!((answer.header("link"), answer.header("oci-namespace")), ("", "quay.io"));
    let (mut seen, mut path) = (Vec::new(), "/v2/plain/app/tags/list?n=4&ns=quay.io".to_owned());
    while !path.is_empty() {
        let answer = get(&server, &path);
        seen.extend(answer.json()["tags"].as_array().unwrap().iter().map(|t| t.as_str().unwrap().to_owned()));
        let link = answer.header("link");
        path = link.strip_prefix('<').and_then(|l| l.strip_suffix(">; rel=\"next\"")).unwrap_or_default().to_owned();
        assert_eq!(path.is_empty(), link.is_empty(), "{link}");
    }
    assert_eq!(seen, all);
    for (query, tags) in
        [("?n=0", &[][..]), ("?last=2", &["Z", "_", "latest"]), ("?last=11&n=1", &["2"]), ("?last=x", &[])]
    {
        let answer = get(&server, &format!("/v2/quay.io/plain/app/tags/list{query}"));
        assert_eq!(answer.json()["tags"], json!(tags), "{query}");
    }
    let names = [
        "docker.io/library/nginx",
        "ghcr.io/sparse/tool",
        "localhost_5000/shop/web",
        "quay.io/plain/app",
        "sealift/shop",
    ];
    assert_eq!(get(&server, "/v2/_catalog").json(), json!({"repositories": names}));
    let page = get(&server, "/v2/_catalog?n=2&last=docker.io/library/nginx");
    assert_eq!(page.json(), json!({"repositories": &names[1..3]}));
    assert_eq!(page.header("link"), "</v2/_catalog?n=2&last=localhost%5F5000%2Fshop%2Fweb>; rel=\"next\"");
}

#[test]
fn referrers_are_always_answered() {
    let usual = Usual::new();
    let server = usual.site.serve();
    let empty = json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": []});
    let full = {
        let size = fs::metadata(usual.site.blob(&usual.release)).unwrap().len();
        json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [{
            "mediaType": media::OCI_MANIFEST, "digest": usual.release, "size": size, "artifactType": ARTIFACT,
            "annotations": {"org.example": "kept"},
        }]})
    };
    let (template, other) = (usual.template, usual.stray);
    let sha512 = format!("sha512:{}", "0".repeat(128));
    for (why, path, expected, filtered) in [
        ("all", format!("sealift/shop/referrers/{template}"), &full, ""),
        ("of the type", format!("sealift/shop/referrers/{template}?artifactType={ARTIFACT}"), &full, "artifactType"),
        ("of no such type", format!("sealift/shop/referrers/{template}?artifactType=x"), &empty, "artifactType"),
        ("of nothing here", format!("sealift/shop/referrers/{other}"), &empty, ""),
        ("in another repository", format!("nginx/referrers/{template}"), &empty, ""),
        ("in no repository", format!("no/such/referrers/{template}"), &empty, ""),
        ("by another algorithm", format!("nginx/referrers/{sha512}"), &empty, ""),
    ] {
        let answer = get(&server, &format!("/v2/{path}"));
        assert_eq!((answer.status, &answer.json()), (200, expected), "{why}");
        assert_eq!(
            (answer.header("content-type"), answer.header("oci-filters-applied")),
            (media::OCI_INDEX, filtered),
            "{why}"
        );
    }
    let release = get(&server, &format!("/v2/sealift/shop/manifests/{}", usual.release));
    assert_eq!((release.status, Digest::of(&release.body)), (200, usual.release));
}

#[test]
fn a_namespace_that_is_the_server_itself_is_no_namespace() {
    let usual = Usual::new();
    let server = usual.site.serve_with(|config| config.hosts.push("registry.site:5000".to_owned()));
    for (ns, status) in
        [(server.address.to_string(), 200), ("registry.site:5000".to_owned(), 200), ("docker.io".to_owned(), 404)]
    {
        let answer = get(&server, &format!("/v2/sealift/shop/manifests/1.0.0?ns={ns}"));
        assert_eq!((answer.status, answer.header("oci-namespace")), (status, ""), "{ns}");
    }
}

#[test]
fn new_content_appears_while_the_server_runs() {
    let mut usual = Usual::new();
    let server = usual.site.serve();
    assert_eq!(get(&server, "/v2/quay.io/new/app/manifests/1").status, 404);
    usual.site.hold(&image("linux/amd64", "new", 10), Some("quay.io/new/app:1"), &[]);
    let begun = Instant::now();
    while get(&server, "/v2/quay.io/new/app/manifests/1").status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "not seen: {:?}", server.events());
        sleep(Duration::from_millis(100));
    }
    fs::write(usual.site.path().join("index.json"), b"{").unwrap();
    sleep(Duration::from_millis(1200));
    assert_eq!(get(&server, "/v2/quay.io/new/app/manifests/1").status, 200, "what was served before still is");
    assert!(server.events().iter().any(|e| e.contains("index.json")), "{:?}", server.events());
}

#[test]
fn content_that_was_lost_is_404_and_the_operator_is_told() {
    let usual = Usual::new();
    let server = usual.site.serve();
    let (digest, _) = usual.plain.blobs().iter().max_by_key(|(_, bytes)| bytes.len()).unwrap();
    let path = format!("/v2/quay.io/plain/app/blobs/{digest}");
    fs::write(usual.site.blob(digest), b"short").unwrap();
    assert_eq!((ask(&server, "HEAD", &path, &[]).status, get(&server, &path).status), (404, 404));
    fs::remove_file(usual.site.blob(digest)).unwrap();
    assert_eq!(get(&server, &path).status, 404);
    assert_eq!(server.events().len(), 3, "{:?}", server.events());
}

#[test]
fn what_is_not_http_and_heads_without_end_are_cut_off() {
    let server = Usual::new().site.serve();
    let endless = format!("GET /v2/ HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET /v2/ HTTP/1.1\r\nHost: x\r\n{}\r\n", "a: b\r\n".repeat(1000));
    for (why, sent) in [
        ("TLS", "\u{16}\u{3}\u{1}\0\u{4}"),
        ("not HTTP", "EHLO x\r\n\r\n"),
        ("one long header", &endless),
        ("many headers", &many),
    ] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        // The server may stop reading before all is sent.
        let _ = stream.write_all(sent.as_bytes());
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{why}: {answer}");
        assert_eq!(get(&server, "/v2/").status, 200, "{why}");
    }
}
