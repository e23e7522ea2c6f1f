//! What tests and the demonstration pack: small images made in code, the same bytes on every machine.

pub mod image;

pub use image::{Compression, Image, Layer};
