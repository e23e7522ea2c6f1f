//! Writes an archive to anything that takes bytes.

use std::io::{self, Write};

use super::header::{BLOCK, encode, padding};
use super::name::MemberName;

/// An archive being written: for each member [`ArchiveWriter::start`], its bytes, [`ArchiveWriter::close`]; then
/// [`ArchiveWriter::finish`].
#[derive(Debug)]
pub struct ArchiveWriter<W> {
    out: W,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    name: MemberName,
    size: u64,
    left: u64,
}

impl<W: Write> ArchiveWriter<W> {
    /// Starts an archive.
    pub fn new(out: W) -> Self {
        Self { out, open: None }
    }

    /// Writes the header of a member of `size` bytes.
    ///
    /// # Errors
    /// Those of writing; the member before is not closed.
    pub fn start(&mut self, name: MemberName, size: u64) -> io::Result<()> {
        if let Some(open) = &self.open {
            return Err(misuse(&open.name, "is still open"));
        }
        self.open = Some(Open { name, size, left: size });
        self.out.write_all(&encode(&name, size))
    }

    /// Writes some of the member's bytes.
    ///
    /// # Errors
    /// Those of writing; more bytes than the member has.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Err(io::Error::other("no member is open")) };
        match open.left.checked_sub(bytes.len() as u64) {
            Some(left) => open.left = left,
            None => return Err(misuse(&open.name, "goes on after its end")),
        }
        self.out.write_all(bytes)
    }

    /// Pads the member.
    ///
    /// # Errors
    /// Those of writing; fewer bytes than the member has.
    pub fn close(&mut self) -> io::Result<()> {
        match self.open.take() {
            Some(Open { size, left: 0, .. }) => self.out.write_all(&[0; BLOCK][..padding(size)]),
            Some(open) => Err(misuse(&open.name, "ends too early")),
            None => Err(io::Error::other("no member is open")),
        }
    }

    /// Writes a small member whole.
    ///
    /// # Errors
    /// Those of writing.
    pub fn member(&mut self, name: MemberName, content: &[u8]) -> io::Result<()> {
        self.start(name, content.len() as u64)?;
        self.write(content)?;
        self.close()
    }

    /// Writes the end and gives the output back.
    ///
    /// # Errors
    /// Those of writing; the last member is not closed.
    pub fn finish(mut self) -> io::Result<W> {
        if let Some(open) = &self.open {
            return Err(misuse(&open.name, "is still open"));
        }
        self.out.write_all(&[0; 2 * BLOCK])?;
        self.out.flush()?;
        Ok(self.out)
    }
}

fn misuse(name: &MemberName, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the content of {name} {what}"))
}
