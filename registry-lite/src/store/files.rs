//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use tempfile::NamedTempFile;

use super::error::StoreError;

/// What the names of temporary files begin with.
pub(super) const TEMPORARY: &str = ".tmp-";

/// Opens a regular file for reading; refuses links, folders, devices and pipes.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
    }
}

/// Opens a file to lock it; makes it if it is not there. Its content does not matter.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}

/// Who may read a file of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readable {
    /// Everybody who may read the folder, as far as the umask lets: another user may serve what root imported.
    ByOthers,
    /// The owner alone.
    ByOwner,
}

impl Readable {
    pub(super) fn permissions(self) -> fs::Permissions {
        fs::Permissions::from_mode(match self {
            Self::ByOthers => 0o644,
            Self::ByOwner => 0o600,
        })
    }
}

/// Puts `bytes` at `path` in one step: temporary file beside it, sync, rename, sync of the folder.
///
/// # Errors
/// Those of the file system; the old content is then still there.
pub fn replace(path: &Path, bytes: &[u8], readable: Readable) -> Result<(), StoreError> {
    let dir = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let io = |what| {
        let path = path.to_owned();
        move |source| StoreError::Io { what, path, source }
    };
    let mut file = temporary_in(&dir, readable).map_err(io("making a file for"))?;
    file.write_all(bytes).map_err(io("writing"))?;
    file.as_file().sync_all().map_err(io("syncing"))?;
    file.persist(path).map_err(|e| io("naming")(e.error))?;
    sync_dir(&dir)
}

/// A file in `dir` that goes with the value unless it is named.
pub(super) fn temporary_in(dir: &Path, readable: Readable) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(TEMPORARY).permissions(readable.permissions()).tempfile_in(dir)
}

/// Makes the names in a folder durable.
///
/// # Errors
/// Those of the file system.
pub fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(|source| StoreError::Io {
        what: "syncing",
        path: dir.to_owned(),
        source,
    })
}

/// Removes what a killed run left in `dir`: everything, or only files with our prefix.
pub(super) fn sweep(dir: &Path, all: bool) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if (all || entry.file_name().to_string_lossy().starts_with(TEMPORARY)) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Bytes that this user may still write to the file system of `path`.
///
/// # Errors
/// Those of the file system.
pub fn free_space(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
