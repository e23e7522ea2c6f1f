//! The header of a block with its own codes (RFC 1951, 3.2.7).

use super::bits::Bits;
use super::code::Code;
use super::tokens::{DISTANCES, LITERALS};

/// The order in which the lengths of the code for lengths are sent.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// Extra bits of the codes that repeat: the length before, a few zeros, many zeros.
const EXTRA_BITS: [u32; 3] = [2, 3, 7];

/// A header that is ready to be sent.
pub(super) struct Header {
    listed: (usize, usize),
    /// Codes of code lengths, and what goes with those that repeat.
    steps: Vec<(usize, u32)>,
    code: Code<19>,
    /// How many lengths of `code` are sent.
    sent: usize,
    /// All its bits, with the three before it.
    pub(super) bits: u32,
}

impl Header {
    /// For the first so many symbols of each code.
    pub(super) fn new(literals: &Code<LITERALS>, distances: &Code<DISTANCES>, listed: (usize, usize)) -> Self {
        let lengths: Vec<u8> = (0..listed.0)
            .map(|symbol| literals.symbol(symbol).len)
            .chain((0..listed.1).map(|symbol| distances.symbol(symbol).len))
            .collect();
        let mut steps = Vec::with_capacity(lengths.len());
        for run in lengths.chunk_by(|a, b| a == b) {
            repeat(usize::from(run[0]), run.len(), &mut steps);
        }
        let mut counts = [0_u16; 19];
        for (code, _) in &steps {
            counts[*code] += 1;
        }
        let code = Code::best(&counts, 7);
        let sent = ORDER.iter().rposition(|code| counts[*code] != 0).map_or(4, |last| (last + 1).max(4));
        let extra: u32 = EXTRA_BITS.iter().zip(&counts[16..]).map(|(bits, count)| bits * u32::from(*count)).sum();
        let bits = 3 + 5 + 5 + 4 + 3 * sent as u32 + code.cost(&counts) + extra;
        Self { listed, steps, code, sent, bits }
    }

    /// Sends it, for a block that is not the last one.
    pub(super) fn send(&self, sink: &mut Bits, out: &mut Vec<u8>) {
        sink.put(0b100, 3, out);
        sink.put(self.listed.0 as u32 - 257, 5, out);
        sink.put(self.listed.1 as u32 - 1, 5, out);
        sink.put(self.sent as u32 - 4, 4, out);
        for code in &ORDER[..self.sent] {
            sink.put(u32::from(self.code.symbol(*code).len), 3, out);
        }
        for (code, extra) in &self.steps {
            sink.symbol(self.code.symbol(*code), out);
            if *code >= 16 {
                sink.put(*extra, EXTRA_BITS[*code - 16], out);
            }
        }
    }
}

/// A run of equal lengths: of zeros as many as can be at once; another length first itself, then up to six again.
fn repeat(len: usize, run: usize, steps: &mut Vec<(usize, u32)>) {
    let mut left = run;
    if len == 0 {
        while left >= 11 {
            let now = left.min(138);
            steps.push((18, now as u32 - 11));
            left -= now;
        }
        if left >= 3 {
            steps.push((17, left as u32 - 3));
            left = 0;
        }
    } else {
        steps.push((len, 0));
        left -= 1;
        while left >= 3 {
            let now = left.min(6);
            steps.push((16, now as u32 - 3));
            left -= now;
        }
    }
    steps.extend(std::iter::repeat_n((len, 0), left));
}
