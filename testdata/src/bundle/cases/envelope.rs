//! Envelopes that are spelled in another way, or signed by somebody else (spec/bundle.md section 4).

use std::ops::{Add, Mul};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bundle_format::Code;
use ed25519_dalek::Signer;
use sha2::{Digest as _, Sha512};

use super::super::content::Content;
use super::super::keys::{QA_PEM, STRANGER_PEM, VENDOR_PEM, signing_key};
use super::super::seal::{Draft, dsse, envelope, message, sign, tar};
use super::{Case, bad};

const RELEASE: &str = "release.dsse.json";

/// S + L: the other scalar that laxer verifiers take for the same signature (RFC 8032 section 5.1.7).
fn malleable(signature: &[u8]) -> Vec<u8> {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut out = signature.to_vec();
    let mut carry = 0;
    for (byte, l) in out[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(l) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    out
}

/// A signature by `key` whose commitment is the neutral point: it fulfils the equation of RFC 8032 section 5.1.7, and openssl
/// accepts it. The strict rules do not.
fn neutral_commitment(payload: &[u8], key: &str) -> Vec<u8> {
    /// A number of the kind that `like` is, whose type has no name here.
    fn number<S: Copy + From<u64> + Add<Output = S> + Mul<Output = S>>(_like: S, little_endian: &[u8]) -> S {
        little_endian.iter().rev().fold(S::from(0), |n, byte| n * S::from(256) + S::from(u64::from(*byte)))
    }
    let key = signing_key(key);
    let mut commitment = [0; 32];
    commitment[0] = 1;
    let hash = Sha512::new().chain_update(commitment).chain_update(key.verifying_key()).chain_update(message(payload));
    let secret = key.to_scalar();
    let scalar = number(secret, hash.finalize().as_slice()) * secret;
    [commitment, scalar.to_bytes()].concat()
}

pub(super) fn cases(good: &Content, cases: &mut Vec<Case>) {
    let draft = Draft::of(good);
    let payload = draft.release.to_string().into_bytes();
    let (id, signature) = sign(&payload, VENDOR_PEM);
    let (_, strangers) = sign(&payload, STRANGER_PEM);
    let text = String::from_utf8(draft.release_envelope()).unwrap_or_default();
    let base64 = STANDARD.encode(&payload);

    // The list names what is there, so only the release's envelope is wrong.
    let spelled = |name, text: String| bad(name, Code::Envelope, RELEASE, draft.seal_with(text.into_bytes()));
    let signed = |name, code, signatures: Vec<(String, Vec<u8>)>| {
        bad(name, code, RELEASE, draft.seal_with(dsse(&payload, &signatures)))
    };
    let sig = |bytes: Vec<u8>| vec![(id.clone(), bytes)];
    let mut flipped = signature.clone();
    flipped[40] ^= 1;

    // Neutral points: with R and A of small order, laxer verifiers accept anything.
    let mut small_order = [0; 64];
    small_order[0] = 1;

    cases.extend([
        spelled("envelope-without-newline", text.trim_end().to_owned()),
        spelled("envelope-with-two-newlines", format!("{text}\n")),
        spelled("envelope-with-byte-order-mark", format!("\u{feff}{text}")),
        spelled("envelope-with-white-space", text.replace(":\"", ": \"")),
        spelled("envelope-with-escaped-member", text.replace("\"payload\"", "\"\\u0070ayload\"")),
        spelled("envelope-with-member-twice", text.replacen('{', &format!("{{\"payload\":\"{base64}\","), 1)),
        spelled("envelope-with-unknown-member", text.replace("}]}", "}],\"more\":1}")),
        spelled("envelope-with-unknown-member-of-a-signature", text.replace("\"}]}", "\",\"cert\":\"\"}]}")),
        spelled("envelope-with-members-in-another-order", {
            let (first, second) =
                ("\"payloadType\":\"application/vnd.in-toto+json\"", format!("\"payload\":\"{base64}\""));
            text.replace(&format!("{first},{second}"), &format!("{second},{first}"))
        }),
        spelled("envelope-as-an-array", format!("[\"application/vnd.in-toto+json\",\"{base64}\",[]]\n")),
        spelled("envelope-with-another-payload-type", text.replace("in-toto", "in-tot0")),
        spelled("envelope-with-url-safe-base64", text.replace(&base64, &base64.replacen('I', "-", 1))),
        spelled("envelope-with-unpadded-base64", text.replace("==\"}", "\"}")),
        spelled("envelope-with-loose-bits-in-base64", {
            // The last digit of 64 bytes carries four bits that must be zero.
            let at = text.find("==\"}").unwrap_or_default();
            let digit = text[at - 1..at].replace('Q', "R").replace('g', "h").replace('w', "x").replace('A', "B");
            format!("{}{digit}{}", &text[..at - 1], &text[at..])
        }),
        spelled(
            "envelope-with-a-line-break-in-base64",
            text.replace(&base64, &format!("{}\\n{}", &base64[..76], &base64[76..])),
        ),
        spelled("envelope-without-signatures", format!("{}[]}}\n", &text[..text.find("[{").unwrap_or_default()])),
        spelled("envelope-without-keyid", text.replace(&format!("\"keyid\":\"{id}\","), "")),
        spelled("envelope-with-an-upper-case-keyid", text.replace(&id, &id.to_uppercase())),
        spelled("envelope-with-17-signatures", {
            String::from_utf8(dsse(&payload, &vec![(id.clone(), signature.clone()); 17])).unwrap_or_default()
        }),
        bad("envelope-that-is-empty", Code::Envelope, RELEASE, draft.seal_with(Vec::new())),
        bad("envelope-that-is-nested-deep", Code::Envelope, RELEASE, draft.seal_with("[".repeat(4096).into_bytes())),
        bad("envelope-that-is-not-utf-8", Code::Envelope, RELEASE, {
            let mut bytes = text.clone().into_bytes();
            bytes[3] = 0xff;
            draft.seal_with(bytes)
        }),
        bad("a-bit-in-the-payload", Code::Signature, RELEASE, {
            let changed = STANDARD.encode(String::from_utf8_lossy(&payload).replace("1.0.0", "1.0.1"));
            draft.seal_with(text.replace(&base64, &changed).into_bytes())
        }),
        signed("a-bit-in-a-signature", Code::Signature, sig(flipped)),
        signed("a-signature-of-another-key-under-a-trusted-keyid", Code::Signature, sig(strangers.clone())),
        signed("a-signature-of-63-bytes", Code::Signature, sig(signature[..63].to_vec())),
        signed("a-signature-of-65-bytes", Code::Signature, sig([&signature[..], &[0]].concat())),
        signed("a-signature-of-no-bytes", Code::Signature, sig(Vec::new())),
        signed("a-signature-of-zeros", Code::Signature, sig(vec![0; 64])),
        signed("a-signature-of-small-order", Code::Signature, sig(small_order.to_vec())),
        signed("a-signature-with-a-neutral-commitment", Code::Signature, sig(neutral_commitment(&payload, VENDOR_PEM))),
        signed("a-signature-with-a-scalar-not-below-the-order", Code::Signature, sig(malleable(&signature))),
        signed("a-signature-over-the-payload-alone", Code::Signature, {
            sig(signing_key(VENDOR_PEM).sign(&payload).to_bytes().to_vec())
        }),
        signed("a-signature-over-a-leading-zero-in-the-length", Code::Signature, {
            let text = String::from_utf8_lossy(&payload);
            let message = format!("DSSEv1 028 application/vnd.in-toto+json {} {text}", payload.len());
            sig(signing_key(VENDOR_PEM).sign(message.as_bytes()).to_bytes().to_vec())
        }),
        signed("a-signature-of-a-stranger", Code::Untrusted, vec![sign(&payload, STRANGER_PEM)]),
        bad("another-statements-signature", Code::Signature, RELEASE, {
            let other = String::from_utf8_lossy(&payload).replace("1.0.0", "1.0.1");
            draft.seal_with(dsse(&payload, &[sign(other.as_bytes(), VENDOR_PEM)]))
        }),
    ]);
    let mut needs_two = signed("one-signature-where-two-keys-must-sign", Code::Untrusted, sig(signature.clone()));
    needs_two.keys = &[VENDOR_PEM, QA_PEM];
    cases.push(needs_two);
    let twice = [sig(signature.clone()), sig(signature.clone())].concat();
    let mut same_twice = signed("one-signature-twice-where-two-keys-must-sign", Code::Untrusted, twice.clone());
    same_twice.keys = &[VENDOR_PEM, QA_PEM];
    cases.push(same_twice);
    // Signing twice with the same key changes nothing.
    cases.push(super::case("good-with-a-signature-twice", None, "", draft.seal_with(dsse(&payload, &twice))));
    let first_bad = [sig(strangers), sig(signature)].concat();
    cases.push(super::case("good-with-a-bad-signature-beside", None, "", draft.seal_with(dsse(&payload, &first_bad))));

    let release = draft.release_envelope();
    let list = draft.list(&release).to_string();
    let listed = |envelope: Vec<u8>| tar(&draft.members(release.clone(), envelope));
    let name = "packing-list.dsse.json";
    cases.extend([
        bad(
            "a-list-with-two-signatures",
            Code::List,
            name,
            listed(envelope(list.as_bytes(), &[VENDOR_PEM, STRANGER_PEM])),
        ),
        bad(
            "a-list-signed-twice-by-one-key",
            Code::List,
            name,
            listed(envelope(list.as_bytes(), &[VENDOR_PEM, VENDOR_PEM])),
        ),
        bad("a-list-of-a-stranger", Code::Untrusted, name, listed(envelope(list.as_bytes(), &[STRANGER_PEM]))),
        bad("a-list-that-was-changed", Code::Signature, name, {
            let (id, sig) = sign(list.as_bytes(), VENDOR_PEM);
            listed(dsse(list.replace("\"full\"", "\"fulL\"").as_bytes(), &[(id, sig)]))
        }),
        bad("a-list-without-newline", Code::Envelope, name, {
            let mut bytes = envelope(list.as_bytes(), &[VENDOR_PEM]);
            bytes.pop();
            listed(bytes)
        }),
        bad("a-release-in-place-of-the-list", Code::Statement, name, listed(release.clone())),
        bad("a-list-in-place-of-the-release", Code::Statement, RELEASE, {
            draft.seal_with(envelope(list.as_bytes(), &[VENDOR_PEM]))
        }),
    ]);
}
