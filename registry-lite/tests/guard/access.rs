//! Logins against files that htpasswd wrote.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bundle_format::{Code, Coded};
use registry_lite::server::LOOK_EVERY;
use registry_lite::server::access::{Access, AccessError, Htpasswd, Right, UserName, Verdict};
use tempfile::TempDir;

use crate::tools::{have, run};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// `reader` and `writer`, with the passwords `r` and `w`, at the least cost.
const USERS: &str = "reader:$2y$04$2lvX3GhKGIr9bN3M4jnYaud5egJ3eRt.Tt/uheP8.WacX0qs/aXLC\n\
                     writer:$2y$04$u3FSlI301Oy2FqHftXPTheDzCLokfnLTrOy5FuoCuptMPYawPyjVS\n";

struct File {
    _dir: TempDir,
    path: PathBuf,
}

impl File {
    fn new(text: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("htpasswd");
        fs::write(&path, text).unwrap();
        Self { _dir: dir, path }
    }

    fn access(&self, writers: &[&str], anonymous_pull: bool) -> Result<Access, AccessError> {
        let writers: BTreeSet<UserName> = writers.iter().map(|name| name.parse().unwrap()).collect();
        Access::with_logins(Htpasswd::open(&self.path)?, writers, anonymous_pull)
    }
}

fn basic(user: &str, password: &str) -> Vec<u8> {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))).into_bytes()
}

/// As a server asks: at once if that is possible, on a thread that may block if not.
fn ask(access: &Access, header: Option<&[u8]>, right: Right) -> Verdict {
    access.recall(header, PEER, right).unwrap_or_else(|| access.prove(header, PEER, right))
}

fn login(access: &Access, user: &str, password: &str, right: Right) -> Verdict {
    ask(access, Some(&basic(user, password)), right)
}

fn allowed(user: &str) -> Verdict {
    Verdict::Allowed { user: Some(user.parse().unwrap()) }
}

#[test]
fn users_read_and_writers_write() {
    let access = File::new(USERS).access(&["writer"], false).unwrap();
    for (why, user, password, read, write) in [
        ("a reader", "reader", "r", Some(allowed("reader")), None),
        ("a writer", "writer", "w", Some(allowed("writer")), Some(allowed("writer"))),
        ("a wrong password", "writer", "r", Some(Verdict::Unauthorized), Some(Verdict::Unauthorized)),
        ("no password", "writer", "", Some(Verdict::Unauthorized), Some(Verdict::Unauthorized)),
        ("nobody of that name", "Writer", "w", Some(Verdict::Unauthorized), Some(Verdict::Unauthorized)),
    ] {
        for turn in ["first", "remembered"] {
            assert_eq!(Some(login(&access, user, password, Right::Read)), read, "{why}, {turn}");
            let got = login(&access, user, password, Right::Write);
            match &write {
                Some(expected) => assert_eq!(&got, expected, "{why}, {turn}"),
                None => assert!(matches!(got, Verdict::Forbidden { .. }), "{why}, {turn}: {got:?}"),
            }
        }
    }
    for (why, header) in [
        ("no login", None),
        ("malformed", Some(&b"Basic ?"[..])),
        ("a token", Some(b"Bearer abc")),
        ("an empty login", Some(b"Basic Og==")),
        ("more than one header", Some(b"")),
    ] {
        assert_eq!(access.recall(header, PEER, Right::Read), Some(Verdict::Unauthorized), "{why}");
        assert_eq!(access.recall(header, IpAddr::V4(Ipv4Addr::LOCALHOST), Right::Write), Some(Verdict::Unauthorized));
    }
    assert_eq!(access.challenge(), Some(r#"Basic realm="sealift", charset="UTF-8""#));
}

#[test]
fn with_anonymous_pull_only_a_wrong_login_keeps_one_from_reading() {
    let access = File::new(USERS).access(&["writer"], true).unwrap();
    assert_eq!(access.recall(None, PEER, Right::Read), Some(Verdict::Allowed { user: None }));
    assert_eq!(access.recall(None, PEER, Right::Write), Some(Verdict::Unauthorized));
    assert_eq!(login(&access, "writer", "w", Right::Write), allowed("writer"));
    assert_eq!(
        login(&access, "writer", "x", Right::Read),
        Verdict::Unauthorized,
        "or `podman login` takes any password"
    );
}

#[test]
fn what_htpasswd_writes_is_understood() {
    if !have(&["htpasswd"]) {
        return;
    }
    let long = "p".repeat(72);
    for (why, options, password, given, passes) in [
        ("the default cost", "-nbB", "secret", "secret", true),
        ("another cost", "-nbBC6", "secret", "secret", true),
        ("UTF-8", "-nbB", "pässwörd", "pässwörd", true),
        ("colons", "-nbB", "a:b:c", "a:b:c", true),
        ("72 bytes", "-nbB", &long, &long, true),
        ("of more than 72 bytes htpasswd takes 72", "-nbB", &format!("{long}q"), &format!("{long}r"), true),
        ("71 bytes are not 72", "-nbB", &long, &long[1..], false),
        ("case", "-nbB", "secret", "Secret", false),
    ] {
        let access =
            File::new(&run(Command::new("htpasswd").args([options, "u", password]))).access(&[], false).unwrap();
        let expected = if passes { allowed("u") } else { Verdict::Unauthorized };
        assert_eq!(login(&access, "u", given, Right::Read), expected, "{why}");
        assert_eq!(login(&access, "u", given, Right::Read), expected, "{why}, remembered");
    }
    for (kind, option) in [("MD5", "-nbm"), ("SHA-1", "-nbs"), ("crypt", "-nbd"), ("plain text", "-nbp")] {
        let error =
            File::new(&run(Command::new("htpasswd").args([option, "u", "secret"]))).access(&[], false).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.code(), Code::Logins, "{kind}");
        assert!(text.contains("line 1") && text.contains("htpasswd -B") && !text.contains("secret"), "{kind}: {text}");
    }
}

#[test]
fn what_cannot_work_is_refused_when_it_is_set_up() {
    let nobody = File::new("# nobody yet\n").access(&[], true).unwrap_err();
    assert_eq!(nobody.code(), Code::Logins);
    assert!(nobody.hint().unwrap().contains("htpasswd -B "), "{:?}", nobody.hint());

    let error = File::new(USERS).access(&["writer", "wirter"], true).unwrap_err();
    assert_eq!(error.code(), Code::Logins);
    assert!(error.to_string().contains("\"wirter\""), "{error}");

    for (why, path) in [("missing", "/nowhere/htpasswd"), ("a folder", "/"), ("a device", "/dev/zero")] {
        assert_eq!(Htpasswd::open(Path::new(path)).unwrap_err().code(), Code::Io, "{why}");
    }
}

#[test]
fn a_hash_is_computed_once_and_on_a_thread_that_may_block() {
    let access = File::new(USERS).access(&[], false).unwrap();
    for (user, password) in [("reader", "r"), ("reader", "x"), ("nobody", "r")] {
        let header = basic(user, password);
        assert_eq!(access.recall(Some(&header), PEER, Right::Read), None, "{user}: not seen yet");
        let verdict = access.prove(Some(&header), PEER, Right::Read);
        assert_eq!(access.recall(Some(&header), PEER, Right::Read), Some(verdict), "{user}: seen");
    }
}

#[test]
fn a_user_who_is_not_there_takes_as_long_as_one_who_is() {
    if !have(&["htpasswd"]) {
        return;
    }
    // Far more than what a wrong login takes at least, so that only a hash explains it.
    let access = File::new(&run(Command::new("htpasswd").args(["-nbBC13", "u", "p"]))).access(&[], false).unwrap();
    let time = |user| {
        let begun = Instant::now();
        assert_eq!(login(&access, user, "wrong", Right::Read), Verdict::Unauthorized);
        begun.elapsed()
    };
    let (known, unknown) = (time("u"), time("v"));
    assert!(unknown > known / 3 && known > unknown / 3, "known {known:?}, unknown {unknown:?}");
}

#[test]
fn a_changed_file_counts_within_a_second_and_a_broken_one_does_not() {
    let file = File::new(USERS);
    let access = file.access(&["writer"], false).unwrap();
    let reports = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&reports);
    access.report_to(move |error| sink.lock().unwrap().push(error.to_string()));
    let look = || thread::sleep(LOOK_EVERY + Duration::from_millis(50));
    let may = |user, password| matches!(login(&access, user, password, Right::Read), Verdict::Allowed { .. });
    assert!(may("reader", "r") && may("writer", "w"));

    fs::write(&file.path, "reader:hunter2\n").unwrap();
    look();
    assert!(may("reader", "r") && may("writer", "w"), "as before, while the file is broken");
    look();
    assert!(may("reader", "r"));
    assert_eq!(reports.lock().unwrap().len(), 1, "told once: {reports:?}");
    assert!(!reports.lock().unwrap()[0].contains("hunter2"), "{reports:?}");

    fs::remove_file(&file.path).unwrap();
    look();
    assert!(may("reader", "r"), "as before, while the file is gone");
    assert_eq!(reports.lock().unwrap().len(), 2, "{reports:?}");

    let reader = USERS.lines().next().unwrap();
    fs::write(&file.path, reader).unwrap();
    look();
    assert!(may("reader", "r"));
    assert!(!may("writer", "w"), "was removed, though remembered");

    // The writer's hash for the reader: another password from now on.
    let writer = USERS.lines().nth(1).unwrap();
    let new = file.path.with_extension("new");
    fs::write(&new, writer.replace("writer:", "reader:")).unwrap();
    fs::rename(new, &file.path).unwrap();
    look();
    assert!(!may("reader", "r"), "the old password, though remembered");
    assert!(may("reader", "w"));

    fs::write(&file.path, "").unwrap();
    look();
    assert!(!may("reader", "w"), "the last user was removed");
    assert_eq!(reports.lock().unwrap().len(), 2, "{reports:?}");
}

#[test]
fn a_flood_of_logins_leaves_the_server_able_to_answer() {
    if !have(&["htpasswd"]) {
        return;
    }
    let access = File::new(&run(Command::new("htpasswd").args(["-nbBC12", "u", "p"]))).access(&[], false).unwrap();
    assert_eq!(login(&access, "u", "p", Right::Read), allowed("u"));
    let verdicts: Vec<Verdict> = thread::scope(|scope| {
        let asked: Vec<_> = (0..64)
            .map(|n| {
                let access = access.clone();
                scope.spawn(move || access.prove(Some(&basic("u", &n.to_string())), PEER, Right::Read))
            })
            .collect();
        // Who is known need not wait.
        let header = basic("u", "p");
        while asked.iter().any(|thread| !thread.is_finished()) {
            let begun = Instant::now();
            assert_eq!(access.prove(Some(&header), PEER, Right::Read), allowed("u"));
            assert!(begun.elapsed() < Duration::from_secs(1));
            thread::sleep(Duration::from_millis(20));
        }
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let busy = verdicts.iter().filter(|verdict| **verdict == Verdict::Busy).count();
    assert!((1..64).contains(&busy), "{busy} of 64 were turned away");
    assert!(verdicts.iter().all(|v| matches!(v, Verdict::Busy | Verdict::Unauthorized)), "{verdicts:?}");
}

#[test]
fn one_login_that_many_nodes_send_at_once_is_not_computed_for_each() {
    if !have(&["htpasswd"]) {
        return;
    }
    let user = |name: &str| run(Command::new("htpasswd").args(["-nbBC10", name, "p"]));
    let access = File::new(&(user("before") + &user("u") + &user("after"))).access(&[], false).unwrap();
    let time = |name: &str, nodes: usize| {
        let (begun, header) = (Instant::now(), basic(name, "p"));
        thread::scope(|scope| {
            let asked: Vec<_> =
                (0..nodes).map(|_| scope.spawn(|| access.prove(Some(&header), PEER, Right::Read))).collect();
            assert!(asked.into_iter().all(|thread| thread.join().unwrap() == allowed(name)));
        });
        begun.elapsed()
    };
    // As many as may be checked or wait. Four of them compute; if all did, two cores would take 18 times as long as for one.
    let (before, many, after) = (time("before", 1), time("u", 36), time("after", 1));
    assert!(many < 9 * before.max(after), "one {before:?}, many {many:?}, one {after:?}");
}

#[test]
fn no_debug_output_shows_a_hash() {
    let access = File::new(USERS).access(&["writer"], false).unwrap();
    let text = format!("{access:?}");
    assert!(text.contains("writer") && !text.contains("$2y$"), "{text}");
}
