//! The head of a patch: what it makes, and what from (spec/delta.md section 3).

use std::io::Read;

use super::DeltaError;
use crate::digest::Digest;
use crate::limits;

/// The first bytes of a patch, the last of them its version.
pub const MAGIC: [u8; 8] = *b"SLDELTA\x01";
/// Most blobs that one patch copies from.
pub const SOURCES: usize = 4096;
/// Most streams inside of sources that are inflated for one patch.
pub const EXPANSIONS: usize = 1 << 20;

/// What a patch makes, and what from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Digest of the blob that it makes.
    pub digest: Digest,
    /// Bytes of the blob.
    pub size: u64,
    /// Bytes of memory that rebuilding needs beside the sources, the program's own not counted.
    pub memory: u64,
    /// The blobs that it copies from. Their contents, one after another, then those of the expansions, are one space of addresses.
    pub sources: Vec<Source>,
    /// Compressed streams within that space, whose contents are appended to it.
    pub expansions: Vec<Expansion>,
}

/// A blob that a patch copies from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Digest of the blob.
    pub digest: Digest,
    /// Bytes of the blob.
    pub size: u64,
    /// How it is compressed.
    pub form: Form,
    /// Bytes of its content.
    pub content: u64,
}

/// A compressed stream within the space of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expansion {
    /// Where its first byte is: in what comes before the content of this expansion.
    pub at: u64,
    /// Its bytes.
    pub size: u64,
    /// How it is compressed.
    pub form: Form,
    /// Bytes of its content.
    pub content: u64,
}

/// How content is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Form {
    /// Not at all.
    Plain = 0,
    /// Gzip members, one or several (RFC 1952).
    Gzip = 1,
    /// Zstandard frames, one or several (RFC 8878).
    Zstd = 2,
    /// A DEFLATE stream without a wrapper, as in zip archives (RFC 1951).
    Deflate = 3,
    /// A zlib stream (RFC 1950).
    Zlib = 4,
}

impl Form {
    /// What content that begins with `first` is compressed as, where a magic number says so.
    #[must_use]
    pub fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Plain, Self::Gzip, Self::Zstd, Self::Deflate, Self::Zlib].into_iter().find(|form| *form as u8 == byte)
    }
}

impl Header {
    /// Bytes of the space of addresses.
    #[must_use]
    pub fn space(&self) -> u64 {
        let sources = self.sources.iter().map(|s| s.content);
        sources.chain(self.expansions.iter().map(|e| e.content)).fold(0, u64::saturating_add)
    }

    /// The header as it is written.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(self.digest.as_bytes());
        for number in [self.size, self.memory, self.sources.len() as u64, self.expansions.len() as u64] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for source in &self.sources {
            out.extend_from_slice(source.digest.as_bytes());
            out.extend_from_slice(&source.size.to_le_bytes());
            out.push(source.form as u8);
            out.extend_from_slice(&source.content.to_le_bytes());
        }
        for expansion in &self.expansions {
            out.extend_from_slice(&expansion.at.to_le_bytes());
            out.extend_from_slice(&expansion.size.to_le_bytes());
            out.push(expansion.form as u8);
            out.extend_from_slice(&expansion.content.to_le_bytes());
        }
        out
    }

    /// Reads the header that `input` begins with. Memory: bounded by what `input` holds, and by the limits.
    ///
    /// # Errors
    /// It is no patch, or breaks a rule of section 3.
    pub fn read(input: &mut impl Read) -> Result<Self, DeltaError> {
        let mut input = Fields(input);
        if input.bytes::<8>()? != MAGIC {
            return Err(DeltaError::Malformed("it does not begin as a patch of version 1 does"));
        }
        let digest = Digest::from_bytes(input.bytes()?);
        let (size, memory) = (input.number()?, input.number()?);
        let (sources, expansions) = (input.count(SOURCES)?, input.count(EXPANSIONS)?);
        let mut header = Self { digest, size, memory, sources: Vec::new(), expansions: Vec::new() };
        if size > limits::BLOB_BYTES {
            return Err(DeltaError::Malformed("it makes more than 1 TiB"));
        }
        for _ in 0..sources {
            let digest = Digest::from_bytes(input.bytes()?);
            let source = Source { digest, size: input.number()?, form: input.form()?, content: input.number()? };
            if source.size > limits::BLOB_BYTES || source.content > limits::BLOB_BYTES {
                return Err(DeltaError::Malformed("a source has more than 1 TiB"));
            }
            header.sources.push(source);
        }
        let mut space = header.space();
        for _ in 0..expansions {
            let (at, size) = (input.number()?, input.number()?);
            let expansion = Expansion { at, size, form: input.form()?, content: input.number()? };
            if at.checked_add(size).is_none_or(|end| end > space) || expansion.content > limits::BLOB_BYTES {
                return Err(DeltaError::Malformed("a stream to inflate lies outside of the sources"));
            }
            space = space.saturating_add(expansion.content);
            header.expansions.push(expansion);
        }
        match space <= limits::BLOB_BYTES << 4 {
            true => Ok(header),
            false => Err(DeltaError::Malformed("the sources have more than 16 TiB together")),
        }
    }
}

/// Numbers of fixed width, little-endian.
struct Fields<'a, R>(&'a mut R);

impl<R: Read> Fields<'_, R> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], DeltaError> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u64, DeltaError> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn count(&mut self, most: usize) -> Result<usize, DeltaError> {
        let count = usize::try_from(self.number()?).ok().filter(|n| *n <= most);
        count.ok_or(DeltaError::Malformed("it has more sources, or streams to inflate, than it may"))
    }

    fn form(&mut self) -> Result<Form, DeltaError> {
        let [byte] = self.bytes()?;
        Form::from_byte(byte)
            .ok_or(DeltaError::Malformed("a source is compressed in a way that version 1 does not know"))
    }
}
