//! Where a site keeps content, and how it serves it: the catalogue of what may be seen, and an OCI Distribution server
//! over it (spec/registry.md).

pub mod catalog;
pub mod extent;
pub mod server;

pub use extent::{BlobRead, Extent};
