//! Reads the file of an installation. All of it is proved before anything in it is acted on.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use bundle_format::archive::{ArchiveReader, MemberName};
use bundle_format::statement::{Exported, Member, Statement};
use bundle_format::trust::{TrustRoot, Unverified, Verified};
use bundle_format::walk::BundleError;
use bundle_format::{Digest, Hasher, limits};

use super::{Document, Identities, MoveError, Secrets};

/// An exported installation, every byte of which is what a trusted key has signed. Only [`Moved::open`] makes it.
#[derive(Debug)]
pub struct Moved {
    statement: Verified<Statement<Exported>>,
    document: Document,
    secrets: Vec<u8>,
    /// Where the content of each `data/N.tar.age` begins.
    data: Vec<(Member, u64)>,
    path: PathBuf,
}

impl Moved {
    /// Reads the whole file at `path`, and proves it: all of the keys of `trust` must have signed its statement. Memory: the limits of
    /// statement, values and secrets; data is hashed as it is read.
    ///
    /// # Errors
    /// [`MoveError::File`], [`MoveError::Document`], [`MoveError::Io`].
    pub fn open(path: &Path, trust: &TrustRoot) -> Result<Self, MoveError> {
        let io = |source| MoveError::Io { what: "reading", path: path.to_owned(), source };
        let mut archive = ArchiveReader::new(BufReader::with_capacity(1 << 20, File::open(path).map_err(io)?));
        let name = MemberName::Exported;
        let limit = |found: &MemberName| (*found == name).then_some(limits::EXPORTED_ENVELOPE_BYTES);
        let (_, size) = archive.head(name, limit).map_err(BundleError::from)?;
        let bytes = archive.whole(name, size).map_err(BundleError::from)?;
        let unverified: Unverified<Statement<Exported>> =
            Unverified::parse(bytes).map_err(|source| BundleError::Envelope { member: name, source })?;
        let statement = unverified
            .verify(trust.release())
            .map_err(|source| BundleError::Distrust { member: name, source: Box::new(source) })?;
        let (mut document, mut secrets, mut data) = (Vec::new(), Vec::new(), Vec::new());
        let mut last = name;
        for member in statement.value().predicate().members() {
            last = member.name;
            match member.name {
                MemberName::Installation => document = small(&mut archive, member)?,
                MemberName::Secrets => secrets = small(&mut archive, member)?,
                _ => {
                    archive.expect(member.name, member.size).map_err(BundleError::from)?;
                    data.push((member.clone(), archive.position()));
                    hash(&mut archive, member)?;
                }
            }
        }
        archive.end(last).map_err(BundleError::from)?;
        let document = Document::parse(&document, data.len())?;
        let said = statement.value();
        if said.subject_name() != document.label() || said.predicate().from.name != document.name {
            return Err(MoveError::Document { why: format!("it is of {}, and not what was signed", document.label()) });
        }
        Ok(Self { statement, document, secrets, data, path: path.to_owned() })
    }

    /// What the exporting site says.
    #[must_use]
    pub fn statement(&self) -> &Verified<Statement<Exported>> {
        &self.statement
    }

    /// What the installation is made of.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Its secrets.
    ///
    /// # Errors
    /// [`MoveError::Decrypt`], [`MoveError::Secrets`].
    pub fn secrets(&self, identities: &Identities) -> Result<Secrets, MoveError> {
        let fail = |why: String| MoveError::Decrypt { member: MemberName::Secrets.to_string(), why };
        let reader = identities.decrypt(self.secrets.as_slice()).map_err(|e| fail(e.to_string()))?;
        let mut bytes = Vec::new();
        reader.take(limits::SECRETS_BYTES + 1).read_to_end(&mut bytes).map_err(|e| fail(e.to_string()))?;
        Secrets::parse(&bytes)
    }

    /// What the claim at place `n` holds, as it is decrypted, and what it is known by. Each part of it is proved by its encryption
    /// again: the medium may be another by now.
    pub(super) fn content(&self, n: usize, identities: &Identities) -> Result<(Digest, Box<dyn Read>), MoveError> {
        let io = |source| MoveError::Io { what: "reading", path: self.path.clone(), source };
        let Some((member, at)) = self.data.get(n) else {
            return Err(MoveError::Document { why: "it lists a claim that is not carried".to_owned() });
        };
        let mut file = File::open(&self.path).map_err(io)?;
        file.seek(SeekFrom::Start(*at)).map_err(io)?;
        let input = BufReader::with_capacity(1 << 20, file).take(member.size);
        let reader = identities
            .decrypt(input)
            .map_err(|e| MoveError::Decrypt { member: member.name.to_string(), why: e.to_string() })?;
        Ok((member.sha256, Box::new(reader)))
    }
}

/// A member whose size the statement's rules keep small.
fn small(archive: &mut ArchiveReader<impl Read>, member: &Member) -> Result<Vec<u8>, BundleError> {
    archive.expect(member.name, member.size)?;
    let bytes = archive.whole(member.name, member.size)?;
    let mut hasher = Hasher::default();
    hasher.update(&bytes);
    proved(member, hasher)?;
    Ok(bytes)
}

fn hash(archive: &mut ArchiveReader<impl Read>, member: &Member) -> Result<(), BundleError> {
    let (mut left, mut buffer, mut hasher) = (member.size, vec![0; 1 << 20], Hasher::default());
    while left > 0 {
        let n = archive.content(member.name, left, &mut buffer)?;
        hasher.update(buffer.get(..n).unwrap_or_default());
        left = left.saturating_sub(n as u64);
    }
    archive.pad(member.name, member.size)?;
    proved(member, hasher)
}

fn proved(member: &Member, hasher: Hasher) -> Result<(), BundleError> {
    let found = hasher.finish();
    match found == member.sha256 {
        true => Ok(()),
        false => Err(BundleError::Digest { member: member.name, wanted: member.sha256, found }),
    }
}

/// Reads what has exactly `left` bytes: a stream that ends early or goes on is an error, and not an end.
pub(super) struct Exact<R> {
    pub inner: R,
    pub left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wrong = |why| Err(io::Error::new(io::ErrorKind::InvalidData, why));
        let n = self.inner.read(buffer)?;
        match self.left.checked_sub(n as u64) {
            None => wrong("what a claim holds is longer than what was signed"),
            Some(left) if n == 0 && left > 0 && !buffer.is_empty() => {
                wrong("what a claim holds is shorter than what was signed")
            }
            Some(left) => {
                self.left = left;
                Ok(n)
            }
        }
    }
}
