//! What can go wrong with a site's folder.

use std::io;
use std::path::PathBuf;

use bundle_format::{Code, Coded};

/// Why a site cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder is no site.
    #[error("{} is not a site", dir.display())]
    NotASite {
        /// The folder.
        dir: PathBuf,
    },
    /// The site was made by another version.
    #[error("{} is a site of the format {format:?}, which this sealift does not know", dir.display())]
    OtherFormat {
        /// The folder.
        dir: PathBuf,
        /// What its marker says.
        format: String,
    },
    /// Somebody else writes to it.
    #[error("{} is in use by {holder}", dir.display())]
    Locked {
        /// The folder.
        dir: PathBuf,
        /// Who holds the lock: `process 123`.
        holder: String,
    },
    /// A file of the site does not read as what it is.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The disk has less room than the work needs.
    #[error("{} has {free} bytes free, {needed} are needed", path.display())]
    NoSpace {
        /// The folder.
        path: PathBuf,
        /// Bytes free for this user.
        free: u64,
        /// Bytes needed.
        needed: u64,
    },
    /// More names than an `index.json` may hold.
    #[error("index.json would be longer than {limit} bytes")]
    IndexFull {
        /// Most bytes.
        limit: u64,
    },
    /// The file system.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was done, as in "writing".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// An index cannot be written.
    #[error("cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The thread that syncs files has ended.
    #[error("the thread that syncs files has ended")]
    SyncThread,
}

impl Coded for StoreError {
    fn code(&self) -> Code {
        match self {
            Self::NotASite { .. } => Code::NotASite,
            Self::OtherFormat { .. } => Code::SiteFormat,
            Self::Locked { .. } => Code::Locked,
            Self::Damaged { .. } => Code::SiteDamaged,
            Self::NoSpace { .. } => Code::Space,
            Self::Io { source, .. }
                if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) =>
            {
                Code::Space
            }
            Self::Io { .. } => Code::Io,
            Self::IndexFull { .. } => Code::Limit,
            Self::Json(_) | Self::SyncThread => Code::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotASite { .. } => {
                "a site is made by the first `sealift import`, in a folder that is empty or does not exist yet".to_owned()
            }
            Self::OtherFormat { .. } => "use the sealift that made it, or a newer one".to_owned(),
            Self::Locked { .. } => "wait until the other one has finished; readers are not kept out".to_owned(),
            Self::NoSpace { .. } => "free space there, or put the site on a larger disk; nothing was written".to_owned(),
            Self::Io { .. } if self.code() == Code::Space => {
                "free space there and run the same command again: what was already written is kept and not written twice"
                    .to_owned()
            }
            _ => return None,
        })
    }
}
