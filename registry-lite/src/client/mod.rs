//! A client of OCI registries (distribution-spec 1.1), for pulling images to pack and pushing what was imported. Blocking;
//! everything can be used from many threads at once.

mod auth;
mod challenge;
pub mod check;
mod credentials;
mod error;
mod options;
mod pull;
mod push;
mod retry;
mod transport;
mod upload;

use std::sync::Arc;

use bundle_format::reference::{is_repository, is_tag, normal_host};
use bundle_format::{Digest, ImageRef};
use ureq::http::header::WWW_AUTHENTICATE;
use ureq::http::{HeaderMap, Method, Response, Uri};
use ureq::{Body, ResponseExt};

use auth::{Access, Auth};
use challenge::Challenge;
use transport::{Outgoing, Transport};

pub use error::{Answer, ClientError};
pub use options::{ClientOptions, CredentialSource, Scheme, Timeouts};
pub use pull::{BlobReader, RepositorySource};
pub use upload::Upload;

const DOCKER_CONTENT_DIGEST: &str = "docker-content-digest";

/// A registry. Clones share connections, tokens and logins.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    host: String,
    base: String,
    transport: Transport,
    auth: Auth,
}

/// What a manifest is asked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference<'a> {
    /// A name that may change its meaning.
    Tag(&'a str),
    /// The content itself.
    Digest(&'a Digest),
}

impl std::fmt::Display for Reference<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Registry").field(&self.0.base).finish()
    }
}

impl Registry {
    /// The registry that images of `host` are in: a host as in an image name, `docker.io` or `localhost:5000`. Nothing is
    /// sent, except to a loopback host with [`Scheme::Auto`], to find out whether it speaks TLS.
    ///
    /// # Errors
    /// [`ClientError::Name`], [`ClientError::Ca`]; [`ClientError::Unreachable`] for a loopback host that does not answer.
    pub fn connect(host: &str, options: &ClientOptions) -> Result<Self, ClientError> {
        let host = normal_host(host);
        if !format!("{host}/x").parse::<ImageRef>().is_ok_and(|image| image.host() == host) {
            return Err(ClientError::Name {
                text: host.chars().take(300).collect(),
                what: "a registry's host, `name[:port]`",
            });
        }
        let registry = Self::over(host, options.scheme, options)?;
        if options.scheme == Scheme::Auto
            && transport::is_loopback(host)
            && let Err(source) = registry.probe()
        {
            // Local registries rarely have certificates. Whoever answers on loopback is this machine, so plain http gives
            // nothing away; a TLS registry does not take it for a request.
            let plain = Self::over(host, Scheme::Http, options)?;
            return match plain.probe() {
                Ok(200 | 401 | 403) => Ok(plain),
                _ => Err(ClientError::Unreachable { place: host.to_owned(), source }),
            };
        }
        Ok(registry)
    }

    fn over(host: &str, scheme: Scheme, options: &ClientOptions) -> Result<Self, ClientError> {
        let (base, secure) = transport::base(host, scheme);
        let transport = Transport::new(host, secure, options)?;
        let auth = Auth::new(host, options.credentials.clone());
        Ok(Self(Arc::new(Inner { host: host.to_owned(), base, transport, auth })))
    }

    /// Asks for nothing, as nobody; returns the status.
    fn probe(&self) -> Result<u16, ureq::Error> {
        let mut ping = Outgoing::new(Method::GET, format!("{}/v2/", self.0.base));
        Ok(self.0.transport.send_once(&mut ping)?.status().as_u16())
    }

    /// The host, in its normal spelling.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// Checks that the registry answers and takes the login (distribution-spec, "Determining Support", `end-1`).
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], [`ClientError::Unauthorized`], [`ClientError::Refused`].
    pub fn ping(&self) -> Result<(), ClientError> {
        self.pinged(true)
    }

    fn pinged(&self, patient: bool) -> Result<(), ClientError> {
        let access = Access::none();
        let outgoing = Outgoing::new(Method::GET, format!("{}/v2/", self.0.base));
        let response = self.send(Outgoing { patient, ..outgoing }, &access)?;
        match response.status().as_u16() {
            200 => Ok(()),
            _ => Err(self.refusal(response, &access, "answer at `/v2/`", None)),
        }
    }

    /// `host/repository`, or the host.
    fn place(&self, repository: &str) -> String {
        if repository.is_empty() { self.0.host.clone() } else { format!("{}/{repository}", self.0.host) }
    }

    /// The address of something in `repository`, which must be a repository's name: it becomes part of an address.
    fn url(&self, repository: &str, rest: std::fmt::Arguments<'_>) -> Result<String, ClientError> {
        if !is_repository(repository) {
            let text = repository.chars().take(300).collect();
            return Err(ClientError::Name { text, what: "a repository, lowercase words parted by `/`" });
        }
        Ok(format!("{}/v2/{repository}/{rest}", self.0.base))
    }

    fn manifest_url(&self, repository: &str, reference: Reference<'_>) -> Result<String, ClientError> {
        match reference {
            Reference::Tag(tag) if !is_tag(tag) => {
                let text = tag.chars().take(300).collect();
                Err(ClientError::Name { text, what: "a tag, 1 to 128 of letters, digits, `_`, `.` and `-`" })
            }
            _ => self.url(repository, format_args!("manifests/{reference}")),
        }
    }

    /// Sends a request, as whoever may do it if the registry asks for that. Any status but 401 is the caller's to judge.
    fn send(&self, mut outgoing: Outgoing<'_>, access: &Access) -> Result<Response<Body>, ClientError> {
        let Inner { base, transport, auth, .. } = &*self.0;
        // An upload may go on at another host, which must not learn who we are to this one.
        let ours = transport::origin(&outgoing.url) == transport::origin(base);
        let mut authorization = if ours { auth.remembered(transport, base, access)? } else { None };
        let unreachable = |source| ClientError::Unreachable { place: self.place(access.repository()), source };
        let response = transport.send(&mut outgoing, authorization.as_ref()).map_err(unreachable)?;
        if response.status().as_u16() != 401 {
            return Ok(response);
        }
        // The challenge of a place that we were led to is not the registry's.
        let led_away = outgoing.url.parse::<Uri>().ok().as_ref() != Some(response.get_uri());
        if let Some(challenge) = challenge(response.headers())
            && ours
            && !led_away
            && outgoing.is_repeatable()
        {
            let answer = auth.answer(transport, base, &challenge, access)?;
            // The same answer again could only lock the user out.
            if answer.is_some() && answer != authorization {
                authorization = answer;
                let again = transport.send(&mut outgoing, authorization.as_ref()).map_err(unreachable)?;
                return if again.status().as_u16() == 401 { Err(self.unauthorized(again, access)) } else { Ok(again) };
            }
        }
        Err(self.unauthorized(response, access))
    }

    fn unauthorized(&self, response: Response<Body>, access: &Access) -> ClientError {
        let user = self.0.auth.user(access);
        ClientError::Unauthorized { place: self.place(access.repository()), user, answer: Answer::read(response) }
    }

    /// The error that a status other than the wanted one is; `what` is what a 404 says is not there.
    fn refusal(
        &self,
        response: Response<Body>,
        access: &Access,
        action: &'static str,
        what: Option<&dyn std::fmt::Display>,
    ) -> ClientError {
        let place = self.place(access.repository());
        match (response.status().as_u16(), what) {
            (403, _) => self.unauthorized(response, access),
            (404, Some(what)) => ClientError::Missing { place, what: what.to_string(), answer: Answer::read(response) },
            _ => ClientError::Refused { place, action, answer: Answer::read(response) },
        }
    }

    /// Compares what the registry calls the content, if it does so by SHA-256, with what it is.
    fn check_named(&self, repository: &str, headers: &HeaderMap, found: Digest) -> Result<(), ClientError> {
        match named_digest(headers) {
            Some(wanted) if wanted != found => Err(ClientError::Digest {
                place: self.place(repository),
                wanted: Box::new(wanted),
                found: Box::new(found),
            }),
            _ => Ok(()),
        }
    }
}

/// `Docker-Content-Digest`, if it is a SHA-256: a registry may name content by another algorithm.
fn named_digest(headers: &HeaderMap) -> Option<Digest> {
    headers.get(DOCKER_CONTENT_DIGEST)?.to_str().ok()?.parse().ok()
}

fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    Challenge::choose(headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()))
}
