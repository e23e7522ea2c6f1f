//! How a compressed stream is made again from its content, to the bit (spec/compressors/).
//!
//! The layers of images are compressed by a handful of programs, and their digests are of what those programs made. Each module
//! here behaves as one family of them does; which one made a stream is found by trying, and nothing is believed without having
//! been compared.

pub mod golang;
mod identify;
pub mod klauspost;
mod maker;
pub mod predict;
mod recipe;
pub mod tokens;
pub mod zlib;

pub use recipe::{Maker, Opening, Recipe, Wrapper};

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
