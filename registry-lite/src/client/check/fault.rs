//! What can be wrong with an answer, and what that means to whoever pulls.

use std::io;
use std::time::Duration;

use bundle_format::oci::OciError;
use bundle_format::{Code, Coded, Digest};

use super::super::{Answer, ClientError};

/// A request, and what was wrong with the answer.
#[derive(Debug, thiserror::Error)]
#[error("{request}: {fault}")]
pub struct Problem {
    /// Method, path and query.
    pub request: String,
    /// What was wrong.
    pub fault: Fault,
}

/// What was wrong with an answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// No answer that could be looked at.
    #[error(transparent)]
    Client(ClientError),
    /// Another status than a client needs.
    #[error("status {wanted} was expected, not {answer}")]
    Status {
        /// What came.
        answer: Answer,
        /// What should have come.
        wanted: u16,
    },
    /// The body was compressed on the way.
    #[error("Content-Encoding: {encoding}")]
    Encoded {
        /// How.
        encoding: String,
    },
    /// Not the media type of the document.
    #[error("Content-Type is {found:?} instead of {wanted}")]
    MediaType {
        /// What the header says.
        found: String,
        /// What it should say.
        wanted: String,
    },
    /// The header names other content than the body is.
    #[error("Docker-Content-Digest is {named}, the content is {found}")]
    Named {
        /// What the header says.
        named: String,
        /// What the content is.
        found: Digest,
    },
    /// The content is not what was asked for.
    #[error("the content is {found} instead of {wanted}")]
    Content {
        /// What was asked for.
        wanted: Digest,
        /// What came.
        found: Digest,
    },
    /// The name stands for another image than it should.
    #[error("the name stands for {found} here, and for {wanted} where the content came from")]
    Other {
        /// The image that was meant.
        wanted: Digest,
        /// The image that is served.
        found: Digest,
    },
    /// A length that is not the content's.
    #[error("{found} bytes instead of {wanted}")]
    Length {
        /// What the header says, or what came.
        found: u64,
        /// What it should be.
        wanted: u64,
    },
    /// Another range than was asked for.
    #[error("Content-Range is {found:?} instead of {wanted:?}")]
    Range {
        /// What the header says.
        found: String,
        /// What it should say.
        wanted: String,
    },
    /// A range with other bytes than the whole has there.
    #[error("the bytes of the range are not those of the whole")]
    RangeContent,
    /// Not a manifest.
    #[error("not a manifest that clients take: {0}")]
    Document(OciError),
    /// An index of which nothing is there.
    #[error("the index is there, and none of the images that it lists")]
    NoPlatform,
    /// The answer broke off.
    #[error("the answer broke off: {0}")]
    Broken(io::Error),
    /// What is not there took long to be missed.
    #[error("it took {:.1} s to say that something is not there", .0.as_secs_f64())]
    Slow(Duration),
}

impl Fault {
    /// What it means to whoever pulls, and what to look at.
    #[must_use]
    pub fn meaning(&self) -> String {
        let text = match self {
            Self::Client(error) => {
                return Coded::hint(error).unwrap_or_else(|| "clients get no answer either".to_owned());
            }
            Self::Status { answer, wanted } => return status(answer.status(), *wanted),
            Self::Encoded { .. } => {
                "something on the way compresses: containerd undoes that, and the digest is no longer the layer's; switch \
                 compression off in the proxy (nginx: `gzip off`)"
            }
            Self::MediaType { .. } => {
                "clients choose by this header how to read the manifest, and refuse it: a file server or a proxy changed it"
            }
            Self::Named { .. } => {
                "clients that believe the header pull something else, all others refuse: the storage is damaged, or a proxy's cache stale"
            }
            Self::Content { .. } => "every client refuses it: the registry's storage or a proxy's cache is damaged",
            Self::Other { .. } => {
                "nodes would run something else than was delivered: import again, or empty the proxy's cache"
            }
            Self::Length { .. } => {
                "clients refuse it as cut or changed: the storage is damaged, or a proxy rewrites bodies"
            }
            Self::Range { .. } | Self::RangeContent => {
                "a download that broke cannot be taken up again, and containerd 2.1, which pulls in parallel parts, gets wrong layers"
            }
            Self::Document(_) => "clients refuse it",
            Self::NoPlatform => "no node can run the image: import a bundle that carries the nodes' platform",
            Self::Broken(_) => "layers will break off too: look at the limits and the timeouts of a proxy",
            Self::Slow(_) => {
                "something asks other registries first: each start of a pod with such an image waits; make it a plain registry"
            }
        };
        text.to_owned()
    }
}

fn status(found: u16, wanted: u16) -> String {
    let text = match (found, wanted) {
        (200, 206) => "ranges are not supported: a download that broke begins anew; a proxy may take the header away",
        (416, _) => "the registry holds fewer bytes than the manifest says: its storage is damaged",
        (404, _) => {
            "nodes cannot pull it by this address: it is not imported, or the server does not know this way of asking"
        }
        (403, _) => "the login may not read this: clients report that the image does not exist",
        (429, _) => "requests are limited: nodes that start together will be refused",
        (500..=599, 404) => {
            "what is not there must be 404: clients take this for a broken registry, and try again and again"
        }
        (500..=599, _) => "the registry or a proxy in front of it has a problem of its own: its log says more",
        (200..=299, 404) => "it answers for content that nobody has: this is no registry, or a proxy answers for it",
        (300..=399, _) => "it redirects too often, or to nowhere",
        _ => "clients do not know what to do with this answer",
    };
    text.to_owned()
}

impl Coded for Problem {
    fn code(&self) -> Code {
        match &self.fault {
            Fault::Client(error) => error.code(),
            _ => Code::Registry,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(self.fault.meaning())
    }
}
