//! Why TLS cannot be set up.

use std::io;
use std::path::PathBuf;

use bundle_format::{Code, Coded};

use super::names::NAMES;
use crate::store::StoreError;

/// Why TLS cannot be set up, or the next certificate not be had.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Not the name or address of a server.
    #[error("{text:?} is not the name or the IP address of a server")]
    Name {
        /// What was given, cut to 300 characters.
        text: String,
    },
    /// More names than a certificate may have.
    #[error("a server has {NAMES} names at most")]
    Names,
    /// The file system.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was done, as in "reading".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Writing a file of our own.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file holds something else than it should.
    #[error("{} has no {what}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// Others may read or write a private key.
    #[error("the private key {} is open to other users (mode {mode:o})", path.display())]
    KeyOpen {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// The permissions that it may have at most.
        allowed: u32,
    },
    /// Certificate and key cannot be used together.
    #[error("the certificate {} cannot be used with the key {}: {source}", cert.display(), key.display())]
    Pair {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// What our own authority signs does not verify with its certificate: they are not one authority's, or one is damaged.
    #[error("{} is not the certificate of the authority whose key is beside it: {why}", path.display())]
    Authority {
        /// `ca.crt`.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Our own authority has ended.
    #[error("the authority {} has ended", path.display())]
    AuthorityEnded {
        /// `ca.crt`.
        path: PathBuf,
    },
    /// A certificate cannot be made.
    #[error("making a certificate: {0}")]
    Issue(#[from] rcgen::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// The library refuses what we ask of it.
    #[error("setting up TLS: {0}")]
    Setup(rustls::Error),
}

impl Coded for TlsError {
    fn code(&self) -> Code {
        match self {
            Self::Name { .. } | Self::Names => Code::Usage,
            Self::Io { .. } => Code::Io,
            Self::Store(error) => error.code(),
            Self::Content { .. }
            | Self::KeyOpen { .. }
            | Self::Pair { .. }
            | Self::Authority { .. }
            | Self::AuthorityEnded { .. } => Code::Certificate,
            Self::Issue(_) | Self::Random(_) | Self::Setup(_) => Code::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Name { .. } => {
                "give it without a port, and without brackets: mirror.site, 10.0.0.5, fd00::5".to_owned()
            }
            Self::Store(error) => return error.hint(),
            Self::Content { .. } => {
                "PEM is expected: text with `-----BEGIN …-----`, and for a key one without a passphrase".to_owned()
            }
            Self::KeyOpen { path, allowed, .. } => format!(
                "chmod {allowed:o} {}; if somebody else may have read it already, have another key made",
                path.display()
            ),
            Self::Pair { .. } => {
                "the server's own certificate comes first in its file, those of authorities after it".to_owned()
            }
            Self::Authority { path, .. } | Self::AuthorityEnded { path } => format!(
                "move {} and the ca.key beside it away to have a new authority made, and give its ca.crt to every client",
                path.display()
            ),
            _ => return None,
        })
    }
}
