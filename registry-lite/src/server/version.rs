//! Whether a file is still the one that was read.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Which writing of a file this is, so far as stat(2) tells. A file that is replaced by rename(2) changes its inode, and so
/// does one behind a link that was turned to another, as Kubernetes does with what it mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    size: u64,
}

impl Version {
    /// Looks at `file`, following links. To be taken before the file is read: a change that happens meanwhile is then seen
    /// as one.
    pub(super) fn of(file: &Path) -> io::Result<Self> {
        let m = fs::metadata(file)?;
        Ok(Self {
            device: m.dev(),
            inode: m.ino(),
            modified: (m.mtime(), m.mtime_nsec()),
            changed: (m.ctime(), m.ctime_nsec()),
            size: m.len(),
        })
    }
}
