//! What is said besides tokens and codes: blocks, their kinds and lengths, padding.

use super::chance::{Chance, Number, Tree};
use super::coder::Coder;
use crate::recode::tokens::Kind;

/// Tokens that are held before they are written: those of which a block's codes are expected.
pub(super) const MOST_TOKENS: usize = 1 << 18;

/// The model of what blocks are.
pub(super) struct Frame {
    last: Chance,
    kinds: Tree,
    before: usize,
    padded: [Chance; 2],
    same_length: Chance,
    stored: u32,
    stored_lengths: Number,
    same_run: Chance,
    run: u32,
    runs: Number,
    ends: Chance,
}

impl Frame {
    pub(super) fn new() -> Self {
        Self {
            last: Chance::new(),
            kinds: Tree::new(4, 2),
            before: 3,
            padded: [Chance::new(); 2],
            same_length: Chance::new(),
            stored: 65535,
            stored_lengths: Number::new(),
            same_run: Chance::new(),
            run: 16383,
            runs: Number::new(),
            ends: Chance::new(),
        }
    }

    /// A block's beginning. `empty`: the one before had no content, so that this one costs a byte at least. Nothing where
    /// what comes back is no block.
    pub(super) fn block<C: Coder>(&mut self, c: &mut C, empty: bool, last: bool, kind: Kind) -> Option<(bool, Kind)> {
        if empty && c.direct(0, 8) != 0 {
            return None;
        }
        let last = self.last.code(c, last);
        let number = match kind {
            Kind::Stored => 0,
            Kind::Fixed => 1,
            Kind::Dynamic => 2,
        };
        let number = self.kinds.code(c, self.before, number);
        self.before = number as usize;
        let kind = match number {
            0 => Kind::Stored,
            1 => Kind::Fixed,
            2 => Kind::Dynamic,
            _ => return None,
        };
        Some((last, kind))
    }

    /// Padding before a stored block (0) or at the end (1).
    pub(super) fn padding<C: Coder>(&mut self, c: &mut C, which: usize, value: u8) -> u8 {
        if self.padded[which].code(c, value != 0) { c.direct(u32::from(value), 7) as u8 } else { 0 }
    }

    /// How many bytes a stored block has.
    pub(super) fn stored<C: Coder>(&mut self, c: &mut C, length: u16) -> u16 {
        if !self.same_length.code(c, u32::from(length) == self.stored) {
            self.stored = self.stored_lengths.code(c, u32::from(length)) & 0xffff;
        }
        self.stored as u16
    }

    /// How many tokens follow in one piece, and whether the block ends after them. Nothing where that is too many.
    pub(super) fn run<C: Coder>(&mut self, c: &mut C, count: usize, ends: bool) -> Option<(usize, bool)> {
        if !self.same_run.code(c, count as u32 == self.run) {
            self.run = self.runs.code(c, count as u32);
        }
        let ends = self.ends.code(c, ends);
        Some(self.run as usize).filter(|n| *n <= MOST_TOKENS && (*n > 0 || ends)).map(|n| (n, ends))
    }
}
