//! Whether a blob is what its name says.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use bundle_format::walk::Progress;
use rustix::fs::{Advice, fadvise};

use super::throttle::Throttle;
use crate::digest::{ContentDigest, ContentHasher};
use crate::store::{Stamp, Store, files};

/// Bytes that are read and hashed at a time.
const CHUNK: usize = 1 << 20;

pub(super) enum Verdict {
    /// It is, and has this many bytes.
    Sound(u64),
    /// It is not there any more.
    Gone,
    /// It is; but one reading said otherwise.
    Flaky(String, u64),
    /// It is not, or cannot be read: this writing of the file, which stays open so that no other can be taken for it.
    Bad { why: String, stamp: Stamp, file: File },
    /// Nobody can tell.
    Unreadable(String),
    /// Nobody wants to know any more.
    Cancelled,
}

/// Reads a blob, and if it is not what its name says, a second time from the medium.
pub(super) fn prove(store: &Store, digest: &ContentDigest, throttle: &Throttle, progress: &dyn Progress) -> Verdict {
    let file = match files::open_regular(&store.blob_path(digest)) {
        Ok(file) => file,
        // A link or a folder in its place is found by the listing.
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput) => return Verdict::Gone,
        Err(e) if e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => return Verdict::Gone,
        Err(e) => return Verdict::Unreadable(format!("it cannot be opened: {e}")),
    };
    let stamp = match file.metadata() {
        Ok(m) => Stamp::from(&m),
        Err(e) => return Verdict::Unreadable(format!("it cannot be looked at: {e}")),
    };
    let first = match read(&file, digest, throttle, progress) {
        Some(Ok(len)) => return Verdict::Sound(len),
        Some(Err(why)) => why,
        None => return Verdict::Cancelled,
    };
    // What was read is still in memory, and may be wrong there alone.
    let _ = fadvise(&file, 0, None, Advice::DontNeed);
    match read(&file, digest, throttle, &()) {
        Some(Ok(len)) => Verdict::Flaky(first, len),
        Some(Err(why)) => Verdict::Bad { why, stamp, file },
        None => Verdict::Cancelled,
    }
}

/// `None` if the work was ended.
fn read(
    file: &File,
    digest: &ContentDigest,
    throttle: &Throttle,
    progress: &dyn Progress,
) -> Option<Result<u64, String>> {
    let mut hasher = ContentHasher::new(digest.algorithm());
    let (mut buffer, mut len) = (vec![0; CHUNK], 0_u64);
    loop {
        if progress.cancelled() {
            return None;
        }
        let n = match file.read_at(&mut buffer, len) {
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Some(Err(format!("it cannot be read: {e}"))),
        };
        if n == 0 {
            break;
        }
        throttle.wait(n);
        hasher.update(buffer.get(..n).unwrap_or_default());
        len += n as u64;
        progress.advance(n as u64);
    }
    let found = hasher.finish();
    Some(if found == *digest { Ok(len) } else { Err(format!("its {len} bytes are {found}")) })
}
