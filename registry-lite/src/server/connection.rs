//! Connections: accepted, limited, served, ended.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use super::content::Content;
use super::event::Event;
use super::exchange::Exchange;
use super::operations::Operation;
use super::outgoing::Outgoing;
use super::peers::Peers;
use super::request::RequestBody;
use super::service::Service;
use super::tls::Tls;
use super::wire::{Shared, Transport, Wire};
use super::{Config, HEAD_BYTES};

/// Most bytes that are taken from a client at once. hyper begins with 8 KiB, and takes more from one that sends fast: each piece costs
/// several system calls beside the one that reads it.
const RECEIVE_BYTES: usize = 512 << 10;

/// Pause after a failed accept: without one, a process that is out of file descriptors would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until `stop` is true, then waits for what is under way.
pub(super) async fn accept(
    listener: std::net::TcpListener,
    content: Arc<dyn Content>,
    config: Config,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let limits = config.limits;
    let slots = Arc::new(Semaphore::new(limits.connections.into()));
    let peers = Peers::new(limits.peer_connections);
    let service = Arc::new(Service { content, config });
    loop {
        let next = async {
            // The semaphore is never closed, so there is always a slot in the end.
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            next = next => next,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let metrics = Arc::clone(&service.config.metrics);
                // An answer would be one more thing that such a client can make the server do.
                let Some(place) = peers.enter(peer.ip()) else {
                    metrics.turned_away.fetch_add(1, Ordering::Relaxed);
                    continue;
                };
                metrics.accepted.fetch_add(1, Ordering::Relaxed);
                let connection = connection(stream, peer, Arc::clone(&service), stop.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop((slot, place));
                    metrics.ended.fetch_add(1, Ordering::Relaxed);
                });
            }
            Err(cause) => {
                (service.config.report)(&Event::Accept { cause: &cause });
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    // Past the time, what is still under way is cut off.
    let _ = timeout(limits.stop_time, slots.acquire_many(limits.connections.into())).await;
    Ok(())
}

/// One connection. A handshake of TLS has the time that a request has.
async fn connection(stream: TcpStream, peer: SocketAddr, service: Arc<Service>, stop: watch::Receiver<bool>) {
    // Without this the end of an answer may wait for an acknowledgement; where it is refused, answers are late but right.
    let _ = stream.set_nodelay(true);
    match service.config.tls.as_ref().map(Tls::acceptor) {
        None => http(stream, peer, service, stop).await,
        Some(acceptor) => {
            // A client that does not trust the certificate, or speaks plain HTTP, has ended the conversation by itself.
            let shaken = timeout(service.config.limits.request_time, acceptor.accept(stream)).await;
            match shaken {
                Ok(Ok(stream)) => http(stream, peer, service, stop).await,
                _ => {
                    service.config.metrics.unshaken.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

impl Transport for TlsStream<TcpStream> {}

/// Speaks HTTP on a stream until either side ends it.
async fn http<T: Transport>(stream: T, peer: SocketAddr, service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let config = &service.config;
    let limits = config.limits;
    let shared = Shared::default();
    let wire =
        Wire::new(stream, shared.clone(), limits.stall_time, Arc::clone(&config.metrics), Arc::clone(&config.report));
    let answer = service_fn(|request| {
        let (service, shared) = (Arc::clone(&service), shared.clone());
        async move { Ok::<_, Infallible>(exchange::<T>(request, peer, &service, shared).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.request_time)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(RECEIVE_BYTES)
        .serve_connection(TokioIo::new(wire), answer);
    let mut connection = pin!(connection);
    // How a connection ends is the client's affair: a broken one has nobody to tell.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Answers one request.
async fn exchange<T: Transport>(
    request: Request<Incoming>,
    peer: SocketAddr,
    service: &Service,
    shared: Shared,
) -> Response<Outgoing> {
    let config = &service.config;
    let exchange = Exchange::begin(&request, peer, &config.metrics, config.log.as_ref());
    shared.unread.store(false, Ordering::Relaxed);
    let request = request.map(|body| {
        RequestBody::new(body, config.limits.stall_time, Arc::clone(&exchange), Arc::clone(&shared.unread))
    });
    let mut response = match Operation::of(request.uri().path()) {
        Some(operation) => operation.answer(service, &request, peer.ip()).await,
        None => service.answer(request, peer.ip()).await,
    };
    // What is left of a body would be taken for the next request. hyper closes too, but does not say so.
    if shared.unread.load(Ordering::Relaxed) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    exchange.answered(&response);
    response.map(|body| Outgoing::new(body, T::SENDS_FILES.then_some(shared.windows), exchange))
}
