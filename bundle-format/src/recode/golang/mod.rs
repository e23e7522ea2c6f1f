//! What Go's `compress/flate` makes, up to Go 1.26: the compressor of `docker build`, and of most older tools in Go. Go before 1.16
//! may differ in rare blocks of level 1 and of Huffman only; Go 1.27 has another compressor.
//!
//! `spec/compressors/go.md` says what is done here and why. Vectors: `spec/vectors/compressors/go.tsv`.

mod bits;
mod block;
mod chains;
mod fast;
mod header;
mod huffman;
mod level;
#[cfg(test)]
mod tests;
mod token;

use block::{Blocks, STORED_MAX};
use chains::Chains;
use fast::Fast;
pub use level::{Level, LevelError};

use super::Compressor;

/// Go's DEFLATE compressor, as `flate.NewWriter` makes it. Raw data: no gzip header, no trailer.
///
/// The output is that of a single `Write` of all content between two flushes. With Go's own writer, cuts can show: only if a
/// write ends one byte before its window is full (`spec/compressors/go.md`). Memory: below 0.6 MiB.
pub struct Go {
    blocks: Blocks,
    engine: Engine,
}

enum Engine {
    /// Whole blocks of bytes, stored or with codes only.
    Plain {
        held: Vec<u8>,
        huffman: bool,
    },
    Fast(Fast),
    Chains(Chains),
}

impl Go {
    /// A compressor of this level with nothing written.
    #[must_use]
    pub fn new(level: Level) -> Self {
        let engine = match level.search() {
            Some(search) => Engine::Chains(Chains::new(search)),
            None if level == Level::BEST_SPEED => Engine::Fast(Fast::new()),
            None => Engine::Plain { held: Vec::new(), huffman: level == Level::HUFFMAN_ONLY },
        };
        Self { blocks: Blocks::new(), engine }
    }

    /// Go's `Flush`: what was written can be read after it. Appends an empty stored block even if nothing was written.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.end_block(out);
        self.blocks.empty(false, out);
    }

    fn end_block(&mut self, out: &mut Vec<u8>) {
        match &mut self.engine {
            Engine::Plain { held, huffman } if !held.is_empty() => plain(held, *huffman, &mut self.blocks, out),
            Engine::Plain { .. } => {}
            Engine::Fast(fast) => fast.flush(&mut self.blocks, out),
            Engine::Chains(chains) => chains.flush(&mut self.blocks, out),
        }
    }
}

fn plain(held: &mut Vec<u8>, huffman: bool, blocks: &mut Blocks, out: &mut Vec<u8>) {
    if huffman {
        blocks.huffman(held, out);
    } else {
        blocks.stored(held, out);
    }
    held.clear();
}

impl Compressor for Go {
    fn write(&mut self, mut content: &[u8], out: &mut Vec<u8>) {
        match &mut self.engine {
            Engine::Plain { held, huffman } => {
                while !content.is_empty() {
                    let (now, later) = content.split_at(content.len().min(STORED_MAX - held.len()));
                    held.extend_from_slice(now);
                    content = later;
                    if held.len() == STORED_MAX {
                        plain(held, *huffman, &mut self.blocks, out);
                    }
                }
            }
            Engine::Fast(fast) => fast.write(content, &mut self.blocks, out),
            Engine::Chains(chains) => chains.write(content, &mut self.blocks, out),
        }
    }

    /// Go's `Close`.
    fn finish(&mut self, out: &mut Vec<u8>) {
        self.end_block(out);
        self.blocks.empty(true, out);
    }
}

/// A table on the heap, which never was on the stack.
fn boxed<T: Copy, const N: usize>(value: T) -> Box<[T; N]> {
    vec![value; N].into_boxed_slice().try_into().unwrap_or_else(|_| Box::new([value; N]))
}
