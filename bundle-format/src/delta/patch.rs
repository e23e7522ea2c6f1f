//! The parts of a patch after its head (spec/delta.md section 3.3): parameters, and where the sections are.

use super::bytes::{Bytes, Cursor};
use super::header::Header;
use super::model::literal::Literal;
use super::{DeltaError, model};
use std::io::Read;

/// Most sections of corrections.
pub const CORRECTIONS: usize = 1 << 16;
/// Largest tables of the literals' model: 2 to this lines each.
pub const LITERAL_BITS: u8 = 18;
/// Most bytes that go through the literals' model.
pub const LITERALS: u64 = 64 << 20;
/// Largest window of the section that is compressed with Zstandard: 2 to this bytes.
pub const WINDOW_BITS: u8 = 27;
/// What rebuilding takes in any case: the models' tables, buffers, compressors.
const FIXED: u64 = 48 << 20;

/// How a patch is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// The literals' model has tables of 2 to this lines.
    pub literal_bits: u8,
    /// Bytes that go through the literals' model.
    pub literals: u64,
    /// The Zstandard section has a window of 2 to this bytes.
    pub window_bits: u8,
    /// Bytes of the target's content.
    pub content: u64,
}

impl Parameters {
    /// Bytes of memory that rebuilding takes.
    #[must_use]
    pub fn memory(&self) -> u64 {
        let literal = Literal::memory(u32::from(self.literal_bits)).saturating_add(self.literals);
        FIXED.saturating_add(literal).saturating_add(1 << self.window_bits.min(WINDOW_BITS))
    }

    /// As they are written.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut out = vec![self.literal_bits, self.window_bits];
        out.extend_from_slice(&self.literals.to_le_bytes());
        out.extend_from_slice(&self.content.to_le_bytes());
        out
    }
}

/// A patch whose parts are known.
pub struct Patch<'a> {
    bytes: &'a dyn Bytes,
    /// Its head.
    pub header: Header,
    /// How it is coded.
    pub parameters: Parameters,
    /// Begin and end of the steps, of what Zstandard compressed, and of each stream's corrections.
    sections: Vec<(u64, u64)>,
}

impl<'a> Patch<'a> {
    /// Finds the parts of `bytes`.
    ///
    /// # Errors
    /// [`DeltaError::Malformed`], or reading fails.
    pub fn open(bytes: &'a dyn Bytes) -> Result<Self, DeltaError> {
        let mut input = std::io::BufReader::new(Cursor::new(bytes, 0, bytes.len()));
        let header = Header::read(&mut input)?;
        let mut fixed = [0; 18];
        input.read_exact(&mut fixed)?;
        let number = |at: usize| fixed[at..].first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
        let parameters =
            Parameters { literal_bits: fixed[0], window_bits: fixed[1], literals: number(2), content: number(10) };
        if parameters.literal_bits > LITERAL_BITS
            || parameters.window_bits > WINDOW_BITS
            || parameters.literals > LITERALS
            || parameters.memory() > header.memory
        {
            return Err(DeltaError::Malformed("it needs more memory than it says, or than any patch may"));
        }
        // DEFLATE makes at most 1032 bytes of one, Zstandard more, of zeros; layers are not made of these.
        if parameters.content > header.size.saturating_mul(20_000).saturating_add(1 << 20) {
            return Err(DeltaError::Malformed("its content is too large for what it makes"));
        }
        let mut count = [0; 4];
        input.read_exact(&mut count)?;
        let count = u32::from_le_bytes(count) as usize;
        if !(2..=CORRECTIONS).contains(&count) {
            return Err(DeltaError::Malformed("it has too few or too many sections"));
        }
        let mut lengths = Vec::new();
        for _ in 0..count {
            let mut length = [0; 8];
            input.read_exact(&mut length)?;
            lengths.push(u64::from_le_bytes(length));
        }
        let mut at = header.to_bytes().len() as u64 + 22 + 8 * count as u64;
        let mut sections = Vec::new();
        for length in lengths {
            let end = at.checked_add(length).filter(|end| *end <= bytes.len());
            let end = end.ok_or(DeltaError::Malformed("a section ends after the patch"))?;
            sections.push((at, end));
            at = end;
        }
        if at != bytes.len() {
            return Err(DeltaError::Malformed("there are bytes after its sections"));
        }
        Ok(Self { bytes, header, parameters, sections })
    }

    /// The steps.
    #[must_use]
    pub fn script(&self) -> Cursor<'a, dyn Bytes + 'a> {
        self.section(0)
    }

    /// New bytes, compressed with Zstandard.
    #[must_use]
    pub fn raw(&self) -> Cursor<'a, dyn Bytes + 'a> {
        self.section(1)
    }

    /// The corrections of the `n`th stream that has some.
    #[must_use]
    pub fn corrections(&self, n: usize) -> Option<Cursor<'a, dyn Bytes + 'a>> {
        (n + 2 < self.sections.len()).then(|| self.section(n + 2))
    }

    fn section(&self, n: usize) -> Cursor<'a, dyn Bytes + 'a> {
        let (at, end) = self.sections[n];
        Cursor::new(self.bytes, at, end)
    }
}

/// Reads what the differing-bytes model looks at of the region at `source`: up to [`model::diff::MARGIN`] more on both sides.
/// Returns the bytes and where the region begins in them.
pub fn with_margin(space: &dyn Bytes, source: u64, len: u64) -> Result<(Vec<u8>, usize), DeltaError> {
    let end = source.checked_add(len).filter(|end| *end <= space.len());
    let end = end.ok_or(DeltaError::Malformed("a step copies from outside of the sources"))?;
    let from = source.saturating_sub(model::diff::MARGIN);
    let to = (end + model::diff::MARGIN).min(space.len());
    let mut bytes = vec![0; (to - from) as usize];
    space.read_at(from, &mut bytes)?;
    Ok((bytes, (source - from) as usize))
}
