//! The one process that writes to a site.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use bundle_format::{Descriptor, Digest, media};

use super::error::StoreError;
use super::writer::Syncer;
use super::{BlobWriter, Entry, Mark, Store, files};
use crate::catalog::Name;

/// A site that this process alone writes to, until the value goes.
#[derive(Debug)]
pub struct LockedStore {
    store: Store,
    syncer: Syncer,
    /// Whether blobs were written since the last publication.
    written: AtomicBool,
    // Dropping the file gives the lock back, also when the process is killed.
    _lock: File,
}

impl Store {
    /// Takes the lock, and sweeps what a killed run left behind.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process has it.
    pub fn lock(self) -> Result<LockedStore, StoreError> {
        let path = self.dir.join("lock");
        let io = |what| {
            let path = path.clone();
            move |source| StoreError::Io { what, path, source }
        };
        let mut file = files::open_lock(&path).map_err(io("opening"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only for the message: the lock itself is what counts.
                let _ = (&mut file).take(64).read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => "another process".to_owned(),
                    pid => format!("process {pid}"),
                };
                return Err(StoreError::Locked { dir: self.dir.clone(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(io("locking")(source)),
        }
        file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(io("writing"))?;
        writeln!(file, "{}", std::process::id()).map_err(io("writing"))?;
        let tmp = self.dir.join("tmp");
        fs::create_dir_all(&tmp).map_err(io("making tmp/ beside"))?;
        files::sweep(&tmp, true).map_err(io("sweeping tmp/ beside"))?;
        {
            // A server that is just writing a new `index.json` has it beside the old one.
            let _publishing = self.publishing()?;
            files::sweep(&self.dir, false).map_err(io("sweeping the folder of"))?;
        }
        let syncer = Syncer::start(self.clone());
        Ok(LockedStore { store: self, syncer, written: AtomicBool::new(false), _lock: file })
    }
}

impl LockedStore {
    /// The content, for reading.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The site's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.store.dir()
    }

    /// The folder for temporary files, which is swept when the site is locked the next time.
    #[must_use]
    pub fn temporary(&self) -> PathBuf {
        self.store.dir.join("tmp")
    }

    /// Whether a blob of this size is there: see [`Store::has`].
    ///
    /// # Errors
    /// Those of the file system.
    pub fn holds(&self, digest: &Digest, size: u64) -> Result<bool, StoreError> {
        self.store.has(digest, size)
    }

    /// Refuses work that needs more room than there is.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`].
    pub fn check_space(&self, needed: u64) -> Result<(), StoreError> {
        let path = self.dir().to_owned();
        match files::free_space(&path) {
            Ok(free) if free < needed => Err(StoreError::NoSpace { path, free, needed }),
            Ok(_) => Ok(()),
            Err(source) => Err(StoreError::Io { what: "asking for the free space of", path, source }),
        }
    }

    /// Starts to write a blob of `size` bytes. Nothing is visible before [`LockedStore::settle`].
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write_blob(&self, blob: &Descriptor) -> Result<BlobWriter<'_>, StoreError> {
        self.written.store(true, Ordering::Relaxed);
        BlobWriter::new(&self.store.dir.join("tmp"), self.store.blob_path(&blob.digest.into()), blob.size, &self.syncer)
    }

    /// Waits until every committed blob is durable under its name.
    ///
    /// # Errors
    /// The first that could not be synced or named.
    pub fn settle(&self) -> Result<(), StoreError> {
        self.syncer.settle()
    }

    /// Publishes `entries` in one step, after [`LockedStore::settle`]. An entry takes the place of the one that has its
    /// name; what stood there stays reachable by its digest, because an older release may still be installed. What clients
    /// deleted from the repositories of `entries` is there again.
    ///
    /// # Errors
    /// Those of the file system; then everything is as before.
    pub fn publish(&self, entries: Vec<Descriptor>) -> Result<(), StoreError> {
        self.settle()?;
        let publishing = self.store.publishing()?;
        let before = self.store.roots()?;
        let mut after = before.clone();
        for entry in entries.into_iter().map(Entry::from) {
            // An entry without a name, or with one that nothing is served under, has no marks.
            if let Some(name) = entry.name().and_then(|name| name.parse::<Name>().ok()) {
                self.store.unmark_all(name.repository(), Mark::Removed)?;
            }
            put(&mut after, entry);
        }
        // A name that moves back and forth leaves each content once, not once for each move.
        let mut seen = BTreeSet::new();
        after.retain(|e| seen.insert((e.digest, e.name().map(str::to_owned))));
        // The same names may stand for more than before: platforms of an index that came later. Servers look at the file.
        let more = self.written.swap(false, Ordering::Relaxed);
        if after == before && !more {
            return Ok(());
        }
        publishing.replace(&after)
    }
}

/// Adds `entry`. What had its name is called by its digest from then on.
fn put(entries: &mut Vec<Entry>, entry: Entry) {
    for old in entries.iter_mut().filter(|old| entry.name().is_some() && old.name() == entry.name()) {
        if old.digest != entry.digest {
            rename_to_digest(old);
        }
    }
    match entries.iter_mut().find(|old| old.digest == entry.digest && old.name() == entry.name()) {
        Some(old) => *old = entry,
        None => entries.push(entry),
    }
}

/// `host/name:tag` becomes `host/name@digest`.
fn rename_to_digest(entry: &mut Entry) {
    let digest = entry.digest;
    if let Some(name) = entry.annotations.get_mut(media::REF_NAME) {
        let bare = name.split('@').next().unwrap_or_default();
        let repository = match bare.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => repository,
            _ => bare,
        };
        *name = format!("{repository}@{digest}");
    }
}
