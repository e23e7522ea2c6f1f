//! Any bytes as DEFLATE data, made again from content and corrections; and any bytes as corrections.
#![no_main]

use bundle_format::recode::Compressor;
use bundle_format::recode::predict::{Recreate, VERSION, analyse};
use libfuzzer_sys::fuzz_target;

fn made(corrections: &[u8], content: &[u8], cut: usize) -> Vec<u8> {
    let (mut maker, mut out) = (Recreate::new(corrections), Vec::new());
    for piece in content.chunks(cut) {
        maker.write(piece, &mut out);
    }
    maker.finish(&mut out);
    out
}

fuzz_target!(|bytes: &[u8]| {
    let (mut content, mut corrections) = (Vec::new(), Vec::new());
    if let Ok(analysis) = analyse(&mut &bytes[..], &mut content, &mut corrections) {
        let consumed = usize::try_from(analysis.consumed).unwrap_or(usize::MAX);
        assert_eq!(Some(&made(&corrections, &content, 1000)[..]), bytes.get(..consumed), "made again as it was");
    }
    let (content, corrections) = bytes.split_at(bytes.len() / 2);
    let corrections = [&[VERSION], corrections].concat();
    let out = made(&corrections, content, 777);
    assert!(out.len() <= 600 * (content.len() + corrections.len() + 16), "what is made is bounded");
});
