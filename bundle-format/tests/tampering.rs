//! A bundle changed by somebody who cannot sign: any byte, any length, any order of members.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use bundle_format::trust::{PublicKey, TrustRoot};
use bundle_format::walk::{Bundle, BundleError, Proved};
use bundle_format::{Code, Coded};
use testdata::bundle::{self, Content, Draft, VENDOR_PEM};

fn good() -> Vec<u8> {
    Draft::of(&Content::small().unwrap()).seal()
}

fn trust() -> TrustRoot {
    TrustRoot::pinned(vec![PublicKey::from_pem(&bundle::public_pem(VENDOR_PEM).unwrap()).unwrap()]).unwrap()
}

fn verify(bytes: &[u8], trust: &TrustRoot) -> Result<Proved, BundleError> {
    Bundle::open(bytes, trust)?.prove(&mut (), &())
}

/// Runs `check` for every number below `count` on two threads.
fn each(count: usize, check: impl Fn(usize) + Sync) {
    std::thread::scope(|scope| {
        for part in 0..2 {
            let check = &check;
            scope.spawn(move || (part..count).step_by(2).for_each(check));
        }
    });
}

#[test]
fn a_bundle_that_somebody_else_wrote_is_the_one_that_we_write() {
    use bundle_format::archive::{ArchiveWriter, MemberName};
    let bytes = good();
    let proved = verify(&bytes, &trust()).unwrap();
    assert_eq!(proved.len, bytes.len() as u64);
    let mut archive = ArchiveWriter::new(Vec::new());
    archive.member(MemberName::Release, proved.release.envelope().bytes()).unwrap();
    archive.member(MemberName::PackingList, proved.list.envelope().bytes()).unwrap();
    let mut at = 512 + proved.release.envelope().bytes().len().next_multiple_of(512);
    at += 512 + proved.list.envelope().bytes().len().next_multiple_of(512);
    for member in proved.list.value().predicate().body() {
        let size = usize::try_from(member.size).unwrap();
        archive.member(member.name, &bytes[at + 512..at + 512 + size]).unwrap();
        at += 512 + size.next_multiple_of(512);
    }
    assert!(archive.finish().unwrap() == bytes);
}

/// Where to change a byte: everywhere in the envelopes, the headers of the first members and of the last, the fields of all other
/// headers, and the end; every fifth byte of the rest, where all are treated alike.
fn places(bytes: &[u8]) -> Vec<usize> {
    let mut headers = Vec::new();
    let mut at = 0;
    while bytes[at] != 0 {
        headers.push(at);
        let size = std::str::from_utf8(&bytes[at + 124..at + 135]).unwrap();
        at += 512 + usize::from_str_radix(size, 8).unwrap().next_multiple_of(512);
    }
    let (head, last) = (headers[4], headers[headers.len() - 1]);
    let field = |at: usize| {
        let header = headers.iter().rfind(|h| **h <= at).unwrap();
        matches!(at - header, 76..157 | 257..265 | 329..346 | 511)
    };
    (0..bytes.len()).filter(|n| *n < head || (last..last + 512).contains(n) || field(*n) || n % 5 == 0).collect()
}

#[test]
fn every_flipped_byte_is_found() {
    let (bytes, trust) = (good(), trust());
    assert!(bytes.len() < 40 << 10, "{} bytes: small enough to try them all", bytes.len());
    let places = places(&bytes);
    assert!(places.len() > bytes.len() / 3);
    each(places.len(), |n| {
        let at = places[n];
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let refused = verify(&changed, &trust).err().unwrap_or_else(|| panic!("byte {at} was changed and accepted"));
        assert!(
            ![Code::Io, Code::Internal].contains(&refused.code()),
            "byte {at}: {} is no answer: {refused}",
            refused.code()
        );
    });
}

#[test]
fn every_shorter_file_is_refused() {
    let (bytes, trust) = (good(), trust());
    let lengths: Vec<usize> =
        (0..bytes.len()).filter(|n| n % 512 == 0 || n % 512 == 511 || n % 97 == 0 || bytes.len() - n < 520).collect();
    each(lengths.len(), |n| {
        let refused = verify(&bytes[..lengths[n]], &trust).err().unwrap_or_else(|| panic!("{} bytes", lengths[n]));
        let code = refused.code();
        assert!(
            [Code::Empty, Code::Foreign, Code::Truncated, Code::End].contains(&code),
            "{} bytes: {code}: {refused}",
            lengths[n]
        );
    });
}

#[test]
fn every_longer_file_is_refused() {
    let (bytes, trust) = (good(), trust());
    for (byte, count) in [(0, 1), (1, 1), (0, 511), (0, 512), (0, 1024), (0, 9216), (b'x', 70_000)] {
        let mut longer = bytes.clone();
        longer.resize(bytes.len() + count, byte);
        assert_eq!(verify(&longer, &trust).unwrap_err().code(), Code::Trailing, "{count} bytes of {byte}");
    }
    let twice = [&bytes[..], &bytes[..]].concat();
    assert_eq!(verify(&twice, &trust).unwrap_err().code(), Code::Trailing);
}

#[test]
fn a_byte_put_in_or_taken_out_is_found() {
    let (bytes, trust) = (good(), trust());
    let places: Vec<usize> = (0..bytes.len()).filter(|n| n % 61 == 0 || n % 512 < 2).collect();
    each(places.len(), |n| {
        let mut more = bytes.clone();
        more.insert(places[n], bytes[places[n]]);
        assert!(verify(&more, &trust).is_err(), "a byte put in at {}", places[n]);
        let mut less = bytes.clone();
        less.remove(places[n]);
        assert!(verify(&less, &trust).is_err(), "a byte taken out at {}", places[n]);
        // The same length: a byte moves from one block to another.
        less.push(0);
        // But for the zeros at the end, of which one is as good as another.
        assert!(less == bytes || verify(&less, &trust).is_err(), "a byte moved from {} to the end", places[n]);
    });
}

#[test]
fn every_block_zeroed_doubled_or_swapped_is_found() {
    let (bytes, trust) = (good(), trust());
    let blocks = bytes.len() / 512;
    let block = |n: usize| n * 512..(n + 1) * 512;
    each(blocks - 2, |n| {
        let refused = |changed: Vec<u8>, what: &str| {
            if changed != bytes {
                assert!(verify(&changed, &trust).is_err(), "block {n} {what}");
            }
        };
        let mut zeroed = bytes.clone();
        zeroed[block(n)].fill(0);
        refused(zeroed, "zeroed");
        let mut doubled = bytes.clone();
        doubled.splice(n * 512..n * 512, bytes[block(n)].iter().copied());
        refused(doubled, "doubled");
        let mut swapped = bytes.clone();
        swapped.copy_within(block(n + 1), n * 512);
        swapped[block(n + 1)].copy_from_slice(&bytes[block(n)]);
        refused(swapped, "swapped with the next");
    });
}
