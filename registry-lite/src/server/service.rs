//! From a request to its answer.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HOST, HeaderMap, HeaderName, IF_NONE_MATCH, IF_RANGE,
    RANGE,
};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};

use super::Config;
use super::access::{Right, UserName, Verdict};
use super::body::Body;
use super::content::Content;
use super::error::ApiError;
use super::event::Event;
use super::exchange::User;
use super::handlers::{Conditions, Handled, handle, recall};
use super::push::{Pusher, Sent};
use super::request::RequestBody;
use super::response::{Asked, done, refuse, render};
use super::route::{Address, Change, Endpoint, Reference, Route};

/// What all connections share.
pub(super) struct Service {
    pub(super) content: Arc<dyn Content>,
    pub(super) config: Config,
}

impl Service {
    pub(super) async fn answer(&self, request: Request<RequestBody>, peer: IpAddr) -> Response<Body> {
        let head = request.method() == Method::HEAD;
        let (parts, body) = request.into_parts();
        let endpoint = Endpoint::parse(&parts.method, parts.uri.path(), parts.uri.query());
        let right = match &endpoint {
            Ok(Endpoint::Read(_)) => Right::Read,
            Ok(Endpoint::Write(_)) => Right::Write,
            Err(_) if head || parts.method == Method::GET => Right::Read,
            Err(_) => Right::Write,
        };
        // A server without a writer has nothing to protect but what it shows.
        let right = if self.config.pusher.is_some() { right } else { Right::Read };
        let (user, reply) = match self.admit(&parts.headers, peer, right).await {
            Ok(user) => (user, self.reply(endpoint, &parts, body, peer).await),
            Err(error) => (None, Err(error)),
        };
        let mut response = reply.unwrap_or_else(|error| refuse(&error, head));
        if let Some(user) = user {
            response.extensions_mut().insert(User(user.to_string()));
        }
        response
    }

    /// Who asks, if they may do what they want.
    pub(super) async fn admit(
        &self,
        headers: &HeaderMap,
        peer: IpAddr,
        right: Right,
    ) -> Result<Option<UserName>, ApiError> {
        let access = &self.config.access;
        let mut logins = headers.get_all(AUTHORIZATION).iter().map(|value| value.as_bytes());
        let login = match (logins.next(), logins.next()) {
            (login, None) => login,
            // Which of them would count is anybody's guess.
            (_, Some(_)) => Some(b"".as_slice()),
        };
        let verdict = match access.recall(login, peer, right) {
            Some(verdict) => verdict,
            None => {
                let (access, login) = (access.clone(), login.map(<[u8]>::to_vec));
                let proved = tokio::task::spawn_blocking(move || access.prove(login.as_deref(), peer, right));
                proved.await.map_err(|panicked| ApiError::Storage(io::Error::other(panicked)))?
            }
        };
        match verdict {
            Verdict::Allowed { user } => Ok(user),
            Verdict::Unauthorized => {
                Err(ApiError::Unauthorized { challenge: access.challenge().unwrap_or_default().to_owned() })
            }
            Verdict::Forbidden { why } => Err(ApiError::Denied { what: why.to_owned() }),
            Verdict::Busy => Err(ApiError::Busy),
        }
    }

    async fn reply(
        &self,
        endpoint: Result<Endpoint, ApiError>,
        parts: &Parts,
        body: RequestBody,
        peer: IpAddr,
    ) -> Result<Response<Body>, ApiError> {
        let head = parts.method == Method::HEAD;
        let reads = head || parts.method == Method::GET;
        if !reads && self.config.pusher.is_none() {
            return Err(ApiError::ReadOnly);
        }
        let mut endpoint = endpoint?;
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
                    challenge: self.config.access.challenge().map(str::to_owned),
                };
                // A client that will push asks first which blobs and manifests are here, and relies on the answer.
                let relies = match &route {
                    Route::Blob(address, digest) | Route::Manifest(address, Reference::Digest(digest))
                        if head && self.may_write(&parts.headers, peer) =>
                    {
                        Some((address.clone(), *digest))
                    }
                    _ => None,
                };
                let (reply, by_namespace) = self.read(route, conditions).await?;
                if let (Some((address, digest)), Some(pusher)) = (relies, &self.config.pusher) {
                    pusher.told(&address, digest).await;
                }
                Ok(render(reply, by_namespace, &asked, &self.config.report))
            }
            Endpoint::Write(change) => {
                let pusher = self.config.pusher.as_ref().ok_or(ApiError::UploadUnknown)?;
                let address = address.ok_or(ApiError::ReadOnly)?;
                self.write(pusher, address, change, &parts.headers, body, head).await
            }
        }
    }

    async fn read(&self, route: Route, conditions: Conditions) -> Handled {
        match self.content.peek().and_then(|view| recall(&view, &route, &conditions)) {
            Some(handled) => handled,
            None => self.handled(route, conditions).await,
        }
    }

    /// Whether who asks is known to have the right to push.
    fn may_write(&self, headers: &HeaderMap, peer: IpAddr) -> bool {
        let login = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
        let verdict = || self.config.access.recall(login, peer, Right::Write);
        self.config.pusher.is_some() && matches!(verdict(), Some(Verdict::Allowed { .. }))
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
