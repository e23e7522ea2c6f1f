//! Which compressor made a stream: found by trying.

use super::{Maker, Recipe};

/// Content that is given to a compressor between two comparisons.
const STEP: usize = 1 << 16;

impl Recipe {
    /// Every recipe that is tried on DEFLATE data, the likely ones first. `header` is the gzip header, if there is one: it tells
    /// of level and system (RFC 1952 section 2.3.1).
    #[must_use]
    pub fn candidates(header: Option<&[u8]>) -> Vec<Self> {
        let recipe = |maker, variant, level, block| Self { maker, variant, level, block };
        let mut all = Vec::new();
        for level in [6, 1, 9, 5, 2, 3, 4, 7, 8, -2] {
            all.push(recipe(Maker::Go, 0, level, 0));
        }
        // The current families first; what they make differs little, so that the first one usually is it.
        for family in [4, 6, 2, 3, 5, 1] {
            for level in [-1, 1, 6, 9, 5, 2, 3, 4, 7, 8, -2] {
                all.push(recipe(Maker::Klauspost, family, level, 0));
            }
        }
        for memory in [8, 9] {
            all.extend([6, 9, 1, 5, 2, 3, 4, 7, 8].map(|level| recipe(Maker::Zlib, memory, level, 0)));
        }
        if let Some(header) = header {
            all.extend([6, 9, 1, 5, 2, 3, 4, 7, 8].map(|level| recipe(Maker::Gzip, 0, level, 0)));
            all.extend([6, 9, 1, 5, 2, 3, 4, 7, 8].map(|level| recipe(Maker::Pigz, 0, level, 1 << 17)));
            let (extra, system) = (header.get(8).copied().unwrap_or(0), header.get(9).copied().unwrap_or(255));
            // Stable: among equals the order from above.
            all.sort_by_key(|r| {
                let level = match extra {
                    2 => r.level != 9,
                    4 => r.level != 1,
                    _ => r.level == 9 || r.level == 1,
                };
                let unix = matches!(r.maker, Maker::Gzip | Maker::Pigz | Maker::Zlib);
                u8::from(level) + 2 * u8::from((system == 3) != unix)
            });
        }
        all
    }

    /// How many bytes of `compressed` the recipe makes from `content`, both beginnings of a stream, or all of it if `whole`. Nothing if it
    /// makes others.
    #[must_use]
    pub fn agrees(self, content: &[u8], compressed: &[u8], whole: bool) -> Option<usize> {
        let mut compressor = self.compressor(1, None)?;
        let (mut out, mut compared) = (Vec::new(), 0);
        for piece in content.chunks(STEP) {
            compressor.write(piece, &mut out);
            compared += compare(&out, &compressed[compared.min(compressed.len())..])?;
            out.clear();
            if compared >= compressed.len() && !whole {
                return Some(compared);
            }
        }
        if whole {
            compressor.finish(&mut out);
            let rest = compressed.get(compared..)?;
            return (out == rest).then_some(compressed.len());
        }
        Some(compared)
    }

    /// What people call it.
    #[must_use]
    pub fn describe(self) -> String {
        let level = self.level;
        match self.maker {
            Maker::Go => format!("Go up to 1.26, level {level}"),
            Maker::Klauspost => format!("klauspost/compress, family {}, level {level}", self.variant),
            Maker::Pgzip => format!("pgzip, family {}, level {level}, blocks of {}", self.variant, self.block),
            Maker::Zlib => format!("zlib, level {level}"),
            Maker::Gzip => format!("GNU gzip, level {level}"),
            Maker::Pigz => format!("pigz, level {level}"),
            Maker::Zstd => format!("libzstd, level {level}"),
            Maker::Predicted => "an unknown compressor, corrected".to_owned(),
        }
    }
}

/// Bytes of `made`, if the stream goes on with them as far as it is known.
fn compare(made: &[u8], stream: &[u8]) -> Option<usize> {
    let n = made.len().min(stream.len());
    (made[..n] == stream[..n]).then_some(made.len())
}
