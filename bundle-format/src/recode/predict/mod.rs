//! DEFLATE data of any maker as its content and corrections to what was expected of its maker
//! (`spec/compressors/predict.md`).
//!
//! The content is searched as zlib-like compressors do it, and what they would write is compared with what is there. It is the
//! way back to streams whose compressor is not known here: large where that searches otherwise, and always exact.

mod analyse;
mod chance;
mod coder;
mod codes;
mod frame;
mod matcher;
mod model;
mod preset;
mod recreate;
#[cfg(test)]
mod tests;
mod trees;

pub use analyse::{AnalyseError, Analysis, analyse};
pub use recreate::Recreate;

/// The format of corrections that is written, their first byte.
pub const VERSION: u8 = 1;
