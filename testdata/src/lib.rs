//! What tests and the demonstration pack: small images made in code, the same bytes on every machine.

pub mod bundle;
pub mod corpus;
pub mod docker_archive;
pub mod image;
pub mod running;
pub mod shop;

pub use image::{Compression, Image, Layer};
