//! Reads an archive from front to back, and accepts one spelling only.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

use super::header::{BLOCK, decode, encode, padding};
use super::name::MemberName;

/// An archive being read. Knows how far it is, for messages; never allocates by what the archive says.
pub struct ArchiveReader<R> {
    input: R,
    position: u64,
}

/// Why an archive is refused, and where.
#[derive(Debug, thiserror::Error)]
#[error("{fault} (at byte {position})")]
pub struct ArchiveError {
    /// Offset in the file, in bytes.
    pub position: u64,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with an archive.
#[derive(Debug)]
pub enum Fault {
    /// The medium cannot be read.
    Io(io::Error),
    /// The file has no bytes.
    Empty,
    /// The file is something else; what it looks like.
    Foreign(&'static str),
    /// The file ends within a member.
    Truncated(MemberName),
    /// A header is not the expected member's.
    Header {
        /// The expected member.
        expected: MemberName,
        /// The member that the header is of, if it is a header of this format at all.
        found: Option<(MemberName, u64)>,
    },
    /// A member of the head is larger than it may be.
    TooLarge {
        /// The member.
        name: MemberName,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A byte between the end of a member and the next header is not zero.
    Padding(MemberName),
    /// What follows the last member, which this is, is not two zero blocks.
    End(MemberName),
    /// Bytes follow the end, after the last member, which this is.
    Trailing(MemberName),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(e) => write!(f, "cannot be read: {e}"),
            Self::Empty => f.write_str("the file is empty"),
            Self::Foreign(what) => write!(f, "not a Sealift bundle: {what}"),
            Self::Truncated(name) => write!(f, "the file ends within {name}"),
            Self::Header { expected, found: Some((name, size)) } if expected == name => {
                write!(f, "{name} has {size} bytes, which is not what was signed")
            }
            Self::Header { expected, found: Some((name, _)) } => write!(f, "{name} stands where {expected} belongs"),
            Self::Header { expected, found: None } => write!(f, "the header of {expected} was changed"),
            Self::TooLarge { name, size, limit } => {
                write!(f, "{name} has {size} bytes, more than the {limit} that it may have")
            }
            Self::Padding(name) => write!(f, "the padding after {name} was changed"),
            Self::End(last) => {
                write!(f, "the end of the archive, after {last}, was changed or cut, or a member was added there")
            }
            Self::Trailing(last) => {
                write!(f, "there are bytes after the end of the archive, whose last member is {last}")
            }
        }
    }
}

impl<R: Read> ArchiveReader<R> {
    /// Starts at the first byte of `input`.
    pub fn new(input: R) -> Self {
        Self { input, position: 0 }
    }

    /// How many bytes were read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Reads a header whose size is not known beforehand: the head of the archive.
    ///
    /// # Errors
    /// A name that `allowed` does not allow, a size above its limit, or anything that is not a header of this format.
    /// `expected` is the name for the message.
    pub fn head(
        &mut self,
        expected: MemberName,
        allowed: impl Fn(&MemberName) -> Option<u64>,
    ) -> Result<(MemberName, u64), ArchiveError> {
        let at = self.position;
        let block = self.block(expected)?;
        let Some((name, size)) = decode(&block) else {
            let fault = match (at, foreign(&block)) {
                (0, Some(what)) => Fault::Foreign(what),
                _ => Fault::Header { expected, found: None },
            };
            return Err(ArchiveError { position: at, fault });
        };
        match allowed(&name) {
            None => Err(ArchiveError { position: at, fault: Fault::Header { expected, found: Some((name, size)) } }),
            Some(limit) if size > limit => {
                Err(ArchiveError { position: at, fault: Fault::TooLarge { name, size, limit } })
            }
            Some(_) => Ok((name, size)),
        }
    }

    /// Reads the header that `name` and `size` have.
    ///
    /// # Errors
    /// Any other byte.
    pub fn expect(&mut self, name: MemberName, size: u64) -> Result<(), ArchiveError> {
        let at = self.position;
        let block = self.block(name)?;
        if block != encode(&name, size) {
            return Err(ArchiveError { position: at, fault: Fault::Header { expected: name, found: decode(&block) } });
        }
        Ok(())
    }

    /// Reads up to `buffer`'s length of a content of which `left` bytes are still to come. Never returns 0 unless one of them is 0.
    ///
    /// # Errors
    /// The end of the file before the content's end.
    pub fn content(&mut self, name: MemberName, left: u64, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let want = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if want == 0 {
            return Ok(0);
        }
        loop {
            match self.input.read(&mut buffer[..want]) {
                Ok(0) => return Err(self.error(Fault::Truncated(name))),
                Ok(n) => {
                    self.position += n as u64;
                    return Ok(n);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.error(Fault::Io(e))),
            }
        }
    }

    /// Reads a whole content of `size` bytes, which the caller has checked against a limit, and its padding.
    ///
    /// # Errors
    /// Those of [`ArchiveReader::content`] and [`ArchiveReader::pad`].
    pub fn whole(&mut self, name: MemberName, size: u64) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 << 10];
        let mut left = size;
        while left > 0 {
            let n = self.content(name, left, &mut buffer)?;
            bytes.extend_from_slice(&buffer[..n]);
            left -= n as u64;
        }
        self.pad(name, size)?;
        Ok(bytes)
    }

    /// Reads the padding after a content of `size` bytes.
    ///
    /// # Errors
    /// A byte that is not zero; the end of the file.
    pub fn pad(&mut self, name: MemberName, size: u64) -> Result<(), ArchiveError> {
        let mut buffer = [0; BLOCK];
        let mut left = padding(size);
        while left > 0 {
            let n = self.content(name, left as u64, &mut buffer)?;
            if buffer[..n].iter().any(|b| *b != 0) {
                return Err(self.error(Fault::Padding(name)));
            }
            left -= n;
        }
        Ok(())
    }

    /// Reads the two zero blocks and the end of the file, after the member `last`. Returns the archive's length in bytes.
    ///
    /// # Errors
    /// Anything else.
    pub fn end(mut self, last: MemberName) -> Result<u64, ArchiveError> {
        let at = self.position;
        let mut tail = Vec::new();
        // One byte more than the end has, to see whether something follows.
        (&mut self.input)
            .take(2 * BLOCK as u64 + 1)
            .read_to_end(&mut tail)
            .map_err(|e| ArchiveError { position: at, fault: Fault::Io(e) })?;
        let fault = match tail.len() {
            n if tail.iter().take(2 * BLOCK).any(|b| *b != 0) || n < 2 * BLOCK => Fault::End(last),
            n if n > 2 * BLOCK => Fault::Trailing(last),
            n => return Ok(at + n as u64),
        };
        Err(ArchiveError { position: at, fault })
    }

    fn block(&mut self, name: MemberName) -> Result<[u8; BLOCK], ArchiveError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.content(name, (BLOCK - filled) as u64, &mut block[filled..]) {
                Ok(n) => filled += n,
                Err(ArchiveError { fault: Fault::Truncated(_), .. }) if self.position == 0 => {
                    return Err(self.error(Fault::Empty));
                }
                Err(ArchiveError { fault: Fault::Truncated(_), .. }) if self.position == filled as u64 => {
                    return Err(self.error(Fault::Foreign("it is shorter than one block of a tar")));
                }
                Err(e) => return Err(e),
            }
        }
        Ok(block)
    }

    fn error(&self, fault: Fault) -> ArchiveError {
        ArchiveError { position: self.position, fault }
    }
}

impl<R: Read + Seek> ArchiveReader<R> {
    /// Passes over a content of `size` bytes without reading it, and reads its padding.
    ///
    /// # Errors
    /// Those of seeking and of [`ArchiveReader::pad`].
    pub fn skip(&mut self, name: MemberName, size: u64) -> Result<(), ArchiveError> {
        let to = self.position.checked_add(size).ok_or_else(|| self.error(Fault::Truncated(name)))?;
        self.input.seek(SeekFrom::Start(to)).map_err(|e| self.error(Fault::Io(e)))?;
        self.position = to;
        self.pad(name, size)
    }
}

/// What a first block that is not ours looks like, for the message.
fn foreign(block: &[u8; BLOCK]) -> Option<&'static str> {
    Some(match block {
        [0x1f, 0x8b, ..] => "it is gzip'd; bundles are not compressed as a whole",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "it is zstd'd; bundles are not compressed as a whole",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => "it is xz'd; bundles are not compressed as a whole",
        [b'P', b'K', ..] => "it is a zip file",
        b if b.starts_with(b"{\"payloadType\":") => {
            "it is a signed document by itself; a status is given with --status"
        }
        b if b.starts_with(b"release.dsse.json\0") || b.starts_with(b"installation.dsse.json\0") => return None,
        b if &b[257..262] == b"ustar" => "it is some other tar archive, whose first member is not release.dsse.json",
        _ => "it does not begin as one",
    })
}
