//! Whether what is named is held.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::Finding;
use crate::catalog::Catalog;
use crate::digest::ContentDigest;
use crate::documents::{DocumentError, Documents};
use crate::manifest::is_manifest_type;
use crate::store::{Entry, Store, StoreError};

/// Names that a finding gives.
const NAMED: usize = 5;
/// How often the names are read again because they changed meanwhile.
const TRIES: usize = 3;

/// What is wrong with one thing that is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    Damaged,
    Missing,
    Size { held: u64, listed: u64 },
}

impl Store {
    /// Adds what the names need and is not there, and says in the findings of damaged blobs who needs them.
    pub(super) fn check_references(&self, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
        let damaged: HashSet<ContentDigest> = findings
            .iter()
            .filter_map(|f| if let Finding::Damaged { digest, .. } = f { Some(*digest) } else { None })
            .collect();
        let mut walk = Walk::default();
        for _ in 0..TRIES {
            let stamp = self.index_stamp().ok();
            let entries = match self.roots() {
                Ok(entries) => entries,
                Err(error) => {
                    findings.push(Finding::Index { why: error.to_string() });
                    return Ok(());
                }
            };
            walk = Walk::of(self, &entries, &damaged);
            // What went meanwhile, with its name, is not missed.
            if walk.wrong.is_empty() || stamp == self.index_stamp().ok() {
                break;
            }
        }
        for finding in findings.iter_mut() {
            if let Finding::Damaged { digest, needed_by, .. } = finding {
                *needed_by = walk.wrong.remove(&(*digest, Wrong::Damaged)).unwrap_or_default();
            }
        }
        findings.extend(walk.wrong.into_iter().filter_map(|((digest, wrong), needed_by)| match wrong {
            Wrong::Damaged => None,
            Wrong::Missing => Some(Finding::Missing { digest, needed_by }),
            Wrong::Size { held, listed } => Some(Finding::Size { digest, held, listed, needed_by }),
        }));
        findings.extend(walk.names);
        Ok(())
    }
}

#[derive(Default)]
struct Walk {
    wrong: BTreeMap<(ContentDigest, Wrong), Vec<String>>,
    names: Vec<Finding>,
}

impl Walk {
    fn of(store: &Store, entries: &[Entry], damaged: &HashSet<ContentDigest>) -> Self {
        let mut walk = Self::default();
        let documents = Documents::new(Arc::new(store.clone()));
        for skipped in Catalog::of(entries, None).skipped() {
            walk.names.push(Finding::Name { name: skipped.name.clone(), why: skipped.reason.to_string() });
        }
        let look = Look { store, documents: &documents, damaged };
        for entry in entries {
            walk.root(&look, entry);
        }
        walk
    }

    fn root(&mut self, look: &Look<'_>, entry: &Entry) {
        let name = entry.name().map_or_else(|| format!("(unnamed) {}", entry.digest), str::to_owned);
        let mut seen = HashSet::new();
        // Whether it must be there: an index may lack what it lists.
        let mut waiting =
            vec![(entry.digest, entry.size, entry.media_type.clone(), is_manifest_type(&entry.media_type), true)];
        while let Some((digest, size, media_type, is_document, needed)) = waiting.pop() {
            if !seen.insert((digest, is_document)) {
                continue;
            }
            if let Some(wrong) = look.at(&digest, size, needed) {
                self.note(digest, wrong, &name);
            }
            if !is_document {
                continue;
            }
            match look.documents.get(&digest, &media_type) {
                Ok(held) => {
                    let manifest = &held.manifest;
                    waiting.extend(manifest.references().iter().map(|l| {
                        let is_document = manifest.is_index() && l.is_manifest();
                        (l.digest, l.size, l.media_type.clone(), is_document, !manifest.is_index() && !l.elsewhere)
                    }));
                }
                // Found already, as a blob.
                Err(DocumentError::Missing { .. }) => {}
                Err(error @ (DocumentError::Manifest { .. } | DocumentError::TooLong { .. })) if needed => {
                    self.names.push(Finding::Name { name: name.clone(), why: error.to_string() });
                }
                // Whoever pushes an index may list what he likes.
                Err(DocumentError::Manifest { .. } | DocumentError::TooLong { .. }) => {}
                Err(DocumentError::Digest { .. } | DocumentError::Io { .. }) => {
                    self.note(digest, Wrong::Damaged, &name)
                }
            }
        }
    }

    fn note(&mut self, digest: ContentDigest, wrong: Wrong, name: &str) {
        let names = self.wrong.entry((digest, wrong)).or_default();
        if names.len() < NAMED && !names.iter().any(|n| n == name) {
            names.push(name.to_owned());
        }
    }
}

struct Look<'l> {
    store: &'l Store,
    documents: &'l Documents,
    damaged: &'l HashSet<ContentDigest>,
}

impl Look<'_> {
    fn at(&self, digest: &ContentDigest, listed: u64, needed: bool) -> Option<Wrong> {
        if self.damaged.contains(digest) {
            return Some(Wrong::Damaged);
        }
        match self.store.blob_len(digest) {
            Ok(Some(held)) if held == listed => None,
            Ok(Some(held)) => Some(Wrong::Size { held, listed }),
            // What an index lists was here once if it was set aside.
            Ok(None) if needed || self.store.is_quarantined(digest) => Some(Wrong::Missing),
            // A blob that cannot be looked at was found already.
            Ok(None) | Err(_) => None,
        }
    }
}
