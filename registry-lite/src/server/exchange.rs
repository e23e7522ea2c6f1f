//! One request and its answer, from the first to the last byte.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use hyper::header::{HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode, Uri};

use super::body::Body;
use super::metrics::Metrics;
use super::printable::Printable;

/// Most bytes of a path and query in a log; a user agent's; a user's.
const TARGET_BYTES: usize = 512;
const AGENT_BYTES: usize = 200;
const USER_BYTES: usize = 100;

/// A request that is over, for a log.
#[derive(Debug, Clone)]
pub struct Served {
    /// When its head had arrived.
    pub time: SystemTime,
    /// Who asked.
    pub peer: SocketAddr,
    /// Method.
    pub method: Printable,
    /// Path and query as they were sent.
    pub target: Printable,
    /// `User-Agent`.
    pub agent: Option<Printable>,
    /// The login, if it was asked for and was right.
    pub user: Option<Printable>,
    /// The answer's status; `None` if the client left, or was cut off, before there was one.
    pub status: Option<StatusCode>,
    /// The code of a refusal ([`super::ApiError::code`]).
    pub code: Option<&'static str>,
    /// Bytes of the answer's body that were handed to the network.
    pub sent: u64,
    /// Bytes of the request's body that were read.
    pub received: u64,
    /// From the head's arrival to the last byte that was sent.
    pub duration: Duration,
    /// Whether the answer ended too soon: the client left, or was cut off, or the content could not be read.
    pub broken_off: bool,
}

/// Takes requests that are over, from any thread; must not take long.
pub type Log = Arc<dyn Fn(&Served) + Send + Sync>;

/// Who asked, as an extension of a response: for the log.
#[derive(Debug, Clone)]
pub struct User(pub String);

/// The code of a refusal, as an extension of a response: for the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused(pub(super) &'static str);

/// A request that is not over. It is held by all that has to do with it: what answers it, the answer's body, and the bytes of it that hyper
/// has not sent yet. When the last of them is gone, it is over, and is counted and logged.
pub(super) struct Exchange {
    begun: Instant,
    method: Method,
    uri: Uri,
    sent: AtomicU64,
    received: AtomicU64,
    answered: OnceLock<Answered>,
    metrics: Arc<Metrics>,
    log: Option<(Log, Asked)>,
}

/// What only a log needs.
struct Asked {
    time: SystemTime,
    peer: SocketAddr,
    agent: Option<HeaderValue>,
}

struct Answered {
    status: StatusCode,
    bytes: u64,
    code: Option<&'static str>,
    user: Option<User>,
}

impl Exchange {
    pub(super) fn begin<B>(
        request: &Request<B>,
        peer: SocketAddr,
        metrics: &Arc<Metrics>,
        log: Option<&Log>,
    ) -> Arc<Self> {
        let asked = || Asked { time: SystemTime::now(), peer, agent: request.headers().get(USER_AGENT).cloned() };
        Arc::new(Self {
            begun: Instant::now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            answered: OnceLock::new(),
            metrics: Arc::clone(metrics),
            log: log.map(|log| (Arc::clone(log), asked())),
        })
    }

    /// Notes what the answer is.
    pub(super) fn answered(&self, response: &Response<Body>) {
        let extensions = response.extensions();
        // Said once for each exchange: there is nothing to be replaced.
        let _ = self.answered.set(Answered {
            status: response.status(),
            bytes: response.body().length(),
            code: extensions.get().map(|Refused(code)| *code),
            user: extensions.get().cloned(),
        });
    }

    /// `n` more bytes of the answer's body went to the network.
    pub(super) fn sent(&self, n: usize) {
        self.sent.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// The client sent nothing for too long.
    pub(super) fn stalled(&self) {
        self.metrics.stalled.fetch_add(1, Ordering::Relaxed);
    }

    /// `n` more bytes of the request's body came.
    pub(super) fn received(&self, n: usize) {
        self.received.fetch_add(n as u64, Ordering::Relaxed);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let (sent, received) = (*self.sent.get_mut(), *self.received.get_mut());
        let answered = self.answered.take();
        let duration = self.begun.elapsed();
        let status = answered.as_ref().map(|answered| answered.status);
        self.metrics.served(&self.method, self.uri.path(), status, duration);
        let Some((log, asked)) = &self.log else { return };
        let target = self.uri.path_and_query().map_or(self.uri.path(), |target| target.as_str());
        log(&Served {
            time: asked.time,
            peer: asked.peer,
            method: Printable::new(self.method.as_str().as_bytes(), USER_BYTES),
            target: Printable::new(target.as_bytes(), TARGET_BYTES),
            agent: asked.agent.as_ref().map(|agent| Printable::new(agent.as_bytes(), AGENT_BYTES)),
            broken_off: answered.as_ref().is_none_or(|answered| sent < answered.bytes),
            code: answered.as_ref().and_then(|answered| answered.code),
            user: answered
                .and_then(|answered| answered.user)
                .map(|User(name)| Printable::new(name.as_bytes(), USER_BYTES)),
            status,
            sent,
            received,
            duration,
        });
    }
}
