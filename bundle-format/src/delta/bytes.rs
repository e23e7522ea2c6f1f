//! Content that is read at any place: what a delta copies from.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Bytes that are all there, and are read at any place by any thread.
pub trait Bytes: Send + Sync {
    /// How many there are.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buffer` with the bytes from `at` on.
    ///
    /// # Errors
    /// Reading fails, or the bytes end before.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl Bytes for Vec<u8> {
    fn len(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(at).ok();
        let end = start.and_then(|start| start.checked_add(buffer.len()));
        let bytes = start.zip(end).and_then(|(start, end)| self.get(start..end));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Content in memory as long as it is small, in a file without a name as soon as it is not.
#[derive(Debug)]
pub struct Spool {
    held: Held,
    len: u64,
}

#[derive(Debug)]
enum Held {
    Memory(Vec<u8>),
    File(File),
}

impl Spool {
    /// Reads `input` to its end. Of more than `memory` bytes all go to a file in `dir`, which needs no removing.
    ///
    /// # Errors
    /// Reading or writing fails, or there are more than `limit` bytes.
    pub fn fill(mut input: impl Read, memory: u64, limit: u64, dir: &Path) -> io::Result<Self> {
        let mut bytes = Vec::new();
        let most = memory.min(limit);
        input.by_ref().take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= most {
            let len = bytes.len() as u64;
            return Ok(Self { held: Held::Memory(bytes), len });
        }
        let mut file = tempfile::tempfile_in(dir)?;
        file.write_all(&bytes)?;
        let first = bytes.len() as u64;
        drop(bytes);
        let mut buffer = vec![0; 1 << 18];
        let mut len = first;
        loop {
            if len > limit {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("more than {limit} bytes")));
            }
            let n = match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            file.write_all(&buffer[..n])?;
            len += n as u64;
        }
        Ok(Self { held: Held::File(file), len })
    }

    /// Bytes of memory that the content takes.
    #[must_use]
    pub fn memory(&self) -> u64 {
        match &self.held {
            Held::Memory(bytes) => bytes.len() as u64,
            Held::File(_) => 0,
        }
    }
}

impl Bytes for Spool {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        match &self.held {
            Held::Memory(bytes) => bytes.read_at(at, buffer),
            Held::File(file) => file.read_exact_at(buffer, at),
        }
    }
}

/// Bytes from `at` on as a stream.
#[derive(Debug)]
pub struct Cursor<'a, B: ?Sized> {
    bytes: &'a B,
    at: u64,
    end: u64,
}

impl<'a, B: Bytes + ?Sized> Cursor<'a, B> {
    /// The bytes from `at` to `end`.
    pub fn new(bytes: &'a B, at: u64, end: u64) -> Self {
        let end = end.min(bytes.len());
        Self { bytes, at: at.min(end), end }
    }
}

impl<B: ?Sized> Cursor<'_, B> {
    /// Bytes that are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.end - self.at
    }
}

impl<B: Bytes + ?Sized> Read for Cursor<'_, B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        self.bytes.read_at(self.at, &mut buffer[..n])?;
        self.at += n as u64;
        Ok(n)
    }
}

impl<B: Bytes + ?Sized> Seek for Cursor<'_, B> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?.min(self.end);
        Ok(self.at)
    }
}

/// A part of some content.
pub struct Part {
    of: Arc<dyn Bytes>,
    at: u64,
    len: u64,
}

impl Part {
    /// `len` bytes from `at` on.
    #[must_use]
    pub fn new(of: Arc<dyn Bytes>, at: u64, len: u64) -> Self {
        Self { of, at, len }
    }
}

impl Bytes for Part {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        if at.checked_add(buffer.len() as u64).is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.of.read_at(self.at + at, buffer)
    }
}

/// Contents one after another.
#[derive(Default)]
pub struct Joined {
    /// Where each begins, and the content.
    parts: Vec<(u64, Arc<dyn Bytes>)>,
    len: u64,
}

impl Joined {
    /// Appends a content; returns where it begins.
    pub fn push(&mut self, part: Arc<dyn Bytes>) -> u64 {
        let at = self.len;
        self.len = self.len.saturating_add(part.len());
        self.parts.push((at, part));
        at
    }
}

impl Bytes for Joined {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, mut at: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        if at.checked_add(buffer.len() as u64).is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut part = self.parts.partition_point(|(begin, _)| *begin <= at).saturating_sub(1);
        while !buffer.is_empty() {
            let Some((begin, bytes)) = self.parts.get(part) else { return Err(io::ErrorKind::UnexpectedEof.into()) };
            let n = (begin + bytes.len() - at).min(buffer.len() as u64);
            let (now, rest) = buffer.split_at_mut(n as usize);
            bytes.read_at(at - begin, now)?;
            (buffer, at, part) = (rest, at + n, part + 1);
        }
        Ok(())
    }
}

impl std::fmt::Debug for Joined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Joined").field("len", &self.len).finish_non_exhaustive()
    }
}
