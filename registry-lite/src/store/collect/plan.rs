//! What would go, and why the rest stays.

use std::collections::HashSet;
use std::time::SystemTime;

use super::document::{Document, is_document, read};
use super::keep::{Keeper, Kind, Why};
use super::{CollectError, CollectOptions};
use crate::digest::ContentDigest;
use crate::store::{LockedStore, Mark, Marked, Stamp, Store, StoreError};

/// Kept manifests without a tag that are shown.
const SHOWN: usize = 10;

/// What a collection found. Nothing is removed before [`Plan::free`].
#[derive(Debug)]
pub struct Plan<'s> {
    pub(super) site: &'s LockedStore,
    pub(super) keeper: Keeper<'s>,
    /// The `index.json` that was read last.
    pub(super) stamp: Stamp,
    /// What was marked since is kept.
    pub(super) cutoff: SystemTime,
    /// Places in the keeper of the roots that go.
    pub(super) going: Vec<usize>,
    /// Manifests and indexes first.
    pub(super) garbage: Vec<Garbage>,
    planned: Planned,
}

/// A blob that nothing needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Garbage {
    pub digest: ContentDigest,
    pub len: u64,
    pub is_document: bool,
}

/// A plan in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Planned {
    /// Tagged names that are kept.
    pub tagged: u64,
    /// Manifests without a tag that are kept, with those that are found by their subject alone.
    pub untagged: u64,
    /// Blobs that are kept, manifests among them.
    pub kept_blobs: u64,
    /// Their bytes.
    pub kept_bytes: u64,
    /// Names of manifests without a tag that go; the digest of those that have none.
    pub names: Vec<String>,
    /// Blobs that go.
    pub blobs: u64,
    /// Their bytes, as their files have them.
    pub bytes: u64,
    /// The kept manifests without a tag that need most, largest first: ten at most.
    pub largest_untagged: Vec<KeptUntagged>,
}

/// Something without a tag that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptUntagged {
    /// What it is called.
    pub name: String,
    /// Bytes that it reaches; some of them may be needed by others too.
    pub bytes: u64,
    /// Why it is kept.
    pub why: Why,
}

impl LockedStore {
    /// Finds what nothing needs. Removes nothing.
    ///
    /// # Errors
    /// [`CollectError`]: the store cannot be read, or a manifest that says what is needed.
    pub fn plan_collection(&self, options: &CollectOptions) -> Result<Plan<'_>, CollectError> {
        let store = self.store();
        // Before anything is looked at: what is marked from here on is younger than any grace.
        let now = SystemTime::now();
        let cutoff = now.checked_sub(options.grace).unwrap_or(SystemTime::UNIX_EPOCH);
        let stamp = store.index_stamp()?;
        let mut keeper = Keeper::new(store);
        keeper.add(store.roots()?);
        for at in 0..keeper.roots.len() {
            match keeper.roots.get(at).map(|root| root.kind) {
                Some(Kind::Named) => keeper.keep_root(at, None),
                Some(_) if options.keep_untagged => keeper.keep_root(at, Some(Why::Asked)),
                _ => {}
            }
        }
        for pin in &options.pins {
            keeper.keep_content(*pin, &Why::Installed);
        }
        for mark in recent(store, cutoff)? {
            keeper.keep_content(mark.digest, &Why::Recent(mark.since));
        }
        check(&mut keeper)?;
        let is_going = |at: &usize| keeper.roots.get(*at).is_some_and(|root| !keeper.keeps(&root.entry.digest));
        let going: Vec<usize> = (0..keeper.roots.len()).filter(is_going).collect();
        let mut plan =
            Plan { site: self, keeper, stamp, cutoff, going, garbage: Vec::new(), planned: Planned::default() };
        plan.sum()?;
        Ok(plan)
    }
}

/// What was marked at `cutoff` or later.
pub(super) fn recent(store: &Store, cutoff: SystemTime) -> Result<Vec<Marked>, StoreError> {
    let mut marks = store.all_marked(Mark::Pushed)?;
    marks.retain(|mark| mark.since >= cutoff);
    Ok(marks)
}

/// Nothing goes while a document cannot be read that may need it.
pub(super) fn check(keeper: &mut Keeper<'_>) -> Result<(), CollectError> {
    match std::mem::take(&mut keeper.unreadable) {
        documents if documents.is_empty() => Ok(()),
        documents => Err(CollectError::Unreadable { documents }),
    }
}

impl Plan<'_> {
    /// What would go, and what is kept.
    #[must_use]
    pub fn planned(&self) -> &Planned {
        &self.planned
    }

    fn sum(&mut self) -> Result<(), StoreError> {
        let store = self.site.store();
        let planned = &mut self.planned;
        for root in &self.keeper.roots {
            match (self.keeper.keeps(&root.entry.digest), root.kind) {
                (true, Kind::Named) => planned.tagged += 1,
                (true, _) => planned.untagged += 1,
                (false, _) => planned.names.push(root.name()),
            }
        }
        for (digest, len) in store.list_blobs()?.blobs {
            if self.keeper.keeps(&digest) {
                planned.kept_blobs += 1;
                planned.kept_bytes = planned.kept_bytes.saturating_add(len);
            } else {
                planned.blobs += 1;
                planned.bytes = planned.bytes.saturating_add(len);
                self.garbage.push(Garbage { digest, len, is_document: is_document(store, &digest, len) });
            }
        }
        // Whoever finds a manifest must find its blobs: so manifests go first.
        self.garbage.sort_by_key(|garbage| !garbage.is_document);
        planned.largest_untagged = largest_untagged(store, &self.keeper);
        Ok(())
    }
}

fn largest_untagged(store: &Store, keeper: &Keeper<'_>) -> Vec<KeptUntagged> {
    let mut found = Vec::new();
    for root in &keeper.roots {
        // What something else lists is there with that, whether or not it has a name of its own.
        if let Some(why) = root.why.as_ref().filter(|why| **why != Why::Listed) {
            let bytes = reach(store, root.entry.digest, &root.entry.media_type, &mut HashSet::new());
            found.push(KeptUntagged { name: root.name(), bytes, why: why.clone() });
            found.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
            found.truncate(SHOWN);
        }
    }
    found
}

/// Bytes that a document and all that it lists have here, but for what was `seen`.
pub(super) fn reach(store: &Store, digest: ContentDigest, media_type: &str, seen: &mut HashSet<ContentDigest>) -> u64 {
    let mut bytes = 0_u64;
    let mut waiting = vec![(digest, Some(media_type.to_owned()))];
    while let Some((digest, media_type)) = waiting.pop() {
        if !seen.insert(digest) {
            continue;
        }
        // What cannot be looked at counts nothing: these numbers are for people.
        bytes = bytes.saturating_add(store.blob_len(&digest).ok().flatten().unwrap_or(0));
        let Some(media_type) = media_type else { continue };
        if let Ok(Document::Manifest(manifest)) = read(store, &digest, Some(&media_type)) {
            let nested = |listed: &crate::manifest::Reference| manifest.is_index() && listed.is_manifest();
            waiting.extend(manifest.references().iter().map(|l| (l.digest, nested(l).then(|| l.media_type.clone()))));
        }
    }
    bytes
}
