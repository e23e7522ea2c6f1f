//! zlib, GNU gzip and pigz: their output to the bit, as raw DEFLATE data (spec/compressors/zlib.md).

mod bits;
mod block;
mod engine;
mod huffman;
mod parameters;
mod pigz;
mod tables;
mod window;

#[cfg(test)]
mod tests;

use engine::Engine;

pub use parameters::{Level, MemoryLevel, OutOfRange};
pub use pigz::{BlockSize, Pigz, Processes};

use super::Compressor;

/// zlib's `deflate` with a window of 32 KiB and the default strategy, as Python, Java, libarchive and many others use it.
///
/// Found equal with 1.2.13 and 1.3.1 of zlib. Forks of it that search otherwise (zlib-ng, Cloudflare's, Chromium's) are not meant.
pub struct Zlib {
    engine: Engine<false>,
    flushed: bool,
}

impl Zlib {
    /// At the start of a stream.
    #[must_use]
    pub fn new(level: Level, memory: MemoryLevel) -> Self {
        Self { engine: Engine::zlib(level, memory), flushed: false }
    }

    /// Before any content: matches may reach back into the last 32 KiB of `dictionary`, as after `deflateSetDictionary`.
    pub fn set_dictionary(&mut self, dictionary: &[u8]) {
        self.engine.restart(dictionary);
        self.flushed = false;
    }

    /// `Z_SYNC_FLUSH`: all content so far can be inflated from `out`, which ends with 00 00 ff ff. A second one in a row does
    /// nothing.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        if !self.flushed {
            self.engine.end_block(false, out);
            self.engine.mark(out);
            self.flushed = true;
        }
    }
}

impl Compressor for Zlib {
    fn write(&mut self, content: &[u8], out: &mut Vec<u8>) {
        self.flushed &= content.is_empty();
        self.engine.write(content, out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.engine.end_block(true, out);
    }
}

/// GNU gzip's own compressor, unchanged since 1993 but for reading and headers.
pub struct Gzip {
    engine: Engine<true>,
}

impl Gzip {
    /// At the start of a file.
    #[must_use]
    pub fn new(level: Level) -> Self {
        Self { engine: Engine::gzip(level) }
    }
}

impl Compressor for Gzip {
    fn write(&mut self, content: &[u8], out: &mut Vec<u8>) {
        self.engine.write(content, out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.engine.end_block(true, out);
    }
}
