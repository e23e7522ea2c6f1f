//! Blobs in chunks: in order, out of order, broken off, two at once.

use std::io::Write as _;

use crate::content::sha256;
use crate::http::{Answer, with};
use crate::registry::{Registry, wait_for};

const BYTES: &[u8] = b"0123456789abcdefghij";

#[test]
fn chunks_in_order_make_the_blob() {
    let registry = Registry::new();
    for (why, name, last_in_put) in [("all by PATCH", "patch", false), ("the last by PUT", "put", true)] {
        let mut location = registry.begin(name);
        for first in [0, 8] {
            let answer = registry.patch(&location, Some((first, first + 7)), &BYTES[first..first + 8]);
            assert_eq!((answer.status, answer.header("range")), (202, format!("0-{}", first + 7).as_str()), "{why}");
            location = answer.header("location").to_owned();
        }
        let done = if last_in_put {
            let to = with(&location, &format!("digest={}", sha256(BYTES)));
            registry.request("PUT", &to).header("content-range", "16-19").body(&BYTES[16..]).send()
        } else {
            location = registry.patch(&location, Some((16, 19)), &BYTES[16..]).header("location").to_owned();
            registry.finish(&location, &sha256(BYTES), b"")
        };
        assert_eq!(done.status, 201, "{why}: {done:?}");
        assert!(registry.has_blob(name, BYTES), "{why}");
    }
}

#[test]
fn a_chunk_out_of_order_is_refused_and_the_upload_goes_on_where_it_says() {
    let registry = Registry::new();
    let location = registry.begin("app");
    registry.patch(&location, Some((0, 7)), &BYTES[..8]);
    let put = |range: &str, bytes: &[u8]| -> Answer {
        let to = with(&location, &format!("digest={}", sha256(BYTES)));
        registry.request("PUT", &to).header("content-range", range).body(bytes).send()
    };
    for (why, answer) in [
        ("ahead", registry.patch(&location, Some((12, 19)), &BYTES[12..])),
        ("again", registry.patch(&location, Some((0, 7)), &BYTES[..8])),
        ("into what is there", registry.patch(&location, Some((7, 19)), &BYTES[7..])),
        ("ahead, by PUT", put("12-19", &BYTES[12..])),
        ("again, by PUT", put("0-7", &BYTES[..8])),
        ("all again, by PUT", put("0-19", BYTES)),
    ] {
        assert_eq!(answer.outcome(), (416, "BLOB_UPLOAD_INVALID".to_owned()), "{why}");
        assert_eq!((answer.header("range"), answer.header("location")), ("0-7", location.as_str()), "{why}");
        assert_eq!(registry.get(&location).header("range"), "0-7", "{why}");
    }
    assert_eq!(registry.patch(&location, Some((8, 15)), &BYTES[8..16]).status, 202);
    assert_eq!(put("16-19", &BYTES[16..]).status, 201);
    assert!(registry.has_blob("app", BYTES));
}

#[test]
fn a_chunk_that_is_not_what_it_says_is_refused() {
    let registry = Registry::new();
    let location = registry.begin("app");
    let patch = |range: &str| {
        registry.request("PATCH", &location).header("content-range", range).body(&BYTES[..8]).send().outcome()
    };
    for (why, range) in [
        ("shorter than it says", "0-9"),
        ("longer than it says", "0-5"),
        ("reversed", "7-0"),
        ("no end", "0-"),
        ("no number", "a-b"),
        ("as a client asks for a part", "bytes=0-7"),
        ("beyond 2^64", "0-99999999999999999999"),
    ] {
        assert_eq!(patch(range), (400, "BLOB_UPLOAD_INVALID".to_owned()), "{why}");
    }
    assert_eq!(patch("bytes 0-7/20").0, 202, "as HTTP has it");
    assert_eq!(registry.finish(&location, &sha256(BYTES), &BYTES[8..]).status, 201, "nothing of the others counted");
}

#[test]
fn a_client_that_broke_off_goes_on_from_where_the_upload_is() {
    let registry = Registry::new();
    let bytes: Vec<u8> = (0_u32..500_000).flat_map(u32::to_le_bytes).collect();
    let location = registry.begin("app");
    let range = format!("0-{}", bytes.len() - 1);
    registry.request("PATCH", &location).header("content-range", &range).body(&bytes).break_off(1_234_567);
    // What had arrived counts, however little the client may know of it.
    let came = wait_for("the server saw it", || {
        let range = registry.get(&location).header("range").to_owned();
        let last: usize = range.strip_prefix("0-").unwrap().parse().unwrap();
        (last > 0).then_some(last + 1)
    });
    assert!(came <= 1_234_567, "{came}");
    let rest = registry.patch(&location, Some((came, bytes.len() - 1)), &bytes[came..]);
    assert_eq!(rest.status, 202, "{rest:?}");
    assert_eq!(registry.finish(&location, &sha256(&bytes), b"").status, 201);
    assert!(registry.has_blob("app", &bytes));
}

#[test]
fn a_last_chunk_that_broke_off_does_not_end_the_upload() {
    let registry = Registry::new();
    let location = registry.begin("app");
    let to = with(&location, &format!("digest={}", sha256(BYTES)));
    registry.request("PUT", &to).body(BYTES).break_off(8);
    wait_for("the server saw it", || (registry.get(&location).header("range") == "0-7").then_some(()));
    assert!(!registry.has_blob("app", BYTES));
    assert_eq!(registry.finish(&location, &sha256(BYTES), &BYTES[8..]).status, 201);
}

#[test]
fn of_two_requests_on_one_upload_the_second_waits_for_the_first() {
    let registry = Registry::new();
    let location = registry.begin("app");
    let first = registry.request("PATCH", &location).header("content-range", "0-7").body(&BYTES[..8]);
    let mut slow = first.begin();
    slow.write_all(&BYTES[..4]).unwrap();
    // Nothing tells from outside that the server has begun with it.
    std::thread::sleep(std::time::Duration::from_secs(2));
    std::thread::scope(|scope| {
        let second = scope.spawn(|| registry.patch(&location, Some((8, 19)), &BYTES[8..]));
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert!(!second.is_finished(), "the first has not ended");
        slow.write_all(&BYTES[4..8]).unwrap();
        assert_eq!(Answer::read(&mut slow).header("range"), "0-7");
        assert_eq!(second.join().unwrap().header("range"), "0-19");
    });
    assert_eq!(registry.finish(&location, &sha256(BYTES), b"").status, 201);
}

#[test]
fn of_many_ends_of_one_upload_one_wins_and_the_blob_is_whole() {
    let registry = Registry::new();
    let location = registry.begin("app");
    registry.patch(&location, None, BYTES);
    let digest = sha256(BYTES);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let ends: Vec<_> = (0..8).map(|_| scope.spawn(|| registry.finish(&location, &digest, b"").status)).collect();
        ends.into_iter().map(|end| end.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|s| **s == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|s| matches!(s, 201 | 404)), "{statuses:?}");
    assert!(registry.has_blob("app", BYTES));
}
