//! How hard each level searches: the same table in zlib and in GNU gzip.

use thiserror::Error;

/// A level that is none.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OutOfRange {
    /// Neither zlib nor gzip compresses at this level.
    #[error("level {0} of zlib or gzip: it is 1 (fast) to 9 (small)")]
    Level(u8),
    /// Only the two memory levels in use are reproduced.
    #[error("memory level {0} of zlib: 8 (the default) and 9 are reproduced")]
    MemoryLevel(u8),
    /// pigz takes no smaller ones, and larger ones would be held in memory.
    #[error("blocks of {0} bytes of pigz: they have 32768 to 67108864 bytes")]
    Block(usize),
}

/// How hard to search: 1 to 9. Level 0 is left out: its blocks depend on the buffers of the program that calls zlib.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// What zlib, gzip and pigz use when they are not told.
    pub const DEFAULT: Self = Self(6);

    /// # Errors
    ///
    /// [`OutOfRange::Level`] unless it is 1 to 9.
    pub fn new(level: u8) -> Result<Self, OutOfRange> {
        if (1..=9).contains(&level) { Ok(Self(level)) } else { Err(OutOfRange::Level(level)) }
    }

    /// The number, 1 to 9.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }

    /// Every level, the fast ones first.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=9).map(Self)
    }

    pub(super) fn search(self) -> Search {
        let [good, lazy, nice, chain] = SEARCH[usize::from(self.0.clamp(1, 9)) - 1];
        Search { fast: self.0 <= 3, good, lazy, nice, chain }
    }
}

/// How much memory zlib uses for a block's symbols and for its hash table: 8 or 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemoryLevel(u8);

impl MemoryLevel {
    /// `DEF_MEM_LEVEL`: 16383 symbols in a block, a hash of 15 bits.
    pub const DEFAULT: Self = Self(8);
    /// `MAX_MEM_LEVEL`: 32767 symbols in a block, a hash of 16 bits.
    pub const MAX: Self = Self(9);

    /// # Errors
    ///
    /// [`OutOfRange::MemoryLevel`] unless it is 8 or 9.
    pub fn new(level: u8) -> Result<Self, OutOfRange> {
        if level == 8 || level == 9 { Ok(Self(level)) } else { Err(OutOfRange::MemoryLevel(level)) }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }

    pub(super) fn hash_bits(self) -> u32 {
        u32::from(self.0) + 7
    }

    /// A block ends at so many symbols.
    pub(super) fn symbols(self) -> usize {
        (1 << (self.0 + 6)) - 1
    }
}

/// What a level means for the search of matches; lengths in bytes.
#[derive(Clone, Copy)]
pub struct Search {
    /// Takes the first match it finds, without a look at the next byte.
    pub fast: bool,
    /// From this length of the match before, a quarter of the chain is searched.
    pub good: usize,
    /// Below this length of the match before, a better one is searched. A fast level: up to this length, a match's inner
    /// strings get into the hash table.
    pub lazy: usize,
    /// From this length a match is good enough.
    pub nice: usize,
    /// So many candidates are looked at.
    pub chain: usize,
}

const SEARCH: [[usize; 4]; 9] = [
    [4, 4, 8, 4],
    [4, 5, 16, 8],
    [4, 6, 32, 32],
    [4, 4, 16, 16],
    [8, 16, 32, 32],
    [8, 16, 128, 128],
    [8, 32, 128, 256],
    [32, 128, 258, 1024],
    [32, 258, 258, 4096],
];
