//! The arithmetic coder: 32-bit range without carries, after Mahoney's lpaq (spec/delta.md section 5.1).

use std::io::Read;

/// Codes bits by their probabilities. A model is written once, over this: encoding, it is given the bits; decoding, it gives them.
pub trait Coder {
    /// Codes `bit`, which is 1 with probability `p` / 65536. Returns the bit; what a decoder is given is ignored.
    fn code(&mut self, bit: u32, p: u32) -> u32;

    /// Whether no more sense can come out of the input: a decoder has read past its end.
    fn spent(&self) -> bool;
}

/// Where the range is split: for 0 above, for 1 below.
fn middle(low: u32, high: u32, p: u32) -> u32 {
    let range = high - low;
    let p = p.clamp(1, 65535);
    low + (range >> 16) * p + (((range & 0xffff) * p) >> 16)
}

/// Encodes into memory.
#[derive(Debug)]
pub struct Encoder {
    low: u32,
    high: u32,
    out: Vec<u8>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { low: 0, high: u32::MAX, out: Vec::new() }
    }
}

impl Encoder {
    /// The coded bytes.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        // Enough to tell the range from its neighbours.
        self.out.extend_from_slice(&self.high.to_be_bytes());
        self.out
    }

    /// Bytes so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len()
    }
}

impl Coder for Encoder {
    fn code(&mut self, bit: u32, p: u32) -> u32 {
        let middle = middle(self.low, self.high, p);
        match bit {
            0 => self.low = middle + 1,
            _ => self.high = middle,
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.out.push((self.high >> 24) as u8);
            self.low <<= 8;
            self.high = self.high << 8 | 255;
        }
        bit
    }

    fn spent(&self) -> bool {
        false
    }
}

/// Decodes a stream. After its end it reads zeros; [`Coder::spent`] says so.
#[derive(Debug)]
pub struct Decoder<R> {
    low: u32,
    high: u32,
    window: u32,
    input: R,
    buffer: Box<[u8]>,
    at: usize,
    filled: usize,
    /// Bytes that were asked for after the end.
    missing: u32,
}

impl<R: Read> Decoder<R> {
    /// Begins to decode `input`. Memory: 64 KiB.
    pub fn new(input: R) -> Self {
        let buffer = vec![0; 1 << 16].into_boxed_slice();
        let mut new = Self { low: 0, high: u32::MAX, window: 0, input, buffer, at: 0, filled: 0, missing: 0 };
        for _ in 0..4 {
            new.shift();
        }
        new
    }

    fn shift(&mut self) {
        if self.at == self.filled {
            // A medium that cannot be read gives wrong content, which the digest finds.
            self.filled = self.input.read(&mut self.buffer).unwrap_or(0);
            self.at = 0;
        }
        let byte = match self.filled {
            0 => {
                self.missing = self.missing.saturating_add(1);
                0
            }
            _ => {
                self.at += 1;
                self.buffer[self.at - 1]
            }
        };
        self.window = self.window << 8 | u32::from(byte);
    }
}

impl<R: Read> Coder for Decoder<R> {
    fn code(&mut self, _: u32, p: u32) -> u32 {
        let middle = middle(self.low, self.high, p);
        let bit = u32::from(self.window <= middle);
        match bit {
            0 => self.low = middle + 1,
            _ => self.high = middle,
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.low <<= 8;
            self.high = self.high << 8 | 255;
            self.shift();
        }
        bit
    }

    fn spent(&self) -> bool {
        self.missing > 64
    }
}
