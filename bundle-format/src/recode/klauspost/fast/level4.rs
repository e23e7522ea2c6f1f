//! Level 4: a table over four bytes and one over seven; the longer hash is believed first.

use super::history::View;
use super::table::{Last, hash4, hash7};
use super::{FARTHEST, Found, Search, Then};

const BITS: u32 = 15;

pub(super) struct Level4 {
    short: Last<{ 1 << BITS }>,
    long: Last<{ 1 << BITS }>,
    /// Whether the match one further is measured at the wrong place: at its distance, where its position is meant.
    misjudges: bool,
}

impl Level4 {
    pub(super) fn new(misjudges: bool) -> Self {
        Self { short: Last::new(), long: Last::new(), misjudges }
    }

    #[inline]
    fn note(&mut self, word: u64, position: u32) {
        self.short.set(hash4(word, BITS), position);
        self.long.set(hash7(word, BITS), position);
    }
}

impl Search for Level4 {
    #[inline]
    fn find(&mut self, view: View<'_>, mut at: usize, emitted: usize) -> Option<Found> {
        loop {
            let word = view.word(at);
            let (short, long) = (hash4(word, BITS), hash7(word, BITS));
            let next = at + 1 + ((at - emitted) >> 6);
            if next > view.limit {
                return None;
            }
            let (short, long) = (self.short.get(short), self.long.get(long));
            self.note(word, view.position(at));
            if let Some(from) = view.near(long, at, FARTHEST)
                && view.is(from, word)
            {
                return Some(Found { at, from, len: 4 + view.same(at + 4, from + 4), next });
            }
            if let Some(from) = view.near(short, at, FARTHEST)
                && view.is(from, word)
            {
                let here = view.same(at + 4, from + 4);
                let word = view.word(next);
                if let Some(other) = view.near(self.long.get(hash7(word, BITS)), next, FARTHEST)
                    && view.is(other, word)
                {
                    let there = view.same(next + 4, other + 4);
                    let judged = if self.misjudges { view.same(next + 4, next - other + 4) } else { there };
                    if judged > here {
                        return Some(Found { at: next, from: other, len: 4 + there, next });
                    }
                }
                return Some(Found { at, from, len: 4 + here, next });
            }
            at = next;
        }
    }

    #[inline]
    fn behind(&mut self, view: View<'_>, found: Found, at: usize) -> Then {
        let mut inside = found.next;
        while inside + 1 < at {
            let word = view.word(inside);
            self.long.set(hash7(word, BITS), view.position(inside));
            self.note(word >> 8, view.position(inside + 1));
            inside += 3;
        }
        self.note(view.word(at - 1), view.position(at - 1));
        Then::Search(at)
    }

    fn end(&mut self, view: View<'_>, _: Found, at: usize) {
        if at + 8 < view.bytes.len() {
            self.note(view.word(at), view.position(at));
        }
    }

    fn lower(&mut self, floor: u32, by: u32) {
        self.short.lower(floor, by);
        self.long.lower(floor, by);
    }
}
