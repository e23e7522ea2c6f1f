//! Level 1: one small table over five bytes; every second place is looked at, fewer where nothing repeats.

use super::history::View;
use super::table::{Last, hash5};
use super::{FARTHEST, Found, Search, Then};

const BITS: u32 = 15;

pub(super) struct Level1 {
    table: Last<{ 1 << BITS }>,
}

impl Level1 {
    pub(super) fn new() -> Self {
        Self { table: Last::new() }
    }
}

impl Search for Level1 {
    #[inline]
    fn find(&mut self, view: View<'_>, mut at: usize, emitted: usize) -> Option<Found> {
        loop {
            let word = view.word(at);
            let hash = hash5(word, BITS);
            let candidate = self.table.get(hash);
            let next = at + 2 + ((at - emitted) >> 5);
            if next > view.limit {
                return None;
            }
            self.table.set(hash, view.position(at));
            let word_next = view.word(next);
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
                // The place behind is noted under the hash of this one.
                self.table.set(hash, view.position(next + 1));
                return Some(Found { at: next, from, len: 4 + view.same(next + 4, from + 4), next: next + 1 });
            }
            at = next + 1;
        }
    }

    #[inline]
    fn behind(&mut self, view: View<'_>, found: Found, at: usize) -> Then {
        let word = view.word(at - 2);
        self.table.set(hash5(word, BITS), view.position(at - 2));
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
