//! Numbers and small choices in adaptive bits (spec/delta.md section 5.3).

use super::coder::Coder;
use super::mix::Slot;

/// How slowly the bits of numbers learn.
const LIMIT: u32 = 60;

/// One adaptive bit for each of `N` contexts.
#[derive(Debug)]
pub struct Flag<const N: usize>([Slot; N]);

impl<const N: usize> Default for Flag<N> {
    fn default() -> Self {
        Self([Slot::default(); N])
    }
}

impl<const N: usize> Flag<N> {
    pub fn code(&mut self, coder: &mut impl Coder, context: usize, bit: bool) -> bool {
        let slot = &mut self.0[context];
        let bit = coder.code(u32::from(bit), slot.p());
        slot.learn(bit, LIMIT);
        bit == 1
    }
}

/// A byte, coded from its highest bit on, each bit in the context of those before it.
#[derive(Debug)]
pub struct ByteTree(Box<[Slot; 256]>);

impl Default for ByteTree {
    fn default() -> Self {
        Self(Box::new([Slot::default(); 256]))
    }
}

impl ByteTree {
    pub fn code(&mut self, coder: &mut impl Coder, byte: u8) -> u8 {
        let mut node = 1;
        for i in (0..8).rev() {
            let slot = &mut self.0[node];
            let bit = coder.code(u32::from(byte >> i & 1), slot.p());
            slot.learn(bit, LIMIT);
            node = node << 1 | bit as usize;
        }
        (node & 255) as u8
    }
}

/// A number below 2^63 in Elias's gamma form: how many bits it has, in unary; then the bits after the first, of which the three
/// highest are adaptive.
#[derive(Debug)]
pub struct Number {
    bits: [Slot; 64],
    top: Box<[[Slot; 8]; 64]>,
}

impl Default for Number {
    fn default() -> Self {
        Self { bits: [Slot::default(); 64], top: Box::new([[Slot::default(); 8]; 64]) }
    }
}

impl Number {
    pub fn code(&mut self, coder: &mut impl Coder, number: u64) -> u64 {
        let number = number + 1;
        let wanted = number.ilog2() as usize;
        let mut bits = 0;
        while bits < 63 {
            let slot = &mut self.bits[bits];
            let more = coder.code(u32::from(bits < wanted), slot.p());
            slot.learn(more, LIMIT);
            if more == 0 {
                break;
            }
            bits += 1;
        }
        let mut value = 1_u64;
        for i in (0..bits).rev() {
            let bit = (number >> i & 1) as u32;
            let done = bits - 1 - i;
            let bit = match done {
                0..3 => {
                    let slot = &mut self.top[bits][(1 << done) | (value as usize & ((1 << done) - 1))];
                    let bit = coder.code(bit, slot.p());
                    slot.learn(bit, LIMIT);
                    bit
                }
                _ => coder.code(bit, 32768),
            };
            value = value << 1 | u64::from(bit);
        }
        value - 1
    }

    /// A number with a sign, which becomes its lowest bit.
    pub fn code_signed(&mut self, coder: &mut impl Coder, number: i64) -> i64 {
        let folded = (number << 1 ^ number >> 63) as u64;
        let folded = self.code(coder, folded & (u64::MAX >> 2));
        (folded >> 1) as i64 ^ -((folded & 1) as i64)
    }
}
