//! Stored content through buffers: for streams that cannot send files, as of TLS, and for content that is small.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use crate::digest::ContentDigest;
use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::extent::Extent;

/// Bytes that are read at once, of a blob or of an upload. A connection has at most two such buffers for its answer: one that is
/// being sent, one that is being read.
pub const BUFFER_BYTES: usize = 128 << 10;

/// Content that is read as the client takes it.
pub(super) struct Buffered {
    digest: ContentDigest,
    extent: Extent,
    at: u64,
    buffers: Buffers,
    reading: Option<JoinHandle<(io::Result<usize>, Vec<u8>)>>,
}

impl Buffered {
    pub(super) fn new(digest: ContentDigest, extent: Extent) -> Self {
        Self { digest, extent, at: 0, buffers: Buffers::default(), reading: None }
    }

    pub(super) fn digest(&self) -> ContentDigest {
        self.digest
    }

    /// The next bytes; `None` at the end.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        let (result, buffer) = match &mut self.reading {
            Some(reading) => {
                let done = ready!(Pin::new(reading).poll(cx));
                self.reading = None;
                done.unwrap_or_else(|panicked| (Err(io::Error::other(panicked)), Vec::new()))
            }
            None => {
                let left = self.extent.len().saturating_sub(self.at);
                if left == 0 {
                    return Poll::Ready(Ok(None));
                }
                let mut buffer = self.buffers.take(left);
                // What is in the page cache comes without waiting; only a disk is worth the way to another thread and back.
                match self.extent.read_cached_at(&mut buffer, self.at) {
                    Some(n) => (Ok(n), buffer),
                    None => {
                        let (extent, at) = (self.extent.clone(), self.at);
                        self.reading =
                            Some(tokio::task::spawn_blocking(move || (extent.read_at(&mut buffer, at), buffer)));
                        return self.poll(cx);
                    }
                }
            }
        };
        let n = result?;
        self.at += n as u64;
        Poll::Ready(Ok(Some(self.buffers.lend(buffer, n))))
    }
}

/// The buffers of one response, which come back when they are sent: they are neither allocated nor cleared for each read.
#[derive(Default)]
struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    /// A buffer for at most `left` bytes.
    fn take(&self, left: u64) -> Vec<u8> {
        let returned = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        returned.unwrap_or_else(|| vec![0; usize::try_from(left).unwrap_or(BUFFER_BYTES).min(BUFFER_BYTES)])
    }

    /// The first `len` bytes of a buffer that comes back when no one has them any more.
    fn lend(&self, buffer: Vec<u8>, len: usize) -> Bytes {
        Bytes::from_owner(Lent { buffer, len, home: Arc::clone(&self.0) })
    }
}

struct Lent {
    buffer: Vec<u8>,
    len: usize,
    home: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        self.home.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}
