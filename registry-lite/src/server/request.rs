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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use http_body_util::BodyExt;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use hyper_util::rt::TokioIo;

    use super::*;
    use crate::server::exchange::tests::exchange;

    /// What a handler that reads a whole body makes of one of which `sent` comes: the bytes or the error, and whether something was left.
    fn taken(length: usize, sent: &[u8]) -> (Result<Vec<u8>, io::ErrorKind>, bool) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        server.set_nonblocking(true).unwrap();
        write!(client, "PUT / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n").unwrap();
        client.write_all(sent).unwrap();
        let unread = Arc::new(AtomicBool::new(false));
        let (seen, outcome) = std::sync::mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::from_std(server).unwrap();
            let answer = service_fn(|request: Request<Incoming>| {
                let (unread, seen) = (Arc::clone(&unread), seen.clone());
                async move {
                    let body = RequestBody::new(request.into_body(), Duration::from_millis(200), exchange(), unread);
                    let all = body.collect().await.map(|all| all.to_bytes().to_vec()).map_err(|e| e.kind());
                    seen.send(all).unwrap();
                    let mut response = Response::new(String::new());
                    response.headers_mut().insert("connection", "close".parse().unwrap());
                    Ok::<_, io::Error>(response)
                }
            });
            http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await.unwrap();
        });
        client.read_to_end(&mut Vec::new()).unwrap();
        (outcome.recv().unwrap(), unread.load(Ordering::Relaxed))
    }

    #[test]
    fn a_body_is_taken_whole_or_ends_when_nothing_more_comes() {
        assert_eq!(taken(5, b"whole"), (Ok(b"whole".to_vec()), false));
        assert_eq!(taken(0, b""), (Ok(Vec::new()), false));
        assert_eq!(taken(9, b"a part"), (Err(io::ErrorKind::TimedOut), true));
    }
}
