//! Many clients, slow clients, clients that hang, and the end of the server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use bundle_format::{Digest, Hasher};
use testdata::Image;

use crate::http::get;
use crate::site::{Server, Site, image};

const BYTES: usize = 24 << 20;

/// A site with one large blob, and its digest and size.
fn large() -> (Site, Digest, usize) {
    let mut site = Site::new();
    let app: Image = image("linux/amd64", "large", BYTES);
    site.hold(&app, Some("quay.io/large/app:1"), &[]);
    let (digest, bytes) = app.blobs().iter().max_by_key(|(_, bytes)| bytes.len()).unwrap();
    (site, *digest, bytes.len())
}

/// Asks for the blob, and reads no more than the head of the answer.
fn begin(server: &Server, digest: &Digest) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    write!(stream, "GET /v2/quay.io/large/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 200 "));
    stream
}

/// Reads the rest: its digest and size.
fn finish(mut stream: TcpStream) -> (Digest, usize) {
    let (mut hasher, mut total) = (Hasher::default(), 0);
    let mut buf = vec![0; 1 << 16];
    // A connection that is cut off may end in an error: what came before it counts.
    while let Ok(n @ 1..) = stream.read(&mut buf) {
        hasher.update(&buf[..n]);
        total += n;
    }
    (hasher.finish(), total)
}

#[test]
fn sixteen_clients_of_one_blob_all_get_it() {
    let (site, digest, size) = large();
    let server = site.serve();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..16).map(|_| scope.spawn(|| finish(begin(&server, &digest)))).collect();
        for client in clients {
            assert_eq!(client.join().unwrap(), (digest, size));
        }
    });
    assert!(server.events().is_empty(), "{:?}", server.events());
}

#[test]
fn clients_that_hang_hold_up_no_one_and_are_cut_off() {
    let (site, digest, size) = large();
    let server = site.serve_with(|config| {
        config.limits.connections = 8;
        config.limits.request_time = Duration::from_secs(2);
        config.limits.stall_time = Duration::from_secs(2);
    });
    let begun = Instant::now();
    let mut silent: Vec<_> = (0..3).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    silent[1].write_all(b"GET /v2/ HT").unwrap();
    let stalled: Vec<_> = (0..3).map(|_| begin(&server, &digest)).collect();
    assert_eq!(get(&server, "/v2/").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(2), "an answer beside six clients that hang");

    for mut client in silent {
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut end = Vec::new();
        assert!(client.read_to_end(&mut end).is_ok(), "a client that asks nothing is cut off");
    }
    thread::sleep(Duration::from_secs(3));
    for client in stalled {
        assert!(finish(client).1 < size, "a client that takes nothing is cut off");
    }
    assert_eq!(finish(begin(&server, &digest)), (digest, size), "its place is free again");
}

#[test]
fn a_client_that_is_slow_but_alive_gets_everything() {
    let (site, digest, size) = large();
    let server = site.serve_with(|config| config.limits.stall_time = Duration::from_secs(2));
    let mut stream = begin(&server, &digest);
    let (mut hasher, mut total, mut buf) = (Hasher::default(), 0, vec![0; 4 << 20]);
    loop {
        thread::sleep(Duration::from_millis(300));
        let mut n = 0;
        while n < buf.len() {
            match stream.read(&mut buf[n..]).unwrap() {
                0 => break,
                more => n += more,
            }
        }
        hasher.update(&buf[..n]);
        total += n;
        if n < buf.len() {
            break;
        }
    }
    assert_eq!((hasher.finish(), total), (digest, size));
}

#[test]
fn more_clients_than_places_wait_for_one() {
    let (site, digest, size) = large();
    let server = site.serve_with(|config| config.limits.connections = 2);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..6).map(|_| scope.spawn(|| finish(begin(&server, &digest)))).collect();
        for client in clients {
            assert_eq!(client.join().unwrap(), (digest, size));
        }
    });
}

#[test]
fn a_server_that_is_stopped_ends_what_it_began_and_takes_nothing_new() {
    let (site, digest, size) = large();
    let server = site.serve();
    let idle = TcpStream::connect(server.address).unwrap();
    let stream = begin(&server, &digest);
    let address = server.address;
    server.stop.stop();
    let end = thread::spawn(move || server.join());
    thread::sleep(Duration::from_millis(300));
    assert_eq!(finish(stream), (digest, size));
    drop(idle);
    end.join().unwrap().unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_server_that_is_stopped_does_not_wait_for_a_client_that_hangs() {
    let (site, digest, _) = large();
    let server = site.serve_with(|config| config.limits.stop_time = Duration::from_millis(300));
    let _hangs = begin(&server, &digest);
    let begun = Instant::now();
    server.stop.stop();
    server.join().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
}
