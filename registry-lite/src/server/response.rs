//! From replies and refusals to HTTP, in one place.

use std::fmt;

use bundle_format::media;
use bytes::Bytes;
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LINK, LOCATION,
    RANGE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use hyper::{Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::access;
use super::body::Body;
use super::error::ApiError;
use super::event::Report;
use super::exchange::Refused;
use super::handlers::{Reply, etag};
use super::push::{Done, location};
use super::route::{Address, Page, UploadId};
use crate::digest::ContentDigest;

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");
const NAMESPACE: HeaderName = HeaderName::from_static("oci-namespace");
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const TAG: HeaderName = HeaderName::from_static("oci-tag");
const UPLOAD: HeaderName = HeaderName::from_static("docker-upload-uuid");
const NO_SNIFF: HeaderName = HeaderName::from_static("x-content-type-options");

const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";

/// What of a request the form of its answer depends on.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Whether the answer has no body: HEAD.
    pub head: bool,
    /// The path, for the link to the next page.
    pub path: String,
    /// `ns`.
    pub namespace: Option<String>,
    /// How to log in, if one can.
    pub challenge: Option<String>,
}

/// The response to a request that was understood.
pub fn render(reply: Reply, by_namespace: bool, asked: &Asked, report: &Report) -> Response<Body> {
    let mut answer = Answer::new(StatusCode::OK);
    let mut body = Body::empty();
    match reply {
        Reply::Pong => {
            // Where reading needs no login, podman and skopeo learn here that one can log in all the same.
            if let Some(challenge) = &asked.challenge {
                answer.header(WWW_AUTHENTICATE, challenge);
            }
            body = answer.json(JSON, &serde_json::json!({}));
        }
        Reply::NotModified(digest) => {
            answer.status(StatusCode::NOT_MODIFIED);
            answer.identified(&digest);
        }
        Reply::Manifest { digest, media_type, held } => {
            answer.identified(&digest);
            answer.header(CONTENT_TYPE, &media_type);
            answer.length(held.bytes.len() as u64);
            body = Body::text(held.bytes.clone());
        }
        Reply::Blob { digest, bytes, part } => {
            answer.identified(&digest);
            answer.header(CONTENT_TYPE, BYTES);
            answer.header(ACCEPT_RANGES, "bytes");
            answer.length(bytes.len());
            if let Some((first, last, size)) = part {
                answer.status(StatusCode::PARTIAL_CONTENT);
                answer.header(CONTENT_RANGE, &format!("bytes {first}-{last}/{size}"));
            }
            body = Body::stored(digest, bytes, report.clone());
        }
        Reply::Tags { name, tags, next } => {
            answer.link(asked, next.as_ref());
            body = answer.json(JSON, &serde_json::json!({"name": name, "tags": tags}));
        }
        Reply::Referrers { manifests, filtered } => {
            if filtered {
                answer.header(FILTERS, "artifactType");
            }
            let index = serde_json::json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": manifests});
            body = answer.json(media::OCI_INDEX, &index);
        }
        Reply::Catalog { repositories, next } => {
            answer.link(asked, next.as_ref());
            body = answer.json(JSON, &serde_json::json!({"repositories": repositories}));
        }
    }
    if let Some(namespace) = asked.namespace.as_ref().filter(|_| by_namespace) {
        answer.header(NAMESPACE, namespace);
    }
    answer.finish(body, asked.head)
}

/// The response to a change that was made.
pub fn done(done: &Done, address: &Address, head: bool) -> Response<Body> {
    let mut answer = Answer::new(StatusCode::CREATED);
    let at = |kind: &str, what: &dyn fmt::Display| format!("/v2/{}/{kind}/{what}{}", address.name, address.query());
    match done {
        Done::Open(id, len) => {
            answer.status(StatusCode::ACCEPTED);
            answer.upload(address, id, *len);
        }
        Done::Progress(id, len) => {
            answer.status(StatusCode::NO_CONTENT);
            answer.upload(address, id, *len);
        }
        Done::Cancelled => answer.status(StatusCode::NO_CONTENT),
        Done::Blob(digest) => {
            answer.header(LOCATION, &at("blobs", digest));
            answer.header(CONTENT_DIGEST, &digest.to_string());
        }
        Done::Manifest { digest, reference, subject, tags } => {
            answer.header(LOCATION, &at("manifests", reference));
            answer.header(CONTENT_DIGEST, &digest.to_string());
            if let Some(subject) = subject {
                answer.header(SUBJECT, &subject.to_string());
            }
            for tag in tags {
                answer.another(TAG, tag);
            }
        }
        Done::Deleted => answer.status(StatusCode::ACCEPTED),
    }
    // RFC 9110 section 8.6: a 204 has no length.
    if !matches!(done, Done::Progress(..) | Done::Cancelled) {
        answer.length(0);
    }
    answer.finish(Body::empty(), head)
}

/// The response to a request that is refused.
pub fn refuse(error: &ApiError, head: bool) -> Response<Body> {
    let mut answer = Answer::new(error.code().1);
    match error {
        ApiError::ReadOnly => answer.header(ALLOW, "GET, HEAD"),
        // A server without a writer refuses all others before it looks at the endpoint.
        ApiError::Method { .. } => answer.header(ALLOW, "GET, HEAD, POST, PUT, PATCH, DELETE"),
        ApiError::Unauthorized { challenge } => answer.header(WWW_AUTHENTICATE, challenge),
        ApiError::Busy => answer.header(RETRY_AFTER, &access::RETRY_AFTER.as_secs().to_string()),
        ApiError::TooManyUploads { .. } => answer.header(RETRY_AFTER, "60"),
        ApiError::UploadRange { len, location } => {
            answer.header(LOCATION, location);
            answer.header(RANGE, &received(*len));
        }
        ApiError::RangeInvalid { size } => answer.header(CONTENT_RANGE, &format!("bytes */{size}")),
        _ => {}
    }
    answer.0.extensions_mut().insert(Refused(error.code().0));
    let envelope = error.envelope();
    answer.header(CONTENT_TYPE, JSON);
    answer.length(envelope.len() as u64);
    answer.finish(Body::text(envelope), head)
}

/// What of an upload has come, as `0-<last byte>`. Nothing is `0-0`, since clients read a number there.
fn received(len: u64) -> String {
    format!("0-{}", len.saturating_sub(1))
}

struct Answer(Response<Body>);

impl Answer {
    fn new(status: StatusCode) -> Self {
        let mut answer = Self(Response::new(Body::empty()));
        answer.status(status);
        answer.header(API_VERSION, "registry/2.0");
        answer.header(NO_SNIFF, "nosniff");
        answer
    }

    fn status(&mut self, status: StatusCode) {
        *self.0.status_mut() = status;
    }

    /// A value with a byte that no header may have is left out: media types and `ns` are other people's texts.
    fn header(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers_mut().insert(name, value);
        }
    }

    fn another(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers_mut().append(name, value);
        }
    }

    fn upload(&mut self, address: &Address, id: &UploadId, len: u64) {
        self.header(LOCATION, &location(address, id));
        self.header(RANGE, &received(len));
        self.header(UPLOAD, &id.to_string());
    }

    fn length(&mut self, bytes: u64) {
        self.0.headers_mut().insert(CONTENT_LENGTH, bytes.into());
    }

    fn identified(&mut self, digest: &ContentDigest) {
        self.header(CONTENT_DIGEST, &digest.to_string());
        self.header(ETAG, &etag(digest));
    }

    fn json(&mut self, media_type: &str, value: &serde_json::Value) -> Body {
        let text = Bytes::from(value.to_string());
        self.header(CONTENT_TYPE, media_type);
        self.length(text.len() as u64);
        Body::text(text)
    }

    /// `Link` to the next page (RFC 8288; distribution-spec, "Listing Tags").
    fn link(&mut self, asked: &Asked, next: Option<&Page>) {
        let Some(Page { n: Some(n), last: Some(last) }) = next else { return };
        let mut target = format!("{}?n={n}&last={}", asked.path, utf8_percent_encode(last, NON_ALPHANUMERIC));
        if let Some(namespace) = &asked.namespace {
            target.push_str("&ns=");
            target.extend(utf8_percent_encode(namespace, NON_ALPHANUMERIC));
        }
        self.header(LINK, &format!("<{target}>; rel=\"next\""));
    }

    fn finish(self, body: Body, head: bool) -> Response<Body> {
        self.0.map(|_| if head { Body::empty() } else { body })
    }
}
