//! Connections: accepted, limited, served, ended.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{HOST, HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::body::Body;
use super::content::Content;
use super::error::ApiError;
use super::event::Event;
use super::handlers::{Conditions, Handled, handle};
use super::response::{Asked, refuse, render};
use super::route::{Address, Route};
use super::stall::Stall;
use super::{Config, HEAD_BYTES};

/// Pause after a failed accept: without one, a process that is out of file descriptors would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

struct Service {
    content: Arc<dyn Content>,
    config: Config,
}

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
            Ok((stream, _)) => {
                let connection = connection(stream, Arc::clone(&service), stop.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(slot);
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

async fn connection(stream: TcpStream, service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let limits = service.config.limits;
    // Without this the end of an answer may wait for an acknowledgement; where it is refused, answers are late but right.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Stall::new(stream, limits.stall_time));
    let answer = service_fn(|request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.request_time)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(io, answer);
    let mut connection = pin!(connection);
    // How a connection ends is the client's affair: a broken one has nobody to tell.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

impl Service {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let head = request.method() == Method::HEAD;
        let uri = request.uri();
        let mut route = match Route::parse(request.method(), uri.path(), uri.query()) {
            Ok(route) => route,
            Err(error) => return refuse(&error, head),
        };
        let header = |name: HeaderName| request.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        if let Some(address) = route.address_mut() {
            self.drop_own_namespace(address, header(HOST).as_deref());
        }
        let namespace = route.address_mut().and_then(|address| address.namespace.clone());
        let conditions = Conditions {
            // RFC 9110 section 14.2: a range has no meaning for other methods than GET.
            range: header(RANGE).filter(|_| !head),
            if_range: header(IF_RANGE),
            if_none_match: header(IF_NONE_MATCH),
        };
        let asked = Asked { head, path: uri.path().to_owned(), namespace };
        match self.handled(route, conditions).await {
            Ok((reply, by_namespace)) => render(reply, by_namespace, &asked, &self.config.report),
            Err(error) => refuse(&error, head),
        }
    }

    /// A client may take this very server for its mirror of this very server: containerd does with a `_default` host.
    fn drop_own_namespace(&self, address: &mut Address, host: Option<&str>) {
        let own =
            |ns: &String| self.config.hosts.iter().map(String::as_str).chain(host).any(|h| h.eq_ignore_ascii_case(ns));
        address.namespace = address.namespace.take().filter(|ns| !own(ns));
    }

    /// Handles the request where it may wait for a disk.
    async fn handled(&self, route: Route, conditions: Conditions) -> Handled {
        let (content, report) = (Arc::clone(&self.content), self.config.report.clone());
        let handled = tokio::task::spawn_blocking(move || handle(&content.view(), &route, &conditions, &report));
        handled.await.unwrap_or_else(|panicked| {
            let cause = io::Error::other(panicked);
            (self.config.report)(&Event::Request { cause: &cause });
            Err(ApiError::Storage(cause))
        })
    }
}
