//! Patches that were changed, cut, or made up: an error or other bytes, never a panic, and never more than what they say.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bundle_format::Digest;
use bundle_format::delta::{Header, rebuild};
use bundle_format::recode::Maker;
use packer::delta::{Effort, Outcome};
use testdata::corpus;

use super::world::{Packed, bytes, encoded, packed, recipe, space, tar};

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A panic in a thread that compresses becomes an error there, and must not go unseen.
fn count_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // Tests' own threads have names.
        if std::thread::current().name().is_none() {
            PANICS.fetch_add(1, Ordering::SeqCst);
        }
        before(info);
    }));
}

/// A patch with every kind of step, and its space.
fn good() -> (Vec<u8>, Vec<u8>) {
    let jar =
        |t: &str| super::world::zip(&[("a", [corpus::text(1, 4000), t.into()].concat())], recipe(Maker::Zlib, 8, 6));
    let layer = |time, t: &str| {
        tar(&[("a.jar".into(), time, jar(t)), ("b".into(), time, [corpus::records(1, 5000), t.into()].concat())])
    };
    let old = vec![packed(Packed::Plain, &layer(1, "old"))];
    let new = packed(Packed::Unknown(6), &layer(2, "new and longer"));
    let Outcome::Patch(patch) = encoded(&old, &new, Effort::Default) else { panic!("no patch") };
    (bytes(&patch.bytes), space(&patch.header, &old))
}

/// Rebuilds, which may fail; what it makes is bounded, and so is the time.
fn harmless(patch: &Vec<u8>, space: &Vec<u8>) -> bool {
    let (began, mut out) = (Instant::now(), Vec::new());
    let done = rebuild(patch, space, 2, &mut out).is_ok();
    assert!(began.elapsed() < Duration::from_secs(60), "it takes too long");
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "a thread panicked");
    let header = Header::read(&mut patch.as_slice()).ok();
    assert!(out.len() as u64 <= header.as_ref().map_or(0, |h| h.size), "it makes more than it says");
    done && header.is_some_and(|h| h.digest == Digest::of(&out))
}

#[test]
fn a_patch_that_was_changed_gives_an_error_or_other_bytes() {
    let (patch, space) = good();
    count_panics();
    assert!(harmless(&patch, &space), "the patch is good");
    let head = Header::read(&mut patch.as_slice()).unwrap().to_bytes().len();
    let script = patch.len() / 3;
    let mut right = 0;
    for at in 0..patch.len() {
        // The head bit by bit; of the rest a part.
        let bits: &[u8] = if at < 260 {
            &[0, 3, 7]
        } else if at < script || at % 7 == 0 {
            &[5]
        } else {
            &[]
        };
        for bit in bits {
            let mut changed = patch.clone();
            changed[at] ^= 1 << bit;
            let same = harmless(&changed, &space);
            // What the head says of sources and expansions is proved where the space is made.
            right += usize::from(same && at >= head);
        }
    }
    // Where its parameters leave room, and at the end of the coded bytes, a bit makes no difference.
    assert!(right < 12, "{right} changed patches made the blob");
    for len in 0..patch.len() {
        if len < 300 || len % 11 == 0 {
            assert!(!harmless(&patch[..len].to_vec(), &space), "cut to {len} bytes");
        }
    }
    for shorter in [0, 1, space.len() - 1] {
        assert!(!harmless(&patch, &space[..shorter].to_vec()));
    }
}

#[test]
fn a_patch_with_huge_counts_is_refused() {
    let (patch, space) = good();
    let header = Header::read(&mut patch.as_slice()).unwrap();
    let head = header.to_bytes().len();
    // Size, memory, sources, expansions; parameters; sections.
    for at in [40, 48, 56, 64, 72 + 32, 72 + 41, head + 2, head + 10, head + 22] {
        for number in [u64::MAX, 1 << 63, 1 << 40, 1 << 20, 4097] {
            let mut changed = patch.clone();
            changed[at..at + 8].copy_from_slice(&number.to_le_bytes());
            harmless(&changed, &space);
        }
    }
    // A script of any bytes, of a patch that may make a tebibyte.
    for seed in 0..200 {
        let mut changed = patch.clone();
        changed[40..48].copy_from_slice(&(1_u64 << 22).to_le_bytes());
        changed[head + 10..head + 18].copy_from_slice(&(1_u64 << 30).to_le_bytes());
        let from = head + 22 + 8 * 3;
        let n = (changed.len() - from).min(400);
        changed[from..from + n].copy_from_slice(&corpus::random(seed, n));
        harmless(&changed, &space);
    }
}
