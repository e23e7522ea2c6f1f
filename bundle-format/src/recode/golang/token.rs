//! What a matcher finds: a literal or a match, in 32 bits, and the symbols of both (RFC 1951 3.2.5).

/// The symbol that ends a block.
pub(super) const END: usize = 256;
/// Symbols for literals, the end and lengths.
pub(super) const LITERALS: usize = 286;
/// Symbols for distances.
pub(super) const DISTANCES: usize = 30;

/// The smallest and the largest length that the format can say.
const SHORTEST: usize = 3;
pub(super) const LONGEST: usize = 258;

const MATCH: u32 = 1 << 31;

/// A literal, or a length (3 to 258) with a distance (1 to 32768).
#[derive(Clone, Copy)]
pub(super) struct Token(u32);

impl Token {
    #[inline]
    pub(super) fn literal(byte: u8) -> Self {
        Self(u32::from(byte))
    }

    /// Both are kept less their smallest value: 8 bits and 15 bits.
    #[inline]
    pub(super) fn copy(length: usize, distance: usize) -> Self {
        let (length, distance) = (length - SHORTEST, distance - 1);
        Self(MATCH | (length as u32 & 0xff) << 16 | (distance as u32 & 0x7fff))
    }

    /// The literal's byte, if it is one.
    #[inline]
    pub(super) fn as_literal(self) -> Option<u8> {
        (self.0 & MATCH == 0).then_some(self.0 as u8)
    }

    /// Of a match: the length less 3.
    #[inline]
    pub(super) fn length(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// Of a match: the distance less 1.
    #[inline]
    pub(super) fn distance(self) -> u32 {
        self.0 & 0x7fff
    }
}

/// Bits after the code of a length, by symbol less 257.
pub(super) const LENGTH_EXTRA: [u8; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

/// Bits after the code of a distance, by symbol.
pub(super) const DISTANCE_EXTRA: [u8; DISTANCES] =
    [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];

/// The symbol less 257 of each length less 3. The longest has its own symbol.
pub(super) static LENGTH_SYMBOL: [u8; 256] = length_symbols();

/// The smallest length less 3 of each symbol less 257.
pub(super) static LENGTH_BASE: [u8; 29] = {
    let (mut base, mut at, mut symbol) = ([0; 29], 0_u16, 0);
    while symbol < 28 {
        base[symbol] = at as u8;
        at += 1 << LENGTH_EXTRA[symbol];
        symbol += 1;
    }
    base[28] = 255;
    base
};

/// The smallest distance less 1 of each symbol.
pub(super) static DISTANCE_BASE: [u16; DISTANCES] = {
    let (mut base, mut at, mut symbol) = ([0; DISTANCES], 0_u32, 0);
    while symbol < DISTANCES {
        base[symbol] = at as u16;
        at += 1 << DISTANCE_EXTRA[symbol];
        symbol += 1;
    }
    base
};

const fn length_symbols() -> [u8; 256] {
    let (mut of, mut at, mut symbol) = ([28; 256], 0, 0);
    while symbol < 28 {
        let mut left = 1 << LENGTH_EXTRA[symbol];
        while left > 0 && at < 255 {
            of[at] = symbol as u8;
            at += 1;
            left -= 1;
        }
        symbol += 1;
    }
    of
}

/// The symbol of a distance less 1: two for each power of two.
#[inline]
pub(super) fn distance_symbol(distance: u32) -> usize {
    if distance < 4 {
        return distance as usize;
    }
    let top = distance.ilog2();
    (2 * top + (distance >> (top - 1) & 1)) as usize & 31
}
