//! Level 1: one place is remembered for each hash, and places without matches are skipped faster and faster.

use super::block::{Blocks, STORED_MAX};
use super::token::{LONGEST, Token};

const REACH: u32 = 1 << 15;
const HASH_BITS: u32 = 14;
/// Where the block stands in the buffer; the one before ends here.
const HERE: usize = 1 << 16;
/// Behind a block there is room to load whole words.
const ROOM: usize = 2 * HERE + 16;
/// So many bytes at the end of a block are not searched.
const MARGIN: usize = 15;
/// Positions start again before they could become too large.
const POSITIONS: u32 = 1 << 31;

/// The block, the one before it, and what is remembered of both.
pub(super) struct Fast {
    bytes: Box<[u8; ROOM]>,
    /// Bytes of the block, and of the one before.
    len: usize,
    earlier: usize,
    table: Box<[Entry; 1 << HASH_BITS]>,
    /// The position of the block's first byte.
    position: u32,
    tokens: Vec<Token>,
}

/// A position, and the four bytes that are there.
#[derive(Clone, Copy)]
struct Entry {
    four: u32,
    position: u32,
}

impl Fast {
    pub(super) fn new() -> Self {
        Self {
            bytes: super::boxed(0),
            len: 0,
            earlier: 0,
            table: super::boxed(Entry { four: 0, position: 0 }),
            // Out of reach of an empty entry.
            position: 2 * REACH,
            tokens: Vec::with_capacity(STORED_MAX),
        }
    }

    pub(super) fn write(&mut self, mut content: &[u8], blocks: &mut Blocks, out: &mut Vec<u8>) {
        while !content.is_empty() {
            let (now, later) = content.split_at(content.len().min(STORED_MAX - self.len));
            self.bytes[HERE + self.len..HERE + self.len + now.len()].copy_from_slice(now);
            self.len += now.len();
            content = later;
            if self.len == STORED_MAX {
                self.encode(blocks, out);
            }
        }
    }

    /// Ends the block. Short ones are not searched, and nothing before them is matched again.
    pub(super) fn flush(&mut self, blocks: &mut Blocks, out: &mut Vec<u8>) {
        let content = &self.bytes[HERE..HERE + self.len];
        match self.len {
            0 => return,
            1..=16 => blocks.stored(content, out),
            17..128 => blocks.huffman(content, out),
            _ => return self.encode(blocks, out),
        }
        (self.len, self.earlier) = (0, 0);
        self.advance(REACH);
    }

    fn encode(&mut self, blocks: &mut Blocks, out: &mut Vec<u8>) {
        self.tokens.clear();
        self.search();
        let content = &self.bytes[HERE..HERE + self.len];
        if self.tokens.len() > self.len - self.len / 16 {
            blocks.huffman(content, out);
        } else {
            blocks.dynamic(&self.tokens, content, out);
        }
        self.bytes.copy_within(HERE..HERE + self.len, HERE - self.len);
        self.advance(self.len as u32);
        (self.len, self.earlier) = (0, self.len);
    }

    /// Moves the positions on. What is out of reach afterwards is never matched, so where they start again does not show.
    fn advance(&mut self, by: u32) {
        self.position += by;
        if self.position >= POSITIONS {
            let less = self.position - 2 * REACH;
            self.table.iter_mut().for_each(|entry| entry.position = entry.position.saturating_sub(less));
            self.position = 2 * REACH;
        }
    }

    /// Makes the block's tokens. It has 128 bytes or more.
    fn search(&mut self) {
        let Self { bytes, table, tokens, position, len, earlier } = self;
        let (len, start) = (*len, *position);
        let bytes = &**bytes;
        let search_end = len.saturating_sub(MARGIN);
        let place = |at: usize| start.wrapping_add(at as u32);
        // Up to where tokens are made; the place that is looked at.
        let (mut done, mut at) = (0, 0);
        let mut next_four = four(bytes, 0);
        'search: loop {
            // After 32 places without a match every second one is looked at, after 32 more every third, and so on.
            let (mut skip, mut next) = (32, at);
            let mut distance = loop {
                at = next;
                let here = next_four;
                let step = skip >> 5;
                next = at + step;
                skip += step;
                if next > search_end {
                    break 'search;
                }
                let entry = &mut table[hash(here)];
                let candidate = std::mem::replace(entry, Entry { four: here, position: place(at) });
                next_four = four(bytes, next);
                let distance = place(at) - candidate.position;
                if distance <= REACH && here == candidate.four {
                    break distance as usize;
                }
            };
            tokens.extend(bytes[HERE + done..HERE + at].iter().map(|byte| Token::literal(*byte)));
            // As long as one match follows another.
            loop {
                let length = match_length(bytes, at, distance, len, *earlier);
                tokens.push(Token::copy(length, distance));
                at += length;
                done = at;
                if at >= search_end {
                    break 'search;
                }
                let word = eight(bytes, at - 1);
                let (last, here) = (word as u32, (word >> 8) as u32);
                table[hash(last)] = Entry { four: last, position: place(at - 1) };
                let candidate = std::mem::replace(&mut table[hash(here)], Entry { four: here, position: place(at) });
                distance = (place(at) - candidate.position) as usize;
                if distance > REACH as usize || here != candidate.four {
                    next_four = (word >> 16) as u32;
                    at += 1;
                    break;
                }
            }
        }
        tokens.extend(bytes[HERE + done..HERE + len].iter().map(|byte| Token::literal(*byte)));
    }
}

#[inline]
fn hash(four: u32) -> usize {
    (four.wrapping_mul(0x1e35_a7bd) >> (32 - HASH_BITS)) as usize
}

/// Four bytes of the block.
#[inline]
fn four(bytes: &[u8; ROOM], at: usize) -> u32 {
    eight(bytes, at) as u32
}

/// Eight bytes of the block.
#[inline]
fn eight(bytes: &[u8; ROOM], at: usize) -> u64 {
    bytes[HERE + at % HERE..].first_chunk().map_or(0, |b| u64::from_le_bytes(*b))
}

/// The length of a match whose first four bytes are known. It ends with the block; and it has four bytes where the fifth would
/// come from before the block before.
#[inline]
fn match_length(bytes: &[u8; ROOM], at: usize, distance: usize, len: usize, earlier: usize) -> usize {
    let at = at + 4;
    if distance > at + earlier {
        return 4;
    }
    let max = (LONGEST - 4).min(len - at);
    let here = &bytes[HERE + at..HERE + at + max];
    let there = &bytes[HERE + at - distance..HERE + at - distance + max];
    let ((here, here_rest), (there, there_rest)) = (here.as_chunks::<8>(), there.as_chunks::<8>());
    for (i, (a, b)) in here.iter().zip(there).enumerate() {
        let different = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if different != 0 {
            return 4 + 8 * i + (different.trailing_zeros() / 8) as usize;
        }
    }
    4 + 8 * here.len() + here_rest.iter().zip(there_rest).take_while(|(a, b)| a == b).count()
}
