//! From method, path and query to what is asked. Names contain slashes, and may contain `manifests` and `blobs` too, so a
//! path is read from its tail.

use bundle_format::reference::{is_repository, is_tag};
use hyper::Method;
use percent_encoding::percent_decode_str;

use super::{Address, Change, Endpoint, Page, Reference, Route, TAGS_AT_ONCE, URI_BYTES, UploadId};
use crate::digest::{Algorithm, ContentDigest};
use crate::server::error::{ApiError, cut};

impl Endpoint {
    /// Reads a request's method, path and query as they are on the wire (still percent-encoded).
    ///
    /// # Errors
    /// [`ApiError`]: what the method, path and query break.
    pub fn parse(method: &Method, path: &str, query: Option<&str>) -> Result<Self, ApiError> {
        let query = query.unwrap_or_default();
        if path.len() + query.len() > URI_BYTES {
            return Err(ApiError::UriTooLong { limit: URI_BYTES });
        }
        let no_endpoint = || ApiError::NoEndpoint { path: cut(path) };
        let path = percent_decode_str(path).decode_utf8().map_err(|_| no_endpoint())?;
        let query = Query(query);
        let is_read = method == Method::GET || method == Method::HEAD;
        let no_method = || ApiError::Method { method: cut(method.as_str()) };
        if path == "/v2" || path == "/v2/" {
            return if is_read { Ok(Self::Read(Route::Ping)) } else { Err(no_method()) };
        }
        let rest = path.strip_prefix("/v2/").ok_or_else(no_endpoint)?;
        if rest == "_catalog" {
            return if is_read { Ok(Self::Read(Route::Catalog(query.page()?))) } else { Err(no_method()) };
        }
        if *method == Method::POST
            && let Some(name) = rest.strip_suffix("/").unwrap_or(rest).strip_suffix("/blobs/uploads")
        {
            return begin(address(name, &query)?, &query).map(Self::Write);
        }
        let (head, last) = rest.rsplit_once('/').ok_or_else(no_endpoint)?;
        let (name, kind) = head.rsplit_once('/').ok_or_else(no_endpoint)?;
        let address = |name| address(name, &query);
        match (kind, last, method) {
            ("manifests", reference, _) if is_read => Ok(Self::Read(manifest(address(name)?, reference)?)),
            ("manifests", reference, &Method::PUT) => put_manifest(address(name)?, reference, &query).map(Self::Write),
            ("manifests", text, &Method::DELETE) => {
                let address = address(name)?;
                let unknown = ApiError::ManifestUnknown { name: address.name.clone(), reference: cut(text) };
                let reference = reference(text)?.ok_or(unknown)?;
                Ok(Self::Write(Change::DeleteManifest(address, reference)))
            }
            ("blobs", text, _) if is_read => Ok(Self::Read(Route::Blob(address(name)?, digest(text)?))),
            ("blobs", text, &Method::DELETE) => Ok(Self::Write(Change::DeleteBlob(address(name)?, digest(text)?))),
            ("tags", "list", _) if is_read => Ok(Self::Read(Route::Tags(address(name)?, query.page()?))),
            ("referrers", subject, _) if is_read => Ok(Self::Read(Route::Referrers {
                address: address(name)?,
                subject: digest(subject)?,
                artifact_type: query.get("artifactType"),
            })),
            ("uploads", id, _) if name.ends_with("/blobs") => {
                let address = address(name.strip_suffix("/blobs").unwrap_or(name))?;
                upload(method, address, id, &query).map(Self::Write)
            }
            ("manifests" | "blobs" | "referrers", ..) | ("tags", "list", _) => Err(no_method()),
            _ => Err(no_endpoint()),
        }
    }
}

fn begin(address: Address, query: &Query<'_>) -> Result<Change, ApiError> {
    let algorithm = match query.get("digest-algorithm") {
        Some(text) => text.parse().map_err(|()| ApiError::DigestInvalid { text: cut(&text) })?,
        None => Algorithm::default(),
    };
    Ok(Change::Begin {
        address,
        digest: query.get("digest").map(|text| digest(&text)).transpose()?,
        algorithm,
        mount: query.get("mount").map(|text| digest(&text)).transpose()?,
        from: query.get("from").filter(|from| !from.is_empty()),
    })
}

fn upload(method: &Method, address: Address, id: &str, query: &Query<'_>) -> Result<Change, ApiError> {
    let id = UploadId::parse(id)?;
    match *method {
        Method::GET | Method::HEAD => Ok(Change::Progress(address, id)),
        Method::PATCH => Ok(Change::Append(address, id)),
        Method::PUT => Ok(Change::Finish(address, id, digest(&query.get("digest").unwrap_or_default())?)),
        Method::DELETE => Ok(Change::Cancel(address, id)),
        _ => Err(ApiError::Method { method: cut(method.as_str()) }),
    }
}

fn address(name: &str, query: &Query<'_>) -> Result<Address, ApiError> {
    if !is_repository(name) {
        return Err(ApiError::NameInvalid { name: cut(name) });
    }
    Ok(Address { name: name.to_owned(), namespace: query.get("ns").filter(|ns| !ns.is_empty()) })
}

/// `None` for what is neither a digest nor a tag by the grammar.
fn reference(text: &str) -> Result<Option<Reference>, ApiError> {
    match text.contains(':') {
        true => digest(text).map(|digest| Some(Reference::Digest(digest))),
        false => Ok(is_tag(text).then(|| Reference::Tag(text.to_owned()))),
    }
}

fn manifest(address: Address, text: &str) -> Result<Route, ApiError> {
    match reference(text)? {
        Some(reference) => Ok(Route::Manifest(address, reference)),
        // What is not a tag by the grammar is a tag that no manifest has.
        None => Err(ApiError::ManifestUnknown { name: address.name, reference: cut(text) }),
    }
}

fn put_manifest(address: Address, text: &str, query: &Query<'_>) -> Result<Change, ApiError> {
    let invalid = |tag: &str| ApiError::TagInvalid { tag: cut(tag) };
    let reference = reference(text)?.ok_or_else(|| invalid(text))?;
    let tags = query.all("tag");
    if tags.len() > TAGS_AT_ONCE {
        return Err(ApiError::TooManyTags { limit: TAGS_AT_ONCE });
    }
    match tags.iter().find(|tag| !is_tag(tag)) {
        Some(tag) => Err(invalid(tag)),
        None => Ok(Change::PutManifest(address, reference, tags)),
    }
}

fn digest(text: &str) -> Result<ContentDigest, ApiError> {
    text.parse().map_err(|_| ApiError::DigestInvalid { text: cut(text) })
}

struct Query<'q>(&'q str);

impl Query<'_> {
    /// The first value of `key`. A `+` stands for itself: no value here has a space, and many a client forgets to encode the
    /// one in `application/x+json`.
    fn get(&self, key: &str) -> Option<String> {
        self.values(key).next()
    }

    fn all(&self, key: &str) -> Vec<String> {
        self.values(key).take(TAGS_AT_ONCE + 1).collect()
    }

    fn values<'k>(&'k self, key: &'k str) -> impl Iterator<Item = String> + 'k {
        let pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        let values = pairs.filter(move |(k, _)| *k == key).map(|(_, value)| value);
        values.map(|value| percent_decode_str(value).decode_utf8_lossy().into_owned())
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

    fn ask(method: Method, uri: &str) -> Result<Endpoint, &'static str> {
        let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
        Endpoint::parse(&method, path, query).map_err(|e| e.code().0)
    }

    fn at(name: &str) -> Address {
        Address { name: name.to_owned(), namespace: None }
    }

    const ID: &str = "01234567-89ab-4def-8123-456789abcdef";

    #[test]
    fn paths_are_read_from_their_tail() {
        let digest = ContentDigest::of(Algorithm::Sha256, b"");
        let sha512 = ContentDigest::of(Algorithm::Sha512, b"");
        let tag = |t: &str| Reference::Tag(t.to_owned());
        for (uri, route) in [
            ("/v2".to_owned(), Route::Ping),
            ("/v2/".to_owned(), Route::Ping),
            ("/v2/_catalog".to_owned(), Route::Catalog(Page::default())),
            ("/v2/a/manifests/1".to_owned(), Route::Manifest(at("a"), tag("1"))),
            ("/v2/a/b/c/d/manifests/list".to_owned(), Route::Manifest(at("a/b/c/d"), tag("list"))),
            (format!("/v2/a/manifests/{digest}"), Route::Manifest(at("a"), Reference::Digest(digest))),
            (format!("/v2/a/manifests/{sha512}"), Route::Manifest(at("a"), Reference::Digest(sha512))),
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
                    subject: digest,
                    artifact_type: Some("application/x+json".to_owned()),
                },
            ),
            (
                "/v2/a/manifests/1?ns=registry.example%3A5000".to_owned(),
                Route::Manifest(
                    Address { name: "a".to_owned(), namespace: Some("registry.example:5000".to_owned()) },
                    tag("1"),
                ),
            ),
        ] {
            assert_eq!(ask(Method::GET, &uri), Ok(Endpoint::Read(route)), "{uri}");
        }
    }

    #[test]
    fn an_uploads_name_is_a_random_uuid_and_reads_back() {
        let id = UploadId::new([0xff; 16]);
        assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(UploadId::parse(&id.to_string()).ok(), Some(id));
        for text in [
            "",
            "ffffffffffff4fffbfffffffffffffff",
            "FFFFFFFF-ffff-4fff-bfff-ffffffffffff",
            "ffffffff-ffff-4fff-bffff-fffffffffff",
        ] {
            assert!(UploadId::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn changes_are_read_from_the_tail_as_well() {
        let digest = ContentDigest::of(Algorithm::Sha256, b"");
        let id = UploadId(ID.to_owned());
        let begin = |algorithm, digest, mount, from: Option<&str>| Change::Begin {
            address: at("a/b"),
            digest,
            algorithm,
            mount,
            from: from.map(str::to_owned),
        };
        let new = begin(Algorithm::Sha256, None, None, None);
        for (method, uri, change) in [
            (Method::POST, "/v2/a/b/blobs/uploads/".to_owned(), new.clone()),
            (Method::POST, "/v2/a/b/blobs/uploads".to_owned(), new),
            (
                Method::POST,
                "/v2/a/b/blobs/uploads/?digest-algorithm=sha512".to_owned(),
                begin(Algorithm::Sha512, None, None, None),
            ),
            (
                Method::POST,
                format!("/v2/a/b/blobs/uploads/?digest={digest}"),
                begin(Algorithm::Sha256, Some(digest), None, None),
            ),
            (
                Method::POST,
                format!("/v2/a/b/blobs/uploads/?mount={digest}&from=c%2Fd"),
                begin(Algorithm::Sha256, None, Some(digest), Some("c/d")),
            ),
            (Method::GET, format!("/v2/a/blobs/uploads/{ID}"), Change::Progress(at("a"), id.clone())),
            (Method::PATCH, format!("/v2/a/blobs/uploads/{ID}"), Change::Append(at("a"), id.clone())),
            (
                Method::PUT,
                format!("/v2/a/blobs/uploads/{ID}?digest={digest}"),
                Change::Finish(at("a"), id.clone(), digest),
            ),
            (Method::DELETE, format!("/v2/a/blobs/uploads/{ID}"), Change::Cancel(at("a"), id)),
            (
                Method::PUT,
                format!("/v2/a/manifests/{digest}?tag=1&tag=2"),
                Change::PutManifest(at("a"), Reference::Digest(digest), vec!["1".to_owned(), "2".to_owned()]),
            ),
            (
                Method::DELETE,
                "/v2/a/manifests/1".to_owned(),
                Change::DeleteManifest(at("a"), Reference::Tag("1".to_owned())),
            ),
            (Method::DELETE, format!("/v2/a/blobs/{digest}"), Change::DeleteBlob(at("a"), digest)),
        ] {
            assert_eq!(ask(method.clone(), &uri), Ok(Endpoint::Write(change)), "{method} {uri}");
        }
    }

    #[test]
    fn what_is_malformed_is_refused_with_its_code() {
        let long = format!("/v2/{}/manifests/1", "a".repeat(URI_BYTES));
        let long_name = format!("/v2/{}/manifests/1", "a".repeat(256));
        let upload = format!("/v2/a/blobs/uploads/{ID}");
        let many_tags = format!("/v2/a/manifests/1?tag=1{}", "&tag=1".repeat(TAGS_AT_ONCE));
        for (why, method, uri, code) in [
            ("not a digest", Method::GET, "/v2/a/manifests/sha256:totallywrong", "DIGEST_INVALID"),
            ("not a digest", Method::GET, "/v2/a/blobs/sha256:baddigeststring", "DIGEST_INVALID"),
            ("no algorithm", Method::GET, "/v2/a/blobs/abc", "DIGEST_INVALID"),
            ("another algorithm", Method::GET, "/v2/a/blobs/sha384:abc", "DIGEST_INVALID"),
            ("not a digest", Method::GET, "/v2/a/referrers/x", "DIGEST_INVALID"),
            ("not a tag", Method::GET, "/v2/a/manifests/-x", "MANIFEST_UNKNOWN"),
            ("upper case", Method::GET, "/v2/A/manifests/1", "NAME_INVALID"),
            ("a way up", Method::GET, "/v2/../../etc/manifests/1", "NAME_INVALID"),
            ("an encoded way up", Method::GET, "/v2/%2e%2e/manifests/1", "NAME_INVALID"),
            ("an empty component", Method::GET, "/v2/a//b/manifests/1", "NAME_INVALID"),
            ("a colon", Method::GET, "/v2/localhost:5000/a/manifests/1", "NAME_INVALID"),
            ("a long name", Method::GET, long_name.as_str(), "NAME_INVALID"),
            ("no name", Method::GET, "/v2/manifests/1", "NAME_UNKNOWN"),
            ("no tail", Method::GET, "/v2/a", "NAME_UNKNOWN"),
            ("not UTF-8", Method::GET, "/v2/%ff/manifests/1", "NAME_UNKNOWN"),
            ("not a registry's path", Method::GET, "/index.html", "NAME_UNKNOWN"),
            ("version 1", Method::GET, "/v1/search", "NAME_UNKNOWN"),
            ("not an upload", Method::GET, "/v2/a/blobs/uploads/1", "BLOB_UPLOAD_UNKNOWN"),
            ("not an upload", Method::PATCH, "/v2/a/blobs/uploads/..%2f..%2fetc", "NAME_UNKNOWN"),
            ("not a number", Method::GET, "/v2/a/tags/list?n=x", "PAGINATION_NUMBER_INVALID"),
            ("a negative number", Method::GET, "/v2/_catalog?n=-1", "PAGINATION_NUMBER_INVALID"),
            ("a long address", Method::GET, long.as_str(), "UNSUPPORTED"),
            ("the end of an upload without a digest", Method::PUT, upload.as_str(), "DIGEST_INVALID"),
            ("a mount of no digest", Method::POST, "/v2/a/blobs/uploads/?mount=x", "DIGEST_INVALID"),
            ("an unknown algorithm", Method::POST, "/v2/a/blobs/uploads/?digest-algorithm=md5", "DIGEST_INVALID"),
            ("an upload to no name", Method::POST, "/v2/A/blobs/uploads/", "NAME_INVALID"),
            ("a tag outside the grammar", Method::PUT, "/v2/a/manifests/-x", "TAG_INVALID"),
            ("a further tag outside the grammar", Method::PUT, "/v2/a/manifests/1?tag=-x", "TAG_INVALID"),
            ("a digest outside the grammar", Method::PUT, "/v2/a/manifests/sha256:x", "DIGEST_INVALID"),
            ("too many tags", Method::PUT, many_tags.as_str(), "TAG_INVALID"),
            ("a tag that cannot be", Method::DELETE, "/v2/a/manifests/-x", "MANIFEST_UNKNOWN"),
            ("a method of nothing", Method::POST, "/v2/", "UNSUPPORTED"),
            ("a method of nothing", Method::DELETE, "/v2/_catalog", "UNSUPPORTED"),
            ("a method of nothing", Method::PUT, "/v2/a/tags/list", "UNSUPPORTED"),
            ("a method of nothing", Method::OPTIONS, "/v2/a/manifests/1", "UNSUPPORTED"),
            ("a method of nothing", Method::POST, upload.as_str(), "UNSUPPORTED"),
        ] {
            assert_eq!(ask(method.clone(), uri), Err(code), "{why}: {method} {uri}");
        }
    }
}
