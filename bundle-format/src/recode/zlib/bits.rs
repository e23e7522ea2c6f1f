//! Bits into bytes, the lowest first (RFC 1951, 3.1.1).

/// Bits that do not fill a byte yet, or wait for more.
#[derive(Default)]
pub struct Bits {
    held: u64,
    count: u32,
}

impl Bits {
    /// Appends the lowest `n` bits of `value`, which has no others; `n` is at most 32.
    #[inline(always)]
    pub fn put(&mut self, value: u32, n: u32, out: &mut Vec<u8>) {
        self.held |= u64::from(value) << self.count;
        self.count += n;
        if self.count >= 32 {
            out.extend_from_slice(&(self.held as u32).to_le_bytes());
            self.held >>= 32;
            self.count -= 32;
        }
    }

    /// Writes the whole bytes; returns how many bits (0 to 7) are left.
    pub fn settle(&mut self, out: &mut Vec<u8>) -> u32 {
        while self.count >= 8 {
            out.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
        self.count
    }

    /// Fills the last byte with zeros and writes it.
    pub fn align(&mut self, out: &mut Vec<u8>) {
        if self.settle(out) > 0 {
            out.push(self.held as u8);
        }
        *self = Self::default();
    }
}
