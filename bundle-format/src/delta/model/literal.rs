//! New bytes, predicted from those before them (spec/delta.md section 5.4): contexts of one to six bytes and of the word, and
//! the longest repeat, mixed.

use super::coder::Coder;
use super::mix::{Mixer, Slot};

/// Contexts that are hashed; one more input is the byte before, one the repeat.
const ORDERS: usize = 5;
const INPUTS: usize = ORDERS + 2;
const LIMIT: u32 = 250;
/// Shortest repeat that is believed.
const REPEAT: usize = 5;

/// The model. Memory: 5 tables of 64 bytes times 2 to the `bits`, and as much history.
#[derive(Debug)]
pub struct Literal {
    /// For each order lines of 16 slots: the contexts of the four bits of half a byte.
    tables: [Vec<[Slot; 16]>; ORDERS],
    mask: usize,
    order1: Vec<Slot>,
    mixer: Mixer<INPUTS>,
    history: Vec<u8>,
    /// Where each hash of the last bytes was seen.
    seen: Vec<u32>,
    repeat: usize,
    length: usize,
    trust: [Slot; 64],
    word: u32,
}

impl Literal {
    /// A model with tables of 2 to the `bits` lines, at most 20.
    pub fn new(bits: u32) -> Self {
        let lines = 1_usize << bits;
        Self {
            tables: std::array::from_fn(|_| vec![[Slot::default(); 16]; lines]),
            mask: lines - 1,
            order1: vec![Slot::default(); 1 << 16],
            mixer: Mixer::new(256 * 3),
            history: Vec::new(),
            seen: vec![0; 1 << 18],
            repeat: 0,
            length: 0,
            trust: [Slot::default(); 64],
            word: 0,
        }
    }

    /// Bytes of memory of a model with tables of 2 to the `bits` lines, its history not counted.
    pub const fn memory(bits: u32) -> u64 {
        ((ORDERS as u64 * 64) << bits) + (1 << 21)
    }

    pub fn code(&mut self, coder: &mut impl Coder, byte: u8) -> u8 {
        let hashes = self.hashes();
        let predicted = (self.length > 0).then(|| self.history[self.repeat]);
        let last = self.history.last().copied().unwrap_or(0);
        let grade = self.length.min(15);
        let mut node = 1_usize;
        for half in 0..2 {
            let seed = if half == 0 { 0 } else { (node as u32).wrapping_mul(0x9e37_79b1) };
            let lines: [usize; ORDERS] =
                std::array::from_fn(|i| ((hashes[i] ^ seed).wrapping_mul(0x2c1b_3c6d) >> 9) as usize & self.mask);
            let mut nibble = 1_usize;
            for i in (0..4).rev() {
                let shift = if half == 0 { i + 4 } else { i };
                let wanted = u32::from(byte >> shift & 1);
                // The repeat speaks as long as it was right in this byte.
                let guess = predicted
                    .filter(|p| (usize::from(*p) | 256) >> (shift + 1) == node)
                    .map(|p| usize::from(p >> shift & 1));
                let trust = guess.map(|g| grade << 1 | g);
                let mut inputs = [0; INPUTS];
                for (input, (table, line)) in inputs.iter_mut().zip(self.tables.iter().zip(lines)) {
                    *input = table[line][nibble].stretched();
                }
                let order1 = usize::from(last) << 8 | node;
                inputs[ORDERS] = self.order1[order1].stretched();
                inputs[ORDERS + 1] = trust.map_or(0, |t| self.trust[t].stretched());
                let set = node + 256 * usize::from(guess.is_some()) * (1 + usize::from(grade > 7));
                let p = self.mixer.mix(&inputs, set);
                let bit = coder.code(wanted, p);
                self.mixer.learn(&inputs, bit, 6);
                for (table, line) in self.tables.iter_mut().zip(lines) {
                    table[line][nibble].learn(bit, LIMIT);
                }
                self.order1[order1].learn(bit, LIMIT);
                if let Some(t) = trust {
                    self.trust[t].learn(bit, 1000);
                }
                nibble = nibble << 1 | bit as usize;
                node = node << 1 | bit as usize;
            }
        }
        let byte = (node & 255) as u8;
        self.push(byte);
        byte
    }

    fn hashes(&self) -> [u32; ORDERS] {
        let n = self.history.len();
        let back = |k: usize| if n >= k { u32::from(self.history[n - k]) } else { 0 };
        let two = back(1) | back(2) << 8;
        let four = two | back(3) << 16 | back(4) << 24;
        let mix = |x: u32, salt: u32| x.wrapping_mul(0x85eb_ca6b).rotate_left(13) ^ salt;
        [
            mix(two, 0x0200_0001),
            mix(two | back(3) << 16, 0x0300_0007),
            mix(four, 0x0400_0013),
            mix(four, 0x0600_0029) ^ mix(back(5) | back(6) << 8, 0x1234_5678).wrapping_mul(0xc2b2_ae35),
            mix(self.word, 0x0700_0031) ^ back(1),
        ]
    }

    fn push(&mut self, byte: u8) {
        if self.length > 0 && self.history[self.repeat] == byte {
            self.length = (self.length + 1).min(65535);
            self.repeat += 1;
        } else {
            self.length = 0;
        }
        self.history.push(byte);
        self.word = match byte.is_ascii_alphanumeric() || byte >= 128 {
            true => (self.word ^ u32::from(byte)).wrapping_mul(0x0100_0193),
            false => 0,
        };
        let n = self.history.len();
        if n < REPEAT || n >= u32::MAX as usize {
            return;
        }
        let hash = self.history[n - REPEAT..].iter().fold(0_u32, |h, b| (h ^ u32::from(*b)).wrapping_mul(0x9e37_79b1));
        let place = &mut self.seen[(hash >> 14) as usize];
        if self.length == 0 && *place > 0 {
            let at = *place as usize;
            let same = (1..=32.min(at)).take_while(|k| self.history[at - k] == self.history[n - k]).count();
            if same >= REPEAT {
                (self.repeat, self.length) = (at, same - REPEAT + 1);
            }
        }
        *place = n as u32;
    }
}
