//! Compressions, recognised so that they can be named.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// A compression, known by the first bytes of what it made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
    Xz,
    Bzip2,
}

impl Compression {
    pub const MAGIC_BYTES: usize = 6;

    /// What the bytes at `offset` are; nothing if they are something else, or fewer than a magic number.
    pub fn of(file: &File, offset: u64) -> io::Result<Option<Self>> {
        let mut magic = [0; Self::MAGIC_BYTES];
        match file.read_exact_at(&mut magic, offset) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        Ok(match &magic {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Some(Self::Xz),
            [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A'] => Some(Self::Bzip2),
            _ => None,
        })
    }

    /// The command that undoes it.
    pub fn tool(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
        }
    }
}
