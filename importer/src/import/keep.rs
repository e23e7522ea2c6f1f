//! Patches on their way through an import: kept aside until all blobs that are carried are there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use bundle_format::delta::Bytes;
use bundle_format::walk::{Sink, SinkAction};
use bundle_format::{Descriptor, Digest};

/// Patches in one file without a name, one after the other.
#[derive(Debug)]
pub(super) struct Patches {
    file: Option<File>,
    len: u64,
    places: BTreeMap<Digest, (u64, u64)>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Patch<'a> {
    file: &'a File,
    at: u64,
    len: u64,
}

impl Patches {
    pub fn get(&self, patch: &Digest) -> Option<Patch<'_>> {
        let (file, (at, len)) = self.file.as_ref().zip(self.places.get(patch).copied())?;
        Some(Patch { file, at, len })
    }
}

impl Bytes for Patch<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = at.checked_add(buffer.len() as u64).filter(|end| *end <= self.len);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.file.read_exact_at(buffer, self.at + at)
    }
}

/// Hands blobs on, and keeps the patches that are wanted.
pub(super) struct Keeping<'a, S: Sink> {
    pub inner: S,
    wanted: BTreeSet<Digest>,
    dir: &'a Path,
    /// How the inner sink calls a failure of this one.
    failed: fn(&Path, io::Error) -> S::Error,
    open: Option<(Digest, u64)>,
    pub patches: Patches,
}

impl<'a, S: Sink> Keeping<'a, S> {
    /// Keeps `wanted` in `dir`.
    pub fn new(inner: S, wanted: BTreeSet<Digest>, dir: &'a Path, failed: fn(&Path, io::Error) -> S::Error) -> Self {
        let patches = Patches { file: None, len: 0, places: BTreeMap::new() };
        Self { inner, wanted, dir, failed, open: None, patches }
    }
}

impl<S: Sink> Sink for Keeping<'_, S> {
    type Error = S::Error;

    fn begin(&mut self, blob: &Descriptor) -> Result<SinkAction, S::Error> {
        self.inner.begin(blob)
    }

    fn begin_patch(&mut self, patch: Digest, _: u64) -> Result<SinkAction, S::Error> {
        if !self.wanted.contains(&patch) {
            return Ok(SinkAction::Pass);
        }
        if self.patches.file.is_none() {
            self.patches.file = Some(tempfile::tempfile_in(self.dir).map_err(|e| (self.failed)(self.dir, e))?);
        }
        self.open = Some((patch, self.patches.len));
        Ok(SinkAction::Take)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), S::Error> {
        match (&self.open, &mut self.patches.file) {
            (Some(_), Some(file)) => {
                file.write_all(bytes).map_err(|e| (self.failed)(self.dir, e))?;
                self.patches.len += bytes.len() as u64;
                Ok(())
            }
            _ => self.inner.write(bytes),
        }
    }

    fn commit(&mut self) -> Result<(), S::Error> {
        match self.open.take() {
            Some((patch, at)) => {
                self.patches.places.insert(patch, (at, self.patches.len - at));
                Ok(())
            }
            None => self.inner.commit(),
        }
    }

    fn abort(&mut self) {
        if self.open.take().is_none() {
            self.inner.abort();
        }
    }
}
