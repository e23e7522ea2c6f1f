//! Level 6: as level 5; the distance of the last match is tried again, and more places within matches are noted.

use super::history::View;
use super::level5::{Tables, compare, complete, from_end, longer};
use super::{FARTHEST, Found, Search, Then};

pub(super) struct Level6 {
    tables: Tables,
    /// The distance of the last match in this block, 1 before the first.
    repeat: usize,
}

impl Level6 {
    pub(super) fn new() -> Self {
        Self { tables: Tables::new(), repeat: 1 }
    }

    /// A match of which the length is known only if candidates had to be compared.
    #[inline]
    fn candidate(&mut self, view: View<'_>, mut at: usize, emitted: usize) -> Option<Found> {
        loop {
            let word = view.word(at);
            let next = at + 1 + ((at - emitted) >> 7);
            if next > view.limit {
                return None;
            }
            let (short, long) = self.tables.candidates(word);
            self.tables.note(word, view.position(at));
            let word_next = view.word(next);
            if let Some((from, len)) = longer(view, word, at, long) {
                self.tables.note(word_next, view.position(next));
                return Some(Found { at, from, len, next });
            }
            if let Some(from) = view.near(short, at, FARTHEST)
                && view.is(from, word)
            {
                let two = self.tables.two(word_next);
                self.tables.note(word_next, view.position(next));
                let found = Found { at, from, len: compare(view, at, from), next };
                return Some(
                    self.repeated(view, word, found).unwrap_or_else(|| one_further(view, word_next, two, found)),
                );
            }
            at = next;
        }
    }

    /// A longer match one byte further, at the distance of the last one.
    #[inline]
    fn repeated(&self, view: View<'_>, word: u64, found: Found) -> Option<Found> {
        let at = found.at + 1;
        let from = at.checked_sub(self.repeat)?;
        if !view.is(from, word >> 8) {
            return None;
        }
        let len = compare(view, at, from);
        (len > found.len).then_some(Found { at, from, len, next: found.next })
    }
}

/// The longest of what was found and the two candidates where the search would have gone on.
#[inline]
fn one_further(view: View<'_>, word: u64, two: [u32; 2], found: Found) -> Found {
    let at = found.next;
    let mut best = found;
    if view.near(two[0], at, FARTHEST).is_some() {
        for from in two.into_iter().filter_map(|candidate| view.near(candidate, at, FARTHEST)) {
            if view.is(from, word) {
                let len = compare(view, at, from);
                if len > best.len {
                    best = Found { at, from, len, next: at };
                }
            }
        }
    }
    best
}

impl Search for Level6 {
    fn begin(&mut self) {
        self.repeat = 1;
    }

    #[inline]
    fn find(&mut self, view: View<'_>, at: usize, emitted: usize) -> Option<Found> {
        let mut found = self.candidate(view, at, emitted)?;
        complete(view, &mut found);
        let end = found.at + found.len;
        if end < view.limit {
            // The older candidate is tried from where the first match began, and only if the later one is not too far; one that
            // is ahead is not too far either.
            let (start, [last, before]) = (found, self.tables.two(view.word(end)));
            if (view.position(end).wrapping_sub(last) as i32) < FARTHEST as i32 {
                found = from_end(view, found, last).unwrap_or(found);
                found = from_end(view, Found { len: found.len, ..start }, before).unwrap_or(found);
            }
        }
        Some(found)
    }

    #[inline]
    fn behind(&mut self, view: View<'_>, found: Found, at: usize) -> Then {
        self.repeat = found.at - found.from;
        let mut inside = found.next + 1;
        while inside + 1 < at {
            let word = view.word(inside);
            self.tables.note(word, view.position(inside));
            self.tables.note_long(word >> 8, view.position(inside + 1));
            inside += 2;
        }
        Then::Search(at)
    }

    fn end(&mut self, view: View<'_>, found: Found, _: usize) {
        let mut inside = found.next + 1;
        while inside + 8 < view.bytes.len() {
            self.tables.note(view.word(inside), view.position(inside));
            inside += 2;
        }
    }

    fn lower(&mut self, floor: u32, by: u32) {
        self.tables.lower(floor, by);
    }
}
