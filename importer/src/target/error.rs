//! Why a target did not do what it was asked.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bundle_format::{Code, Coded};
use registry_lite::StoreError;

use super::ObjectId;

/// Why a target did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The cluster cannot be reached, or who asks is not known to it.
    #[error("{what}: {why}")]
    Cluster {
        /// What was asked for.
        what: String,
        /// What went wrong, with its causes.
        why: String,
    },
    /// The cluster refused an object.
    #[error("{object}: {what}: {why}")]
    Refused {
        /// The object.
        object: ObjectId,
        /// What was done, as in "applying".
        what: &'static str,
        /// What the cluster says.
        why: String,
    },
    /// Who asks may not.
    #[error("{what}: {why}")]
    Forbidden {
        /// What was asked for.
        what: String,
        /// What the cluster says.
        why: String,
    },
    /// A rule of the cluster refuses what who asks may ask for.
    #[error("{what}: {why}")]
    Denied {
        /// What was asked for.
        what: String,
        /// What the cluster says.
        why: String,
    },
    /// Claims are there that an import began to fill and did not.
    #[error("{} in {namespace} {} filled only in part, by an import that did not end", claims.join(", "), if claims.len() > 1 { "are" } else { "is" })]
    HalfFilled {
        /// Their namespace.
        namespace: String,
        /// Their names.
        claims: Vec<String>,
    },
    /// An object is there that is not the installation's.
    #[error("{object} {} there already, and not from this installation", if object.contains(", ") { "are" } else { "is" })]
    Foreign {
        /// The object, or file.
        object: String,
    },
    /// An object did not become ready in time.
    #[error("{object} is not ready after {} s: {why}", waited.as_secs())]
    NotReady {
        /// The object.
        object: ObjectId,
        /// How long it was waited for.
        waited: Duration,
        /// The last reason.
        why: String,
        /// Conditions, events, last lines of log: a line each.
        details: Vec<String>,
    },
    /// An object can no longer become ready.
    #[error("{object} failed: {why}")]
    Failed {
        /// The object.
        object: ObjectId,
        /// Why.
        why: String,
        /// Conditions, events, last lines of log: a line each.
        details: Vec<String>,
    },
    /// Another process acts on the installation.
    #[error("{holder} is working on this installation{}", since.as_ref().map(|s| format!(", since {s}")).unwrap_or_default())]
    Locked {
        /// Who.
        holder: String,
        /// Since when.
        since: Option<String>,
    },
    /// Somebody who watches wanted the work to end.
    #[error("interrupted by a signal")]
    Interrupted,
    /// A record is damaged.
    #[error("the record {name} is damaged: {why}")]
    Record {
        /// The record.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// A record is larger than a target can keep.
    #[error("the record of this action has {size} bytes, and at most {limit} can be kept")]
    RecordTooLarge {
        /// Bytes, compressed.
        size: usize,
        /// Bytes that it may have.
        limit: usize,
    },
    /// A file of a folder.
    #[error("{what} {}: {source}", path.display())]
    File {
        /// What was done, as in "writing".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file of a folder of manifests says no objects.
    #[error("{}: {why}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The site's folder.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The command that removes claims.
pub(crate) fn delete_claims(namespace: &str, claims: &[String]) -> String {
    format!("kubectl --namespace {namespace} delete persistentvolumeclaim {}", claims.join(" "))
}

impl Coded for TargetError {
    fn code(&self) -> Code {
        match self {
            Self::Cluster { .. } => Code::Cluster,
            Self::Refused { .. } | Self::Denied { .. } => Code::Refused,
            Self::HalfFilled { .. } => Code::Incomplete,
            Self::Forbidden { .. } => Code::Forbidden,
            Self::Foreign { .. } => Code::Exists,
            Self::NotReady { .. } => Code::NotReady,
            Self::Failed { .. } => Code::Failed,
            Self::Locked { .. } => Code::Locked,
            Self::Interrupted => Code::Interrupted,
            Self::Record { .. } | Self::Manifest { .. } => Code::SiteDamaged,
            Self::RecordTooLarge { .. } => Code::Limit,
            Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => Code::Space,
            Self::File { .. } => Code::Io,
            Self::Store(e) => e.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(e) => e.hint(),
            Self::Cluster { .. } => Some("`kubectl --context CONTEXT get namespaces` asks the same".to_owned()),
            Self::Forbidden { .. } => Some("spec/rbac.yaml lists the rights that are needed".to_owned()),
            Self::Denied { .. } => Some(
                "no right is missing: a quota, a limit, a standard for pods, a storage class or a webhook of the cluster refuses it; \
                 `kubectl describe namespace` shows the first three"
                    .to_owned(),
            ),
            Self::HalfFilled { namespace, claims } => Some(format!(
                "the same import goes on; `{}` takes it back",
                delete_claims(namespace, claims)
            )),
            Self::Foreign { .. } => {
                Some("--adopt takes it over; otherwise choose another namespace or folder".to_owned())
            }
            Self::NotReady { .. } => Some("`sealift status` shows how it goes on; --timeout waits longer".to_owned()),
            Self::Locked { .. } => Some(
                "wait for it; what a process of another machine held that was killed is free after a minute".to_owned(),
            ),
            _ => None,
        }
    }
}
