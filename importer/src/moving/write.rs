//! Writes the file of an installation: what is encrypted first, beside it and without a name, then the statement and all of it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write};
use std::path::{Path, PathBuf};

use bundle_format::archive::{ArchiveWriter, MemberName};
use bundle_format::statement::{Exported, Member, Statement};
use bundle_format::trust::Verified;
use bundle_format::{Digest, Hasher};

use super::{MoveError, Recipients};
use crate::target::{Interrupted, TargetError, Watch};

/// A member that was encrypted into a file that has no name, and ends with the process.
pub(super) struct Spooled {
    file: File,
    size: u64,
    digest: Digest,
    /// Bytes before they were encrypted.
    pub plain: u64,
}

/// Counts and hashes what goes through, and keeps the cause if it goes no further.
struct Metered<W> {
    inner: W,
    size: u64,
    hasher: Hasher,
}

impl<W: Write> Write for Metered<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..n).unwrap_or_default());
        self.size = self.size.saturating_add(n as u64);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// What somebody writes to who says only that it failed: the cause is kept here.
struct Honest<'a, W> {
    inner: &'a mut W,
    written: u64,
    cause: Option<io::Error>,
}

impl<W: Write> Write for Honest<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.inner.write(bytes) {
            Ok(n) => {
                self.written = self.written.saturating_add(n as u64);
                Ok(n)
            }
            Err(e) => {
                let kind = e.kind();
                self.cause = Some(e);
                Err(kind.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Encrypts what `fill` writes into a file of the folder of `out`. Nothing is on the disk in clear.
pub(super) fn spool<E: Into<MoveError>>(
    out: &Path,
    recipients: &Recipients,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<Spooled, MoveError> {
    let io = |source| MoveError::Io { what: "writing beside", path: out.to_owned(), source };
    let file = tempfile::tempfile_in(folder(out)).map_err(io)?;
    let metered = Metered { inner: io::BufWriter::new(file), size: 0, hasher: Hasher::default() };
    let mut encrypted = recipients.encrypt(metered).map_err(io)?;
    let mut honest = Honest { inner: &mut encrypted, written: 0, cause: None };
    let filled = fill(&mut honest);
    let (plain, cause) = (honest.written, honest.cause);
    if let Some(cause) = cause {
        return Err(io(cause));
    }
    filled.map_err(Into::into)?;
    let metered = encrypted.finish().map_err(io)?;
    let file = metered.inner.into_inner().map_err(|e| io(e.into_error()))?;
    Ok(Spooled { file, size: metered.size, digest: metered.hasher.finish(), plain })
}

impl Spooled {
    pub fn listed(&self, name: MemberName) -> Member {
        Member { name, size: self.size, sha256: self.digest }
    }
}

/// Refuses to write over a file.
pub(super) fn refuse_existing(out: &Path) -> Result<(), MoveError> {
    match out.symlink_metadata() {
        Ok(_) => Err(MoveError::OutputExists { path: out.to_owned() }),
        Err(_) => Ok(()),
    }
}

/// Writes the whole file, and makes it durable before it has its name. Returns its bytes.
pub(super) fn write(
    out: &Path,
    statement: &Verified<Statement<Exported>>,
    document: &[u8],
    encrypted: Vec<Spooled>,
    watch: &dyn Watch,
) -> Result<u64, MoveError> {
    let io = |source| MoveError::Io { what: "writing", path: out.to_owned(), source };
    // Readable for its owner alone until somebody decides otherwise.
    let file = tempfile::Builder::new().prefix(".sealift-export-").tempfile_in(folder(out)).map_err(io)?;
    let mut archive = ArchiveWriter::new(io::BufWriter::new(file.as_file()));
    let fill = || -> Result<(), MoveError> {
        archive.member(MemberName::Exported, statement.envelope().bytes()).map_err(io)?;
        archive.member(MemberName::Installation, document).map_err(io)?;
        let rest = statement.value().predicate().members().iter().skip(1);
        for (member, mut spooled) in rest.zip(encrypted) {
            archive.start(member.name, member.size).map_err(io)?;
            spooled.file.rewind().map_err(io)?;
            let mut buffer = vec![0; 1 << 20];
            loop {
                Interrupted::check(watch).map_err(TargetError::from)?;
                match spooled.file.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(n) => archive.write(buffer.get(..n).unwrap_or_default()).map_err(io)?,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(io(e)),
                }
            }
            archive.close().map_err(io)?;
        }
        Ok(())
    };
    fill()?;
    archive.finish().map_err(io)?;
    Interrupted::check(watch).map_err(TargetError::from)?;
    file.as_file().sync_all().map_err(io)?;
    let written = file.persist_noclobber(out).map_err(|e| match e.error.kind() {
        io::ErrorKind::AlreadyExists => MoveError::OutputExists { path: out.to_owned() },
        _ => io(e.error),
    })?;
    File::open(folder(out)).and_then(|dir| dir.sync_all()).map_err(io)?;
    Ok(written.metadata().map_err(io)?.len())
}

fn folder(out: &Path) -> PathBuf {
    out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}
