//! A body on its way out: what hyper polls.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::body::Body;
use super::buffers::Buffered;
use super::chunk::{Chunk, Windows};
use super::event::{Event, Report};
use super::exchange::Exchange;
use super::windowed::Windowed;

/// Content up to this size goes through a buffer: it then leaves in one piece with the answer's head.
const SMALL_BYTES: u64 = 64 << 10;

/// A body, and the exchange that it belongs to.
pub(super) struct Outgoing {
    source: Source,
    left: u64,
    exchange: Arc<Exchange>,
}

enum Source {
    Text(Option<Bytes>),
    Buffered(Box<Buffered>, Report),
    Windowed(Box<Windowed>, Windows, Report),
}

impl Outgoing {
    /// `windows` is the queue of a connection that can send files.
    pub(super) fn new(body: Body, windows: Option<Windows>, exchange: Arc<Exchange>) -> Self {
        let left = body.length();
        let source = match (body, windows) {
            (Body::Empty, _) => Source::Text(None),
            (Body::Text(bytes), _) => Source::Text(Some(bytes)),
            (Body::Stored { digest, extent, report }, Some(windows)) if extent.len() > SMALL_BYTES => {
                Source::Windowed(Box::new(Windowed::new(digest, extent)), windows, report)
            }
            (Body::Stored { digest, extent, report }, _) => {
                Source::Buffered(Box::new(Buffered::new(digest, extent)), report)
            }
        };
        Self { source, left, exchange }
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Chunk>>> {
        let exchange = || Arc::clone(&self.exchange);
        let (digest, failed, report) = match &mut self.source {
            Source::Text(text) => return Poll::Ready(text.take().map(|bytes| Ok(Chunk::memory(bytes, exchange())))),
            Source::Buffered(buffered, report) => match std::task::ready!(buffered.poll(cx)) {
                Ok(bytes) => return Poll::Ready(bytes.map(|bytes| Ok(Chunk::memory(bytes, exchange())))),
                Err(cause) => (buffered.digest(), cause, report),
            },
            Source::Windowed(windowed, windows, report) => match std::task::ready!(windowed.poll(cx)) {
                Ok(window) => {
                    return Poll::Ready(window.map(|window| Chunk::window(window, windows, exchange())));
                }
                Err(cause) => (windowed.digest(), cause, report),
            },
        };
        report(&Event::Read { digest, cause: &failed });
        Poll::Ready(Some(Err(failed)))
    }
}

impl http_body::Body for Outgoing {
    type Data = Chunk;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Chunk>>>> {
        use bytes::Buf;

        let this = self.get_mut();
        this.poll_chunk(cx).map(|chunk| {
            chunk.map(|chunk| {
                let chunk = chunk?;
                this.left = this.left.saturating_sub(chunk.remaining() as u64);
                Ok(Frame::data(chunk))
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
