//! How a source is written: skopeo's transport notation (containers-transports(5)).

use std::fmt;
use std::path::{Path, PathBuf};

use bundle_format::reference::ImageRefError;
use bundle_format::{ImageRef, SourceError};

use super::archive::Archive;
use super::folder::Folder;
use super::layout::Layout;
use super::{ImageSource, docker};

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// A folder or an archive.
    File(FileSpec),
    /// `docker://NAME`: a registry.
    Registry(ImageRef),
}

/// An image in a folder or an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSpec {
    kind: FileKind,
    path: PathBuf,
    reference: Option<String>,
}

/// The form of a folder or an archive of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// `oci:`, an OCI image layout in a folder (image-spec image-layout.md).
    OciLayout,
    /// `oci-archive:`, an OCI image layout in an uncompressed tar.
    OciArchive,
    /// `docker-archive:`, what `docker save` writes.
    DockerArchive,
}

/// Why a text is not a [`SourceSpec`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// It starts with nothing that we read.
    #[error(
        "{text:?} is not an image source: known are `oci:PATH[:REF]`, `oci-archive:PATH[:REF]`, \
         `docker-archive:PATH[:REF]` and `docker://NAME`"
    )]
    Transport {
        /// What was given, cut to 300 characters.
        text: String,
    },
    /// The path is missing.
    #[error("{text:?} names no path: expected {transport}:PATH[:REF]")]
    NoPath {
        /// What was given, cut to 300 characters.
        text: String,
        /// What stands before the colon.
        transport: &'static str,
    },
    /// A colon after the path, and nothing after that.
    #[error("{text:?} ends in a colon: name the image after it, or leave it out")]
    NoReference {
        /// What was given, cut to 300 characters.
        text: String,
    },
    /// What follows `docker://` is not the name of an image.
    #[error(transparent)]
    Name(#[from] ImageRefError),
}

impl FileKind {
    const ALL: [Self; 3] = [Self::OciLayout, Self::OciArchive, Self::DockerArchive];

    /// What stands before the first colon.
    #[must_use]
    pub fn transport(self) -> &'static str {
        match self {
            Self::OciLayout => "oci",
            Self::OciArchive => "oci-archive",
            Self::DockerArchive => "docker-archive",
        }
    }
}

impl SourceSpec {
    /// Reads `text`; a relative path is one below `base_dir`. As in skopeo, a path ends at its first colon.
    ///
    /// # Errors
    /// [`SpecError`]: an unknown transport, no path, an empty REF, not the name of an image.
    pub fn parse(text: &str, base_dir: &Path) -> Result<Self, SpecError> {
        if let Some(name) = text.strip_prefix("docker://") {
            return Ok(Self::Registry(name.parse()?));
        }
        let given = || text.chars().take(300).collect::<String>();
        let unknown = || SpecError::Transport { text: given() };
        let (transport, rest) = text.split_once(':').ok_or_else(unknown)?;
        let kind = FileKind::ALL.into_iter().find(|kind| kind.transport() == transport).ok_or_else(unknown)?;
        let (path, reference) = match rest.split_once(':') {
            Some((_, "")) => return Err(SpecError::NoReference { text: given() }),
            Some((path, reference)) => (path, Some(reference.to_owned())),
            None => (rest, None),
        };
        if path.is_empty() {
            return Err(SpecError::NoPath { text: given(), transport: kind.transport() });
        }
        Ok(Self::File(FileSpec { kind, path: base_dir.join(path), reference }))
    }

    /// Opens the source; an image in a registry is opened by `registry`, because clients, credentials and mirrors are
    /// not this module's.
    ///
    /// # Errors
    /// Those of [`FileSpec::open`], or of `registry`.
    pub fn open(
        &self,
        registry: impl FnOnce(&ImageRef) -> Result<Box<dyn ImageSource>, SourceError>,
    ) -> Result<Box<dyn ImageSource>, SourceError> {
        match self {
            Self::File(file) => file.open(),
            Self::Registry(name) => registry(name),
        }
    }
}

impl FileSpec {
    /// The form of what is at the path.
    #[must_use]
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// The folder or the archive.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which image in it, where one is named.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// Opens the source, chooses the image and proves its manifest or index. The blobs below are not read, except for
    /// layers that a docker archive holds compressed: nothing but reading those tells their digest.
    ///
    /// # Errors
    /// [`SourceError`]: nothing there, or of another form; no such image, or several and none named; a manifest that
    /// is damaged or too large. Every message starts with the path.
    pub fn open(&self) -> Result<Box<dyn ImageSource>, SourceError> {
        let (path, reference) = (self.path.as_path(), self.reference());
        match self.kind {
            FileKind::OciLayout => Ok(Box::new(Layout::open(Folder::open(path)?, reference)?)),
            FileKind::OciArchive => Ok(Box::new(Layout::open(Archive::open(path)?, reference)?)),
            FileKind::DockerArchive => docker::open(Archive::open(path)?, reference),
        }
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.fmt(f),
            Self::Registry(name) => write!(f, "docker://{name}"),
        }
    }
}

impl fmt::Display for FileSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.transport(), self.path.display())?;
        match &self.reference {
            Some(reference) => write!(f, ":{reference}"),
            None => Ok(()),
        }
    }
}
