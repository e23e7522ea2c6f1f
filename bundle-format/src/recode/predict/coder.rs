//! A binary range coder with carry, in the manner of LZMA's, with probabilities of 16 bits.

use std::io::{Read, Write};

const TOP: u32 = 1 << 24;
/// Bytes that a decoder makes up after the end before it says that the corrections are cut off.
const SPARE: u32 = 8;

/// Writes or reads decisions. One model drives both: it gives what it knows, and takes what comes back.
pub(super) trait Coder {
    /// Whether what the model gives is not known, and what comes back counts.
    const DECODES: bool;

    /// One decision of which `true` has the probability `p` / 65536 (1 to 65535).
    fn code(&mut self, p: u32, bit: bool) -> bool;

    /// A number of `n` bits (at most 32), all equally probable, the highest first.
    fn direct(&mut self, value: u32, n: u32) -> u32 {
        (0..n).rev().fold(0, |made, i| made << 1 | u32::from(self.code(1 << 15, value >> i & 1 == 1)))
    }
}

#[inline]
fn bound(range: u32, p: u32) -> u32 {
    ((u64::from(range) * u64::from(p)) >> 16) as u32
}

/// Decisions to bytes.
pub(super) struct Encoder {
    low: u64,
    range: u32,
    cache: u8,
    pending: u64,
    begun: bool,
    out: Vec<u8>,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self { low: 0, range: u32::MAX, cache: 0, pending: 0, begun: false, out: Vec::new() }
    }

    fn shift(&mut self) {
        if self.low < 0xff00_0000 || self.low >> 32 != 0 {
            let carry = (self.low >> 32) as u8;
            if self.begun {
                self.out.push(self.cache.wrapping_add(carry));
            }
            self.begun = true;
            let length = self.out.len() + self.pending as usize;
            self.out.resize(length, 0xff_u8.wrapping_add(carry));
            self.pending = 0;
            self.cache = (self.low >> 24) as u8;
        } else {
            self.pending += 1;
        }
        self.low = (self.low & 0x00ff_ffff) << 8;
    }

    /// How many bytes there are by now, those that were taken not counted.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// Gives the bytes that are decided to `to`.
    pub(super) fn drain(&mut self, to: &mut dyn Write) -> std::io::Result<u64> {
        to.write_all(&self.out)?;
        let n = self.out.len() as u64;
        self.out.clear();
        Ok(n)
    }

    /// Ends: the shortest bytes that say all decisions, where zeros follow.
    pub(super) fn finish(&mut self) {
        // The number within the last interval that ends in the most zeros.
        let most = self.low + u64::from(self.range) - 1;
        self.low = (0..32).rev().map(|n| most >> n << n).find(|v| *v >= self.low).unwrap_or(self.low);
        for _ in 0..5 {
            self.shift();
        }
        while self.out.last() == Some(&0) {
            self.out.pop();
        }
    }
}

impl Coder for Encoder {
    const DECODES: bool = false;

    #[inline]
    fn code(&mut self, p: u32, bit: bool) -> bool {
        let bound = bound(self.range, p);
        if bit {
            self.range = bound;
        } else {
            self.low += u64::from(bound);
            self.range -= bound;
        }
        while self.range < TOP {
            self.range <<= 8;
            self.shift();
        }
        bit
    }
}

/// Bytes to decisions.
pub(super) struct Decoder<R> {
    from: R,
    buffer: Vec<u8>,
    at: usize,
    past: u32,
    code: u32,
    range: u32,
}

impl<R: Read> Decoder<R> {
    pub(super) fn new(from: R) -> Self {
        let mut new = Self { from, buffer: Vec::new(), at: 0, past: 0, code: 0, range: u32::MAX };
        new.code = (0..4).fold(0, |code, _| code << 8 | u32::from(new.byte()));
        new
    }

    fn byte(&mut self) -> u8 {
        if self.at == self.buffer.len() && self.past == 0 {
            self.buffer.clear();
            self.at = 0;
            // A reader that fails is one that ended: what is made then does not agree with its digest.
            if self.from.by_ref().take(1 << 14).read_to_end(&mut self.buffer).is_err() {
                self.buffer.clear();
            }
        }
        let Some(&byte) = self.buffer.get(self.at) else {
            self.past = self.past.saturating_add(1);
            return 0;
        };
        self.at += 1;
        byte
    }

    /// Whether more was asked than there is.
    pub(super) fn is_exhausted(&self) -> bool {
        self.past > SPARE
    }
}

impl<R: Read> Coder for Decoder<R> {
    const DECODES: bool = true;

    #[inline]
    fn code(&mut self, p: u32, _: bool) -> bool {
        let bound = bound(self.range, p);
        let bit = self.code < bound;
        if bit {
            self.range = bound;
        } else {
            self.code -= bound;
            self.range -= bound;
        }
        while self.range < TOP {
            self.range <<= 8;
            self.code = self.code << 8 | u32::from(self.byte());
        }
        bit
    }
}
