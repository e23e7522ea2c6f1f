//! The codes of a dynamic block, against those that zlib would have made of its tokens.

use super::chance::{Chance, Tree};
use super::coder::Coder;
use super::trees;
use crate::recode::tokens::{
    CODE_LENGTH_ORDER, Codes, DISTANCES, END_OF_BLOCK, LITERALS, Step, Token, distance_symbol,
};

/// How often the symbols of a block were used.
pub(super) struct Frequencies {
    literals: Vec<u32>,
    distances: Vec<u32>,
}

impl Frequencies {
    pub(super) fn of(tokens: &[Token]) -> Self {
        let mut new = Self { literals: vec![0; LITERALS], distances: vec![0; DISTANCES] };
        new.literals[END_OF_BLOCK] = 1;
        for token in tokens {
            new.literals[token.symbol()] += 1;
            if token.is_match() {
                new.distances[distance_symbol(token.distance())] += 1;
            }
        }
        new
    }
}

/// The model of codes.
pub(super) struct CodesModel {
    same: [Chance; 48],
    values: Tree,
    as_counted: [Chance; 3],
    counts: Tree,
    crosses: Chance,
    step_same: Chance,
    steps: Tree,
    extras: Tree,
}

/// What greedy run-length coding makes of the lengths from `at` on: within `end` for runs, and repeating only from `from` on.
fn expected_step(lengths: &[u8], at: usize, from: usize, end: usize) -> Step {
    let value = lengths[at];
    let run = lengths[at..end].iter().take_while(|l| **l == value).count();
    match (value, run) {
        (0, 11..) => Step { symbol: 18, extra: (run.min(138) - 11) as u8 },
        (0, 3..) => Step { symbol: 17, extra: (run - 3) as u8 },
        (1.., 3..) if at > from && lengths[at - 1] == value => Step { symbol: 16, extra: (run.min(6) - 3) as u8 },
        _ => Step { symbol: value, extra: 0 },
    }
}

impl CodesModel {
    pub(super) fn new() -> Self {
        Self {
            same: [Chance::new(); 48],
            values: Tree::new(48, 4),
            as_counted: [Chance::new(); 3],
            counts: Tree::new(3, 5),
            crosses: Chance::new(),
            step_same: Chance::new(),
            steps: Tree::new(1, 5),
            extras: Tree::new(19, 7),
        }
    }

    /// Codes the codes of a block whose (first) tokens had these frequencies; where they are decoded, `codes` are any.
    pub(super) fn code<C: Coder>(&mut self, c: &mut C, frequencies: &Frequencies, codes: &Codes) -> Codes {
        let of_literals = trees::lengths(&frequencies.literals, 15);
        let of_distances = trees::lengths(&frequencies.distances, 15);
        let highest = |l: &[u8], least: usize| l.iter().rposition(|l| *l > 0).map_or(least, |i| (i + 1).max(least));
        let literals = self.count(c, 0, highest(&of_literals, 257), usize::from(codes.literals), 257).min(LITERALS);
        let distances = self.count(c, 1, highest(&of_distances, 1), usize::from(codes.distances), 1).min(DISTANCES);
        let mut made = Codes { literals: literals as u16, distances: distances as u16, ..Codes::default() };
        let expected = of_literals[..literals].iter().chain(&of_distances[..distances]);
        let mut missed = 0;
        for (i, &expected) in expected.enumerate() {
            let actual = codes.lengths.get(i).copied().unwrap_or(0);
            let length = self.length(c, 0, &mut missed, expected, actual);
            made.lengths.push(length);
        }
        self.steps(c, codes, &mut made);
        let mut used = [0; 19];
        for step in &made.steps {
            used[usize::from(step.symbol)] += 1;
        }
        let expected = trees::lengths(&used, 7);
        let sent = CODE_LENGTH_ORDER.iter().rposition(|s| expected[*s] > 0).map_or(4, |i| (i + 1).max(4));
        made.sent = self.count(c, 2, sent, usize::from(codes.sent), 4).min(19) as u8;
        let mut missed = 0;
        for &symbol in &CODE_LENGTH_ORDER[..usize::from(made.sent)] {
            made.code_lengths[symbol] =
                self.length(c, 1, &mut missed, expected[symbol], codes.code_lengths[symbol]) & 7;
        }
        made
    }

    fn count<C: Coder>(&mut self, c: &mut C, which: usize, expected: usize, actual: usize, least: usize) -> usize {
        if self.as_counted[which].code(c, actual == expected) {
            return expected;
        }
        least + self.counts.code(c, which, actual.saturating_sub(least) as u32 & 31) as usize
    }

    fn length<C: Coder>(&mut self, c: &mut C, which: usize, missed: &mut usize, expected: u8, actual: u8) -> u8 {
        let side = usize::from(expected > 0) + 2 * (*missed).min(3) + 8 * which;
        if self.same[side].code(c, actual == expected) {
            return expected;
        }
        *missed += 1;
        self.values.code(c, usize::from(expected) + 16 * which, u32::from(actual)) as u8
    }

    /// The run-length coding: whether runs cross from literals to distances, then every step.
    fn steps<C: Coder>(&mut self, c: &mut C, codes: &Codes, made: &mut Codes) {
        let (border, all) = (usize::from(made.literals), made.lengths.len());
        let crosses = !C::DECODES && {
            // The first step that is not as without crossing tells.
            let mut at = 0;
            let differs = codes.steps.iter().find(|step| {
                let (from, end) = if at < border { (0, border) } else { (border, all) };
                let same = at < all && **step == expected_step(&made.lengths, at, from, end);
                at += step.count();
                !same
            });
            differs.is_some()
        };
        let crosses = self.crosses.code(c, crosses);
        let mut at = 0;
        let mut actual = codes.steps.iter();
        while at < all {
            let (from, end) = match (crosses, at < border) {
                (true, _) => (0, all),
                (false, true) => (0, border),
                (false, false) => (border, all),
            };
            let expected = expected_step(&made.lengths, at, from, end);
            let step = actual.next().copied().unwrap_or(expected);
            let step = if self.step_same.code(c, step == expected) {
                expected
            } else {
                let symbol = self.steps.code(c, 0, u32::from(step.symbol)).min(18) as u8;
                let mut other = Step { symbol, extra: 0 };
                if other.extra_bits() > 0 {
                    other.extra = self.extras.code(c, usize::from(symbol), u32::from(step.extra)) as u8;
                }
                other
            };
            at += step.count();
            made.steps.push(step);
        }
    }
}
