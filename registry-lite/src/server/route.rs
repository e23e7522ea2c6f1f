//! From method, path and query to what is asked. Names contain slashes, and may contain `manifests` and `blobs` too, so a
//! path is read from its tail.

use bundle_format::Digest;
use bundle_format::reference::{is_repository, is_tag};
use hyper::Method;
use percent_encoding::percent_decode_str;

use super::error::{ApiError, cut};

/// What is asked (distribution-spec, "Endpoints").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `GET /v2/`: whether this is a registry.
    Ping,
    /// `GET /v2/<name>/manifests/<reference>`.
    Manifest(Address, Reference),
    /// `GET /v2/<name>/blobs/<digest>`.
    Blob(Address, Digest),
    /// `GET /v2/<name>/tags/list`.
    Tags(Address, Page),
    /// `GET /v2/<name>/referrers/<digest>`.
    Referrers {
        /// The repository.
        address: Address,
        /// The subject; `None` for a digest of an algorithm by which nothing here is named, which has no referrers.
        subject: Option<Digest>,
        /// Only referrers of this type.
        artifact_type: Option<String>,
    },
    /// `GET /v2/_catalog`: the repositories (Docker Registry HTTP API V2).
    Catalog(Page),
}

/// A repository as the client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The path: a repository's name by the grammar.
    pub name: String,
    /// `ns`: the registry whose mirror the client takes this server for (distribution-spec, "Registry Proxying").
    pub namespace: Option<String>,
}

/// What a manifest is asked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A tag.
    Tag(String),
    /// A digest.
    Digest(Digest),
}

/// The part of a list that is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Most entries; all if `None`.
    pub n: Option<usize>,
    /// Only entries that sort after this one.
    pub last: Option<String>,
}

/// Longest path and query in bytes. The longest that a registry has is a name and a digest, below 400.
pub const URI_BYTES: usize = 4096;

impl Route {
    /// Reads a request's method, path and query as they are on the wire (still percent-encoded).
    ///
    /// # Errors
    /// [`ApiError`]: `ReadOnly` for any method but GET and HEAD, and what the path and query break.
    pub fn parse(method: &Method, path: &str, query: Option<&str>) -> Result<Self, ApiError> {
        let query_bytes = query.unwrap_or_default();
        if path.len() + query_bytes.len() > URI_BYTES {
            return Err(ApiError::UriTooLong { limit: URI_BYTES });
        }
        if method != Method::GET && method != Method::HEAD {
            return Err(ApiError::ReadOnly);
        }
        let no_endpoint = || ApiError::NoEndpoint { path: cut(path) };
        let path = percent_decode_str(path).decode_utf8().map_err(|_| no_endpoint())?;
        let query = Query(query_bytes);
        if path == "/v2" {
            return Ok(Self::Ping);
        }
        match path.strip_prefix("/v2/").ok_or_else(no_endpoint)? {
            "" => Ok(Self::Ping),
            "_catalog" => Ok(Self::Catalog(query.page()?)),
            rest => {
                let (head, last) = rest.rsplit_once('/').ok_or_else(no_endpoint)?;
                let (name, kind) = head.rsplit_once('/').ok_or_else(no_endpoint)?;
                let address = |name| address(name, &query);
                match (kind, last) {
                    ("manifests", reference) => manifest(address(name)?, reference),
                    ("blobs", digest) => blob(address(name)?, digest),
                    ("tags", "list") => Ok(Self::Tags(address(name)?, query.page()?)),
                    ("referrers", subject) => Ok(Self::Referrers {
                        address: address(name)?,
                        subject: digest(subject)?,
                        artifact_type: query.get("artifactType"),
                    }),
                    ("uploads", _) if name.ends_with("/blobs") => Err(ApiError::UploadUnknown),
                    _ => Err(no_endpoint()),
                }
            }
        }
    }
}

impl Route {
    /// The repository that is asked for, if it is about one.
    pub fn address_mut(&mut self) -> Option<&mut Address> {
        match self {
            Self::Ping | Self::Catalog(_) => None,
            Self::Manifest(address, _)
            | Self::Blob(address, _)
            | Self::Tags(address, _)
            | Self::Referrers { address, .. } => Some(address),
        }
    }
}

fn address(name: &str, query: &Query<'_>) -> Result<Address, ApiError> {
    if !is_repository(name) {
        return Err(ApiError::NameInvalid { name: cut(name) });
    }
    Ok(Address { name: name.to_owned(), namespace: query.get("ns").filter(|ns| !ns.is_empty()) })
}

fn manifest(address: Address, reference: &str) -> Result<Route, ApiError> {
    let unknown = |name| Err(ApiError::ManifestUnknown { name, reference: cut(reference) });
    if reference.contains(':') {
        return match digest(reference)? {
            Some(digest) => Ok(Route::Manifest(address, Reference::Digest(digest))),
            None => unknown(address.name),
        };
    }
    // What is not a tag by the grammar is a tag that no manifest has.
    if !is_tag(reference) {
        return unknown(address.name);
    }
    Ok(Route::Manifest(address, Reference::Tag(reference.to_owned())))
}

fn blob(address: Address, text: &str) -> Result<Route, ApiError> {
    match digest(text)? {
        Some(digest) => Ok(Route::Blob(address, digest)),
        None => Err(ApiError::BlobUnknown { name: address.name, digest: text.to_owned() }),
    }
}

/// `None` for a valid SHA-512 digest: content here has SHA-256 names, so that is one of something else.
fn digest(text: &str) -> Result<Option<Digest>, ApiError> {
    if let Some(hex) = text.strip_prefix("sha512:")
        && hex.len() == 128
        && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| ApiError::DigestInvalid { text: cut(text) })
}

struct Query<'q>(&'q str);

impl Query<'_> {
    /// The first value of `key`. A `+` stands for itself: no value here has a space, and many a client forgets to encode the
    /// one in `application/x+json`.
    fn get(&self, key: &str) -> Option<String> {
        let (_, value) = self.0.split('&').filter_map(|pair| pair.split_once('=')).find(|(k, _)| *k == key)?;
        Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
    }

    fn page(&self) -> Result<Page, ApiError> {
        let n = match self.get("n") {
            Some(n) => Some(n.parse().map_err(|_| ApiError::PageInvalid { n: cut(&n) })?),
            None => None,
        };
        Ok(Page { n, last: self.get("last").filter(|last| !last.is_empty()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(uri: &str) -> Result<Route, &'static str> {
        let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
        Route::parse(&Method::GET, path, query).map_err(|e| e.code().0)
    }

    fn at(name: &str) -> Address {
        Address { name: name.to_owned(), namespace: None }
    }

    #[test]
    fn paths_are_read_from_their_tail() {
        let digest = Digest::of(b"");
        let tag = |t: &str| Reference::Tag(t.to_owned());
        for (uri, route) in [
            ("/v2".to_owned(), Route::Ping),
            ("/v2/".to_owned(), Route::Ping),
            ("/v2/_catalog".to_owned(), Route::Catalog(Page::default())),
            ("/v2/a/manifests/1".to_owned(), Route::Manifest(at("a"), tag("1"))),
            ("/v2/a/b/c/d/manifests/list".to_owned(), Route::Manifest(at("a/b/c/d"), tag("list"))),
            (format!("/v2/a/manifests/{digest}"), Route::Manifest(at("a"), Reference::Digest(digest))),
            (format!("/v2/a/manifests/sha256%3A{}", digest.hex()), Route::Manifest(at("a"), Reference::Digest(digest))),
            (format!("/v2/a/blobs/{digest}"), Route::Blob(at("a"), digest)),
            (format!("/v2/a/blobs/b/blobs/{digest}"), Route::Blob(at("a/blobs/b"), digest)),
            ("/v2/a/manifests/b/tags/list".to_owned(), Route::Tags(at("a/manifests/b"), Page::default())),
            (
                "/v2/a/tags/list?n=3&last=1.0%2B1".to_owned(),
                Route::Tags(at("a"), Page { n: Some(3), last: Some("1.0+1".to_owned()) }),
            ),
            (
                format!("/v2/a/referrers/{digest}?artifactType=application/x+json"),
                Route::Referrers {
                    address: at("a"),
                    subject: Some(digest),
                    artifact_type: Some("application/x+json".to_owned()),
                },
            ),
            (
                format!("/v2/a/referrers/sha512:{}", "0".repeat(128)),
                Route::Referrers { address: at("a"), subject: None, artifact_type: None },
            ),
            (
                "/v2/a/manifests/1?ns=registry.example%3A5000".to_owned(),
                Route::Manifest(
                    Address { name: "a".to_owned(), namespace: Some("registry.example:5000".to_owned()) },
                    tag("1"),
                ),
            ),
        ] {
            assert_eq!(get(&uri), Ok(route), "{uri}");
        }
    }

    #[test]
    fn what_is_malformed_is_refused_with_its_code() {
        let sha512 = format!("/v2/a/manifests/sha512:{}", "0".repeat(128));
        let long = format!("/v2/{}/manifests/1", "a".repeat(URI_BYTES));
        let long_name = format!("/v2/{}/manifests/1", "a".repeat(256));
        for (why, uri, code) in [
            ("not a digest", "/v2/a/manifests/sha256:totallywrong", "DIGEST_INVALID"),
            ("not a digest", "/v2/a/blobs/sha256:baddigeststring", "DIGEST_INVALID"),
            ("no algorithm", "/v2/a/blobs/abc", "DIGEST_INVALID"),
            ("not a digest", "/v2/a/referrers/x", "DIGEST_INVALID"),
            ("an algorithm that names nothing here", sha512.as_str(), "MANIFEST_UNKNOWN"),
            ("not a tag", "/v2/a/manifests/-x", "MANIFEST_UNKNOWN"),
            ("upper case", "/v2/A/manifests/1", "NAME_INVALID"),
            ("a way up", "/v2/../../etc/manifests/1", "NAME_INVALID"),
            ("an encoded way up", "/v2/%2e%2e/manifests/1", "NAME_INVALID"),
            ("an empty component", "/v2/a//b/manifests/1", "NAME_INVALID"),
            ("a colon", "/v2/localhost:5000/a/manifests/1", "NAME_INVALID"),
            ("a long name", long_name.as_str(), "NAME_INVALID"),
            ("no name", "/v2/manifests/1", "NAME_UNKNOWN"),
            ("no tail", "/v2/a", "NAME_UNKNOWN"),
            ("not UTF-8", "/v2/%ff/manifests/1", "NAME_UNKNOWN"),
            ("not a registry's path", "/index.html", "NAME_UNKNOWN"),
            ("version 1", "/v1/search", "NAME_UNKNOWN"),
            ("an upload", "/v2/a/blobs/uploads/1", "BLOB_UPLOAD_UNKNOWN"),
            ("not a number", "/v2/a/tags/list?n=x", "PAGINATION_NUMBER_INVALID"),
            ("a negative number", "/v2/_catalog?n=-1", "PAGINATION_NUMBER_INVALID"),
            ("a long address", long.as_str(), "UNSUPPORTED"),
        ] {
            assert_eq!(get(uri), Err(code), "{why}: {uri}");
        }
    }

    #[test]
    fn every_method_that_changes_something_is_refused() {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS, Method::TRACE] {
            let refused = Route::parse(&method, "/v2/a/blobs/uploads/", None);
            assert!(matches!(refused, Err(ApiError::ReadOnly)), "{method}");
        }
        assert!(Route::parse(&Method::HEAD, "/v2/a/manifests/1", None).is_ok());
    }
}
