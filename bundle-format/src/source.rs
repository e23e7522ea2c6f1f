//! A source of blobs by digest: the seam that everything which packs, rebuilds or serves goes through (design section 4).

use std::io::{self, Read};

use crate::digest::{Digest, Hasher};
use crate::oci::Descriptor;

/// Something that holds blobs: an OCI layout, an archive, a registry, a bundle, a content store.
pub trait BlobSource: Send + Sync {
    /// Opens the content that `blob` names. What comes out is *not* proved yet: wrap it in a [`VerifiedReader`].
    ///
    /// # Errors
    /// [`SourceError::Missing`] if the source does not have it.
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>, SourceError>;

    /// What to call this source in a message: a path or an address, without credentials.
    fn place(&self) -> String;

    /// Reads a manifest or another small document whole, and proves it.
    ///
    /// # Errors
    /// Those of [`BlobSource::open`]; more than `limit` bytes; other bytes than `blob` names.
    fn read(&self, blob: &Descriptor, limit: u64) -> Result<Vec<u8>, SourceError> {
        if blob.size > limit {
            let why = format!("{} has {} bytes, more than the {limit} that it may have", blob.digest, blob.size);
            return Err(SourceError::Refused { place: self.place(), why });
        }
        let mut bytes = Vec::new();
        VerifiedReader::new(self.open(blob)?, blob.digest, blob.size)
            .read_to_end(&mut bytes)
            .map_err(|source| SourceError::Io { place: self.place(), source })?;
        Ok(bytes)
    }
}

/// Why a source did not give what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The source does not hold the content.
    #[error("{place} does not hold {what}")]
    Missing {
        /// The source.
        place: String,
        /// What was asked for: a name or a digest.
        what: String,
    },
    /// Reading failed, or what was read is not what its digest says.
    #[error("reading {place}: {source}")]
    Io {
        /// The source.
        place: String,
        /// The cause.
        source: io::Error,
    },
    /// The source is not of the form that it should be, or refused to answer.
    #[error("{place}: {why}")]
    Refused {
        /// The source.
        place: String,
        /// Its answer, or the rule it breaks.
        why: String,
    },
}

/// Passes bytes through while it hashes them; at the end of the content it fails unless length and digest are the
/// expected ones. A reader that was read to its end without an error has proved its content.
pub struct VerifiedReader<R> {
    inner: R,
    hasher: Option<Hasher>,
    left: u64,
    size: u64,
    digest: Digest,
}

impl<R: Read> VerifiedReader<R> {
    /// Expects exactly `size` bytes of `digest`.
    pub fn new(inner: R, digest: Digest, size: u64) -> Self {
        Self { inner, hasher: Some(Hasher::default()), left: size, size, digest }
    }

    fn end(&mut self) -> io::Result<usize> {
        let Some(hasher) = self.hasher.take() else { return Ok(0) };
        if self.left > 0 {
            let why = format!("{} ends after {} of {} bytes", self.digest, self.size - self.left, self.size);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
        }
        let found = hasher.finish();
        if found != self.digest {
            let why = format!("{} was expected, the content is {found}", self.digest);
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(0)
    }
}

impl<R: Read> Read for VerifiedReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let n = self.inner.read(buf)?;
        if n == 0 {
            return self.end();
        }
        if n as u64 > self.left {
            let why = format!("{} goes on after its {} bytes", self.digest, self.size);
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        self.left -= n as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buf[..n]);
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8], digest: Digest, size: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        VerifiedReader::new(content, digest, size).read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn only_the_expected_content_reads_to_its_end() {
        let digest = Digest::of(b"content");
        assert_eq!(read(b"content", digest, 7).unwrap(), b"content");
        assert!(read(b"", Digest::of(b""), 0).unwrap().is_empty());
        for (why, content, size) in [
            ("short", &b"conten"[..], 7),
            ("long", b"content!", 7),
            ("other", b"Content", 7),
            ("other size", b"content", 6),
        ] {
            assert!(read(content, digest, size).is_err(), "{why}");
        }
    }
}
