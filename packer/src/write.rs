//! A signed plan becomes a file: each content is read once, hashed on the way, and refused if it is not what the plan says.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bundle_format::Digest;
use bundle_format::archive::{ArchiveWriter, MemberName};
use bundle_format::delta::{Bytes as _, Cursor};
use bundle_format::hashing::{Gone, HashLine};
use bundle_format::walk::Progress;
use registry_lite::store::Writeback;
use rustix::fs::OFlags;

use crate::error::PackError;
use crate::plan::{Content, SignedPlan, open_regular};

/// What to do when the output exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfExists {
    /// Refuse.
    Refuse,
    /// Put the new bundle in its place, when it is whole.
    Replace,
}

impl SignedPlan {
    /// Writes the bundle to `out`: beside it under a temporary name, synced, and then named in one step. Memory: 8 MiB of
    /// buffers beside the manifests, whatever the bundle's size.
    ///
    /// # Errors
    /// [`PackError`]; then `out` is as it was, and nothing is left beside it.
    pub fn write(self, out: &Path, if_exists: IfExists, progress: &dyn Progress) -> Result<(), PackError> {
        let exists = || PackError::Exists { path: out.to_owned() };
        if if_exists == IfExists::Refuse && fs::symlink_metadata(out).is_ok() {
            return Err(exists());
        }
        let (Some(name), dir) = (out.file_name(), out.parent().filter(|p| !p.as_os_str().is_empty())) else {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "it has no file name");
            return Err(PackError::Write { path: out.to_owned(), source });
        };
        let dir = dir.unwrap_or(Path::new("."));
        let io = |source| PackError::Write { path: out.to_owned(), source };
        let free = registry_lite::store::free_space(dir).map_err(io)?;
        if free < self.len {
            return Err(PackError::NoSpace { path: dir.to_owned(), free, needed: self.len });
        }
        let mut partial_name = std::ffi::OsString::from(".");
        partial_name.push(name);
        partial_name.push(".partial");
        let partial = Partial::create(dir.join(partial_name), out)?;
        self.write_to(&partial.file, out, progress)?;
        partial.file.sync_all().map_err(io)?;
        match if_exists {
            IfExists::Replace => fs::rename(&partial.path, out).map_err(io)?,
            // A rename that never replaces, also when somebody made the file in the meantime.
            IfExists::Refuse => match rename_new(&partial.path, out) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(exists()),
                other => other.map_err(io)?,
            },
        }
        partial.done();
        File::open(dir).and_then(|d| d.sync_all()).map_err(io)
    }

    fn write_to(&self, file: &File, out: &Path, progress: &dyn Progress) -> Result<(), PackError> {
        let io = |source| PackError::Write { path: out.to_owned(), source };
        let mut archive = ArchiveWriter::new(Writeback::new(file));
        archive.member(MemberName::Release, self.release.envelope().bytes()).map_err(io)?;
        archive.member(MemberName::PackingList, self.list.envelope().bytes()).map_err(io)?;
        std::thread::scope(|scope| {
            let mut line = HashLine::start(scope);
            for (name, size, content) in &self.members {
                archive.start(*name, *size).map_err(io)?;
                match content {
                    Content::Bytes(bytes) => {
                        archive.write(bytes).map_err(io)?;
                        progress.advance(*size);
                    }
                    _ => self.copy(&mut archive, &mut line, (*name, *size, content), out, progress)?,
                }
                archive.close().map_err(io)?;
            }
            Ok::<(), PackError>(())
        })?;
        archive.finish().map_err(io)?;
        Ok(())
    }

    fn copy(
        &self,
        archive: &mut ArchiveWriter<Writeback<&File>>,
        line: &mut HashLine,
        (name, size, content): (MemberName, u64, &Content),
        out: &Path,
        progress: &dyn Progress,
    ) -> Result<(), PackError> {
        let (MemberName::Blob(digest) | MemberName::Patch(digest)) = name else { return Ok(()) };
        let (from, mut reader) = self.open(content, digest)?;
        let io = |source| PackError::Write { path: out.to_owned(), source };
        let gone = |Gone| io(io::Error::other(Gone));
        let differs = |why: String| PackError::Content { from: from.clone(), digest, why };
        let mut left = size;
        loop {
            let mut buffer = line.buffer().map_err(gone)?;
            let n = match reader.read(&mut buffer) {
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {
                    line.keep(buffer);
                    continue;
                }
                Err(e) => return Err(differs(format!("cannot be read: {e}"))),
            };
            if n == 0 {
                line.keep(buffer);
                break;
            }
            left = left.checked_sub(n as u64).ok_or_else(|| differs(format!("is longer than its {size} bytes")))?;
            archive.write(&buffer[..n]).map_err(io)?;
            line.hash(buffer, n).map_err(gone)?;
            progress.advance(n as u64);
            if progress.cancelled() {
                return Err(PackError::Interrupted);
            }
        }
        if left > 0 {
            return Err(differs(format!("ends after {} of its {size} bytes", size - left)));
        }
        match line.digest().map_err(gone)? {
            found if found == digest => Ok(()),
            found => Err(differs(format!("was expected, the content is {found}"))),
        }
    }

    fn open<'a>(&'a self, content: &'a Content, digest: Digest) -> Result<(String, Box<dyn Read + 'a>), PackError> {
        match content {
            Content::Bytes(bytes) => Ok((digest.to_string(), Box::new(bytes.as_slice()))),
            Content::Spool(patch) => Ok((name_of_patch(digest), Box::new(Cursor::new(patch, 0, patch.len())))),
            Content::File(path) => match open_regular(path) {
                Ok(file) => Ok((path.display().to_string(), Box::new(file))),
                Err(source) => Err(PackError::File { path: path.clone(), source }),
            },
            Content::Image(n, blob) => {
                let (name, source) = &self.sources[*n];
                let reader = source.open(blob).map_err(|source| PackError::Image { name: name.clone(), source })?;
                Ok((source.place(), reader))
            }
        }
    }
}

fn name_of_patch(digest: Digest) -> String {
    MemberName::Patch(digest).to_string()
}

/// The output under its temporary name: gone unless it is done.
struct Partial {
    path: PathBuf,
    file: File,
}

impl Partial {
    /// Takes the temporary name, also from a run that was killed, but not from one that still writes.
    fn create(path: PathBuf, out: &Path) -> Result<Self, PackError> {
        let io = |source| PackError::Write { path: out.to_owned(), source };
        // Not through a link that somebody put there: what it points to would be overwritten.
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let file =
            File::options().write(true).create(true).truncate(false).custom_flags(flags).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(PackError::Busy { path: out.to_owned() }),
            // Some file systems of USB drives know no locks; two writers are then told apart by the final rename only.
            Err(fs::TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => {}
            Err(fs::TryLockError::Error(e)) => return Err(io(e)),
        }
        // Between opening and locking, another run may have ended and given its file the final name: that bundle is whole, and
        // must not be emptied.
        let (ours, named) = (file.metadata().map_err(io)?, fs::symlink_metadata(&path));
        if !named.is_ok_and(|named| (named.dev(), named.ino()) == (ours.dev(), ours.ino())) {
            return Err(PackError::Busy { path: out.to_owned() });
        }
        file.set_len(0).map_err(io)?;
        Ok(Self { path, file })
    }

    fn done(mut self) {
        self.path = PathBuf::new();
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            // What made us give up is the error to tell, not this.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Renames without replacing.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // FAT and some network file systems cannot promise it: look, then rename.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => match fs::symlink_metadata(to) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(from, to),
        },
        other => Ok(other?),
    }
}
