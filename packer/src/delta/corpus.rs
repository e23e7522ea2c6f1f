//! What patches copy from: the contents of blobs, and an index of their entries.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bundle_format::delta::{Bytes, Joined, Source, Spool};
use bundle_format::{Digest, VerifiedReader, limits};

use super::Effort;
use super::entries::{Entry, entries, pattern};
use super::inflate::inflated;

/// Most places that are remembered for one hash.
const SAME_HASH: usize = 4;

/// A blob of the corpus.
#[derive(Debug)]
pub struct Blob {
    /// As a patch's head names it.
    pub source: Source,
    /// Where its content begins among all contents.
    pub at: u64,
    /// Its content.
    pub content: Arc<Spool>,
}

/// The blobs that patches may copy from, with an index of what is in them.
#[derive(Debug)]
pub struct Corpus {
    pub(super) effort: Effort,
    pub(super) memory: u64,
    pub(super) dir: PathBuf,
    pub(super) blobs: Vec<Blob>,
    /// All contents, one after another.
    pub(super) all: Joined,
    /// The entries of all, with addresses in all contents.
    pub(super) entries: Vec<Entry>,
    pub(super) by_name: HashMap<Box<str>, Vec<u32>>,
    /// By name without numbers.
    pub(super) by_pattern: HashMap<Box<str>, Vec<u32>>,
    pub(super) by_digest: HashMap<[u8; 16], Vec<u32>>,
    /// Entry and window of it, by the hashes of sketches.
    pub(super) by_sketch: HashMap<u32, Vec<(u32, u32)>>,
    held: u64,
}

impl Corpus {
    /// An empty corpus. Contents over a share of `memory` bytes go to files without a name in `dir`.
    #[must_use]
    pub fn new(effort: Effort, memory: u64, dir: &Path) -> Self {
        Self {
            effort,
            memory,
            dir: dir.to_owned(),
            blobs: Vec::new(),
            all: Joined::default(),
            entries: Vec::new(),
            by_name: HashMap::new(),
            by_pattern: HashMap::new(),
            by_digest: HashMap::new(),
            by_sketch: HashMap::new(),
            held: 0,
        }
    }

    /// Adds a blob that patches may copy from: one that the site holds, or that it will have rebuilt before. `content` gives
    /// the blob's bytes, which are proved here by digest and size. A blob that begins as if it were compressed, and does not
    /// inflate to its end, is left out: nothing is copied from it.
    ///
    /// # Errors
    /// Reading fails, or the bytes are others.
    pub fn add(&mut self, digest: Digest, size: u64, content: impl Read) -> io::Result<()> {
        if self.blobs.iter().any(|b| b.source.digest == digest) {
            return Ok(());
        }
        let room = self.memory.saturating_sub(self.held);
        let proved = VerifiedReader::new(content, digest, size);
        let usable = inflated(proved, size, |input| Spool::fill(input, room / 2, limits::BLOB_BYTES, &self.dir))?;
        let Some((form, content)) = usable else { return Ok(()) };
        self.held += content.memory();
        let source = Source { digest, size, form, content: content.len() };
        let content = Arc::new(content);
        let at = self.all.push(Arc::clone(&content) as Arc<dyn Bytes>);
        for mut entry in entries(content.as_ref())? {
            let number = self.entries.len() as u32;
            entry.begin += at;
            entry.end += at;
            entry.header = entry.header.map(|header| header + at);
            self.by_name.entry(entry.name.clone()).or_default().push(number);
            self.by_pattern.entry(pattern(&entry.name).into_boxed_str()).or_default().push(number);
            if entry.len() > 0 {
                self.by_digest.entry(entry.digest).or_default().push(number);
            }
            for (hash, window) in std::mem::take(&mut entry.sketch) {
                let places = self.by_sketch.entry(hash).or_default();
                if places.len() < SAME_HASH {
                    places.push((number, window));
                }
            }
            self.entries.push(entry);
        }
        self.blobs.push(Blob { source, at, content });
        Ok(())
    }

    /// Whether there is nothing to copy from.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }
}
