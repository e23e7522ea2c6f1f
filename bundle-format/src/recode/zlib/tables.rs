//! The alphabets of DEFLATE (RFC 1951, 3.2.5 and 3.2.6), as tables.

/// The shortest and the longest match.
pub const MIN_MATCH: usize = 3;
pub const MAX_MATCH: usize = 258;
/// Symbols of each alphabet: literals and lengths, distances, lengths of codes.
pub const LITERALS: usize = 286;
pub const DISTANCES: usize = 30;
pub const LENGTHS: usize = 19;
/// The symbol that ends a block.
pub const END: usize = 256;

/// Bits after each symbol of a length, from symbol 257.
pub const LENGTH_EXTRA: [u8; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
/// Bits after each symbol of a distance.
pub const DISTANCE_EXTRA: [u8; DISTANCES] =
    [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
/// Bits after each symbol of the alphabet of lengths of codes.
pub const REPEAT_EXTRA: [u8; LENGTHS] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7];
/// The order in which a block's header has the lengths of codes' lengths.
pub const HEADER_ORDER: [usize; LENGTHS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The symbol (less 257) of each length (less 3).
pub const LENGTH_CODE: [u8; 256] = lengths().0;
/// The first length (less 3) of each symbol.
pub const LENGTH_BASE: [u8; 29] = lengths().1;
/// The first distance (less 1) of each symbol.
pub const DISTANCE_BASE: [u16; DISTANCES] = distances().1;
/// The symbol of each distance (less 1) below 256; then those of the further ones by their upper 8 bits.
const DISTANCE_CODE: [u8; 512] = distances().0;

/// The symbol of a distance less 1, which is below 32768.
#[inline(always)]
pub fn distance_code(less_one: usize) -> usize {
    let at = if less_one < 256 { less_one } else { 256 + (less_one >> 7) };
    usize::from(DISTANCE_CODE[at & 511])
}

const fn lengths() -> ([u8; 256], [u8; 29]) {
    let (mut codes, mut bases) = ([0; 256], [0; 29]);
    let (mut code, mut length) = (0, 0);
    while code < 28 {
        bases[code] = length as u8;
        let end = length + (1 << LENGTH_EXTRA[code]);
        while length < end {
            codes[length] = code as u8;
            length += 1;
        }
        code += 1;
    }
    // The longest has a symbol of its own.
    (codes[255], bases[28]) = (28, 255);
    (codes, bases)
}

const fn distances() -> ([u8; 512], [u16; DISTANCES]) {
    let (mut codes, mut bases) = ([0; 512], [0; DISTANCES]);
    let (mut code, mut distance) = (0, 0_usize);
    while code < DISTANCES {
        bases[code] = distance as u16;
        let end = distance + (1 << DISTANCE_EXTRA[code]);
        while distance < end {
            if distance < 256 {
                codes[distance] = code as u8;
                distance += 1;
            } else {
                codes[256 + (distance >> 7)] = code as u8;
                distance += 128;
            }
        }
        code += 1;
    }
    (codes, bases)
}
