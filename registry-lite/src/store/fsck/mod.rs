//! A check of everything that is held: each blob is hashed anew, damaged ones are set aside so that a push or an import brings
//! them again, and what is named is looked up (spec/site.md, "Checking"). Readers, pushes and imports go on meanwhile.

mod blobs;
mod prove;
mod quarantine;
mod references;
mod throttle;

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use bundle_format::walk::Progress;

use self::throttle::Throttle;
use super::{Store, StoreError};
use crate::digest::ContentDigest;

/// How a check goes.
#[derive(Debug, Clone, Copy)]
pub struct FsckOptions {
    /// Threads that read and hash. Each takes 1 MiB.
    pub jobs: NonZeroUsize,
    /// Most bytes read in a second, by all threads together.
    pub rate: Option<NonZeroU64>,
    /// Whether damaged blobs stay where they are.
    pub dry_run: bool,
}

impl Default for FsckOptions {
    fn default() -> Self {
        let jobs = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { jobs, rate: None, dry_run: false }
    }
}

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// Blobs that were read whole.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Something that is not as it should be. Names are those that need it: five at most.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// Two readings of a blob say that it is something else, or that it cannot be read.
    #[error("{digest} is damaged ({why}){}{}", if *quarantined { ", and was set aside" } else { "" }, needed(needed_by))]
    Damaged {
        /// The blob.
        digest: ContentDigest,
        /// What was read.
        why: String,
        /// Whether it lies in `quarantine/` now.
        quarantined: bool,
        /// Names that need it.
        needed_by: Vec<String>,
    },
    /// One reading of a blob was wrong and the next one right.
    #[error("{digest} was read wrong once ({why}) and right the second time: its disk or memory fails")]
    Flaky {
        /// The blob.
        digest: ContentDigest,
        /// What was read the first time.
        why: String,
    },
    /// Something that is needed is not held.
    #[error("{digest} is missing{}", needed(needed_by))]
    Missing {
        /// The blob.
        digest: ContentDigest,
        /// Names that need it.
        needed_by: Vec<String>,
    },
    /// What is held has another length than what lists it says, though its digest is right.
    #[error("{digest} has {held} bytes, and is listed with {listed}{}", needed(needed_by))]
    Size {
        /// The blob.
        digest: ContentDigest,
        /// Its bytes.
        held: u64,
        /// Bytes that it should have.
        listed: u64,
        /// Names that list it so.
        needed_by: Vec<String>,
    },
    /// A name that nothing is served under.
    #[error("{name} in index.json is not served: {why}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// `index.json` cannot be read.
    #[error("{why}")]
    Index {
        /// What is wrong.
        why: String,
    },
    /// Something among the blobs that is none. It is left there.
    #[error("{} is no blob", path.display())]
    Foreign {
        /// The file or folder.
        path: PathBuf,
    },
}

impl Finding {
    /// Whether content is at stake. What is only in the wrong place harms nobody.
    #[must_use]
    pub fn is_serious(&self) -> bool {
        !matches!(self, Self::Foreign { .. })
    }

    /// The blob that it is about.
    #[must_use]
    pub fn digest(&self) -> Option<&ContentDigest> {
        match self {
            Self::Damaged { digest, .. }
            | Self::Flaky { digest, .. }
            | Self::Missing { digest, .. }
            | Self::Size { digest, .. } => Some(digest),
            Self::Name { .. } | Self::Index { .. } | Self::Foreign { .. } => None,
        }
    }
}

fn needed(by: &[String]) -> String {
    if by.is_empty() { String::new() } else { format!("; needed by {}", by.join(", ")) }
}

impl Store {
    /// Bytes and blobs that a check would read.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn held(&self) -> Result<(u64, u64), StoreError> {
        let blobs = self.list_blobs()?.blobs;
        Ok((blobs.iter().map(|(_, len)| len).fold(0, |sum, len| sum.saturating_add(*len)), blobs.len() as u64))
    }

    /// Checks everything. `progress` counts bytes read, and may end the work. Memory: 100 bytes for each blob, 1 MiB for each
    /// job, and 32 MiB of documents.
    ///
    /// # Errors
    /// Those of the file system other than of reading a blob, which is a finding.
    pub fn fsck(&self, options: &FsckOptions, progress: &dyn Progress) -> Result<Checked, StoreError> {
        let listing = self.list_blobs()?;
        let throttle = Throttle::new(options.rate);
        let mut checked = self.check_blobs(&listing.blobs, options, &throttle, progress)?;
        checked.findings.extend(listing.foreign.into_iter().map(|path| Finding::Foreign { path }));
        self.check_references(&mut checked.findings)?;
        Ok(checked)
    }
}
