//! Huffman codes of a limited length, with the choices between equals that decide about bits.

/// The longest code of a literal, a length or a distance (RFC 1951, 3.2.7).
pub(super) const LONGEST: usize = 15;
/// More symbols than any alphabet of DEFLATE has.
const MOST: usize = 288;

/// What is sent for a symbol: its bits in the order of sending, and how many; none where the symbol does not occur.
#[derive(Clone, Copy, Default)]
pub(super) struct Symbol {
    pub(super) bits: u16,
    pub(super) len: u8,
}

/// A code for an alphabet of `N` symbols.
#[derive(Clone)]
pub(super) struct Code<const N: usize>([Symbol; N]);

impl<const N: usize> Code<N> {
    /// Without a code for any symbol.
    pub(super) const fn none() -> Self {
        Self([Symbol { bits: 0, len: 0 }; N])
    }

    /// The code that lengths define (RFC 1951, 3.2.2).
    pub(super) fn canonical(lengths: [u8; N]) -> Self {
        let mut next = [0_u16; LONGEST + 2];
        for len in lengths {
            if len != 0 {
                next[usize::from(len) + 1] += 1;
            }
        }
        for len in 1..next.len() {
            next[len] += next[len - 1];
            next[len] <<= 1;
        }
        Self(lengths.map(|len| {
            if len == 0 {
                return Symbol::default();
            }
            let bits = next[usize::from(len)].reverse_bits() >> (16 - len);
            next[usize::from(len)] += 1;
            Symbol { bits, len }
        }))
    }

    /// The best code for `counts` with at most `longest` bits. Of two sums as small, the one that was made by adding comes
    /// before the one that is a symbol; of two symbols as rare, the lower one.
    pub(super) fn best(counts: &[u16; N], longest: usize) -> Self {
        let mut order = [0_u32; N];
        let mut n = 0;
        for (symbol, count) in counts.iter().enumerate() {
            if *count != 0 {
                order[n] = u32::from(*count) << 16 | symbol as u32;
                n += 1;
            }
        }
        let order = &mut order[..n];
        let mut lengths = [0; N];
        if n <= 2 {
            for key in order {
                lengths[(*key & 0xffff) as usize] = 1;
            }
            return Self::canonical(lengths);
        }
        order.sort_unstable();
        let mut commonest_first = order.iter().rev();
        for (len, count) in how_many(order, longest.min(n - 1)).into_iter().enumerate() {
            for key in commonest_first.by_ref().take(count) {
                lengths[(*key & 0xffff) as usize] = len as u8;
            }
        }
        Self::canonical(lengths)
    }

    #[inline]
    pub(super) fn symbol(&self, symbol: usize) -> Symbol {
        self.0[symbol]
    }

    /// The bits for all symbols; those without a code count nothing.
    pub(super) fn cost(&self, counts: &[u16; N]) -> u32 {
        self.0.iter().zip(counts).map(|(symbol, count)| u32::from(symbol.len) * u32::from(*count)).sum()
    }

    /// Whether every symbol that occurs has a code.
    pub(super) fn covers(&self, counts: &[u16; N]) -> bool {
        self.0.iter().zip(counts).all(|(symbol, count)| *count == 0 || symbol.len != 0)
    }
}

/// Of how many symbols the code has 0, 1, 2, … bits: package-merge (Larmore and Hirschberg 1990), `depth` rows of the sums
/// of pairs from the row before, merged with the symbols. `order`: counts, in the high 16 bits, from the rarest symbol on.
fn how_many(order: &[u32], depth: usize) -> [usize; LONGEST + 1] {
    let n = order.len();
    let wanted = 2 * n - 2;
    // Of each row: how many symbols are among its first items.
    let mut symbols = [[0_u16; 2 * MOST]; LONGEST];
    let mut row = [0_u32; 2 * MOST];
    let mut before = [0_u32; 2 * MOST];
    let mut pairs = 0;
    for among in symbols.iter_mut().take(depth) {
        let (mut symbol, mut pair, mut used) = (0, 0, 0);
        while used < wanted && (symbol < n || pair < pairs) {
            let sum = if pair < pairs { before[2 * pair] + before[2 * pair + 1] } else { u32::MAX };
            if symbol < n && order[symbol] >> 16 < sum {
                row[used] = order[symbol] >> 16;
                symbol += 1;
            } else {
                row[used] = sum;
                pair += 1;
            }
            used += 1;
            among[used] = symbol as u16;
        }
        pairs = used / 2;
        std::mem::swap(&mut row, &mut before);
    }
    // From the last row down: what was taken there as pairs was taken twice as often in the row before.
    let mut out = [0; LONGEST + 1];
    let (mut take, mut longer) = (wanted, 0);
    for (len, among) in (1..).zip(symbols[..depth].iter().rev()) {
        let here = usize::from(among[take]);
        if len > 1 {
            out[len - 1] = longer - here;
        }
        longer = here;
        take = 2 * (take - here);
    }
    out[depth] = longer;
    out
}
