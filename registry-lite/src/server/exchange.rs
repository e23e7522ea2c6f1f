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

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::server::ApiError;
    use crate::server::response::refuse;

    /// An exchange that nobody hears of.
    pub(in crate::server) fn exchange() -> Arc<Exchange> {
        Exchange::begin(&Request::new(()), ([10, 0, 0, 1], 5).into(), &Arc::default(), None)
    }

    impl Exchange {
        pub(in crate::server) fn sent_so_far(&self) -> u64 {
            self.sent.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_request_is_logged_once_when_the_last_that_has_to_do_with_it_is_gone() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log: Log = {
            let seen = Arc::clone(&seen);
            Arc::new(move |served: &Served| seen.lock().unwrap().push(served.clone()))
        };
        let request = || {
            let request = Request::put("/v2/a/manifests/1?x=%0a").header(USER_AGENT, b"evil\xff\"".as_slice());
            Exchange::begin(&request.body(()).unwrap(), ([10, 0, 0, 1], 5).into(), &Arc::default(), Some(&log))
        };
        let refusal = || {
            let mut refusal = refuse(&ApiError::ReadOnly, false);
            refusal.extensions_mut().insert(User("j\noe".to_owned()));
            refusal
        };
        let length = usize::try_from(refusal().body().length()).unwrap();
        for (why, answer, sent, status, broken_off) in [
            ("answered", Some(refusal()), length, Some(405), false),
            ("answered in part", Some(refusal()), length - 1, Some(405), true),
            ("not answered", None, 0, None, true),
            ("without a body", Some(Response::new(Body::empty())), 0, Some(200), false),
        ] {
            let exchange = request();
            let body = Arc::clone(&exchange);
            exchange.received(9);
            let code = answer.as_ref().and_then(|answer| answer.extensions().get::<Refused>()).map(|code| code.0);
            let user = answer.as_ref().and_then(|answer| answer.extensions().get::<User>()).is_some();
            if let Some(answer) = answer {
                exchange.answered(&answer);
            }
            drop(exchange);
            body.sent(sent);
            assert!(seen.lock().unwrap().is_empty(), "{why}: its body is still on its way");
            drop(body);
            let all = std::mem::take(&mut *seen.lock().unwrap());
            let [served] = all.as_slice() else { panic!("{why}: {} times", all.len()) };
            assert_eq!((served.status.map(|s| s.as_u16()), served.broken_off), (status, broken_off), "{why}");
            assert_eq!((served.sent, served.received), (sent as u64, 9), "{why}");
            assert_eq!((served.method.as_str(), served.target.as_str()), ("PUT", "/v2/a/manifests/1?x=%0a"), "{why}");
            assert_eq!(served.agent.as_ref().unwrap().as_str(), "evil\\xff\\\"", "{why}");
            assert_eq!(served.code, code, "{why}");
            assert_eq!(served.user.as_ref().map(Printable::as_str), user.then_some("j\\x0aoe"), "{why}");
        }
    }
}
