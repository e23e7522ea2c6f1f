//! Setting damaged blobs aside.

use std::fs;
use std::path::PathBuf;

use super::prove::{Verdict, prove};
use super::throttle::Throttle;
use crate::digest::ContentDigest;
use crate::extent::BlobRead as _;
use crate::store::{Publishing, Stamp, Store, StoreError, sync_dir};

impl Store {
    pub(in crate::store) fn quarantine_dir(&self) -> PathBuf {
        self.dir().join("quarantine")
    }

    fn quarantine_path(&self, digest: &ContentDigest) -> PathBuf {
        self.quarantine_dir().join(format!("{}-{}", digest.algorithm().name(), digest.hex()))
    }

    /// Whether a damaged blob of this name was set aside.
    #[must_use]
    pub fn is_quarantined(&self, digest: &ContentDigest) -> bool {
        self.quarantine_path(digest).symlink_metadata().is_ok()
    }

    /// Reads a blob that is suspected, and sets it aside if it is not what its name says: then it is not held any more, and
    /// whoever pushes or imports it brings it again. Says whether it did. Not to be called while a [`Publishing`] lives.
    ///
    /// # Errors
    /// Those of the file system other than of reading the blob.
    pub fn quarantine(&self, digest: &ContentDigest) -> Result<bool, StoreError> {
        match prove(self, digest, &Throttle::new(None), &()) {
            // The file stays open until it was looked at again.
            Verdict::Bad { stamp, file: _file, .. } => self.publishing()?.set_aside(digest, stamp),
            _ => Ok(false),
        }
    }

    /// Whether what is held is the writing of the file that `stamp` was taken of.
    pub(super) fn is_still(&self, digest: &ContentDigest, stamp: Stamp) -> Result<bool, StoreError> {
        let now = self.stamp(digest).map_err(|source| StoreError::Io {
            what: "reading",
            path: self.blob_path(digest),
            source,
        })?;
        Ok(now == Some(stamp))
    }
}

impl Publishing<'_> {
    /// Moves a blob that was found damaged to `quarantine/`, durably, if it is still that file. Nobody names blobs meanwhile.
    pub(super) fn set_aside(&self, digest: &ContentDigest, stamp: Stamp) -> Result<bool, StoreError> {
        let store = self.store();
        if !store.is_still(digest, stamp)? {
            return Ok(false);
        }
        let (from, to, folder) = (store.blob_path(digest), store.quarantine_path(digest), store.quarantine_dir());
        if !folder.is_dir() {
            fs::create_dir_all(&folder).map_err(|source| StoreError::Io {
                what: "making",
                path: folder.clone(),
                source,
            })?;
            sync_dir(store.dir())?;
        }
        fs::rename(&from, &to).map_err(|source| StoreError::Io { what: "setting aside", path: from, source })?;
        sync_dir(&folder)?;
        sync_dir(&store.blobs_path(digest.algorithm()))?;
        Ok(true)
    }
}
