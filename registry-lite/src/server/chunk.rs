//! What hyper is given to send, and how a part of a file goes through it without being read.
//!
//! hyper cannot sendfile(2): it wants bytes, and hands them to its stream as slices. So a window of a file is a [`Chunk`] that
//! shows hyper a stretch of one block of zeroes, [`PLACEHOLDER`], as long as the window; at the same time the window itself is
//! put into the connection's queue, [`Windows`]. The connection's stream ([`super::wire`]) knows a slice of the
//! placeholder by its address, sends the window at the queue's front in its stead, and tells hyper how many bytes went.
//!
//! What this relies on in hyper 1 (`proto/h1/io.rs`, `encode.rs`), and what happens if it is ever not so:
//!
//! - A stream with `is_write_vectored()` gets its slices in the order of the frames, neither copied nor joined
//!   (`WriteStrategy::Queue`), from `chunks_vectored`. A copy would lie at another address: zeroes would be sent. hyper decides this once,
//!   at the connection's beginning; a stream that sends no files never sees a placeholder.
//! - After a write of `n` bytes hyper calls `advance(n)` on what it queued before it writes again. So the slice that comes next begins
//!   where the last one ended. The queue checks that the slice has exactly the place and the length that are left of
//!   its front, and breaks the connection off otherwise: an answer may end too soon, but never holds what is not the blob's.
//! - An answer with a `Content-Length` is passed on as it is; were it cut (`Take`), the lengths would differ, and the check fails.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use crate::digest::ContentDigest;
use bytes::{Buf, Bytes};

use super::exchange::Exchange;
use crate::extent::Extent;

/// Bytes of a file that are handed to hyper at once.
pub(super) const WINDOW_BYTES: usize = 1 << 20;

/// Never written and, save for a fault, never read: the system gives it no memory.
static PLACEHOLDER: LazyLock<Box<[u8]>> = LazyLock::new(|| vec![0; WINDOW_BYTES].into_boxed_slice());

/// Bytes of an answer that are on their way. What hyper has sent of them is added to the exchange.
pub(super) struct Chunk {
    bytes: Source,
    exchange: Arc<Exchange>,
}

enum Source {
    Memory(Bytes),
    /// From and to which byte of its window.
    Window(usize, usize),
}

impl Chunk {
    pub(super) fn memory(bytes: Bytes, exchange: Arc<Exchange>) -> Self {
        Self { bytes: Source::Memory(bytes), exchange }
    }

    /// A window, which goes into the queue at once: chunks must be given to hyper in the order in which they are made.
    pub(super) fn window(window: Window, queue: &Windows, exchange: Arc<Exchange>) -> io::Result<Self> {
        let len = usize::try_from(window.extent.len()).ok().filter(|len| *len <= WINDOW_BYTES);
        let len = len.ok_or_else(|| broken("a window is larger than its placeholder"))?;
        queue.lock().push_back((window, 0));
        Ok(Self { bytes: Source::Window(0, len), exchange })
    }
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        match &self.bytes {
            Source::Memory(bytes) => bytes.len(),
            Source::Window(sent, len) => len - sent,
        }
    }

    fn chunk(&self) -> &[u8] {
        match &self.bytes {
            Source::Memory(bytes) => bytes,
            Source::Window(sent, len) => PLACEHOLDER.get(*sent..*len).unwrap_or_default(),
        }
    }

    fn advance(&mut self, n: usize) {
        match &mut self.bytes {
            Source::Memory(bytes) => bytes.advance(n),
            Source::Window(sent, len) => *sent = sent.saturating_add(n).min(*len),
        }
        self.exchange.sent(n);
    }
}

/// Where in the placeholder a slice begins, if it lies there.
pub(super) fn place(slice: &[u8]) -> Option<usize> {
    let (all, part) = (PLACEHOLDER.as_ptr_range(), slice.as_ptr_range());
    let inside = !slice.is_empty() && part.start >= all.start && part.end <= all.end;
    inside.then(|| part.start.addr() - all.start.addr())
}

/// The windows that a connection has to send, in order. Shared by the bodies that put them in and the stream that takes
/// them out. Beside each: how many of its bytes are sent.
#[derive(Clone, Default)]
pub(super) struct Windows(Arc<Mutex<VecDeque<(Window, usize)>>>);

/// A part of a blob, at most [`WINDOW_BYTES`] long.
#[derive(Clone)]
pub(super) struct Window {
    /// The blob.
    pub(super) digest: ContentDigest,
    /// The part.
    pub(super) extent: Extent,
}

impl Windows {
    /// The window that `len` bytes from `place` of the placeholder stand for.
    ///
    /// # Errors
    /// That it is not the queue's front: hyper and the queue are not of one mind.
    pub(super) fn front(&self, place: usize, len: usize) -> io::Result<Window> {
        let queue = self.lock();
        let (window, sent) = queue.front().ok_or_else(|| broken("nothing is queued to be sent"))?;
        if *sent != place || window.extent.len() != (place + len) as u64 {
            return Err(broken("what is to be sent is not what is queued"));
        }
        Ok(window.clone())
    }

    /// Notes that `n` more bytes of the front are sent.
    pub(super) fn advance(&self, n: usize) {
        let mut queue = self.lock();
        if let Some((window, sent)) = queue.front_mut() {
            *sent += n;
            if *sent as u64 >= window.extent.len() {
                queue.pop_front();
            }
        }
    }

    /// Whether all that was queued is sent.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Window, usize)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fault of the server's own.
pub(super) fn broken(why: &str) -> io::Error {
    io::Error::other(format!("sending a file: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::exchange::tests::exchange;

    fn window(len: u64) -> Window {
        let file = tempfile::tempfile().unwrap();
        Window {
            digest: ContentDigest::of(crate::digest::Algorithm::Sha256, b""),
            extent: Extent::new(Arc::new(file), 100, len).unwrap(),
        }
    }

    #[test]
    fn a_slice_is_known_by_where_it_lies_and_not_by_what_it_holds() {
        let chunk = Chunk::window(window(1000), &Windows::default(), exchange()).unwrap();
        assert_eq!(place(chunk.chunk()), Some(0));
        assert_eq!(place(&chunk.chunk()[7..9]), Some(7));
        assert_eq!(place(&[0; 1000]), None);
        let copy = chunk.chunk().to_vec();
        assert_eq!(place(&copy), None);
        assert_eq!(place(&chunk.chunk()[..0]), None, "nothing lies nowhere");
    }

    #[test]
    fn a_chunk_shows_what_is_left_of_its_window_and_counts_what_went() {
        let exchange = exchange();
        let mut chunk = Chunk::window(window(WINDOW_BYTES as u64), &Windows::default(), Arc::clone(&exchange)).unwrap();
        chunk.advance(WINDOW_BYTES - 5);
        assert_eq!((chunk.remaining(), chunk.chunk().len(), place(chunk.chunk())), (5, 5, Some(WINDOW_BYTES - 5)));
        chunk.advance(5);
        assert_eq!((chunk.remaining(), chunk.chunk()), (0, &b""[..]));
        assert_eq!(exchange.sent_so_far(), WINDOW_BYTES as u64);
        assert!(Chunk::window(window(WINDOW_BYTES as u64 + 1), &Windows::default(), exchange).is_err());
    }

    #[test]
    fn only_what_is_left_of_the_front_may_be_sent() {
        let queue = Windows::default();
        assert!(queue.front(0, 10).is_err(), "nothing is queued");
        for len in [10, 20] {
            Chunk::window(window(len), &queue, exchange()).unwrap();
        }
        assert_eq!(queue.front(0, 10).unwrap().extent.len(), 10);
        queue.advance(4);
        for (why, at, len) in [
            ("from its beginning again", 0, 10),
            ("what is left, from elsewhere", 0, 6),
            ("a part of what is left", 4, 5),
            ("more than is left", 4, 7),
            ("the next window", 0, 20),
        ] {
            assert!(queue.front(at, len).is_err(), "{why}");
        }
        assert!(queue.front(4, 6).is_ok());
        queue.advance(6);
        assert_eq!(queue.front(0, 20).unwrap().extent.len(), 20);
        queue.advance(20);
        assert!(queue.is_empty());
    }
}
