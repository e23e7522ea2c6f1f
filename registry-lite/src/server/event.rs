//! What a server's operator should know. The library has no log of its own: whoever runs the server says where this goes.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::digest::ContentDigest;

/// Something that went wrong in the server, not in a request. Its text is one line for a log.
#[derive(Debug, thiserror::Error)]
pub enum Event<'e> {
    /// A blob or manifest that the catalogue lists cannot be read, or lost bytes since.
    #[error("reading {digest}: {cause}")]
    Read {
        /// The content.
        digest: ContentDigest,
        /// What happened.
        cause: &'e io::Error,
    },
    /// The content changed and could not be loaded: what was served before still is.
    #[error("loading the content anew after a change of {}: {cause}", file.display())]
    Reload {
        /// The file that changed.
        file: &'e Path,
        /// What happened.
        cause: &'e dyn std::error::Error,
    },
    /// Something pushed could not be stored.
    #[error("storing what a client pushed: {cause}")]
    Store {
        /// What happened.
        cause: &'e dyn std::error::Error,
    },
    /// A check of the site in the background found something wrong.
    #[error("checking the site: {finding}")]
    Finding {
        /// What it found.
        finding: &'e dyn std::error::Error,
    },
    /// A request could not be answered through a fault of the server's own.
    #[error("answering a request: {cause}")]
    Request {
        /// What happened.
        cause: &'e io::Error,
    },
    /// A connection could not be accepted, as when the process has no file descriptor left.
    #[error("accepting a connection: {cause}")]
    Accept {
        /// What happened.
        cause: &'e io::Error,
    },
}

impl Event<'_> {
    /// All that [`Event::kind`] may say.
    pub const KINDS: [&'static str; 6] = ["accept", "check", "read", "reload", "request", "store"];

    /// Which kind of thing went wrong, in one word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Read { .. } => "read",
            Self::Reload { .. } => "reload",
            Self::Request { .. } => "request",
            Self::Accept { .. } => "accept",
            Self::Finding { .. } => "check",
            Self::Store { .. } => "store",
        }
    }
}

/// Takes events, from any thread; must not take long.
pub type Report = Arc<dyn Fn(&Event<'_>) + Send + Sync>;
