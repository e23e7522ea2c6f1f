//! Documents as a collection reads them: proved by their digest, and understood as far as anything can be.

use std::io::{self, Read as _};

use bundle_format::{limits, media};

use crate::digest::{Algorithm, ContentDigest, ContentHasher};
use crate::extent::BlobRead as _;
use crate::manifest::Manifest;
use crate::store::Store;

/// What is held under a digest that something calls a document.
pub(in crate::store) enum Document {
    /// A manifest or an index.
    Manifest(Box<Manifest>),
    /// What its digest says, and no manifest of any kind: it refers to nothing.
    Content,
    /// It is not held.
    Missing,
}

/// Why what is held cannot be relied on.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum Damage {
    #[error("what is held is {0}")]
    Digest(ContentDigest),
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads a document that is listed as `media_type`, or as nothing in particular. Whoever pushes an index may call its members
/// what he likes, so the content itself is asked too.
pub(in crate::store) fn read(
    store: &Store,
    digest: &ContentDigest,
    media_type: Option<&str>,
) -> Result<Document, Damage> {
    let Some(extent) = store.locate(digest)? else { return Ok(Document::Missing) };
    let mut reader = extent.reader();
    if extent.len() > limits::MANIFEST_BYTES {
        let found = ContentHasher::new(digest.algorithm()).hash_all(&mut reader, &mut vec![0; 256 << 10])?.0;
        return if found == *digest { Ok(Document::Content) } else { Err(Damage::Digest(found)) };
    }
    let mut bytes = Vec::new();
    reader.take(limits::MANIFEST_BYTES).read_to_end(&mut bytes)?;
    let found = ContentDigest::of(digest.algorithm(), &bytes);
    if found != *digest {
        return Err(Damage::Digest(found));
    }
    Ok(understood(media_type, &bytes).map_or(Document::Content, |manifest| Document::Manifest(Box::new(manifest))))
}

fn understood(media_type: Option<&str>, bytes: &[u8]) -> Option<Manifest> {
    let guesses = [media_type, None, Some(media::OCI_MANIFEST), Some(media::OCI_INDEX)];
    guesses.into_iter().find_map(|media_type| Manifest::parse(media_type, bytes).ok())
}

/// Whether content that nothing refers to is a manifest or an index. Content that cannot be read is none.
pub(in crate::store) fn is_document(store: &Store, digest: &ContentDigest, len: u64) -> bool {
    if len > limits::MANIFEST_BYTES {
        return false;
    }
    let Ok(Some(extent)) = store.locate(digest) else { return false };
    let mut first = [0; 1];
    // Layers are no JSON: most of what is not a document is told apart by one byte.
    let begins =
        extent.read_at(&mut first, 0).is_ok_and(|n| n == 1 && (first == *b"{" || first[0].is_ascii_whitespace()));
    begins && {
        let mut bytes = Vec::new();
        let read = extent.reader().take(limits::MANIFEST_BYTES).read_to_end(&mut bytes);
        read.is_ok() && understood(None, &bytes).is_some()
    }
}

/// The blob that the name of a file in `quarantine/` says.
pub(in crate::store) fn quarantined_name(name: &str) -> Option<ContentDigest> {
    let (algorithm, hex) = name.split_once('-')?;
    ContentDigest::from_hex(algorithm.parse::<Algorithm>().ok()?, hex)
}
