//! What is asked. How it is read from a request is in [`parse`].

mod parse;

use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::ApiError;
use crate::digest::{Algorithm, ContentDigest};

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A question.
    Read(Route),
    /// A change, or a question about one that is under way.
    Write(Change),
}

/// What is asked (distribution-spec, "Endpoints").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `GET /v2/`: whether this is a registry.
    Ping,
    /// `GET /v2/<name>/manifests/<reference>`.
    Manifest(Address, Reference),
    /// `GET /v2/<name>/blobs/<digest>`.
    Blob(Address, ContentDigest),
    /// `GET /v2/<name>/tags/list`.
    Tags(Address, Page),
    /// `GET /v2/<name>/referrers/<digest>`.
    Referrers {
        /// The repository.
        address: Address,
        /// The subject.
        subject: ContentDigest,
        /// Only referrers of this type.
        artifact_type: Option<String>,
    },
    /// `GET /v2/_catalog`: the repositories (Docker Registry HTTP API V2).
    Catalog(Page),
}

/// What is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `POST /v2/<name>/blobs/uploads/`.
    Begin {
        /// The repository.
        address: Address,
        /// `digest`: the whole blob is the request's body.
        digest: Option<ContentDigest>,
        /// `digest-algorithm`: what the blob will be named by.
        algorithm: Algorithm,
        /// `mount`: the blob, which is here already.
        mount: Option<ContentDigest>,
        /// `from`: the repository that has it.
        from: Option<String>,
    },
    /// `GET /v2/<name>/blobs/uploads/<id>`: how far it is.
    Progress(Address, UploadId),
    /// `PATCH /v2/<name>/blobs/uploads/<id>`: some bytes.
    Append(Address, UploadId),
    /// `PUT /v2/<name>/blobs/uploads/<id>?digest=`: the last bytes, and the name.
    Finish(Address, UploadId, ContentDigest),
    /// `DELETE /v2/<name>/blobs/uploads/<id>`.
    Cancel(Address, UploadId),
    /// `PUT /v2/<name>/manifests/<reference>`, with any number of `tag` if the reference is a digest.
    PutManifest(Address, Reference, Vec<String>),
    /// `DELETE /v2/<name>/manifests/<reference>`.
    DeleteManifest(Address, Reference),
    /// `DELETE /v2/<name>/blobs/<digest>`.
    DeleteBlob(Address, ContentDigest),
}

/// What an upload is called: a random UUID (RFC 9562 section 5.4), as the distribution specification asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UploadId(String);

impl UploadId {
    /// The name of 16 bytes, which must be random: who knows it may write to the upload.
    #[must_use]
    pub fn new(mut random: [u8; 16]) -> Self {
        random[6] = random[6] & 0x0f | 0x40;
        random[8] = random[8] & 0x3f | 0x80;
        let mut text = hex::encode(random);
        for at in Self::DASHES {
            text.insert(at, '-');
        }
        Self(text)
    }

    const DASHES: [usize; 4] = [8, 13, 18, 23];

    fn parse(text: &str) -> Result<Self, ApiError> {
        let fits = |(at, b): (usize, u8)| match Self::DASHES.contains(&at) {
            true => b == b'-',
            false => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        };
        match text.len() == 36 && text.bytes().enumerate().all(fits) {
            true => Ok(Self(text.to_owned())),
            false => Err(ApiError::UploadUnknown),
        }
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A repository as the client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The path: a repository's name by the grammar.
    pub name: String,
    /// `ns`: the registry whose mirror the client takes this server for (distribution-spec, "Registry Proxying").
    pub namespace: Option<String>,
}

impl Address {
    /// The query that leads to the same repository: empty, or `?ns=…`.
    #[must_use]
    pub fn query(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("?ns={}", utf8_percent_encode(namespace, NON_ALPHANUMERIC)),
            None => String::new(),
        }
    }
}

/// What a manifest is asked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A tag.
    Tag(String),
    /// A digest.
    Digest(ContentDigest),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => fmt::Display::fmt(digest, f),
        }
    }
}

/// The part of a list that is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Most entries; all if `None`.
    pub n: Option<usize>,
    /// Only entries that sort after this one.
    pub last: Option<String>,
}

/// Longest path and query in bytes. The longest that a registry has is a name and a digest, below 400.
pub const URI_BYTES: usize = 4096;

/// Most tags that one manifest may be given at once.
pub const TAGS_AT_ONCE: usize = 100;

impl Endpoint {
    /// The repository that is asked for, if it is about one.
    pub fn address_mut(&mut self) -> Option<&mut Address> {
        match self {
            Self::Read(Route::Ping | Route::Catalog(_)) => None,
            Self::Read(
                Route::Manifest(address, _)
                | Route::Blob(address, _)
                | Route::Tags(address, _)
                | Route::Referrers { address, .. },
            )
            | Self::Write(
                Change::Begin { address, .. }
                | Change::Progress(address, _)
                | Change::Append(address, _)
                | Change::Finish(address, ..)
                | Change::Cancel(address, _)
                | Change::PutManifest(address, ..)
                | Change::DeleteManifest(address, _)
                | Change::DeleteBlob(address, _),
            ) => Some(address),
        }
    }
}
