//! What clients said of single blobs in single repositories: a small file for each saying (spec/site.md section 1.6).
//!
//! ```text
//! repositories/PATH/_pushed/ALGORITHM-HEX    pushed or mounted here; its manifest has yet to come
//! repositories/PATH/_removed/ALGORITHM-HEX   deleted here, though a manifest that is still here lists it
//! ```
//!
//! Components of a repository's path begin with a letter or a digit, so neither folder can be taken for one.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Store;
use super::error::StoreError;
use crate::catalog::RepositoryName;
use crate::digest::{Algorithm, ContentDigest};

/// What is said of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It was pushed or mounted, or looked at by somebody who may push a manifest that lists it.
    Pushed,
    /// It was deleted.
    Removed,
}

impl Mark {
    fn folder(self) -> &'static str {
        match self {
            Self::Pushed => "_pushed",
            Self::Removed => "_removed",
        }
    }
}

/// A mark with its age.
#[derive(Debug, Clone)]
pub struct Marked {
    /// The blob or manifest.
    pub digest: ContentDigest,
    /// When it was marked, by the site's clock.
    pub since: SystemTime,
    /// The mark's file.
    pub(super) path: PathBuf,
}

impl Store {
    /// Whether `digest` is marked in `repository`.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn is_marked(
        &self,
        repository: &RepositoryName,
        mark: Mark,
        digest: &ContentDigest,
    ) -> Result<bool, StoreError> {
        let path = self.mark_path(repository, mark, digest);
        match fs::symlink_metadata(&path) {
            Ok(_) => Ok(true),
            Err(e) if is_absent(&e) => Ok(false),
            Err(source) => Err(StoreError::Io { what: "reading", path, source }),
        }
    }

    /// Marks `digest`, durably. A mark that is there becomes a new one.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn mark(&self, repository: &RepositoryName, mark: Mark, digest: &ContentDigest) -> Result<(), StoreError> {
        self.touch_mark(repository, mark, digest)?;
        self.sync_marks(repository, mark)
    }

    /// As [`Store::mark`], but durable only after [`Store::sync_marks`].
    ///
    /// # Errors
    /// Those of the file system.
    pub fn touch_mark(
        &self,
        repository: &RepositoryName,
        mark: Mark,
        digest: &ContentDigest,
    ) -> Result<(), StoreError> {
        let path = self.mark_path(repository, mark, digest);
        let io = |source| StoreError::Io { what: "writing", path: path.clone(), source };
        let create = || File::options().write(true).create(true).truncate(true).open(&path);
        let file = match create() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.make_folders(&self.marks_path(repository, mark))?;
                create().map_err(io)?
            }
            other => other.map_err(io)?,
        };
        file.set_modified(SystemTime::now()).map_err(io)
    }

    /// Makes the marks of a repository durable.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn sync_marks(&self, repository: &RepositoryName, mark: Mark) -> Result<(), StoreError> {
        super::sync_dir(&self.marks_path(repository, mark))
    }

    /// Takes a mark away, and says whether there was one. Until [`Store::sync_marks`] it may come back after a power cut.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn unmark(&self, repository: &RepositoryName, mark: Mark, digest: &ContentDigest) -> Result<bool, StoreError> {
        let path = self.mark_path(repository, mark, digest);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(e) if is_absent(&e) => Ok(false),
            Err(source) => Err(StoreError::Io { what: "removing", path, source }),
        }
    }

    /// Takes all marks of a kind away from a repository.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn unmark_all(&self, repository: &RepositoryName, mark: Mark) -> Result<(), StoreError> {
        let path = self.marks_path(repository, mark);
        match fs::remove_dir_all(&path) {
            Err(e) if !is_absent(&e) => Err(StoreError::Io { what: "removing", path, source: e }),
            _ => Ok(()),
        }
    }

    /// All that is marked in a repository.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn marked(&self, repository: &RepositoryName, mark: Mark) -> Result<HashSet<ContentDigest>, StoreError> {
        let mut found = Vec::new();
        read_marks(&self.marks_path(repository, mark), &mut found)?;
        Ok(found.into_iter().map(|m| m.digest).collect())
    }

    /// All that is marked so anywhere.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn all_marked(&self, mark: Mark) -> Result<Vec<Marked>, StoreError> {
        let mut found = Vec::new();
        let mut folders = vec![self.repositories_path()];
        while let Some(folder) = folders.pop() {
            for entry in list(&folder)? {
                match entry.file_name().to_str() {
                    Some(name) if name == mark.folder() => read_marks(&entry.path(), &mut found)?,
                    Some(name) if !name.starts_with('_') => folders.push(entry.path()),
                    _ => {}
                }
            }
        }
        Ok(found)
    }

    /// Every folder of repositories and their marks.
    pub(super) fn mark_folders(&self) -> Result<Vec<PathBuf>, StoreError> {
        let (mut found, mut waiting) = (Vec::new(), vec![self.repositories_path()]);
        while let Some(folder) = waiting.pop() {
            let below = list(&folder)?.into_iter().filter(|e| e.file_type().is_ok_and(|t| t.is_dir()));
            for folder in below.map(|e| e.path()) {
                waiting.push(folder.clone());
                found.push(folder);
            }
        }
        Ok(found)
    }

    fn repositories_path(&self) -> PathBuf {
        self.dir().join("repositories")
    }

    fn marks_path(&self, repository: &RepositoryName, mark: Mark) -> PathBuf {
        self.repositories_path().join(repository.path()).join(mark.folder())
    }

    fn mark_path(&self, repository: &RepositoryName, mark: Mark, digest: &ContentDigest) -> PathBuf {
        self.marks_path(repository, mark).join(format!("{}-{}", digest.algorithm().name(), digest.hex()))
    }

    /// Makes `path`, which lies below the site, and each new name on the way to it durable.
    fn make_folders(&self, path: &Path) -> Result<(), StoreError> {
        let missing: Vec<&Path> = path.ancestors().take_while(|p| !p.is_dir()).collect();
        fs::create_dir_all(path).map_err(|source| StoreError::Io { what: "making", path: path.to_owned(), source })?;
        missing.iter().filter_map(|made| made.parent()).try_for_each(super::sync_dir)
    }
}

/// Not there, or a repository whose path is that of no folder.
fn is_absent(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn list(folder: &Path) -> Result<Vec<fs::DirEntry>, StoreError> {
    let io = |source| StoreError::Io { what: "listing", path: folder.to_owned(), source };
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect::<Result<_, _>>().map_err(io),
        Err(e) if is_absent(&e) => Ok(Vec::new()),
        Err(e) => Err(io(e)),
    }
}

fn read_marks(folder: &Path, into: &mut Vec<Marked>) -> Result<(), StoreError> {
    for entry in list(folder)? {
        let name = entry.file_name();
        let digest = name.to_str().and_then(|name| {
            let (algorithm, hex) = name.split_once('-')?;
            ContentDigest::from_hex(algorithm.parse::<Algorithm>().ok()?, hex)
        });
        // A mark that goes meanwhile is one that is not there.
        let since = entry.metadata().and_then(|m| m.modified());
        if let (Some(digest), Ok(since)) = (digest, since) {
            into.push(Marked { digest, since, path: entry.path() });
        }
    }
    Ok(())
}
