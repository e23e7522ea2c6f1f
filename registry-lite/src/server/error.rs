//! What the server refuses, and how it says so: one table of codes, one envelope (distribution-spec, "Error Codes").

use std::io;

use hyper::StatusCode;

use crate::digest::ContentDigest;
use crate::manifest::ManifestError;
use crate::store::StoreError;

/// A refusal. Its text is the `message` that the client shows to its user.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// A request that would change something, to a server without a writer.
    #[error("this registry is read-only: it answers GET and HEAD, and content enters it by an import")]
    ReadOnly,
    /// A method that the endpoint does not have.
    #[error("{method} is not a method of this endpoint")]
    Method {
        /// The method, cut to 300 characters.
        method: String,
    },
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
    #[error("{text:?} is not a digest: expected `sha256:` and 64, or `sha512:` and 128 lowercase hexadecimal digits")]
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
    /// No such upload, or none any more.
    #[error("there is no such upload, or it has ended: begin a new one")]
    UploadUnknown,
    /// An upload that cannot go on as asked.
    #[error("this upload cannot go on so: {why}")]
    UploadInvalid {
        /// Why not.
        why: &'static str,
    },
    /// Bytes that do not follow those that came before.
    #[error("the upload has {len} bytes: the next ones begin there")]
    UploadRange {
        /// Bytes that have come.
        len: u64,
        /// Where the upload goes on.
        location: String,
    },
    /// Content that is not what its name says.
    #[error("the content is {found}, not {named}: it was changed on the way, or named wrongly")]
    DigestMismatch {
        /// What it was named.
        named: ContentDigest,
        /// What it is.
        found: ContentDigest,
    },
    /// A manifest that is none.
    #[error("the manifest is not taken: {source}")]
    ManifestInvalid {
        /// What is wrong.
        source: ManifestError,
    },
    /// A manifest that lists blobs which are not here.
    #[error("the manifest lists what is not here: {}; push that first", missing.join(", "))]
    ManifestBlobUnknown {
        /// The first of the blobs.
        missing: Vec<String>,
    },
    /// A body above its limit.
    #[error("more than {limit} bytes are not taken here")]
    TooLarge {
        /// Most bytes.
        limit: u64,
    },
    /// A tag outside the grammar.
    #[error("{tag:?} is not a tag: 1 to 128 letters, digits, `_`, `.` and `-`, beginning with none of the last two")]
    TagInvalid {
        /// What was given, cut to 300 characters.
        tag: String,
    },
    /// More tags than one request may give.
    #[error("more than {limit} tags at once are not taken")]
    TooManyTags {
        /// Most tags.
        limit: usize,
    },
    /// Something that nobody may change.
    #[error("{what}")]
    Denied {
        /// What, and why.
        what: String,
    },
    /// Nobody who proved who they are.
    #[error("log in first, or with another login: this one is missing or wrong")]
    Unauthorized {
        /// How to log in: the value of `WWW-Authenticate`.
        challenge: String,
    },
    /// Too many logins are being checked.
    #[error("too many logins are being checked: try again in a moment")]
    Busy,
    /// More uploads than are kept.
    #[error("{limit} uploads are open already: end or cancel some, or wait")]
    TooManyUploads {
        /// Most uploads.
        limit: usize,
    },
    /// The body did not come to its end.
    #[error("the request's body broke off")]
    BodyBroken,
    /// The medium is full.
    #[error("the registry's disk is full: its operator must make room")]
    Full(#[source] StoreError),
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
            Self::ReadOnly | Self::Method { .. } => ("UNSUPPORTED", StatusCode::METHOD_NOT_ALLOWED),
            Self::NoEndpoint { .. } | Self::NameUnknown { .. } => ("NAME_UNKNOWN", StatusCode::NOT_FOUND),
            Self::NameInvalid { .. } => ("NAME_INVALID", StatusCode::BAD_REQUEST),
            Self::DigestInvalid { .. } => ("DIGEST_INVALID", StatusCode::BAD_REQUEST),
            Self::ManifestUnknown { .. } => ("MANIFEST_UNKNOWN", StatusCode::NOT_FOUND),
            Self::BlobUnknown { .. } => ("BLOB_UNKNOWN", StatusCode::NOT_FOUND),
            Self::UploadUnknown => ("BLOB_UPLOAD_UNKNOWN", StatusCode::NOT_FOUND),
            Self::UploadInvalid { .. } | Self::BodyBroken => ("BLOB_UPLOAD_INVALID", StatusCode::BAD_REQUEST),
            Self::UploadRange { .. } => ("BLOB_UPLOAD_INVALID", StatusCode::RANGE_NOT_SATISFIABLE),
            Self::DigestMismatch { .. } => ("DIGEST_INVALID", StatusCode::BAD_REQUEST),
            Self::ManifestInvalid { .. } => ("MANIFEST_INVALID", StatusCode::BAD_REQUEST),
            Self::ManifestBlobUnknown { .. } => ("MANIFEST_BLOB_UNKNOWN", StatusCode::NOT_FOUND),
            Self::TooLarge { .. } => ("SIZE_INVALID", StatusCode::PAYLOAD_TOO_LARGE),
            Self::TagInvalid { .. } => ("TAG_INVALID", StatusCode::BAD_REQUEST),
            Self::TooManyTags { .. } => ("TAG_INVALID", StatusCode::URI_TOO_LONG),
            Self::Denied { .. } => ("DENIED", StatusCode::FORBIDDEN),
            Self::Unauthorized { .. } => ("UNAUTHORIZED", StatusCode::UNAUTHORIZED),
            Self::TooManyUploads { .. } | Self::Busy => ("TOOMANYREQUESTS", StatusCode::TOO_MANY_REQUESTS),
            Self::Full(_) => ("UNKNOWN", StatusCode::INSUFFICIENT_STORAGE),
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
