//! Why a bundle is refused.

use super::graph::GraphFault;
use super::patch::PatchFault;
use crate::archive::{ArchiveError, Fault, MemberName};
use crate::code::{Code, Coded};
use crate::digest::Digest;
use crate::oci::OciError;
use crate::statement::Kind;
use crate::trust::{Distrust, EnvelopeError, KeyId};
use crate::version_index::VersionIndexError;

/// Why a bundle is refused, or could not be walked to its end. `S` is the error of the sink.
#[derive(Debug, thiserror::Error)]
pub enum BundleError<S: std::error::Error + 'static = std::convert::Infallible> {
    /// The archive's form.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// An envelope is malformed.
    #[error("{member}: {source}")]
    Envelope {
        /// The member.
        member: MemberName,
        /// What is wrong.
        source: EnvelopeError,
    },
    /// An envelope is not signed by whom it must be.
    #[error("{member} is not trusted: {source}")]
    Distrust {
        /// The member.
        member: MemberName,
        /// What is missing.
        source: Box<Distrust>,
    },
    /// The packing list is signed more than once, so part of it could be changed unnoticed.
    #[error("packing-list.dsse.json has more than one signature")]
    ListSignatures,
    /// The packing list belongs to another release, or its head is not the archive's.
    #[error("packing-list.dsse.json does not belong to this archive: {0}")]
    OtherList(&'static str),
    /// A member has other content than was signed.
    #[error("{member} was changed: its content is {found}, {wanted} was signed")]
    Digest {
        /// The member.
        member: MemberName,
        /// What the packing list says.
        wanted: Digest,
        /// What was read.
        found: Digest,
    },
    /// `oci-layout` or `index.json` is not what the release makes it.
    #[error("{member} is not what the release makes it: {why}")]
    Layout {
        /// The member.
        member: MemberName,
        /// The difference.
        why: &'static str,
    },
    /// A manifest or index.
    #[error("blobs/sha256/{}: {source}", digest.hex())]
    Document {
        /// The blob.
        digest: Digest,
        /// What is wrong.
        source: OciError,
    },
    /// The content does not hang together.
    #[error(transparent)]
    Graph(#[from] GraphFault),
    /// A patch.
    #[error("{}: {source}", MemberName::Patch(*patch))]
    Patch {
        /// The patch.
        patch: Digest,
        /// What is wrong.
        source: PatchFault,
    },
    /// Only a full bundle has everything that clients may ask for.
    #[error("it is a {} bundle: what it does not carry cannot be served from it", .0.text())]
    NotFull(Kind),
    /// The content is not a template version, or not the release's.
    #[error(transparent)]
    VersionIndex(#[from] VersionIndexError),
    /// The release says something else than its content.
    #[error("release.dsse.json does not say what its content is: {0}")]
    Release(&'static str),
    /// The content could not be put where it belongs.
    #[error(transparent)]
    Sink(S),
}

impl<S: Coded + 'static> Coded for BundleError<S> {
    fn code(&self) -> Code {
        match self {
            Self::Archive(e) => match e.fault {
                Fault::Io(_) => Code::Io,
                Fault::Empty => Code::Empty,
                Fault::Foreign(_) => Code::Foreign,
                Fault::Truncated(_) => Code::Truncated,
                Fault::Header { .. } => Code::Member,
                Fault::TooLarge { .. } => Code::Limit,
                Fault::Padding(_) => Code::Padding,
                Fault::End(_) => Code::End,
                Fault::Trailing(_) => Code::Trailing,
            },
            Self::Envelope { .. } => Code::Envelope,
            Self::Distrust { source, .. } => source.code(),
            Self::ListSignatures | Self::OtherList(_) => Code::List,
            Self::Digest { .. } => Code::Digest,
            Self::Layout { .. } => Code::Layout,
            Self::Document { .. } => Code::Document,
            Self::Graph(_) => Code::Graph,
            Self::Patch { .. } => Code::Patch,
            Self::NotFull(_) => Code::Incomplete,
            Self::VersionIndex(_) => Code::VersionIndex,
            Self::Release(_) => Code::Release,
            Self::Sink(e) => e.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Archive(ArchiveError { fault: Fault::Io(_), .. }) => {
                "the medium may be failing: copy the bundle to another one, and verify the copy".to_owned()
            }
            Self::Archive(ArchiveError { fault: Fault::Foreign(_), .. }) => {
                "a bundle is the file that `sealift pack` writes".to_owned()
            }
            Self::Archive(ArchiveError { fault: Fault::Empty | Fault::Truncated(_), .. }) => {
                "the copy was cut short: copy the bundle again".to_owned()
            }
            Self::Distrust { source, .. } => distrust_hint(source),
            Self::Sink(e) => return e.hint(),
            Self::NotFull(_) => "import it with `sealift import BUNDLE --site DIR`, and serve the site".to_owned(),
            _ => "the bundle was changed or damaged after it was made: get it again, and do not import this one"
                .to_owned(),
        })
    }
}

fn distrust_hint(why: &Distrust) -> String {
    let list = |ids: &[KeyId]| ids.iter().map(KeyId::to_string).collect::<Vec<_>>().join(", ");
    match why {
        Distrust::Signatures { invalid, .. } if !invalid.is_empty() => {
            "it was changed after it was signed, or damaged on the way: get the bundle again, and do not import this one"
                .to_owned()
        }
        Distrust::Signatures { unknown, .. } if unknown.is_empty() => {
            "not all of the keys that you gave have signed it".to_owned()
        }
        Distrust::Signatures { trusted, unknown, .. } => format!(
            "it is signed by the key {}, you gave {}; ask the vendor, on another way than the bundle's, which is right",
            list(unknown),
            list(trusted)
        ),
        Distrust::Document(_) => {
            "if the bundle is newer than this sealift, the vendor has a newer sealift for you too".to_owned()
        }
    }
}

/// Verifying has no sink that could fail.
impl Coded for std::convert::Infallible {
    fn code(&self) -> Code {
        match *self {}
    }
}
