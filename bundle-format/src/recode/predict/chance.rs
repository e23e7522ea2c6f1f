//! Probabilities that learn: of single decisions, of numbers, and of decisions seen from several sides at once.

use super::coder::Coder;
use std::sync::LazyLock;

/// 65536 / (1 + e^(-x/256)) for x from -2048 to 2048 in steps of 64, rounded.
const LOGISTIC: [i32; 65] = [
    22, 28, 36, 47, 60, 77, 98, 126, 162, 208, 267, 342, 439, 562, 720, 922, 1179, 1506, 1921, 2446, 3108, 3938, 4971,
    6249, 7812, 9702, 11955, 14595, 17625, 21025, 24743, 28693, 32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834,
    57724, 59287, 60565, 61598, 62428, 63090, 63615, 64030, 64357, 64614, 64816, 64974, 65097, 65194, 65269, 65328,
    65374, 65410, 65438, 65459, 65476, 65489, 65500, 65508, 65514,
];

/// The logistic function between the entries of its table by straight lines; `x` is brought into -2047 to 2047.
fn squash(x: i32) -> i32 {
    let x = x.clamp(-2047, 2047) + 2048;
    let (i, part) = ((x >> 6) as usize, x & 63);
    LOGISTIC[i] + (((LOGISTIC[i + 1] - LOGISTIC[i]) * part) >> 6)
}

/// Its inverse, by the highest twelve bits of the probability: the least x whose value is not less.
static STRETCH: LazyLock<Vec<i32>> = LazyLock::new(|| {
    let mut x = -2047;
    (0..4096)
        .map(|p| {
            while x < 2047 && squash(x) < p << 4 {
                x += 1;
            }
            x
        })
        .collect()
});

/// 65536 / (n + 1.5): how much the n-th outcome weighs.
const WEIGHTS: [i64; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        table[n] = 131_072 / (2 * n as i64 + 3);
        n += 1;
    }
    table
};

/// The probability of `true`, in 22 bits, and how often it was asked, in 10.
#[derive(Clone, Copy)]
pub(super) struct Chance(u32);

/// Up to which count outcomes weigh less and less.
const STEADY: u32 = 250;
const QUICK: u32 = 60;

impl Chance {
    pub(super) const fn new() -> Self {
        Self(1 << 31)
    }

    /// In 16 bits, never certain.
    #[inline]
    fn p(self) -> u32 {
        (self.0 >> 16).clamp(16, 65520)
    }

    #[inline]
    fn learn(&mut self, bit: bool, limit: u32) {
        let (p, n) = (i64::from(self.0 >> 10), self.0 & 1023);
        let target = if bit { (1 << 22) - 1 } else { 0 };
        let p = p + (((target - p) * WEIGHTS[(n & 255) as usize]) >> 16);
        self.0 = (p as u32) << 10 | if n < limit { n + 1 } else { n };
    }

    #[inline]
    pub(super) fn code<C: Coder>(&mut self, c: &mut C, bit: bool) -> bool {
        let bit = c.code(self.p(), bit);
        self.learn(bit, QUICK);
        bit
    }
}

/// A number below 2^bits, bit by bit from the highest, each in the knowledge of those before.
pub(super) struct Tree {
    nodes: Vec<Chance>,
    bits: u32,
}

impl Tree {
    pub(super) fn new(contexts: usize, bits: u32) -> Self {
        Self { nodes: vec![Chance::new(); contexts << bits], bits }
    }

    pub(super) fn code<C: Coder>(&mut self, c: &mut C, context: usize, value: u32) -> u32 {
        let mut node = 1;
        for i in (0..self.bits).rev() {
            let place = (context << self.bits) + node;
            let bit = match self.nodes.get_mut(place) {
                Some(chance) => chance.code(c, value >> i & 1 == 1),
                None => c.code(1 << 15, value >> i & 1 == 1),
            };
            node = node << 1 | usize::from(bit);
        }
        (node - (1 << self.bits)) as u32
    }
}

/// Any number below 2^31: how many bits it has, then those below the highest, of which two are learned.
pub(super) struct Number {
    sizes: Tree,
    heads: Tree,
}

impl Number {
    pub(super) fn new() -> Self {
        Self { sizes: Tree::new(1, 5), heads: Tree::new(32, 2) }
    }

    pub(super) fn code<C: Coder>(&mut self, c: &mut C, value: u32) -> u32 {
        let value = value & 0x7fff_ffff;
        let size = self.sizes.code(c, 0, 32 - value.leading_zeros());
        if size < 2 {
            return size;
        }
        let below = size - 1;
        let rest = value & ((1 << below) - 1);
        let head = below.min(2);
        let tail = below - head;
        // Where one bit is left the tree's second is always zero.
        let high = if head == 2 {
            self.heads.code(c, size as usize, rest >> tail)
        } else {
            self.heads.code(c, size as usize, rest << 1) >> 1
        };
        (1 << below) | high << tail | c.direct(rest & ((1_u32 << tail) - 1), tail)
    }
}

/// One decision seen in `N` contexts, whose probabilities are weighed by how well each did (logistic mixing, Mahoney 2005).
pub(super) struct Mixed<const N: usize> {
    chances: [Vec<Chance>; N],
    weights: Vec<[i32; N]>,
}

impl<const N: usize> Mixed<N> {
    /// Contexts below `sizes`, and `sets` sets of weights.
    pub(super) fn new(sizes: [usize; N], sets: usize) -> Self {
        Self { chances: sizes.map(|n| vec![Chance::new(); n]), weights: vec![[(1 << 16) / 3; N]; sets] }
    }

    #[inline]
    pub(super) fn code<C: Coder>(&mut self, c: &mut C, set: usize, contexts: [usize; N], bit: bool) -> bool {
        let set = set.min(self.weights.len() - 1);
        let mut inputs = [0_i32; N];
        let mut sum = 0_i64;
        for i in 0..N {
            let chance = self.chances[i][contexts[i].min(self.chances[i].len() - 1)];
            inputs[i] = STRETCH[(chance.p() >> 4) as usize];
            sum += i64::from(inputs[i]) * i64::from(self.weights[set][i]);
        }
        let p = squash((sum >> 16).clamp(-2047, 2047) as i32);
        let bit = c.code(p as u32, bit);
        let wrong = (((if bit { 65535 } else { 0 }) - p) * 6) >> 4;
        for i in 0..N {
            let weight = &mut self.weights[set][i];
            *weight = (*weight + ((inputs[i] * wrong + (1 << 15)) >> 16)).clamp(-(1 << 20), 1 << 20);
            let at = contexts[i].min(self.chances[i].len() - 1);
            self.chances[i][at].learn(bit, STEADY);
        }
        bit
    }
}
