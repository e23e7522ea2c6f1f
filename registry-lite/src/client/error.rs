//! What can go wrong between us and a registry, in its words and ours.

use std::io::{self, Read};
use std::path::PathBuf;

use bundle_format::{Code, Coded};
use bundle_format::{Digest, SourceError};
use serde::Deserialize;

/// Most bytes of an error's body that are read.
const ERROR_BYTES: u64 = 64 << 10;
/// Most characters of a registry's text that are shown.
const SHOWN: usize = 300;

/// Why a registry did not do what was asked of it. `place` is `host/repository`, or the host alone; never a credential.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not the name of a host, a repository or a tag; nothing was sent.
    #[error("{text:?} is not {what}")]
    Name {
        /// What was given.
        text: String,
        /// What it should have been.
        what: &'static str,
    },
    /// A file of certificates cannot be used.
    #[error("the certificates in {}: {why}", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A login cannot be read from where it should be.
    #[error("the login for {host} in {}: {why}", path.display())]
    Credentials {
        /// The registry's host.
        host: String,
        /// The file that holds it, or names the helper that does.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// No answer: name resolution, connection, TLS, timeout.
    #[error("{place} cannot be reached: {source}")]
    Unreachable {
        /// The registry.
        place: String,
        /// The cause.
        source: ureq::Error,
    },
    /// The registry, or its token server, does not let this user do this.
    #[error("{place} refused {}: {answer}", describe(user.as_ref()))]
    Unauthorized {
        /// The registry.
        place: String,
        /// Whose login was used, if any.
        user: Option<String>,
        /// Its answer.
        answer: Answer,
    },
    /// The registry does not have it.
    #[error("{place} does not hold {what}: {answer}")]
    Missing {
        /// The registry.
        place: String,
        /// A tag, a digest.
        what: String,
        /// Its answer.
        answer: Answer,
    },
    /// Any other refusal.
    #[error("{place} refused to {action}: {answer}")]
    Refused {
        /// The registry.
        place: String,
        /// What was asked, as a verb.
        action: &'static str,
        /// Its answer.
        answer: Answer,
    },
    /// The content is not what its digest says.
    #[error("{place}: {wanted} was expected, the content is {found}")]
    Digest {
        /// The registry.
        place: String,
        /// The digest that was asked for, or that the registry named.
        wanted: Box<Digest>,
        /// The digest of what came.
        found: Box<Digest>,
    },
    /// A manifest of a kind that is not carried.
    #[error("{place}: {what} is {media_type:?}, which is neither an image nor an index of images")]
    MediaType {
        /// The registry.
        place: String,
        /// The tag or digest.
        what: String,
        /// Its media type, as the registry names it.
        media_type: String,
    },
    /// The content is longer or shorter than it is said to be, or than it may be.
    #[error("{place}: {what} has {found} bytes instead of {wanted}")]
    Size {
        /// The registry.
        place: String,
        /// A tag or a digest.
        what: String,
        /// Bytes expected, or `at most` so many.
        wanted: String,
        /// Bytes found so far.
        found: u64,
    },
    /// The answer breaks a rule of the distribution specification or of HTTP.
    #[error("{place} does not speak as a registry should: {rule}")]
    Protocol {
        /// The registry.
        place: String,
        /// The rule.
        rule: &'static str,
    },
    /// This side failed: the content to push could not be read, or no thread started.
    #[error("pushing to {place}: {source}")]
    Local {
        /// The registry.
        place: String,
        /// The cause.
        source: io::Error,
    },
}

fn describe(user: Option<&String>) -> String {
    user.map_or_else(|| "a request without a login".to_owned(), |user| format!("the login of {user:?}"))
}

/// What a registry answered when it did not do as asked (distribution-spec, "Error Codes").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    errors: Vec<(String, String)>,
}

impl Answer {
    /// HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The registry's own codes and messages, `MANIFEST_UNKNOWN` and `manifest unknown`, without control characters.
    pub fn errors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.errors.iter().map(|(code, message)| (code.as_str(), message.as_str()))
    }

    /// Reads what `response` says; a body that is not of the specified form is left out.
    pub(super) fn read(response: ureq::http::Response<ureq::Body>) -> Self {
        #[derive(Deserialize)]
        struct Body {
            errors: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            #[serde(default)]
            code: String,
            #[serde(default)]
            message: String,
        }
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        let body = match response.into_body().into_reader().take(ERROR_BYTES).read_to_end(&mut bytes) {
            Ok(_) => serde_json::from_slice::<Body>(&bytes).ok(),
            Err(_) => None,
        };
        let entries = body.into_iter().flat_map(|body| body.errors).take(5);
        Self { status, errors: entries.map(|e| (shown(&e.code), shown(&e.message))).collect() }
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "status {}", self.status)?;
        for (code, message) in &self.errors {
            write!(f, ", {code}: {message}")?;
        }
        Ok(())
    }
}

/// A registry's text, fit for a terminal.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

impl ClientError {
    /// What to do about it, if there is something that usually helps.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { source, .. } => transport_hint(source),
            Self::Unauthorized { user: None, .. } => {
                Some("log in first, with `docker login`, `podman login` or `skopeo login`")
            }
            Self::Unauthorized { user: Some(_), answer, .. } if answer.status == 401 => {
                Some("log in again: the password is wrong, or the token is no longer valid")
            }
            Self::Unauthorized { .. } => Some("ask for access to this repository for the user that is logged in"),
            Self::Missing { .. } => {
                Some("check the name; some registries also answer so for what a login would be needed to see")
            }
            Self::Refused { answer, .. } => match answer.status {
                413 => Some("a limit on the size of requests is in the way (nginx: `client_max_body_size 0`)"),
                429 => Some("the registry limits the rate of requests: wait, or log in"),
                405 => Some("the registry is read-only"),
                500..=599 => Some("the registry has a problem of its own: its log says more, its disk may be full"),
                _ => None,
            },
            Self::MediaType { media_type, .. } if media_type.contains("manifest.v1") => {
                Some("Docker's schema 1 is not carried: pull and push the image once with a current tool")
            }
            Self::Digest { .. } => {
                Some("something between here and the registry, or the registry, changed the content")
            }
            _ => None,
        }
    }
}

impl Coded for ClientError {
    fn code(&self) -> Code {
        match self {
            Self::Local { .. } | Self::Ca { .. } => Code::Io,
            _ => Code::Registry,
        }
    }

    fn hint(&self) -> Option<String> {
        self.hint().map(str::to_owned)
    }
}

fn transport_hint(error: &ureq::Error) -> Option<&'static str> {
    match (tls(error), error) {
        (Some(rustls::Error::InvalidCertificate(_)), _) => Some(
            "the registry's certificate is not trusted, has expired or is for another name: name the certificate of its authority as an additional CA",
        ),
        (Some(rustls::Error::InvalidMessage(_)), _) => {
            Some("the registry does not speak TLS: ask for plain http, if that is meant")
        }
        (_, ureq::Error::HostNotFound) => Some("check the host's name, and that this machine can resolve it"),
        (_, ureq::Error::RequireHttpsOnly(_)) => Some("a registry on https must not send its clients to plain http"),
        (_, ureq::Error::Io(io)) if matches!(io.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            Some("the connection was cut: a limit on the size of requests in front of the registry is a common cause")
        }
        _ => None,
    }
}

/// The TLS error at the bottom of `error`: rustls comes wrapped in the I/O error of the handshake.
fn tls(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(io) => {
            let inner = io.get_ref()?;
            inner.downcast_ref().or_else(|| inner.source()?.downcast_ref())
        }
        _ => None,
    }
}

impl From<ClientError> for SourceError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Missing { place, what, .. } => Self::Missing { place, what },
            ClientError::Unreachable { place, source } => Self::Io { place, source: source.into_io() },
            ClientError::Unauthorized { ref place, .. }
            | ClientError::Refused { ref place, .. }
            | ClientError::Digest { ref place, .. }
            | ClientError::MediaType { ref place, .. }
            | ClientError::Size { ref place, .. }
            | ClientError::Protocol { ref place, .. }
            | ClientError::Local { ref place, .. } => Self::Refused { place: place.clone(), why: error.to_string() },
            ClientError::Name { .. } => Self::Refused { place: "registry".to_owned(), why: error.to_string() },
            ClientError::Credentials { ref host, .. } => Self::Refused { place: host.clone(), why: error.to_string() },
            ClientError::Ca { ref path, .. } => {
                Self::Refused { place: path.display().to_string(), why: error.to_string() }
            }
        }
    }
}
