//! What an answer's body is: nothing, a text that is ready, or stored content. How it is sent is [`super::outgoing`]'s.

use bytes::Bytes;

use super::event::Report;
use crate::digest::ContentDigest;
use crate::extent::Extent;

/// The body of a response.
#[derive(Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// A text, which is not empty.
    Text(Bytes),
    /// The bytes of `extent`, which belong to `digest`.
    Stored {
        /// What it is.
        digest: ContentDigest,
        /// Where it is.
        extent: Extent,
        /// Is told if it cannot be read.
        report: Report,
    },
}

impl Body {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::Empty
    }

    /// A text.
    #[must_use]
    pub fn text(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() { Self::Empty } else { Self::Text(bytes) }
    }

    /// The bytes of `extent`, which belong to `digest`.
    #[must_use]
    pub fn stored(digest: ContentDigest, extent: Extent, report: Report) -> Self {
        Self::Stored { digest, extent, report }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Text(bytes) => bytes.len() as u64,
            Self::Stored { extent, .. } => extent.len(),
        }
    }
}
