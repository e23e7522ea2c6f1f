//! Why nothing was imported.

use std::io;
use std::path::PathBuf;

use bundle_format::archive::MemberName;
use bundle_format::delta::DeltaError;
use bundle_format::statement::MarkError;
use bundle_format::template::TemplateError;
use bundle_format::version_index::VersionIndexError;
use bundle_format::walk::BundleError;
use bundle_format::{Code, Coded, Digest, SourceError};
use registry_lite::StoreError;
use registry_lite::client::ClientError;

use super::Lacking;

/// Blobs that a message names.
const NAMED: usize = 8;

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
    /// What a delta is made from is not there, or damaged. Nothing was written.
    #[error("{}", base_message(place, lacking))]
    Base {
        /// The site's folder, or the registry.
        place: String,
        /// What the delta was made for: the template versions that a site must have, in each of the ways that will do.
        states: Vec<String>,
        /// Every blob that is not there as it should be.
        lacking: Vec<Lacking>,
    },
    /// A patch needs more memory than it may use. Nothing was written.
    #[error("making {blob} needs {needed} bytes of memory, {allowed} are allowed")]
    Memory {
        /// The blob.
        blob: Digest,
        /// Bytes that its patch needs.
        needed: u64,
        /// Bytes that are allowed.
        allowed: u64,
    },
    /// A patch cannot be applied.
    #[error("{} cannot be applied to make {blob}: {source}", MemberName::Patch(*patch))]
    Rebuild {
        /// The blob that it makes.
        blob: Digest,
        /// The patch.
        patch: Digest,
        /// Whether its sources were read and proved before.
        sources_read: bool,
        /// What is wrong.
        source: DeltaError,
    },
    /// A patch makes something else than was signed.
    #[error("{} makes {found}, {wanted} was signed", MemberName::Patch(*patch))]
    OtherBlob {
        /// The patch.
        patch: Digest,
        /// What was signed.
        wanted: Digest,
        /// What it made.
        found: Digest,
    },
    /// A temporary file.
    #[error("temporary files in {}: {source}", path.display())]
    Temporary {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Too little room for temporary files.
    #[error("{} has {free} bytes free, {needed} are needed for temporary files", path.display())]
    NoSpace {
        /// The folder.
        path: PathBuf,
        /// Bytes free.
        free: u64,
        /// Bytes needed.
        needed: u64,
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
    /// A status is not of the version that it came for.
    #[error(transparent)]
    Mark(#[from] MarkError),
    /// The site does not hold the version of a status.
    #[error("{dir} does not hold {label} ({digest}), which the status is of")]
    NoVersion {
        /// The site's folder.
        dir: String,
        /// `NAME:TAG`.
        label: String,
        /// Digest of the version index.
        digest: Digest,
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
            Self::Base { lacking, .. } if lacking.iter().all(|blob| blob.damaged) => Code::BaseDamaged,
            Self::Base { .. } => Code::BaseMissing,
            Self::Memory { .. } => Code::Memory,
            Self::Rebuild { source: DeltaError::Io(e), .. } if e.kind() == io::ErrorKind::StorageFull => Code::Space,
            Self::Rebuild { source: DeltaError::Source { .. }, sources_read: false, .. } => Code::BaseDamaged,
            Self::Rebuild { source: DeltaError::Io(_), .. } => Code::Io,
            Self::Rebuild { .. } | Self::OtherBlob { .. } => Code::Patch,
            Self::Temporary { .. } => Code::Io,
            Self::NoSpace { .. } => Code::Space,
            Self::ReadBack(_) => Code::Io,
            Self::Template { .. } | Self::Disagrees { .. } => Code::Release,
            Self::Mark(e) => e.code(),
            Self::NoVersion { .. } => Code::NotFound,
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
            Self::Mark(e) => e.hint(),
            Self::NoVersion { .. } => Some("import its bundle, and the status with it; nothing was written".to_owned()),
            Self::Disagrees { .. } => Some("nothing was published; tell the vendor".to_owned()),
            Self::Base { states, .. } => Some(base_hint(self.code(), states)),
            Self::Memory { needed, .. } => Some(format!("allow it with --memory {needed}, or import the full bundle")),
            Self::Rebuild { .. } if self.code() == Code::BaseDamaged => {
                Some("the registry gave other bytes than it took: import the full bundle".to_owned())
            }
            Self::Rebuild { .. } | Self::OtherBlob { .. } if self.code() == Code::Patch => {
                Some("nothing was published; tell the vendor, and ask for the full bundle".to_owned())
            }
            Self::NoSpace { .. } => Some("free space there, or name another folder in TMPDIR; nothing was written".to_owned()),
            Self::Rebuild { .. } | Self::OtherBlob { .. } | Self::Temporary { .. } => None,
            Self::ReadBack(_) | Self::VersionIndex(_) => None,
        }
    }
}

fn base_message(place: &str, lacking: &[Lacking]) -> String {
    let bytes: u64 = lacking.iter().map(|blob| blob.size).fold(0, u64::saturating_add);
    let one = |blob: &Lacking| {
        let how = if blob.damaged { "damaged" } else { "missing" };
        format!("{} ({how}, of {})", blob.digest, blob.supplied_by.join(" or "))
    };
    let mut named: Vec<_> = lacking.iter().take(NAMED).map(one).collect();
    if lacking.len() > NAMED {
        named.push(format!("and {} more", lacking.len() - NAMED));
    }
    let count = match lacking.len() {
        1 => "1 blob".to_owned(),
        n => format!("{n} blobs"),
    };
    format!("{place} does not hold what this delta is made from: {count}, {bytes} bytes: {}", named.join(", "))
}

fn base_hint(code: Code, states: &[String]) -> String {
    let states = states.join(", or ");
    match code {
        Code::BaseDamaged => {
            format!(
                "`sealift registry fsck` sets damaged blobs aside; then import {states} again, or the full bundle of this release"
            )
        }
        _ => format!("import {states} before, or the full bundle of this release; nothing was written"),
    }
}
