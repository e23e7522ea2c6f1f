//! An answer, held against what it should be.

use std::io::Read as _;

use bundle_format::{Digest, Hasher, media};
use ureq::Body;
use ureq::http::Response;
use ureq::http::header::{AsHeaderName, CONTENT_LENGTH, CONTENT_TYPE};

use super::super::DOCKER_CONTENT_DIGEST;
use super::super::error::shown;
use super::{Checked, Fault, Problem};

/// An answer with the status that was wanted.
pub(super) struct Got {
    pub(super) request: String,
    pub(super) response: Response<Body>,
}

impl Got {
    pub(super) fn fault<T>(&self, fault: Fault) -> Checked<T> {
        Err(Box::new(Problem { request: self.request.clone(), fault }))
    }

    pub(super) fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    pub(super) fn length(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH)?.parse().ok()
    }

    /// A length and a digest in the headers must be the content's.
    pub(super) fn says(&self, digest: &Digest, size: u64) -> Checked<()> {
        match self.length() {
            Some(found) if found != size => return self.fault(Fault::Length { found, wanted: size }),
            _ => {}
        }
        match self.header(DOCKER_CONTENT_DIGEST) {
            // A registry may name content by another algorithm.
            Some(named) if !named.starts_with("sha512:") && named.parse() != Ok(*digest) => {
                self.fault(Fault::Named { named: shown(named), found: *digest })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn media_type(&self) -> String {
        let stated = self.header(CONTENT_TYPE).unwrap_or_default();
        shown(stated.split(';').next().unwrap_or_default().trim())
    }

    /// The body: hashed, counted, and the first `keep` bytes of it. More than `size` bytes are not read.
    pub(super) fn read(&mut self, size: u64, keep: u64) -> Checked<(Digest, u64, Vec<u8>)> {
        let mut body = self.response.body_mut().as_reader().take(size.saturating_add(1));
        let (mut hasher, mut total, mut kept) = (Hasher::default(), 0_u64, Vec::new());
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) => return self.fault(Fault::Broken(e)),
            };
            let part = buffer.get(..n).unwrap_or_default();
            hasher.update(part);
            let room = usize::try_from(keep.saturating_sub(total)).unwrap_or(usize::MAX);
            kept.extend_from_slice(part.get(..room.min(n)).unwrap_or_default());
            total += n as u64;
        }
        Ok((hasher.finish(), total, kept))
    }
}

/// Whether it is the media type of a manifest or an index.
pub(super) fn is_document(media_type: &str) -> bool {
    media::is_index(media_type) || media::is_manifest(media_type)
}
