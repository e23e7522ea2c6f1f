//! What the server refuses, and how it says so: one table of codes, one envelope (distribution-spec, "Error Codes").

use std::io;

use hyper::StatusCode;

/// A refusal. Its text is the `message` that the client shows to its user.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// A request that would change something, to a server without a writer.
    #[error("this registry is read-only: it answers GET and HEAD, and content enters it by an import")]
    ReadOnly,
    /// A path that is no endpoint.
    #[error("{path:?} is not an endpoint of a registry")]
    NoEndpoint {
        /// The path, cut to 300 characters.
        path: String,
    },
    /// A repository's name outside the grammar.
    #[error(
        "{name:?} is not the name of a repository: lowercase letters and digits parted by single `/`, `.`, `_` or `-`"
    )]
    NameInvalid {
        /// What was given, cut to 300 characters.
        name: String,
    },
    /// No such repository.
    #[error("{name}: {reason}")]
    NameUnknown {
        /// The repository.
        name: String,
        /// Whether there is none, or more than one.
        reason: crate::catalog::NotFound,
    },
    /// A digest outside the grammar.
    #[error("{text:?} is not a digest: expected `sha256:` and 64 lowercase hexadecimal digits")]
    DigestInvalid {
        /// What was given, cut to 300 characters.
        text: String,
    },
    /// No such manifest in the repository.
    #[error("{name} has no manifest {reference:?} here")]
    ManifestUnknown {
        /// The repository.
        name: String,
        /// Tag or digest.
        reference: String,
    },
    /// No such blob in the repository.
    #[error("{name} has no blob {digest} here")]
    BlobUnknown {
        /// The repository.
        name: String,
        /// Digest.
        digest: String,
    },
    /// No such upload: a server without a writer has none.
    #[error("there is no such upload")]
    UploadUnknown,
    /// `n` is not a number.
    #[error("`n` is {n:?}: expected a number of entries")]
    PageInvalid {
        /// What was given, cut to 300 characters.
        n: String,
    },
    /// A range that the content does not have (RFC 9110 section 15.5.17).
    #[error("the content has {size} bytes: the range lies outside of it")]
    RangeInvalid {
        /// The content's size in bytes.
        size: u64,
    },
    /// A path and query that are longer than any that a registry has.
    #[error("the address is longer than {limit} bytes")]
    UriTooLong {
        /// Longest in bytes.
        limit: usize,
    },
    /// The storage failed. The cause goes to the operator (`Event`), not to the client.
    #[error("the registry's storage failed; its operator was told why")]
    Storage(#[source] io::Error),
}

impl ApiError {
    /// Code and status. `PAGINATION_NUMBER_INVALID`, `RANGE_INVALID` and `UNKNOWN` are the distribution project's: the
    /// specification has none for these cases.
    #[must_use]
    pub fn code(&self) -> (&'static str, StatusCode) {
        match self {
            Self::ReadOnly => ("UNSUPPORTED", StatusCode::METHOD_NOT_ALLOWED),
            Self::NoEndpoint { .. } | Self::NameUnknown { .. } => ("NAME_UNKNOWN", StatusCode::NOT_FOUND),
            Self::NameInvalid { .. } => ("NAME_INVALID", StatusCode::BAD_REQUEST),
            Self::DigestInvalid { .. } => ("DIGEST_INVALID", StatusCode::BAD_REQUEST),
            Self::ManifestUnknown { .. } => ("MANIFEST_UNKNOWN", StatusCode::NOT_FOUND),
            Self::BlobUnknown { .. } => ("BLOB_UNKNOWN", StatusCode::NOT_FOUND),
            Self::UploadUnknown => ("BLOB_UPLOAD_UNKNOWN", StatusCode::NOT_FOUND),
            Self::PageInvalid { .. } => ("PAGINATION_NUMBER_INVALID", StatusCode::BAD_REQUEST),
            Self::RangeInvalid { .. } => ("RANGE_INVALID", StatusCode::RANGE_NOT_SATISFIABLE),
            Self::UriTooLong { .. } => ("UNSUPPORTED", StatusCode::URI_TOO_LONG),
            Self::Storage(_) => ("UNKNOWN", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// The JSON envelope.
    #[must_use]
    pub fn envelope(&self) -> Vec<u8> {
        let error = serde_json::json!({"code": self.code().0, "message": self.to_string()});
        serde_json::json!({"errors": [error]}).to_string().into_bytes()
    }
}

/// A client's text as a message repeats it.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(300).collect()
}
