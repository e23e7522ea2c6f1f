//! Removing what nothing needs, while clients push.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use bundle_format::walk::Progress;
use bundle_format::{Code, Coded as _};

use super::CollectError;
use super::keep::Why;
use super::plan::{Garbage, Plan, check, reach, recent};
use crate::digest::ContentDigest;
use crate::store::{Mark, Marked, StoreError};

/// How long `publish.lock` is held at a time, about: no push waits longer for a collection.
const HOLD: Duration = Duration::from_millis(20);
/// Marks and folders that are removed at a time.
const BATCH: usize = 256;
/// How long a folder of marks has been empty, at least, when it goes: none that a client is just using does.
const EMPTY_FOR: Duration = Duration::from_secs(60 * 60);

/// What a collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Freed {
    /// Manifests without a tag that are no longer named.
    pub names: u64,
    /// Blobs, manifests among them.
    pub blobs: u64,
    /// Bytes of the blobs, as their files had them.
    pub bytes: u64,
    /// Marks of clients that no longer matter.
    pub marks: u64,
    /// Damaged blobs that were set aside and that nobody needs any more.
    pub quarantined: u64,
    /// Their bytes.
    pub quarantined_bytes: u64,
}

impl Plan<'_> {
    /// Removes what the plan says, but for what came into use since. `progress` counts the bytes of blobs.
    ///
    /// # Errors
    /// [`CollectError`]; what was removed by then is gone, and nothing that is needed.
    pub fn free(mut self, progress: &dyn Progress) -> Result<Freed, CollectError> {
        let mut freed = Freed::default();
        match self.drop_roots() {
            Ok(names) => freed.names = names,
            // On a full disk, what has no name at all makes the room that a new `index.json` needs.
            Err(CollectError::Store(error)) if error.code() == Code::Space => {
                let named = self.reached_by_going();
                let garbage = std::mem::take(&mut self.garbage);
                let (named, nameless) = garbage.into_iter().partition(|g| named.contains(&g.digest));
                self.garbage = named;
                self.free_in_order(nameless, &mut freed, progress)?;
                freed.names = self.drop_roots()?;
            }
            Err(error) => return Err(error),
        }
        let garbage = std::mem::take(&mut self.garbage);
        self.free_in_order(garbage, &mut freed, progress)?;
        freed.marks = self.free_marks()?;
        self.free_folders()?;
        self.free_quarantined(&mut freed)?;
        Ok(freed)
    }

    fn free_in_order(
        &mut self,
        garbage: Vec<Garbage>,
        freed: &mut Freed,
        progress: &dyn Progress,
    ) -> Result<(), CollectError> {
        let (documents, rest): (Vec<_>, Vec<_>) = garbage.into_iter().partition(|g| g.is_document);
        for part in [documents, rest] {
            self.free_blobs(part, freed, progress)?;
            // A manifest never outlives its blobs, not even in a power cut.
            self.site.store().sync_blobs()?;
        }
        Ok(())
    }

    /// What the names that go still need.
    fn reached_by_going(&self) -> HashSet<ContentDigest> {
        let mut reached = HashSet::new();
        for root in self.going.iter().filter_map(|at| self.keeper.roots.get(*at)) {
            reach(self.site.store(), root.entry.digest, &root.entry.media_type, &mut reached);
        }
        reached
    }

    /// Keeps what came into use since the last look. To be called with `publish.lock` held, so that it stays true.
    fn renew(&mut self) -> Result<(), CollectError> {
        let store = self.site.store();
        let stamp = store.index_stamp()?;
        if stamp != self.stamp {
            for at in self.keeper.add(store.roots()?) {
                self.keeper.keep_root(at, None);
            }
            self.stamp = stamp;
        }
        for mark in recent(store, self.cutoff)? {
            self.keeper.keep_content(mark.digest, &Why::Recent(mark.since));
        }
        check(&mut self.keeper)
    }

    /// Takes what has no tag and no use out of `index.json`, durably: only then may its blobs go.
    fn drop_roots(&mut self) -> Result<u64, CollectError> {
        let store = self.site.store();
        let publishing = store.publishing()?;
        self.renew()?;
        let keeper = &self.keeper;
        let is_going = |at: &usize| keeper.roots.get(*at).is_some_and(|root| !keeper.keeps(&root.entry.digest));
        let going: Vec<usize> = self.going.iter().copied().filter(is_going).collect();
        let key = |at: &usize| keeper.roots.get(*at).map(|r| (r.entry.digest, r.entry.name().map(str::to_owned)));
        let names: HashSet<_> = going.iter().filter_map(key).collect();
        let mut entries = store.roots()?;
        let before = entries.len();
        entries.retain(|e| !names.contains(&(e.digest, e.name().map(str::to_owned))));
        let dropped = before - entries.len();
        if dropped > 0 {
            publishing.replace(&entries)?;
            self.stamp = store.index_stamp()?;
        }
        self.keeper.forget(going.into_iter());
        self.going.clear();
        Ok(dropped as u64)
    }

    fn free_blobs(
        &mut self,
        garbage: Vec<Garbage>,
        freed: &mut Freed,
        progress: &dyn Progress,
    ) -> Result<(), CollectError> {
        let store = self.site.store();
        let mut garbage = garbage.into_iter().peekable();
        while garbage.peek().is_some() {
            let mut taken = Vec::new();
            let begun = {
                let _publishing = store.publishing()?;
                self.renew()?;
                let begun = Instant::now();
                while begun.elapsed() < HOLD
                    && let Some(blob) = garbage.next()
                {
                    progress.advance(blob.len);
                    if !self.keeper.keeps(&blob.digest) {
                        taken.extend(self.take(&blob.digest)?);
                    }
                }
                begun
            };
            // A file system may take long to free a large file: pushes need not wait for that.
            for (path, len) in taken {
                remove(&path)?;
                freed.blobs += 1;
                freed.bytes = freed.bytes.saturating_add(len);
            }
            // Whoever waits for the lock comes first.
            std::thread::sleep(begun.elapsed().min(HOLD));
        }
        Ok(())
    }

    /// Takes a blob away in one step. What is left in `tmp/` by a kill goes when the site is locked next.
    fn take(&self, digest: &ContentDigest) -> Result<Option<(PathBuf, u64)>, StoreError> {
        let store = self.site.store();
        let Some(len) = store.blob_len(digest)? else { return Ok(None) };
        let from = store.blob_path(digest);
        let to = store.dir().join("tmp").join(format!("{}-{}", digest.algorithm().name(), digest.hex()));
        match fs::rename(&from, &to) {
            Ok(()) => Ok(Some((to, len))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Io { what: "removing", path: from, source }),
        }
    }

    /// Removes marks of pushes that are too old, and of deletions of what is gone.
    fn free_marks(&self) -> Result<u64, StoreError> {
        let store = self.site.store();
        let is_stale = |mark: &Marked| mark.since < self.cutoff;
        let mut marks: Vec<(Mark, Marked)> = Vec::new();
        marks.extend(store.all_marked(Mark::Pushed)?.into_iter().filter(is_stale).map(|m| (Mark::Pushed, m)));
        let is_gone = |mark: &Marked| !self.keeper.keeps(&mark.digest);
        marks.extend(store.all_marked(Mark::Removed)?.into_iter().filter(is_gone).map(|m| (Mark::Removed, m)));
        let mut removed = 0;
        for batch in marks.chunks(BATCH) {
            let _publishing = store.publishing()?;
            for (mark, marked) in batch {
                // A client may have renewed it since.
                let since = fs::symlink_metadata(&marked.path).and_then(|m| m.modified());
                if *mark == Mark::Pushed && since.is_ok_and(|since| since >= self.cutoff) {
                    continue;
                }
                remove(&marked.path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes folders of marks that have been empty for a while.
    fn free_folders(&self) -> Result<(), StoreError> {
        let store = self.site.store();
        let mut old = Vec::new();
        let limit = SystemTime::now().checked_sub(EMPTY_FOR).unwrap_or(SystemTime::UNIX_EPOCH);
        for entry in store.mark_folders()? {
            if fs::symlink_metadata(&entry).and_then(|m| m.modified()).is_ok_and(|changed| changed < limit) {
                old.push(entry);
            }
        }
        // The deepest first: a folder may hold nothing but folders that go.
        old.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
        for batch in old.chunks(BATCH) {
            let _publishing = store.publishing()?;
            for folder in batch {
                // Not empty: then it stays.
                let _ = fs::remove_dir(folder);
            }
        }
        Ok(())
    }

    /// Removes damaged blobs that were healed since, or that nobody needs.
    fn free_quarantined(&self, freed: &mut Freed) -> Result<(), StoreError> {
        let store = self.site.store();
        for blob in store.list_quarantine()? {
            let needed = self.keeper.keeps(&blob.digest) && store.blob_len(&blob.digest)?.is_none();
            if !needed && blob.since < self.cutoff {
                remove(&blob.path)?;
                freed.quarantined += 1;
                freed.quarantined_bytes = freed.quarantined_bytes.saturating_add(blob.len);
            }
        }
        Ok(())
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::Io { what: "removing", path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
