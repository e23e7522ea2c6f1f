//! Changing what a site shows, while other processes do the same (spec/site.md section 2).
//!
//! `publish.lock` is held for moments: exclusively by whoever replaces `index.json` or removes blobs, shared by whoever
//! gives a blob its name. So a collection never removes what was just named, and no two changes get lost in each other.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::error::StoreError;
use super::files::{Readable, replace};
use super::index::{Entry, index_bytes};
use super::{Store, files};

/// The right to replace `index.json` and to remove blobs, until the value goes. No other process has it meanwhile.
#[derive(Debug)]
pub struct Publishing<'a> {
    store: &'a Store,
    _lock: File,
}

/// The right to give blobs their names: nobody removes any meanwhile.
#[derive(Debug)]
pub struct Naming(#[expect(dead_code, reason = "holds the lock")] File);

/// Which writing of a file this is, so far as stat(2) tells. A file that is replaced by rename(2) changes its inode, and so
/// does one behind a link that was turned to another, as Kubernetes does with what it mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    size: u64,
}

impl Stamp {
    /// Of the file at `path`, which is followed if it is a link. To be taken before the file is read: a change that happens
    /// meanwhile is then seen as one.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::from(&std::fs::metadata(path)?))
    }
}

impl From<&std::fs::Metadata> for Stamp {
    fn from(m: &std::fs::Metadata) -> Self {
        Self {
            device: m.dev(),
            inode: m.ino(),
            modified: (m.mtime(), m.mtime_nsec()),
            changed: (m.ctime(), m.ctime_nsec()),
            size: m.len(),
        }
    }
}

impl Store {
    /// Waits for the right to replace `index.json`.
    ///
    /// # Errors
    /// The lock's file cannot be opened or locked.
    pub fn publishing(&self) -> Result<Publishing<'_>, StoreError> {
        Ok(Publishing { store: self, _lock: self.publish_lock(File::lock)? })
    }

    /// Waits for the right to give blobs their names. Not to be held while waiting for anything else.
    ///
    /// # Errors
    /// The lock's file cannot be opened or locked.
    pub fn naming(&self) -> Result<Naming, StoreError> {
        self.publish_lock(File::lock_shared).map(Naming)
    }

    fn publish_lock(&self, lock: impl Fn(&File) -> io::Result<()>) -> Result<File, StoreError> {
        let path = self.dir().join("publish.lock");
        let opened = files::open_lock(&path);
        opened.and_then(|file| lock(&file).map(|()| file)).map_err(|source| StoreError::Io {
            what: "locking",
            path,
            source,
        })
    }
}

impl Publishing<'_> {
    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        self.store
    }

    /// Replaces all roots in one step. What they refer to must be durable.
    ///
    /// # Errors
    /// Those of the file system: then everything is as before, or, if only the last sync failed, already as it is after.
    pub fn replace(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let bytes = index_bytes(entries)?;
        if bytes.len() as u64 > super::index::INDEX_BYTES {
            return Err(StoreError::IndexFull { limit: super::index::INDEX_BYTES });
        }
        replace(&self.store.index_path(), &bytes, Readable::ByOthers)
    }
}
