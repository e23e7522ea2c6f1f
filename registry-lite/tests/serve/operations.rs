//! What whoever operates a server sees of it: probes, counters, the log.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use registry_lite::server::{Log, Served};

use crate::http::{ask, get};
use crate::site::Usual;

/// A log that can be looked at.
fn log() -> (Log, Arc<Mutex<Vec<Served>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    (Arc::new(move |served: &Served| log.lock().unwrap().push(served.clone())), seen)
}

/// The lines once there are `count`: a request is logged when its last byte is gone, which its client may see first.
fn lines(seen: &Mutex<Vec<Served>>, count: usize) -> Vec<Served> {
    let begun = Instant::now();
    while seen.lock().unwrap().len() < count {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", seen.lock().unwrap());
        std::thread::sleep(Duration::from_millis(10));
    }
    seen.lock().unwrap().clone()
}

#[test]
fn probes_say_whether_the_process_answers_and_whether_there_is_content() {
    let usual = Usual::new();
    let server = usual.site.serve();
    for path in ["/healthz", "/readyz"] {
        let answer = get(&server, path);
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"ok\n"[..]), "{path}");
        let head = ask(&server, "HEAD", path, &[]);
        assert_eq!((head.status, head.body.len(), head.header("content-length")), (200, 0, "3"), "{path}");
        assert_eq!(ask(&server, "DELETE", path, &[]).status, 405, "{path}");
    }
    let index = usual.site.path().join("index.json");
    fs::rename(&index, index.with_extension("away")).unwrap();
    let answer = get(&server, "/readyz");
    assert_eq!(answer.status, 503);
    assert!(String::from_utf8_lossy(&answer.body).contains("No such file"), "it says why");
    assert_eq!(get(&server, "/healthz").status, 200, "the process is well");
    fs::rename(index.with_extension("away"), &index).unwrap();
    assert_eq!(get(&server, "/readyz").status, 200);
}

#[test]
fn the_counters_say_what_was_served() {
    let usual = Usual::new();
    let server = usual.site.serve();
    let (digest, content) = usual.nginx.blobs().iter().max_by_key(|(_, bytes)| bytes.len()).unwrap();
    for _ in 0..3 {
        get(&server, &format!("/v2/nginx/blobs/{digest}"));
    }
    get(&server, "/v2/nginx/manifests/no-such");
    let page = get(&server, "/metrics");
    assert_eq!(page.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let page = String::from_utf8(page.body).unwrap();
    let value = |sample: &str| -> f64 {
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("sealift_registry_{sample} ")));
        line.unwrap_or_else(|| panic!("{sample} is not on\n{page}")).parse().unwrap()
    };
    assert_eq!(value("requests_total{method=\"read\",route=\"blob\",status=\"2xx\"}"), 3.0);
    assert_eq!(value("requests_total{method=\"read\",route=\"manifest\",status=\"4xx\"}"), 1.0);
    assert_eq!(value("request_duration_seconds_count{route=\"blob\"}"), 3.0);
    assert!(value("sent_bytes_total") > 3.0 * content.len() as f64);
    assert!(value("received_bytes_total") > 100.0);
    assert!(value("connections") >= 1.0);
    assert_eq!(value("repositories"), 5.0);
    assert_eq!(value("roots_not_served"), 0.0);
    assert_eq!(value("faults_total{kind=\"read\"}"), 0.0);
}

#[test]
fn every_request_is_logged_with_what_became_of_it() {
    let (log, seen) = log();
    let usual = Usual::new();
    let server = usual.site.serve_with(|config| config.log = Some(log));
    let (digest, content) = usual.nginx.blobs().iter().max_by_key(|(_, bytes)| bytes.len()).unwrap();
    let path = format!("/v2/nginx/blobs/{digest}?ns=docker.io");
    // Each is logged when it is over, which two connections may see in either order: one after the other, then.
    for (i, (method, path, header)) in [
        ("GET", path.as_str(), ("user-agent", "containerd/1.7 \"x\"")),
        ("HEAD", &path, ("accept", "*/*")),
        ("GET", &path, ("range", "bytes=0-9")),
        ("GET", "/v2/nginx/manifests/no-such", ("accept", "*/*")),
        ("DELETE", "/v2/nginx/manifests/1", ("accept", "*/*")),
    ]
    .into_iter()
    .enumerate()
    {
        ask(&server, method, path, &[header]);
        lines(&seen, i + 1);
    }
    let all = lines(&seen, 5);
    let told: Vec<_> = all
        .iter()
        .map(|s| (s.method.as_str(), s.status.map_or(0, |s| s.as_u16()), s.code.unwrap_or("-"), s.broken_off))
        .collect();
    assert_eq!(
        told,
        [
            ("GET", 200, "-", false),
            ("HEAD", 200, "-", false),
            ("GET", 206, "-", false),
            ("GET", 404, "MANIFEST_UNKNOWN", false),
            ("DELETE", 405, "UNSUPPORTED", false),
        ]
    );
    let sent: Vec<_> = all.iter().take(3).map(|s| s.sent).collect();
    assert_eq!(sent, [content.len() as u64, 0, 10]);
    assert_eq!(all[0].target.as_str(), path);
    assert_eq!(all[0].agent.as_ref().unwrap().as_str(), "containerd/1.7 \\\"x\\\"");
    assert!(all[0].peer.ip().is_loopback() && all[0].duration < Duration::from_secs(20));
}

#[test]
fn a_client_that_leaves_in_the_middle_is_logged_as_such() {
    let (log, seen) = log();
    let mut usual = Usual::new();
    let large = crate::site::image("linux/amd64", "large", 64 << 20);
    usual.site.hold(&large, Some("quay.io/large/app:1"), &[]);
    let (digest, content) = large.blobs().iter().max_by_key(|(_, bytes)| bytes.len()).unwrap();
    let server = usual.site.serve_with(|config| config.log = Some(log));
    let mut stream = TcpStream::connect(server.address).unwrap();
    write!(stream, "GET /v2/quay.io/large/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    stream.read_exact(&mut [0; 1 << 20]).unwrap();
    drop(stream);
    let served = lines(&seen, 1).remove(0);
    assert_eq!((served.status.map(|s| s.as_u16()), served.broken_off), (Some(200), true));
    assert!(served.sent >= 1 << 19 && served.sent < content.len() as u64, "{} bytes", served.sent);
    assert!(server.events().is_empty(), "it is no fault of the server's: {:?}", server.events());
}
