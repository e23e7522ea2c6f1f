//! Compressors upon compressors: content goes in at the top, the blob comes out at the bottom (spec/delta.md section 6).

use std::io::Write;
use std::sync::mpsc::Receiver;

use flate2::Crc;

use super::DeltaError;
use super::patch::Patch;
use crate::recode::{Compressor, Maker, Opening, Wrapper};

/// Most streams within streams.
const DEPTH: usize = 4;

/// What the one thread sends to the other.
pub enum Message {
    /// Content of the innermost stream.
    Content(Vec<u8>),
    /// A stream begins.
    Open(Opening),
    /// The innermost stream ends.
    Close,
}

/// A stream that is being compressed.
struct Layer {
    compressor: Box<dyn Compressor>,
    check: Check,
    compressed: Vec<u8>,
    /// Bytes of memory that it takes.
    memory: u64,
}

/// What follows the compressed data.
enum Check {
    None,
    Gzip(Crc),
    Zlib(adler2::Adler32),
}

impl Check {
    fn update(&mut self, content: &[u8]) {
        match self {
            Self::None => {}
            Self::Gzip(crc) => crc.update(content),
            Self::Zlib(adler) => adler.write_slice(content),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::None => Vec::new(),
            Self::Gzip(crc) => [crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat(),
            Self::Zlib(adler) => adler.checksum().to_be_bytes().to_vec(),
        }
    }
}

/// The streams that are open, the outermost first.
pub struct Stack<'a> {
    patch: &'a Patch<'a>,
    threads: usize,
    out: &'a mut (dyn Write + Send),
    layers: Vec<Layer>,
    /// How many streams had corrections.
    corrected: usize,
    written: u64,
}

impl<'a> Stack<'a> {
    pub fn new(patch: &'a Patch<'a>, threads: usize, out: &'a mut (dyn Write + Send)) -> Self {
        Self { patch, threads, out, layers: Vec::new(), corrected: 0, written: 0 }
    }

    /// Compresses what comes until the sender is gone.
    pub fn run(mut self, messages: Receiver<Message>) -> Result<(), DeltaError> {
        for message in messages {
            match message {
                Message::Content(content) => self.push(self.layers.len(), &content)?,
                Message::Open(opening) => self.open(&opening)?,
                Message::Close => self.close()?,
            }
        }
        match (self.layers.is_empty(), self.written == self.patch.header.size) {
            (true, true) => Ok(()),
            (false, _) => Err(DeltaError::Malformed("a stream does not end")),
            (_, false) => Err(DeltaError::Malformed("it does not make as many bytes as it says")),
        }
    }

    fn open(&mut self, opening: &Opening) -> Result<(), DeltaError> {
        if self.layers.len() >= DEPTH {
            return Err(DeltaError::Malformed("it has too many streams within streams"));
        }
        let corrections = match opening.recipe.maker {
            Maker::Predicted => {
                self.corrected += 1;
                self.patch.corrections(self.corrected - 1)
            }
            _ => None,
        };
        let memory = opening.recipe.memory().saturating_add(corrections.as_ref().map_or(0, super::Cursor::left));
        let all = self.layers.iter().map(|l| l.memory).fold(memory, u64::saturating_add);
        if all.saturating_add(self.patch.parameters.memory()) > self.patch.header.memory {
            return Err(DeltaError::Malformed("its compressors need more memory than it says"));
        }
        let corrections = corrections.map(super::read_section).transpose()?;
        let compressor = opening.recipe.compressor(self.threads, corrections);
        let compressor = compressor.ok_or(DeltaError::Malformed("it needs a compressor that is not known"))?;
        let (head, check) = match &opening.wrapper {
            Wrapper::Bare => (Vec::new(), Check::None),
            Wrapper::Gzip(head) => (head.clone(), Check::Gzip(Crc::new())),
            Wrapper::Zlib(head) => (head.to_vec(), Check::Zlib(adler2::Adler32::new())),
        };
        self.push(self.layers.len(), &head)?;
        self.layers.push(Layer { compressor, check, compressed: Vec::new(), memory });
        Ok(())
    }

    fn close(&mut self) -> Result<(), DeltaError> {
        let Some(mut layer) = self.layers.pop() else {
            return Err(DeltaError::Malformed("a stream ends that did not begin"));
        };
        layer.compressor.finish(&mut layer.compressed);
        layer.compressed.extend_from_slice(&layer.check.bytes());
        self.push(self.layers.len(), &layer.compressed)
    }

    /// Gives `content` to the innermost of the first `depth` layers, and so on outwards.
    fn push(&mut self, depth: usize, content: &[u8]) -> Result<(), DeltaError> {
        let Some(layer) = depth.checked_sub(1).and_then(|at| self.layers.get_mut(at)) else {
            self.written += content.len() as u64;
            if self.written > self.patch.header.size {
                return Err(DeltaError::Malformed("it makes more bytes than it says"));
            }
            return Ok(self.out.write_all(content)?);
        };
        layer.check.update(content);
        let mut compressed = std::mem::take(&mut layer.compressed);
        layer.compressor.write(content, &mut compressed);
        let pushed = self.push(depth - 1, &compressed);
        compressed.clear();
        self.layers[depth - 1].compressed = compressed;
        pushed
    }
}
