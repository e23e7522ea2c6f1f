//! Bits that become bytes, the lowest first (RFC 1951, 3.1.1).

use super::code::{Code, Symbol};
use super::tokens::{self, END, Tokens};

/// Bytes collected before they go to the output; the eight behind are room for a whole word.
const ROOM: usize = 1 << 10;

/// The bits that do not yet make a byte. Between two calls there are at most 7 of them.
#[derive(Default)]
pub(super) struct Bits {
    word: u64,
    count: u32,
}

impl Bits {
    /// Appends the low `count` bits of `bits` (at most 32).
    pub(super) fn put(&mut self, bits: u32, count: u32, out: &mut Vec<u8>) {
        self.word |= u64::from(bits) << self.count;
        self.count += count;
        while self.count >= 8 {
            out.push(self.word as u8);
            self.word >>= 8;
            self.count -= 8;
        }
    }

    pub(super) fn symbol(&mut self, symbol: Symbol, out: &mut Vec<u8>) {
        self.put(u32::from(symbol.bits), u32::from(symbol.len), out);
    }

    /// Fills the last byte with zeros.
    pub(super) fn align(&mut self, out: &mut Vec<u8>) {
        self.put(0, (8 - self.count) & 7, out);
    }

    /// Every byte of `literals` by its code.
    pub(super) fn literals(&mut self, literals: &[u8], code: &Code<{ tokens::LITERALS }>, out: &mut Vec<u8>) {
        let mut room = Room::new(self, out);
        let mut three = literals.chunks_exact(3);
        for chunk in &mut three {
            // 7 bits are pending, and three codes have at most 45.
            for byte in chunk {
                let symbol = code.symbol(usize::from(*byte));
                room.add(u64::from(symbol.bits), u32::from(symbol.len));
            }
            room.flush();
        }
        for byte in three.remainder() {
            let symbol = code.symbol(usize::from(*byte));
            room.add(u64::from(symbol.bits), u32::from(symbol.len));
            room.flush();
        }
        room.close();
    }

    /// Every token by its codes; the end of the block is not among them.
    pub(super) fn tokens(
        &mut self,
        tokens: &Tokens,
        literals: &Code<{ tokens::LITERALS }>,
        distances: &Code<{ tokens::DISTANCES }>,
        out: &mut Vec<u8>,
    ) {
        // A length's code and its extra bits go out as one: at most 20 bits.
        let mut lengths = [(0_u32, 0_u32); 256];
        for (less_three, entry) in lengths.iter_mut().enumerate() {
            let (code, extra_bits, extra) = tokens::length_code(less_three as u8);
            let symbol = literals.symbol(END + 1 + code);
            *entry = (u32::from(symbol.bits) | extra << symbol.len, u32::from(symbol.len) + extra_bits);
        }
        let mut room = Room::new(self, out);
        for token in tokens.list() {
            if let Some(literal) = token.literal() {
                let symbol = literals.symbol(usize::from(literal));
                room.add(u64::from(symbol.bits), u32::from(symbol.len));
            } else {
                let (bits, count) = lengths[usize::from(token.length_less_three())];
                room.add(u64::from(bits), count);
                let code = token.distance_code();
                let symbol = distances.symbol(code);
                room.add(u64::from(symbol.bits), u32::from(symbol.len));
                let (base, extra_bits) = tokens::distance_base(code);
                room.add(u64::from(token.distance_less_one() - base), extra_bits);
            }
            // At most 7 + 20 + 15 + 13 bits by now.
            room.flush();
        }
        room.close();
    }
}

/// Where words are laid down without a check for each bit.
struct Room<'a> {
    bits: &'a mut Bits,
    out: &'a mut Vec<u8>,
    word: u64,
    count: u32,
    bytes: [u8; ROOM + 8],
    used: usize,
}

impl<'a> Room<'a> {
    fn new(bits: &'a mut Bits, out: &'a mut Vec<u8>) -> Self {
        let (word, count) = (bits.word, bits.count);
        Self { bits, out, word, count, bytes: [0; ROOM + 8], used: 0 }
    }

    #[inline]
    fn add(&mut self, bits: u64, count: u32) {
        self.word |= bits << (self.count & 63);
        self.count += count;
    }

    #[inline]
    fn flush(&mut self) {
        if let Some(place) = self.bytes.get_mut(self.used..self.used + 8) {
            place.copy_from_slice(&self.word.to_le_bytes());
        }
        self.used += (self.count >> 3) as usize;
        self.word >>= self.count & 56;
        self.count &= 7;
        if self.used >= ROOM {
            self.out.extend_from_slice(&self.bytes[..self.used]);
            self.used = 0;
        }
    }

    fn close(self) {
        self.out.extend_from_slice(&self.bytes[..self.used]);
        (self.bits.word, self.bits.count) = (self.word, self.count);
    }
}
