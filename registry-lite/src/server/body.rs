//! Bodies: a text that is ready, or a stretch of a file that is read as the client takes it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task::JoinHandle;

use super::event::{Event, Report};
use crate::digest::ContentDigest;
use crate::extent::Extent;

/// Bytes that are read at once. A connection has at most two such buffers: one that is being sent, one that is being read.
pub const BUFFER_BYTES: usize = 128 << 10;

/// The body of a response.
pub enum Body {
    /// A text, or nothing once it is sent.
    Text(Option<Bytes>),
    /// Stored content.
    Stored(Box<Stored>),
}

/// Stored content on its way out.
pub struct Stored {
    digest: ContentDigest,
    extent: Extent,
    at: u64,
    buffers: Buffers,
    reading: Option<JoinHandle<(io::Result<usize>, Vec<u8>)>>,
    report: Report,
}

impl Body {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::Text(None)
    }

    /// A text.
    #[must_use]
    pub fn text(bytes: impl Into<Bytes>) -> Self {
        Self::Text(Some(bytes.into()).filter(|bytes: &Bytes| !bytes.is_empty()))
    }

    /// The bytes of `extent`, which belong to `digest`.
    #[must_use]
    pub fn stored(digest: ContentDigest, extent: Extent, report: Report) -> Self {
        Self::Stored(Box::new(Stored { digest, extent, at: 0, buffers: Buffers::default(), reading: None, report }))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Text(text) => Poll::Ready(text.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stored(stored) => stored.poll(cx).map(|frame| frame.map(|bytes| bytes.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Text(text) => text.is_none(),
            Self::Stored(stored) => stored.at >= stored.extent.len(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Text(text) => text.as_ref().map_or(0, |bytes| bytes.len() as u64),
            Self::Stored(stored) => stored.extent.len().saturating_sub(stored.at),
        })
    }
}

impl Stored {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let (result, buffer) = match &mut self.reading {
            Some(reading) => {
                let done = ready!(Pin::new(reading).poll(cx));
                self.reading = None;
                done.unwrap_or_else(|panicked| (Err(io::Error::other(panicked)), Vec::new()))
            }
            None => {
                let left = self.extent.len().saturating_sub(self.at);
                if left == 0 {
                    return Poll::Ready(None);
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
        Poll::Ready(Some(match result {
            Ok(n) => {
                self.at += n as u64;
                Ok(self.buffers.lend(buffer, n))
            }
            Err(cause) => {
                (self.report)(&Event::Read { digest: self.digest, cause: &cause });
                Err(cause)
            }
        }))
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
