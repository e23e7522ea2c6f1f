//! Any bytes as DEFLATE data: they are refused, or taken apart and written again to the same bytes.
#![no_main]

use bundle_format::recode::tokens::{BlockWriter, Decoder, Progress, Start, TokensError};
use libfuzzer_sys::fuzz_target;

/// The stream written again from what it says; it stops where a bomb would go on.
fn rewritten(bytes: &[u8]) -> Result<Option<(Vec<u8>, u64)>, TokensError> {
    let mut decoder = Decoder::new(bytes);
    let (mut writer, mut out, mut content) = (BlockWriter::default(), Vec::new(), 0);
    while let Some(block) = decoder.block()? {
        writer.start(&block, &mut out);
        let stored = matches!(block.start, Start::Stored { .. });
        loop {
            let mut tokens = Vec::new();
            let progress = decoder.tokens(&mut tokens, 1000, 4096)?;
            let fresh = decoder.content();
            content += fresh.len();
            if content > 1 << 24 {
                return Ok(None);
            }
            if stored {
                out.extend_from_slice(fresh);
            }
            tokens.iter().for_each(|token| writer.token(*token, &mut out));
            if progress == Progress::Ended {
                break;
            }
        }
        if !stored {
            writer.end(&mut out);
        }
        if block.last {
            writer.padding(decoder.padding()?, &mut out);
        }
    }
    Ok(Some((out, decoder.consumed())))
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some((again, consumed))) = rewritten(bytes) {
        let consumed = usize::try_from(consumed).unwrap_or(usize::MAX);
        assert_eq!(Some(&again[..]), bytes.get(..consumed), "what was read is what was there");
    }
});
