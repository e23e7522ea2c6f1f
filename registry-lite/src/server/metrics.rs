//! What a server counts, in the text format of Prometheus, version 0.0.4. All label values are known beforehand, so that a counter is one
//! atomic in a table: no lock, no lookup, and no client can make the table grow.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::{Method, StatusCode};

use super::event::{Event, Report};

/// A number about the content, which whoever serves it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gauge {
    /// Its name: lower case, without the prefix `sealift_registry_`.
    pub name: &'static str,
    /// What it says, in one line.
    pub help: &'static str,
    /// Now.
    pub value: u64,
}

const METHODS: [&str; 3] = ["read", "write", "other"];
const ROUTES: [&str; 9] = ["ping", "manifest", "blob", "upload", "tags", "referrers", "catalog", "operations", "other"];
/// The first is that of requests without an answer.
const STATUSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];
/// Upper ends of the histogram's buckets, in milliseconds.
const BUCKETS: [u64; 7] = [1, 10, 100, 1000, 10_000, 60_000, 600_000];

/// The counters of a server.
#[derive(Default)]
pub struct Metrics {
    requests: [[[AtomicU64; STATUSES.len()]; ROUTES.len()]; METHODS.len()],
    durations: [Histogram; ROUTES.len()],
    pub(super) sent: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) accepted: AtomicU64,
    pub(super) ended: AtomicU64,
    pub(super) turned_away: AtomicU64,
    pub(super) unshaken: AtomicU64,
    pub(super) stalled: AtomicU64,
    /// Faults are rare enough for a lock.
    events: Mutex<BTreeMap<&'static str, u64>>,
}

#[derive(Default)]
struct Histogram {
    /// How many lie in each bucket alone; the last is for what is beyond all.
    buckets: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
}

impl Metrics {
    /// `report`, counted.
    #[must_use]
    pub fn counting(self: &Arc<Self>, report: Report) -> Report {
        let metrics = Arc::clone(self);
        Arc::new(move |event: &Event<'_>| {
            *metrics.events.lock().unwrap_or_else(PoisonError::into_inner).entry(event.kind()).or_default() += 1;
            report(event);
        })
    }

    /// Counts a request that is over.
    pub(super) fn served(&self, method: &Method, path: &str, status: Option<StatusCode>, duration: Duration) {
        let route = route(path);
        let status = status.map_or(0, |status| usize::from(status.as_u16() / 100));
        let requests = self.requests.get(class(method)).and_then(|routes| routes.get(route));
        if let Some(counter) = requests.and_then(|statuses| statuses.get(status)) {
            counter.fetch_add(1, Relaxed);
        }
        if let Some(histogram) = self.durations.get(route) {
            histogram.add(duration);
        }
    }

    /// The page, with `gauges` of the content.
    #[must_use]
    pub fn page(&self, gauges: &[Gauge]) -> String {
        let mut page = Page(String::with_capacity(8 << 10));
        page.family("build_info", "gauge", "Which sealift this is.");
        page.sample("build_info", &format!("version=\"{}\"", env!("CARGO_PKG_VERSION")), 1);
        self.requests_on(&mut page);
        self.durations_on(&mut page);
        let load = |counter: &AtomicU64| counter.load(Relaxed);
        let (accepted, ended) = (load(&self.accepted), load(&self.ended));
        for (name, kind, help, value) in [
            ("sent_bytes_total", "counter", "Bytes written to clients, heads included.", load(&self.sent)),
            ("received_bytes_total", "counter", "Bytes read from clients, heads included.", load(&self.received)),
            ("connections", "gauge", "Connections that are open.", accepted.saturating_sub(ended)),
            ("connections_accepted_total", "counter", "Connections that were accepted.", accepted),
            (
                "connections_turned_away_total",
                "counter",
                "Connections closed at once, because their address had too many.",
                load(&self.turned_away),
            ),
            (
                "tls_handshakes_failed_total",
                "counter",
                "Connections whose TLS handshake failed: the client does not trust the certificate, or speaks no TLS.",
                load(&self.unshaken),
            ),
            (
                "connections_stalled_total",
                "counter",
                "Connections broken off, because the client neither took nor sent anything for too long.",
                load(&self.stalled),
            ),
        ] {
            page.family(name, kind, help);
            page.sample(name, "", value);
        }
        page.family("faults_total", "counter", "Faults of the server or its storage, as in its log.");
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        for kind in Event::KINDS {
            page.sample("faults_total", &format!("kind=\"{kind}\""), events.get(kind).copied().unwrap_or_default());
        }
        for gauge in gauges {
            page.family(gauge.name, "gauge", gauge.help);
            page.sample(gauge.name, "", gauge.value);
        }
        page.0
    }

    fn requests_on(&self, page: &mut Page) {
        page.family("requests_total", "counter", "Requests that are over. status=\"none\": the client left before.");
        for (method, routes) in METHODS.iter().zip(&self.requests) {
            for (route, statuses) in ROUTES.iter().zip(routes) {
                for (status, counter) in STATUSES.iter().zip(statuses) {
                    let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
                    // Most of the table never happens.
                    match counter.load(Relaxed) {
                        0 => {}
                        value => page.sample("requests_total", &labels, value),
                    }
                }
            }
        }
    }

    fn durations_on(&self, page: &mut Page) {
        page.family(
            "request_duration_seconds",
            "histogram",
            "From a request's head to the last byte of its answer: for blobs, as long as the client takes.",
        );
        for (route, histogram) in ROUTES.iter().zip(&self.durations) {
            let mut total = 0;
            let ends = BUCKETS.iter().map(|millis| seconds(millis * 1000)).chain(["+Inf".to_owned()]);
            for (end, bucket) in ends.zip(&histogram.buckets) {
                total += bucket.load(Relaxed);
                page.sample("request_duration_seconds_bucket", &format!("route=\"{route}\",le=\"{end}\""), total);
            }
            let labels = format!("route=\"{route}\"");
            page.sample("request_duration_seconds_sum", &labels, seconds(histogram.micros.load(Relaxed)));
            page.sample("request_duration_seconds_count", &labels, total);
        }
    }
}

impl Histogram {
    fn add(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.iter().position(|end| micros <= end * 1000).unwrap_or(BUCKETS.len());
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Relaxed);
        }
        self.micros.fetch_add(micros, Relaxed);
    }
}

fn seconds(micros: u64) -> String {
    (Duration::from_micros(micros).as_secs_f64()).to_string()
}

fn class(method: &Method) -> usize {
    match *method {
        Method::GET | Method::HEAD => 0,
        Method::POST | Method::PUT | Method::PATCH | Method::DELETE => 1,
        _ => 2,
    }
}

/// Which of [`ROUTES`] a path looks like: whether it is one, only the router knows.
fn route(path: &str) -> usize {
    let mut tail = path.rsplit('/');
    let (last, kind, before) = (tail.next().unwrap_or_default(), tail.next().unwrap_or_default(), tail.next());
    match (path, kind, last) {
        ("/v2" | "/v2/", ..) => 0,
        ("/v2/_catalog", ..) => 6,
        ("/healthz" | "/readyz" | "/metrics", ..) => 7,
        (_, "manifests", _) => 1,
        (_, "uploads", _) if before == Some("blobs") => 3,
        (_, "blobs", "uploads") => 3,
        (_, "blobs", _) => 2,
        (_, "tags", "list") => 4,
        (_, "referrers", _) => 5,
        _ => 8,
    }
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "# HELP sealift_registry_{name} {help}\n# TYPE sealift_registry_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = match labels {
            "" => writeln!(self.0, "sealift_registry_{name} {value}"),
            _ => writeln!(self.0, "sealift_registry_{name}{{{labels}}} {value}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_counted_as_what_it_looks_like() {
        let digest = bundle_format::Digest::of(b"");
        for (path, expected) in [
            ("/v2/".to_owned(), "ping"),
            ("/v2".to_owned(), "ping"),
            ("/v2/a/b/manifests/1".to_owned(), "manifest"),
            (format!("/v2/a/blobs/{digest}"), "blob"),
            ("/v2/a/blobs/uploads/".to_owned(), "upload"),
            ("/v2/a/blobs/uploads".to_owned(), "upload"),
            ("/v2/a/blobs/uploads/17".to_owned(), "upload"),
            ("/v2/a/manifests/b/tags/list".to_owned(), "tags"),
            (format!("/v2/a/referrers/{digest}"), "referrers"),
            ("/v2/_catalog".to_owned(), "catalog"),
            ("/healthz".to_owned(), "operations"),
            ("/index.html".to_owned(), "other"),
            ("*".to_owned(), "other"),
            (String::new(), "other"),
        ] {
            assert_eq!(ROUTES[route(&path)], expected, "{path}");
        }
    }

    #[test]
    fn what_is_counted_stands_on_the_page() {
        let metrics = Arc::new(Metrics::default());
        let millis = Duration::from_millis;
        metrics.served(&Method::GET, "/v2/a/manifests/1", Some(StatusCode::OK), millis(2));
        metrics.served(&Method::HEAD, "/v2/a/manifests/1", Some(StatusCode::OK), millis(20));
        metrics.served(&Method::PUT, "/v2/a/manifests/1", None, millis(3_600_000));
        let told = metrics.counting(Arc::new(|_| {}));
        told(&Event::Accept { cause: &std::io::Error::other("full") });
        let page = metrics.page(&[Gauge { name: "repositories", help: "Repositories.", value: 3 }]);
        for line in [
            "sealift_registry_requests_total{method=\"read\",route=\"manifest\",status=\"2xx\"} 2",
            "sealift_registry_requests_total{method=\"write\",route=\"manifest\",status=\"none\"} 1",
            "sealift_registry_request_duration_seconds_bucket{route=\"manifest\",le=\"0.001\"} 0",
            "sealift_registry_request_duration_seconds_bucket{route=\"manifest\",le=\"0.01\"} 1",
            "sealift_registry_request_duration_seconds_bucket{route=\"manifest\",le=\"600\"} 2",
            "sealift_registry_request_duration_seconds_bucket{route=\"manifest\",le=\"+Inf\"} 3",
            "sealift_registry_request_duration_seconds_sum{route=\"manifest\"} 3600.022",
            "sealift_registry_request_duration_seconds_count{route=\"manifest\"} 3",
            "sealift_registry_faults_total{kind=\"accept\"} 1",
            "sealift_registry_faults_total{kind=\"read\"} 0",
            "sealift_registry_repositories 3",
        ] {
            assert!(page.lines().any(|l| l == line), "{line} is not on\n{page}");
        }
    }

    #[test]
    fn the_page_is_in_the_text_format() {
        let page = Metrics::default().page(&[]);
        let mut families = Vec::new();
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                families.push(rest.split(' ').next().unwrap().to_owned());
            } else if !line.starts_with("# HELP ") {
                let (sample, value) = line.rsplit_once(' ').unwrap();
                let name = sample.split('{').next().unwrap();
                let family = families.last().unwrap();
                assert!(name.starts_with(family.as_str()), "{name} stands below {family}");
                assert!(value.parse::<f64>().is_ok(), "{line}");
            }
        }
        let all = families.len();
        families.sort();
        families.dedup();
        assert_eq!(families.len(), all, "a family is there once");
        assert!(page.ends_with('\n'));
    }
}
