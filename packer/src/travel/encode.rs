//! Patches for one state of a site.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bundle_format::delta::{Bytes, Cursor, Spool};
use bundle_format::walk::Progress;
use bundle_format::{Digest, VerifiedReader};

use super::{DeltaOptions, Made, Target, Why, saves};
use crate::base::Bases;
use crate::delta::{Corpus, Effort, Outcome};
use crate::error::PackError;
use crate::plan::{Content, Plan};

/// Bytes of memory for the contents that patches copy from.
const MEMORY: u64 = 512 << 20;
/// Bytes of memory for each blob that a patch is made for.
const TARGET_MEMORY: u64 = 32 << 20;
/// Blobs below this travel whole: their patches would be about as large.
const SMALL: u64 = 4 << 10;
/// New blobs of which this much is new may be of use for those that come after.
const NEW: u64 = 256 << 10;

/// Makes the patches that a site of the state at `place` needs beside those for the states before.
pub(super) fn state(
    plan: &Plan,
    bases: &Bases,
    held: &[BTreeMap<Digest, u64>],
    place: usize,
    targets: &mut [Target],
    options: &DeltaOptions<'_>,
    progress: &dyn Progress,
) -> Result<(), PackError> {
    let holds = &held[place];
    let mut open = Vec::new();
    for (n, target) in targets.iter_mut().enumerate() {
        let versions = bases.states.get(place);
        let there =
            |sources: &Vec<usize>| sources.is_empty() || versions.into_iter().flatten().any(|v| sources.contains(v));
        if target.size < SMALL {
            target.whole = Some(Why::Small);
        }
        let served = target.ways.iter().any(|made| made.sources.iter().all(there));
        if target.whole.is_none() && !holds.contains_key(&target.digest) && !served {
            open.push(n);
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    let mut corpus = Corpus::new(options.effort, MEMORY, options.temporary);
    for version in bases.states.get(place).into_iter().flatten() {
        for (digest, size) in &bases.versions[*version].layers {
            add_base(&mut corpus, bases, *digest, *size, options, progress)?;
        }
    }
    // What comes out must not depend on the machine, so neither may what is encoded before what.
    let wave = match options.effort {
        Effort::Fast => 16,
        Effort::Default => 4,
        Effort::Best => 1,
    };
    for wave in open.chunks(wave) {
        let outcomes = encode(plan, &corpus, wave, targets, options, progress)?;
        for (n, outcome, content) in outcomes {
            let target = &mut targets[n];
            let new = match outcome {
                Outcome::Patch(patch) if saves(patch.bytes.len(), target.size) => {
                    let holders = |digest| if holds.contains_key(digest) { bases.holding(digest) } else { Vec::new() };
                    let sources = patch.header.sources.iter().map(|s| holders(&s.digest)).collect();
                    let new = patch.bytes.len();
                    target.ways.push(Made { patch, sources });
                    new
                }
                Outcome::Patch(_) => {
                    target.whole = Some(Why::NotSmaller);
                    target.size
                }
                Outcome::Whole(why) => {
                    target.whole = Some(why.into());
                    target.size
                }
            };
            if new >= NEW || options.bases.is_empty() {
                let blob = Cursor::new(&content, 0, content.len());
                // Only what can be inflated is of use for others.
                let _ = corpus.add(target.digest, target.size, blob);
            }
        }
    }
    Ok(())
}

/// Adds a layer of a base; one whose content cannot be inflated is of no use, and no fault.
fn add_base(
    corpus: &mut Corpus,
    bases: &Bases,
    digest: Digest,
    size: u64,
    options: &DeltaOptions<'_>,
    progress: &dyn Progress,
) -> Result<(), PackError> {
    let Some((path, extent)) = bases.pool.get(&digest) else { return Ok(()) };
    let watched = |inner| Watched { inner, progress };
    let added = corpus.add(digest, size, watched(Cursor::new(extent, 0, extent.len())));
    let Err(error) = added else { return Ok(()) };
    if progress.cancelled() {
        return Err(PackError::Interrupted);
    }
    if error.kind() == io::ErrorKind::StorageFull {
        return Err(PackError::Temporary { path: options.temporary.to_owned(), source: error });
    }
    let whole = VerifiedReader::new(Cursor::new(extent, 0, extent.len()), digest, size);
    let read = io::copy(&mut Watched { inner: whole, progress }, &mut io::sink());
    let damaged = |source| PackError::BaseContent { path: path.clone(), blob: digest, source };
    read.map(drop).map_err(damaged)
}

type Encoded = (usize, Outcome, Spool);

/// Encodes some blobs, on all cores.
fn encode(
    plan: &Plan,
    corpus: &Corpus,
    wave: &[usize],
    targets: &[Target],
    options: &DeltaOptions<'_>,
    progress: &dyn Progress,
) -> Result<Vec<Encoded>, PackError> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Ok(Vec::new()));
    let one = |n: usize| -> Result<Encoded, PackError> {
        let target = &targets[n];
        let temporary = |source| match progress.cancelled() {
            true => PackError::Interrupted,
            false => PackError::Temporary { path: options.temporary.to_owned(), source },
        };
        let content = read(plan, target, options, progress)?;
        let watched = WatchedBytes { inner: &content, progress };
        let outcome = corpus.encode(target.digest, target.size, &watched).map_err(temporary)?;
        Ok((n, outcome, content))
    };
    let work = || {
        while let Some(n) = wave.get(next.fetch_add(1, Ordering::Relaxed)) {
            let encoded = one(*n);
            let Ok(mut all) = done.lock() else { return };
            match (&mut *all, encoded) {
                (Ok(all), Ok(encoded)) => all.push(encoded),
                (Ok(_), Err(e)) => *all = Err(e),
                (Err(_), _) => return,
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(wave.len()) {
            scope.spawn(work);
        }
    });
    let mut all = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)?;
    all.sort_by_key(|(n, ..)| *n);
    Ok(all)
}

/// A blob of the release, proved on the way.
fn read(plan: &Plan, target: &Target, options: &DeltaOptions<'_>, progress: &dyn Progress) -> Result<Spool, PackError> {
    let Content::Image(source, blob) = &plan.members[target.member].2 else {
        return Err(PackError::TooMuch("only the blobs of images are left to a site"));
    };
    let (name, source) = &plan.sources[*source];
    let reader = source.open(blob).map_err(|source| PackError::Image { name: name.clone(), source })?;
    let inner = VerifiedReader::new(reader, target.digest, target.size);
    let spooled = Spool::fill(Watched { inner, progress }, TARGET_MEMORY, target.size, options.temporary);
    spooled.map_err(|e| match (progress.cancelled(), e.kind()) {
        (true, _) => PackError::Interrupted,
        (_, io::ErrorKind::StorageFull) => PackError::Temporary { path: options.temporary.to_owned(), source: e },
        _ => PackError::Content { from: source.place(), digest: target.digest, why: format!("cannot be read: {e}") },
    })
}

/// Tells of what is read, and ends it when nobody wants the result any more.
struct Watched<'a, R> {
    inner: R,
    progress: &'a dyn Progress,
}

fn stopped(progress: &dyn Progress) -> io::Result<()> {
    if progress.cancelled() { Err(io::Error::other("interrupted")) } else { Ok(()) }
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        stopped(self.progress)?;
        let n = self.inner.read(buffer)?;
        self.progress.advance(n as u64);
        Ok(n)
    }
}

struct WatchedBytes<'a> {
    inner: &'a Spool,
    progress: &'a dyn Progress,
}

impl Bytes for WatchedBytes<'_> {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        stopped(self.progress)?;
        self.inner.read_at(at, buffer)
    }
}
