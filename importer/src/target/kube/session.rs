//! Requests to an API server, one after the other.

use std::future::Future;
use std::time::Duration;

use http_body_util::Limited;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use kube::api::{DeleteParams, GetParams, ListParams, LogParams, Patch, PatchParams, PostParams, Request};
use kube::client::{Body, ClientBuilder};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tower_http::map_response_body::MapResponseBodyLayer;

use super::failure::Failure;
use crate::target::TargetError;

/// Who a field of an object belongs to that we have set.
pub(super) const MANAGER: &str = "sealift";

/// Objects that one page of a list has.
const PAGE: u32 = 250;

/// Pages of one list: a server that never comes to an end is not followed for ever.
const PAGES: usize = 1_000;

/// Bytes that one answer may have, and all pages of one list together: more than all objects of a kind in a namespace should be.
pub(super) const ANSWER: usize = 256 << 20;

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(60);

/// A client that takes at most `limit` bytes of each answer: who answers may never come to an end.
pub(super) fn client(config: kube::Config, limit: usize) -> Result<kube::Client, kube::Error> {
    let layer = MapResponseBodyLayer::new(move |body| Limited::new(body, limit));
    Ok(ClientBuilder::try_from(config)?.with_layer(&layer).build())
}

/// A client, and the runtime that it lives on. It blocks: it MUST NOT be used on a thread of another runtime.
pub(super) struct Session {
    client: kube::Client,
    runtime: Runtime,
    /// Bytes that all pages of a list may have together.
    list: usize,
}

impl Session {
    /// A runtime, and the client that `connect` makes on it.
    pub fn new<F>(connect: impl FnOnce() -> F) -> Result<Self, TargetError>
    where
        F: Future<Output = Result<kube::Client, TargetError>>,
    {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("cluster").enable_all().build();
        let runtime = runtime.map_err(|e| TargetError::Cluster {
            what: "starting the cluster's client".to_owned(),
            why: e.to_string(),
        })?;
        let client = runtime.block_on(connect())?;
        Ok(Self { client, runtime, list: ANSWER })
    }

    /// Runs requests of the client itself.
    pub fn run<T, F>(&self, ask: impl FnOnce(kube::Client) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        self.runtime.block_on(async {
            match tokio::time::timeout(REQUEST, ask(self.client.clone())).await {
                Ok(answer) => Ok(answer?),
                Err(_) => Err(Failure::Silence(format!("no answer after {} s", REQUEST.as_secs()))),
            }
        })
    }

    /// The object `name` of a collection.
    pub fn get(&self, collection: &str, name: &str) -> Result<Value, Failure> {
        let request = Request::new(collection).get(name, &GetParams::default())?;
        self.run(|client| async move { client.request(request).await })
    }

    /// As [`Session::get`]; nothing if it is not there.
    pub fn find(&self, collection: &str, name: &str) -> Result<Option<Value>, Failure> {
        match self.get(collection, name) {
            Ok(value) => Ok(Some(value)),
            Err(e) if e.is_absence() => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The objects of a collection that carry `labels` and have `fields`, each of the form `a=b,c=d`; of all if empty.
    pub fn list(&self, collection: &str, labels: &str, fields: &str) -> Result<Vec<Value>, Failure> {
        self.pages(collection, labels, fields, false)
    }

    /// As [`Session::list`], of each object only its metadata.
    pub fn list_metadata(&self, collection: &str, labels: &str, fields: &str) -> Result<Vec<Value>, Failure> {
        self.pages(collection, labels, fields, true)
    }

    fn pages(&self, collection: &str, labels: &str, fields: &str, metadata: bool) -> Result<Vec<Value>, Failure> {
        let mut params = ListParams::default().labels(labels).fields(fields).limit(PAGE);
        let (mut out, mut size) = (Vec::new(), 0_usize);
        for _ in 0..PAGES {
            let request = Request::new(collection);
            let request = if metadata { request.list_metadata(&params)? } else { request.list(&params)? };
            let page = match self.run(|client| async move { client.request_text(request).await }) {
                // The server has forgotten where we were. It is asked for everything at once.
                Err(e) if e.answer().is_some_and(|a| a.code == 410) && params.limit.is_some() => {
                    params.limit = None;
                    params.continue_token = None;
                    out.clear();
                    size = 0;
                    continue;
                }
                other => other?,
            };
            size = size.saturating_add(page.len());
            if size > self.list {
                return Err(Failure::Nonsense(format!("the list {collection} has more than {} bytes", self.list)));
            }
            let mut page: Value = serde_json::from_str(&page).map_err(kube::Error::SerdeError)?;
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                out.extend(items);
            }
            let token = page.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default();
            if token.is_empty() {
                return Ok(out);
            }
            params.continue_token = Some(token.to_owned());
        }
        Err(Failure::Nonsense(format!("the list {collection} has no end")))
    }

    /// Makes an object.
    pub fn create(&self, collection: &str, object: &Value) -> Result<Value, Failure> {
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        let request = Request::new(collection).create(&params, object.to_string().into_bytes())?;
        self.run(|client| async move { client.request(request).await })
    }

    /// Puts an object in another's place, of which it has the `resourceVersion`.
    pub fn replace(&self, collection: &str, name: &str, object: &Value) -> Result<Value, Failure> {
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        let request = Request::new(collection).replace(name, &params, object.to_string().into_bytes())?;
        self.run(|client| async move { client.request(request).await })
    }

    /// Server-side apply, forced.
    pub fn apply(&self, collection: &str, name: &str, object: &Value) -> Result<Value, Failure> {
        let request =
            Request::new(collection).patch(name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(object))?;
        self.run(|client| async move { client.request(request).await })
    }

    /// Merges `patch` into an object (RFC 7386).
    pub fn merge(&self, collection: &str, name: &str, patch: &Value) -> Result<Value, Failure> {
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let request = Request::new(collection).patch(name, &params, &Patch::Merge(patch))?;
        self.run(|client| async move { client.request(request).await })
    }

    /// Carries out the operations of a JSON Patch on an object (RFC 6902).
    pub fn patch(&self, collection: &str, name: &str, operations: &[Value]) -> Result<Value, Failure> {
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let mut request = Request::new(collection).patch(name, &params, &Patch::Merge(operations))?;
        // The client's own type for it would bring three crates for the sake of this word.
        if let Ok(kind) = "application/json-patch+json".parse() {
            request.headers_mut().insert("content-type", kind);
        }
        self.run(|client| async move { client.request(request).await })
    }

    /// Runs what takes as long as it takes.
    pub fn stream<T>(&self, work: impl AsyncFnOnce(kube::Client) -> Result<T, Failure>) -> Result<T, Failure> {
        self.runtime.block_on(work(self.client.clone()))
    }

    /// Deletes an object.
    pub fn delete(&self, collection: &str, name: &str, params: &DeleteParams) -> Result<(), Failure> {
        let request = Request::new(collection).delete(name, params)?;
        self.run(|client| async move { client.request_text(request).await }).map(drop)
    }

    /// Lines of a container's log.
    pub fn log(&self, pods: &str, pod: &str, params: &LogParams) -> Result<String, Failure> {
        let request = Request::new(pods).logs(pod, params)?;
        self.run(|client| async move { client.request_text(request).await })
    }

    /// What time it is for the cluster. The clocks of those who share an installation may differ; this one they share.
    pub fn now(&self) -> Result<Timestamp, Failure> {
        let request = Request::new("/version").list(&ListParams::default())?;
        let answer = self.run(|client| async move { client.send(request.map(Body::from)).await })?;
        let date = answer.headers().get("date").and_then(|d| d.to_str().ok());
        let read = |text: &str| rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
        Ok(date.and_then(read).unwrap_or_else(Timestamp::now))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// A server that answers every request with a list of which each item has a kilobyte: `items` of them, and that there is more.
    fn serve(items: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer);
                let item = format!("{{\"a\":\"{}\"}}", "x".repeat(1000));
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"metadata\":{\"continue\":\"t\"},\"items\":[",
                );
                for number in 0..items {
                    let comma = if number == 0 { "" } else { "," };
                    if stream.write_all(format!("{comma}{item}").as_bytes()).is_err() {
                        break;
                    }
                }
                let _ = stream.write_all(b"]}");
            }
        });
        format!("http://{address}/")
    }

    fn session(url: &str, limit: usize) -> Session {
        let config = kube::Config::new(url.parse().unwrap());
        Session::new(|| async { Ok(client(config, limit).unwrap()) }).unwrap()
    }

    #[test]
    fn an_answer_without_an_end_is_not_read_to_its_end() {
        let session = session(&serve(usize::MAX), 1 << 20);
        let failure = session.get("/api/v1/namespaces/a/secrets", "b").unwrap_err();
        assert!(!failure.may_pass(), "{failure:?}");
        assert!(failure.text().contains("longer than"), "{}", failure.text());
    }

    #[test]
    fn a_list_without_an_end_is_not_followed_to_its_end() {
        let session = Session { list: 1 << 20, ..session(&serve(200), ANSWER) };
        let failure = session.list("/api/v1/namespaces/a/secrets", "", "").unwrap_err();
        assert!(!failure.may_pass() && failure.text().contains("more than"), "{failure:?}");
    }
}
