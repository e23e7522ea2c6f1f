//! Pulling: manifests whole, blobs as streams (distribution-spec, "Pull").

use std::io::{self, Read};

use bundle_format::{BlobSource, Descriptor, Digest, ImageRef, SourceError, limits, media};
use serde::Deserialize;
use ureq::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use ureq::http::{HeaderMap, Method, Response};
use ureq::{Body, BodyReader};

use super::auth::Access;
use super::error::{ClientError, shown};
use super::transport::Outgoing;
use super::{Reference, Registry};

/// How often a broken download is taken up again without a byte of progress.
const RESUMES: u32 = 3;

impl Registry {
    /// The manifest or index that `image` names, by its digest if it has one: what it is, and its bytes. The digest is that
    /// of the bytes; it is the one in the name and the one that the registry states, if they are given.
    ///
    /// # Errors
    /// [`ClientError::Missing`]; [`ClientError::Name`] for an image of another host; over [`limits::MANIFEST_BYTES`];
    /// [`ClientError::Digest`]; [`ClientError::MediaType`] for what is neither an image nor an index.
    pub fn resolve(&self, image: &ImageRef) -> Result<(Descriptor, Vec<u8>), ClientError> {
        if image.host() != self.host() {
            return Err(ClientError::Name { text: image.to_string(), what: "an image of this registry" });
        }
        let reference = match (image.digest(), image.tag()) {
            (Some(digest), _) => Reference::Digest(digest),
            (None, tag) => Reference::Tag(tag.unwrap_or("latest")),
        };
        self.manifest(image.repository(), reference)
    }

    /// As [`Registry::resolve`], for a repository of this registry.
    ///
    /// # Errors
    /// Those of [`Registry::resolve`].
    pub fn manifest(&self, repository: &str, reference: Reference<'_>) -> Result<(Descriptor, Vec<u8>), ClientError> {
        let access = Access::pull(repository);
        let mut outgoing = Outgoing::new(Method::GET, self.manifest_url(repository, reference)?);
        outgoing.headers.push((ACCEPT, accept()));
        let response = self.send(outgoing, &access)?;
        if response.status().as_u16() != 200 {
            return Err(self.refusal(response, &access, "give out a manifest", Some(&reference)));
        }
        let (parts, body) = response.into_parts();
        let mut bytes = Vec::new();
        if let Err(e) = body.into_reader().take(limits::MANIFEST_BYTES + 1).read_to_end(&mut bytes) {
            return Err(ClientError::Unreachable { place: self.place(repository), source: e.into() });
        }
        let found = bytes.len() as u64;
        if found > limits::MANIFEST_BYTES {
            let (place, what) = (self.place(repository), reference.to_string());
            let wanted = format!("at most {}", limits::MANIFEST_BYTES);
            return Err(ClientError::Size { place, what, wanted, found });
        }
        let digest = Digest::of(&bytes);
        if let Reference::Digest(wanted) = reference
            && *wanted != digest
        {
            let (wanted, found) = (Box::new(*wanted), Box::new(digest));
            return Err(ClientError::Digest { place: self.place(repository), wanted, found });
        }
        self.check_named(repository, &parts.headers, digest)?;
        let media_type = media_type(&parts.headers, &bytes);
        let descriptor = Descriptor::new(&media_type, digest, found);
        if !descriptor.is_document() {
            let (place, what) = (self.place(repository), reference.to_string());
            return Err(ClientError::MediaType { place, what, media_type: shown(&media_type) });
        }
        Ok((descriptor, bytes))
    }

    /// The content that `blob` names, as a stream; manifests and indexes too. A connection that breaks on the way is taken
    /// up again where it broke. What comes out is not proved yet.
    ///
    /// # Errors
    /// [`ClientError::Missing`]; [`ClientError::Size`] if the registry holds another number of bytes.
    pub fn open_blob(&self, repository: &str, blob: &Descriptor) -> Result<BlobReader, ClientError> {
        let (kind, digest) = (if blob.is_document() { "manifests" } else { "blobs" }, blob.digest);
        let url = self.url(repository, format_args!("{kind}/{digest}"))?;
        let mut reader = BlobReader {
            registry: self.clone(),
            repository: repository.to_owned(),
            url,
            digest,
            size: blob.size,
            read: 0,
            resumes: RESUMES,
            body: None,
        };
        reader.body = Some(reader.request()?);
        Ok(reader)
    }

    /// The blobs of one repository, as everything that packs takes them.
    ///
    /// # Errors
    /// [`ClientError::Name`] for what is not a repository.
    pub fn source(&self, repository: &str) -> Result<RepositorySource, ClientError> {
        self.url(repository, format_args!(""))?;
        Ok(RepositorySource { registry: self.clone(), repository: repository.to_owned() })
    }
}

pub(super) fn accept() -> String {
    [media::OCI_INDEX, media::OCI_MANIFEST, media::DOCKER_LIST, media::DOCKER_MANIFEST].join(", ")
}

/// The media type that the registry states without its parameters, or, where that says nothing (plain file servers), the
/// document's own. Whoever parses the document checks that they agree.
fn media_type(headers: &HeaderMap, bytes: &[u8]) -> String {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Peek {
        media_type: String,
    }
    let stated = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let stated = stated.split(';').next().unwrap_or_default().trim();
    match stated {
        "" | "application/json" | "application/octet-stream" | "text/plain" => {
            serde_json::from_slice(bytes).map_or(stated.to_owned(), |peek: Peek| peek.media_type)
        }
        stated => stated.to_owned(),
    }
}

/// A blob on its way in.
pub struct BlobReader {
    registry: Registry,
    repository: String,
    url: String,
    digest: Digest,
    size: u64,
    read: u64,
    resumes: u32,
    body: Option<BodyReader<'static>>,
}

impl BlobReader {
    /// Asks for what is left.
    fn request(&self) -> Result<BodyReader<'static>, ClientError> {
        let access = Access::pull(&self.repository);
        let mut outgoing = Outgoing::new(Method::GET, self.url.clone());
        outgoing.headers.push((ACCEPT, format!("{}, */*", accept())));
        if self.read > 0 {
            outgoing.headers.push((RANGE, format!("bytes={}-", self.read)));
        }
        let response = self.registry.send(outgoing, &access)?;
        let wanted = if self.read > 0 { 206 } else { 200 };
        if response.status().as_u16() != wanted {
            return Err(self.registry.refusal(response, &access, "give out a blob", Some(&self.digest)));
        }
        self.check(&response)?;
        Ok(response.into_body().into_reader())
    }

    fn check(&self, response: &Response<Body>) -> Result<(), ClientError> {
        let place = || self.registry.place(&self.repository);
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let left = self.size - self.read;
        if let Some(found) = header(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok())
            && found != left
        {
            let (what, wanted) = (self.digest.to_string(), left.to_string());
            return Err(ClientError::Size { place: place(), what, wanted, found });
        }
        if self.read > 0 && !header(CONTENT_RANGE).is_some_and(|r| r.starts_with(&format!("bytes {}-", self.read))) {
            return Err(ClientError::Protocol {
                place: place(),
                rule: "it answered with another range than was asked for",
            });
        }
        Ok(())
    }
}

impl Read for BlobReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let result = match &mut self.body {
                Some(body) => body.read(buf),
                // The registry was asked again and did not answer: that error has been reported.
                None => return Err(io::ErrorKind::ConnectionAborted.into()),
            };
            match result {
                Ok(0) if self.read < self.size && !buf.is_empty() => {}
                Ok(n) => {
                    if n > 0 {
                        self.resumes = RESUMES;
                    }
                    self.read += n as u64;
                    return Ok(n);
                }
                Err(e) if self.resumes == 0 || self.read >= self.size => return Err(e),
                Err(_) => {}
            }
            self.body = None;
            if self.resumes == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.resumes -= 1;
            self.body = Some(self.request().map_err(io::Error::other)?);
        }
    }
}

/// The blobs of one repository of a registry.
#[derive(Debug, Clone)]
pub struct RepositorySource {
    registry: Registry,
    repository: String,
}

impl BlobSource for RepositorySource {
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>, SourceError> {
        Ok(Box::new(self.registry.open_blob(&self.repository, blob)?))
    }

    fn place(&self) -> String {
        self.registry.place(&self.repository)
    }
}
