//! The blobs of earlier bundles, wherever they lie; those that a delta left to its site are made as there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bundle_format::delta::{self, Bytes, Cursor, DeltaError, Header, Space};
use bundle_format::statement::{PatchUse, Rebuilt};
use bundle_format::walk::{Claimed, Progress};
use bundle_format::{Digest, Hasher};

use crate::error::{LackingBase, PackError};
use crate::plan::open_regular;

/// Bytes of memory for the contents of one patch's sources.
const MEMORY: u64 = 256 << 20;

/// Some bytes of a file.
#[derive(Debug, Clone)]
pub(crate) struct Extent {
    file: Arc<File>,
    at: u64,
    len: u64,
}

impl Bytes for Extent {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = at.checked_add(buffer.len() as u64).filter(|end| *end <= self.len);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.file.read_exact_at(buffer, self.at + at)
    }
}

/// Bytes of memory that a patch may need beside: nobody has vouched for it.
const APPLYING: u64 = 1 << 30;

struct Bundle {
    path: PathBuf,
    claimed: Claimed,
    file: Arc<File>,
}

/// All blobs that can be read.
pub(crate) struct Pool {
    dir: PathBuf,
    bundles: Vec<Bundle>,
    blobs: BTreeMap<Digest, (PathBuf, Extent)>,
}

impl Pool {
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), bundles: Vec::new(), blobs: BTreeMap::new() }
    }

    /// Reads a bundle's head and manifests, unless it was read before.
    pub fn open(&mut self, path: &Path) -> Result<&Claimed, PackError> {
        let place = match self.bundles.iter().position(|b| b.path == path) {
            Some(place) => place,
            None => {
                let file = open_regular(path).map_err(|source| PackError::Read { path: path.to_owned(), source })?;
                let file = Arc::new(file);
                let claimed = Claimed::read(io::BufReader::with_capacity(64 << 10, &*file))
                    .map_err(|source| PackError::Base { path: path.to_owned(), source: Box::new(source) })?;
                for (digest, (at, len)) in &claimed.extents {
                    let extent = Extent { file: Arc::clone(&file), at: *at, len: *len };
                    self.blobs.entry(*digest).or_insert_with(|| (path.to_owned(), extent));
                }
                self.bundles.push(Bundle { path: path.to_owned(), claimed, file });
                self.bundles.len() - 1
            }
        };
        Ok(&self.bundles[place].claimed)
    }

    /// Where a blob lies.
    pub fn get(&self, blob: &Digest) -> Option<&(PathBuf, Extent)> {
        self.blobs.get(blob)
    }

    /// What of `blobs` cannot be read.
    pub fn lacks(&self, blobs: &BTreeSet<Digest>) -> Vec<Digest> {
        blobs.iter().filter(|digest| !self.blobs.contains_key(digest)).copied().collect()
    }

    /// Makes what of `needed` is not carried by any bundle.
    pub fn rebuild(&mut self, needed: &mut BTreeSet<Digest>, progress: &dyn Progress) -> Result<(), PackError> {
        let wanted = needed.clone();
        let mut jobs: Vec<(usize, Rebuilt)> = Vec::new();
        let mut queue = self.lacks(needed);
        // Everything that they may be made from, and what that may be made from.
        while let Some(digest) = queue.pop() {
            for (place, bundle) in self.bundles.iter().enumerate() {
                let rebuilt = bundle.claimed.list.rebuild().into_iter().flat_map(|list| &list.rebuilt);
                for blob in rebuilt.filter(|blob| blob.digest == digest) {
                    let sources = blob.patches.iter().flat_map(|way| &way.sources).map(|s| s.digest);
                    queue.extend(sources.filter(|s| needed.insert(*s) && !self.blobs.contains_key(s)));
                    jobs.push((place, blob.clone()));
                }
            }
        }
        loop {
            let ready =
                |way: &&PatchUse, blobs: &BTreeMap<_, _>| way.sources.iter().all(|s| blobs.contains_key(&s.digest));
            let next = jobs.iter().find_map(|(place, blob)| {
                let open = !self.blobs.contains_key(&blob.digest);
                let way = blob.patches.iter().find(|way| open && ready(way, &self.blobs))?;
                Some((*place, blob.clone(), way.clone()))
            });
            match next {
                Some((place, blob, way)) => self.make(place, &blob, &way, progress)?,
                None => break,
            }
        }
        let lacking: Vec<_> = self.lacks(&wanted).into_iter().map(|blob| self.lacking(blob, &jobs)).collect();
        match lacking.is_empty() {
            true => Ok(()),
            false => Err(PackError::BaseMissing { lacking }),
        }
    }

    fn make(&mut self, place: usize, blob: &Rebuilt, way: &PatchUse, progress: &dyn Progress) -> Result<(), PackError> {
        let bundle = &self.bundles[place];
        let error = |source| PackError::BasePatch { path: bundle.path.clone(), blob: blob.digest, source };
        let none = || error(DeltaError::Malformed("it is not in the archive"));
        let (at, len) = bundle.claimed.patches.get(&way.patch).copied().ok_or_else(none)?;
        let patch = Extent { file: Arc::clone(&bundle.file), at, len };
        // The list and the patch of this bundle were compared by nobody: what comes out is proved.
        let header = Header::read(&mut Cursor::new(&patch, 0, len)).map_err(error)?;
        if header.memory > APPLYING {
            return Err(error(DeltaError::Memory { needed: header.memory, allowed: APPLYING }));
        }
        let open = |source: &delta::Source| match self.blobs.get(&source.digest) {
            Some((_, extent)) => Ok(Box::new(Cursor::new(extent, 0, extent.len)) as Box<dyn io::Read + Send>),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        let space = Space::of(&header, &open, MEMORY, &self.dir).map_err(error)?;
        let file = tempfile::tempfile_in(&self.dir).map_err(|e| error(e.into()))?;
        let mut out = Proved { file: &file, hasher: Hasher::default(), len: 0, progress };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let made = {
            let mut buffered = io::BufWriter::with_capacity(1 << 20, &mut out);
            delta::rebuild(&patch, &space, threads, &mut buffered).and_then(|()| Ok(buffered.flush()?))
        };
        if progress.cancelled() {
            return Err(PackError::Interrupted);
        }
        made.map_err(error)?;
        if (out.hasher.finish(), out.len) != (blob.digest, blob.size) {
            return Err(error(DeltaError::Malformed("it makes another blob than it says")));
        }
        let extent = Extent { file: Arc::new(file), at: 0, len: blob.size };
        let path = bundle.path.clone();
        self.blobs.insert(blob.digest, (path, extent));
        Ok(())
    }

    /// Who would supply a blob, as far as the bundles say.
    fn lacking(&self, blob: Digest, jobs: &[(usize, Rebuilt)]) -> LackingBase {
        let mut bundles = BTreeSet::new();
        let mut supplied_by = BTreeSet::new();
        for bundle in &self.bundles {
            let Some(list) = bundle.claimed.list.rebuild() else { continue };
            for held in list.present.iter().filter(|held| held.digest == blob) {
                bundles.insert(bundle.path.clone());
                supplied_by.extend(list.names(held.bases).into_iter().map(str::to_owned));
            }
        }
        for (place, job) in jobs.iter().filter(|(_, job)| job.digest == blob) {
            let bundle = &self.bundles[*place];
            let sources = job.patches.iter().flat_map(|way| &way.sources);
            let Some(list) = bundle.claimed.list.rebuild() else { continue };
            bundles.insert(bundle.path.clone());
            supplied_by.extend(
                sources
                    .filter(|s| !self.blobs.contains_key(&s.digest))
                    .flat_map(|s| list.names(s.bases))
                    .map(str::to_owned),
            );
        }
        LackingBase { blob, bundles: bundles.into_iter().collect(), supplied_by: supplied_by.into_iter().collect() }
    }
}

/// Hashes what goes to a file.
struct Proved<'a> {
    file: &'a File,
    hasher: Hasher,
    len: u64,
    progress: &'a dyn Progress,
}

impl Write for Proved<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.progress.cancelled() {
            return Err(io::Error::other("interrupted"));
        }
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        self.file.write_all(bytes)?;
        self.progress.advance(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
