//! What a Sealift bundle is: content, archive, envelopes, trust. No network, no cluster, no terminal: everything here works
//! on bytes and readers. The normative text is `spec/bundle.md`; section numbers in this crate refer to it.

pub mod digest;
pub mod json;
pub mod limits;
pub mod media;
pub mod oci;
pub mod reference;
pub mod source;
pub mod template;

pub use digest::{Digest, Hasher};
pub use oci::{Descriptor, Document, Platform, Raw};
pub use reference::ImageRef;
pub use source::{BlobSource, SourceError, VerifiedReader};
