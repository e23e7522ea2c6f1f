//! What the search for repeats found in a block: literals and matches, and how often each symbol is needed.

/// Literals, the end of a block, and lengths; the last two are never used.
pub(super) const LITERALS: usize = 288;
/// Distances; the last two are never used.
pub(super) const DISTANCES: usize = 32;
/// The symbol that ends a block.
pub(super) const END: usize = 256;
/// Symbols for literals and lengths, and for distances, that a header can list.
pub(super) const LISTED: (usize, usize) = (286, 30);
/// The shortest and the longest match (RFC 1951, 3.2.5).
pub(super) const SHORTEST: usize = 3;
pub(super) const LONGEST: usize = 258;

/// More than the tokens of any block: each stands for a byte at least.
const MOST: usize = 1 << 16;

/// A literal, or a match: bit 31, the code of the distance, the length less three, the distance less one (16 bits).
#[derive(Clone, Copy)]
pub(super) struct Token(u32);

impl Token {
    #[inline]
    pub(super) fn literal(self) -> Option<u8> {
        (self.0 >> 31 == 0).then_some(self.0 as u8)
    }

    #[inline]
    pub(super) fn length_less_three(self) -> u8 {
        (self.0 >> 16) as u8
    }

    #[inline]
    pub(super) fn distance_less_one(self) -> u32 {
        self.0 & 0xffff
    }

    #[inline]
    pub(super) fn distance_code(self) -> usize {
        (self.0 >> 24) as usize & 31
    }
}

/// The tokens of a block, and its histograms. Counts are of 16 bits, as in the original: what a block can hold fits.
pub(super) struct Tokens {
    list: Box<[Token; MOST]>,
    len: usize,
    pub(super) literals: [u16; LITERALS],
    pub(super) distances: [u16; DISTANCES],
}

impl Tokens {
    pub(super) fn new() -> Self {
        Self { list: zeroed(Token(0)), len: 0, literals: [0; LITERALS], distances: [0; DISTANCES] }
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
        self.literals = [0; LITERALS];
        self.distances = [0; DISTANCES];
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn list(&self) -> &[Token] {
        &self.list[..self.len.min(MOST)]
    }

    #[inline]
    fn push(&mut self, token: Token) {
        self.list[self.len % MOST] = token;
        self.len += 1;
    }

    #[inline]
    pub(super) fn literals(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.push(Token(u32::from(*byte)));
            self.literals[usize::from(*byte)] = self.literals[usize::from(*byte)].wrapping_add(1);
        }
    }

    /// A match of any length from 3 on: what is longer than 258 becomes several, none of which leaves less than 3.
    #[inline]
    pub(super) fn matched(&mut self, length: usize, distance: usize) {
        let less_one = (distance as u32).wrapping_sub(1) & 0x7fff;
        let code = distance_code(less_one);
        let mut left = length;
        while left > 0 {
            let now = match left {
                0..=LONGEST => left,
                // As the original has it: also what is exactly three longer is cut earlier.
                259..=261 => LONGEST - SHORTEST,
                _ => LONGEST,
            };
            left -= now;
            let less_three = now.saturating_sub(SHORTEST) as u8;
            self.push(Token(1 << 31 | (code as u32) << 24 | u32::from(less_three) << 16 | less_one));
            let symbol = END + 1 + usize::from(LENGTH_CODES[usize::from(less_three)]);
            self.literals[symbol] = self.literals[symbol].wrapping_add(1);
            self.distances[code] = self.distances[code].wrapping_add(1);
        }
    }

    /// The bits of this block if its codes fitted perfectly, `ends` if the end of the block is among the tokens. Counted in
    /// floating point of 32 bits, in this order: the result decides whether codes are used again.
    pub(super) fn ideal_bits(&self, ends: bool) -> u32 {
        let share = |count: f32, whole: f32| (-rough_log2(count * whole)).clamp(1.0, 15.0) * count;
        let (mut ideal, mut extra, mut matches) = (0_f32, 0_u32, 0_u32);
        let whole = 1.0 / (self.len + usize::from(ends)) as f32;
        for count in self.literals[..END].iter().filter(|count| **count > 0) {
            ideal += share(f32::from(*count), whole);
        }
        // The end of the block.
        ideal += 15.0;
        for (code, count) in self.literals[END + 1..LISTED.0].iter().enumerate().filter(|(_, count)| **count > 0) {
            ideal += share(f32::from(*count), whole);
            extra += LENGTHS[code].1 * u32::from(*count);
            matches += u32::from(*count);
        }
        if matches > 0 {
            let whole = 1.0 / matches as f32;
            for (code, count) in self.distances[..LISTED.1].iter().enumerate().filter(|(_, count)| **count > 0) {
                ideal += share(f32::from(*count), whole);
                extra += distance_base(code).1 * u32::from(*count);
            }
        }
        ideal as u32 + extra
    }
}

/// log2, less exact than fast: the exponent, and a parabola for the mantissa.
fn rough_log2(value: f32) -> f32 {
    let bits = value.to_bits();
    let exponent = ((bits >> 23 & 255) as i32 - 128) as f32;
    let mantissa = f32::from_bits((bits & 0x807f_ffff) + (127 << 23));
    exponent + (((-0.344_848_43 * mantissa) + 2.024_665_8) * mantissa - 0.674_877_6)
}

/// The base of each code for lengths, less three, and its extra bits.
const LENGTHS: [(u32, u32); 29] = {
    let mut out = [(0, 0); 29];
    let mut code = 0;
    while code < 28 {
        let extra = if code < 8 { 0 } else { code / 4 - 1 };
        out[code] = if code < 8 { (code as u32, 0) } else { ((4 + code as u32 % 4) << extra, extra as u32) };
        code += 1;
    }
    // 258 has a code of its own.
    out[28] = (255, 0);
    out
};

/// The code of each length less three.
const LENGTH_CODES: [u8; 256] = {
    let mut out = [0; 256];
    let mut length = 0;
    while length < 256 {
        let mut code = 28;
        while LENGTHS[code].0 as usize > length {
            code -= 1;
        }
        out[length] = code as u8;
        length += 1;
    }
    out
};

/// A length less three: its code from 0 on, how many extra bits, and these.
pub(super) fn length_code(less_three: u8) -> (usize, u32, u32) {
    let code = usize::from(LENGTH_CODES[usize::from(less_three)]);
    (code, LENGTHS[code].1, u32::from(less_three) - LENGTHS[code].0)
}

/// The extra bits of a code for lengths, from 0 on.
pub(super) fn length_extra_bits(code: usize) -> u32 {
    LENGTHS[code].1
}

/// The base, less one, of a code for distances, and its extra bits.
#[inline]
pub(super) fn distance_base(code: usize) -> (u32, u32) {
    if code < 2 {
        return (code as u32, 0);
    }
    let extra = code as u32 / 2 - 1;
    ((2 + code as u32 % 2) << extra, extra)
}

/// The code of a distance less one.
#[inline]
pub(super) fn distance_code(less_one: u32) -> usize {
    if less_one < 2 {
        return less_one as usize;
    }
    let top = 31 - less_one.leading_zeros();
    (2 * top + (less_one >> (top - 1) & 1)) as usize
}

/// A big array on the heap that never was on the stack.
pub(super) fn zeroed<T: Copy, const N: usize>(zero: T) -> Box<[T; N]> {
    let boxed: Box<[T]> = vec![zero; N].into_boxed_slice();
    match boxed.try_into() {
        Ok(array) => array,
        // The slice has N elements.
        Err(_) => Box::new([zero; N]),
    }
}
