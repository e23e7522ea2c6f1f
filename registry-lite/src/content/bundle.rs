//! Bundles, read where they lie: never unpacked, never written to.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::Arc;

use bundle_format::walk::Proved;
use bundle_format::{Descriptor, Digest};

use crate::catalog::{Catalog, NoMarks, Shelf};
use crate::digest::ContentDigest;
use crate::documents::Documents;
use crate::extent::{BlobRead, Extent};
use crate::server::View;
use crate::store::{Entry, Stamp};

/// One bundle that was proved.
pub struct BundleContent {
    file: Arc<File>,
    /// Offset and bytes of each blob.
    extents: BTreeMap<Digest, (u64, u64)>,
    entries: Vec<Descriptor>,
}

impl BundleContent {
    /// What `proved`, the walk over `file`, found.
    #[must_use]
    pub fn new(file: File, proved: &Proved) -> Self {
        Self { file: Arc::new(file), extents: proved.extents.clone(), entries: proved.version.entries() }
    }
}

/// What the bundles hold together. A name that stands for different content in two of them is the first one's.
#[must_use]
pub fn of_bundles(bundles: Vec<BundleContent>) -> View {
    let mut entries: Vec<Entry> = Vec::new();
    for entry in bundles.iter().flat_map(|bundle| &bundle.entries).cloned().map(Entry::from) {
        // The same image travels in many versions.
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    let documents = Arc::new(Documents::new(Arc::new(Bundles(bundles))));
    View { catalog: Arc::new(Catalog::of(&entries, None)), shelf: Shelf { documents, marks: Arc::new(NoMarks) } }
}

struct Bundles(Vec<BundleContent>);

impl Bundles {
    fn find(&self, digest: &ContentDigest) -> Option<(&Arc<File>, u64, u64)> {
        let digest = digest.sha256()?;
        self.0.iter().find_map(|bundle| bundle.extents.get(&digest).map(|(offset, len)| (&bundle.file, *offset, *len)))
    }
}

impl BlobRead for Bundles {
    fn locate(&self, digest: &ContentDigest) -> io::Result<Option<Extent>> {
        match self.find(digest) {
            Some((file, offset, len)) => Extent::new(Arc::clone(file), offset, len).map(Some),
            None => Ok(None),
        }
    }

    fn stamp(&self, digest: &ContentDigest) -> io::Result<Option<Stamp>> {
        self.find(digest).map(|(file, _, _)| file.metadata().map(|m| Stamp::from(&m))).transpose()
    }
}
