//! Single HTTP exchanges: trusted roots, timeouts, redirects, addresses.

use std::fs;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use ureq::config::{Config, RedirectAuthHeaders};
use ureq::http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderName};
use ureq::http::{HeaderValue, Method, Request, Response};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, SendBody};

use super::credentials::Secret;
use super::error::ClientError;
use super::options::{ClientOptions, Scheme};
use super::retry::patiently;

/// Redirects that a pull follows: from a registry to where its blobs are, and one or two within that.
const REDIRECTS: u32 = 5;

/// The two ways that requests go out. Pulls follow redirects, without the login; nothing else does.
pub(super) struct Transport {
    pulls: Agent,
    pushes: Agent,
}

/// What a request carries.
pub(super) enum Payload<'a> {
    /// Nothing, not even a length.
    None,
    /// Bytes that can be sent again.
    Bytes(&'a [u8]),
    /// Bytes that can be read once, to their end.
    Stream(&'a mut dyn Read),
}

/// One request, before it is known who asks.
pub(super) struct Outgoing<'a> {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) payload: Payload<'a>,
    /// Whether it may be sent again after what passes.
    pub(super) patient: bool,
}

pub(super) type Answered = Result<Response<Body>, ureq::Error>;

impl Outgoing<'_> {
    pub(super) fn new(method: Method, url: String) -> Self {
        Self { method, url, headers: Vec::new(), payload: Payload::None, patient: true }
    }

    pub(super) fn is_repeatable(&self) -> bool {
        !matches!(self.payload, Payload::Stream(_))
    }
}

impl Transport {
    /// Connections to `host`, as `options` say; `secure` refuses to be led away from https.
    pub(super) fn new(host: &str, secure: bool, options: &ClientOptions) -> Result<Self, ClientError> {
        let timeouts = options.timeouts;
        let roots = if secure { roots(options)? } else { Vec::new() };
        let tls = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(roots))).build();
        let agent = |redirects: u32, read: Duration| -> Agent {
            let mut config = Config::builder()
                .http_status_as_error(false)
                .https_only(secure)
                .tls_config(tls.clone())
                .max_redirects(redirects)
                .max_redirects_will_error(false)
                .redirect_auth_headers(RedirectAuthHeaders::Never)
                // What is said of this is said with each request, as other clients do.
                .accept("")
                .user_agent(concat!("sealift/", env!("CARGO_PKG_VERSION")))
                .timeout_resolve(Some(timeouts.connect))
                .timeout_connect(Some(timeouts.connect))
                .timeout_per_read(Some(read))
                .timeout_per_write(Some(timeouts.idle));
            if is_loopback(host) {
                // A proxy's loopback is another machine's.
                config = config.proxy(None);
            }
            config.build().new_agent()
        };
        Ok(Self { pulls: agent(REDIRECTS, timeouts.idle), pushes: agent(0, timeouts.publish.max(timeouts.idle)) })
    }

    /// Sends `outgoing`, again after a short wait if the connection breaks or the other side is too busy, as far as the
    /// payload allows that. `GET` and `HEAD` follow redirects, without `authorization`.
    pub(super) fn send(&self, outgoing: &mut Outgoing<'_>, authorization: Option<&Secret>) -> Answered {
        let agent = match outgoing.method {
            Method::GET | Method::HEAD => &self.pulls,
            _ => &self.pushes,
        };
        patiently(outgoing.patient && outgoing.is_repeatable(), || once(agent, outgoing, authorization))
    }

    /// As [`Transport::send`], but follows no redirect whatever the method: for what only one host may be told.
    pub(super) fn send_here(&self, outgoing: &mut Outgoing<'_>, authorization: Option<&Secret>) -> Answered {
        patiently(outgoing.is_repeatable(), || once(&self.pushes, outgoing, authorization))
    }

    /// Sends `outgoing` once, as nobody, and follows no redirect.
    pub(super) fn send_once(&self, outgoing: &mut Outgoing<'_>) -> Answered {
        once(&self.pushes, outgoing, None)
    }
}

fn once(agent: &Agent, outgoing: &mut Outgoing<'_>, authorization: Option<&Secret>) -> Answered {
    let mut builder = Request::builder().method(&outgoing.method).uri(&outgoing.url);
    for (name, value) in &outgoing.headers {
        builder = builder.header(name, value);
    }
    if let Some(authorization) = authorization {
        let mut value = HeaderValue::from_str(authorization.expose()).map_err(ureq::http::Error::from)?;
        value.set_sensitive(true);
        builder = builder.header(AUTHORIZATION, value);
    }
    match &mut outgoing.payload {
        Payload::None => agent.run(builder.body(())?),
        Payload::Bytes(content) => {
            let mut content = *content;
            let builder = builder.header(CONTENT_LENGTH, content.len());
            agent.run(builder.body(SendBody::from_reader(&mut content))?)
        }
        Payload::Stream(reader) => agent.run(builder.body(SendBody::from_reader(reader))?),
    }
}

/// What the system trusts, and `options.ca`. Without either, no certificate is trusted.
fn roots(options: &ClientOptions) -> Result<Vec<Certificate<'static>>, ClientError> {
    let system = rustls_native_certs::load_native_certs().certs;
    let mut roots: Vec<_> = system.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    for path in &options.ca {
        let error = |why: String| ClientError::Ca { path: path.clone(), why };
        let text = fs::read(path).map_err(|e| error(e.to_string()))?;
        let before = roots.len();
        for item in parse_pem(&text) {
            if let PemItem::Certificate(certificate) = item.map_err(|e| error(e.to_string()))? {
                roots.push(certificate);
            }
        }
        if roots.len() == before {
            return Err(error("no PEM certificate in it".to_owned()));
        }
    }
    Ok(roots)
}

/// The address of the registry that images of `host` are in, and whether it is spoken to over TLS.
pub(super) fn base(host: &str, scheme: Scheme) -> (String, bool) {
    let host = if host == "docker.io" { "registry-1.docker.io" } else { host };
    match scheme {
        Scheme::Auto | Scheme::Https => (format!("https://{host}"), true),
        Scheme::Http => (format!("http://{host}"), false),
    }
}

/// Whether `host` (with or without a port) is this machine and no other (RFC 6761 section 6.3, RFC 1122 section 3.2.1.3).
pub(super) fn is_loopback(host: &str) -> bool {
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

/// Scheme and authority of an absolute address, with the scheme's own port left out.
pub(super) fn origin(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let default = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    (!authority.is_empty() && !authority.contains('@'))
        .then(|| (scheme, authority.strip_suffix(default).unwrap_or(authority)))
}

/// Where an upload goes on, from the `Location` of an answer that came from `base` (RFC 9110 section 10.2.2): an absolute
/// address or an absolute path. A registry behind a proxy often believes that it is on http: for the same authority our
/// own scheme stays.
///
/// # Errors
/// The rule that it breaks.
pub(super) fn session(base: &str, location: &str) -> Result<String, &'static str> {
    let location = location.split('#').next().unwrap_or_default();
    if location.starts_with('/') && !location.starts_with("//") {
        return Ok(format!("{base}{location}"));
    }
    let (Some((scheme, authority)), Some((own_scheme, own_authority))) = (origin(location), origin(base)) else {
        return Err("the `Location` of an upload is neither an http(s) address nor an absolute path");
    };
    let rest = location.split_once("://").and_then(|(_, rest)| rest.find(['/', '?']).map(|at| &rest[at..]));
    let rest = rest.unwrap_or_default();
    // Only the scheme differs, or the port that goes with it.
    if authority == own_authority {
        return Ok(format!("{base}{rest}"));
    }
    if own_scheme == "https" && scheme == "http" {
        return Err("the `Location` of an upload leaves https");
    }
    Ok(location.to_owned())
}

/// `url` with one more query parameter, whose value needs no escape.
pub(super) fn with_query(url: &str, parameter: &str) -> String {
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}{parameter}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_goes_on_where_the_registry_says() {
        let base = "https://r.example:5000";
        for (why, location, expected) in [
            ("a path", "/v2/a/blobs/uploads/1?_state=x", Ok("https://r.example:5000/v2/a/blobs/uploads/1?_state=x")),
            ("an address", "https://r.example:5000/u/1", Ok("https://r.example:5000/u/1")),
            ("a proxy that lost the scheme", "http://r.example:5000/u/1?x", Ok("https://r.example:5000/u/1?x")),
            ("another host", "https://store.example/u/1", Ok("https://store.example/u/1")),
            ("a fragment", "/u/1#x", Ok("https://r.example:5000/u/1")),
        ] {
            assert_eq!(session(base, location), expected.map(str::to_owned), "{why}");
        }
        for location in
            ["http://other.example/u", "//r.example/u", "u/1", "", "ftp://r.example/u", "https://a@r.example/"]
        {
            assert!(session(base, location).is_err(), "{location}");
        }
    }

    #[test]
    fn a_query_is_added_to_one_that_is_there() {
        assert_eq!(with_query("/u", "digest=d"), "/u?digest=d");
        assert_eq!(with_query("/u?_state=x", "digest=d"), "/u?_state=x&digest=d");
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (host, expected) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.9.9.9", true),
            ("registry.localhost", true),
            ("localhost.example", false),
            ("127.0.0.1.example", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
