//! A bundle that is read by digest.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;

use bundle_format::archive::{BLOCK, MemberName, padding};
use bundle_format::oci::{Descriptor, Raw};
use bundle_format::statement::{PackingList, Release, Statement};
use bundle_format::template::Template;
use bundle_format::trust::{Distrust, TrustRoot};
use bundle_format::version_index::{Documents, VersionIndex};
use bundle_format::walk::{Bundle, BundleError, Glance};
use bundle_format::{Digest, VerifiedReader, limits, media};
use serde_json::Value;

use super::error::DiffError;

/// A bundle whose head was read. Its content is proved by digest whenever it is read.
#[derive(Debug)]
pub struct Opened {
    file: File,
    place: String,
    len: u64,
    /// Where each blob lies: offset and bytes.
    extents: BTreeMap<Digest, (u64, u64)>,
    version: VersionIndex,
    documents: Documents,
}

impl Opened {
    /// Reads the head of the bundle `file`, which messages call `place`. With a `trust`, the signatures are checked;
    /// without, the bundle is believed what it says of itself.
    ///
    /// # Errors
    /// [`DiffError`].
    pub fn open(file: File, place: String, trust: Option<&TrustRoot>) -> Result<Self, DiffError> {
        let bundle = |source| DiffError::Bundle { place: place.clone(), source };
        let (release, list, own) = head(&file, trust).map_err(bundle)?;
        let list = list.predicate();
        let len = list.archive_len(own).unwrap_or(u64::MAX);
        let extents = extents(list, own);
        let digest = release.subject_digest();
        let missing = |what, digest| DiffError::Missing { place: place.clone(), what, digest };
        let size = extents.get(&digest).map(|e| e.1).ok_or_else(|| missing("the version index", digest))?;
        let index = Descriptor::new(media::OCI_INDEX, digest, size);
        let raw = document(&file, &place, &extents, &index)?.ok_or_else(|| missing("the version index", digest))?;
        let version = |source| DiffError::Version { place: place.clone(), source };
        let index = VersionIndex::read(raw).map_err(version)?;
        let named = index.documents().clone();
        let raw = document(&file, &place, &extents, &named)?
            .ok_or_else(|| missing("the documents' manifest", named.digest))?;
        let documents = Documents::read(raw).map_err(version)?;
        Ok(Self { file, len, extents, version: index, documents, place })
    }

    /// What messages call it.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Bytes of the archive.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no bundle is empty")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The template version that it carries.
    #[must_use]
    pub fn version(&self) -> &VersionIndex {
        &self.version
    }

    /// The documents of that version.
    #[must_use]
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// Whether the bundle carries this content as it is.
    #[must_use]
    pub fn carries(&self, blob: &Descriptor) -> bool {
        self.extents.get(&blob.digest).is_some_and(|e| e.1 == blob.size)
    }

    /// The template as structured data, with every default that its text leaves out.
    pub(super) fn template(&self) -> Result<Value, DiffError> {
        let descriptor = self.documents.template();
        let missing =
            || DiffError::Missing { place: self.place.clone(), what: "the template", digest: descriptor.digest };
        let text = self.whole(descriptor, limits::TEMPLATE_BYTES)?.ok_or_else(missing)?;
        let template =
            Template::parse(&text).map_err(|source| DiffError::Template { place: self.place.clone(), source })?;
        serde_json::to_value(&template).map_err(|e| DiffError::Version { place: self.place.clone(), source: e.into() })
    }

    /// Content of at most `limit` bytes, if it is there.
    pub(super) fn whole(&self, blob: &Descriptor, limit: u64) -> Result<Option<Vec<u8>>, DiffError> {
        whole(&self.file, &self.place, &self.extents, blob, limit)
    }

    /// A manifest or index, if it is there.
    pub(super) fn document(&self, blob: &Descriptor) -> Result<Option<Raw>, DiffError> {
        document(&self.file, &self.place, &self.extents, blob)
    }

    /// Content that was proved to be what its digest says, if it is there.
    pub(super) fn proved(&self, blob: &Descriptor) -> Result<Option<impl Read + '_>, DiffError> {
        let Some(section) = section(&self.file, &self.extents, blob) else { return Ok(None) };
        let read = |source| DiffError::Read { place: self.place.clone(), digest: blob.digest, source };
        let mut proof = VerifiedReader::new(BufReader::with_capacity(1 << 17, section), blob.digest, blob.size);
        io::copy(&mut proof, &mut io::sink()).map_err(read)?;
        Ok(section_of(&self.file, &self.extents, blob))
    }
}

/// A range of a file.
struct Section<'a> {
    file: &'a File,
    at: u64,
    left: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        let n = self.file.read_at(&mut buf[..most], self.at)?;
        self.at = self.at.saturating_add(n as u64);
        self.left = self.left.saturating_sub(n as u64);
        Ok(n)
    }
}

fn section<'a>(file: &'a File, extents: &BTreeMap<Digest, (u64, u64)>, blob: &Descriptor) -> Option<Section<'a>> {
    let &(at, left) = extents.get(&blob.digest)?;
    (left == blob.size).then_some(Section { file, at, left })
}

fn section_of<'a>(file: &'a File, extents: &BTreeMap<Digest, (u64, u64)>, blob: &Descriptor) -> Option<impl Read + 'a> {
    section(file, extents, blob).map(|s| BufReader::with_capacity(1 << 17, s))
}

fn whole(
    file: &File,
    place: &str,
    extents: &BTreeMap<Digest, (u64, u64)>,
    blob: &Descriptor,
    limit: u64,
) -> Result<Option<Vec<u8>>, DiffError> {
    let Some(section) = section(file, extents, blob).filter(|s| s.left <= limit) else { return Ok(None) };
    let mut bytes = Vec::new();
    VerifiedReader::new(section, blob.digest, blob.size).read_to_end(&mut bytes).map_err(|source| DiffError::Read {
        place: place.to_owned(),
        digest: blob.digest,
        source,
    })?;
    Ok(Some(bytes))
}

fn document(
    file: &File,
    place: &str,
    extents: &BTreeMap<Digest, (u64, u64)>,
    blob: &Descriptor,
) -> Result<Option<Raw>, DiffError> {
    let Some(bytes) = whole(file, place, extents, blob, limits::MANIFEST_BYTES)? else { return Ok(None) };
    let raw = Raw::parse(blob, bytes).map_err(|source| DiffError::Document { place: place.to_owned(), source })?;
    Ok(Some(raw))
}

type Head = (Statement<Release>, Statement<PackingList>, u64);

fn head(file: &File, trust: Option<&TrustRoot>) -> Result<Head, BundleError> {
    if let Some(trust) = trust {
        let bundle = Bundle::open(file, trust)?;
        let own = bundle.list().envelope().bytes().len() as u64;
        return Ok((bundle.release().value().clone(), bundle.list().value().clone(), own));
    }
    let glance = Glance::read(file)?;
    let own = glance.list.envelope().bytes().len() as u64;
    // As `verify` says it: a format that is not known is no damage.
    let statement =
        |member| move |source| BundleError::Distrust { member, source: Box::new(Distrust::Document(source)) };
    let release = glance.release.look_unverified().map_err(statement(MemberName::Release))?;
    let list = glance.list.look_unverified().map_err(statement(MemberName::PackingList))?;
    Ok((release, list, own))
}

/// Where the blobs lie, by the list: the head, the list itself with `own` bytes, then the rest (spec/bundle.md section 2).
fn extents(list: &PackingList, own: u64) -> BTreeMap<Digest, (u64, u64)> {
    let block = BLOCK as u64;
    let room = |size: u64| block.saturating_add(size).saturating_add(padding(size) as u64);
    let mut at = list.head().fold(room(own), |at, m| at.saturating_add(room(m.size)));
    let mut extents = BTreeMap::new();
    for member in list.body() {
        if let MemberName::Blob(digest) = member.name {
            extents.insert(digest, (at.saturating_add(block), member.size));
        }
        at = at.saturating_add(room(member.size));
    }
    extents
}
