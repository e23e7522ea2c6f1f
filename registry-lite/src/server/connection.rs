//! Connections: accepted, limited, served, ended.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::content::Content;
use super::event::Event;
use super::service::Service;
use super::stall::Stall;
use super::{Config, HEAD_BYTES};

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
