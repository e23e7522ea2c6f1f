//! Places in the window, chained by the hash of their first four bytes.

use super::super::tokens::zeroed;
use super::REACH;

const BITS: u32 = 17;
/// Positions do not go on beyond this.
const LAST: u32 = 1 << 31;

/// The last place of each hash, and the place before each place.
pub(super) struct Chains {
    heads: Box<[u32; 1 << BITS]>,
    before: Box<[u32; REACH]>,
    /// The position of the window's first byte; positions below it are out of reach, and so is 0.
    base: u32,
}

impl Chains {
    pub(super) fn new() -> Self {
        Self { heads: zeroed(0), before: zeroed(0), base: 1 }
    }

    /// Notes the place `at`; says where its hash was last.
    #[inline]
    pub(super) fn insert(&mut self, at: usize, window: &[u8]) -> Option<usize> {
        let head = &mut self.heads[hash(at, window)];
        let last = *head;
        self.before[at % REACH] = last;
        *head = self.base + at as u32;
        self.place(last)
    }

    /// Where the hash of the place `at` was last.
    #[inline]
    pub(super) fn last(&self, at: usize, window: &[u8]) -> Option<usize> {
        self.place(self.heads[hash(at, window)])
    }

    /// The place before `at` in its chain.
    #[inline]
    pub(super) fn before(&self, at: usize) -> Option<usize> {
        self.place(self.before[at % REACH])
    }

    fn place(&self, position: u32) -> Option<usize> {
        position.checked_sub(self.base).map(|place| place as usize)
    }

    /// The first half of the window has gone.
    pub(super) fn slide(&mut self) {
        self.base += REACH as u32;
        if self.base > LAST {
            let by = self.base - 1;
            self.heads
                .iter_mut()
                .chain(self.before.iter_mut())
                .for_each(|position| *position = position.saturating_sub(by));
            self.base = 1;
        }
    }

    #[cfg(test)]
    pub(super) fn start_at(&mut self, position: u32) {
        self.base = position;
    }
}

#[inline]
fn hash(at: usize, window: &[u8]) -> usize {
    let word = window.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u32::from_le_bytes(*word));
    (word.wrapping_mul(2_654_435_761) >> (32 - BITS)) as usize
}
