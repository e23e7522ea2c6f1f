//! Blocks (RFC 1951 3.2): which of the three kinds, and how it is written.

use super::bits::Bits;
use super::header::Header;
use super::huffman::Code;
use super::token::{
    DISTANCE_BASE, DISTANCE_EXTRA, DISTANCES, END, LENGTH_BASE, LENGTH_EXTRA, LENGTH_SYMBOL, LITERALS, Token,
    distance_symbol,
};

/// The largest stored block, in bytes.
pub(super) const STORED_MAX: usize = 65_535;

const LENGTHS_FROM: usize = 257;

/// Writes blocks, none of them marked as the last.
pub(super) struct Blocks {
    bits: Bits,
    fixed: (Code<LITERALS>, Code<DISTANCES>),
}

/// How often each symbol occurs in a block.
struct Counts {
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
}

impl Blocks {
    pub(super) fn new() -> Self {
        // All 288 symbols of the fixed code have lengths; the two that never occur come last and change no other code.
        let literals = std::array::from_fn(|symbol| match symbol {
            0..144 => 8,
            144..256 => 9,
            256..280 => 7,
            _ => 8,
        });
        Self { bits: Bits::default(), fixed: (fixed_literals(literals), Code::of_lengths([5; DISTANCES])) }
    }

    /// The smallest of the three kinds. `content` is what the tokens mean, where all of it is at hand; only then it may be stored.
    pub(super) fn smallest(&mut self, tokens: &[Token], content: Option<&[u8]>, out: &mut Vec<u8>) {
        let counts = Counts::of_tokens(tokens);
        let header = counts.header();
        let (fixed, dynamic) = (3 + counts.cost(&self.fixed.0, &self.fixed.1), counts.dynamic_cost(&header));
        let (best, extra) = (fixed.min(dynamic), counts.extra_bits());
        if let Some(content) = content.filter(|c| c.len() <= STORED_MAX && stored_cost(c.len()) < best + extra) {
            return self.stored(content, out);
        }
        if dynamic < fixed {
            header.write(&mut self.bits, out);
            put_tokens(&mut self.bits, tokens, &header.literals, &header.distances, best + extra, out);
        } else {
            self.bits.put(0b010, 3, out);
            put_tokens(&mut self.bits, tokens, &self.fixed.0, &self.fixed.1, best + extra, out);
        }
    }

    /// Level 1's choice: own codes, or stored where they save less than about a sixteenth. Extra bits are not counted.
    pub(super) fn dynamic(&mut self, tokens: &[Token], content: &[u8], out: &mut Vec<u8>) {
        let counts = Counts::of_tokens(tokens);
        let header = counts.header();
        let cost = counts.dynamic_cost(&header);
        if stored_cost(content.len()) < cost + (cost >> 4) {
            return self.stored(content, out);
        }
        header.write(&mut self.bits, out);
        let expected = cost + counts.extra_bits();
        put_tokens(&mut self.bits, tokens, &header.literals, &header.distances, expected, out);
    }

    /// Own codes for bytes without any match, or stored where they save less than about a sixteenth.
    pub(super) fn huffman(&mut self, content: &[u8], out: &mut Vec<u8>) {
        let counts = Counts::of_bytes(content);
        let header = counts.header();
        let cost = counts.dynamic_cost(&header);
        if stored_cost(content.len()) < cost + (cost >> 4) {
            return self.stored(content, out);
        }
        header.write(&mut self.bits, out);
        let codes = merged(&header.literals);
        let of = |symbol: usize| codes.get(symbol).copied().unwrap_or_default();
        let all = content.iter().map(|byte| of(usize::from(*byte))).chain([of(END)]);
        self.bits.put_all(all.map(|(bits, n)| (u64::from(bits), n)), cost, out);
    }

    /// The content as it is, at most [`STORED_MAX`] bytes.
    pub(super) fn stored(&mut self, content: &[u8], out: &mut Vec<u8>) {
        self.stored_header(content.len() as u16, false, out);
        out.extend_from_slice(content);
    }

    /// An empty stored block: as `last` the end of the stream, otherwise the mark of a flush.
    pub(super) fn empty(&mut self, last: bool, out: &mut Vec<u8>) {
        self.stored_header(0, last, out);
    }

    fn stored_header(&mut self, len: u16, last: bool, out: &mut Vec<u8>) {
        self.bits.put(u32::from(last), 3, out);
        self.bits.align(out);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
    }
}

/// In bits. Four bytes of lengths, and the kind, which is taken as a whole byte.
fn stored_cost(len: usize) -> usize {
    (len + 5) * 8
}

fn fixed_literals(lengths: [u8; 288]) -> Code<LITERALS> {
    let all = Code::of_lengths(lengths);
    Code { lengths: std::array::from_fn(|i| all.lengths[i]), bits: std::array::from_fn(|i| all.bits[i]) }
}

impl Counts {
    fn of_tokens(tokens: &[Token]) -> Self {
        let mut out = Self { literals: [0; LITERALS], distances: [0; DISTANCES] };
        // By length, not yet by symbol: one look-up less for each token.
        let mut lengths = [0_u32; 256];
        let mut distances = [0_u32; 32];
        for token in tokens {
            if let Some(byte) = token.as_literal() {
                out.literals[usize::from(byte)] += 1;
            } else {
                lengths[usize::from(token.length())] += 1;
                distances[distance_symbol(token.distance())] += 1;
            }
        }
        for (length, count) in lengths.iter().enumerate() {
            out.literals[LENGTHS_FROM + usize::from(LENGTH_SYMBOL[length])] += count;
        }
        out.distances.copy_from_slice(&distances[..DISTANCES]);
        out.literals[END] = 1;
        // A block without matches still says one distance code.
        if out.distances.iter().all(|count| *count == 0) {
            out.distances[0] = 1;
        }
        out
    }

    fn of_bytes(content: &[u8]) -> Self {
        let mut out = Self { literals: [0; LITERALS], distances: [0; DISTANCES] };
        // Four tables: equal bytes in a row do not wait for each other.
        let mut tables = [[0_u32; 256]; 4];
        for four in content.chunks(4) {
            for (table, byte) in tables.iter_mut().zip(four) {
                table[usize::from(*byte)] += 1;
            }
        }
        for (i, place) in out.literals.iter_mut().take(256).enumerate() {
            *place = tables.iter().map(|table| table[i]).sum();
        }
        (out.literals[END], out.distances[0]) = (1, 1);
        out
    }

    fn header(&self) -> Header {
        Header::new(Code::new(&self.literals, 15), Code::new(&self.distances, 15))
    }

    /// In bits, without extra bits.
    fn cost(&self, literals: &Code<LITERALS>, distances: &Code<DISTANCES>) -> usize {
        literals.cost(&self.literals) + distances.cost(&self.distances)
    }

    fn dynamic_cost(&self, header: &Header) -> usize {
        header.cost() + self.cost(&header.literals, &header.distances)
    }

    fn extra_bits(&self) -> usize {
        let sum = |counts: &[u32], extra: &[u8]| {
            counts.iter().zip(extra).map(|(count, extra)| *count as usize * usize::from(*extra)).sum::<usize>()
        };
        sum(&self.literals[LENGTHS_FROM..], &LENGTH_EXTRA) + sum(&self.distances, &DISTANCE_EXTRA)
    }
}

/// Bits and length of each code, side by side.
fn merged<const N: usize>(code: &Code<N>) -> [(u32, u32); N] {
    std::array::from_fn(|i| (u32::from(code.bits[i]), u32::from(code.lengths[i])))
}

/// Writes the tokens and the end of the block, at most `expected` bits.
fn put_tokens(
    bits: &mut Bits,
    tokens: &[Token],
    literals: &Code<LITERALS>,
    distances: &Code<DISTANCES>,
    expected: usize,
    out: &mut Vec<u8>,
) {
    let codes = merged(literals);
    // A code of 15 bits at most with its 5 extra bits at most.
    let lengths: [(u32, u32); 256] = std::array::from_fn(|length| {
        let symbol = usize::from(LENGTH_SYMBOL[length]);
        let (code, n) = codes[LENGTHS_FROM + symbol];
        let extra = length as u32 - u32::from(LENGTH_BASE[symbol]);
        (code | extra << n, n + u32::from(LENGTH_EXTRA[symbol]))
    });
    // 32 places, so that no symbol is out of bounds: code, its length, base, extra bits.
    let mut ways = [(0_u32, 0_u32, 0_u32, 0_u32); 32];
    for (symbol, (code, n)) in merged(distances).into_iter().enumerate() {
        ways[symbol] = (code, n, u32::from(DISTANCE_BASE[symbol]), u32::from(DISTANCE_EXTRA[symbol]));
    }
    let all = tokens.iter().map(|token| {
        if let Some(byte) = token.as_literal() {
            let (code, n) = codes[usize::from(byte)];
            return (u64::from(code), n);
        }
        let (length, n) = lengths[usize::from(token.length())];
        let (code, code_bits, base, extra_bits) = ways[distance_symbol(token.distance())];
        let distance = u64::from(code) | u64::from(token.distance() - base) << code_bits;
        (u64::from(length) | distance << n, n + code_bits + extra_bits)
    });
    let (end, n) = codes[END];
    bits.put_all(all.chain([(u64::from(end), n)]), expected, out);
}
