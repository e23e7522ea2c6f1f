//! Import: the walk that verifies, with a sink that keeps (spec/bundle.md section 7.2).

mod agree;
mod base;
mod error;
mod keep;
mod place;
mod rebuild;
mod registry;
mod registry_place;
mod site;
mod site_place;
mod status;

use bundle_format::Digest;
use bundle_format::archive::MemberName;
use bundle_format::statement::PackingList;
use std::collections::BTreeMap;

pub use base::Lacking;
pub use error::ImportError;
pub use registry::{RegistryTarget, import_to_registry};
pub use site::import_to_site;
pub use status::{VerifiedStatus, import_statuses};

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
    /// Blobs that were made from others.
    pub rebuilt: Amount,
    /// Blobs that were there already.
    pub present: Amount,
}

/// Bytes of memory that rebuilding may use, unless the caller says otherwise.
pub const MEMORY: u64 = 512 << 20;

/// Bytes that an import of this list goes through, for showing how far it is: those of the archive, of what is looked for in the
/// place, and of what is made there.
#[must_use]
pub fn work(list: &PackingList, archive: u64) -> u64 {
    let Some(rebuild) = list.rebuild() else { return archive };
    let first = rebuild.rebuilt.iter().filter_map(|blob| blob.patches.first());
    let sources = first.flat_map(|way| &way.sources).filter(|s| !s.bases.is_empty()).map(|s| (s.digest, s.size));
    let read: BTreeMap<Digest, u64> = rebuild.blobs().chain(sources).collect();
    read.into_values().fold(archive, u64::saturating_add)
}

/// How many blobs are worked on at once.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
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
