//! A connection's stream, as hyper sees it: it counts, has patience but not for ever, and sends windows of files where hyper
//! thinks that it writes a placeholder ([`super::chunk`]).

use std::fs::File;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::chunk::{Windows, broken, place};
use super::event::{Event, Report};
use super::metrics::Metrics;
use super::stall::Patience;

/// A stream to a client.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Whether it can send files.
    const SENDS_FILES: bool = false;

    /// Sends some of the `len` bytes of `file` from `offset`; 0 if the file has none there.
    fn poll_send_file(&self, _: &mut Context<'_>, _: &File, _: u64, _: usize) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }
}

#[cfg(target_os = "linux")]
impl Transport for TcpStream {
    const SENDS_FILES: bool = true;

    fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &File,
        mut offset: u64,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_write_ready(cx))?;
            let send = || Ok(rustix::fs::sendfile(self, file, Some(&mut offset), len)?);
            match self.try_io(tokio::io::Interest::WRITABLE, send) {
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                sent => return Poll::Ready(sent),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Transport for TcpStream {}

/// What a connection shares with what answers on it.
#[derive(Clone, Default)]
pub(super) struct Shared {
    /// What is to be sent from files.
    pub(super) windows: Windows,
    /// Whether a request's body was left unread.
    pub(super) unread: Arc<AtomicBool>,
}

/// Longest time that a connection is kept for what its client still sends after the last answer.
const LINGER: Duration = Duration::from_secs(5);

/// A stream to a client, for hyper.
pub(super) struct Wire<T> {
    stream: T,
    shared: Shared,
    patience: Patience,
    linger: Linger,
    metrics: Arc<Metrics>,
    report: Report,
}

enum Linger {
    /// The stream is open.
    Not(Duration),
    /// Nothing more is sent; what comes is thrown away until the time is over.
    Since(Pin<Box<Sleep>>),
}

impl<T: Transport> Wire<T> {
    pub(super) fn new(stream: T, shared: Shared, stall_time: Duration, metrics: Arc<Metrics>, report: Report) -> Self {
        let linger = Linger::Not(LINGER.min(stall_time));
        Self { stream, shared, patience: Patience::new(stall_time), linger, metrics, report }
    }

    /// Counts what was written, and fails what has been pending for too long.
    fn written(&mut self, attempt: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let written = ready!(self.watched(attempt, cx))?;
        self.metrics.sent.fetch_add(written as u64, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn watched<R>(&mut self, attempt: Poll<io::Result<R>>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let pending = attempt.is_pending();
        let done = ready!(self.patience.watch(attempt, cx));
        if pending {
            self.metrics.stalled.fetch_add(1, Ordering::Relaxed);
        }
        Poll::Ready(done)
    }

    /// Sends some of the window that `len` bytes from `at` of the placeholder stand for.
    fn poll_send(&mut self, cx: &mut Context<'_>, at: usize, len: usize) -> Poll<io::Result<usize>> {
        let window = self.shared.windows.front(at, len).map_err(|fault| self.tell(fault))?;
        let extent = &window.extent;
        let sent = ready!(self.stream.poll_send_file(cx, extent.file(), extent.offset() + at as u64, len));
        let lost = match sent {
            Ok(0) => io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than its blob"),
            Ok(n) => {
                self.shared.windows.advance(n);
                return Poll::Ready(Ok(n));
            }
            Err(cause) if is_clients(&cause) => return Poll::Ready(Err(cause)),
            Err(cause) => cause,
        };
        (self.report)(&Event::Read { digest: window.digest, cause: &lost });
        Poll::Ready(Err(lost))
    }

    /// A fault of the server's own, which the operator hears of: hyper only ends the connection.
    fn tell(&self, fault: io::Error) -> io::Error {
        (self.report)(&Event::Request { cause: &fault });
        fault
    }

    /// Reads and throws away until the client has closed or the time is over. A close with bytes unread is a reset, by which a
    /// client that is still sending may lose the answer that tells it to stop (RFC 9112 section 9.6).
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; 16 << 10];
        let owed = self.shared.unread.load(Ordering::Relaxed);
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
            match (&read, &mut self.linger) {
                (Poll::Ready(Ok(())), _) if !buffer.filled().is_empty() => {
                    if let Linger::Not(limit) = self.linger {
                        self.linger = Linger::Since(Box::pin(sleep(limit)));
                    }
                }
                (Poll::Ready(_), _) => return Poll::Ready(Ok(())),
                (Poll::Pending, Linger::Not(limit)) if owed => self.linger = Linger::Since(Box::pin(sleep(*limit))),
                (Poll::Pending, Linger::Not(_)) => return Poll::Ready(Ok(())),
                (Poll::Pending, Linger::Since(_)) => {}
            }
            if let Linger::Since(end) = &mut self.linger
                && end.as_mut().poll(cx).is_ready()
            {
                return Poll::Ready(Ok(()));
            }
            if read.is_pending() {
                return Poll::Pending;
            }
        }
    }
}

/// Whether a failed sendfile(2) is the client's affair; else the file could not be read.
fn is_clients(cause: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, HostUnreachable, NetworkDown, NetworkUnreachable, NotConnected,
        TimedOut,
    };
    matches!(
        cause.kind(),
        BrokenPipe
            | ConnectionAborted
            | ConnectionReset
            | HostUnreachable
            | NetworkDown
            | NetworkUnreachable
            | NotConnected
            | TimedOut
    )
}

impl<T: Transport> AsyncRead for Wire<T> {
    /// Has no limit of its own: while a request is awaited hyper has one, and for a body [`super::request`] has.
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.metrics.received.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        read
    }
}

impl<T: Transport> AsyncWrite for Wire<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.as_mut().poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        // A write ends where a window begins, and the other way round.
        let memory = bufs.iter().take_while(|buf| place(buf).is_none()).count();
        let attempt = match (bufs.get(..memory), bufs.first()) {
            (Some([]), Some(window)) => {
                let at = place(window).ok_or_else(|| broken("a window has no place"))?;
                this.poll_send(cx, at, window.len())
            }
            (memory, _) => Pin::new(&mut this.stream).poll_write_vectored(cx, memory.unwrap_or_default()),
        };
        this.written(attempt, cx)
    }

    fn is_write_vectored(&self) -> bool {
        T::SENDS_FILES || self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        // hyper flushes when it has nothing left to write.
        if !this.shared.windows.is_empty() {
            return Poll::Ready(Err(this.tell(broken("hyper flushes before all is sent"))));
        }
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        this.watched(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if matches!(this.linger, Linger::Not(_)) {
            let shut = Pin::new(&mut this.stream).poll_shutdown(cx);
            ready!(this.watched(shut, cx))?;
        }
        this.poll_linger(cx)
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Read;
    use std::sync::Mutex;

    use bytes::Buf;

    use super::*;
    use crate::digest::{Algorithm, ContentDigest};
    use crate::extent::Extent;
    use crate::server::chunk::{Chunk, Window};
    use crate::server::exchange::tests::exchange;

    fn window(content: &[u8], len: u64) -> Window {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, content).unwrap();
        Window {
            digest: ContentDigest::of(Algorithm::Sha256, content),
            extent: Extent::new(Arc::new(file), 0, len).unwrap(),
        }
    }

    /// What `write` makes of a connection: its outcome, what the client gets, what the operator is told.
    fn over_a_connection(
        write: impl AsyncFnOnce(&mut Wire<TcpStream>, Windows) -> io::Result<()>,
    ) -> (io::Result<()>, Vec<u8>, Vec<String>) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        server.set_nonblocking(true).unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        let report: Report = Arc::new(move |event| seen.lock().unwrap().push(event.to_string()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcome = runtime.block_on(async {
            let shared = Shared::default();
            let stream = TcpStream::from_std(server).unwrap();
            let mut wire = Wire::new(stream, shared.clone(), Duration::from_secs(9), Arc::default(), report);
            write(&mut wire, shared.windows).await
        });
        let mut got = Vec::new();
        client.read_to_end(&mut got).unwrap();
        let events = events.lock().unwrap().clone();
        (outcome, got, events)
    }

    async fn write(wire: &mut Wire<TcpStream>, bufs: &[&[u8]]) -> io::Result<usize> {
        let slices: Vec<_> = bufs.iter().map(|buf| IoSlice::new(buf)).collect();
        poll_fn(|cx| Pin::new(&mut *wire).poll_write_vectored(cx, &slices)).await
    }

    #[test]
    fn windows_go_out_in_their_place_between_what_is_in_memory() {
        let (outcome, got, events) = over_a_connection(async |wire, windows| {
            let mut chunk = Chunk::window(window(b"from a file", 11), &windows, exchange()).unwrap();
            assert_eq!(
                write(wire, &[b"head ", chunk.chunk(), b" end"]).await?,
                5,
                "a write ends where a window begins"
            );
            while chunk.has_remaining() {
                let sent = write(wire, &[chunk.chunk(), b" end"]).await?;
                chunk.advance(sent);
            }
            assert_eq!(write(wire, &[b" end"]).await?, 4);
            poll_fn(|cx| Pin::new(&mut *wire).poll_flush(cx)).await
        });
        assert!(outcome.is_ok() && events.is_empty(), "{outcome:?} {events:?}");
        assert_eq!(got, b"head from a file end");
    }

    #[test]
    fn nothing_of_the_placeholder_is_ever_sent() {
        let (outcome, got, events) = over_a_connection(async |wire, _| {
            let elsewhere = Windows::default();
            let chunk = Chunk::window(window(b"x", 1), &elsewhere, exchange()).unwrap();
            write(wire, &[chunk.chunk()]).await.map(drop)
        });
        assert!(outcome.unwrap_err().to_string().contains("nothing is queued"));
        assert!(got.is_empty(), "{got:?}");
        assert!(matches!(events.as_slice(), [event] if event.contains("nothing is queued")), "{events:?}");

        let (outcome, got, _) = over_a_connection(async |wire, windows| {
            let chunk = Chunk::window(window(b"0123456789", 10), &windows, exchange()).unwrap();
            let cut = chunk.chunk().get(..4).unwrap();
            poll_fn(|cx| Pin::new(&mut *wire).poll_write(cx, cut)).await.map(drop)
        });
        assert!(outcome.unwrap_err().to_string().contains("is not what is queued"));
        assert!(got.is_empty(), "{got:?}");

        let (outcome, ..) = over_a_connection(async |wire, windows| {
            let _left = Chunk::window(window(b"x", 1), &windows, exchange()).unwrap();
            poll_fn(|cx| Pin::new(&mut *wire).poll_flush(cx)).await
        });
        assert!(outcome.unwrap_err().to_string().contains("before all is sent"));
    }

    #[test]
    fn a_file_without_the_bytes_is_an_error_that_the_operator_hears_of() {
        let (outcome, got, events) = over_a_connection(async |wire, windows| {
            let chunk = Chunk::window(window(b"", 10), &windows, exchange()).unwrap();
            write(wire, &[chunk.chunk()]).await.map(drop)
        });
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(got.is_empty());
        assert!(matches!(events.as_slice(), [event] if event.contains("shorter than its blob")), "{events:?}");
    }
}
