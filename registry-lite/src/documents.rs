//! Manifests and indexes as they are served and walked: read once, proved by their digest, kept in memory while they fit.

use std::io::{self, Read as _};
use std::sync::Arc;

use bundle_format::limits;
use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::digest::ContentDigest;
use crate::extent::BlobRead;
use crate::manifest::{Manifest, ManifestError};
use crate::store::Stamp;

/// Bytes of documents that are kept.
const KEPT_BYTES: u64 = 16 << 20;
/// What a document costs beside its bytes, about.
const OVERHEAD_BYTES: u64 = 1 << 10;
/// Documents that are expected, which sizes the cache's table and nothing else.
const EXPECTED: usize = 4096;

/// A manifest or an index that was proved.
#[derive(Debug)]
pub struct Held {
    /// The bytes, as they are stored.
    pub bytes: Bytes,
    /// What they say.
    pub manifest: Manifest,
    stamp: Stamp,
}

/// Why a document cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is not held.
    #[error("{digest} is not held")]
    Missing {
        /// The document.
        digest: ContentDigest,
    },
    /// It is too long for a manifest.
    #[error("{digest} has {size} bytes, more than the {} of a manifest", limits::MANIFEST_BYTES)]
    TooLong {
        /// The document.
        digest: ContentDigest,
        /// Its bytes.
        size: u64,
    },
    /// What is held is something else, as after a lost write.
    #[error("{digest} was expected, what is held is {found}")]
    Digest {
        /// The document.
        digest: ContentDigest,
        /// What its bytes are.
        found: ContentDigest,
    },
    /// It is no manifest.
    #[error("{digest}: {source}")]
    Manifest {
        /// The document.
        digest: ContentDigest,
        /// What is wrong.
        source: ManifestError,
    },
    /// It cannot be read.
    #[error("reading {digest}: {source}")]
    Io {
        /// The document.
        digest: ContentDigest,
        /// The cause.
        source: io::Error,
    },
}

impl DocumentError {
    /// What cannot be had.
    #[must_use]
    pub fn digest(&self) -> &ContentDigest {
        match self {
            Self::Missing { digest }
            | Self::TooLong { digest, .. }
            | Self::Digest { digest, .. }
            | Self::Manifest { digest, .. }
            | Self::Io { digest, .. } => digest,
        }
    }
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<ContentDigest, Arc<Held>> for Weight {
    fn weight(&self, _: &ContentDigest, held: &Arc<Held>) -> u64 {
        held.bytes.len() as u64 + OVERHEAD_BYTES
    }
}

/// The documents among some blobs. Memory: 16 MiB of documents and about as much again of what they say.
pub struct Documents {
    blobs: Arc<dyn BlobRead>,
    kept: Cache<ContentDigest, Arc<Held>, Weight>,
}

impl Documents {
    /// Those among `blobs`.
    #[must_use]
    pub fn new(blobs: Arc<dyn BlobRead>) -> Self {
        Self { blobs, kept: Cache::with_weighter(EXPECTED, KEPT_BYTES, Weight) }
    }

    /// Where all content is.
    #[must_use]
    pub fn blobs(&self) -> &dyn BlobRead {
        self.blobs.as_ref()
    }

    /// A document that is in memory and still the one that is held. Looks at the file, and reads nothing.
    #[must_use]
    pub fn kept(&self, digest: &ContentDigest) -> Option<Arc<Held>> {
        let held = self.kept.get(digest)?;
        let stamp = self.blobs.stamp(digest).ok().flatten();
        (stamp == Some(held.stamp)).then_some(held)
    }

    /// A document, which descriptors call `media_type`.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn get(&self, digest: &ContentDigest, media_type: &str) -> Result<Arc<Held>, DocumentError> {
        if let Some(held) = self.kept(digest) {
            return Ok(held);
        }
        let held = Arc::new(self.read(*digest, media_type)?);
        self.kept.insert(*digest, Arc::clone(&held));
        Ok(held)
    }

    fn read(&self, digest: ContentDigest, media_type: &str) -> Result<Held, DocumentError> {
        let io = |source| DocumentError::Io { digest, source };
        // Before the bytes: a change meanwhile is then seen as one.
        let stamp = self.blobs.stamp(&digest).map_err(io)?.ok_or(DocumentError::Missing { digest })?;
        let extent = self.blobs.locate(&digest).map_err(io)?.ok_or(DocumentError::Missing { digest })?;
        let size = extent.len();
        if size > limits::MANIFEST_BYTES {
            return Err(DocumentError::TooLong { digest, size });
        }
        let mut bytes = Vec::new();
        extent.reader().take(limits::MANIFEST_BYTES).read_to_end(&mut bytes).map_err(io)?;
        let found = ContentDigest::of(digest.algorithm(), &bytes);
        if found != digest {
            return Err(DocumentError::Digest { digest, found });
        }
        let manifest =
            Manifest::parse(Some(media_type), &bytes).map_err(|source| DocumentError::Manifest { digest, source })?;
        Ok(Held { bytes: bytes.into(), manifest, stamp })
    }
}
