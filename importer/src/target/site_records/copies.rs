//! Copies of the records that clusters keep, without secrets: by them a site knows what it must hold for its clusters.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::super::{Place, TargetError};
use super::files;
use crate::record::{Installation, Record};

/// What tells a cluster from others: the `uid` of its namespace `kube-system`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterUid(String);

/// Why a text is not a [`ClusterUid`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} does not name a cluster: 1 to 64 letters, digits and `-`")]
pub struct ClusterUidError {
    /// What was given, cut to 100 characters.
    pub text: String,
}

impl FromStr for ClusterUid {
    type Err = ClusterUidError;
    fn from_str(text: &str) -> Result<Self, ClusterUidError> {
        let good = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if good { Ok(Self(text.to_owned())) } else { Err(ClusterUidError { text: text.chars().take(100).collect() }) }
    }
}

/// Copies of a cluster's records, `SITE/clusters/CLUSTER-UID/NAMESPACE/NAME/NUMBER.json`. Whoever writes one holds the site's
/// lock, so that a collection sees it or waits.
#[derive(Debug)]
pub struct SiteCopies {
    root: PathBuf,
}

impl SiteCopies {
    /// The copies that the site in `site` holds of the records on `cluster`.
    #[must_use]
    pub fn new(site: &Path, cluster: &ClusterUid) -> Self {
        Self { root: site.join("clusters").join(&cluster.0) }
    }

    /// Keeps a copy of `record`, durably, without secrets: see [`Record::without_secrets`].
    ///
    /// # Errors
    /// [`TargetError::RecordTooLarge`]; those of the file system.
    pub fn keep(&self, place: &Place, record: &Record) -> Result<(), TargetError> {
        files::keep(&files::folder(&self.root, place), &record.without_secrets())
    }

    /// Removes the copy of a record.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn forget(&self, place: &Place, number: u64) -> Result<(), TargetError> {
        files::forget(&files::folder(&self.root, place), number)
    }

    /// The copies of an installation's records, oldest first.
    ///
    /// # Errors
    /// [`TargetError::Record`]; those of the file system.
    pub fn all(&self, place: &Place) -> Result<Vec<Record>, TargetError> {
        files::all(&files::folder(&self.root, place))
    }

    /// The copy of one record; none if there is none that can be read.
    #[must_use]
    pub fn of(&self, place: &Place, number: u64) -> Option<Record> {
        files::read(&files::path(&files::folder(&self.root, place), number)).ok()
    }

    /// Every installation on the cluster of which there are copies.
    ///
    /// # Errors
    /// [`TargetError::Record`]; those of the file system.
    pub fn installations(&self) -> Result<Vec<Installation>, TargetError> {
        files::installations(&self.root)
    }
}

/// The folders of all clusters.
pub(super) fn roots(site: &Path) -> Result<Vec<PathBuf>, TargetError> {
    let clusters = site.join("clusters");
    Ok(files::list(&clusters)?.into_iter().map(|cluster| clusters.join(cluster)).collect())
}
