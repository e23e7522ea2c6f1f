//! From a root to what it reaches.

use std::collections::HashSet;
use std::sync::OnceLock;

use bundle_format::{limits, media};

use super::Shelf;
use crate::digest::ContentDigest;
use crate::documents::DocumentError;
use crate::manifest::Referrer;
use crate::store::Entry;

/// A manifest or an index that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its media type, as it was pushed, or as what refers to it says.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
}

/// A manifest or an index that `index.json` names.
#[derive(Debug)]
pub(super) struct Root {
    pub digest: ContentDigest,
    pub known: Known,
    /// Whether an import put it here as a template version.
    pub is_version: bool,
    reach: OnceLock<Reach>,
}

/// What one root reaches. An index may lack manifests that it lists (its platforms were narrowed): they are not in it.
#[derive(Debug, Default)]
pub(super) struct Reach {
    pub manifests: Vec<(ContentDigest, Known)>,
    pub blobs: Vec<(ContentDigest, u64)>,
    /// Subject and referrer.
    pub referrers: Vec<(ContentDigest, Referrer)>,
    /// What listed manifests cannot be had. More may be there another time.
    pub problems: Vec<Problem>,
}

/// Why a part of what a root should reach is not served.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A manifest or an index cannot be had.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Indexes within indexes, too deep.
    #[error("{digest} lies deeper than {} indexes", limits::INDEX_DEPTH)]
    TooDeep {
        /// What lies too deep.
        digest: ContentDigest,
    },
    /// It reaches more than one root may.
    #[error(
        "{digest} reaches more than {} documents and blobs, or {} bytes of documents",
        limits::MEMBERS,
        limits::MANIFESTS_TOTAL_BYTES
    )]
    TooLarge {
        /// The root.
        digest: ContentDigest,
    },
}

impl Problem {
    fn digest(&self) -> &ContentDigest {
        match self {
            Self::Document(error) => error.digest(),
            Self::TooDeep { digest } | Self::TooLarge { digest } => digest,
        }
    }
}

impl Root {
    pub fn new(entry: &Entry) -> Self {
        let known = Known { media_type: entry.media_type.clone(), size: entry.size };
        let is_version = entry.artifact_type.as_deref() == Some(media::TEMPLATE);
        Self { digest: entry.digest, known, is_version, reach: OnceLock::new() }
    }

    /// Whether `digest` is its own, or of something that it reaches.
    pub fn reaches(&self, digest: &ContentDigest, shelf: &Shelf) -> bool {
        let reach = self.reach(shelf);
        self.digest == *digest
            || reach.manifests.iter().any(|(listed, _)| listed == digest)
            || reach.blobs.iter().any(|(listed, _)| listed == digest)
    }

    /// The same, not read yet.
    pub fn unread(&self) -> Self {
        Self { digest: self.digest, known: self.known.clone(), is_version: self.is_version, reach: OnceLock::new() }
    }

    /// Whether one of `manifests` could not be had when it was read.
    pub fn lacks_any(&self, manifests: &HashSet<ContentDigest>) -> bool {
        self.reach.get().is_some_and(|reach| reach.problems.iter().any(|p| manifests.contains(p.digest())))
    }

    /// What it reaches, read at the first call.
    pub fn reach(&self, shelf: &Shelf) -> &Reach {
        self.reach.get_or_init(|| {
            let mut walk = Walk { shelf, reach: Reach::default(), seen: HashSet::new(), document_bytes: 0 };
            if walk.document(self.digest, &self.known, 0).is_none() {
                walk.reach.problems.push(Problem::TooLarge { digest: self.digest });
            }
            walk.reach
        })
    }

    /// Whether another look would find nothing new: content that has a name never changes, but what is missing may come.
    pub fn is_settled(&self) -> bool {
        self.reach.get().is_some_and(|reach| reach.problems.is_empty())
    }
}

struct Walk<'a> {
    shelf: &'a Shelf,
    reach: Reach,
    /// A digest is walked once, so neither a loop (which no one can make) nor an index that lists the same index many times
    /// costs more than its distinct content.
    seen: HashSet<ContentDigest>,
    document_bytes: u64,
}

impl Walk<'_> {
    /// `depth` indexes lie above. `None` once there is too much.
    fn document(&mut self, digest: ContentDigest, known: &Known, depth: usize) -> Option<()> {
        if !self.seen.insert(digest) {
            return Some(());
        }
        if depth > limits::INDEX_DEPTH {
            self.reach.problems.push(Problem::TooDeep { digest });
            return Some(());
        }
        let held = match self.shelf.documents.get(&digest, &known.media_type) {
            Ok(held) => held,
            Err(e) => {
                self.reach.problems.push(e.into());
                return Some(());
            }
        };
        let manifest = &held.manifest;
        self.document_bytes = self.document_bytes.saturating_add(held.bytes.len() as u64);
        self.reach.manifests.push((digest, known.clone()));
        if let Some(subject) = manifest.subject() {
            self.reach.referrers.push((*subject, manifest.as_referrer(digest, held.bytes.len() as u64)));
        }
        for listed in manifest.references() {
            if self.document_bytes > limits::MANIFESTS_TOTAL_BYTES || self.seen.len() >= limits::MEMBERS {
                return None;
            }
            if manifest.is_index() && listed.is_manifest() {
                let known = Known { media_type: listed.media_type.clone(), size: listed.size };
                self.document(listed.digest, &known, depth + 1)?;
            } else if self.seen.insert(listed.digest) {
                self.reach.blobs.push((listed.digest, listed.size));
            }
        }
        Some(())
    }
}
