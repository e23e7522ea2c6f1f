//! From what an operator types to a target and its records.

use std::path::Path;

use bundle_format::{Code, Coded};
use registry_lite::Store;

use super::belief::believed;
use super::kube::Cluster;
use super::{ClusterUid, DirTarget, KubeRecords, Lock, Place, Records, SiteCopies, SiteRecords, Target, TargetError};
use crate::record::{Installation, Record, Status};

/// A target and where its records are kept.
pub type Opened = (Box<dyn Target>, Box<dyn Records>);

/// Why a target cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is none that is known.
    #[error("--target {text}: not a target that is known")]
    Unknown {
        /// What was typed.
        text: String,
    },
    /// It cannot be reached, or its records cannot be read.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl Coded for OpenError {
    fn code(&self) -> Code {
        match self {
            Self::Unknown { .. } => Code::Usage,
            Self::Target(e) => e.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { .. } => Some(
                "`kube` is the cluster of the kubeconfig's current context, `kube:CONTEXT` that of another; `dir:PATH` renders the \
                 application into a folder, for `kubectl apply -f PATH`"
                    .to_owned(),
            ),
            Self::Target(e) => e.hint(),
        }
    }
}

/// Refuses a text that names no target, before anything is looked at.
///
/// # Errors
/// [`OpenError::Unknown`].
pub fn check_target(text: &str) -> Result<(), OpenError> {
    match text.split_once(':').unwrap_or((text, "")) {
        ("dir", path) if !path.is_empty() => Ok(()),
        ("kube", _) => Ok(()),
        _ => Err(OpenError::Unknown { text: text.to_owned() }),
    }
}

/// Opens the target that `text` names, for the installation at `place`: `dir:PATH`, `kube`, `kube:CONTEXT`. `adopts` lets it take
/// over what is not the installation's.
///
/// # Errors
/// [`OpenError`].
pub fn open(text: &str, store: &Store, place: &Place, adopts: bool) -> Result<Opened, OpenError> {
    match text.split_once(':').unwrap_or((text, "")) {
        ("dir", path) if !path.is_empty() => {
            let records = SiteRecords::new(store.dir());
            let target = DirTarget::new(Path::new(path))?.adopt(adopts).files(records.files(place)?);
            Ok((Box::new(target), Box::new(records)))
        }
        ("kube", context) => {
            let cluster = Cluster::connect(Some(context).filter(|c| !c.is_empty()))?;
            let uid: ClusterUid = cluster.cluster_id()?.parse().map_err(|e| TargetError::Cluster {
                what: "reading the namespace kube-system".to_owned(),
                why: format!("its uid: {e}"),
            })?;
            let records = WithCopies {
                cluster: cluster.records(Some(place.namespace.clone())),
                copies: SiteCopies::new(store.dir(), &uid),
                store: store.clone(),
            };
            Ok((Box::new(cluster.target(place.clone()).adopt(adopts)), Box::new(records)))
        }
        _ => Err(OpenError::Unknown { text: text.to_owned() }),
    }
}

/// The records of a cluster, of which the site's folder holds copies, so that a collection keeps what they need.
struct WithCopies {
    cluster: KubeRecords,
    copies: SiteCopies,
    store: Store,
}

impl Records for WithCopies {
    fn lock(&self, place: &Place, by: &str) -> Result<Box<dyn Lock>, TargetError> {
        self.cluster.lock(place, by)
    }

    fn held(&self, place: &Place) -> Result<Option<String>, TargetError> {
        self.cluster.held(place)
    }

    fn all(&self, place: &Place) -> Result<Vec<Record>, TargetError> {
        let records = self.cluster.all(place)?.into_iter();
        Ok(records
            .map(|record| {
                let copy = self.copies.of(place, record.number);
                believed(record, copy.as_ref(), place)
            })
            .collect())
    }

    /// The copy comes first: what a record needs is kept from the moment that there is one. A collection must see a new copy, or wait
    /// until there is one; what becomes of a record later changes nothing that it needs, and must not fail because of an import.
    fn keep(&self, place: &Place, record: &Record) -> Result<(), TargetError> {
        {
            let _locked = match record.status {
                Status::Begun => Some(self.store.clone().lock()?),
                Status::Done | Status::Failed => None,
            };
            self.copies.keep(place, record)?;
        }
        self.cluster.keep(place, record)
    }

    fn forget(&self, place: &Place, number: u64) -> Result<(), TargetError> {
        self.cluster.forget(place, number)?;
        self.copies.forget(place, number)
    }

    fn installations(&self) -> Result<Vec<Installation>, TargetError> {
        self.cluster.installations()
    }
}
