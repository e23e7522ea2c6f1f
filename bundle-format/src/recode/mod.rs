//! How a compressed stream is made again from its content, to the bit (spec/compressors/).
//!
//! The layers of images are compressed by a handful of programs, and their digests are of what those programs made. Each module
//! here behaves as one family of them does; which one made a stream is found by trying, and nothing is believed without having
//! been compared.

mod recipe;

pub use recipe::{Maker, Opening, Recipe, Wrapper};
pub mod golang;

/// A compressor whose output is reproduced: DEFLATE data (RFC 1951) without a wrapper, or zstd frames.
///
/// What it makes does not depend on how the content is cut into calls. Memory: that of the original, below 2 MiB unless the
/// maker says otherwise.
pub trait Compressor: Send {
    /// Takes more content; appends to `out` what is decided by now.
    fn write(&mut self, content: &[u8], out: &mut Vec<u8>);

    /// The content has ended: appends the rest. Nothing is written after it.
    fn finish(&mut self, out: &mut Vec<u8>);
}

impl Recipe {
    /// The compressor of the recipe, which uses up to `threads` threads where its format lets it. Corrections are for
    /// [`Maker::Predicted`] alone. Nothing if level or variant are not known.
    #[must_use]
    pub fn compressor(
        self,
        threads: usize,
        corrections: Option<Box<dyn std::io::Read + Send>>,
    ) -> Option<Box<dyn Compressor>> {
        let _ = (threads, corrections);
        None
    }
}
