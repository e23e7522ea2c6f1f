//! Why nothing was imported.

use bundle_format::template::TemplateError;
use bundle_format::version_index::VersionIndexError;
use bundle_format::walk::BundleError;
use bundle_format::{Code, Coded, Digest, SourceError};
use registry_lite::StoreError;
use registry_lite::client::ClientError;

/// Why an import ended without publishing anything.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The bundle is refused, or the site's store failed meanwhile.
    #[error(transparent)]
    Site(#[from] BundleError<StoreError>),
    /// The bundle is refused, or the registry failed meanwhile.
    #[error(transparent)]
    Registry(#[from] BundleError<ClientError>),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The registry.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The site or the registry holds something else under this name.
    #[error("{place} already holds {label}, with other content: {there}; the bundle has {offered}")]
    VersionExists {
        /// The site's folder, or the registry.
        place: String,
        /// `NAME:TAG`.
        label: String,
        /// The version index that is there.
        there: Digest,
        /// The bundle's.
        offered: Digest,
    },
    /// A registry takes no index of which it does not get every platform.
    #[error("{place} does not take {image}, of which this bundle carries some platforms only: {source}")]
    Sparse {
        /// The registry.
        place: String,
        /// The image.
        image: String,
        /// Its answer.
        source: Box<ClientError>,
    },
    /// What was written cannot be read back.
    #[error(transparent)]
    ReadBack(#[from] SourceError),
    /// The template is one that this version cannot install.
    #[error("the template of {label}: {source}")]
    Template {
        /// `NAME:TAG`.
        label: String,
        /// What is wrong.
        source: TemplateError,
    },
    /// The template describes something else than it travels with.
    #[error("the template of {label} is not about its content: the {what} differ")]
    Disagrees {
        /// `NAME:TAG`.
        label: String,
        /// What differs.
        what: &'static str,
    },
    /// The release cannot be written beside its content.
    #[error(transparent)]
    VersionIndex(#[from] VersionIndexError),
}

impl Coded for ImportError {
    fn code(&self) -> Code {
        match self {
            Self::Site(e) => e.code(),
            Self::Registry(e) => e.code(),
            Self::Store(e) => e.code(),
            Self::Client(e) => e.code(),
            Self::VersionExists { .. } => Code::VersionExists,
            Self::Sparse { .. } => Code::Registry,
            Self::ReadBack(_) => Code::Io,
            Self::Template { .. } | Self::Disagrees { .. } => Code::Release,
            Self::VersionIndex(_) => Code::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Site(e) => e.hint(),
            Self::Registry(e) => e.hint(),
            Self::Store(e) => e.hint(),
            Self::Client(e) => Coded::hint(e),
            Self::VersionExists { .. } => Some(
                "a version never changes silently: the vendor publishes other content as a new version, or with a higher \
                 `revision` in the template"
                    .to_owned(),
            ),
            Self::Sparse { .. } => Some(
                "pack without --platform for such a registry, or import into a site and use `sealift registry serve`"
                    .to_owned(),
            ),
            Self::Template { .. } => {
                Some("the vendor may have used a newer sealift: ask for that one, too".to_owned())
            }
            Self::Disagrees { .. } => Some("nothing was published; tell the vendor".to_owned()),
            Self::ReadBack(_) | Self::VersionIndex(_) => None,
        }
    }
}
