//! Envelopes and signatures: published vectors, spellings, edge cases of Ed25519.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use bundle_format::archive::{MemberName, encode_header};
use bundle_format::statement::{PackingList, Release, Statement};
use bundle_format::trust::{Distrust, KeyError, PublicKey, TrustError, TrustRoot, Unverified, Verified, pae};
use bundle_format::{Digest, ImageRef};
use proptest::prelude::*;
use testdata::bundle::{self, Content, Draft, QA_PEM, VENDOR_PEM, dsse, envelope, private_key, sign};

fn public(pem: &str) -> PublicKey {
    private_key(pem).unwrap().public().unwrap()
}

/// A public key of these 32 bytes (RFC 8410 section 4).
fn point(hex: &str) -> Result<PublicKey, KeyError> {
    use base64::Engine as _;
    let bytes: Vec<u8> = (0..32).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()).collect();
    let der = [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", bytes.as_slice()].concat();
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    PublicKey::from_pem(&format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"))
}

#[test]
fn the_signed_bytes_are_those_of_dsse() {
    // DSSE protocol.md, "Test Vectors".
    assert_eq!(
        pae("http://example.com/HelloWorld", b"hello world"),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
    assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
    // Lengths count bytes, not characters.
    assert_eq!(pae("t", "é".as_bytes()), "DSSEv1 1 t 2 é".as_bytes());
}

#[test]
fn keys_of_small_order_are_refused() {
    // The points of small order, and the other spellings of the same (RFC 7748 section 7; ed25519-speccheck).
    for hex in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ] {
        assert!(point(hex).is_err(), "{hex}");
    }
}

#[test]
fn a_key_has_one_spelling() {
    // y = 3 is a point of large order; y + p is another spelling of it, and would have another identity.
    let low = "0300000000000000000000000000000000000000000000000000000000000000";
    let high = "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
    assert!(point(low).is_ok());
    assert!(point(high).is_err());
    // No point of the curve.
    assert!(point("0200000000000000000000000000000000000000000000000000000000000000").is_err());
}

#[test]
fn a_reader_without_keys_or_with_one_twice_is_none() {
    assert_eq!(TrustRoot::pinned(Vec::new()).unwrap_err(), TrustError::NoKey);
    let key = public(VENDOR_PEM);
    assert_eq!(TrustRoot::pinned(vec![key.clone(), key.clone()]).unwrap_err(), TrustError::Twice(key.id()));
}

#[test]
fn a_refusal_says_who_signed_and_who_had_to() {
    let draft = Draft::of(&Content::small().unwrap());
    let parsed = Unverified::<Statement<Release>>::parse(draft.release_envelope()).unwrap();
    let both = TrustRoot::pinned(vec![public(VENDOR_PEM), public(QA_PEM)]).unwrap();
    let Err(Distrust::Signatures { needed, counted, invalid, unknown, .. }) = parsed.clone().verify(both.release())
    else {
        panic!("one signature counted for two")
    };
    assert_eq!((needed, counted, invalid, unknown), (2, vec![public(VENDOR_PEM).id()], vec![], vec![]));
    let other = TrustRoot::pinned(vec![public(QA_PEM)]).unwrap();
    let Err(Distrust::Signatures { counted, invalid, unknown, .. }) = parsed.verify(other.release()) else {
        panic!("a stranger's signature counted")
    };
    assert_eq!((counted, invalid, unknown), (vec![], vec![], vec![public(VENDOR_PEM).id()]));
}

#[test]
fn a_statement_is_not_taken_for_one_of_another_kind() {
    let draft = Draft::of(&Content::small().unwrap());
    let release = draft.release_envelope();
    let list = envelope(draft.list(&release).to_string().as_bytes(), &[VENDOR_PEM]);
    let trust = TrustRoot::pinned(vec![public(VENDOR_PEM)]).unwrap();
    let as_list = Unverified::<Statement<PackingList>>::parse(release).unwrap().verify(trust.packing());
    assert!(matches!(as_list, Err(Distrust::Document(_))));
    let as_release = Unverified::<Statement<Release>>::parse(list).unwrap().verify(trust.release());
    assert!(matches!(as_release, Err(Distrust::Document(_))));
}

#[test]
fn the_identity_is_that_of_the_payload() {
    let draft = Draft::of(&Content::small().unwrap());
    let payload = draft.release.to_string();
    let trust = TrustRoot::pinned(vec![public(VENDOR_PEM)]).unwrap();
    let id = |keys: &[&str]| {
        let parsed = Unverified::<Statement<Release>>::parse(envelope(payload.as_bytes(), keys)).unwrap();
        parsed.verify(trust.release()).unwrap().id()
    };
    assert_eq!(id(&[VENDOR_PEM]), Digest::of(payload.as_bytes()));
    assert_eq!(id(&[VENDOR_PEM]), id(&[QA_PEM, VENDOR_PEM]), "more signatures are no other release");
}

proptest! {
    #[test]
    fn no_other_bytes_than_an_envelopes_parse_to_it(payload in "[ -~]{0,40}", at in 0_usize..400, byte: u8) {
        let good = dsse(payload.as_bytes(), &[sign(payload.as_bytes(), VENDOR_PEM)]);
        let parsed = Unverified::<Statement<Release>>::parse(good.clone()).unwrap();
        prop_assert_eq!(parsed.envelope().bytes(), good.as_slice());
        let mut changed = good.clone();
        let at = at % good.len();
        changed[at] = byte;
        // Another envelope may parse, but then it is another one and keeps its own bytes.
        if let Ok(other) = Unverified::<Statement<Release>>::parse(changed.clone()) {
            prop_assert_eq!(other.envelope().bytes(), changed.as_slice());
        }
    }

    #[test]
    fn signing_and_parsing_go_round(revision in 1_u32.., seed: u8) {
        let mut draft = Draft::of(&Content::small().unwrap());
        draft.release["predicate"]["revision"] = revision.into();
        draft.release["predicate"]["counter"] = seed.into();
        let parsed = Unverified::<Statement<Release>>::parse(draft.release_envelope()).unwrap();
        let value = parsed.look_unverified().unwrap();
        let again = Verified::sign(value.clone(), &[&private_key(VENDOR_PEM).unwrap()]).unwrap();
        let bytes = again.envelope().bytes().to_vec();
        let read = Unverified::<Statement<Release>>::parse(bytes.clone()).unwrap();
        prop_assert_eq!(read.look_unverified().unwrap(), value);
        prop_assert_eq!(read.envelope().bytes(), bytes.as_slice());
    }

    #[test]
    fn names_of_members_go_round(text in "(trust/[0-9]{1,11}[.]root[.]dsse[.]json|blobs/sha256/[0-9a-f]{63,65}|[a-z./-]{1,24})") {
        if let Ok(name) = text.parse::<MemberName>() {
            prop_assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn headers_are_those_that_others_write(size in 0_u64..1 << 33, content: [u8; 8]) {
        let name = MemberName::Blob(Digest::of(&content));
        let theirs = bundle::header(name.to_string().as_bytes(), size);
        prop_assert_eq!(encode_header(&name, size).to_vec(), theirs);
    }

    #[test]
    fn names_of_images_go_round(text in "([a-z0-9.:-]{1,12}/)?[a-z0-9._/-]{1,20}(:[A-Za-z0-9._-]{1,8})?") {
        if let Ok(name) = text.parse::<ImageRef>() {
            prop_assert_eq!(name.to_string().parse::<ImageRef>(), Ok(name));
        }
    }
}
