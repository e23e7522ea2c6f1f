//! Bits into bytes, the first bit lowest (RFC 1951 3.1.1).

/// Bits that do not fill a byte yet. Between calls there are at most 31.
#[derive(Default)]
pub(super) struct Bits {
    held: u64,
    count: u32,
}

impl Bits {
    /// Appends the low `count` bits (at most 32) of `value`; those above must be zero.
    #[inline]
    pub(super) fn put(&mut self, value: u32, count: u32, out: &mut Vec<u8>) {
        self.held |= u64::from(value) << self.count;
        self.count += count;
        if self.count >= 32 {
            out.extend_from_slice(&(self.held as u32).to_le_bytes());
            self.held >>= 32;
            self.count -= 32;
        }
    }

    /// Appends zeros up to a whole byte. Nothing is held after it.
    pub(super) fn align(&mut self, out: &mut Vec<u8>) {
        let bytes = self.count.div_ceil(8) as usize;
        out.extend_from_slice(&self.held.to_le_bytes()[..bytes.min(8)]);
        *self = Self::default();
    }

    /// Appends many short codes: `codes` gives bits and their number, at most 48 each. `expected` is a size in bits that is not
    /// exceeded; it saves the check for room at each code.
    #[inline]
    pub(super) fn put_all(&mut self, codes: impl Iterator<Item = (u64, u32)>, expected: usize, out: &mut Vec<u8>) {
        let mut at = out.len();
        out.resize(at + expected / 8 + 24, 0);
        let (mut held, mut count) = (self.held, self.count);
        let mut keep = |held: &mut u64, count: &mut u32| {
            if let Some(place) = out.get_mut(at..at + 8) {
                place.copy_from_slice(&held.to_le_bytes());
            }
            at += (*count >> 3) as usize;
            *held >>= *count & 56;
            *count &= 7;
        };
        keep(&mut held, &mut count);
        for (value, bits) in codes {
            held |= value << count;
            count += bits;
            keep(&mut held, &mut count);
        }
        out.truncate(at);
        (self.held, self.count) = (held, count);
    }
}
