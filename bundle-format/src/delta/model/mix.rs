//! Probabilities: how they are learned, and how several become one (spec/delta.md section 5.2). Integers alone, so that every
//! machine computes the same.

/// 65536 / (1 + e^(-d/256)), for d from -3072 to 3072 in steps of 128.
const LOGISTIC: [i32; 49] = [
    1, 1, 1, 2, 3, 5, 8, 13, 22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955, 17625, 24743,
    32768, 40793, 47911, 53581, 57724, 60565, 62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500,
    65514, 65523, 65528, 65531, 65533, 65534, 65535, 65535, 65535,
];

/// The probability, of 65536, that belongs to the logistic `d`, which is 256 times its natural logarithm of the odds.
const fn squash_slowly(d: i32) -> i32 {
    if d > 3071 {
        return 65535;
    }
    if d < -3071 {
        return 1;
    }
    let (at, part) = (((d + 3072) >> 7) as usize, d & 127);
    (LOGISTIC[at] * (128 - part) + LOGISTIC[at + 1] * part + 64) >> 7
}

const SQUASH: [u16; 6144] = {
    let mut table = [0; 6144];
    let mut d = 0;
    while d < 6144 {
        table[d] = squash_slowly(d as i32 - 3072) as u16;
        d += 1;
    }
    table
};

/// The inverse, for probabilities of 4096: the smallest logistic whose probability is not less.
const STRETCH: [i16; 4096] = {
    let mut table = [0; 4096];
    let (mut d, mut p) = (-3071, 0);
    while p < 4096 {
        while d < 3071 && squash_slowly(d) < p * 16 + 8 {
            d += 1;
        }
        table[p as usize] = d as i16;
        p += 1;
    }
    table
};

/// Divisors of learning: the nth observation counts 2/(2n+3).
const RATE: [u16; 1024] = {
    let mut table = [0; 1024];
    let mut n = 0;
    while n < 1024 {
        table[n] = (16384 / (2 * n + 3)) as u16;
        n += 1;
    }
    table
};

pub fn squash(d: i32) -> u32 {
    u32::from(SQUASH[(d.clamp(-3071, 3071) + 3072) as usize])
}

/// A probability that learns: 22 bits of it, and 10 bits that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(u32);

impl Default for Slot {
    fn default() -> Self {
        Self(1 << 31)
    }
}

impl Slot {
    /// The probability of a 1, of 65536.
    pub fn p(self) -> u32 {
        self.0 >> 16
    }

    /// Whether it has learned nothing by now.
    pub fn is_fresh(self) -> bool {
        self.0 & 1023 == 0
    }

    pub fn stretched(self) -> i32 {
        i32::from(STRETCH[(self.0 >> 20) as usize])
    }

    /// Learns `bit`, and not slower than by one part in `limit`, which is at most 1023.
    pub fn learn(&mut self, bit: u32, limit: u32) {
        let (p, n) = ((self.0 >> 10) as i32, self.0 & 1023);
        let target = if bit == 0 { 0 } else { (1 << 22) - 1 };
        let step = (i64::from((target - p) >> 3) * i64::from(RATE[n as usize])) >> 10;
        let n = if n < limit { n + 1 } else { n };
        self.0 = ((p + step as i32) as u32) << 10 | n;
    }
}

/// Mixes `N` stretched probabilities by weights that learn; which set of weights, a small context says.
#[derive(Debug)]
pub struct Mixer<const N: usize> {
    weights: Vec<[i32; N]>,
    chosen: usize,
    p: u32,
}

impl<const N: usize> Mixer<N> {
    /// `sets` sets of weights, all alike at first.
    pub fn new(sets: usize) -> Self {
        Self { weights: vec![[(1 << 16) * 2 / 5; N]; sets], chosen: 0, p: 32768 }
    }

    /// The mixed probability, of 65536.
    pub fn mix(&mut self, inputs: &[i32; N], set: usize) -> u32 {
        self.chosen = set;
        let weights = &self.weights[set];
        let sum: i64 = inputs.iter().zip(weights).map(|(i, w)| i64::from(*i) * i64::from(*w)).sum();
        self.p = squash((sum >> 16).clamp(-3071, 3071) as i32);
        self.p
    }

    /// Learns from the bit that came.
    pub fn learn(&mut self, inputs: &[i32; N], bit: u32, rate: i32) {
        let error = (((bit << 16) as i32 - self.p as i32) * rate) >> 4;
        for (weight, input) in self.weights[self.chosen].iter_mut().zip(inputs) {
            let step = (i64::from(*input) * i64::from(error) + 0x8000) >> 16;
            *weight = (*weight + step as i32).clamp(-(1 << 22), 1 << 22);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_learns_what_it_sees() {
        let mut slot = Slot::default();
        for _ in 0..2000 {
            slot.learn(1, 1023);
        }
        assert!(slot.p() > 65400, "{}", slot.p());
        for _ in 0..20_000 {
            slot.learn(0, 255);
        }
        assert!(slot.p() < 50, "{}", slot.p());
    }

    #[test]
    fn stretch_is_the_inverse_of_squash() {
        for d in -2000..2000 {
            let p = squash(d);
            let back = i32::from(STRETCH[(p >> 4) as usize]);
            assert!((back - d).abs() <= 260 || (squash(back) as i32 - p as i32).abs() <= 16, "{d} {p} {back}");
        }
    }
}
