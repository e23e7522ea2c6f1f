//! Marking and verifying.

use std::process::Command;

use crate::common::{Ran, Shop, have, output};
use crate::world::{KEYS, draft, forge, mark, statement, tested};

const MARK: &str = "mark shop.sealift --key vendor.pub --signer qa.pem";

#[test]
fn a_status_says_of_exactly_this_version_what_was_typed_and_when() {
    let shop = tested();
    let mut command = shop.command(&format!("{MARK} --status released -o s.json --json --note"));
    let marked = Ran::of(command.arg("tried on two clusters\nby both of us").env("SOURCE_DATE_EPOCH", "1769860800"));
    let marked = marked.ok().json();
    assert_eq!(marked["label"], "shop:1.0.0");
    assert_eq!(marked["digest"], shop.sealift("inspect shop.sealift --json").ok().json()["digest"]);
    let mut expected = draft(&shop);
    expected["predicate"]["note"] = "tried on two clusters\nby both of us".into();
    assert_eq!(statement(&shop, "s.json"), expected);

    let verify = format!("verify shop.sealift --status s.json {KEYS}");
    let said = shop.sealift(&verify).ok().stdout;
    for line in ["OK ", "status   released, marked at 2026-01-31T12:00:00Z", "note     by both of us"] {
        assert!(said.contains(line), "{line:?}: {said}");
    }
    let report = shop.sealift(&format!("{verify} --json")).ok().json();
    assert_eq!(report["releaseStatus"]["status"], "released");
    assert_eq!(report["releaseStatus"]["signedBy"], marked["signedBy"]);
    // Without a status nothing is said of one.
    let report = shop.sealift("verify shop.sealift --key vendor.pub --json").ok().json();
    assert_eq!(report.get("releaseStatus"), None);
}

#[test]
fn the_same_words_at_the_same_time_are_the_same_bytes() {
    let shop = tested();
    mark(&shop, "a.json", "released", 1_700_000_000);
    mark(&shop, "b.json", "released", 1_700_000_000);
    assert_eq!(shop.read("a.json"), shop.read("b.json"));
    shop.sealift(&format!("{MARK} --status released -o now.json")).ok();
    let now = statement(&shop, "now.json")["predicate"]["markedAt"].as_str().unwrap().to_owned();
    assert!(now.len() == 20 && now.as_str() > "2024", "{now}");
}

#[test]
fn a_bundle_that_a_site_must_complete_can_be_marked_too() {
    let shop = tested();
    shop.sealift("pack sealift.yaml -o small.sealift --key vendor.pem --compact").ok();
    shop.sealift("mark small.sealift --key vendor.pub --signer qa.pem --status released -o s.json").ok();
    shop.sealift(&format!("verify shop.sealift --status s.json {KEYS}")).ok();
}

#[test]
fn only_who_has_the_keys_marks_what_the_vendor_signed() {
    let shop = tested();
    shop.write("right", b"correct horse\n");
    shop.sealift("keygen -q -o sealed --passphrase-file right").ok();
    shop.write("there.json", b"mine");
    let whole = shop.read("shop.sealift");
    shop.write("cut.sealift", &whole[..whole.len() / 2]);
    let long = "x".repeat(1025);
    for (why, line, exit, code, names) in [
        ("no key of the vendor", "mark shop.sealift --signer qa.pem".to_owned(), 3, "E-NO-KEY", &["--key"][..]),
        (
            "another vendor",
            "mark shop.sealift --key qa.pub --signer qa.pem".to_owned(),
            3,
            "E-UNTRUSTED",
            &["release.dsse.json"],
        ),
        (
            "half a bundle",
            "mark cut.sealift --key vendor.pub --signer qa.pem".to_owned(),
            4,
            "E-TRUNCATED",
            &["cut.sealift"],
        ),
        (
            "a public key",
            "mark shop.sealift --key vendor.pub --signer qa.pub".to_owned(),
            3,
            "E-KEY",
            &["qa.pub", ".pem"],
        ),
        (
            "no passphrase",
            "mark shop.sealift --key vendor.pub --signer sealed.pem".to_owned(),
            3,
            "E-PASSPHRASE",
            &["sealed.pem"],
        ),
        ("a note that is too long", format!("{MARK} --note {long}"), 2, "E-USAGE", &["--note", "1024"]),
    ] {
        eprintln!("{why}");
        shop.refuses(&format!("{line} --status released -o s.json"), exit, code, names);
    }
    shop.refuses(&format!("{MARK} --status released -o there.json"), 6, "E-EXISTS", &["there.json"]);
    let ran = shop.sealift(&format!("{MARK} --status blessed -o s.json"));
    assert!(ran.exit == Some(2) && ran.stderr.contains("released, withdrawn"), "{ran:#?}");
    shop.sealift(
        "mark shop.sealift --key vendor.pub --signer sealed.pem --passphrase-file right --status released -o s.json",
    )
    .ok();
}

#[test]
fn a_withdrawn_bundle_is_good_and_refused_with_a_code_of_its_own() {
    let shop = tested();
    mark(&shop, "w.json", "withdrawn", 1_700_000_000);
    let line = format!("verify shop.sealift --status w.json {KEYS}");
    let names = ["shop 1.0.0", "withdrawn at 2023-11-14T22:13:20Z", "because"];
    shop.refuses(&line, 6, "E-WITHDRAWN", &names);
    let details = shop.sealift(&format!("{line} --json")).json()["error"]["details"].clone();
    assert_eq!((&details["verified"], &details["releaseStatus"]["status"]), (&true.into(), &"withdrawn".into()));
    // What is damaged is no withdrawn bundle, but a damaged one.
    let mut bytes = shop.read("shop.sealift");
    let at = bytes.windows(8).position(|w| w == b"dbdbdbdb").unwrap();
    bytes[at] ^= 1;
    shop.write("shop.sealift", &bytes);
    shop.refuses(&line, 4, "E-DIGEST", &["blobs/sha256/"]);
}

#[test]
fn of_several_the_latest_counts_in_any_order_and_on_a_tie_the_withdrawal() {
    let shop = tested();
    for (file, status, at) in [("r1", "released", 1_000_000_000), ("w2", "withdrawn", 1_000_000_001)] {
        mark(&shop, file, status, at);
    }
    mark(&shop, "r2", "released", 1_000_000_001);
    mark(&shop, "r3", "released", 1_000_000_002);
    for (files, counts) in [
        ("--status r1 --status w2", "withdrawn"),
        ("--status w2 --status r1", "withdrawn"),
        ("--status w2 --status r2", "withdrawn"),
        ("--status r2 --status w2", "withdrawn"),
        ("--status w2 --status r3 --status r1", "released"),
        ("--status r1 --status r1", "released"),
    ] {
        let ran = shop.sealift(&format!("verify shop.sealift {files} {KEYS}"));
        assert_eq!(ran.exit, Some(if counts == "released" { 0 } else { 6 }), "{files}: {ran:#?}");
    }
}

#[test]
fn a_clock_that_runs_ahead_is_warned_of() {
    let shop = tested();
    mark(&shop, "s.json", "released", 7_000_000_000);
    let ran = shop.sealift(&format!("verify shop.sealift --status s.json {KEYS} -q")).ok();
    assert!(ran.stderr.contains("warning: s.json") && ran.stderr.contains("2191-10-27"), "{ran:#?}");
}

#[test]
fn an_auditor_needs_openssl_and_jq_alone() {
    if !have(&["openssl", "jq", "base64", "sh"]) {
        return;
    }
    let shop = tested();
    mark(&shop, "shop.status.json", "withdrawn", 1_769_860_800);
    // What the specification says, to the letter.
    let spec = include_str!("../../spec/status.md");
    let script: Vec<&str> = spec.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert!(script.len() >= 4 && script[0].starts_with("set -eu"), "{script:?}");
    let run = |shop: &Shop| {
        let mut command = Command::new("sh");
        command.args(["-c", &script.join("\n")]);
        shop.prepare(&mut command).output().unwrap()
    };
    let said = String::from_utf8(output(shop.prepare(Command::new("sh").args(["-c", &script.join("\n")])))).unwrap();
    let digest = draft(&shop)["subject"][0]["digest"]["sha256"].as_str().unwrap().to_owned();
    for text in [digest.as_str(), "shop:1.0.0", "\"withdrawn\"", "2026-01-31T12:00:00Z", "because"] {
        assert!(said.contains(text), "{text}: {said}");
    }
    // Somebody else's signature, and another kind of document.
    let status = statement(&shop, "shop.status.json");
    forge(&shop, "shop.status.json", &status, "vendor.pem");
    assert!(!run(&shop).status.success());
    let mut release = status;
    release["predicateType"] = "https://sealift.dev/release/v1".into();
    forge(&shop, "shop.status.json", &release, "qa.pem");
    assert!(!run(&shop).status.success());
}
