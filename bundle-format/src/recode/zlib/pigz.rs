//! pigz: blocks that zlib compresses at the same time, each with the end of the one before as its dictionary.

use std::num::NonZeroUsize;

use super::engine::Engine;
use super::parameters::{Level, MemoryLevel, OutOfRange};
use super::window::HALF;
use crate::recode::Compressor;

/// How much content pigz compresses at once (`-b`): 32 KiB to 64 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockSize(usize);

impl BlockSize {
    /// 128 KiB.
    pub const DEFAULT: Self = Self(128 << 10);

    /// In bytes; pigz is told in KiB.
    ///
    /// # Errors
    ///
    /// [`OutOfRange::Block`] unless it is 32 KiB to 64 MiB.
    pub fn new(bytes: usize) -> Result<Self, OutOfRange> {
        if (HALF..=64 << 20).contains(&bytes) { Ok(Self(bytes)) } else { Err(OutOfRange::Block(bytes)) }
    }

    /// In bytes.
    #[must_use]
    pub fn get(self) -> usize {
        self.0
    }
}

/// How many processes pigz had (`-p`): with one, it goes another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Processes {
    /// One stream, that is flushed after each block.
    One,
    /// A stream for each block. Their number makes no difference.
    More,
}

/// pigz from 2.3 on zlib from 1.2.6, levels 1 to 9.
///
/// Memory: two blocks, and 512 KiB, for each worker.
pub struct Pigz {
    engines: Vec<Engine<false>>,
    block: usize,
    independent: bool,
    processes: Processes,
    /// One process: how much of the block is in the engine. More: content that no engine has seen.
    filled: usize,
    held: Vec<u8>,
    /// The end of the block before.
    dictionary: Vec<u8>,
}

impl Pigz {
    /// `independent` (`-i`): no block refers to the one before. Compresses with one worker.
    #[must_use]
    pub fn new(level: Level, block: BlockSize, independent: bool, processes: Processes) -> Self {
        Self::with_workers(level, block, independent, processes, NonZeroUsize::MIN)
    }

    /// As [`Pigz::new`]; so many blocks are compressed at the same time. They do not change what comes out.
    #[must_use]
    pub fn with_workers(
        level: Level,
        block: BlockSize,
        independent: bool,
        processes: Processes,
        workers: NonZeroUsize,
    ) -> Self {
        let memory = MemoryLevel::DEFAULT;
        // Independent blocks are the same either way.
        let processes = if independent { Processes::More } else { processes };
        let count = if processes == Processes::One { 1 } else { workers.get() };
        Self {
            engines: (0..count).map(|_| Engine::zlib(level, memory)).collect(),
            block: block.get(),
            independent,
            processes,
            filled: 0,
            held: Vec::new(),
            dictionary: Vec::new(),
        }
    }

    /// One stream: the block ends when something follows it.
    fn write_one(&mut self, mut content: &[u8], out: &mut Vec<u8>) {
        let Some(engine) = self.engines.first_mut() else { return };
        while !content.is_empty() {
            if self.filled == self.block {
                engine.end_block(false, out);
                engine.fill_byte(out);
                self.filled = 0;
            }
            let (now, rest) = content.split_at(content.len().min(self.block - self.filled));
            engine.write(now, out);
            self.filled += now.len();
            content = rest;
        }
    }

    fn compress_held(&mut self, last: bool, out: &mut Vec<u8>) {
        let mut blocks: Vec<&[u8]> = self.held.chunks(self.block).collect();
        if blocks.is_empty() {
            blocks.push(&[]);
        }
        let (independent, count) = (self.independent, blocks.len());
        let mut dictionary: &[u8] = &self.dictionary;
        let mut jobs = Vec::with_capacity(count);
        for (i, (block, engine)) in blocks.iter().zip(&mut self.engines).enumerate() {
            let last = last && i + 1 == count;
            jobs.push(move || compress_block(engine, dictionary, block, independent, last));
            if !independent {
                dictionary = &block[block.len().saturating_sub(HALF)..];
            }
        }
        if count == 1 {
            jobs.into_iter().for_each(|mut job| out.extend(job()));
        } else {
            std::thread::scope(|scope| {
                let running: Vec<_> = jobs.into_iter().map(|job| scope.spawn(job)).collect();
                for job in running {
                    // It has no way to panic; if it had, that would go on here.
                    out.extend(job.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
                }
            });
        }
        self.dictionary = dictionary.to_vec();
        self.held.clear();
    }
}

fn compress_block(
    engine: &mut Engine<false>,
    dictionary: &[u8],
    block: &[u8],
    independent: bool,
    last: bool,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(block.len() / 2);
    engine.restart(dictionary);
    engine.write(block, &mut out);
    engine.end_block(last, &mut out);
    if !last && independent {
        engine.mark(&mut out);
        engine.mark(&mut out);
    } else if !last {
        engine.fill_byte(&mut out);
    }
    out
}

impl Compressor for Pigz {
    fn write(&mut self, mut content: &[u8], out: &mut Vec<u8>) {
        if self.processes == Processes::One {
            self.write_one(content, out);
            return;
        }
        let room = self.block * self.engines.len();
        while !content.is_empty() {
            if self.held.len() == room {
                self.compress_held(false, out);
            }
            let (now, rest) = content.split_at(content.len().min(room - self.held.len()));
            self.held.extend_from_slice(now);
            content = rest;
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        match (self.processes, self.engines.first_mut()) {
            (Processes::One, Some(engine)) => engine.end_block(true, out),
            _ => self.compress_held(true, out),
        }
    }
}
