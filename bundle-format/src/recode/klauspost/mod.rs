//! DEFLATE as github.com/klauspost/compress/flate makes it, and since 1.27 the Go standard library
//! (spec/compressors/klauspost.md).

mod bits;
mod blocks;
mod code;
mod family;
mod fast;
mod header;
mod lazy;
mod tokens;

#[cfg(test)]
mod tests;

use super::Compressor;
use blocks::{Blocks, STORED};
use family::Way;
pub use family::{Family, Level, LevelError};
use fast::Fast;
use lazy::Lazy;
use tokens::Tokens;

/// What levels without matches take as a block.
const HUFFMAN_BLOCK: usize = 1 << 15;
/// Behind a flush, less than this is no block for the search, and up to that it is stored.
const SMALL: usize = 128;
const TINY: usize = 32;

/// A compressor of one family at one level. Memory: below 2 MiB.
pub struct Klauspost {
    blocks: Blocks,
    engine: Engine,
}

enum Engine {
    /// A buffer of so many bytes that is stored, or coded without matches.
    Plain {
        buffer: Vec<u8>,
        size: usize,
    },
    Fast {
        buffer: Vec<u8>,
        fast: Box<Fast>,
        tokens: Box<Tokens>,
    },
    Lazy(Box<Lazy>),
}

impl Klauspost {
    /// As a writer that was just made.
    #[must_use]
    pub fn new(family: Family, level: Level) -> Self {
        let (penalty, engine) = match family.way(level) {
            Way::Store => (0, Engine::Plain { buffer: Vec::new(), size: STORED }),
            Way::Huffman => (10, Engine::Plain { buffer: Vec::new(), size: HUFFMAN_BLOCK }),
            Way::Fast(level) => {
                let fast = Box::new(Fast::new(level, family.misjudges()));
                (7, Engine::Fast { buffer: Vec::with_capacity(STORED), fast, tokens: Box::new(Tokens::new()) })
            }
            Way::Lazy(level) => (8, Engine::Lazy(Box::new(Lazy::new(family, level)))),
        };
        Self { blocks: Blocks::new(penalty, family.trims()), engine }
    }

    /// As a writer that was made with a dictionary: matches refer to its last 32 KiB, where the level looks for matches.
    #[must_use]
    pub fn with_dictionary(family: Family, level: Level, dictionary: &[u8]) -> Self {
        let mut new = Self::new(family, level);
        match &mut new.engine {
            Engine::Plain { .. } => {}
            Engine::Fast { fast, tokens, .. } => {
                fast.tokens(&dictionary[dictionary.len().saturating_sub(lazy::REACH)..], tokens);
                tokens.clear();
            }
            Engine::Lazy(lazy) => lazy.dictionary(dictionary),
        }
        new
    }

    /// Everything that was written can be read from the output; an empty stored block marks it (a sync flush of zlib).
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.drain(out);
        self.blocks.stored(&[], out);
    }

    /// The block that is not full.
    fn drain(&mut self, out: &mut Vec<u8>) {
        let blocks = &mut self.blocks;
        match &mut self.engine {
            Engine::Plain { buffer, size } => {
                if !buffer.is_empty() {
                    plain(buffer, *size, true, blocks, out);
                }
            }
            Engine::Fast { buffer, fast, .. } if buffer.len() < SMALL => {
                if buffer.is_empty() {
                    return;
                }
                if buffer.len() <= TINY {
                    blocks.stored(buffer, out);
                } else {
                    blocks.literals(buffer, true, out);
                }
                buffer.clear();
                fast.forget();
            }
            Engine::Fast { buffer, fast, tokens } => search(buffer, fast, tokens, true, blocks, out),
            Engine::Lazy(lazy) => lazy.flush(blocks, out),
        }
    }
}

impl Compressor for Klauspost {
    fn write(&mut self, mut content: &[u8], out: &mut Vec<u8>) {
        let blocks = &mut self.blocks;
        // A full block goes out when more content comes, not before: the last one is flushed.
        match &mut self.engine {
            Engine::Plain { buffer, size } => {
                while !content.is_empty() {
                    if buffer.len() == *size {
                        plain(buffer, *size, false, blocks, out);
                    }
                    content = fill(buffer, *size, content);
                }
            }
            Engine::Fast { buffer, fast, tokens } => {
                while !content.is_empty() {
                    if buffer.len() == STORED {
                        search(buffer, fast, tokens, false, blocks, out);
                    }
                    content = fill(buffer, STORED, content);
                }
            }
            Engine::Lazy(lazy) => lazy.write(content, blocks, out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.drain(out);
        self.blocks.last(out);
    }
}

/// Fills the buffer; gives back what found no room.
fn fill<'a>(buffer: &mut Vec<u8>, size: usize, content: &'a [u8]) -> &'a [u8] {
    let (now, later) = content.split_at(content.len().min(size - buffer.len()));
    buffer.extend_from_slice(now);
    later
}

fn plain(buffer: &mut Vec<u8>, size: usize, flush: bool, blocks: &mut Blocks, out: &mut Vec<u8>) {
    if size == STORED {
        blocks.stored(buffer, out);
    } else {
        blocks.literals(buffer, flush, out);
    }
    buffer.clear();
}

fn search(
    buffer: &mut Vec<u8>,
    fast: &mut Fast,
    tokens: &mut Tokens,
    flush: bool,
    blocks: &mut Blocks,
    out: &mut Vec<u8>,
) {
    fast.tokens(buffer, tokens);
    if tokens.len() == 0 {
        blocks.stored(buffer, out);
    } else if tokens.len() > buffer.len() - (buffer.len() >> 4) {
        // Matches saved less than a sixteenth.
        blocks.literals(buffer, flush, out);
    } else {
        blocks.tokens(tokens, Some(buffer), flush, out);
    }
    tokens.clear();
    buffer.clear();
}
