//! Blocks and tokens to bytes.

use super::huffman::{code_words, fixed};
use super::{
    Block, CODE_LENGTH_ORDER, Codes, DISTANCE_BASE, DISTANCE_EXTRA, END_OF_BLOCK, LENGTH_BASE, LENGTH_EXTRA, Start,
    Token, distance_symbol,
};

/// Writes blocks as they are told. What cannot be written (a symbol without a code word) is left out: the result is then no
/// stream, which the caller finds by comparing.
#[derive(Default)]
pub struct BlockWriter {
    held: u64,
    count: u32,
    literals: Vec<(u16, u8)>,
    distances: Vec<(u16, u8)>,
}

impl BlockWriter {
    #[inline]
    fn bits(&mut self, value: u32, n: u32, out: &mut Vec<u8>) {
        // At most 31 bits are held and at most 16 come.
        self.held |= u64::from(value) << self.count;
        self.count += n;
        if self.count >= 32 {
            out.extend_from_slice(&(self.held as u32).to_le_bytes());
            self.held >>= 32;
            self.count -= 32;
        }
    }

    /// Fills the byte with the low bits of `value`, and writes all that is held. At the end of the data, and by itself before
    /// the length of a stored block.
    pub fn padding(&mut self, value: u8, out: &mut Vec<u8>) {
        let n = self.count.wrapping_neg() % 8;
        self.bits(u32::from(value) & ((1 << n) - 1), n, out);
        while self.count >= 8 {
            out.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// A block's beginning.
    pub fn start(&mut self, block: &Block, out: &mut Vec<u8>) {
        self.bits(u32::from(block.last), 1, out);
        match &block.start {
            Start::Stored { padding, length } => {
                self.bits(0, 2, out);
                self.padding(*padding, out);
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(&(!length).to_le_bytes());
            }
            Start::Fixed => {
                self.bits(1, 2, out);
                let (literals, distances) = fixed();
                (self.literals, self.distances) = (code_words(&literals), code_words(&distances));
            }
            Start::Dynamic(codes) => {
                self.bits(2, 2, out);
                self.codes(codes, out);
            }
        }
    }

    fn codes(&mut self, codes: &Codes, out: &mut Vec<u8>) {
        self.bits(u32::from(codes.literals.saturating_sub(257) & 31), 5, out);
        self.bits(u32::from(codes.distances.saturating_sub(1) & 31), 5, out);
        self.bits(u32::from(codes.sent.saturating_sub(4) & 15), 4, out);
        for &symbol in CODE_LENGTH_ORDER.iter().take(usize::from(codes.sent)) {
            self.bits(u32::from(codes.code_lengths[symbol] & 7), 3, out);
        }
        let words = code_words(&codes.code_lengths);
        for step in &codes.steps {
            let (word, n) = words.get(usize::from(step.symbol)).copied().unwrap_or_default();
            self.bits(u32::from(word), u32::from(n), out);
            let n = u32::from(step.extra_bits());
            self.bits(u32::from(step.extra) & ((1 << n) - 1), n, out);
        }
        let (literals, distances) = codes.lengths.split_at(usize::from(codes.literals).min(codes.lengths.len()));
        (self.literals, self.distances) = (code_words(literals), code_words(distances));
    }

    fn symbol(&mut self, symbol: usize, out: &mut Vec<u8>) {
        let (word, n) = self.literals.get(symbol).copied().unwrap_or_default();
        self.bits(u32::from(word), u32::from(n), out);
    }

    /// A token of a block that is not stored.
    #[inline]
    pub fn token(&mut self, token: Token, out: &mut Vec<u8>) {
        let symbol = token.symbol();
        self.symbol(symbol, out);
        if token.is_match() {
            let index = symbol.saturating_sub(257).min(28);
            self.bits(u32::from(token.length() - LENGTH_BASE[index]), u32::from(LENGTH_EXTRA[index]), out);
            let far = distance_symbol(token.distance());
            let (word, n) = self.distances.get(far).copied().unwrap_or_default();
            self.bits(u32::from(word), u32::from(n), out);
            self.bits(token.distance() - u32::from(DISTANCE_BASE[far]), u32::from(DISTANCE_EXTRA[far]), out);
        }
    }

    /// The end of a block that is not stored.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        self.symbol(END_OF_BLOCK, out);
    }
}
