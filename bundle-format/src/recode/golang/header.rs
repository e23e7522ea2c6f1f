//! The head of a block with codes of its own (RFC 1951 3.2.7).

use super::bits::Bits;
use super::huffman::Code;
use super::token::{DISTANCES, END, LITERALS};

/// Symbols in which lengths of codes are written: 0 to 15, and three for repeats.
const SYMBOLS: usize = 19;
const REPEAT: u8 = 16;
const FEW_ZEROS: u8 = 17;
const MANY_ZEROS: u8 = 18;

/// In which order the lengths of those symbols' own codes are written.
const ORDER: [usize; SYMBOLS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Two codes, and how they will be written.
pub(super) struct Header {
    pub(super) literals: Code<LITERALS>,
    pub(super) distances: Code<DISTANCES>,
    /// How many lengths are written of each.
    used: (usize, usize),
    /// Symbols with what follows them.
    runs: Vec<(u8, u8)>,
    counts: [u32; SYMBOLS],
    code: Code<SYMBOLS>,
    /// How many lengths of `code` are written.
    code_used: usize,
}

impl Header {
    pub(super) fn new(literals: Code<LITERALS>, distances: Code<DISTANCES>) -> Self {
        let used = (used(&literals.lengths).max(END + 1), used(&distances.lengths).max(1));
        let mut lengths = [0; LITERALS + DISTANCES];
        lengths[..used.0].copy_from_slice(&literals.lengths[..used.0]);
        lengths[used.0..used.0 + used.1].copy_from_slice(&distances.lengths[..used.1]);
        let runs = runs(&lengths[..used.0 + used.1]);
        let mut counts = [0; SYMBOLS];
        runs.iter().for_each(|(symbol, _)| counts[usize::from(*symbol)] += 1);
        let code = Code::new(&counts, 7);
        let code_used = ORDER.iter().rposition(|symbol| counts[*symbol] > 0).map_or(4, |last| (last + 1).max(4));
        Self { literals, distances, used, runs, counts, code, code_used }
    }

    /// Its size in bits.
    pub(super) fn cost(&self) -> usize {
        let extra: u32 = self.runs.iter().map(|(symbol, _)| extra_bits(*symbol)).sum();
        3 + 5 + 5 + 4 + 3 * self.code_used + self.code.cost(&self.counts) + extra as usize
    }

    pub(super) fn write(&self, bits: &mut Bits, out: &mut Vec<u8>) {
        bits.put(0b100, 3, out);
        bits.put((self.used.0 - (END + 1)) as u32, 5, out);
        bits.put((self.used.1 - 1) as u32, 5, out);
        bits.put((self.code_used - 4) as u32, 4, out);
        for symbol in &ORDER[..self.code_used] {
            bits.put(u32::from(self.code.lengths[*symbol]), 3, out);
        }
        for (symbol, extra) in &self.runs {
            let i = usize::from(*symbol);
            bits.put(u32::from(self.code.bits[i]), u32::from(self.code.lengths[i]), out);
            bits.put(u32::from(*extra), extra_bits(*symbol), out);
        }
    }
}

fn used(lengths: &[u8]) -> usize {
    lengths.iter().rposition(|length| *length > 0).map_or(0, |last| last + 1)
}

fn extra_bits(symbol: u8) -> u32 {
    match symbol {
        REPEAT => 2,
        FEW_ZEROS => 3,
        MANY_ZEROS => 7,
        _ => 0,
    }
}

/// Lengths of both codes in a row, as runs, which may go over the border between them.
///
/// Each run is taken from its start as far as it goes: repeats by six, zeros by 138; what is left over below three is written
/// one by one.
fn runs(lengths: &[u8]) -> Vec<(u8, u8)> {
    let mut out = Vec::with_capacity(lengths.len());
    for run in lengths.chunk_by(|a, b| a == b) {
        let (length, mut left) = (run[0], run.len());
        if length == 0 {
            while left >= 11 {
                let n = left.min(138);
                out.push((MANY_ZEROS, (n - 11) as u8));
                left -= n;
            }
            if left >= 3 {
                out.push((FEW_ZEROS, (left - 3) as u8));
                left = 0;
            }
        } else {
            out.push((length, 0));
            left -= 1;
            while left >= 3 {
                let n = left.min(6);
                out.push((REPEAT, (n - 3) as u8));
                left -= n;
            }
        }
        out.extend(std::iter::repeat_n((length, 0), left));
    }
    out
}
