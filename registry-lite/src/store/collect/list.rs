//! The files of blobs.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::document::quarantined_name;
use crate::digest::{Algorithm, ContentDigest};
use crate::store::{Store, StoreError};

/// What lies among the blobs.
#[derive(Debug, Default)]
pub(in crate::store) struct Listing {
    /// Files that are called as blobs are, with their lengths in bytes.
    pub blobs: Vec<(ContentDigest, u64)>,
    /// Everything else.
    pub foreign: Vec<PathBuf>,
}

/// A blob that was set aside.
pub(in crate::store) struct Quarantined {
    pub digest: ContentDigest,
    pub path: PathBuf,
    pub len: u64,
    /// When it was set aside.
    pub since: SystemTime,
}

impl Store {
    /// Lists `blobs/`. Memory: 80 bytes for each.
    pub(in crate::store) fn list_blobs(&self) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        for algorithm in Algorithm::ALL {
            for entry in entries(self.blobs_path(algorithm))? {
                let digest = entry.file_name().to_str().and_then(|name| ContentDigest::from_hex(algorithm, name));
                match (digest, entry.metadata()) {
                    (Some(digest), Ok(m)) if m.is_file() => listing.blobs.push((digest, m.len())),
                    (_, Err(e)) if e.kind() == io::ErrorKind::NotFound => {}
                    _ => listing.foreign.push(entry.path()),
                }
            }
        }
        let known = Algorithm::ALL.map(Algorithm::name);
        let other = |entry: &fs::DirEntry| !known.iter().any(|name| entry.file_name() == *name);
        listing.foreign.extend(entries(self.dir().join("blobs"))?.iter().filter(|e| other(e)).map(fs::DirEntry::path));
        Ok(listing)
    }

    pub(in crate::store) fn list_quarantine(&self) -> Result<Vec<Quarantined>, StoreError> {
        let mut found = Vec::new();
        for entry in entries(self.quarantine_dir())? {
            let digest = entry.file_name().to_str().and_then(quarantined_name);
            if let (Some(digest), Ok(m)) = (digest, entry.metadata())
                && m.is_file()
            {
                // Renaming changes the time of the last change of the file's metadata, and no other.
                let since = SystemTime::UNIX_EPOCH + Duration::from_secs(m.ctime().max(0).unsigned_abs());
                found.push(Quarantined { digest, path: entry.path(), len: m.len(), since });
            }
        }
        Ok(found)
    }
}

fn entries(folder: PathBuf) -> Result<Vec<fs::DirEntry>, StoreError> {
    let listed = match fs::read_dir(&folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.and_then(Iterator::collect),
    };
    listed.map_err(|source| StoreError::Io { what: "listing", path: folder, source })
}
