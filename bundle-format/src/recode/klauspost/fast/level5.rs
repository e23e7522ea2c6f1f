//! Level 5: as level 4, with two candidates for each longer hash; a match's end is asked for a match that is longer.

use super::history::View;
use super::table::{Last, LastTwo, hash4, hash7};
use super::{FARTHEST, Found, Search, Then};

const BITS: u32 = 15;
/// What candidates are compared by at most.
pub(super) const COMPARED: usize = 258;

/// The tables of levels 5 and 6.
pub(super) struct Tables {
    pub(super) short: Last<{ 1 << BITS }>,
    pub(super) long: LastTwo<{ 1 << BITS }>,
}

impl Tables {
    pub(super) fn new() -> Self {
        Self { short: Last::new(), long: LastTwo::new() }
    }

    #[inline]
    pub(super) fn candidates(&self, word: u64) -> (u32, [u32; 2]) {
        (self.short.get(hash4(word, BITS)), self.two(word))
    }

    #[inline]
    pub(super) fn two(&self, word: u64) -> [u32; 2] {
        self.long.get(hash7(word, BITS))
    }

    #[inline]
    pub(super) fn note(&mut self, word: u64, position: u32) {
        self.note_short(word, position);
        self.note_long(word, position);
    }

    #[inline]
    pub(super) fn note_short(&mut self, word: u64, position: u32) {
        self.short.set(hash4(word, BITS), position);
    }

    #[inline]
    pub(super) fn note_long(&mut self, word: u64, position: u32) {
        self.long.push(hash7(word, BITS), position);
    }

    pub(super) fn lower(&mut self, floor: u32, by: u32) {
        self.short.lower(floor, by);
        self.long.lower(floor, by);
    }
}

/// How far two places are equal of which four bytes are known to be, as far as candidates are compared.
#[inline]
pub(super) fn compare(view: View<'_>, at: usize, from: usize) -> usize {
    4 + view.same_up_to(at + 4, from + 4, COMPARED - 4)
}

/// The longer of two candidates for the longer hash at `at`, if the first four bytes are right: where it is, and its
/// length, 0 if it was not compared.
#[inline]
pub(super) fn longer(view: View<'_>, word: u64, at: usize, two: [u32; 2]) -> Option<(usize, usize)> {
    let last = view.near(two[0], at, FARTHEST)?;
    let before = view.near(two[1], at, FARTHEST).filter(|from| view.is(*from, word));
    match (view.is(last, word), before) {
        (true, None) => Some((last, 0)),
        (false, None) => None,
        (false, Some(before)) => Some((before, 0)),
        (true, Some(before)) => {
            let (a, b) = (compare(view, at, last), compare(view, at, before));
            Some(if b > a { (before, b) } else { (last, a) })
        }
    }
}

/// All of a match of which so much is known.
#[inline]
pub(super) fn complete(view: View<'_>, found: &mut Found) {
    if found.len == 0 {
        found.len = 4 + view.same(found.at + 4, found.from + 4);
    } else if found.len == COMPARED {
        found.len += view.same(found.at + COMPARED, found.from + COMPARED);
    }
}

/// The match that `candidate` would be, which was seen where the match found so far ends: its first two bytes may differ.
#[inline]
pub(super) fn from_end(view: View<'_>, found: Found, candidate: u32) -> Option<Found> {
    let distance = view.position(found.at + found.len).wrapping_sub(candidate);
    if distance == 0 || distance >= FARTHEST {
        return None;
    }
    let at = found.at + 2;
    let from = at.checked_sub(distance as usize)?;
    let len = view.same(at, from);
    (len > found.len).then_some(Found { at, from, len, next: found.next })
}

pub(super) struct Level5 {
    tables: Tables,
}

impl Level5 {
    pub(super) fn new() -> Self {
        Self { tables: Tables::new() }
    }

    /// A match of which the length is known only if candidates had to be compared.
    #[inline]
    fn candidate(&mut self, view: View<'_>, mut at: usize, emitted: usize) -> Option<Found> {
        loop {
            let word = view.word(at);
            let next = at + 1 + ((at - emitted) >> 6);
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
                let len = compare(view, at, from);
                let found = Found { at, from, len, next };
                return Some(one_further(view, word_next, two, found).unwrap_or(found));
            }
            at = next;
        }
    }
}

/// A longer match that begins where the search would have gone on: the first of two candidates that is longer.
#[inline]
fn one_further(view: View<'_>, word: u64, two: [u32; 2], found: Found) -> Option<Found> {
    let at = found.next;
    view.near(two[0], at, FARTHEST)?;
    two.into_iter()
        .filter_map(|candidate| view.near(candidate, at, FARTHEST))
        .filter(|from| view.is(*from, word))
        .map(|from| Found { at, from, len: compare(view, at, from), next: at })
        .find(|other| other.len > found.len)
}

impl Search for Level5 {
    #[inline]
    fn find(&mut self, view: View<'_>, at: usize, emitted: usize) -> Option<Found> {
        let mut found = self.candidate(view, at, emitted)?;
        complete(view, &mut found);
        let end = found.at + found.len;
        if found.len < 30 && end < view.limit {
            let [last, _] = self.tables.two(view.word(end));
            found = from_end(view, found, last).unwrap_or(found);
        }
        Some(found)
    }

    #[inline]
    fn behind(&mut self, view: View<'_>, found: Found, at: usize) -> Then {
        let mut inside = at - found.len + 1;
        if inside + 1 < at {
            let word = view.word(inside);
            self.tables.note(word, view.position(inside));
            self.tables.note_long(word >> 8, view.position(inside + 1));
            self.tables.note_short(word >> 16, view.position(inside + 2));
            inside += 4;
            while inside + 1 < at {
                let word = view.word(inside);
                self.tables.note_long(word, view.position(inside));
                self.tables.note_short(word >> 8, view.position(inside + 1));
                inside += 3;
            }
        }
        self.tables.note(view.word(at - 1), view.position(at - 1));
        Then::Search(at)
    }

    fn end(&mut self, _: View<'_>, _: Found, _: usize) {}

    fn lower(&mut self, floor: u32, by: u32) {
        self.tables.lower(floor, by);
    }
}
