//! Why nothing was installed.

use std::io;
use std::path::PathBuf;

use bundle_format::{Code, Coded, ImageRef};
use registry_lite::StoreError;

use crate::holdings::HoldingError;
use crate::render::RenderError;

/// Why an installation was not made.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The template version.
    #[error(transparent)]
    Holding(#[from] HoldingError),
    /// The site's folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The template cannot be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The template runs an image that did not travel with it.
    #[error("{label} runs {image}, which is not part of it")]
    NoImage {
        /// `NAME:TAG`.
        label: String,
        /// The image.
        image: ImageRef,
    },
    /// The installation exists on another target.
    #[error("{name} is installed in this namespace already, on {target}")]
    OtherTarget {
        /// The installation.
        name: String,
        /// Its target.
        target: String,
    },
    /// Another version is installed.
    #[error("{name} {there} is installed in {namespace} already")]
    OtherVersion {
        /// The installation.
        name: String,
        /// Its version.
        there: String,
        /// Its namespace.
        namespace: String,
    },
    /// A file is in the way that no installation of this site has written.
    #[error("{} is there already, and not from this installation", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The target's folder.
    #[error("{what} {}: {source}", path.display())]
    Target {
        /// What was done, as in "writing".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The system gives no random bytes for secrets.
    #[error("the system gives no random bytes: {0}")]
    NoRandom(String),
    /// A record is damaged.
    #[error("{} is damaged: {why}", path.display())]
    Record {
        /// The record.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

impl Coded for InstallError {
    fn code(&self) -> Code {
        match self {
            Self::Holding(e) => e.code(),
            Self::Store(e) => e.code(),
            Self::Render(_) => Code::Render,
            Self::OtherTarget { .. } | Self::OtherVersion { .. } | Self::Foreign { .. } => Code::Exists,
            Self::Target { source, .. } if source.kind() == io::ErrorKind::StorageFull => Code::Space,
            Self::Target { .. } | Self::NoRandom(_) => Code::Io,
            Self::Record { .. } | Self::NoImage { .. } => Code::SiteDamaged,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Holding(e) => e.hint(),
            Self::Store(e) => e.hint(),
            Self::OtherVersion { .. } => Some(
                "this sealift installs, and does not upgrade yet: install into another namespace, or into the same one from \
                 another site folder"
                    .to_owned(),
            ),
            Self::OtherTarget { target, .. } => Some(format!("install again with --target {target}, or into another namespace")),
            Self::Foreign { .. } => Some("choose an empty folder for --target dir:".to_owned()),
            _ => None,
        }
    }
}
