//! Stored content as windows that the kernel sends from the page cache. sendfile(2) waits for a disk where it is called, which is
//! on a thread that serves other clients too. So a window is given out only once it is in memory: if it is not, another
//! thread reads it first, and while it is sent that thread reads the next one.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::digest::ContentDigest;
use tokio::task::JoinHandle;

use super::chunk::{WINDOW_BYTES, Window};
use crate::extent::Extent;

/// Bytes that are read at once to have them in memory.
const READ_BYTES: usize = 128 << 10;

/// How far apart the bytes are by which a window is taken to be in memory: the kernel reads ahead in stretches of this size.
const PROBE_BYTES: u64 = 128 << 10;

/// Content that is given out window by window.
pub(super) struct Windowed {
    digest: ContentDigest,
    extent: Extent,
    at: u64,
    /// Up to where another thread has read.
    read_to: u64,
    reading: Option<JoinHandle<io::Result<u64>>>,
}

impl Windowed {
    pub(super) fn new(digest: ContentDigest, extent: Extent) -> Self {
        Self { digest, extent, at: 0, read_to: 0, reading: None }
    }

    pub(super) fn digest(&self) -> ContentDigest {
        self.digest
    }

    /// The next window; `None` at the end.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Window>>> {
        loop {
            if let Some(reading) = &mut self.reading {
                let read = ready!(Pin::new(reading).poll(cx));
                self.reading = None;
                self.read_to = read.unwrap_or_else(|panicked| Err(io::Error::other(panicked)))?;
            }
            let window = self.extent.slice(self.at, WINDOW_BYTES as u64);
            if window.is_empty() {
                return Poll::Ready(Ok(None));
            }
            let end = self.at + window.len();
            if self.read_to < end && !is_cached(&window) {
                self.read(self.at);
                continue;
            }
            // What had to be read is followed by more that has to be.
            if self.read_to == end
                && end < self.extent.len()
                && !is_cached(&self.extent.slice(end, WINDOW_BYTES as u64))
            {
                self.read(end);
            }
            self.at = end;
            return Poll::Ready(Ok(Some(Window { digest: self.digest, extent: window })));
        }
    }

    /// Lets another thread read the window from `at`.
    fn read(&mut self, at: u64) {
        let window = self.extent.slice(at, WINDOW_BYTES as u64);
        self.reading = Some(tokio::task::spawn_blocking(move || read(&window).map(|()| at + window.len())));
    }
}

/// Whether a window seems to be in the page cache. It may be dropped from there before it is sent; then one read from the
/// disk holds up a thread, which is slow but right.
fn is_cached(window: &Extent) -> bool {
    let last = window.len().saturating_sub(1);
    let mut places = (0..last).step_by(PROBE_BYTES as usize).chain([last]);
    places.all(|at| window.read_cached_at(&mut [0], at).is_some())
}

/// Reads a window so that it is in the page cache.
fn read(window: &Extent) -> io::Result<()> {
    let (mut buffer, mut at) = (vec![0; READ_BYTES], 0);
    while at < window.len() {
        at += window.read_at(&mut buffer, at)? as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::future::poll_fn;
    use std::os::unix::fs::FileExt;
    use std::sync::Arc;

    use super::*;

    fn windows(extent: Extent) -> io::Result<Vec<(u64, u64)>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut windowed = Windowed::new(ContentDigest::of(crate::digest::Algorithm::Sha256, b""), extent);
        let mut all = Vec::new();
        runtime.block_on(async {
            while let Some(window) = poll_fn(|cx| windowed.poll(cx)).await? {
                all.push((window.extent.offset(), window.extent.len()));
            }
            Ok(all)
        })
    }

    fn hole(len: u64) -> Arc<File> {
        let file = tempfile::tempfile().unwrap();
        file.set_len(len).unwrap();
        Arc::new(file)
    }

    #[test]
    fn content_is_cut_into_windows_from_its_first_byte_to_its_last() {
        const W: u64 = WINDOW_BYTES as u64;
        let extent = |offset, len| Extent::new(hole(4 * W), offset, len).unwrap();
        for (why, extent, expected) in [
            ("nothing", extent(7, 0), vec![]),
            ("one byte", extent(7, 1), vec![(7, 1)]),
            ("one window", extent(0, W), vec![(0, W)]),
            ("a byte more", extent(7, W + 1), vec![(7, W), (7 + W, 1)]),
            ("three windows", extent(0, 3 * W), vec![(0, W), (W, W), (2 * W, W)]),
        ] {
            assert_eq!(windows(extent).unwrap(), expected, "{why}");
        }
    }

    #[test]
    fn a_file_that_lost_its_end_is_an_error_before_the_window_that_lacks_it() {
        let extent = Extent::new(hole(WINDOW_BYTES as u64 + 10), 0, 2 * WINDOW_BYTES as u64).unwrap();
        assert_eq!(windows(extent).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_was_just_written_is_in_memory_and_what_is_not_there_is_not() {
        let file = hole(0);
        file.write_all_at(&[1; 300 << 10], 0).unwrap();
        let extent = |len| Extent::new(Arc::clone(&file), 0, len).unwrap();
        // A file system that cannot tell has its content read once more than needed, which is no fault.
        if extent(1).read_cached_at(&mut [0], 0).is_some() {
            assert!(is_cached(&extent(300 << 10)));
        }
        assert!(!is_cached(&extent(400 << 10)), "its last byte is nowhere");
    }
}
