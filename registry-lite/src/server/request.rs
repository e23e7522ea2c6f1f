//! The body of a request on its way in.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::exchange::Exchange;
use super::stall::Patience;

/// A request's body. A client that sends nothing of it for [`super::Limits::stall_time`] while somebody waits for it ends it with `TimedOut`.
pub struct RequestBody {
    body: Incoming,
    patience: Patience,
    exchange: Arc<Exchange>,
    /// Whether the connection was left with something unread.
    unread: Arc<AtomicBool>,
    ended: bool,
}

impl RequestBody {
    pub(super) fn new(body: Incoming, stall_time: Duration, exchange: Arc<Exchange>, unread: Arc<AtomicBool>) -> Self {
        Self { body, patience: Patience::new(stall_time), exchange, unread, ended: false }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        // hyper's own error says more to a reader of logs than its kind.
        let frame = Pin::new(&mut this.body).poll_frame(cx).map(|frame| frame.transpose().map_err(io::Error::other));
        let frame = ready!(this.patience.watch(frame, cx));
        match &frame {
            Ok(Some(frame)) => this.exchange.received(frame.data_ref().map_or(0, Bytes::len)),
            Ok(None) => this.ended = true,
            Err(cause) if cause.kind() == io::ErrorKind::TimedOut => this.exchange.stalled(),
            Err(_) => {}
        }
        Poll::Ready(frame.transpose())
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if !self.ended && !self.body.is_end_stream() {
            self.unread.store(true, Ordering::Relaxed);
        }
    }
}
