//! The walk over a bundle whose head is trusted.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::Progress;
use super::contents::{Contents, Rest, walk};
use super::error::BundleError;
use super::open::Bundle;
use super::sink::Sink;
use crate::archive::ArchiveReader;
use crate::digest::Digest;
use crate::oci::Raw;
use crate::statement::{Kind, PackingList, Release, Statement};
use crate::trust::Verified;
use crate::version_index::{Documents, VersionIndex};

/// A bundle that was walked to its end. What is to be rebuilt of its content, and how, is in the packing list.
#[derive(Debug)]
pub struct Proved {
    /// The release.
    pub release: Verified<Statement<Release>>,
    /// The packing list.
    pub list: Verified<Statement<PackingList>>,
    /// The template version.
    pub version: VersionIndex,
    /// Its documents' manifest.
    pub documents: Documents,
    /// Every manifest and index of the release but what is omitted.
    pub manifests: BTreeMap<Digest, Raw>,
    /// Where the content of each blob begins in the archive, and its bytes.
    pub extents: BTreeMap<Digest, (u64, u64)>,
    /// Where each patch begins in the archive, and its bytes.
    pub patches: BTreeMap<Digest, (u64, u64)>,
    /// Bytes of the archive.
    pub len: u64,
}

impl<R: Read> Bundle<R> {
    /// Proves the whole bundle in one sequential read; each blob and patch goes to `sink`. Memory: 8 MiB of buffers, the manifests,
    /// and the head of a patch, which has 26 MiB at most.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn prove<S: Sink>(self, sink: &mut S, progress: &dyn Progress) -> Result<Proved, BundleError<S::Error>> {
        self.walk(Rest::Prove(sink), progress)
    }

    fn walk<S: Sink>(self, rest: Rest<'_, R, S>, progress: &dyn Progress) -> Result<Proved, BundleError<S::Error>> {
        let Self { archive, release, list } = self;
        let contents = walk(archive, release.value(), list.value().predicate(), rest, progress)?;
        let Contents { version, documents, manifests, extents, patches, len } = contents;
        Ok(Proved { release, list, version, documents, manifests, extents, patches, len })
    }
}

impl<R: Read + Seek> Bundle<R> {
    /// Proves everything but the content of configurations and layers, which it passes over: enough to serve them to clients
    /// that check digests (spec/bundle.md section 7.4).
    ///
    /// # Errors
    /// [`BundleError`]; [`BundleError::NotFull`], because there is nothing to serve then but parts.
    pub fn index(self, progress: &dyn Progress) -> Result<Proved, BundleError> {
        match self.list.value().predicate().kind() {
            Kind::Full => self.walk::<()>(Rest::Skip(ArchiveReader::skip), progress),
            kind => Err(BundleError::NotFull(kind)),
        }
    }
}
