//! The content store of a site: an OCI image layout with a lock (spec/site.md).
//!
//! ```text
//! SITE/
//!   site.json         what this folder is, and its format's version
//!   oci-layout        OCI image layout, so that skopeo, oras and podman read the folder as it is
//!   index.json        every name and what it stands for: the only reference file, replaced in one step
//!   blobs/sha256/…    content, each under its digest; nothing is ever changed in place
//!   tmp/              what an import has not got whole yet; whoever locks the site next sweeps it
//!   lock              held by the one process that imports or collects
//!   publish.lock      held for moments by whoever changes what is shown
//!   uploads/          what clients are pushing
//!   repositories/     what clients said of single blobs
//!   quarantine/       blobs that were found damaged
//! ```
//!
//! What is named in `index.json` is whole: a blob is written to `tmp/`, synced and renamed before anything refers to it.

mod collect;
mod error;
mod files;
mod fsck;
mod index;
mod links;
mod lock;
mod publish;
mod uploads;
mod writeback;
mod writer;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bundle_format::json::{self, Numbers};
use bundle_format::{BlobSource, Descriptor, Digest, SourceError};
use serde::{Deserialize, Serialize};

pub use collect::{CollectError, CollectOptions, Freed, GRACE, KeptUntagged, Plan, Planned, Unreadable, Why};
pub use error::StoreError;
pub use files::{Readable, free_space, replace, sync_dir};
pub use fsck::{Checked, Finding, FsckOptions};
pub use index::Entry;
pub use links::{Mark, Marked};
pub use lock::LockedStore;
pub use publish::{Naming, Publishing, Stamp};
pub use uploads::{Upload, Uploads};
pub use writeback::Writeback;
pub use writer::BlobWriter;

use crate::digest::{Algorithm, ContentDigest};
use crate::extent::{BlobRead, Extent};

const FORMAT: &str = "https://sealift.dev/site/v1";

/// A site's content, for reading. Any number of processes may read while one writes.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Marker {
    format: String,
}

impl Store {
    /// Opens the site in `dir`.
    ///
    /// # Errors
    /// [`StoreError::NotASite`], [`StoreError::OtherFormat`], or reading fails.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("site.json");
        let bytes = match files::read_limited(&path, 4096) {
            Ok(bytes) => bytes,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(StoreError::NotASite { dir: dir.to_owned() });
            }
            Err(source) => return Err(StoreError::Io { what: "reading", path, source }),
        };
        let marker: Marker = json::parse(&bytes, 4096, Numbers::Any)
            .map_err(|e| StoreError::Damaged { path: path.clone(), why: e.to_string() })?;
        if marker.format != FORMAT {
            return Err(StoreError::OtherFormat { dir: dir.to_owned(), format: marker.format });
        }
        Ok(Self { dir: dir.to_owned() })
    }

    /// Locks the site in `dir`, or makes one there if the folder is missing or empty.
    ///
    /// # Errors
    /// Those of [`Store::open`] and [`Store::lock`]; the folder holds something else.
    pub fn lock_or_create(dir: &Path) -> Result<LockedStore, StoreError> {
        match Self::open(dir) {
            Err(StoreError::NotASite { .. }) => {}
            other => return other?.lock(),
        }
        let io = |what| move |source| StoreError::Io { what, path: dir.to_owned(), source };
        fs::create_dir_all(dir).map_err(io("making"))?;
        // A first import that was killed leaves only files of ours; everything else is somebody else's.
        for entry in fs::read_dir(dir).map_err(io("listing"))? {
            let name = entry.map_err(io("listing"))?.file_name();
            let ours = ["site.json", "oci-layout", "index.json", "blobs", "tmp", "lock", "publish.lock", "uploads"]
                .iter()
                .any(|n| name == *n);
            if !ours && !name.to_string_lossy().starts_with(files::TEMPORARY) {
                return Err(StoreError::NotASite { dir: dir.to_owned() });
            }
        }
        fs::create_dir_all(dir.join("blobs/sha256")).map_err(io("making"))?;
        // Two first imports at once: the lock decides which of them makes the site.
        let locked = Self { dir: dir.to_owned() }.lock()?;
        if Self::open(dir).is_err() {
            replace(&dir.join("oci-layout"), bundle_format::version_index::OCI_LAYOUT, Readable::ByOthers)?;
            replace(&dir.join("index.json"), &index::index_bytes(&[])?, Readable::ByOthers)?;
            // Last, because it says that the rest is there.
            let marker = serde_json::to_vec(&Marker { format: FORMAT.to_owned() })?;
            replace(&dir.join("site.json"), &marker, Readable::ByOthers)?;
        }
        Ok(locked)
    }

    /// The site's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file that changes whenever what is published changes.
    #[must_use]
    pub fn index_path(&self) -> PathBuf {
        self.dir.join("index.json")
    }

    /// Whether the blob is there with its size. Its content was proved when it was written, and is not hashed again.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn has(&self, digest: &Digest, size: u64) -> Result<bool, StoreError> {
        let digest = &ContentDigest::from(*digest);
        let extent = self.locate(digest).map_err(|source| StoreError::Io {
            what: "reading",
            path: self.blob_path(digest),
            source,
        })?;
        Ok(extent.is_some_and(|extent| extent.len() == size))
    }

    /// The length in bytes of what is held under `digest`, if anything is.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn blob_len(&self, digest: &ContentDigest) -> Result<Option<u64>, StoreError> {
        let path = self.blob_path(digest);
        match fs::symlink_metadata(&path) {
            Ok(m) if m.is_file() => Ok(Some(m.len())),
            Ok(_) => Ok(None),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Io { what: "reading", path, source }),
        }
    }

    /// Makes the names of all blobs durable.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn sync_blobs(&self) -> Result<(), StoreError> {
        let folders = Algorithm::ALL.map(|algorithm| self.blobs_path(algorithm));
        folders.iter().filter(|folder| folder.is_dir()).try_for_each(|folder| sync_dir(folder))
    }

    pub(crate) fn blob_path(&self, digest: &ContentDigest) -> PathBuf {
        self.blobs_path(digest.algorithm()).join(digest.hex())
    }

    fn blobs_path(&self, algorithm: Algorithm) -> PathBuf {
        self.dir.join("blobs").join(algorithm.name())
    }
}

impl BlobRead for Store {
    fn locate(&self, digest: &ContentDigest) -> io::Result<Option<Extent>> {
        let file = match files::open_regular(&self.blob_path(digest)) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        Extent::whole(file).map(Some)
    }

    fn stamp(&self, digest: &ContentDigest) -> io::Result<Option<Stamp>> {
        match fs::symlink_metadata(self.blob_path(digest)) {
            Ok(m) => Ok(Some(Stamp::from(&m))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}

impl BlobSource for Store {
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>, SourceError> {
        match files::open_regular(&self.blob_path(&blob.digest.into())) {
            Ok(file) => Ok(Box::new(file)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                Err(SourceError::Missing { place: self.place(), what: blob.digest.to_string() })
            }
            Err(source) => Err(SourceError::Io { place: self.place(), source }),
        }
    }

    fn place(&self) -> String {
        self.dir.display().to_string()
    }
}
