//! Reads the file of an installation. All of it is proved before anything in it is acted on.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;

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

    /// What the claim at place `n` holds, as it is decrypted, and what it is known by. The medium may be another by now, and encrypt can
    /// whoever knows the recipient: what is read is hashed again, and is an error at its end if it is not what was proved.
    pub(super) fn content(&self, n: usize, identities: &Identities) -> Result<(Digest, Box<dyn Read>), MoveError> {
        let io = |source| MoveError::Io { what: "reading", path: self.path.clone(), source };
        let Some((member, at)) = self.data.get(n) else {
            return Err(MoveError::Document { why: "it lists a claim that is not carried".to_owned() });
        };
        let mut file = File::open(&self.path).map_err(io)?;
        file.seek(SeekFrom::Start(*at)).map_err(io)?;
        let input = BufReader::with_capacity(1 << 20, file).take(member.size);
        Ok((member.sha256, proved_again(input, member, identities)?))
    }
}

/// What `input` holds, as it is decrypted; an error at its end, if it is not the bytes that were proved.
fn proved_again(
    input: impl Read + 'static,
    member: &Member,
    identities: &Identities,
) -> Result<Box<dyn Read>, MoveError> {
    let hasher = Rc::new(RefCell::new(Hasher::default()));
    let reader = identities
        .decrypt(Hashed { inner: input, hasher: Rc::clone(&hasher) })
        .map_err(|e| MoveError::Decrypt { member: member.name.to_string(), why: e.to_string() })?;
    Ok(Box::new(Proved { inner: reader, hasher, wanted: Some(member.sha256) }))
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

/// Hashes what is read.
struct Hashed<R> {
    inner: R,
    hasher: Rc<RefCell<Hasher>>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hasher.borrow_mut().update(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}

/// What is decrypted from bytes that must have been `wanted` when all of them were read.
struct Proved<R> {
    inner: R,
    hasher: Rc<RefCell<Hasher>>,
    /// None once that is so.
    wanted: Option<Digest>,
}

impl<R> Proved<R> {
    fn is_proved(&mut self) -> bool {
        match self.wanted {
            Some(wanted) if self.hasher.take().finish() == wanted => {
                self.wanted = None;
                true
            }
            wanted => wanted.is_none(),
        }
    }
}

impl<R: Read> Read for Proved<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        if n == 0 && !buffer.is_empty() && !self.is_proved() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file was changed since it was proved"));
        }
        Ok(n)
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use age::secrecy::ExposeSecret as _;

    use super::*;
    use crate::moving::Recipients;

    #[test]
    fn what_was_proved_is_not_something_else_when_it_is_read() {
        let identity = age::x25519::Identity::generate();
        let recipients = Recipients::parse(&[identity.to_public().to_string()]).unwrap();
        let identities = Identities::parse(identity.to_string().expose_secret()).unwrap();
        // Whoever knows the recipient can encrypt to it.
        let encrypted = |text: &[u8]| {
            let mut out = Vec::new();
            let mut writer = recipients.encrypt(&mut out).unwrap();
            writer.write_all(text).unwrap();
            writer.finish().unwrap();
            out
        };
        // Also of a length that fills the chunks of the encryption.
        for len in [0, 5, 65_536, 200_000] {
            let text = vec![b'a'; len];
            let bytes = encrypted(&text);
            let member = Member { name: MemberName::Data(1), size: bytes.len() as u64, sha256: Digest::of(&bytes) };
            let read = |bytes: Vec<u8>| {
                let mut out = Vec::new();
                let mut reader = proved_again(io::Cursor::new(bytes), &member, &identities).unwrap();
                reader.read_to_end(&mut out).map(|_| out).map_err(|e| e.to_string())
            };
            assert_eq!(read(bytes), Ok(text.clone()), "{len}");
            let changed = read(encrypted(&text)).unwrap_err();
            assert!(changed.contains("changed since it was proved"), "{changed}");
        }
    }
}
