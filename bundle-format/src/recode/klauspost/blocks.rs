//! How a block goes out: stored, with the fixed codes, with codes of its own, or with those of the block before.
//!
//! A block with its own codes stays open: its end is sent once the next block decides not to go on with the same codes.

use super::bits::Bits;
use super::code::Code;
use super::header::Header;
use super::tokens::{DISTANCES, END, LISTED, LITERALS, Tokens, distance_base, length_extra_bits};

/// What a stored block can hold.
pub(super) const STORED: usize = 65_535;
/// From so many tokens on, the fixed codes are not tried.
const FEW: usize = 250;
/// What the header of a code for literals alone is taken for, in bits.
const GUESSED_HEADER: u32 = 70 * 8;

/// The stream of blocks.
pub(super) struct Blocks {
    sink: Bits,
    fixed: (Code<LITERALS>, Code<DISTANCES>),
    literals: Code<LITERALS>,
    distances: Code<DISTANCES>,
    /// The bits of the open block's header; 0 if no block is open.
    open: u32,
    /// The open block has a code for literals alone.
    literals_alone: bool,
    /// A new code must be better by one part in 2 to the power of this.
    penalty: u32,
    /// Whether headers leave out the symbols behind the last that is used.
    trims: bool,
}

impl Blocks {
    pub(super) fn new(penalty: u32, trims: bool) -> Self {
        Self {
            sink: Bits::default(),
            fixed: (fixed_literals(), Code::canonical([5; DISTANCES])),
            literals: Code::none(),
            distances: Code::none(),
            open: 0,
            literals_alone: false,
            penalty,
            trims,
        }
    }

    fn end_open(&mut self, out: &mut Vec<u8>) {
        if self.open > 0 {
            self.sink.symbol(self.literals.symbol(END), out);
            self.open = 0;
        }
    }

    /// A stored block. An empty one is the mark of a flush.
    pub(super) fn stored(&mut self, content: &[u8], out: &mut Vec<u8>) {
        self.end_open(out);
        self.sink.put(0, 3, out);
        self.sink.align(out);
        let len = content.len() as u32 & 0xffff;
        self.sink.put(len | (!len) << 16, 32, out);
        out.extend_from_slice(content);
    }

    /// The last block: empty, with the fixed codes.
    pub(super) fn last(&mut self, out: &mut Vec<u8>) {
        self.end_open(out);
        self.sink.put(0b011, 3, out);
        self.sink.put(0, 7, out);
        self.sink.align(out);
    }

    /// A block of tokens. `content` is what they stand for, if it is still known; `flush` ends the block.
    pub(super) fn tokens(&mut self, tokens: &Tokens, content: Option<&[u8]>, flush: bool, out: &mut Vec<u8>) {
        if self.open > 0 && (self.literals_alone || !self.covers(tokens)) {
            self.end_open(out);
            self.literals_alone = false;
        }
        let mut need = Need::new(tokens, flush, self.trims);
        let count = tokens.len() + usize::from(flush);
        let stored = content.filter(|content| content.len() <= STORED);
        let stored_bits = stored.map_or(u32::MAX, stored_bits);
        let extra = if stored.is_some() || self.open > 0 { need.extra_bits() } else { 0 };

        if self.open > 0 {
            let ideal = self.open + tokens.ideal_bits(flush);
            let fresh = ideal + u32::from(self.literals.symbol(END).len) + (ideal >> self.penalty);
            let again = need.cost(&self.literals, &self.distances) + extra;
            if fresh < again {
                self.end_open(out);
            }
            let bits = fresh.min(again);
            let fixed = count < FEW && need.cost(&self.fixed.0, &self.fixed.1) + 3 + extra + 7 < bits;
            match stored.filter(|_| stored_bits <= bits) {
                Some(content) => return self.stored(content, out),
                None if fixed => return self.fixed(tokens, out),
                None => {}
            }
        }
        if self.open == 0 {
            need.literals[END] = 1;
            self.literals = Code::best(&need.literals, 15);
            self.distances = Code::best(&need.distances, 15);
            let header = Header::new(&self.literals, &self.distances, need.listed);
            let mut bits = header.bits + need.cost(&self.literals, &self.distances) + extra;
            let fixed_bits = need.cost(&self.fixed.0, &self.fixed.1) + 3 + extra;
            let fixed = count < FEW && fixed_bits <= bits;
            if fixed {
                bits = fixed_bits;
            }
            match stored.filter(|_| stored_bits <= bits) {
                Some(content) => return self.stored(content, out),
                None if fixed => return self.fixed(tokens, out),
                None => {}
            }
            header.send(&mut self.sink, out);
            self.open = header.bits;
            self.literals_alone = false;
        }
        self.sink.tokens(tokens, &self.literals, &self.distances, out);
        if flush {
            self.end_open(out);
        }
    }

    fn covers(&self, tokens: &Tokens) -> bool {
        self.literals.covers(&tokens.literals) && self.distances.covers(&tokens.distances)
    }

    fn fixed(&mut self, tokens: &Tokens, out: &mut Vec<u8>) {
        self.end_open(out);
        self.sink.put(0b010, 3, out);
        self.sink.tokens(tokens, &self.fixed.0, &self.fixed.1, out);
        self.sink.symbol(self.fixed.0.symbol(END), out);
    }

    /// A block without matches (at most 65,535 bytes), or a stored one if there is nothing to win.
    pub(super) fn literals(&mut self, content: &[u8], flush: bool, out: &mut Vec<u8>) {
        let mut counts = [0_u16; LITERALS];
        for byte in content {
            counts[usize::from(*byte)] = counts[usize::from(*byte)].wrapping_add(1);
        }
        if content.len() > 1024 && is_even(&counts[..END], content.len()) {
            return self.stored(content, out);
        }
        let mut with_end = counts;
        with_end[END] = 1;
        let fresh = Code::best(&with_end, 15);
        let mut bits = fresh.cost(&with_end) + if self.open > 0 { self.open } else { GUESSED_HEADER };
        bits += bits >> self.penalty;
        if stored_bits(content) <= bits {
            return self.stored(content, out);
        }
        if self.open > 0 && !(self.literals.covers(&counts) && self.literals.cost(&counts) <= bits) {
            self.end_open(out);
        }
        if self.open == 0 {
            let mut one_distance = [0; DISTANCES];
            one_distance[0] = 1;
            let header = Header::new(&fresh, &Code::canonical(one_distance), (END + 1, 1));
            self.literals = fresh;
            header.send(&mut self.sink, out);
            self.open = header.bits;
            self.literals_alone = true;
        }
        self.sink.literals(content, &self.literals, out);
        if flush {
            self.end_open(out);
            self.literals_alone = false;
        }
    }
}

/// How often a block needs each symbol, and how many symbols its header lists.
struct Need {
    literals: [u16; LITERALS],
    distances: [u16; DISTANCES],
    listed: (usize, usize),
}

impl Need {
    fn new(tokens: &Tokens, flush: bool, trims: bool) -> Self {
        let mut need = Self { literals: tokens.literals, distances: tokens.distances, listed: LISTED };
        if trims || flush {
            need.literals[END] = 1;
            let behind_last = |counts: &[u16]| counts.iter().rposition(|count| *count != 0).map_or(0, |last| last + 1);
            need.listed = (behind_last(&need.literals), behind_last(&need.distances));
            if need.listed.1 == 0 {
                // A code for distances must have one symbol.
                need.distances[0] = 1;
                need.listed.1 = 1;
            }
        }
        need
    }

    fn cost(&self, literals: &Code<LITERALS>, distances: &Code<DISTANCES>) -> u32 {
        literals.cost(&self.literals) + distances.cost(&self.distances)
    }

    fn extra_bits(&self) -> u32 {
        let lengths = self.literals[END + 1..LISTED.0].iter().enumerate();
        let distances = self.distances[..LISTED.1].iter().enumerate();
        lengths.map(|(code, count)| length_extra_bits(code) * u32::from(*count)).sum::<u32>()
            + distances.map(|(code, count)| distance_base(code).1 * u32::from(*count)).sum::<u32>()
    }
}

fn stored_bits(content: &[u8]) -> u32 {
    (content.len() as u32 + 5) * 8
}

/// Whether all bytes occur about as often: the squares of what they are off sum up to less than two for each byte.
fn is_even(counts: &[u16], len: usize) -> bool {
    let mean = len as f64 / 256.0;
    let off: f64 = counts.iter().map(|count| (f64::from(*count) - mean).powi(2)).sum();
    off < (len * 2) as f64
}

/// RFC 1951, 3.2.6.
fn fixed_literals() -> Code<LITERALS> {
    let mut lengths = [8; LITERALS];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    Code::canonical(lengths)
}
