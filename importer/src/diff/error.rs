//! Why two bundles cannot be compared.

use std::io;

use bundle_format::oci::OciError;
use bundle_format::template::TemplateError;
use bundle_format::version_index::VersionIndexError;
use bundle_format::walk::BundleError;
use bundle_format::{Code, Coded, Digest};

/// Why two bundles cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// The head of a bundle is refused.
    #[error("{place}: {source}")]
    Bundle {
        /// The bundle.
        place: String,
        /// Why.
        source: BundleError,
    },
    /// Content cannot be read, or is not what its digest says.
    #[error("{place}: reading blobs/sha256/{}: {source}", digest.hex())]
    Read {
        /// The bundle.
        place: String,
        /// The content.
        digest: Digest,
        /// The cause.
        source: io::Error,
    },
    /// Something without which there is nothing to compare is not in the bundle, or larger than it may be.
    #[error("{place}: {what} ({digest}) is not in this bundle, or larger than it may be")]
    Missing {
        /// The bundle.
        place: String,
        /// What is missing.
        what: &'static str,
        /// Its digest.
        digest: Digest,
    },
    /// The content is no template version.
    #[error("{place}: {source}")]
    Version {
        /// The bundle.
        place: String,
        /// Why.
        source: VersionIndexError,
    },
    /// The template is not acceptable.
    #[error("{place}: the template in it is not acceptable: {source}")]
    Template {
        /// The bundle.
        place: String,
        /// Why.
        source: TemplateError,
    },
    /// A manifest is malformed.
    #[error("{place}: {source}")]
    Document {
        /// The bundle.
        place: String,
        /// Why.
        source: OciError,
    },
}

impl Coded for DiffError {
    fn code(&self) -> Code {
        match self {
            Self::Bundle { source, .. } => source.code(),
            Self::Read { source, .. } => match source.kind() {
                io::ErrorKind::InvalidData => Code::Digest,
                io::ErrorKind::UnexpectedEof => Code::Truncated,
                _ => Code::Io,
            },
            Self::Missing { .. } => Code::Graph,
            Self::Version { .. } | Self::Template { .. } => Code::VersionIndex,
            Self::Document { .. } => Code::Document,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Bundle { source, .. } => source.hint(),
            _ => Some("`sealift verify` says whether the bundle arrived whole; if not, copy it again".to_owned()),
        }
    }
}
