//! Why an installation was not exported, or not imported.

use std::io;
use std::path::PathBuf;

use bundle_format::trust::SigningError;
use bundle_format::walk::BundleError;
use bundle_format::{Code, Coded, Digest};

use crate::engine::EngineError;
use crate::target::{ObjectId, Place, TargetError, delete_claims};

/// Why an installation was not exported, or not imported.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The installation, or its target.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The file's form, or who signed it.
    #[error(transparent)]
    File(#[from] BundleError),
    /// The statement cannot be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// A file cannot be read or written.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was done, as in "writing".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file is there already.
    #[error("{} exists already", path.display())]
    OutputExists {
        /// The file.
        path: PathBuf,
    },
    /// `installation.json` is none.
    #[error("installation.json: {why}")]
    Document {
        /// What is wrong with it.
        why: String,
    },
    /// `secrets.age` opens, and is no document of secrets.
    #[error("secrets.age: what is encrypted in it is no document of secrets, or more than {limit} bytes")]
    Secrets {
        /// Bytes that it may have.
        limit: u64,
    },
    /// A text is no recipient.
    #[error("--encrypt-to {text}: {why}")]
    Recipient {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file has no identity.
    #[error("the identity file: {why}")]
    Identity {
        /// What is wrong with it.
        why: String,
    },
    /// What is encrypted does not open.
    #[error("{member} cannot be decrypted: {why}")]
    Decrypt {
        /// The member.
        member: String,
        /// Why.
        why: String,
    },
    /// The site does not hold the version.
    #[error("the site {dir} does not hold {label} ({digest})")]
    NoVersion {
        /// The site's folder.
        dir: String,
        /// `NAME:TAG`.
        label: String,
        /// Digest of the version index.
        digest: Digest,
    },
    /// There is such an installation.
    #[error("{} {there} is installed in {} already", place.name, place.namespace)]
    Installed {
        /// Where.
        place: Place,
        /// Its version.
        there: String,
    },
    /// The last action on the installation did not end well.
    #[error("the last action on {} in {} did not end well (record {record})", place.name, place.namespace)]
    Unfinished {
        /// Where.
        place: Place,
        /// Its number.
        record: u64,
    },
    /// Some of the secrets that the version needs are neither on the target nor in a record.
    #[error("the secret {secret} of {} in {} is neither on the target nor in a record", place.name, place.namespace)]
    SecretLost {
        /// Where.
        place: Place,
        /// Its name.
        secret: String,
    },
    /// The target keeps no data.
    #[error("{target} is a folder of manifests: it has no claims with data")]
    NoData {
        /// The target.
        target: String,
        /// What to do instead.
        hint: &'static str,
    },
    /// Data is moved by a pod, and no image for it was named.
    #[error("moving data takes a pod, and no image for it was named")]
    NoHelper,
    /// A claim that is carried is not one of the version's.
    #[error("{label} makes no claim {claim} with these values, so its data belongs nowhere")]
    NoClaim {
        /// `NAME:TAG`.
        label: String,
        /// The claim.
        claim: String,
    },
    /// A claim is there already, and its content is not of this file.
    #[error("the claim {claim} is there already")]
    ClaimExists {
        /// The claim.
        claim: String,
    },
    /// The namespace has secrets of an earlier installation, which the data does not go with.
    #[error("{} has secrets that {} kept from before, and they are not those of the data", place.namespace, place.name)]
    OtherSecrets {
        /// Where.
        place: Place,
    },
    /// Somebody who watches wanted the export to end.
    #[error("the export was interrupted by a signal, and nothing was written{}", again(started))]
    ExportInterrupted {
        /// What it had stopped, and has started again.
        started: Vec<ObjectId>,
    },
    /// What was stopped while its data was read could not be started again.
    #[error("{}what the export has stopped is not all started again: {why}", cause.as_ref().map(|e| format!("{e}; ")).unwrap_or_default())]
    StillStopped {
        /// What ended the export before.
        cause: Option<Box<MoveError>>,
        /// Why it could not be started.
        why: TargetError,
    },
    /// Somebody who watches wanted the import to end before anything was installed.
    #[error("the import was interrupted by a signal while it filled claims, and nothing is installed yet")]
    ImportInterrupted {
        /// The namespace.
        namespace: String,
        /// The claims that it may have made.
        claims: Vec<String>,
    },
    /// Claims could not be filled.
    #[error("{cause}; nothing is installed yet")]
    NotFilled {
        /// Why.
        cause: Box<MoveError>,
        /// The namespace.
        namespace: String,
        /// The claims that it may have made.
        claims: Vec<String>,
    },
    /// There are more claims than a file may carry.
    #[error("there are {count} claims, and a file carries at most {limit}")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
}

/// What was started again, for people.
fn again(started: &[ObjectId]) -> String {
    if started.is_empty() {
        return String::new();
    }
    let names: Vec<String> = started.iter().map(ToString::to_string).collect();
    format!("; what it had stopped is started again: {}", names.join(", "))
}

impl MoveError {
    /// What ended an import that may have begun to fill `claims`.
    pub(super) fn partly(cause: Self, namespace: String, claims: Vec<String>) -> Self {
        match cause.is_interruption() {
            true => Self::ImportInterrupted { namespace, claims },
            false => Self::NotFilled { cause: Box::new(cause), namespace, claims },
        }
    }

    /// Whether somebody who watches wanted it to end.
    pub(super) fn is_interruption(&self) -> bool {
        matches!(self, Self::Engine(EngineError::Target(TargetError::Interrupted)))
    }
}

impl From<TargetError> for MoveError {
    fn from(e: TargetError) -> Self {
        Self::Engine(e.into())
    }
}

impl Coded for MoveError {
    fn code(&self) -> Code {
        match self {
            Self::Engine(e) => e.code(),
            Self::File(e) => e.code(),
            Self::Signing(e) => e.code(),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => Code::Space,
            Self::Io { .. } => Code::Io,
            Self::OutputExists { .. }
            | Self::Installed { .. }
            | Self::Unfinished { .. }
            | Self::ClaimExists { .. }
            | Self::OtherSecrets { .. } => Code::Exists,
            Self::Document { .. } | Self::Secrets { .. } => Code::Statement,
            Self::Recipient { .. } | Self::NoData { .. } | Self::NoHelper => Code::Usage,
            Self::Identity { .. } => Code::Key,
            Self::Decrypt { .. } => Code::Decrypt,
            Self::NoVersion { .. } => Code::NotFound,
            Self::SecretLost { .. } | Self::NoClaim { .. } => Code::Incomplete,
            Self::TooMany { .. } => Code::Limit,
            Self::ExportInterrupted { .. } | Self::ImportInterrupted { .. } => Code::Interrupted,
            Self::NotFilled { cause, .. } => cause.code(),
            Self::StillStopped { cause, why } => cause.as_ref().map_or_else(|| why.code(), |cause| cause.code()),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Engine(e) => return e.hint(),
            Self::Signing(e) => return e.hint(),
            Self::File(_) => match self.code() {
                Code::Io => "the medium may be failing: copy the file to another one, and try the copy".to_owned(),
                Code::Empty | Code::Truncated => "the copy was cut short: copy the file again".to_owned(),
                Code::Untrusted => {
                    "--key is the public key of the site that exported it, which came to you on another way".to_owned()
                }
                Code::Statement => "if the file is of a newer sealift, this site needs that one too".to_owned(),
                Code::Foreign | Code::Member => {
                    "an exported installation is the file that `sealift export-installation` writes; a vendor's bundle goes to \
                     `sealift import`"
                        .to_owned()
                }
                _ => "the file was changed or damaged after it was made: get it again".to_owned(),
            },
            Self::OutputExists { .. } => "choose another name; nothing was overwritten".to_owned(),
            Self::Recipient { .. } => "`age-keygen` makes an identity, and prints its recipient age1…".to_owned(),
            Self::Identity { .. } => "an identity file is what `age-keygen -o FILE` writes".to_owned(),
            Self::Decrypt { .. } => "give --identity the key that belongs to one of the export's --encrypt-to".to_owned(),
            Self::NoVersion { label, digest, .. } => format!(
                "import the vendor's bundle of {label} with the content {digest} first: `sealift import BUNDLE --key VENDOR.pub \
                 --site DIR`"
            ),
            Self::Installed { place, .. } => format!(
                "an import is a first installation: choose another namespace, or `sealift uninstall {} --keep-data` first",
                place.name
            ),
            Self::Unfinished { .. } => "end it first: `sealift upgrade` goes on, `sealift rollback` goes back".to_owned(),
            Self::SecretLost { .. } => "`sealift upgrade` makes it anew; export after that".to_owned(),
            Self::NoData { hint, .. } => (*hint).to_owned(),
            Self::NoHelper => "name one with --helper-image: it needs sh, head, sleep and tar, as busybox has".to_owned(),
            Self::NoClaim { .. } => "--no-data leaves the data in the file".to_owned(),
            Self::ClaimExists { .. } => {
                "choose another namespace; or, if what it holds is to stay, --no-data leaves the data in the file".to_owned()
            }
            Self::OtherSecrets { .. } => "choose another namespace, or `sealift uninstall` without --keep-data".to_owned(),
            Self::StillStopped { .. } => {
                "`sealift status` shows what is stopped; the next `sealift upgrade`, `rollback` or export starts it again".to_owned()
            }
            Self::ImportInterrupted { namespace, claims } => format!(
                "the same import goes on with the claims that lack; `{}` takes it back",
                delete_claims(namespace, claims)
            ),
            Self::NotFilled { namespace, claims, .. } => format!(
                "the same import goes on with the claims that lack; with another size or class it begins anew after `{}`",
                delete_claims(namespace, claims)
            ),
            Self::ExportInterrupted { .. } => return None,
            Self::Document { .. } | Self::Secrets { .. } | Self::TooMany { .. } | Self::Io { .. } => return None,
        })
    }
}
