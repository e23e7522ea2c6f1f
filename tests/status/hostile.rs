//! Statuses that somebody made to deceive, or that were damaged on the way. Whoever reads one says the same, and keeps nothing.

use serde_json::{Value, json};
use testdata::bundle::envelope;

use crate::common::files::assert_same;
use crate::common::{Shop, tree};
use crate::world::{draft, forge, imported, mark, statement};

/// Refused by every verb that takes a status; the site shows what it showed, and every file stays as it was.
fn refused_by_all(shop: &Shop, qa_keys: &str, exit: i32, code: &str, names: &[&str]) {
    for line in [
        "verify shop.sealift --key vendor.pub",
        "import --site site",
        "import shop.sealift --key vendor.pub --site site",
        "import shop.sealift --key vendor.pub --site new",
    ] {
        let before = (tree(shop.dir()), shop.list("site"));
        shop.sealift(&format!("{line} --status s.json {qa_keys}")).refused(exit, code, names);
        // A site that was locked and left as it is has one file more.
        let after: crate::common::Tree =
            tree(shop.dir()).into_iter().filter(|(name, _)| !name.starts_with("new/")).collect();
        assert_same(&before.0, &after, line);
        assert_eq!(shop.list("site"), before.1, "{line}");
        assert!(!shop.path("new/site.json").exists() || shop.list("new")["templates"] == json!([]), "{line}");
        let _ = std::fs::remove_dir_all(shop.path("new"));
    }
}

#[test]
fn a_status_that_breaks_a_rule_is_refused_though_the_tester_signed_it() {
    let shop = imported();
    let good = draft(&shop);
    forge(&shop, "s.json", &good, "qa.pem");
    shop.sealift("verify shop.sealift --key vendor.pub --status s.json --qa-key qa.pub").ok();
    let long = "x".repeat(1025);
    let edits: &[(&str, &str, Value)] = &[
        ("an unknown status", "/predicate/status", "blessed".into()),
        ("a status that is a list", "/predicate/status", json!(["released"])),
        ("a note that is too long", "/predicate/note", long.into()),
        ("a note of too many lines", "/predicate/note", "x\n".repeat(17).into()),
        ("a note that commands terminals", "/predicate/note", "\u{1b}[2J".into()),
        ("a time that is none", "/predicate/markedAt", "tomorrow".into()),
        ("a feature that is not known", "/predicate/requires", json!(["expiry"])),
        ("a later version of the format", "/predicateType", "https://sealift.dev/status/v2".into()),
        ("another kind of statement", "/predicateType", "https://sealift.dev/approval/v1".into()),
        ("an older kind of envelope", "/_type", "https://in-toto.io/Statement/v0.1".into()),
        ("two subjects", "/subject", json!([good["subject"][0], good["subject"][0]])),
    ];
    for (why, at, value) in edits {
        eprintln!("{why}");
        let mut bad = good.clone();
        let (parent, name) = at.rsplit_once('/').unwrap();
        bad.pointer_mut(parent).unwrap()[name] = value.clone();
        forge(&shop, "s.json", &bad, "qa.pem");
        refused_by_all(&shop, "--qa-key qa.pub", 4, "E-STATEMENT", &["s.json", "not trusted"]);
    }
    let pem = String::from_utf8(shop.read("qa.pem")).unwrap();
    let twice = good.to_string().replacen("\"status\":", "\"status\":\"withdrawn\",\"status\":", 1);
    shop.write("s.json", &envelope(twice.as_bytes(), &[&pem]));
    refused_by_all(&shop, "--qa-key qa.pub", 4, "E-STATEMENT", &["s.json"]);
}

#[test]
fn a_status_counts_for_the_version_and_the_content_that_it_names() {
    let shop = imported();
    let good = draft(&shop);
    for (why, at, value) in [
        ("another version", "name", json!("shop:1.0.1")),
        ("another revision", "name", json!("shop:1.0.0-r2")),
        ("another content", "digest", json!({"sha256": "0".repeat(64)})),
    ] {
        eprintln!("{why}");
        let mut bad = good.clone();
        bad["subject"][0][at] = value;
        forge(&shop, "s.json", &bad, "qa.pem");
        refused_by_all(&shop, "--qa-key qa.pub", 4, "E-STATUS", &["shop:1.0.0"]);
    }
    let mut other = good;
    other["subject"][0] = json!({"name": "other:1.0.0", "digest": {"sha256": "0".repeat(64)}});
    forge(&shop, "s.json", &other, "qa.pem");
    let verify = "verify shop.sealift --key vendor.pub --status s.json --qa-key qa.pub";
    shop.refuses(verify, 4, "E-STATUS", &["other:1.0.0", "shop:1.0.0"]);
    for line in ["import --site site", "import shop.sealift --key vendor.pub --site site"] {
        let line = format!("{line} --status s.json --qa-key qa.pub");
        shop.refuses(&line, 6, "E-NOT-FOUND", &["other:1.0.0", "import its bundle"]);
    }
}

#[test]
fn only_the_keys_that_were_pinned_count() {
    let shop = imported();
    shop.sealift("keygen -q --no-passphrase -o other").ok();
    let good = draft(&shop);
    for (why, signer, qa_keys, code) in [
        ("the vendor's", "vendor.pem", "--qa-key qa.pub", "E-UNTRUSTED"),
        ("a stranger's", "other.pem", "--qa-key qa.pub", "E-UNTRUSTED"),
        ("one of two", "qa.pem", "--qa-key qa.pub --qa-key other.pub", "E-UNTRUSTED"),
        ("none", "qa.pem", "", "E-NO-KEY"),
    ] {
        eprintln!("{why}");
        forge(&shop, "s.json", &good, signer);
        refused_by_all(&shop, qa_keys, 3, code, &["--qa-key"]);
    }
    // Changed after it was signed.
    forge(&shop, "s.json", &good, "qa.pem");
    let mut withdrawn = good.clone();
    withdrawn["predicate"]["status"] = "withdrawn".into();
    forge(&shop, "w.json", &withdrawn, "qa.pem");
    let part =
        |file: &str, at: &str| -> Value { serde_json::from_slice::<Value>(&shop.read(file)).unwrap()[at].clone() };
    let signature = part("w.json", "signatures")[0]["sig"].as_str().unwrap().to_owned();
    let own = part("s.json", "signatures")[0]["sig"].as_str().unwrap().to_owned();
    let swapped = String::from_utf8(shop.read("s.json")).unwrap().replace(&own, &signature);
    shop.write("s.json", swapped.as_bytes());
    refused_by_all(&shop, "--qa-key qa.pub", 3, "E-SIGNATURE", &["s.json", "get it again"]);
    let usage = shop.sealift("verify shop.sealift --key vendor.pub --qa-key qa.pub");
    assert!(usage.exit == Some(2) && usage.stderr.contains("--status"), "{usage:#?}");
    shop.refuses("import --site site --status s.json --qa-key qa.pub --key vendor.pub", 2, "E-USAGE", &["--qa-key"]);
}

#[test]
fn a_release_is_no_status_and_a_status_no_release_whoever_signed_them() {
    let shop = imported();
    shop.run("tar -xf shop.sealift release.dsse.json packing-list.dsse.json");
    for file in ["release.dsse.json", "packing-list.dsse.json"] {
        shop.write("s.json", &shop.read(file));
        // A long list is no status by its length alone.
        let code = if shop.read(file).len() > 64 << 10 { "E-ENVELOPE" } else { "E-STATEMENT" };
        refused_by_all(&shop, "--qa-key vendor.pub", 4, code, &["s.json"]);
    }
    mark(&shop, "status.json", "released", 1_000_000_000);
    for (line, says) in [
        ("verify status.json --key qa.pub", "--status"),
        ("import status.json --key qa.pub --site site", "--status"),
        ("inspect status.json", "--status"),
    ] {
        shop.refuses(line, 4, "E-FOREIGN", &["status.json", says]);
    }
}

#[test]
fn what_was_cut_or_is_something_else_is_no_status() {
    let shop = imported();
    mark(&shop, "good.json", "released", 1_000_000_000);
    let good = shop.read("good.json");
    let zeroes = vec![b' '; (64 << 10) + 1];
    for (why, bytes) in [
        ("cut", &good[..good.len() - 10]),
        ("without its last byte", &good[..good.len() - 1]),
        ("empty", b""),
        ("the payload alone", statement(&shop, "good.json").to_string().as_bytes()),
        ("too long", &zeroes),
        ("unsigned", br#"{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[]}"#),
    ] {
        eprintln!("{why}");
        shop.write("s.json", bytes);
        refused_by_all(&shop, "--qa-key qa.pub", 4, "E-ENVELOPE", &["s.json"]);
    }
    shop.refuses("verify shop.sealift --key vendor.pub --status docs --qa-key qa.pub", 1, "E-IO", &["docs"]);
    shop.refuses("verify shop.sealift --key vendor.pub --status gone --qa-key qa.pub", 1, "E-IO", &["gone"]);
}
