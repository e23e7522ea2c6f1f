//! Blobs in one or two requests; uploads that are asked about, cancelled, forgotten.

use std::num::NonZeroUsize;
use std::thread::sleep;
use std::time::Duration;

use crate::content::sha256;
use crate::http::with;
use crate::registry::{Registry, wait_for};

const BYTES: &[u8] = b"a blob of some bytes";

#[test]
fn a_blob_is_there_after_every_way_to_push_it() {
    let registry = Registry::new();
    let digest = sha256(BYTES);
    let large: Vec<u8> = (0_u32..900_000).flat_map(u32::to_le_bytes).collect();
    type Push = fn(&Registry, &str, &[u8], &str) -> crate::http::Answer;
    let whole: Push = |r, name, bytes, digest| {
        r.request("POST", &format!("{name}/blobs/uploads/?digest={digest}")).body(bytes).send()
    };
    for (why, name, push) in [
        ("POST alone", "one", whole),
        ("POST alone, without the last slash", "slash", |r, name, bytes, digest| {
            r.request("POST", &format!("{name}/blobs/uploads?digest={digest}")).body(bytes).send()
        }),
        ("POST alone, of unknown length", "one/chunked", |r, name, bytes, digest| {
            r.request("POST", &format!("{name}/blobs/uploads/?digest={digest}")).body(bytes).chunked(7).send()
        }),
        ("POST and PUT", "two", |r, name, bytes, digest| r.finish(&r.begin(name), digest, bytes)),
        ("POST and PUT, of unknown length", "two/chunked", |r, name, bytes, digest| {
            let to = with(&r.begin(name), &format!("digest={digest}"));
            r.request("PUT", &to).body(bytes).chunked(70_000).send()
        }),
        ("POST, PATCH and PUT", "three", |r, name, bytes, digest| {
            let location = r.begin(name);
            let answer = r.patch(&location, None, bytes);
            assert_eq!(answer.status, 202, "{answer:?}");
            r.finish(answer.header("location"), digest, b"")
        }),
        ("POST, PATCH and PUT, of unknown length", "three/chunked", |r, name, bytes, digest| {
            let answer = r.request("PATCH", &r.begin(name)).body(bytes).chunked(70_000).send();
            assert_eq!(answer.header("range"), format!("0-{}", bytes.len() - 1));
            r.finish(answer.header("location"), digest, b"")
        }),
    ] {
        for bytes in [BYTES, &large] {
            let digest = sha256(bytes);
            let answer = push(&registry, name, bytes, &digest);
            assert_eq!((answer.status, answer.header("content-length")), (201, "0"), "{why}: {answer:?}");
            assert_eq!(answer.header("docker-content-digest"), digest, "{why}");
            let read = registry.get(answer.header("location"));
            assert_eq!((read.status, read.body == bytes), (200, true), "{why}: its location is the blob");
            assert_eq!(read.header("docker-content-digest"), digest, "{why}");
            assert!(registry.has_blob(name, bytes), "{why}");
        }
    }
    assert!(!registry.has_blob("elsewhere", BYTES), "a repository shows what was pushed to it");
    let again = whole(&registry, "one", BYTES, &digest);
    assert_eq!(again.status, 201, "what is there is taken again");
    assert!(registry.events().is_empty(), "{:?}", registry.events());
}

#[test]
fn a_blob_is_not_there_under_a_digest_that_it_does_not_have() {
    let registry = Registry::new();
    let other = sha256(b"other");
    let to = format!("app/blobs/uploads/?digest={other}");
    assert_eq!(registry.request("POST", &to).body(BYTES).send().outcome(), (400, "DIGEST_INVALID".to_owned()));
    let location = registry.begin("app");
    assert_eq!(registry.finish(&location, &other, BYTES).outcome(), (400, "DIGEST_INVALID".to_owned()));
    assert_eq!(registry.get(&location).status, 404, "a wrong digest ends the upload");
    assert!(!registry.has_blob("app", BYTES) && !registry.has_blob("app", b"other"));
    let location = registry.begin("app");
    for (why, to) in [
        ("no digest", location.clone()),
        ("not a digest", with(&location, "digest=sha256:baddigeststring")),
        ("another algorithm", with(&location, "digest=md5:d41d8cd98f00b204e9800998ecf8427e")),
    ] {
        let answer = registry.request("PUT", &to).body(BYTES).send();
        assert_eq!(answer.outcome(), (400, "DIGEST_INVALID".to_owned()), "{why}");
    }
    assert_eq!(registry.finish(&location, &sha256(BYTES), BYTES).status, 201, "nothing of these bodies counted");
}

#[test]
fn an_upload_says_how_far_it_is_until_it_ends() {
    let registry = Registry::new();
    let location = registry.begin("app");
    let nothing = registry.get(&location);
    assert_eq!((nothing.status, nothing.header("range"), nothing.body.len()), (204, "0-0", 0), "nothing has come");
    assert_eq!(nothing.header("location"), location);
    registry.patch(&location, None, BYTES);
    let some = registry.get(&location);
    assert_eq!((some.status, some.header("range")), (204, "0-19"));
    assert_eq!(registry.finish(some.header("location"), &sha256(BYTES), b"").status, 201);
    for (method, to) in [
        ("GET", location.clone()),
        ("PATCH", location.clone()),
        ("PUT", with(&location, &format!("digest={}", sha256(BYTES)))),
        ("DELETE", location.clone()),
    ] {
        let outcome = registry.request(method, &to).send().outcome();
        assert_eq!(outcome, (404, "BLOB_UPLOAD_UNKNOWN".to_owned()), "{method}: it has ended");
    }
}

#[test]
fn an_upload_that_is_cancelled_is_gone() {
    let registry = Registry::new();
    let location = registry.begin("app");
    registry.patch(&location, None, BYTES);
    let answer = registry.delete(&location);
    assert_eq!((answer.status, answer.body.len()), (204, 0), "{answer:?}");
    assert_eq!(registry.get(&location).status, 404);
    assert_eq!(registry.finish(&location, &sha256(BYTES), b"").status, 404);
    assert_eq!(registry.delete(&location).outcome(), (404, "BLOB_UPLOAD_UNKNOWN".to_owned()));
    let left: Vec<_> = std::fs::read_dir(registry.site().join("uploads")).unwrap().map(|e| e.unwrap()).collect();
    assert!(left.iter().all(|entry| entry.file_name() == "lock"), "its bytes are gone too: {left:?}");
}

#[test]
fn an_upload_belongs_to_its_repository() {
    let registry = Registry::new();
    let location = registry.begin("app");
    for other in ["other", "app/deeper"] {
        let elsewhere = location.replace("/app/", &format!("/{other}/"));
        assert_eq!(registry.get(&elsewhere).outcome(), (404, "BLOB_UPLOAD_UNKNOWN".to_owned()));
        assert_eq!(registry.finish(&elsewhere, &sha256(BYTES), BYTES).status, 404);
    }
    assert_eq!(registry.finish(&location, &sha256(BYTES), BYTES).status, 201);
    assert_ne!(registry.begin("app"), registry.begin("app"), "each has a name of its own");
}

#[test]
fn more_uploads_than_are_kept_are_refused_until_one_ends() {
    let registry = Registry::with_limits(|limits| limits.uploads = NonZeroUsize::new(2).unwrap());
    let first = registry.begin("app");
    let _second = registry.begin("app");
    let refused = registry.request("POST", "app/blobs/uploads/").send();
    assert_eq!(refused.outcome(), (429, "TOOMANYREQUESTS".to_owned()));
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0, "{refused:?}");
    assert_eq!(registry.finish(&first, &sha256(BYTES), BYTES).status, 201, "those that are open go on");
    let third = registry.begin("app");
    assert_eq!(registry.request("POST", "app/blobs/uploads/").send().status, 429);
    assert_eq!(registry.delete(&third).status, 204);
    registry.begin("app");
}

#[test]
fn an_upload_that_nobody_writes_to_is_forgotten() {
    let registry = Registry::with_limits(|limits| limits.upload_time = Duration::from_millis(1500));
    let (idle, used) = (registry.begin("app"), registry.begin("app"));
    registry.patch(&idle, None, BYTES);
    for _ in 0..6 {
        sleep(Duration::from_millis(400));
        assert_eq!(registry.patch(&used, None, b"x").status, 202, "one that is used stays");
        // Room is made when an upload begins.
        registry.delete(&registry.begin("app"));
    }
    wait_for("the idle upload is forgotten", || (registry.get(&idle).status == 404).then_some(()));
    assert_eq!(registry.finish(&used, &sha256(b"xxxxxx"), b"").status, 201);
}
