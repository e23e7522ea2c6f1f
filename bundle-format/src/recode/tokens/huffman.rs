//! Code words of a prefix code (RFC 1951 3.2.2), to read and to write.

/// Bits that the table answers at once.
const DIRECT: u32 = 10;

/// A code to read with.
pub(super) struct Table {
    /// By the next ten bits: symbol and length of the code word; length 0 where it is longer, or none.
    direct: Vec<u16>,
    /// How many code words have each length.
    counts: [u16; 16],
    /// Symbols in the order of their code words.
    symbols: Vec<u16>,
}

/// What a set of code lengths is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Complete,
    /// One code word, of one bit.
    Single,
    /// No code word at all.
    Empty,
    /// Too many code words, or too few.
    Wrong,
}

impl Table {
    pub(super) fn new(lengths: &[u8]) -> (Self, Shape) {
        let mut counts = [0_u16; 16];
        for &l in lengths {
            counts[usize::from(l & 15)] += 1;
        }
        let used = lengths.len() - usize::from(counts[0]);
        counts[0] = 0;
        let mut left = 1_i32;
        let mut wrong = false;
        for &n in &counts[1..] {
            left = 2 * left - i32::from(n);
            if left < 0 {
                wrong = true;
                left = 0;
            }
        }
        let shape = match (wrong, left, used) {
            (true, ..) => Shape::Wrong,
            (false, 0, _) => Shape::Complete,
            (false, _, 0) => Shape::Empty,
            (false, _, 1) if counts[1] == 1 => Shape::Single,
            _ => Shape::Wrong,
        };
        let mut table = Self { direct: vec![0; 1 << DIRECT], counts, symbols: vec![0; used] };
        if shape != Shape::Wrong {
            table.fill(lengths);
        }
        (table, shape)
    }

    fn fill(&mut self, lengths: &[u8]) {
        let mut places = [0_usize; 16];
        for l in 1..15 {
            places[l + 1] = places[l] + usize::from(self.counts[l]);
        }
        for ((symbol, &l), (code, _)) in lengths.iter().enumerate().zip(code_words(lengths)) {
            if l == 0 {
                continue;
            }
            self.symbols[places[usize::from(l)]] = symbol as u16;
            places[usize::from(l)] += 1;
            if u32::from(l) <= DIRECT {
                for place in self.direct.iter_mut().skip(usize::from(code)).step_by(1 << l) {
                    *place = (symbol as u16) << 4 | u16::from(l);
                }
            }
        }
    }

    /// The symbol that `bits` begin with and its length, or none.
    #[inline]
    pub(super) fn find(&self, bits: u32) -> Option<(u16, u32)> {
        let entry = self.direct[(bits & ((1 << DIRECT) - 1)) as usize];
        if entry & 15 != 0 { Some((entry >> 4, u32::from(entry & 15))) } else { self.find_long(bits) }
    }

    #[cold]
    fn find_long(&self, mut bits: u32) -> Option<(u16, u32)> {
        // Code words of one length are consecutive numbers, and lie above those of shorter ones.
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_usize);
        for l in 1..16 {
            code |= bits & 1;
            bits >>= 1;
            let n = u32::from(self.counts[l]);
            if code.wrapping_sub(first) < n {
                return Some((*self.symbols.get(index + (code - first) as usize)?, l as u32));
            }
            index += n as usize;
            first = (first + n) << 1;
            code <<= 1;
        }
        None
    }
}

/// The code word of every symbol, its first bit lowest, and its length. Lengths that make no code give words that mean nothing.
pub(super) fn code_words(lengths: &[u8]) -> Vec<(u16, u8)> {
    let mut counts = [0_u32; 16];
    for &l in lengths {
        counts[usize::from(l & 15)] += 1;
    }
    counts[0] = 0;
    let mut next = [0_u32; 16];
    for l in 1..16 {
        next[l] = (next[l - 1].wrapping_add(counts[l - 1])) << 1;
    }
    lengths
        .iter()
        .map(|&l| {
            if l == 0 || l > 15 {
                return (0, 0);
            }
            let code = next[usize::from(l)];
            next[usize::from(l)] = code.wrapping_add(1);
            ((code as u16).reverse_bits() >> (16 - u32::from(l)), l)
        })
        .collect()
}

/// The lengths of the fixed codes (RFC 1951 3.2.6).
pub(super) fn fixed() -> ([u8; 288], [u8; 32]) {
    let mut literals = [8_u8; 288];
    literals[144..256].fill(9);
    literals[256..280].fill(7);
    (literals, [5; 32])
}
