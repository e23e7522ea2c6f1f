//! Level 3: two candidates for each hash, and every place is looked at until nothing repeats for long.

use super::history::View;
use super::table::{LastTwo, hash5};
use super::{FARTHEST, Found, Search, Then};

const BITS: u32 = 16;
/// Matches are closer than others may be.
const REACH: u32 = FARTHEST - 4;

pub(super) struct Level3 {
    table: LastTwo<{ 1 << BITS }>,
}

impl Level3 {
    pub(super) fn new() -> Self {
        Self { table: LastTwo::new() }
    }
}

impl Search for Level3 {
    #[inline]
    fn find(&mut self, view: View<'_>, mut at: usize, emitted: usize) -> Option<Found> {
        loop {
            let word = view.word(at);
            let hash = hash5(word, BITS);
            let next = at + 1 + ((at - emitted) >> 7);
            if next > view.limit {
                return None;
            }
            let [last, before] = self.table.get(hash);
            self.table.push(hash, view.position(at));
            // One that is exactly at the end of the reach counts, but not the one before it.
            if let Some(from) = view.near(last, at, REACH + 1) {
                let len = |from: usize| view.same(at + 4, from + 4);
                if view.is(from, word) {
                    let mut best = (from, len(from));
                    if let Some(from) = view.near(before, at, REACH + 1)
                        && view.is(from, word)
                    {
                        let other = len(from);
                        if other > best.1 {
                            best = (from, other);
                        }
                    }
                    return Some(Found { at, from: best.0, len: 4 + best.1, next });
                }
                if let Some(from) = view.near(before, at, REACH)
                    && view.is(from, word)
                {
                    return Some(Found { at, from, len: 4 + len(from), next });
                }
            }
            at = next;
        }
    }

    #[inline]
    fn behind(&mut self, view: View<'_>, found: Found, at: usize) -> Then {
        let mut inside = at - found.len + 2;
        while inside + 5 < at {
            self.table.push(hash5(view.word(inside), BITS), view.position(inside));
            inside += 6;
        }
        let word = view.word(at - 2);
        self.table.push(hash5(word, BITS), view.position(at - 2));
        self.table.push(hash5(word >> 8, BITS), view.position(at - 1));
        let word = word >> 16;
        let hash = hash5(word, BITS);
        let [last, before] = self.table.get(hash);
        self.table.push(hash, view.position(at));
        if let Some(from) = view.near(last, at, REACH) {
            for from in [Some(from), view.near(before, at, REACH)].into_iter().flatten() {
                if view.is(from, word) {
                    let len = 4 + view.same(at + 4, from + 4);
                    return Then::Match(Found { at, from, len, next: found.next });
                }
            }
        }
        Then::Search(at + 1)
    }

    fn end(&mut self, view: View<'_>, found: Found, _: usize) {
        // The end of what was repeated, not of the repeat.
        let end = found.from + found.len;
        if end + 8 < view.bytes.len() {
            self.table.push(hash5(view.word(end), BITS), view.position(end));
        }
    }

    fn lower(&mut self, floor: u32, by: u32) {
        self.table.lower(floor, by);
    }
}
