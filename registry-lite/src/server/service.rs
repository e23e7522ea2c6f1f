//! From a request to its answer.

use std::io;
use std::sync::Arc;

use hyper::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HOST, HeaderMap, HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use hyper::{Method, Request, Response};

use super::Config;
use super::body::Body;
use super::content::Content;
use super::error::ApiError;
use super::event::Event;
use super::handlers::{Conditions, Handled, handle, recall};
use super::push::{Pusher, Sent};
use super::request::RequestBody;
use super::response::{Asked, done, refuse, render};
use super::route::{Address, Change, Endpoint, Route};

/// What all connections share.
pub(super) struct Service {
    pub(super) content: Arc<dyn Content>,
    pub(super) config: Config,
}

impl Service {
    pub(super) async fn answer(&self, request: Request<RequestBody>) -> Response<Body> {
        let head = request.method() == Method::HEAD;
        match self.reply(request, head).await {
            Ok(response) => response,
            Err(error) => refuse(&error, head, self.config.pusher.is_some()),
        }
    }

    async fn reply(&self, request: Request<RequestBody>, head: bool) -> Result<Response<Body>, ApiError> {
        let (parts, body) = request.into_parts();
        let reads = head || parts.method == Method::GET;
        if !reads && self.config.pusher.is_none() {
            return Err(ApiError::ReadOnly);
        }
        let mut endpoint = Endpoint::parse(&parts.method, parts.uri.path(), parts.uri.query())?;
        if let Some(address) = endpoint.address_mut() {
            self.drop_own_namespace(address, text(&parts.headers, HOST).as_deref());
        }
        let address = endpoint.address_mut().cloned();
        match endpoint {
            Endpoint::Read(route) => {
                let conditions = Conditions {
                    // RFC 9110 section 14.2: a range has no meaning for other methods than GET.
                    range: text(&parts.headers, RANGE).filter(|_| !head),
                    if_range: text(&parts.headers, IF_RANGE),
                    if_none_match: text(&parts.headers, IF_NONE_MATCH),
                };
                let asked = Asked {
                    head,
                    path: parts.uri.path().to_owned(),
                    namespace: address.and_then(|address| address.namespace),
                };
                let (reply, by_namespace) = self.read(route, conditions, head).await?;
                Ok(render(reply, by_namespace, &asked, &self.config.report))
            }
            Endpoint::Write(change) => {
                let pusher = self.config.pusher.as_ref().ok_or(ApiError::UploadUnknown)?;
                let address = address.ok_or(ApiError::ReadOnly)?;
                self.write(pusher, address, change, &parts.headers, body, head).await
            }
        }
    }

    async fn read(&self, route: Route, conditions: Conditions, head: bool) -> Handled {
        let recalled = self.content.peek().and_then(|view| recall(&view, &route, &conditions));
        if let Some(handled) = recalled {
            return handled;
        }
        // A client that will push asks first which blobs are here.
        let told = match (&route, head) {
            (Route::Blob(address, digest), true) => Some((address.clone(), *digest)),
            _ => None,
        };
        let handled = self.handled(route, conditions).await;
        if let (Ok(_), Some((address, digest)), Some(pusher)) = (&handled, told, &self.config.pusher) {
            pusher.told(&address, digest).await;
        }
        handled
    }

    async fn write(
        &self,
        pusher: &Arc<Pusher>,
        address: Address,
        change: Change,
        headers: &HeaderMap,
        body: RequestBody,
        head: bool,
    ) -> Result<Response<Body>, ApiError> {
        let sent = Sent {
            content_type: text(headers, CONTENT_TYPE),
            range: text(headers, CONTENT_RANGE),
            length: text(headers, CONTENT_LENGTH).and_then(|length| length.parse().ok()),
        };
        let made = pusher.change(change, body, sent).await?;
        Ok(done(&made, &address, head))
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

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
}
