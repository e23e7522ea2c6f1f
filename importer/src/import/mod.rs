//! Import: the walk that verifies, with a sink that keeps (spec/bundle.md section 7.2).

mod agree;
mod error;
mod registry;
mod site;

use bundle_format::Digest;
use bundle_format::archive::MemberName;
use bundle_format::statement::PackingList;

pub use error::ImportError;
pub use registry::{RegistryTarget, import_to_registry};
pub use site::import_to_site;

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The release's identity.
    pub release: Digest,
    /// `NAME:TAG` of the template version.
    pub label: String,
    /// Digest of the version index.
    pub version: Digest,
    /// Names of the images.
    pub images: Vec<String>,
    /// Blobs that were written.
    pub written: Amount,
    /// Blobs that were there already.
    pub present: Amount,
}

/// Blobs, and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// How many.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Amount {
    fn add(&mut self, bytes: u64) {
        self.blobs += 1;
        self.bytes += bytes;
    }
}

/// The blobs of a list: digest and bytes.
fn blobs(list: &PackingList) -> impl Iterator<Item = (Digest, u64)> {
    list.members().iter().filter_map(|m| match m.name {
        MemberName::Blob(digest) => Some((digest, m.size)),
        _ => None,
    })
}
