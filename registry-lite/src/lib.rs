//! Where a site keeps content, and how it serves it: the content store, the catalogue of what may be seen, an OCI
//! Distribution server over it, and a client for other registries (spec/site.md, spec/registry.md).

pub mod catalog;
pub mod client;
pub mod content;
pub mod digest;
pub mod documents;
pub mod extent;
pub mod manifest;
pub mod mirrors;
pub mod server;
pub mod store;

pub use extent::{BlobRead, Extent};
pub use store::{LockedStore, Store, StoreError};
