//! Go's levels, and what each means for the search.

use thiserror::Error;

/// A level that Go's `flate.NewWriter` takes: -2 to 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(i8);

/// There is no such level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("level {0} is none of Go's; give -2 (Huffman only), -1 (default, which is 6), 0 (stored) or 1 to 9")]
pub struct LevelError(pub i8);

impl Level {
    /// Codes without matches: `flate.HuffmanOnly`.
    pub const HUFFMAN_ONLY: Self = Self(-2);
    /// What most builders of images use: `flate.DefaultCompression`, level 6.
    pub const DEFAULT: Self = Self(6);
    /// No compression: `flate.NoCompression`.
    pub const STORED: Self = Self(0);
    /// `flate.BestSpeed`, which is a search of its own.
    pub const BEST_SPEED: Self = Self(1);

    /// The number; never -1, which becomes 6.
    #[must_use]
    pub fn number(self) -> i8 {
        self.0
    }

    /// The search of levels 2 to 9.
    pub(super) fn search(self) -> Option<Search> {
        let row = |lazy, nice, tries, insert_up_to| Some(Search { lazy, nice, tries, insert_up_to });
        match self.0 {
            2 => row(None, 16, 8, 5),
            3 => row(None, 32, 32, 6),
            4 => row(Some(4), 16, 16, usize::MAX),
            5 => row(Some(16), 32, 32, usize::MAX),
            6 => row(Some(16), 128, 128, usize::MAX),
            7 => row(Some(32), 128, 256, usize::MAX),
            8 => row(Some(128), 258, 1024, usize::MAX),
            9 => row(Some(258), 258, 4096, usize::MAX),
            _ => None,
        }
    }
}

impl TryFrom<i8> for Level {
    type Error = LevelError;

    fn try_from(level: i8) -> Result<Self, LevelError> {
        match level {
            -1 => Ok(Self::DEFAULT),
            -2..=9 => Ok(Self(level)),
            _ => Err(LevelError(level)),
        }
    }
}

/// How long a search goes on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search {
    /// A match below this length waits for a better one at the next byte. None: the first match is taken.
    pub(super) lazy: Option<usize>,
    /// A match of this length ends the search.
    pub(super) nice: usize,
    /// How many earlier places are looked at.
    pub(super) tries: usize,
    /// Inside longer matches nothing is remembered.
    pub(super) insert_up_to: usize,
}
