//! From a recipe to its compressor.

use std::io::Read;
use std::num::NonZeroUsize;

use super::golang::{Go, Level};
use super::klauspost::{self, Family, Klauspost};
use super::predict::Recreate;
use super::zlib::{self, Zlib};
use super::{Compressor, Maker, Recipe};

/// Families of klauspost's by their numbers, from 1.
pub const FAMILIES: [Family; 6] =
    [Family::V1_15_11, Family::V1_15_15, Family::V1_18_0, Family::V1_18_2, Family::V1_20_0, Family::Go1_27];

impl Recipe {
    /// The compressor of the recipe, which uses up to `threads` threads where its format lets it. Corrections are for
    /// [`Maker::Predicted`] alone. Nothing if level or variant are not known.
    #[must_use]
    pub fn compressor(self, threads: usize, corrections: Option<Box<dyn Read + Send>>) -> Option<Box<dyn Compressor>> {
        let level = || zlib::Level::new(u8::try_from(self.level).ok()?).ok();
        Some(match self.maker {
            Maker::Go => Box::new(Go::new(Level::try_from(self.level).ok()?)),
            Maker::Zlib => Box::new(Zlib::new(level()?, zlib::MemoryLevel::new(self.variant).ok()?)),
            Maker::Gzip => Box::new(zlib::Gzip::new(level()?)),
            Maker::Pigz => {
                let block = zlib::BlockSize::new(self.block as usize).ok()?;
                let processes = if self.variant & 2 == 0 { zlib::Processes::More } else { zlib::Processes::One };
                let workers = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
                Box::new(zlib::Pigz::with_workers(level()?, block, self.variant & 1 == 1, processes, workers))
            }
            Maker::Klauspost => Box::new(Klauspost::new(self.family()?, klauspost::Level::try_from(self.level).ok()?)),
            Maker::Predicted => Box::new(Recreate::new(corrections?)),
            Maker::Pgzip | Maker::Zstd => return None,
        })
    }

    /// The family of klauspost's that the variant means.
    fn family(self) -> Option<Family> {
        FAMILIES.get(usize::from(self.variant).checked_sub(1)?).copied()
    }
}
