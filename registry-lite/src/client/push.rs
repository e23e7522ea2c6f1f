//! Pushing: what is there already, mounts, blobs, manifests (distribution-spec, "Push").

use std::io::{ErrorKind, Read};

use bundle_format::{Descriptor, Digest, VerifiedReader, limits};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use ureq::http::{HeaderMap, Method};

use super::auth::Access;
use super::error::ClientError;
use super::pull::accept;
use super::transport::{Outgoing, Payload, session, with_query};
use super::upload::{CHUNK, Upload};
use super::{Reference, Registry, named_digest};

const OCTETS: &str = "application/octet-stream";

impl Registry {
    /// Whether `repository` holds `blob` whole: a registry that lost power may hold a shorter one under its name.
    ///
    /// # Errors
    /// [`ClientError`], except that the blob is missing.
    pub fn has_blob(&self, repository: &str, blob: &Descriptor) -> Result<bool, ClientError> {
        let access = Access::pull(repository);
        let url = self.url(repository, format_args!("blobs/{}", blob.digest))?;
        let response = self.send(Outgoing::new(Method::HEAD, url), &access)?;
        match response.status().as_u16() {
            200 => {
                let length = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
                Ok(length.is_none_or(|length: u64| length == blob.size))
            }
            404 => Ok(false),
            _ => Err(self.refusal(response, &access, "say whether it holds a blob", None)),
        }
    }

    /// Takes a blob over from the repository `from` of the same registry, if the registry can do that and allows it;
    /// otherwise `false`, and the blob is to be pushed.
    ///
    /// # Errors
    /// [`ClientError`], except that the blob was not mounted.
    pub fn mount_blob(&self, repository: &str, digest: &Digest, from: &str) -> Result<bool, ClientError> {
        self.url(from, format_args!(""))?;
        let access = Access::push(repository).and_pull(from);
        let from = utf8_percent_encode(from, NON_ALPHANUMERIC);
        let url = self.url(repository, format_args!("blobs/uploads/?mount={digest}&from={from}"))?;
        let mut outgoing = Outgoing::new(Method::POST, url);
        outgoing.payload = Payload::Bytes(&[]);
        let response = self.send(outgoing, &access)?;
        match response.status().as_u16() {
            201 => {
                self.check_named(repository, response.headers(), *digest)?;
                Ok(true)
            }
            202 => {
                // It opened an upload instead, which nobody will use.
                self.cancel(repository, &self.location(repository, response.headers())?);
                Ok(false)
            }
            // Not supported, not there, not allowed to read it there: whether it can be pushed is another question.
            400 | 403 | 404 | 405 => Ok(false),
            _ => Err(self.refusal(response, &access, "mount a blob", None)),
        }
    }

    /// Pushes `blob` from `reader`, streamed, and proves the content on the way: if it is not what `blob` names, the upload
    /// is aborted. Memory: about 1.3 MiB.
    ///
    /// # Errors
    /// [`ClientError::Local`] if the content cannot be read or is not what `blob` names; those of the registry.
    pub fn push_blob(&self, repository: &str, blob: &Descriptor, reader: impl Read) -> Result<(), ClientError> {
        let mut upload = self.start_upload(repository)?;
        let mut reader = VerifiedReader::new(reader, blob.digest, blob.size);
        let mut buffer = vec![0; CHUNK];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return upload.commit(blob),
                Ok(n) => upload.write(&buffer[..n])?,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(ClientError::Local { place: self.place(repository), source }),
            }
        }
    }

    /// Opens an upload of a blob whose content the caller writes in pieces and proves itself. Nothing is visible in the
    /// registry before [`Upload::commit`].
    ///
    /// # Errors
    /// [`ClientError`]: no access, most often.
    pub fn start_upload(&self, repository: &str) -> Result<Upload, ClientError> {
        let access = Access::push(repository);
        let mut outgoing = Outgoing::new(Method::POST, self.url(repository, format_args!("blobs/uploads/"))?);
        outgoing.payload = Payload::Bytes(&[]);
        let response = self.send(outgoing, &access)?;
        if response.status().as_u16() != 202 {
            return Err(self.refusal(response, &access, "start an upload", None));
        }
        let session = self.location(repository, response.headers())?;
        Ok(Upload::new(self.clone(), repository.to_owned(), session))
    }

    /// The digest of the manifest that `reference` means in `repository`, if it is there.
    ///
    /// # Errors
    /// [`ClientError`], except that the manifest is missing.
    pub fn has_manifest(&self, repository: &str, reference: Reference<'_>) -> Result<Option<Digest>, ClientError> {
        let access = Access::pull(repository);
        let mut outgoing = Outgoing::new(Method::HEAD, self.manifest_url(repository, reference)?);
        outgoing.headers.push((ACCEPT, accept()));
        let response = self.send(outgoing, &access)?;
        match (response.status().as_u16(), reference, named_digest(response.headers())) {
            (200, Reference::Digest(digest), _) => Ok(Some(*digest)),
            (200, Reference::Tag(_), Some(digest)) => Ok(Some(digest)),
            // `Docker-Content-Digest` became mandatory only after version 1.1.
            (200, Reference::Tag(_), None) => Ok(Some(self.manifest(repository, reference)?.0.digest)),
            (404, ..) => Ok(None),
            _ => Err(self.refusal(response, &access, "say whether it holds a manifest", None)),
        }
    }

    /// Stores `bytes` as a manifest or an index, under a tag or its digest; returns the digest. What it refers to must be
    /// there already.
    ///
    /// # Errors
    /// [`ClientError::Digest`] if `reference` or the registry's answer name another digest than that of `bytes`;
    /// [`ClientError::Size`] over [`limits::MANIFEST_BYTES`]; those of the registry.
    pub fn push_manifest(
        &self,
        repository: &str,
        reference: Reference<'_>,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Digest, ClientError> {
        let place = || self.place(repository);
        let (digest, found) = (Digest::of(bytes), bytes.len() as u64);
        if let Reference::Digest(wanted) = reference
            && *wanted != digest
        {
            return Err(ClientError::Digest { place: place(), wanted: Box::new(*wanted), found: Box::new(digest) });
        }
        if found > limits::MANIFEST_BYTES {
            let (what, wanted) = (reference.to_string(), format!("at most {}", limits::MANIFEST_BYTES));
            return Err(ClientError::Size { place: place(), what, wanted, found });
        }
        let access = Access::push(repository);
        let mut outgoing = Outgoing::new(Method::PUT, self.manifest_url(repository, reference)?);
        outgoing.headers.push((CONTENT_TYPE, media_type.to_owned()));
        outgoing.payload = Payload::Bytes(bytes);
        let response = self.send(outgoing, &access)?;
        if response.status().as_u16() != 201 {
            return Err(self.refusal(response, &access, "take a manifest", None));
        }
        self.check_named(repository, response.headers(), digest)?;
        Ok(digest)
    }

    /// Adds `content`, to its end, to an upload; returns where the upload goes on.
    pub(super) fn patch_blob(
        &self,
        repository: &str,
        session: &str,
        content: &mut dyn Read,
    ) -> Result<String, ClientError> {
        let access = Access::push(repository);
        let mut outgoing = Outgoing::new(Method::PATCH, session.to_owned());
        outgoing.headers.push((CONTENT_TYPE, OCTETS.to_owned()));
        outgoing.payload = Payload::Stream(content);
        let response = self.send(outgoing, &access)?;
        if response.status().as_u16() != 202 {
            return Err(self.refusal(response, &access, "take the content of a blob", None));
        }
        self.location(repository, response.headers())
    }

    /// Ends an upload with the rest of its content, and gives it its name.
    pub(super) fn put_blob(
        &self,
        repository: &str,
        session: &str,
        digest: Digest,
        rest: &[u8],
    ) -> Result<(), ClientError> {
        let access = Access::push(repository);
        let mut outgoing = Outgoing::new(Method::PUT, with_query(session, &format!("digest={digest}")));
        outgoing.headers.push((CONTENT_TYPE, OCTETS.to_owned()));
        outgoing.payload = Payload::Bytes(rest);
        let response = self.send(outgoing, &access)?;
        if response.status().as_u16() != 201 {
            return Err(self.refusal(response, &access, "take a blob", None));
        }
        self.check_named(repository, response.headers(), digest)
    }

    /// Has the registry forget an upload, if it can.
    pub(super) fn cancel(&self, repository: &str, session: &str) {
        let _ = self.send(Outgoing::new(Method::DELETE, session.to_owned()), &Access::push(repository));
    }

    fn location(&self, repository: &str, headers: &HeaderMap) -> Result<String, ClientError> {
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        location
            .ok_or("an upload has no `Location`")
            .and_then(|location| session(&self.0.base, location))
            .map_err(|rule| ClientError::Protocol { place: self.place(repository), rule })
    }
}
