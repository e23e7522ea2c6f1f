//! Writing a patch: steps in, bytes out (spec/delta.md section 3).

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use super::bytes::{Bytes, Cursor, Spool};
use super::header::Header;
use super::machine::{block_at, regions};
use super::model::coder::Encoder;
use super::model::diff::{Diff, Region};
use super::model::literal::Literal;
use super::patch::{CORRECTIONS, Parameters, with_margin};
use super::script::{Script, Step, fitting};
use super::{DeltaError, LITERALS};
use crate::recode::Maker;

/// How to code new bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coding {
    /// The literals' model has tables of 2 to this lines.
    pub literal_bits: u8,
    /// Zstandard's level, for what goes past the model.
    pub level: i32,
    /// Zstandard's window: 2 to this bytes.
    pub window_bits: u8,
}

/// Takes the steps of a patch and codes them. Memory: as for rebuilding, and the coded steps.
pub struct Writer<'a> {
    space: &'a dyn Bytes,
    content: &'a dyn Bytes,
    coding: Coding,
    encoder: Encoder,
    script: Script,
    differ: Diff,
    literal: Literal,
    literals: u64,
    raw: zstd::stream::write::Encoder<'static, File>,
    corrections: Vec<Vec<u8>>,
    /// Bytes of memory of each open stream's compressor and corrections, and the most of all at once.
    open: Vec<u64>,
    compressors: u64,
    /// Streams with corrections that were opened.
    corrected: usize,
}

impl<'a> Writer<'a> {
    /// A patch that copies from `space`, and makes `content`. Large parts go to files without a name in `dir`.
    ///
    /// # Errors
    /// No file can be made there.
    pub fn new(space: &'a dyn Bytes, content: &'a dyn Bytes, coding: Coding, dir: &Path) -> io::Result<Self> {
        let mut raw = zstd::stream::write::Encoder::new(tempfile::tempfile_in(dir)?, coding.level)?;
        raw.window_log(u32::from(coding.window_bits))?;
        raw.long_distance_matching(true)?;
        raw.include_contentsize(false)?;
        Ok(Self {
            space,
            content,
            coding,
            encoder: Encoder::default(),
            script: Script::default(),
            differ: Diff::default(),
            literal: Literal::new(u32::from(coding.literal_bits)),
            literals: 0,
            raw,
            corrections: Vec::new(),
            open: Vec::new(),
            compressors: 0,
            corrected: 0,
        })
    }

    /// Bytes that the model of literals may still take.
    #[must_use]
    pub fn literals_left(&self) -> u64 {
        LITERALS - self.literals
    }

    /// Bytes of the coded steps by now.
    #[must_use]
    pub fn coded(&self) -> usize {
        self.encoder.len()
    }

    /// Adds the corrections of the stream whose [`Step::Open`] comes next among those that have some.
    ///
    /// # Errors
    /// There are more than a patch may have.
    pub fn corrections(&mut self, corrections: &[u8]) -> Result<(), DeltaError> {
        if self.corrections.len() + 2 >= CORRECTIONS || corrections.len() as u64 > super::CORRECTIONS_BYTES {
            return Err(DeltaError::Malformed("it has too many corrections"));
        }
        self.corrections.push(corrections.to_vec());
        Ok(())
    }

    /// Codes an item: steps that belong together, such as those of one file. Of too many it makes several.
    ///
    /// # Errors
    /// Reading fails; the steps break a rule of the format.
    pub fn item(&mut self, steps: &[Step]) -> Result<(), DeltaError> {
        let mut left = steps;
        while !left.is_empty() {
            let (now, rest) = left.split_at(fitting(left).max(1));
            self.fitting(now)?;
            left = rest;
        }
        Ok(())
    }

    fn fitting(&mut self, steps: &[Step]) -> Result<(), DeltaError> {
        let mut at = self.script.offset();
        let alignment = regions(steps, at);
        let space = self.space;
        self.script.item(&mut self.encoder, steps, &|address| block_at(space, address))?;
        for step in steps {
            let len = step.len();
            match step {
                Step::Differ { source, .. } => {
                    let (old, begin) = with_margin(self.space, *source, len)?;
                    let mut new = vec![0; len as usize];
                    self.content.read_at(at, &mut new)?;
                    let region = Region { old: &old, begin, len: new.len(), source: *source, target: at };
                    self.differ.code(&mut self.encoder, &alignment, region, &new, &mut Vec::with_capacity(new.len()));
                }
                Step::Add { .. } => {
                    self.literals += len;
                    if self.literals > LITERALS {
                        return Err(DeltaError::Malformed("it has more literals than the model may take"));
                    }
                    for byte in io::BufReader::new(Cursor::new(self.content, at, at + len)).bytes() {
                        self.literal.code(&mut self.encoder, byte?);
                    }
                }
                Step::Raw { .. } => {
                    io::copy(&mut Cursor::new(self.content, at, at + len), &mut self.raw)?;
                }
                Step::Open(opening) => {
                    let corrections = match opening.recipe.maker {
                        Maker::Predicted => {
                            self.corrected += 1;
                            self.corrections.get(self.corrected - 1).map_or(0, |c| c.len() as u64)
                        }
                        _ => 0,
                    };
                    self.open.push(opening.recipe.memory().saturating_add(corrections));
                    self.compressors = self.compressors.max(self.open.iter().sum());
                }
                Step::Close => drop(self.open.pop()),
                Step::Copy { .. } | Step::Header { .. } => {}
            }
            at += len;
        }
        Ok(())
    }

    /// The patch, with this head; its `memory` is put in here.
    ///
    /// # Errors
    /// Reading or writing fails.
    pub fn finish(mut self, mut header: Header, memory: u64, dir: &Path) -> Result<(Header, Spool), DeltaError> {
        let space = self.space;
        self.script.item(&mut self.encoder, &[], &|address| block_at(space, address))?;
        let parameters = Parameters {
            literal_bits: self.coding.literal_bits,
            literals: self.literals,
            window_bits: self.coding.window_bits,
            content: self.script.offset(),
        };
        header.memory = parameters.memory().saturating_add(self.compressors);
        let script = self.encoder.finish();
        let mut raw = self.raw.finish()?;
        let raw_len = raw.stream_position()?;
        raw.rewind()?;
        let mut head = header.to_bytes();
        head.extend_from_slice(&parameters.to_bytes());
        head.extend_from_slice(&(2 + self.corrections.len() as u32).to_le_bytes());
        let corrections = self.corrections.iter().map(|c| c.len() as u64);
        for length in [script.len() as u64, raw_len].into_iter().chain(corrections) {
            head.extend_from_slice(&length.to_le_bytes());
        }
        let corrections = self.corrections.concat();
        let input = head.as_slice().chain(script.as_slice()).chain(raw.take(raw_len)).chain(corrections.as_slice());
        let bytes = Spool::fill(input, memory, u64::MAX, dir)?;
        Ok((header, bytes))
    }
}

impl std::fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("coding", &self.coding).finish_non_exhaustive()
    }
}

/// Copies everything to `out`.
///
/// # Errors
/// Reading or writing fails.
pub fn copy_all(bytes: &dyn Bytes, out: &mut dyn Write) -> io::Result<u64> {
    io::copy(&mut Cursor::new(bytes, 0, bytes.len()), out)
}
