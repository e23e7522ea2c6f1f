//! Blocks that are compressed on their own, as github.com/klauspost/pgzip (1.2.5 to 1.3.0) does it.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use thiserror::Error;

use super::{Compressor, Family, Klauspost, Level};

#[cfg(test)]
mod tests;

/// How much of a block is the dictionary of the next.
const TAIL: usize = 16_384;

/// How much content a block has, in bytes: more than 16 KiB, at most 64 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSize(usize);

/// pgzip takes no such block size, or it is beyond any use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("blocks of {0} bytes are not made by pgzip; give a size above 16384 and up to 67108864")]
pub struct BlockSizeError(pub u64);

impl BlockSize {
    /// 1 MiB: pgzip's own default, and what containers/image (podman, buildah, skopeo) sets.
    pub const DEFAULT: Self = Self(1 << 20);

    /// The number of bytes.
    #[must_use]
    pub fn get(self) -> usize {
        self.0
    }
}

impl TryFrom<u64> for BlockSize {
    type Error = BlockSizeError;

    fn try_from(bytes: u64) -> Result<Self, BlockSizeError> {
        match usize::try_from(bytes) {
            Ok(size) if size > TAIL && size <= 64 << 20 => Ok(Self(size)),
            _ => Err(BlockSizeError(bytes)),
        }
    }
}

/// A writer of pgzip, without its gzip header and trailer.
///
/// Memory: for each thread and once more, two blocks and 2 MiB.
pub struct Pgzip {
    family: Family,
    level: Level,
    size: usize,
    threads: usize,
    /// The block that is not full, and the one before it.
    block: Vec<u8>,
    before: Arc<Vec<u8>>,
    /// Blocks in work, the oldest first.
    working: VecDeque<JoinHandle<Vec<u8>>>,
}

impl Pgzip {
    /// Compresses on up to `threads` threads; with one, on that of the caller. What comes out is the same.
    #[must_use]
    pub fn new(family: Family, level: Level, block_size: BlockSize, threads: NonZeroUsize) -> Self {
        Self {
            family,
            level,
            size: block_size.0,
            threads: threads.get(),
            block: Vec::new(),
            before: Arc::new(Vec::new()),
            working: VecDeque::new(),
        }
    }

    /// The block is full, or the last.
    fn compress(&mut self, last: bool, out: &mut Vec<u8>) {
        let block = Arc::new(std::mem::take(&mut self.block));
        let before = std::mem::replace(&mut self.before, Arc::clone(&block));
        let (family, level) = (self.family, self.level);
        let work = move || compressed(family, level, &before, &block, last);
        if self.threads > 1 {
            if self.working.len() >= self.threads {
                self.take_oldest(out);
            }
            if let Ok(thread) = Builder::new().spawn(work.clone()) {
                self.working.push_back(thread);
                return;
            }
            // No thread was to be had: those at work come first, then this block here.
            self.take_all(out);
        }
        out.append(&mut work());
    }

    fn take_oldest(&mut self, out: &mut Vec<u8>) {
        match self.working.pop_front().map(JoinHandle::join) {
            None => {}
            Some(Ok(mut done)) => out.append(&mut done),
            // What went wrong there goes wrong here.
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }

    fn take_all(&mut self, out: &mut Vec<u8>) {
        while !self.working.is_empty() {
            self.take_oldest(out);
        }
    }
}

/// One block, behind the one before it.
fn compressed(family: Family, level: Level, before: &[u8], block: &[u8], last: bool) -> Vec<u8> {
    // A block that is not longer than a tail leaves none.
    let tail = if before.len() > TAIL { &before[before.len() - TAIL..] } else { &[] };
    let mut compressor = Klauspost::with_dictionary(family, level, tail);
    let mut out = Vec::new();
    compressor.write(block, &mut out);
    compressor.flush(&mut out);
    if last {
        compressor.finish(&mut out);
    }
    out
}

impl Compressor for Pgzip {
    fn write(&mut self, mut content: &[u8], out: &mut Vec<u8>) {
        while !content.is_empty() {
            let (now, later) = content.split_at(content.len().min(self.size - self.block.len()));
            self.block.extend_from_slice(now);
            content = later;
            if self.block.len() == self.size {
                self.compress(false, out);
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.compress(true, out);
        self.take_all(out);
    }
}
