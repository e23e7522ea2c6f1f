//! A block: its symbols, and the shortest of the three ways to write them.

use std::iter::{Peekable, repeat_n};

use super::bits::Bits;
use super::huffman::{self, Code, MAX_BITS};
use super::tables::{
    DISTANCE_BASE, DISTANCE_EXTRA, DISTANCES, END, HEADER_ORDER, LENGTH_BASE, LENGTH_CODE, LENGTH_EXTRA, LENGTHS,
    LITERALS, MIN_MATCH, REPEAT_EXTRA, distance_code,
};

/// The longest code of the lengths of codes.
const MAX_LENGTH_BITS: usize = 7;
/// Symbols between two looks of GNU gzip at how well the block goes.
const LOOK: usize = 4096;

/// The symbols of the block that is being made.
pub struct Block {
    /// A literal, or a match: its length less 3, and its distance above the lowest 8 bits.
    symbols: Vec<u32>,
    literals: [u16; LITERALS],
    distances: [u16; DISTANCES],
    /// The block ends at so many symbols.
    most: usize,
    /// GNU gzip from level 3: the block may end earlier.
    looks: bool,
    matches: usize,
}

impl Block {
    /// An empty block.
    pub fn new(most: usize, looks: bool) -> Self {
        let symbols = Vec::with_capacity(most + 1);
        let mut block = Self { symbols, literals: [0; LITERALS], distances: [0; DISTANCES], most, looks, matches: 0 };
        block.clear();
        block
    }

    /// Starts the next one.
    pub fn clear(&mut self) {
        self.symbols.clear();
        self.literals.fill(0);
        self.distances.fill(0);
        self.literals[END] = 1;
        self.matches = 0;
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    /// Adds a byte; `length` bytes of content are before the search. Returns whether the block ends here.
    #[inline(always)]
    pub fn literal(&mut self, byte: u8, length: usize) -> bool {
        self.symbols.push(u32::from(byte));
        self.literals[usize::from(byte)] += 1;
        self.ends(length)
    }

    /// Adds a match of 3 to 258 bytes at a distance of 1 to 32768; the rest as for a byte.
    #[inline(always)]
    pub fn repeat(&mut self, bytes: usize, distance: usize, length: usize) -> bool {
        let bytes = bytes.wrapping_sub(MIN_MATCH) & 0xff;
        self.symbols.push((distance as u32) << 8 | bytes as u32);
        self.literals[END + 1 + usize::from(LENGTH_CODE[bytes])] += 1;
        self.distances[distance_code(distance.wrapping_sub(1))] += 1;
        self.matches += 1;
        self.ends(length)
    }

    #[inline(always)]
    fn ends(&self, length: usize) -> bool {
        let count = self.symbols.len();
        count == self.most || (self.looks && count.is_multiple_of(LOOK) && self.goes_well(length))
    }

    /// Whether at most half of the symbols are matches, and the content is more than halved, with 8 bits for each symbol and
    /// 5 for each distance.
    #[cold]
    fn goes_well(&self, length: usize) -> bool {
        let of_distances: usize = self
            .distances
            .iter()
            .zip(DISTANCE_EXTRA)
            .map(|(n, extra)| usize::from(*n) * (5 + usize::from(extra)))
            .sum();
        self.matches < self.symbols.len() / 2 && (self.symbols.len() * 8 + of_distances) / 8 < length / 2
    }

    /// Writes the block in the shortest way and starts the next. `stored` is its content, of `length` bytes, if it is still
    /// in the window.
    pub fn write(&mut self, stored: Option<&[u8]>, length: usize, last: bool, bits: &mut Bits, out: &mut Vec<u8>) {
        let (literals, of_literals) = huffman::build(&self.literals, MAX_BITS);
        let (distances, of_distances) = huffman::build(&self.distances, MAX_BITS);
        let header = Header::new(&literals, &distances);

        let lengths = self.literals[END + 1..].iter().zip(LENGTH_EXTRA);
        let extra: u64 =
            lengths.chain(self.distances.iter().zip(DISTANCE_EXTRA)).map(|(n, extra)| times(*n, extra)).sum();
        let fixed: u64 = self.literals.iter().zip(FIXED_LENGTHS).map(|(n, bits)| times(*n, bits)).sum();
        let fixed_distances: u64 = self.distances.iter().map(|n| times(*n, 5)).sum();
        // In bytes, with the three bits of the block's kind.
        let bytes = |bits: u64| (bits + 3).div_ceil(8);
        let own = bytes(header.bits + of_literals + of_distances + extra);
        let fixed = bytes(fixed + fixed_distances + extra);

        let kind = u32::from(last);
        match stored {
            Some(content) if length as u64 + 4 <= own.min(fixed) => store(content, last, bits, out),
            _ if fixed <= own => {
                bits.put(kind | 1 << 1, 3, out);
                self.write_symbols(&FIXED_LITERALS, &FIXED_DISTANCES, bits, out);
            }
            _ => {
                bits.put(kind | 2 << 1, 3, out);
                header.write(literals.last, distances.last, bits, out);
                self.write_symbols(&literals.symbols, &distances.symbols, bits, out);
            }
        }
        self.clear();
        if last {
            bits.align(out);
        }
    }

    fn write_symbols(&self, literals: &Symbols, distances: &Symbols, bits: &mut Bits, out: &mut Vec<u8>) {
        let send = |symbol: usize, code: &Symbols, bits: &mut Bits, out: &mut Vec<u8>| {
            let (value, n) = code[symbol];
            bits.put(u32::from(value), u32::from(n), out);
        };
        for symbol in &self.symbols {
            let (low, distance) = ((symbol & 0xff) as usize, (symbol >> 8) as usize);
            if distance == 0 {
                send(low, literals, bits, out);
                continue;
            }
            let code = usize::from(LENGTH_CODE[low]);
            let (value, n) = literals[END + 1 + code];
            let rest = low as u32 - u32::from(LENGTH_BASE[code]);
            bits.put(u32::from(value) | rest << n, u32::from(n) + u32::from(LENGTH_EXTRA[code]), out);
            let code = distance_code(distance - 1);
            let (value, n) = distances[code];
            let rest = (distance - 1) as u32 - u32::from(DISTANCE_BASE[code]);
            bits.put(u32::from(value) | rest << n, u32::from(n) + u32::from(DISTANCE_EXTRA[code]), out);
        }
        send(END, literals, bits, out);
    }
}

/// A stored block of at most 65535 bytes.
pub fn store(content: &[u8], last: bool, bits: &mut Bits, out: &mut Vec<u8>) {
    bits.put(u32::from(last), 3, out);
    bits.align(out);
    let length = content.len() as u16;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&(!length).to_le_bytes());
    out.extend_from_slice(content);
}

fn times(n: u16, bits: u8) -> u64 {
    u64::from(n) * u64::from(bits)
}

type Symbols = [(u16, u8); LITERALS + 2];

const FIXED_LENGTHS: [u8; LITERALS + 2] = {
    let mut lengths = [8; LITERALS + 2];
    let mut symbol = 144;
    while symbol < 280 {
        lengths[symbol] = if symbol < 256 { 9 } else { 7 };
        symbol += 1;
    }
    lengths
};
static FIXED_LITERALS: Symbols = huffman::assign(&FIXED_LENGTHS, LITERALS + 1);
static FIXED_DISTANCES: Symbols = huffman::assign(&[5; 32], 31);

/// The header of a block with its own codes: the lengths of these codes, run by run, in a code of their own.
struct Header {
    /// Symbols, with what follows each: its bits have the number of [`REPEAT_EXTRA`].
    runs: Vec<(u8, u8)>,
    code: Code,
    /// How many lengths of that code are written.
    count: usize,
    bits: u64,
}

impl Header {
    fn new(literals: &Code, distances: &Code) -> Self {
        let mut runs = Vec::with_capacity(LITERALS + DISTANCES);
        for code in [literals, distances] {
            collect_runs(code.symbols[..=code.last].iter().map(|(_, length)| *length), &mut runs);
        }
        let mut often = [0_u16; LENGTHS];
        for (symbol, _) in &runs {
            often[usize::from(*symbol)] += 1;
        }
        let (code, of_runs) = huffman::build(&often, MAX_LENGTH_BITS);
        let extra: u64 = often.iter().zip(REPEAT_EXTRA).map(|(n, extra)| times(*n, extra)).sum();
        let used = HEADER_ORDER.iter().rposition(|symbol| code.symbols[*symbol].1 > 0).unwrap_or(0);
        let count = used.max(3) + 1;
        Self { runs, code, count, bits: of_runs + extra + 3 * count as u64 + 5 + 5 + 4 }
    }

    fn write(&self, last_literal: usize, last_distance: usize, bits: &mut Bits, out: &mut Vec<u8>) {
        bits.put(last_literal as u32 - 256, 5, out);
        bits.put(last_distance as u32, 5, out);
        bits.put(self.count as u32 - 4, 4, out);
        for symbol in &HEADER_ORDER[..self.count] {
            bits.put(u32::from(self.code.symbols[*symbol].1), 3, out);
        }
        for (symbol, rest) in &self.runs {
            let symbol = usize::from(*symbol);
            let (value, n) = self.code.symbols[symbol];
            bits.put(u32::from(value), u32::from(n), out);
            bits.put(u32::from(*rest), u32::from(REPEAT_EXTRA[symbol]), out);
        }
    }
}

/// Cuts lengths into runs: 16 repeats the one before 3 to 6 times; 17 and 18 are 3 to 10 and 11 to 138 zeros.
fn collect_runs(lengths: impl Iterator<Item = u8>, runs: &mut Vec<(u8, u8)>) {
    let mut lengths = lengths.peekable();
    while let Some(length) = lengths.next() {
        if length == 0 {
            match 1 + count_equal(&mut lengths, 0, 137) {
                few @ ..3 => runs.extend(repeat_n((0, 0), usize::from(few))),
                some @ ..11 => runs.push((17, some - 3)),
                many => runs.push((18, many - 11)),
            }
            continue;
        }
        // At first up to seven: one that stands for itself, and its repeats. Then, if there are more, six repeats at a time.
        let mut first = 1;
        let mut count = count_equal(&mut lengths, length, 6);
        while first + count > 0 {
            if count < 3 {
                runs.extend(repeat_n((length, 0), usize::from(first + count)));
            } else {
                runs.extend(repeat_n((length, 0), usize::from(first)));
                runs.push((16, count - 3));
            }
            first = 0;
            count = count_equal(&mut lengths, length, 6);
        }
    }
}

/// Takes what is equal to `length`, `most` at most.
fn count_equal(lengths: &mut Peekable<impl Iterator<Item = u8>>, length: u8, most: u8) -> u8 {
    let mut count = 0;
    while count < most && lengths.next_if_eq(&length).is_some() {
        count += 1;
    }
    count
}
