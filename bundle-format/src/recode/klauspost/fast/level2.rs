//! Level 2: like level 1 with a bigger table, and places within matches are noted too.

use super::history::View;
use super::table::{Last, hash5};
use super::{FARTHEST, Found, Search, Then};

const BITS: u32 = 17;

pub(super) struct Level2 {
    table: Last<{ 1 << BITS }>,
}

impl Level2 {
    pub(super) fn new() -> Self {
        Self { table: Last::new() }
    }
}

impl Search for Level2 {
    #[inline]
    fn find(&mut self, view: View<'_>, mut at: usize, emitted: usize) -> Option<Found> {
        loop {
            let word = view.word(at);
            let hash = hash5(word, BITS);
            let next = at + 2 + ((at - emitted) >> 5);
            if next > view.limit {
                return None;
            }
            let candidate = self.table.get(hash);
            let word_next = view.word(next);
            self.table.set(hash, view.position(at));
            let hash = hash5(word_next, BITS);
            if let Some(from) = view.near(candidate, at, FARTHEST)
                && view.is(from, word)
            {
                self.table.set(hash, view.position(next));
                return Some(Found { at, from, len: 4 + view.same(at + 4, from + 4), next });
            }
            let candidate = self.table.get(hash);
            self.table.set(hash, view.position(next));
            if let Some(from) = view.near(candidate, next, FARTHEST)
                && view.is(from, word_next)
            {
                return Some(Found { at: next, from, len: 4 + view.same(next + 4, from + 4), next: next + 1 });
            }
            at = next + 1;
        }
    }

    #[inline]
    fn behind(&mut self, view: View<'_>, found: Found, at: usize) -> Then {
        // Three of seven places.
        let mut inside = at - found.len + 2;
        while inside + 5 < at {
            let word = view.word(inside);
            for skip in [0, 2, 4] {
                self.table.set(hash5(word >> (8 * skip), BITS), view.position(inside + skip));
            }
            inside += 7;
        }
        let word = view.word(at - 2);
        self.table.set(hash5(word, BITS), view.position(at - 2));
        self.table.set(hash5(word >> 8, BITS), view.position(at - 1));
        let word = word >> 16;
        let hash = hash5(word, BITS);
        let candidate = self.table.get(hash);
        self.table.set(hash, view.position(at));
        match view.near(candidate, at, FARTHEST + 1) {
            Some(from) if view.is(from, word) => {
                Then::Match(Found { at, from, len: 4 + view.same(at + 4, from + 4), next: found.next })
            }
            _ => Then::Search(at + 1),
        }
    }

    fn end(&mut self, view: View<'_>, found: Found, at: usize) {
        if at + found.len + 8 < view.bytes.len() {
            self.table.set(hash5(view.word(at), BITS), view.position(at));
        }
    }

    fn lower(&mut self, floor: u32, by: u32) {
        self.table.lower(floor, by);
    }
}
