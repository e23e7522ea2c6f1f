//! From a request to its answer.

use std::io;
use std::sync::Arc;

use hyper::header::{HOST, HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE};
use hyper::{Method, Request, Response};

use super::Config;
use super::body::Body;
use super::content::Content;
use super::error::ApiError;
use super::event::Event;
use super::handlers::{Conditions, Handled, handle};
use super::request::RequestBody;
use super::response::{Asked, refuse, render};
use super::route::{Address, Route};

/// What all connections share.
pub(super) struct Service {
    pub(super) content: Arc<dyn Content>,
    pub(super) config: Config,
}

impl Service {
    pub(super) async fn answer(&self, request: Request<RequestBody>) -> Response<Body> {
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
