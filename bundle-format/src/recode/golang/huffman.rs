//! Huffman codes of limited length, with Go's choice among those that are equally good.

use super::token::LITERALS;

/// The longest code that the format allows.
const MAX_BITS: usize = 15;
/// A package-merge list has fewer than twice as many items as there are symbols.
const ITEMS: usize = 2 * LITERALS;

/// A code for `N` symbols: for each its length (0: has none) and its bits, already in the order of the stream.
#[derive(Clone)]
pub(super) struct Code<const N: usize> {
    pub(super) lengths: [u8; N],
    pub(super) bits: [u16; N],
}

impl<const N: usize> Code<N> {
    /// The best code for these counts in which no length is above `max_bits`.
    ///
    /// One or two symbols get one bit each: a single code is legal (RFC 1951 3.2.7), though others write two.
    pub(super) fn new(counts: &[u32; N], max_bits: usize) -> Self {
        let mut keys = [0_u64; LITERALS];
        let mut n = 0;
        for (symbol, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            keys[n] = u64::from(*count) << 16 | symbol as u64;
            n += 1;
        }
        let keys = &mut keys[..n];
        let mut lengths = [0; N];
        if n <= 2 {
            keys.iter().for_each(|key| lengths[symbol_of(*key)] = 1);
        } else {
            keys.sort_unstable();
            let at_least = leaves_by_level(keys, max_bits.min(MAX_BITS).min(n - 1));
            // The rarest symbols come first, and are leaves on the most levels.
            for (rank, key) in keys.iter().enumerate() {
                lengths[symbol_of(*key)] = at_least.iter().filter(|leaves| usize::from(**leaves) > rank).count() as u8;
            }
        }
        Self::of_lengths(lengths)
    }

    /// The code that these lengths mean (RFC 1951 3.2.2).
    pub(super) fn of_lengths(lengths: [u8; N]) -> Self {
        let mut next = [0_u16; MAX_BITS + 2];
        for length in lengths.iter().filter(|length| **length > 0) {
            next[usize::from(*length) + 1] += 1;
        }
        for bits in 1..next.len() {
            next[bits] = (next[bits] + next[bits - 1]) << 1;
        }
        let mut bits = [0; N];
        for (place, length) in bits.iter_mut().zip(lengths).filter(|(_, length)| *length > 0) {
            let code = &mut next[usize::from(length)];
            *place = code.reverse_bits() >> (16 - u32::from(length));
            *code += 1;
        }
        Self { lengths, bits }
    }

    /// The bits of everything that was counted, without extra bits.
    pub(super) fn cost(&self, counts: &[u32; N]) -> usize {
        counts.iter().zip(self.lengths).map(|(count, length)| *count as usize * usize::from(length)).sum()
    }
}

fn symbol_of(key: u64) -> usize {
    (key & 0xffff) as usize
}

/// Package-merge (Larmore, Hirschberg 1990): how many of the rarest symbols are leaves on each level, which is how many have a
/// code of at least that many bits counted from the other end.
///
/// On every level the symbols are merged with the pairs of the level before; of a pair and a symbol of one weight the pair comes
/// first, and that decides among codes of one cost. `keys` ascend, with the count above 16 bits; there are at least three.
fn leaves_by_level(keys: &[u64], levels: usize) -> [u16; MAX_BITS] {
    let n = keys.len();
    // leaves[level][i]: leaves among the first i items.
    let mut leaves = [[0_u16; ITEMS + 1]; MAX_BITS];
    let mut list = [0_u32; ITEMS];
    for (i, key) in keys.iter().enumerate() {
        list[i] = (key >> 16) as u32;
        leaves[0][i + 1] = i as u16 + 1;
    }
    let mut len = n;
    for row in leaves.iter_mut().take(levels).skip(1) {
        let mut merged = [0_u32; ITEMS];
        let (pairs, mut pair, mut leaf) = (len / 2, 0, 0);
        len = n + pairs;
        for i in 0..len {
            let weight = |leaf: usize| keys.get(leaf).map_or(u32::MAX, |key| (key >> 16) as u32);
            let paired = if pair < pairs { list[2 * pair] + list[2 * pair + 1] } else { u32::MAX };
            if leaf >= n || (pair < pairs && paired <= weight(leaf)) {
                merged[i] = paired;
                pair += 1;
            } else {
                merged[i] = weight(leaf);
                leaf += 1;
            }
            row[i + 1] = leaf as u16;
        }
        list = merged;
    }
    let (mut out, mut taken) = ([0; MAX_BITS], 2 * n - 2);
    for level in (0..levels).rev() {
        out[level] = leaves[level][taken.min(ITEMS)];
        taken = 2 * (taken - usize::from(out[level]).min(taken));
    }
    out
}
