//! Blobs are made from what is there, on all cores, each as soon as its sources are.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, PoisonError};

use bundle_format::delta::{self, Bytes as _, Cursor, DeltaError, Header, Space};
use bundle_format::hashing::CHUNK;
use bundle_format::statement::Rebuild;
use bundle_format::walk::Progress;
use bundle_format::{Digest, Hasher};

use super::base::Job;
use super::keep::Patches;
use super::place::{Incoming, Place, Wanted};
use super::{Amount, ImportError, cores};

/// What it takes to make blobs.
pub(super) struct Rebuilding<'a> {
    pub list: &'a Rebuild,
    pub patches: &'a Patches,
    pub place: &'a dyn Place,
    /// Bytes of memory for all of it, the buffers of each thread (below 8 MiB) not counted.
    pub memory: u64,
    /// Threads that the compression of one blob may use, where blobs are fewer than cores.
    pub threads: usize,
    pub progress: &'a dyn Progress,
}

/// Who does what.
struct Queue<'a> {
    waiting: Vec<Job<'a>>,
    /// What is not there yet.
    coming: BTreeSet<Digest>,
    /// Bytes of memory that nobody uses.
    memory: u64,
    result: Result<Amount, ImportError>,
}

impl Rebuilding<'_> {
    /// Makes all blobs of `jobs`. Each is kept when it has the digest that was signed.
    ///
    /// # Errors
    /// The first that any of the threads met; the others then stop after the blob that they are at.
    pub fn run(&self, jobs: Vec<Job<'_>>) -> Result<Amount, ImportError> {
        let threads = cores().min(jobs.len());
        let share = self.memory / threads.max(1) as u64;
        let coming = jobs.iter().map(|job| job.blob.digest).collect();
        let queue = Queue { waiting: jobs, coming, memory: self.memory, result: Ok(Amount::default()) };
        let (queue, changed) = (Mutex::new(queue), Condvar::new());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.work(&queue, &changed, share));
            }
        });
        let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.place.settle()?;
        queue.result
    }

    fn work(&self, queue: &Mutex<Queue<'_>>, changed: &Condvar, share: u64) {
        // A thread that has panicked ends the program when the threads are joined.
        let Ok(mut state) = queue.lock() else { return };
        loop {
            if state.result.is_err() || state.waiting.is_empty() {
                return;
            }
            let ready = state.waiting.iter().position(|job| {
                needs(job, share) <= state.memory && !job.way.sources.iter().any(|s| state.coming.contains(&s.digest))
            });
            let Some(ready) = ready else {
                match changed.wait(state) {
                    Ok(after) => state = after,
                    Err(_) => return,
                }
                continue;
            };
            let job = state.waiting.remove(ready);
            let memory = needs(&job, share);
            state.memory -= memory;
            drop(state);
            let made = self.make(&job, memory - job.way.memory.min(memory));
            match queue.lock() {
                Ok(after) => state = after,
                Err(_) => return,
            }
            state.memory += memory;
            state.coming.remove(&job.blob.digest);
            match (&mut state.result, made) {
                (Ok(all), Ok(())) => all.add(job.blob.size),
                (Ok(_), Err(e)) => state.result = Err(e),
                (Err(_), _) => {}
            }
            changed.notify_all();
        }
    }

    /// One blob; `memory` bytes for the contents of its sources.
    fn make(&self, job: &Job<'_>, memory: u64) -> Result<(), ImportError> {
        let (blob, way) = (job.blob, job.way);
        if way.sources.iter().any(|s| s.bases.is_empty()) {
            self.place.settle()?;
        }
        let reads = self.place.reads_what_it_finds();
        let wrong = |source| ImportError::Rebuild { blob: blob.digest, patch: way.patch, sources_read: reads, source };
        let none = || wrong(DeltaError::Malformed("it was not kept"));
        let patch = self.patches.get(&way.patch).ok_or_else(none)?;
        let header = Header::read(&mut Cursor::new(&patch, 0, patch.len())).map_err(wrong)?;
        let open = |source: &delta::Source| {
            let held = way.sources.iter().find(|held| held.digest == source.digest);
            let bases = held.map(|held| held.bases).unwrap_or_default();
            let wanted = Wanted { digest: source.digest, size: source.size, bases, list: self.list };
            self.place.open(&wanted).map_err(io::Error::other)
        };
        let space = Space::of(&header, &open, memory, self.place.temporary()).map_err(wrong)?;
        let incoming = self.place.write(blob.digest, blob.size)?;
        let mut out =
            Proving { incoming, hasher: Hasher::default(), left: blob.size, failed: None, progress: self.progress };
        let rebuilt = {
            let mut buffered = io::BufWriter::with_capacity(CHUNK, &mut out);
            delta::rebuild(&patch, &space, self.threads, &mut buffered).and_then(|()| Ok(buffered.flush()?))
        };
        if let Some(failed) = out.failed {
            return Err(failed);
        }
        rebuilt.map_err(wrong)?;
        let found = out.hasher.finish();
        if out.left > 0 || found != blob.digest {
            return Err(ImportError::OtherBlob { patch: way.patch, wanted: blob.digest, found });
        }
        out.incoming.commit()
    }
}

/// Bytes of memory that a blob takes: what its patch asks for, and a share for the contents of its sources.
fn needs(job: &Job<'_>, share: u64) -> u64 {
    share.min(job.way.memory.saturating_add(job.way.space)).max(job.way.memory)
}

/// Hashes what is written, and stops at the end that was signed.
struct Proving<'a> {
    incoming: Box<dyn Incoming + 'a>,
    hasher: Hasher,
    left: u64,
    failed: Option<ImportError>,
    progress: &'a dyn Progress,
}

impl Write for Proving<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left =
            left.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it makes more bytes than were signed"))?;
        self.hasher.update(bytes);
        if let Err(e) = self.incoming.write(bytes) {
            self.failed = Some(e);
            return Err(io::ErrorKind::Other.into());
        }
        self.progress.advance(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
