//! An uncompressed tar as a [`Tree`]: one pass over its headers, then reads at positions.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use bundle_format::SourceError;
use rustix::fs::{Mode, OFlags};

use super::compression::Compression;
use super::refused;
use super::table::{self, Member, Section};
use super::tree::{Content, Tree};

/// Most links from a name to its content.
const LINKS: usize = 8;

/// A tar, held open.
pub(super) struct Archive {
    file: File,
    place: String,
    members: HashMap<String, Member>,
}

impl Archive {
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let place = path.display().to_string();
        let io = |source| SourceError::Io { place: path.display().to_string(), source };
        // NONBLOCK: opening a named pipe would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| io(errno.into()))?;
        let file = File::from(file);
        let metadata = file.metadata().map_err(io)?;
        if metadata.is_dir() {
            return Err(refused(&place, "is a folder; an OCI layout in a folder is written `oci:PATH`"));
        }
        if !metadata.is_file() {
            return Err(refused(&place, "is not a regular file"));
        }
        if metadata.len() == 0 {
            return Err(refused(&place, "is empty"));
        }
        if let Some(compression) = Compression::of(&file, 0).map_err(io)? {
            let tool = compression.tool();
            let why = format!("is compressed with {tool}; decompress it first: `{tool} -dc {place} > {place}.tar`");
            return Err(refused(&place, why));
        }
        let members = table::read(&file, metadata.len(), &place)?;
        Ok(Self { file, place, members })
    }

    /// Where the content of `name` lies, in whatever spelling and through links. A link is resolved in the archive's own
    /// table, never on disk.
    pub fn find(&self, name: &str) -> Option<Section> {
        let mut member = self.members.get(&table::normal_name(name)?)?;
        for _ in 0..=LINKS {
            match member {
                Member::File(section) => return Some(*section),
                Member::Link(target) => member = self.members.get(target)?,
            }
        }
        None
    }

    /// The content of a section.
    pub fn read(&self, section: Section) -> impl Read + Send + '_ {
        SectionReader { file: &self.file, at: section.offset, left: section.size }
    }

    /// How a section's content is compressed, by its first bytes.
    pub fn compression(&self, section: Section) -> Result<Option<Compression>, SourceError> {
        if section.size < Compression::MAGIC_BYTES as u64 {
            return Ok(None);
        }
        let io = |source| SourceError::Io { place: self.place.clone(), source };
        Compression::of(&self.file, section.offset).map_err(io)
    }
}

impl Tree for Archive {
    fn open(&self, name: &str) -> Result<Option<Content<'_>>, SourceError> {
        let content = |section: Section| Content { size: section.size, reader: Box::new(self.read(section)) };
        Ok(self.find(name).map(content))
    }

    fn place(&self) -> &str {
        &self.place
    }
}

/// Reads a section without moving the file's own position, which threads share.
struct SectionReader<'a> {
    file: &'a File,
    at: u64,
    left: u64,
}

impl Read for SectionReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        let n = self.file.read_at(&mut buf[..want], self.at)?;
        if n == 0 && want > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive was cut while it was read"));
        }
        self.at += n as u64;
        self.left -= n as u64;
        Ok(n)
    }
}
