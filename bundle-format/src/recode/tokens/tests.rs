//! What is read is what was written, and nothing that is read makes the reader fail otherwise than by saying so.

use super::{Block, BlockWriter, Codes, Decoder, Start, Step, Token, TokensError};
use proptest::prelude::*;
use std::io::Write;

/// Everything that a stream says, again as bytes; its content; how many bytes it has.
fn rewritten(stream: &[u8], limit: usize) -> Result<(Vec<u8>, Vec<u8>, u64), TokensError> {
    let mut decoder = Decoder::new(stream);
    let (mut writer, mut out, mut content) = (BlockWriter::default(), Vec::new(), Vec::new());
    while let Some(block) = decoder.block()? {
        writer.start(&block, &mut out);
        let stored = matches!(block.start, Start::Stored { .. });
        loop {
            let mut tokens = Vec::new();
            let progress = decoder.tokens(&mut tokens, limit, 5000)?;
            assert!(tokens.len() <= limit);
            let fresh = decoder.content();
            if stored {
                out.extend_from_slice(fresh);
            }
            content.extend_from_slice(fresh);
            tokens.iter().for_each(|t| writer.token(*t, &mut out));
            if progress == super::Progress::Ended {
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
    Ok((out, content, decoder.consumed()))
}

/// A code in which `n` symbols have eight bits or nine.
fn flat(n: usize) -> Vec<u8> {
    let mut lengths = vec![8; n];
    // 256 words of eight bits are a whole code: each symbol more halves one.
    if n > 256 {
        lengths[..2 * (n - 256)].fill(9);
    }
    lengths
}

/// The codes that say these lengths step by step, in the code length code of four or five bits for all of its 19 symbols.
fn codes(literals: &[u8], distances: &[u8]) -> Codes {
    let mut code_lengths = [4_u8; 19];
    code_lengths[..6].fill(5);
    let lengths = [literals, distances].concat();
    let mut steps: Vec<Step> = Vec::new();
    let mut at = 0;
    while at < lengths.len() {
        let run = lengths[at..].iter().take_while(|l| **l == lengths[at]).count();
        // Now and then as runs, now and then each by itself: both are legal.
        let step = match (lengths[at], run) {
            (0, 11..) if at % 3 > 0 => Step { symbol: 18, extra: (run.min(138) - 11) as u8 },
            (0, 3..) => Step { symbol: 17, extra: (run.min(10) - 3) as u8 },
            (_, 3..) if at > 0 && lengths[at - 1] == lengths[at] && at % 2 == 0 => {
                Step { symbol: 16, extra: (run.min(6) - 3) as u8 }
            }
            (length, _) => Step { symbol: length, extra: 0 },
        };
        at += step.count();
        steps.push(step);
    }
    Codes { sent: 19, code_lengths, literals: literals.len() as u16, distances: distances.len() as u16, steps, lengths }
}

#[derive(Debug, Clone)]
enum Part {
    Stored(u8, Vec<u8>),
    Fixed(Vec<(u8, u16, u32)>),
    Dynamic(bool, Vec<(u8, u16, u32)>),
}

fn written(parts: &[Part], padding: u8) -> Vec<u8> {
    let (mut writer, mut out, mut made) = (BlockWriter::default(), Vec::new(), 0_u32);
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len();
        let (start, tokens) = match part {
            Part::Stored(padding, bytes) => {
                let start = Start::Stored { padding: *padding, length: bytes.len() as u16 };
                writer.start(&Block { last, start }, &mut out);
                out.extend_from_slice(bytes);
                made += bytes.len() as u32;
                continue;
            }
            Part::Fixed(tokens) => (Start::Fixed, tokens),
            Part::Dynamic(one, tokens) => {
                let distances = if *one { vec![1] } else { [vec![5; 28], vec![4; 2]].concat() };
                (Start::Dynamic(Box::new(codes(&flat(286), &distances))), tokens)
            }
        };
        writer.start(&Block { last, start }, &mut out);
        for &(byte, length, distance) in tokens {
            let distance = if matches!(part, Part::Dynamic(true, _)) { 1 } else { distance };
            let token = if length < 3 || distance > made {
                Token::literal(byte)
            } else {
                Token::matched(length, distance, byte > 250)
            };
            made += u32::from(token.length());
            writer.token(token, &mut out);
        }
        writer.end(&mut out);
    }
    writer.padding(padding, &mut out);
    out
}

/// Legal streams of a few blocks.
pub(crate) fn stream() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![4 => Just(0_u16), 3 => 3_u16..259, 1 => Just(258_u16)];
    let distance = prop_oneof![1_u32..300, 1_u32..32769];
    let tokens = prop::collection::vec((prop_oneof![0_u8..4, any::<u8>()], length, distance), 0..400);
    let part = prop_oneof![
        (0_u8..128, prop::collection::vec(any::<u8>(), 0..500)).prop_map(|(p, b)| Part::Stored(p, b)),
        tokens.clone().prop_map(Part::Fixed),
        (any::<bool>(), tokens).prop_map(|(one, t)| Part::Dynamic(one, t)),
    ];
    (prop::collection::vec(part, 1..6), 0_u8..128).prop_map(|(parts, padding)| written(&parts, padding))
}

fn zlib(content: &[u8], level: u32) -> Vec<u8> {
    let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(level));
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

#[test]
fn every_corpus_is_read_and_written_again() {
    for (name, content) in testdata::corpus::all() {
        for level in [0, 1, 6] {
            let stream = zlib(&content, level);
            let (again, made, consumed) = rewritten(&stream, 3000).unwrap();
            assert!(made == content && again == stream, "{name} at level {level}");
            assert_eq!(consumed, stream.len() as u64);
        }
    }
}

#[test]
fn a_distance_code_of_one_word_and_258_by_code_284_are_legal() {
    let tokens = vec![(7, 0, 0), (255, 258, 1), (1, 258, 1)];
    let stream = written(&[Part::Dynamic(true, tokens)], 0);
    let (again, content, _) = rewritten(&stream, 10).unwrap();
    assert_eq!((again, content), (stream, vec![7; 517]));
}

#[test]
fn what_breaks_a_rule_is_refused_by_its_name() {
    let oversubscribed = BlockWriterOf::new().codes(&[1; 286], &[5; 30]);
    let endless = BlockWriterOf::new().codes(&[vec![8; 256], vec![0]].concat(), &[0]);
    for (rule, stream) in [
        ("reserved type", vec![7]),
        ("complement", vec![1, 3, 0, 3, 0]),
        ("code of literals", oversubscribed),
        ("cannot end", endless),
        ("before the beginning", written_raw(Token::matched(3, 9, false))),
    ] {
        let error = rewritten(&stream, 10).unwrap_err().to_string();
        assert!(error.contains(rule), "{rule}: {error}");
    }
}

struct BlockWriterOf(BlockWriter);

impl BlockWriterOf {
    fn new() -> Self {
        Self(BlockWriter::default())
    }

    fn codes(mut self, literals: &[u8], distances: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.0.start(&Block { last: true, start: Start::Dynamic(Box::new(codes(literals, distances))) }, &mut out);
        self.0.padding(0, &mut out);
        out
    }
}

fn written_raw(token: Token) -> Vec<u8> {
    let (mut writer, mut out) = (BlockWriter::default(), Vec::new());
    writer.start(&Block { last: true, start: Start::Fixed }, &mut out);
    writer.token(token, &mut out);
    writer.end(&mut out);
    writer.padding(0, &mut out);
    out
}

#[test]
fn a_stream_that_is_cut_off_anywhere_is_said_to_be() {
    let stream = zlib(&testdata::corpus::text(2, 3000), 6);
    for n in 0..stream.len() {
        assert!(matches!(rewritten(&stream[..n], 1000), Err(TokensError::CutOff(_))), "{n}");
    }
}

proptest! {
    #[test]
    fn any_legal_stream_is_read_and_written_again(stream in stream()) {
        let (again, _, consumed) = rewritten(&stream, 77).unwrap();
        prop_assert_eq!(consumed, stream.len() as u64);
        prop_assert_eq!(again, stream);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        if let Ok((again, _, consumed)) = rewritten(&bytes, 100) {
            prop_assert_eq!(&again[..], &bytes[..consumed as usize]);
        }
    }

    #[test]
    fn a_changed_stream_is_read_or_refused(mut stream in stream(), at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let at = at.index(stream.len());
        stream[at] ^= 1 << bit;
        if let Ok((again, _, consumed)) = rewritten(&stream, 100) {
            prop_assert_eq!(&again[..], &stream[..consumed as usize]);
        }
    }
}
