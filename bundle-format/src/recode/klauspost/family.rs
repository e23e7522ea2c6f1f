//! Which versions behave alike, what levels there are, and what the versions differ in.

use thiserror::Error;

/// Versions of github.com/klauspost/compress/flate, and of what Go made of it, whose output is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// 1.15.11 to 1.15.13.
    V1_15_11,
    /// 1.15.15 to 1.17.11.
    V1_15_15,
    /// 1.18.0.
    V1_18_0,
    /// 1.18.2 to 1.19.
    V1_18_2,
    /// 1.20: other than 1.18.2 only in what levels 7 to 9 make behind a dictionary.
    V1_20_0,
    /// compress/flate of Go 1.27.
    Go1_27,
}

/// There is no such level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("level {0} is none of flate's; give -2 (Huffman only), -1 (default), 0 (stored) or 1 to 9")]
pub struct LevelError(pub i8);

/// A level: 1 to 9; 0 stores; -1 is the family's default; -2 looks for no matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(i8);

impl Level {
    /// Codes without matches.
    pub const HUFFMAN_ONLY: Self = Self(-2);
    /// What a program uses that asks for nothing: 5, with Go 1.27 it is 6.
    pub const DEFAULT: Self = Self(-1);
    /// No compression.
    pub const STORED: Self = Self(0);
    /// What go-containerregistry uses.
    pub const BEST_SPEED: Self = Self(1);

    /// The number.
    #[must_use]
    pub fn number(self) -> i8 {
        self.0
    }
}

impl TryFrom<i8> for Level {
    type Error = LevelError;

    fn try_from(level: i8) -> Result<Self, LevelError> {
        if (-2..=9).contains(&level) { Ok(Self(level)) } else { Err(LevelError(level)) }
    }
}

/// The way that a level goes.
#[derive(Clone, Copy)]
pub(super) enum Way {
    Store,
    Huffman,
    Fast(u8),
    Lazy(u8),
}

impl Family {
    /// All families, the oldest first.
    pub const ALL: [Self; 6] =
        [Self::V1_15_11, Self::V1_15_15, Self::V1_18_0, Self::V1_18_2, Self::V1_20_0, Self::Go1_27];

    pub(super) fn way(self, level: Level) -> Way {
        match level.0 {
            -2 => Way::Huffman,
            0 => Way::Store,
            -1 if self == Self::Go1_27 => Way::Fast(6),
            -1 => Way::Fast(5),
            level @ 1..=6 => Way::Fast(level.unsigned_abs()),
            level => Way::Lazy(level.unsigned_abs()),
        }
    }

    /// Headers list only the symbols up to the last that is used, also where the code may be used again.
    pub(super) fn trims(self) -> bool {
        self >= Self::V1_18_2
    }

    /// Level 4 measures one match at the wrong place.
    pub(super) fn misjudges(self) -> bool {
        self >= Self::V1_18_0
    }

    /// Levels 7 to 9 look for a better match two bytes further.
    pub(super) fn skips_start(self) -> bool {
        self >= Self::V1_15_15
    }

    /// Level 9: what a match costs besides its extra bits, and what must be won at least, in bits.
    pub(super) fn match_cost(self) -> (i32, i32) {
        if self >= Self::V1_15_15 { (3, 4) } else { (6, 0) }
    }

    /// Level 9: of how many bytes the code is made that estimates what literals cost.
    pub(super) fn estimates_from(self) -> usize {
        if self >= Self::V1_18_2 { 1 << 15 } else { usize::MAX }
    }

    /// Level 9: what a literal costs at least, in bits.
    pub(super) fn cheapest_literal(self) -> u32 {
        u32::from(self == Self::Go1_27)
    }

    /// Levels 7 to 9: the first block begins behind the dictionary, not with it.
    pub(super) fn begins_behind_dictionary(self) -> bool {
        self >= Self::V1_20_0
    }
}
