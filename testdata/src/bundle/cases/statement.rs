//! Release statements that a signer made wrong (spec/bundle.md sections 4.3, 4.4 and 5.1).

use bundle_format::Code;
use serde_json::{Value, json};

use super::super::content::Content;
use super::super::keys::VENDOR_PEM;
use super::super::seal::{Draft, envelope};
use super::{Case, bad, with_release};

const RELEASE: &str = "release.dsse.json";

pub(super) fn cases(good: &Content, cases: &mut Vec<Case>) {
    let draft = Draft::of(good);
    let text = draft.release.to_string();
    let statement = |name, edit: &dyn Fn(&mut Value)| bad(name, Code::Statement, RELEASE, with_release(good, edit));
    let spelled = |name, text: &str| {
        bad(name, Code::Statement, RELEASE, draft.seal_with(envelope(text.as_bytes(), &[VENDOR_PEM])))
    };
    let differs = |name, edit: &dyn Fn(&mut Value)| bad(name, Code::Release, RELEASE, with_release(good, edit));
    let more = |json: &str| text.replacen('{', &format!("{{\"aaa\":{json},"), 1);

    cases.extend([
        statement("a-later-version-of-the-release", &|r| r["predicateType"] = "https://sealift.dev/release/v2".into()),
        statement("a-statement-of-another-kind", &|r| r["predicateType"] = "https://slsa.dev/provenance/v1".into()),
        statement("a-status-in-place-of-the-release", &|r| {
            r["predicateType"] = "https://sealift.dev/status/v1".into();
            r["predicate"] = json!({"requires": [], "status": "released", "markedAt": "2026-01-31T12:00:00Z"});
        }),
        statement("an-older-in-toto-statement", &|r| r["_type"] = "https://in-toto.io/Statement/v0.1".into()),
        statement("a-release-that-requires-a-feature", &|r| r["predicate"]["requires"] = json!(["time-travel"])),
        statement("a-release-about-two-things", &|r| r["subject"] = json!([r["subject"][0], r["subject"][0]])),
        statement("a-release-about-nothing", &|r| r["subject"] = json!([])),
        statement("a-subject-with-a-second-digest", &|r| r["subject"][0]["digest"]["sha512"] = "00".into()),
        statement("a-subject-with-an-upper-case-digest", &|r| {
            let upper = r["subject"][0]["digest"]["sha256"].as_str().unwrap_or_default().to_uppercase();
            r["subject"][0]["digest"]["sha256"] = upper.into();
        }),
        statement("a-subject-as-an-array", &|r| {
            r["subject"][0] = json!([r["subject"][0]["name"], r["subject"][0]["digest"]]);
        }),
        statement("a-release-without-images", &|r| {
            drop(r["predicate"].as_object_mut().and_then(|p| p.remove("images")))
        }),
        statement("a-release-without-predicate", &|r| drop(r.as_object_mut().and_then(|r| r.remove("predicate")))),
        statement("revision-0", &|r| r["predicate"]["revision"] = 0.into()),
        statement("a-revision-above-32-bits", &|r| r["predicate"]["revision"] = (1_u64 << 32).into()),
        statement("a-revision-as-text", &|r| r["predicate"]["revision"] = "1".into()),
        statement("a-version-index-over-4-MiB", &|r| r["predicate"]["size"] = ((4 << 20) + 1).into()),
        statement("a-name-that-is-no-name", &|r| r["predicate"]["name"] = "../shop".into()),
        statement("a-version-that-is-no-tag", &|r| r["predicate"]["version"] = "1.0.0+1".into()),
        statement("an-image-name-that-is-not-normalised", &|r| {
            r["predicate"]["images"][0]["name"] = "registry.example/shop/api".into();
        }),
        statement("an-image-digest-without-algorithm", &|r| {
            let hex = r["predicate"]["images"][0]["digest"].as_str().unwrap_or_default()[7..].to_owned();
            r["predicate"]["images"][0]["digest"] = hex.into();
        }),
        statement("a-channel-with-an-escape-sequence", &|r| r["predicate"]["channel"] = "\u{1b}[31m".into()),
        statement("a-time-that-is-no-time", &|r| r["predicate"]["issuedAt"] = "2026-02-29T00:00:00Z".into()),
        statement("a-time-with-an-offset", &|r| r["predicate"]["issuedAt"] = "2026-01-01T00:00:00+01:00".into()),
        statement("a-counter-above-2-to-the-53", &|r| r["predicate"]["counter"] = (1_u64 << 53).into()),
        spelled("a-payload-that-is-pretty-printed", &text.replace("\":", "\": ")),
        spelled("a-payload-with-a-newline", &format!("{text}\n")),
        spelled("a-payload-with-an-idle-escape", &text.replace("shop:1.0.0", "sho\\u0070:1.0.0")),
        spelled(
            "a-payload-with-a-member-twice",
            &text.replacen('{', "{\"_type\":\"https://in-toto.io/Statement/v1\",", 1),
        ),
        spelled("a-payload-with-a-nested-member-twice", &more("[{\"b\":1,\"b\":1}]")),
        spelled("a-payload-with-an-object-twice", &more("{\"b\":{\"c\":1},\"b\":{\"d\":1}}")),
        spelled("a-payload-with-keys-equal-after-unescaping", &more("{\"b\":1,\"\\u0062\":1}")),
        spelled("a-payload-with-a-float", &more("1.0")),
        spelled("a-payload-with-an-exponent", &more("1e400")),
        spelled("a-payload-with-a-negative-number", &more("-1")),
        spelled("a-payload-with-negative-zero", &more("-0")),
        spelled("a-payload-with-a-number-above-2-to-the-53", &more("9007199254740993")),
        spelled("a-payload-with-the-number-2-to-the-53", &more("9007199254740992")),
        spelled("a-payload-nested-33-deep", &more(&format!("{}{}", "[".repeat(32), "]".repeat(32)))),
        spelled("a-payload-nested-2000-deep", &more(&"[".repeat(2000))),
        spelled("a-payload-with-a-lone-surrogate", &more("\"\\ud800\"")),
        spelled("a-payload-with-a-byte-order-mark", &format!("\u{feff}{text}")),
        spelled("a-payload-with-a-raw-DEL", &more("\"\u{7f}\"")),
        spelled(
            "a-payload-that-is-an-array",
            "[\"https://in-toto.io/Statement/v1\",\"https://sealift.dev/release/v1\",{}]",
        ),
        spelled("a-payload-that-is-empty", ""),
        bad("a-payload-that-is-not-utf-8", Code::Statement, RELEASE, {
            let mut bytes = more("\"~\"").into_bytes();
            if let Some(at) = bytes.iter().position(|b| *b == b'~') {
                bytes[at] = 0xff;
            }
            draft.seal_with(envelope(&bytes, &[VENDOR_PEM]))
        }),
        super::case("good-payload-nested-32-deep", None, "", {
            let text = more(&format!("{}{}", "[".repeat(31), "]".repeat(31)));
            draft.seal_with(envelope(text.as_bytes(), &[VENDOR_PEM]))
        }),
        differs("a-release-of-another-name", &|r| {
            r["predicate"]["name"] = "other".into();
            r["subject"][0]["name"] = "other:1.0.0".into();
        }),
        differs("a-release-of-another-version", &|r| r["predicate"]["version"] = "1.0.1".into()),
        differs("a-release-of-another-revision", &|r| r["predicate"]["revision"] = 2.into()),
        differs("a-subject-of-another-name", &|r| r["subject"][0]["name"] = "shop:1.0.1".into()),
        differs("a-release-that-names-another-image", &|r| {
            r["predicate"]["images"][1]["name"] = "registry.example/shop/web:2.0.0".into();
        }),
        differs("a-release-that-swaps-the-digests-of-images", &|r| {
            let images = &mut r["predicate"]["images"];
            let first = images[0]["digest"].take();
            images[0]["digest"] = images[1]["digest"].take();
            images[1]["digest"] = first;
        }),
        differs("a-release-that-leaves-an-image-out", &|r| {
            drop(r["predicate"]["images"].as_array_mut().and_then(Vec::pop))
        }),
        bad("a-release-of-another-size", Code::Graph, "blobs/sha256/", {
            with_release(good, |r| r["predicate"]["size"] = 1.into())
        }),
        bad("a-release-of-another-index", Code::Graph, "blobs/sha256/", {
            with_release(good, |r| r["subject"][0]["digest"]["sha256"] = "00".repeat(32).into())
        }),
    ]);
}
