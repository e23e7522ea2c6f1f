//! DEFLATE data (RFC 1951) taken apart: blocks, codes as they were sent, tokens, and the content that they make.
//!
//! The reader is strict about what a stream may say and takes all that is legal: a distance code of one code word (3.2.7), and
//! a length of 258 written with code 284. Its memory is the window of 32 KiB and what the caller asks for in one call.

mod bits;
mod decoder;
mod huffman;
#[cfg(test)]
pub(crate) mod tests;
mod write;

pub use decoder::{Decoder, Progress};
pub use write::BlockWriter;

/// The order in which lengths of the code length code are sent (RFC 1951 3.2.7).
pub const CODE_LENGTH_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// Symbols of the code of literals and lengths that streams may use.
pub const LITERALS: usize = 286;
/// Symbols of the distance code that streams may use.
pub const DISTANCES: usize = 30;
/// The symbol that ends a block.
pub const END_OF_BLOCK: usize = 256;

/// The first length of each length symbol, from 257 on.
pub(crate) const LENGTH_BASE: [u16; 29] =
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
pub(crate) const LENGTH_EXTRA: [u8; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
pub(crate) const DISTANCE_BASE: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
    8193, 12289, 16385, 24577,
];
pub(crate) const DISTANCE_EXTRA: [u8; 30] =
    [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];

/// A literal or a match, in four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token(u32);

/// In [`Token`]'s length: 258 written as symbol 284 with all five extra bits set, not as symbol 285.
const ODD_258: u16 = 259;

impl Token {
    /// One byte as it is.
    #[must_use]
    pub const fn literal(byte: u8) -> Self {
        Self(byte as u32)
    }

    /// A match: `length` 3 to 258, `distance` 1 to 32768; `odd` when a length of 258 is written as symbol 284. Numbers outside
    /// are brought inside.
    #[must_use]
    pub fn matched(length: u16, distance: u32, odd: bool) -> Self {
        let length = length.clamp(3, 258);
        let length = if odd && length == 258 { ODD_258 } else { length };
        Self(1 << 31 | u32::from(length) << 15 | (distance.clamp(1, 32768) - 1))
    }

    /// Whether it is a match.
    #[must_use]
    pub const fn is_match(self) -> bool {
        self.0 >> 31 == 1
    }

    /// The byte of a literal.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.0 as u8
    }

    /// How many bytes of content it makes: 1 for a literal, 3 to 258 for a match.
    #[must_use]
    pub fn length(self) -> u16 {
        if self.is_match() { ((self.0 >> 15) as u16 & 0x1ff).min(258) } else { 1 }
    }

    /// The distance of a match, 1 to 32768.
    #[must_use]
    pub const fn distance(self) -> u32 {
        (self.0 & 0x7fff) + 1
    }

    /// Whether it is a length of 258 written as symbol 284.
    #[must_use]
    pub const fn is_odd(self) -> bool {
        self.is_match() && (self.0 >> 15) as u16 & 0x1ff == ODD_258
    }

    /// Its symbol in the code of literals and lengths, below 286.
    #[must_use]
    pub fn symbol(self) -> usize {
        match (self.is_match(), self.is_odd()) {
            (false, _) => usize::from(self.byte()),
            (true, true) => 284,
            (true, false) => 257 + length_symbol(self.length()),
        }
    }
}

/// Which of the 29 length symbols says `length`.
pub(crate) fn length_symbol(length: u16) -> usize {
    let n = u32::from(length.clamp(3, 258)) - 3;
    match n {
        255 => 28,
        0..8 => n as usize,
        _ => {
            let top = 31 - n.leading_zeros();
            (4 * (top - 1) + ((n >> (top - 2)) & 3)) as usize
        }
    }
}

/// Which of the 30 distance symbols says `distance`.
pub(crate) fn distance_symbol(distance: u32) -> usize {
    let n = distance.clamp(1, 32768) - 1;
    if n < 4 {
        return n as usize;
    }
    let top = 31 - n.leading_zeros();
    (2 * top + ((n >> (top - 1)) & 1)) as usize
}

/// How a block is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes as they are.
    Stored,
    /// With the codes that the RFC fixes.
    Fixed,
    /// With codes that the block brings.
    Dynamic,
}

/// One step of the code lengths' run-length coding: a symbol of 0 to 18 and, for 16 to 18, the value of its extra bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// 0 to 15: a length; 16: the last one again; 17 and 18: zeros.
    pub symbol: u8,
    /// The extra bits of 16 (two), 17 (three), 18 (seven).
    pub extra: u8,
}

impl Step {
    /// How many extra bits the symbol has.
    #[must_use]
    pub const fn extra_bits(self) -> u8 {
        match self.symbol {
            16 => 2,
            17 => 3,
            18 => 7,
            _ => 0,
        }
    }

    /// How many lengths it gives.
    #[must_use]
    pub fn count(self) -> usize {
        usize::from(self.extra)
            + match self.symbol {
                16 | 17 => 3,
                18 => 11,
                _ => 1,
            }
    }
}

/// The codes of a dynamic block exactly as they were sent (RFC 1951 3.2.7).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Codes {
    /// How many lengths of the code length code are sent, 4 to 19 (HCLEN + 4).
    pub sent: u8,
    /// These lengths, by symbol: 0 to 7.
    pub code_lengths: [u8; 19],
    /// How many code lengths of literals and lengths are sent, 257 to 286 (HLIT + 257).
    pub literals: u16,
    /// How many code lengths of distances are sent, 1 to 30 (HDIST + 1).
    pub distances: u16,
    /// The run-length coding of both, which makes exactly `literals + distances` lengths.
    pub steps: Vec<Step>,
    /// What the steps say.
    pub lengths: Vec<u8>,
}

/// A block's beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// No block follows.
    pub last: bool,
    /// Stored, and its bits before the next byte and its length; or which codes.
    pub start: Start,
}

/// What a block's beginning says besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Bits up to the byte's end (which should be 0), and how many bytes follow.
    Stored {
        /// The padding's value, below 128.
        padding: u8,
        /// How many bytes of content.
        length: u16,
    },
    /// Fixed codes.
    Fixed,
    /// Own codes.
    Dynamic(Box<Codes>),
}

/// Why a stream is not DEFLATE data, or could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The reader failed.
    #[error("the compressed data cannot be read")]
    Read(#[from] std::io::Error),
    /// It ends within a block.
    #[error("the compressed data ends before its last block does, after {0} bytes")]
    CutOff(u64),
    /// It says what DEFLATE data cannot say.
    #[error("this is not DEFLATE data: {what}, at byte {at}")]
    Refused {
        /// Which rule it breaks.
        what: &'static str,
        /// About where.
        at: u64,
    },
}
