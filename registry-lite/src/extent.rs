//! Where the bytes of a blob lie: a stretch of an open file. The server reads through this, so that a content store (a
//! file for each blob) and a bundle (one file for all of them) are served by the same code.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::digest::ContentDigest;
use crate::store::Stamp;

/// Something that holds blobs as stretches of local files.
pub trait BlobRead: Send + Sync {
    /// Where the blob lies, or `None` if it is not held. What is read there is not proved: a caller that needs proof
    /// hashes it.
    ///
    /// # Errors
    /// Those of the file system, other than that the blob is not there.
    fn locate(&self, digest: &ContentDigest) -> io::Result<Option<Extent>>;

    /// Which writing of the blob is held, or `None` if it is not: what was read of it before counts as long as this stays.
    ///
    /// # Errors
    /// Those of the file system, other than that the blob is not there.
    fn stamp(&self, digest: &ContentDigest) -> io::Result<Option<Stamp>>;
}

/// `len` bytes of `file` from `offset`. The file stays open as long as the extent lives, so that what is being served
/// survives its removal from the store. Reads are positional (pread(2)): extents of one file do not disturb each other.
#[derive(Debug, Clone)]
pub struct Extent {
    file: Arc<File>,
    offset: u64,
    len: u64,
}

impl Extent {
    /// A stretch of a file that holds more than one blob.
    ///
    /// # Errors
    /// `InvalidInput` if the stretch ends beyond what an offset can say.
    pub fn new(file: Arc<File>, offset: u64, len: u64) -> io::Result<Self> {
        if offset.checked_add(len).is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{len} bytes from {offset} end nowhere")));
        }
        Ok(Self { file, offset, len })
    }

    /// All of `file`, as long as it is now.
    ///
    /// # Errors
    /// Those of the file system; `InvalidInput` for anything that is not a regular file.
    pub fn whole(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Self { file: Arc::new(file), offset: 0, len: metadata.len() })
    }

    /// The file that the bytes lie in.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where in the file the bytes begin.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// `len` bytes from the extent's byte `from`, cut to what the extent has.
    #[must_use]
    pub fn slice(&self, from: u64, len: u64) -> Self {
        let from = from.min(self.len);
        Self { file: Arc::clone(&self.file), offset: self.offset + from, len: len.min(self.len - from) }
    }

    /// Reads some bytes from the extent's byte `at` into `buf`; 0 only at the extent's end or for an empty `buf`.
    ///
    /// # Errors
    /// Those of the file system; `UnexpectedEof` if the file is shorter than the extent.
    pub fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let Some(buf) = self.window(buf, at) else { return Ok(0) };
        loop {
            match self.file.read_at(buf, self.offset + at) {
                Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than its blob")),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// As [`Extent::read_at`], but takes only what is in the page cache: `None` if that is nothing, or if the system cannot
    /// tell. Never waits for a disk, so it may be called where waiting is not allowed.
    #[must_use]
    pub fn read_cached_at(&self, buf: &mut [u8], at: u64) -> Option<usize> {
        let buf = self.window(buf, at)?;
        read_no_wait(&self.file, buf, self.offset + at).filter(|n| *n > 0)
    }

    /// The part of `buf` that can be filled from `at`; `None` where there is nothing to fill.
    fn window<'b>(&self, buf: &'b mut [u8], at: u64) -> Option<&'b mut [u8]> {
        let left = self.len.checked_sub(at)?;
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        if n == 0 { None } else { buf.get_mut(..n) }
    }

    /// Reads the extent from its beginning to its end.
    #[must_use]
    pub fn reader(&self) -> ExtentReader {
        ExtentReader { extent: self.clone(), at: 0 }
    }
}

#[cfg(target_os = "linux")]
fn read_no_wait(file: &File, buf: &mut [u8], offset: u64) -> Option<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};
    preadv2(file, &mut [io::IoSliceMut::new(buf)], offset, ReadWriteFlags::NOWAIT).ok()
}

#[cfg(not(target_os = "linux"))]
fn read_no_wait(_: &File, _: &mut [u8], _: u64) -> Option<usize> {
    None
}

/// Reads an [`Extent`] in order.
#[derive(Debug)]
pub struct ExtentReader {
    extent: Extent,
    at: u64,
}

impl Read for ExtentReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.extent.read_at(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn text(extent: &Extent) -> String {
        let mut out = String::new();
        extent.reader().read_to_string(&mut out).unwrap();
        out
    }

    #[test]
    fn an_extent_reads_its_stretch_and_no_more() {
        let file = Arc::new(file(b"0123456789"));
        let extent = Extent::new(file, 2, 5).unwrap();
        assert_eq!(text(&extent), "23456");
        for (why, from, len, expected) in [
            ("inside", 1, 3, "345"),
            ("to the end", 3, 2, "56"),
            ("cut at the end", 3, 100, "56"),
            ("at the end", 5, 1, ""),
            ("beyond the end", 100, u64::MAX, ""),
        ] {
            assert_eq!(text(&extent.slice(from, len)), expected, "{why}");
        }
        assert_eq!(extent.read_at(&mut [0; 4], 9).unwrap(), 0, "beyond the end there is nothing");
    }

    #[test]
    fn a_file_that_lost_its_end_is_an_error_and_not_an_end() {
        let extent = Extent::new(Arc::new(file(b"short")), 0, 10).unwrap();
        let error = extent.reader().read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(extent.read_cached_at(&mut [0; 4], 7).is_none());
    }

    #[test]
    fn only_regular_files_and_sane_stretches_are_extents() {
        assert!(Extent::whole(File::open("/").unwrap()).is_err());
        assert!(Extent::new(Arc::new(file(b"")), u64::MAX, 1).is_err());
    }
}
