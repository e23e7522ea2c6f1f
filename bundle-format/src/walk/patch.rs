//! The head of a patch, compared with what the packing list says of it (spec/bundle.md section 5.4).

use std::collections::BTreeMap;
use std::io::ErrorKind;

use crate::delta::{DeltaError, EXPANSIONS, Header, SOURCES};
use crate::digest::Digest;
use crate::statement::{PackingList, PatchUse, Rebuilt};

/// Most bytes of a patch that may be its head: 72, 49 for each source, 25 for each expansion (spec/delta.md section 3).
const HEAD: usize = 72 + 49 * SOURCES + 25 * EXPANSIONS;

/// Why a patch is refused.
#[derive(Debug, thiserror::Error)]
pub enum PatchFault {
    /// Its head is malformed.
    #[error(transparent)]
    Malformed(#[from] DeltaError),
    /// The packing list says something else of it.
    #[error("it is not the patch of the packing list: the {0} differ")]
    Differs(&'static str),
}

/// What the list says of each patch.
pub(super) struct Patches<'a>(BTreeMap<Digest, (&'a Rebuilt, &'a PatchUse)>);

impl<'a> Patches<'a> {
    pub fn of(list: &'a PackingList) -> Self {
        let rebuilt = list.rebuild().into_iter().flat_map(|rebuild| &rebuild.rebuilt);
        Self(rebuilt.flat_map(|blob| blob.patches.iter().map(move |way| (way.patch, (blob, way)))).collect())
    }

    /// Checks a patch whose bytes were proved, and of which `head` are the first.
    pub fn check(&self, patch: Digest, mut head: &[u8]) -> Result<(), PatchFault> {
        let header = Header::read(&mut head).map_err(|e| match e {
            DeltaError::Io(e) if e.kind() == ErrorKind::UnexpectedEof => DeltaError::Malformed("its head ends early"),
            other => other,
        })?;
        // `Rebuild::check` has found every patch to be used.
        let Some((blob, way)) = self.0.get(&patch) else { return Err(PatchFault::Differs("uses")) };
        if (header.digest, header.size) != (blob.digest, blob.size) {
            return Err(PatchFault::Differs("blobs that it makes"));
        }
        let sources = header.sources.iter().map(|s| (s.digest, s.size));
        if !sources.eq(way.sources.iter().map(|s| (s.digest, s.size))) {
            return Err(PatchFault::Differs("sources"));
        }
        match (header.space(), header.memory) == (way.space, way.memory) {
            true => Ok(()),
            false => Err(PatchFault::Differs("needs of memory and space")),
        }
    }
}

/// Keeps what may be the head of a patch.
pub(super) fn keep_head(kept: &mut Vec<u8>, bytes: &[u8]) {
    kept.extend_from_slice(&bytes[..bytes.len().min(HEAD.saturating_sub(kept.len()))]);
}
