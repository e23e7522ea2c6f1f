//! An OCI Distribution server (distribution-spec 1.1; spec/registry.md).
//!
//! A request goes one way: [`Endpoint::parse`] says what is asked, [`handlers::handle`] or [`Pusher::change`] what the
//! answer is, `response` how it is put into HTTP.

pub mod access;
mod body;
mod buffers;
mod chunk;
mod connection;
mod content;
mod error;
mod event;
mod exchange;
pub mod handlers;
mod metrics;
mod operations;
mod outgoing;
mod peers;
mod printable;
pub mod push;
mod range;
mod request;
mod response;
mod route;
mod service;
mod stall;
pub mod tls;
mod windowed;
mod wire;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use self::access::Access;
use self::tls::Tls;
use tokio::runtime;
use tokio::sync::watch;

pub use buffers::BUFFER_BYTES;
pub use content::{Content, LOOK_EVERY, View};
pub use error::ApiError;
pub use event::{Event, Report};
pub use exchange::{Log, Served, User};
pub use metrics::{Gauge, Metrics};
pub use printable::Printable;
pub use push::{PushLimits, Pusher};
pub use range::Range;
pub use route::{Address, Change, Endpoint, Page, Reference, Route, URI_BYTES, UploadId};

/// How a server behaves.
#[derive(Clone)]
pub struct Config {
    /// Ceilings.
    pub limits: Limits,
    /// Names that clients know this server by, as `host` or `host:port`. A request whose `ns` is one of them, or is its own
    /// `Host`, asks for what is here and not for a mirror of elsewhere.
    pub hosts: Vec<String>,
    /// Takes what the operator should know.
    pub report: Report,
    /// Who may read and who may write.
    pub access: Access,
    /// What the server speaks TLS with; plain HTTP without.
    pub tls: Option<Tls>,
    /// Takes pushes and deletions. A server without one is read-only: it answers every change with 405.
    pub pusher: Option<Arc<Pusher>>,
    /// Takes every request that is over.
    pub log: Option<Log>,
    /// What is counted. Faults are, if `report` is from [`Metrics::counting`] of the same.
    pub metrics: Arc<Metrics>,
}

/// What clients may take of a server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at one time; more wait in the listener's queue. Each takes two file descriptors and at most two
    /// [`BUFFER_BYTES`].
    pub connections: u16,
    /// Connections of one address (of one /64, in IPv6) at one time; more are closed at once, and counted. Below `connections`, so that one client
    /// does not keep all others out.
    pub peer_connections: u16,
    /// Time for a request's line and headers to arrive, from the connection's beginning or the last answer's end: also how
    /// long a connection may be idle.
    pub request_time: Duration,
    /// Time that a client may take nothing of what it is sent, or send nothing of what it announced.
    pub stall_time: Duration,
    /// Time that answers under way have to end once the server is told to stop.
    pub stop_time: Duration,
}

/// Bytes of a request's line and headers together.
pub const HEAD_BYTES: usize = 32 << 10;

/// Most threads that wait for disks at one time.
const BLOCKING_THREADS: usize = 64;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 400,
            peer_connections: 256,
            request_time: Duration::from_secs(60),
            stall_time: Duration::from_secs(60),
            stop_time: Duration::from_secs(10),
        }
    }
}

impl Config {
    /// The default limits, no further names, plain HTTP without logins, read-only, no log.
    #[must_use]
    pub fn new(report: Report) -> Self {
        Self {
            limits: Limits::default(),
            hosts: Vec::new(),
            report,
            access: Access::open(),
            tls: None,
            pusher: None,
            log: None,
            metrics: Arc::default(),
        }
    }
}

/// Stops a server from another thread, such as one that waits for signals.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Tells the server to accept no more, to end the answers under way, and to return. May be called before the server runs,
    /// and more than once.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Serves `content` on `listener` until `stop` says so. Blocks; runs on threads of its own.
///
/// # Errors
/// That the threads or the listener cannot be set up. What happens to single connections and reads goes to
/// [`Config::report`].
pub fn serve(listener: TcpListener, content: Arc<dyn Content>, config: Config, stop: &Stop) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = runtime::Builder::new_multi_thread()
        .thread_name("registry")
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_io()
        .enable_time()
        .build()?;
    let served = runtime.block_on(connection::accept(listener, content, config, stop.0.subscribe()));
    // A read that hangs in a broken disk must not keep the process from ending.
    runtime.shutdown_background();
    served
}
