//! What a Sealift bundle is: content, archive, envelopes, trust. No network, no cluster, no terminal: everything here works
//! on bytes and readers. The normative text is `spec/bundle.md`; section numbers in this crate refer to it.

pub mod archive;
pub mod code;
pub mod delta;
pub mod digest;
pub mod hashing;
pub mod json;
pub mod limits;
pub mod media;
pub mod oci;
pub mod recode;
pub mod reference;
pub mod source;
pub mod statement;
pub mod template;
pub mod trust;
pub mod version_index;
pub mod walk;

pub use code::{Code, Coded, Exit};
pub use digest::{Digest, Hasher};
pub use oci::{Descriptor, Document, Platform, Raw};
pub use reference::ImageRef;
pub use source::{BlobSource, SourceError, VerifiedReader};
