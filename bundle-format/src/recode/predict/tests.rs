//! Corrections of streams of many makers, and of streams that no maker makes.

use super::{AnalyseError, Recreate, analyse};
use crate::recode::Compressor;
use crate::recode::tokens::TokensError;
use crate::recode::tokens::tests::stream;
use proptest::prelude::*;
use std::io::Write;

/// Content, corrections and consumed bytes of `deflate`.
fn taken_apart(deflate: &[u8]) -> (Vec<u8>, Vec<u8>, u64) {
    let (mut content, mut corrections) = (Vec::new(), Vec::new());
    let analysis = analyse(&mut &deflate[..], &mut content, &mut corrections).unwrap();
    assert_eq!(analysis.content, content.len() as u64);
    assert_eq!(analysis.corrections, corrections.len() as u64);
    (content, corrections, analysis.consumed)
}

fn made_again(corrections: &[u8], content: &[u8], cut: usize) -> Vec<u8> {
    let mut maker = Recreate::new(corrections);
    let mut out = Vec::new();
    for piece in content.chunks(cut.max(1)) {
        maker.write(piece, &mut out);
    }
    maker.finish(&mut out);
    out
}

/// Takes it apart, makes it again, and returns the size of the corrections.
fn round_trip(deflate: &[u8], name: &str) -> usize {
    let (content, corrections, consumed) = taken_apart(deflate);
    assert_eq!(consumed, deflate.len() as u64, "{name}");
    let again = made_again(&corrections, &content, 65536);
    assert!(again == deflate, "{name}: other bytes from {:?}", again.iter().zip(deflate).position(|(a, b)| a != b));
    corrections.len()
}

fn zlib(content: &[u8], level: u32) -> Vec<u8> {
    let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(level));
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

#[test]
fn every_corpus_at_every_level_of_zlib_rs_is_made_again() {
    for (name, content) in testdata::corpus::all() {
        for level in 0..10 {
            if content.len() > 1_000_000 && level != 6 {
                continue;
            }
            let deflate = zlib(&content, level);
            let corrections = round_trip(&deflate, &name);
            if content.len() > 200_000 {
                println!("{name} level {level}: {} -> {corrections}", deflate.len());
            }
        }
    }
}

#[test]
fn what_is_made_does_not_depend_on_how_content_is_cut() {
    let content = testdata::corpus::text(1, 150_000);
    let deflate = zlib(&content, 6);
    let (content, corrections, _) = taken_apart(&deflate);
    for cut in [1, 2, 271, 272, 273, 4096, 65537, usize::MAX] {
        assert!(made_again(&corrections, &content, cut) == deflate, "cut at {cut}");
    }
}

#[test]
fn what_follows_the_data_is_not_consumed() {
    let mut deflate = zlib(b"some content, some content", 9);
    let length = deflate.len() as u64;
    deflate.extend_from_slice(b"a trailer");
    assert_eq!(taken_apart(&deflate).2, length);
}

#[test]
fn what_is_not_deflate_data_is_refused() {
    let cut = &zlib(&testdata::corpus::text(1, 9000), 6)[..500];
    for (name, data) in [("nothing", &b""[..]), ("reserved", b"\x07"), ("cut off", cut)] {
        let refused = analyse(&mut &data[..], &mut std::io::sink(), &mut std::io::sink());
        assert!(
            matches!(refused, Err(AnalyseError::Tokens(TokensError::CutOff(_) | TokensError::Refused { .. }))),
            "{name}"
        );
    }
}

#[test]
fn a_long_row_of_empty_blocks_is_refused_and_a_short_one_made_again() {
    let empty = [0, 0, 0, 0xff, 0xff];
    let short = [empty.repeat(3000), vec![1, 0, 0, 0xff, 0xff]].concat();
    round_trip(&short, "3000 empty blocks");
    let refused = analyse(&mut &empty.repeat(9000)[..], &mut std::io::sink(), &mut std::io::sink());
    assert!(matches!(refused, Err(AnalyseError::Empty)));
}

#[test]
fn corrections_that_do_not_begin_as_they_should_make_nothing() {
    for corrections in [&b""[..], b"\x01", b"\x02\x05abcdefgh", b"\x01\xffabcdefgh"] {
        assert!(made_again(corrections, b"some content", 5).is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_legal_stream_is_made_again(deflate in stream()) {
        round_trip(&deflate, "generated");
    }

    #[test]
    fn changed_corrections_end_and_do_not_panic(
        at in any::<prop::sample::Index>(), value in any::<u8>(), length in 0_usize..2000, level in 1_u32..10,
    ) {
        let content = testdata::corpus::text(1, 40_000);
        let (content, mut corrections, _) = taken_apart(&zlib(&content, level));
        let at = at.index(corrections.len());
        corrections[at] ^= value;
        let made = made_again(&corrections, &content[..content.len().min(length * 30)], 1000);
        prop_assert!(made.len() < 600 * (content.len() + corrections.len() + 16));
    }

    #[test]
    fn any_bytes_as_corrections_end_and_do_not_panic(
        mut corrections in prop::collection::vec(any::<u8>(), 0..3000), content in prop::collection::vec(0_u8..4, 0..3000),
    ) {
        if let [version, preset, ..] = &mut corrections[..] {
            (*version, *preset) = (super::VERSION, *preset % 22);
        }
        let made = made_again(&corrections, &content, 100);
        prop_assert!(made.len() < 600 * (content.len() + corrections.len() + 16));
    }
}
