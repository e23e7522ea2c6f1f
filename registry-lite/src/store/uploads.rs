//! Content that clients push: files under `uploads/` until they are whole, proved and named.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use tempfile::NamedTempFile;

use super::error::StoreError;
use super::links::Mark;
use super::{Readable, Store, files, sync_dir};
use crate::catalog::RepositoryName;
use crate::digest::{Algorithm, ContentDigest, ContentHasher};

/// The folder of uploads, which belongs to one server until the value goes.
#[derive(Debug)]
pub struct Uploads {
    store: Store,
    dir: PathBuf,
    _lock: File,
}

/// Content on its way in. Dropping it forgets it.
#[derive(Debug)]
pub struct Upload {
    file: NamedTempFile,
    hasher: ContentHasher,
    len: u64,
}

impl Store {
    /// Takes the folder of uploads, and sweeps what a server that was killed left there.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another server takes pushes; those of the file system, as where nothing can be written.
    pub fn uploads(&self) -> Result<Uploads, StoreError> {
        let dir = self.dir().join("uploads");
        let io = |what| {
            let path = dir.clone();
            move |source| StoreError::Io { what, path, source }
        };
        fs::create_dir_all(&dir).map_err(io("making"))?;
        let lock = files::open_lock(&dir.join("lock")).map_err(io("locking"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked {
                    dir: self.dir().to_owned(),
                    holder: "another registry that takes pushes".to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(io("locking")(source)),
        }
        files::sweep(&dir, false).map_err(io("sweeping"))?;
        // Where nothing can be written, this says so now and not at the first push.
        files::temporary_in(&dir, Readable::ByOthers).map_err(io("making a file in"))?;
        drop(self.publishing()?);
        Ok(Uploads { store: self.clone(), dir, _lock: lock })
    }
}

impl Uploads {
    /// The store that takes what is pushed.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Starts an upload whose content will be named by `algorithm`.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn begin(&self, algorithm: Algorithm) -> Result<Upload, StoreError> {
        let file = files::temporary_in(&self.dir, Readable::ByOthers).map_err(|source| StoreError::Io {
            what: "making a file in",
            path: self.dir.clone(),
            source,
        })?;
        Ok(Upload { file, hasher: ContentHasher::new(algorithm), len: 0 })
    }

    /// Names `upload`, which is durable under `digest` and marked as pushed to `repository` when this returns. It takes the
    /// place of what had the name: that may have been damaged.
    ///
    /// # Errors
    /// Those of the file system; the blob may then be there or not.
    pub fn commit(
        &self,
        upload: Upload,
        digest: &ContentDigest,
        repository: &RepositoryName,
    ) -> Result<(), StoreError> {
        upload.sync()?;
        {
            let _naming = self.store.naming()?;
            self.store.touch_mark(repository, Mark::Pushed, digest)?;
            self.name(upload, digest)?;
        }
        sync_dir(&self.store.blobs_path(digest.algorithm()))?;
        self.store.sync_marks(repository, Mark::Pushed)
    }

    /// Names `upload`, which was synced. Durable after a sync of the folder.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn name(&self, upload: Upload, digest: &ContentDigest) -> Result<(), StoreError> {
        let to = self.store.blob_path(digest);
        let upload = match upload.file.persist(&to) {
            Ok(_) => return Ok(()),
            // The first content by this algorithm.
            Err(e) if e.error.kind() == std::io::ErrorKind::NotFound => e.file,
            Err(e) => return Err(StoreError::Io { what: "naming", path: to, source: e.error }),
        };
        let folder = self.store.blobs_path(digest.algorithm());
        fs::create_dir_all(&folder).map_err(|source| StoreError::Io { what: "making", path: folder, source })?;
        sync_dir(&self.store.dir().join("blobs"))?;
        upload.persist(&to).map(|_| ()).map_err(|e| StoreError::Io { what: "naming", path: to, source: e.error })
    }
}

impl Upload {
    /// Bytes so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing has come yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// Those of the file system; the upload is then as it was before.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        if let Err(e) = self.file.write_all(bytes) {
            // What was written of it must not count twice when the client tries again.
            let back = self.file.as_file().set_len(self.len).and_then(|()| self.file.seek(SeekFrom::Start(self.len)));
            return Err(self.io("writing")(back.err().unwrap_or(e)));
        }
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// The digest of all that came, by `algorithm`. What was hashed by another while it came is read once more.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn digest(&self, algorithm: Algorithm) -> Result<ContentDigest, StoreError> {
        if self.hasher.algorithm() == algorithm {
            return Ok(self.hasher.clone().finish());
        }
        let mut file = self.file.reopen().map_err(self.io("reading"))?.take(self.len);
        let hashed = ContentHasher::new(algorithm).hash_all(&mut file, &mut vec![0; 256 << 10]);
        hashed.map(|(digest, _)| digest).map_err(self.io("reading"))
    }

    /// Waits until the bytes are on the medium.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.file.as_file().sync_data().map_err(self.io("syncing"))
    }

    fn io(&self, what: &'static str) -> impl Fn(std::io::Error) -> StoreError {
        move |source| StoreError::Io { what, path: self.file.path().to_owned(), source }
    }
}
