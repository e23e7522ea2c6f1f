//! A folder as a [`Tree`].

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use bundle_format::SourceError;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::refused;
use super::tree::{Content, Tree};

/// A folder, held open: renaming it, or putting another in its place, does not change what is read.
pub(super) struct Folder {
    dir: OwnedFd,
    place: String,
}

impl Folder {
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let place = path.display().to_string();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(dir) => Ok(Self { dir, place }),
            Err(Errno::NOTDIR) if path.is_file() => {
                Err(refused(&place, "is a file; an OCI layout in a tar is written `oci-archive:PATH`"))
            }
            Err(source) => Err(SourceError::Io { place, source: source.into() }),
        }
    }

    fn io(&self, name: &str, source: impl Into<io::Error>) -> SourceError {
        SourceError::Io { place: format!("{}/{name}", self.place), source: source.into() }
    }
}

impl Tree for Folder {
    fn open(&self, name: &str) -> Result<Option<Content<'_>>, SourceError> {
        // NONBLOCK: opening a named pipe would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.dir, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(refused(&self.place, format!("{name:?} is a symbolic link, not a file"))),
            Err(source) => return Err(self.io(name, source)),
        };
        let metadata = file.metadata().map_err(|source| self.io(name, source))?;
        if !metadata.is_file() {
            return Err(refused(&self.place, format!("{name:?} is not a regular file")));
        }
        Ok(Some(Content { size: metadata.len(), reader: Box::new(file) }))
    }

    fn place(&self) -> &str {
        &self.place
    }
}
