//! From a recipe to its compressor.

use std::io::Read;
use std::num::NonZeroUsize;

use super::golang::{Go, Level};
use super::klauspost::pgzip::{BlockSize, Pgzip};
use super::klauspost::{self, Family, Klauspost};
use super::predict::Recreate;
use super::zlib::{self, Zlib};
use super::zstandard::{self, Frame, WindowLog, Zstandard};
use super::{Compressor, Maker, Recipe};

/// Families of klauspost's by their numbers, from 1.
pub const FAMILIES: [Family; 6] =
    [Family::V1_15_11, Family::V1_15_15, Family::V1_18_0, Family::V1_18_2, Family::V1_20_0, Family::Go1_27];

impl Recipe {
    /// The compressor of the recipe, which uses up to `threads` threads where its format lets it. Corrections are for
    /// [`Maker::Predicted`] alone. Nothing if level or variant are not known.
    #[must_use]
    pub fn compressor(self, threads: usize, corrections: Option<Box<dyn Read + Send>>) -> Option<Box<dyn Compressor>> {
        let workers = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        let level = || zlib::Level::new(u8::try_from(self.level).ok()?).ok();
        Some(match self.maker {
            Maker::Go => Box::new(Go::new(Level::try_from(self.level).ok()?)),
            Maker::Zlib => Box::new(Zlib::new(level()?, zlib::MemoryLevel::new(self.variant).ok()?)),
            Maker::Gzip => Box::new(zlib::Gzip::new(level()?)),
            Maker::Pigz => {
                let block = zlib::BlockSize::new(self.block as usize).ok()?;
                let processes = if self.variant & 2 == 0 { zlib::Processes::More } else { zlib::Processes::One };
                Box::new(zlib::Pigz::with_workers(level()?, block, self.variant & 1 == 1, processes, workers))
            }
            Maker::Klauspost => Box::new(Klauspost::new(self.family()?, klauspost::Level::try_from(self.level).ok()?)),
            Maker::Predicted => Box::new(Recreate::new(corrections?)),
            Maker::Pgzip => {
                let block = BlockSize::try_from(u64::from(self.block)).ok()?;
                let level = klauspost::Level::try_from(self.level).ok()?;
                Box::new(Pgzip::new(self.family()?, level, block, workers))
            }
            Maker::Zstd => Box::new(Zstandard::new(&self.frame()?).ok()?),
        })
    }

    /// Bytes of memory that the compressor takes, with two threads.
    #[must_use]
    pub fn memory(self) -> u64 {
        match self.maker {
            Maker::Pgzip | Maker::Pigz => 3 * (2 * u64::from(self.block) + (2 << 20)),
            // Measured: level 19 with jobs; above, windows of 128 MiB and three jobs of them.
            Maker::Zstd => {
                if self.level > 19 {
                    2560 << 20
                } else if self.level > 12 || self.variant >> 3 > 0 {
                    640 << 20
                } else {
                    160 << 20
                }
            }
            _ => 12 << 20,
        }
    }

    /// What a frame of zstd was made with: 1 in the variant is the checksum, 2 the jobs, 4 the size, which `block` then is; the rest
    /// of it is the window of long matches.
    fn frame(self) -> Option<Frame> {
        let long = match self.variant >> 3 {
            0 => None,
            log => Some(WindowLog::new(log).ok()?),
        };
        Some(Frame {
            level: zstandard::Level::new(u8::try_from(self.level).ok()?).ok()?,
            checksum: self.variant & 1 == 1,
            jobs: self.variant & 2 == 2,
            size: (self.variant & 4 == 4).then_some(u64::from(self.block)),
            long,
        })
    }

    /// The family of klauspost's that the variant means.
    fn family(self) -> Option<Family> {
        FAMILIES.get(usize::from(self.variant).checked_sub(1)?).copied()
    }
}
