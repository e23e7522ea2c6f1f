//! The reader of blocks and tokens.

use super::bits::Bits;
use super::huffman::{Shape, Table, fixed};
use super::{
    Block, CODE_LENGTH_ORDER, Codes, DISTANCE_BASE, DISTANCE_EXTRA, DISTANCES, END_OF_BLOCK, LENGTH_BASE, LENGTH_EXTRA,
    LITERALS, Start, Step, Token, TokensError,
};
use std::io::Read;

const WINDOW: usize = 1 << 15;
/// Content that is kept before what is old is dropped.
const KEPT: usize = 1 << 18;

/// Where a call of [`Decoder::tokens`] stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// At one of the limits that were given.
    Within,
    /// The block has ended.
    Ended,
}

enum State {
    Between,
    Stored(u16),
    Coded(Box<(Table, Table)>),
    /// After the last block.
    Done,
}

/// Takes DEFLATE data apart. Reads ahead of what it decodes: what follows the data is found by [`Decoder::consumed`].
pub struct Decoder<R> {
    bits: Bits<R>,
    state: State,
    last: bool,
    /// The window, and content that was not taken yet from `fresh` on.
    content: Vec<u8>,
    fresh: usize,
}

impl<R: Read> Decoder<R> {
    /// A reader of the data that `from` begins with.
    pub fn new(from: R) -> Self {
        Self { bits: Bits::new(from), state: State::Between, last: false, content: Vec::new(), fresh: 0 }
    }

    /// Compressed bytes up to here, the byte that is being read counted whole.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.bits.consumed()
    }

    /// The content that was decoded since this was asked last.
    pub fn content(&mut self) -> &[u8] {
        let from = self.fresh;
        self.fresh = self.content.len();
        &self.content[from..]
    }

    /// The next block's beginning, or nothing after the last block. What is left of the block before is not asked for again:
    /// it must have [`Progress::Ended`], else this is nothing too.
    ///
    /// # Errors
    /// When the data is no DEFLATE data, is cut off, or cannot be read.
    pub fn block(&mut self) -> Result<Option<Block>, TokensError> {
        if !matches!(self.state, State::Between) {
            return Ok(None);
        }
        let head = self.bits.bits(3)?;
        self.last = head & 1 == 1;
        let start = match head >> 1 {
            0 => self.stored()?,
            1 => {
                let (literals, distances) = fixed();
                self.state = State::Coded(Box::new((Table::new(&literals).0, Table::new(&distances).0)));
                Start::Fixed
            }
            2 => self.dynamic()?,
            _ => return Err(self.bits.refused("a block of the reserved type 3")),
        };
        Ok(Some(Block { last: self.last, start }))
    }

    /// After the last block: the value of the bits up to the byte's end.
    ///
    /// # Errors
    /// When the reader fails.
    pub fn padding(&mut self) -> Result<u8, TokensError> {
        self.bits.padding()
    }

    fn stored(&mut self) -> Result<Start, TokensError> {
        let padding = self.bits.padding()?;
        let length = self.bits.bits(16)?;
        if self.bits.bits(16)? != length ^ 0xffff {
            return Err(self.bits.refused("a stored block whose length does not agree with its complement"));
        }
        self.state = State::Stored(length as u16);
        Ok(Start::Stored { padding, length: length as u16 })
    }

    fn dynamic(&mut self) -> Result<Start, TokensError> {
        let literals = self.bits.bits(5)? as u16 + 257;
        let distances = self.bits.bits(5)? as u16 + 1;
        let sent = self.bits.bits(4)? as u8 + 4;
        if usize::from(literals) > LITERALS || usize::from(distances) > DISTANCES {
            return Err(self.bits.refused("codes for more symbols than there are"));
        }
        let mut codes = Codes { sent, literals, distances, ..Codes::default() };
        for &symbol in &CODE_LENGTH_ORDER[..usize::from(sent)] {
            codes.code_lengths[symbol] = self.bits.bits(3)? as u8;
        }
        let (table, shape) = Table::new(&codes.code_lengths);
        if shape != Shape::Complete {
            return Err(self.bits.refused("a code of code lengths that is not complete"));
        }
        let all = usize::from(literals + distances);
        while codes.lengths.len() < all {
            self.step(&table, &mut codes, all)?;
        }
        let (of_literals, of_distances) = codes.lengths.split_at(usize::from(literals));
        if of_literals[END_OF_BLOCK] == 0 {
            return Err(self.bits.refused("a block that cannot end"));
        }
        let (literals, shape) = Table::new(of_literals);
        if !matches!(shape, Shape::Complete | Shape::Single) {
            return Err(self.bits.refused("a code of literals that is not complete"));
        }
        let (distances, shape) = Table::new(of_distances);
        if shape == Shape::Wrong {
            return Err(self.bits.refused("a code of distances that is not complete"));
        }
        self.state = State::Coded(Box::new((literals, distances)));
        Ok(Start::Dynamic(Box::new(codes)))
    }

    fn step(&mut self, table: &Table, codes: &mut Codes, all: usize) -> Result<(), TokensError> {
        self.bits.ready()?;
        let Some((symbol, n)) = table.find(self.bits.peek()) else {
            return Err(self.bits.refused("bits that are no code word"));
        };
        self.bits.skip(n)?;
        let mut step = Step { symbol: symbol as u8, extra: 0 };
        step.extra = self.bits.ready_bits(u32::from(step.extra_bits()))? as u8;
        let value = match (step.symbol, codes.lengths.last()) {
            (16, None) => return Err(self.bits.refused("a repetition of a code length before the first")),
            (16, Some(&last)) => last,
            (17 | 18, _) => 0,
            (length, _) => length,
        };
        if codes.lengths.len() + step.count() > all {
            return Err(self.bits.refused("more code lengths than were announced"));
        }
        codes.lengths.resize(codes.lengths.len() + step.count(), value);
        codes.steps.push(step);
        Ok(())
    }

    /// Decodes tokens of the block into `out`, at most `most` of them and until at least `content` bytes of content were made.
    /// The content of a stored block makes no tokens; of it come at most `content` bytes.
    ///
    /// # Errors
    /// When the data is no DEFLATE data, is cut off, or cannot be read.
    pub fn tokens(&mut self, out: &mut Vec<Token>, most: usize, content: usize) -> Result<Progress, TokensError> {
        if self.content.len() > KEPT && self.fresh > KEPT / 2 {
            let drop = self.fresh.min(self.content.len().saturating_sub(WINDOW));
            self.content.drain(..drop);
            self.fresh -= drop;
        }
        let progress = match std::mem::replace(&mut self.state, State::Between) {
            State::Between => Progress::Ended,
            State::Done => {
                self.state = State::Done;
                Progress::Ended
            }
            State::Stored(left) => {
                let now = usize::from(left).min(content);
                for _ in 0..now {
                    let byte = self.bits.bits(8)? as u8;
                    self.content.push(byte);
                }
                let left = left - now as u16;
                if left == 0 {
                    Progress::Ended
                } else {
                    self.state = State::Stored(left);
                    Progress::Within
                }
            }
            State::Coded(tables) => {
                let progress = self.coded(&tables.0, &tables.1, out, most, content)?;
                if progress == Progress::Within {
                    self.state = State::Coded(tables);
                }
                progress
            }
        };
        if progress == Progress::Ended && self.last {
            self.state = State::Done;
        }
        Ok(progress)
    }

    fn coded(
        &mut self,
        literals: &Table,
        distances: &Table,
        out: &mut Vec<Token>,
        most: usize,
        content: usize,
    ) -> Result<Progress, TokensError> {
        let end = self.content.len() + content;
        for _ in 0..most {
            if self.content.len() >= end {
                return Ok(Progress::Within);
            }
            self.bits.ready()?;
            let Some((symbol, n)) = literals.find(self.bits.peek()) else {
                return Err(self.bits.refused("bits that are no code word"));
            };
            self.bits.skip(n)?;
            match usize::from(symbol) {
                END_OF_BLOCK => return Ok(Progress::Ended),
                0..END_OF_BLOCK => {
                    self.content.push(symbol as u8);
                    out.push(Token::literal(symbol as u8));
                }
                symbol => {
                    let token = self.matched(symbol - 257, distances)?;
                    out.push(token);
                }
            }
        }
        Ok(Progress::Within)
    }

    #[inline]
    fn matched(&mut self, symbol: usize, distances: &Table) -> Result<Token, TokensError> {
        let (Some(&base), Some(&extra)) = (LENGTH_BASE.get(symbol), LENGTH_EXTRA.get(symbol)) else {
            return Err(self.bits.refused("a length symbol that is reserved"));
        };
        let length = base + self.bits.ready_bits(u32::from(extra))? as u16;
        let Some((far, n)) = distances.find(self.bits.peek()) else {
            return Err(self.bits.refused("bits that are no code word of a distance"));
        };
        self.bits.skip(n)?;
        let far = usize::from(far);
        let (Some(&from), Some(&extra)) = (DISTANCE_BASE.get(far), DISTANCE_EXTRA.get(far)) else {
            return Err(self.bits.refused("a distance symbol that is reserved"));
        };
        let distance = u32::from(from) + self.bits.ready_bits(u32::from(extra))?;
        let Some(start) = self.content.len().checked_sub(distance as usize) else {
            return Err(self.bits.refused("a distance to before the beginning"));
        };
        for at in start..start + usize::from(length) {
            let byte = self.content[at];
            self.content.push(byte);
        }
        Ok(Token::matched(length, distance, symbol == 27 && length == 258))
    }
}
