//! The one process that writes to a site.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bundle_format::{Descriptor, Digest, media};

use super::error::StoreError;
use super::writer::Syncer;
use super::{BlobWriter, Readable, Store, files, index_bytes, replace};

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
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(io("opening"))?;
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
        files::sweep(&self.dir, false).map_err(io("sweeping the folder of"))?;
        let syncer = Syncer::start(self.dir.join("blobs/sha256"));
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
        BlobWriter::new(&self.store.dir.join("tmp"), self.store.blob_path(&blob.digest), blob.size, &self.syncer)
    }

    /// Waits until every committed blob is durable under its name.
    ///
    /// # Errors
    /// The first that could not be synced or named.
    pub fn settle(&self) -> Result<(), StoreError> {
        self.syncer.settle()
    }

    /// Publishes `entries` in one step, after [`LockedStore::settle`]. An entry takes the place of the one that has its
    /// name; what stood there stays reachable by its digest, because an older release may still be installed.
    ///
    /// # Errors
    /// Those of the file system; then everything is as before.
    pub fn publish(&self, entries: Vec<Descriptor>) -> Result<(), StoreError> {
        self.settle()?;
        let before = self.store.entries()?;
        let mut after = before.clone();
        for entry in entries {
            let name = entry.annotations.get(media::REF_NAME);
            for old in after.iter_mut().filter(|old| name.is_some() && old.annotations.get(media::REF_NAME) == name) {
                if old.digest != entry.digest {
                    rename_to_digest(old);
                }
            }
            let same = |old: &Descriptor| old.digest == entry.digest && old.annotations.get(media::REF_NAME) == name;
            match after.iter_mut().find(|old| same(old)) {
                Some(old) => *old = entry,
                None => after.push(entry),
            }
        }
        // A name that moves back and forth leaves each content once, not once for each move.
        let mut seen = BTreeSet::new();
        after.retain(|e| seen.insert((e.digest, e.annotations.get(media::REF_NAME).cloned())));
        // The same names may stand for more than before: platforms of an index that came later. Servers look at the file.
        let more = self.written.swap(false, Ordering::Relaxed);
        if after == before && !more {
            return Ok(());
        }
        replace(&self.store.dir.join("index.json"), &index_bytes(after)?, Readable::ByOthers)
    }
}

/// `host/name:tag` becomes `host/name@digest`.
fn rename_to_digest(entry: &mut Descriptor) {
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
