//! For whoever operates the server: `/healthz`, `/readyz`, `/metrics`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::timeout;

use super::access::Right;
use super::body::Body;
use super::response::refuse;
use super::service::Service;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Longest time that a look at the content may take: a disk that does not answer must not make the question hang.
const LOOK_TIME: Duration = Duration::from_secs(5);

/// What is asked by whoever operates the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// Whether the process answers.
    Health,
    /// Whether content can be served. Like [`Operation::Health`] for probes, which have no login.
    Ready,
    /// The counters. They tell what a site has: whoever may not read its content has no business with them.
    Metrics,
}

impl Operation {
    /// The operation that a path names. None of them lies below `/v2/`.
    pub(super) fn of(path: &str) -> Option<Self> {
        match path {
            "/healthz" => Some(Self::Health),
            "/readyz" => Some(Self::Ready),
            "/metrics" => Some(Self::Metrics),
            _ => None,
        }
    }

    /// Its answer.
    pub(super) async fn answer<B>(self, service: &Service, request: &Request<B>, peer: IpAddr) -> Response<Body> {
        let head = request.method() == Method::HEAD;
        if !head && request.method() != Method::GET {
            let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET and HEAD only\n".to_owned(), head);
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        match self {
            Self::Health => text(StatusCode::OK, TEXT, "ok\n".to_owned(), head),
            Self::Ready => match look(service, |content| content.ready())
                .await
                .and_then(|ready| ready.map_err(|e| e.to_string()))
            {
                Ok(()) => text(StatusCode::OK, TEXT, "ok\n".to_owned(), head),
                Err(why) => text(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{}\n", why.replace('\n', " ")), head),
            },
            Self::Metrics => {
                if let Err(error) = service.admit(request.headers(), peer, Right::Read).await {
                    return refuse(&error, head);
                }
                // Counters are worth having when the content is not.
                let gauges = look(service, |content| content.gauges()).await.unwrap_or_default();
                text(StatusCode::OK, METRICS, service.config.metrics.page(&gauges), head)
            }
        }
    }
}

/// Looks at the content where it may wait for a disk.
async fn look<R: Send + 'static>(
    service: &Service,
    at: impl FnOnce(&dyn super::Content) -> R + Send + 'static,
) -> Result<R, String> {
    let content = Arc::clone(&service.content);
    let looking = tokio::task::spawn_blocking(move || at(content.as_ref()));
    match timeout(LOOK_TIME, looking).await {
        Ok(Ok(seen)) => Ok(seen),
        Ok(Err(panicked)) => Err(panicked.to_string()),
        Err(_) => Err(format!("the storage has not answered for {} s", LOOK_TIME.as_secs())),
    }
}

fn text(status: StatusCode, kind: HeaderValue, text: String, head: bool) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_LENGTH, (text.len() as u64).into());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.map(|_| if head { Body::empty() } else { Body::text(text) })
}
