//! What comes over a connection, byte by byte: requests that are hardly any, clients that do not stop, files that end too soon.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::{Duration, Instant};

use crate::http::get;
use crate::site::{Server, Site, Usual, image};

/// Sends `request`, and takes what comes until the server closes.
fn exchange(server: &Server, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may stop reading before all is sent.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let mut buf = [0; 4096];
    loop {
        match stream.read(&mut buf) {
            Ok(0) => break,
            Ok(n) => answer.extend_from_slice(&buf[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(e) => panic!("the server hangs: {e}"),
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of each answer in what came.
fn statuses(answers: &str) -> Vec<&str> {
    answers.split("HTTP/1.").skip(1).map(|answer| answer.get(2..5).unwrap_or("")).collect()
}

#[test]
fn every_request_that_is_hardly_one_is_answered_or_cut_off_and_never_by_a_5xx() {
    let usual = Usual::new();
    let server = usual.site.serve_with(|config| config.limits.request_time = Duration::from_secs(1));
    let long = |bytes: usize| format!("GET /v2/ HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(bytes));
    let many = |count: usize| format!("GET /v2/ HTTP/1.1\r\nHost: x\r\n{}\r\n", "a: b\r\n".repeat(count));
    let path = |bytes: usize| format!("GET /v2/{}/manifests/1 HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(bytes));
    let table = [
        ("HTTP/1.1 keeps the connection", "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), &["200"][..]),
        ("HTTP/1.0 closes it", "GET /v2/ HTTP/1.0\r\n\r\n".to_owned(), &["200"]),
        ("HTTP/1.0 that keeps it", "GET /v2/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".to_owned(), &["200"]),
        ("HTTP/0.9", "GET /v2/\r\n\r\n".to_owned(), &["400"]),
        ("HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0".to_owned(), &[]),
        ("HTTP/3.0", "GET /v2/ HTTP/3.0\r\n\r\n".to_owned(), &["400"]),
        (
            "two at once",
            "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\nGET /no HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
            &["200", "404"],
        ),
        ("lines before it", "\r\n\r\nGET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), &["200"]),
        ("bare line feeds", "GET /v2/ HTTP/1.1\nHost: x\n\n".to_owned(), &["200"]),
        ("a bare carriage return", "GET /v2/ HTTP/1.1\rHost: x\r\r".to_owned(), &["400"]),
        ("NUL in a header", "GET /v2/ HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n".to_owned(), &["400"]),
        ("NUL in the path", "GET /v2/\0 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), &["400"]),
        ("a folded header", "GET /v2/ HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n".to_owned(), &["400"]),
        ("a space before the colon", "GET /v2/ HTTP/1.1\r\nHost : x\r\n\r\n".to_owned(), &["400"]),
        ("a header without a colon", "GET /v2/ HTTP/1.1\r\nHost\r\n\r\n".to_owned(), &["400"]),
        ("an absolute address", "GET http://x/v2/ HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), &["200"]),
        ("no path", "GET  HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), &["400"]),
        ("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), &["405"]),
        ("CONNECT", "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n".to_owned(), &["405"]),
        ("TRACE", "TRACE /v2/ HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), &["405"]),
        ("a method that nobody knows", "FETCH /v2/ HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), &["405"]),
        ("an upgrade", "GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n".to_owned(), &["200"]),
        (
            "both lengths, by which requests are smuggled: the chunks count, and nothing after them",
            "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
             GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n"
                .to_owned(),
            &["405"],
        ),
        (
            "two lengths that differ",
            "POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde".to_owned(),
            &["400"],
        ),
        (
            "two lengths that agree",
            "POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd".to_owned(),
            &["405"],
        ),
        ("a length that is none", "POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_owned(), &["400"]),
        (
            "a length beyond 2^64",
            "POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n".to_owned(),
            &["400"],
        ),
        (
            "an encoding that is not chunks",
            "POST /v2/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(),
            &["400"],
        ),
        (
            "chunks that are none",
            "POST /v2/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_owned(),
            &["405"],
        ),
        (
            "a body that is waited for, and not wanted",
            "PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n".to_owned(),
            &["405"],
        ),
        ("half a head", "GET /v2/ HTTP/1.1\r\nHo".to_owned(), &[]),
        ("a head of 31 KiB", long(31 << 10), &["200"]),
        ("a head of 33 KiB", long(33 << 10), &["431"]),
        ("a head of 1 MiB", long(1 << 20), &["431"]),
        ("100 headers", many(99), &["200"]),
        ("101 headers", many(100), &["431"]),
        ("a path of 5 KiB", path(5 << 10), &["414"]),
        ("not HTTP", "EHLO x\r\n\r\n".to_owned(), &["400"]),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0".to_owned(), &["400"]),
    ];
    thread::scope(|scope| {
        for (why, sent, expected) in &table {
            let server = &server;
            scope.spawn(move || {
                let answer = exchange(server, sent.as_bytes());
                assert_eq!(statuses(&answer), *expected, "{why}: {answer}");
            });
        }
    });
    assert!(server.events().is_empty(), "{:?}", server.events());
}

#[test]
fn a_client_that_is_refused_while_it_still_sends_gets_to_see_why() {
    let server = Usual::new().site.serve();
    for head in [
        format!("PUT /v2/a/blobs/uploads/1 HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", 16 << 20),
        // One chunk of 16 MiB.
        "PATCH /v2/a/blobs/uploads/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1000000\r\n".to_owned(),
    ] {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let piece = vec![b'x'; 1 << 20];
        // All of it goes, although nobody wants it: a client that does not look before it has sent everything is not cut off meanwhile.
        for _ in 0..16 {
            stream.write_all(&piece).unwrap();
        }
        let mut answer = String::new();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(statuses(&answer), ["405"], "{answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
        assert!(begun.elapsed() < Duration::from_secs(15));
    }
}

#[test]
fn a_client_that_never_stops_sending_what_nobody_wants_is_cut_off() {
    let server = Usual::new().site.serve_with(|config| config.limits.stall_time = Duration::from_secs(1));
    let mut stream = TcpStream::connect(server.address).unwrap();
    write!(stream, "PUT /v2/a/blobs/uploads/1 HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", 1_u64 << 50).unwrap();
    let begun = Instant::now();
    while stream.write_all(&[0; 1 << 16]).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the server takes all that it is sent");
    }
}

/// A site with one blob of `bytes`, and the blob's file and path.
fn one_blob(bytes: usize) -> (Site, std::path::PathBuf, String, Vec<u8>) {
    let mut site = Site::new();
    let app = image("linux/amd64", "one", bytes);
    site.hold(&app, Some("quay.io/one/app:1"), &[]);
    let (digest, content) = app.blobs().iter().max_by_key(|(_, bytes)| bytes.len()).unwrap();
    let (file, path) = (site.blob(digest), format!("/v2/quay.io/one/app/blobs/{digest}"));
    (site, file, path, content.clone())
}

#[test]
fn many_answers_over_one_connection_are_each_what_was_asked_for() {
    // Windows are 1 MiB, small content is up to 64 KiB: parts on both sides of all these ends, in one go and in reverse.
    let (site, _, path, content) = one_blob(5 << 20);
    let server = site.serve();
    let mut stream = TcpStream::connect(server.address).unwrap();
    let size = content.len();
    let mib = 1 << 20;
    let mut parts =
        vec![(0, size - 1), (0, 0), (size - 1, size - 1), (mib - 1, mib), (1, 2 * mib), (7, 7 + (64 << 10))];
    parts.extend([(0, (64 << 10) - 1), (0, 64 << 10), (3 * mib + 5, size - 1), (0, mib - 1), (0, mib)]);
    let mut requests = String::new();
    for (first, last) in &parts {
        requests.push_str(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nRange: bytes={first}-{last}\r\n\r\n"));
        requests.push_str("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n");
        requests.push_str(&format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    stream.write_all(requests.as_bytes()).unwrap();
    stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let mut rest = all.as_slice();
    let mut head = |body: bool| {
        let end = rest.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        let text = String::from_utf8(rest[..end].to_vec()).unwrap().to_lowercase();
        let length =
            text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>().unwrap();
        let length = if body { length } else { 0 };
        let answer = (text, rest[end..end + length].to_vec());
        rest = &rest[end + length..];
        answer
    };
    for (first, last) in parts {
        let (status, body) = head(true);
        assert!(status.starts_with("http/1.1 206"), "{status}");
        assert!(body == content[first..=last], "bytes {first} to {last} are not what was stored");
        assert_eq!(head(true).1, b"{}");
        assert!(head(false).0.contains(&format!("content-length: {size}\r\n")));
    }
    assert_eq!(head(true).1, b"{}");
    assert!(rest.is_empty(), "nothing is left over");
}

#[test]
fn a_blob_that_loses_its_end_while_it_is_sent_is_broken_off_and_the_operator_is_told() {
    let (site, file, path, content) = one_blob(16 << 20);
    let server = site.serve();
    let mut stream = TcpStream::connect(server.address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut first = [0; 4096];
    stream.read_exact(&mut first).unwrap();
    // More than a socket's buffers hold is still to come.
    let kept = 12 << 20;
    fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(kept).unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    let all = [first.as_slice(), &rest].concat();
    let body = all.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let got = &all[body..];
    assert!(got.len() as u64 <= kept, "{} bytes of a file that has {kept}", got.len());
    assert!(content.starts_with(got), "what came is what was stored");
    let events = server.events();
    assert!(events.iter().any(|e| e.contains("shorter than its blob")), "{events:?}");
    assert_eq!(get(&server, "/v2/").status, 200);
}

#[test]
fn content_that_is_not_in_memory_is_read_and_served() {
    let (site, file, path, content) = one_blob(9 << 20);
    let server = site.serve();
    for kept in [0, 1 << 20, 4 << 20] {
        let blob = fs::File::open(&file).unwrap();
        blob.sync_all().unwrap();
        // Where the file lies in memory only, this does nothing, and the content is served all the same.
        rustix::fs::fadvise(&blob, kept, None, rustix::fs::Advice::DontNeed).unwrap();
        assert!(get(&server, &path).body == content, "all but the first {kept} bytes dropped");
    }
    assert!(server.events().is_empty(), "{:?}", server.events());
}

#[test]
fn content_that_changes_under_the_server_does_not_cross_into_another_answer() {
    let (site, file, path, _) = one_blob(3 << 20);
    let server = site.serve();
    // Overwritten in place, which no import does: the client's own check of the digest finds it.
    let writer = fs::OpenOptions::new().write(true).open(&file).unwrap();
    writer.write_all_at(&[0xff; 1 << 20], 1 << 20).unwrap();
    let answer = get(&server, &path);
    assert!(answer.body[1 << 20..2 << 20].iter().all(|b| *b == 0xff));
    assert_eq!(get(&server, "/v2/").body, b"{}");
}

#[test]
fn one_address_has_so_many_connections_and_more_are_closed_at_once() {
    let server = Usual::new().site.serve_with(|config| config.limits.peer_connections = 3);
    let open: Vec<_> = (0..3).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    let mut fourth = TcpStream::connect(server.address).unwrap();
    fourth.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut end = [0];
    assert!(matches!(fourth.read(&mut end), Ok(0) | Err(_)), "it is closed without an answer");
    drop(open);
    let begun = Instant::now();
    loop {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut page = String::new();
        let _ = stream.read_to_string(&mut page);
        if page.contains("sealift_registry_connections_turned_away_total ") {
            assert!(!page.contains("sealift_registry_connections_turned_away_total 0"), "{page}");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "places that were left are free again");
    }
}
