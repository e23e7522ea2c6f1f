//! Method, path and query: any text is read as a request or refused; what is read, written the plain way, is read as the same.
#![no_main]

use bundle_format::reference::{is_repository, is_tag};
use http::Method;
use libfuzzer_sys::fuzz_target;
use registry_lite::server::{Address, ApiError, Change, Endpoint, Page, Reference, Route, URI_BYTES};

const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// One parameter. Every byte of its value is encoded.
fn parameter(key: &str, value: &str) -> String {
    let value: String = value.bytes().map(|b| format!("%{b:02x}")).collect();
    format!("{key}={value}")
}

fn page(page: &Page) -> Vec<String> {
    let n = page.n.map(|n| format!("n={n}"));
    n.into_iter().chain(page.last.as_ref().map(|last| parameter("last", last))).collect()
}

fn reference(reference: &Reference) -> String {
    if let Reference::Tag(tag) = reference {
        assert!(is_tag(tag));
    }
    reference.to_string()
}

/// Method, what follows the name, and the query without `ns`.
fn plain(endpoint: &Endpoint) -> (Method, String, Vec<String>) {
    let at = |id: &dyn std::fmt::Display| format!("/blobs/uploads/{id}");
    match endpoint {
        Endpoint::Read(Route::Ping) => (Method::GET, String::new(), vec![]),
        Endpoint::Read(Route::Catalog(p)) => (Method::GET, "_catalog".to_owned(), page(p)),
        Endpoint::Read(Route::Manifest(_, r)) => (Method::HEAD, format!("/manifests/{}", reference(r)), vec![]),
        Endpoint::Read(Route::Blob(_, d)) => (Method::GET, format!("/blobs/{d}"), vec![]),
        Endpoint::Read(Route::Tags(_, p)) => (Method::GET, "/tags/list".to_owned(), page(p)),
        Endpoint::Read(Route::Referrers { subject, artifact_type, .. }) => {
            let filter = artifact_type.iter().map(|t| parameter("artifactType", t)).collect();
            (Method::GET, format!("/referrers/{subject}"), filter)
        }
        Endpoint::Write(Change::Begin { digest, algorithm, mount, from, .. }) => {
            let mut query = vec![parameter("digest-algorithm", algorithm.name())];
            query.extend(digest.iter().map(|d| parameter("digest", &d.to_string())));
            query.extend(mount.iter().map(|d| parameter("mount", &d.to_string())));
            query.extend(from.iter().map(|from| parameter("from", from)));
            (Method::POST, "/blobs/uploads/".to_owned(), query)
        }
        Endpoint::Write(Change::Progress(_, id)) => (Method::GET, at(id), vec![]),
        Endpoint::Write(Change::Append(_, id)) => (Method::PATCH, at(id), vec![]),
        Endpoint::Write(Change::Finish(_, id, d)) => (Method::PUT, at(id), vec![parameter("digest", &d.to_string())]),
        Endpoint::Write(Change::Cancel(_, id)) => (Method::DELETE, at(id), vec![]),
        Endpoint::Write(Change::PutManifest(_, r, tags)) => {
            let tags = tags.iter().map(|tag| parameter("tag", tag)).collect();
            (Method::PUT, format!("/manifests/{}", reference(r)), tags)
        }
        Endpoint::Write(Change::DeleteManifest(_, r)) => {
            (Method::DELETE, format!("/manifests/{}", reference(r)), vec![])
        }
        Endpoint::Write(Change::DeleteBlob(_, d)) => (Method::DELETE, format!("/blobs/{d}"), vec![]),
    }
}

fuzz_target!(|input: (u8, &str)| {
    let (method, uri) = input;
    let method = &METHODS[usize::from(method) % METHODS.len()];
    let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
    let mut endpoint = match Endpoint::parse(method, path, query) {
        Ok(endpoint) => endpoint,
        Err(error) => {
            assert!(matches!(error.code().1.as_u16(), 400 | 404 | 405 | 414), "{error}");
            assert!(error.envelope().len() < 8192, "{error}");
            return;
        }
    };
    let address: Option<Address> = endpoint.address_mut().cloned();
    let name = address.as_ref().map(|address| address.name.as_str()).unwrap_or_default();
    assert!(address.is_none() || is_repository(name), "{name:?}");
    let (method, tail, mut parameters) = plain(&endpoint);
    parameters.extend(address.iter().map(|a| a.query().replacen('?', "", 1)).filter(|ns| !ns.is_empty()));
    match Endpoint::parse(&method, &format!("/v2/{name}{tail}"), Some(&parameters.join("&"))) {
        Ok(again) => assert_eq!(again, endpoint),
        // What is encoded is longer.
        Err(ApiError::UriTooLong { .. }) => assert!(uri.len() > URI_BYTES / 4),
        Err(error) => panic!("{endpoint:?}: {error}"),
    }
});
