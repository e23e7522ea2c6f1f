//! Headers of tar archives (spec/delta.md section 5.6): field by field, each mostly the source's, or the one before, or computed.

use super::coder::Coder;
use super::number::{ByteTree, Flag};

/// Bytes of a header.
pub const HEADER: usize = 512;

/// Offset and bytes of each field (POSIX.1-2017, pax, ustar interchange format); `CHECKSUM` is the one that is computed.
const FIELDS: [(usize, usize); 17] = [
    (0, 100),
    (100, 8),
    (108, 8),
    (116, 8),
    (124, 12),
    (136, 12),
    (148, 8),
    (156, 1),
    (157, 100),
    (257, 6),
    (263, 2),
    (265, 32),
    (297, 32),
    (329, 8),
    (337, 8),
    (345, 155),
    (500, 12),
];
const CHECKSUM: usize = 6;

/// A tar header.
pub type Block = [u8; HEADER];

/// The checksum field as Go, GNU tar and libarchive write it: six octal digits, NUL, space.
fn checksum(block: &Block) -> [u8; 8] {
    let (at, len) = FIELDS[CHECKSUM];
    let all: u32 = block.iter().map(|b| u32::from(*b)).sum();
    let own: u32 = block[at..at + len].iter().map(|b| u32::from(*b)).sum();
    let mut sum = all - own + 8 * u32::from(b' ');
    let mut field = *b"000000\0 ";
    for digit in field[..6].iter_mut().rev() {
        *digit = b'0' + (sum & 7) as u8;
        sum >>= 3;
    }
    field
}

/// Bytes of content that follow a header, padding included: 0 if the header does not say, or nothing follows.
pub fn content_of(block: &Block) -> u64 {
    let field = &block[124..136];
    let size = match field[0] {
        0x80 => field[4..].iter().fold(0, |n, b| n << 8 | u64::from(*b)),
        _ => {
            let digits = field.iter().skip_while(|b| **b == b' ').take_while(|b| (b'0'..=b'7').contains(*b));
            digits.fold(0_u64, |n, b| n << 3 | u64::from(b - b'0'))
        }
    };
    // Links, devices and folders have no content, whatever they say.
    match block[156] {
        b'1'..=b'6' => 0,
        _ => size.min(1 << 50).next_multiple_of(HEADER as u64),
    }
}

/// The model. Memory: 200 KiB.
#[derive(Debug)]
pub struct TarHead {
    same: Flag<{ 17 * 4 }>,
    as_last: Flag<{ 17 * 4 }>,
    as_source: Flag<{ 17 * 8 }>,
    byte_as_last: Flag<{ 17 * 8 }>,
    bytes: Vec<ByteTree>,
    computed: Flag<1>,
    /// The header before, and how its fields came about.
    last: Block,
    was_same: [usize; 17],
    was_last: [usize; 17],
}

impl Default for TarHead {
    fn default() -> Self {
        Self {
            same: Flag::default(),
            as_last: Flag::default(),
            as_source: Flag::default(),
            byte_as_last: Flag::default(),
            bytes: (0..17).map(|_| ByteTree::default()).collect(),
            computed: Flag::default(),
            last: [0; HEADER],
            was_same: [0; 17],
            was_last: [0; 17],
        }
    }
}

impl TarHead {
    /// Codes a header that resembles `source`.
    pub fn code(&mut self, coder: &mut impl Coder, source: &Block, block: &Block) -> Block {
        let mut out = [0; HEADER];
        for (f, (at, len)) in FIELDS.into_iter().enumerate().filter(|(f, _)| *f != CHECKSUM) {
            let range = at..at + len;
            let (old, last, new) = (&source[range.clone()], &self.last[range.clone()], &block[range.clone()]);
            let same = self.same.code(coder, f * 4 + self.was_same[f], new == old);
            self.was_same[f] = (self.was_same[f] << 1 | usize::from(same)) & 3;
            if same {
                out[range].copy_from_slice(old);
                continue;
            }
            let as_last = self.as_last.code(coder, f * 4 + self.was_last[f], new == last);
            self.was_last[f] = (self.was_last[f] << 1 | usize::from(as_last)) & 3;
            if as_last {
                out[range].copy_from_slice(last);
                continue;
            }
            let mut context = 0;
            for i in 0..len {
                let of = f * 8 + (context & 7);
                let hit = self.byte_as_last.code(coder, of, new[i] == last[i]);
                let mut byte = last[i];
                if !hit {
                    let hit = old[i] != last[i] && self.as_source.code(coder, of, new[i] == old[i]);
                    byte = if hit { old[i] } else { self.bytes[f].code(coder, new[i]) };
                }
                context = context << 1 | usize::from(hit);
                out[at + i] = byte;
            }
        }
        let (at, len) = FIELDS[CHECKSUM];
        let sum = checksum(&out);
        let given = &block[at..at + len];
        match self.computed.code(coder, 0, given == sum) {
            true => out[at..at + len].copy_from_slice(&sum),
            false => {
                for i in 0..len {
                    out[at + i] = self.bytes[CHECKSUM].code(coder, given[i]);
                }
            }
        }
        self.last = out;
        out
    }
}
