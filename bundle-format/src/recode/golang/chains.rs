//! Levels 2 to 9: matches are looked for along chains of places whose next four bytes have one hash.

use super::block::Blocks;
use super::level::Search;
use super::token::{LONGEST, Token};

/// How far back a match may reach; also what the window moves by.
const REACH: usize = 1 << 15;
/// Bytes that are held: two reaches.
const HELD: usize = 2 * REACH;
/// The first place in the window. Places are Go's plus one, so that 0 means none in the tables.
const START: usize = 1;
const WINDOW_END: usize = START + HELD;
/// Behind the last place there is room to load whole words.
const ROOM: usize = HELD + 512;
/// The shortest match that is used.
const MIN: usize = 4;
/// Without the end in sight, a place is decided when this many bytes follow.
const AHEAD: usize = MIN + LONGEST;
/// What is compared at once, 33 words.
const COMPARED: usize = 264;
const HASH_BITS: u32 = 17;
/// A match of four bytes from further away costs more than literals.
const NEAR: usize = 4096;
/// Tokens in a block.
const BLOCK: usize = 1 << 14;
/// How far a second chain is followed to see whether the first is worth it. Only speed depends on it: with 8 a level 6 takes
/// two thirds of the time that it takes without.
const HOPE: usize = 8;

/// The window, what is remembered of it, and the block that is being gathered.
pub(super) struct Chains {
    search: Search,
    window: Box<[u8; ROOM]>,
    tables: Tables,
    /// The next place to decide, and the end of what the window holds.
    at: usize,
    end: usize,
    /// Where the block began, while the window still holds that.
    block_start: Option<usize>,
    /// The byte before `at` is not in a token yet.
    pending: bool,
    /// The match that begins there. A length below [`MIN`] means none.
    found: Match,
    tokens: Vec<Token>,
    /// The last place that is on no chain, 0 if there is none in the window.
    gap: usize,
}

#[derive(Clone, Copy)]
struct Match {
    length: usize,
    distance: usize,
}

const NONE: Match = Match { length: MIN - 1, distance: 0 };

/// Chains of places: the newest of each hash, and for each place the one before it.
struct Tables {
    newest: Box<[u16; 1 << HASH_BITS]>,
    before: Box<[u16; REACH]>,
}

impl Tables {
    /// Remembers a place; returns the newest place before it, or 0.
    #[inline]
    fn insert(&mut self, window: &[u8; ROOM], at: usize) -> u16 {
        let newest = &mut self.newest[hash(four(window, at))];
        let before = *newest;
        self.before[at % REACH] = before;
        *newest = at as u16;
        before
    }

    /// Follows the window; what it lost becomes 0.
    fn slide(&mut self) {
        // Two loops, not one over both: these are done with vector instructions.
        self.newest.iter_mut().for_each(|place| *place = place.saturating_sub(REACH as u16));
        self.before.iter_mut().for_each(|place| *place = place.saturating_sub(REACH as u16));
    }
}

impl Chains {
    pub(super) fn new(search: Search) -> Self {
        Self {
            search,
            window: super::boxed(0),
            tables: Tables { newest: super::boxed(0), before: super::boxed(0) },
            at: START,
            end: START,
            block_start: Some(START),
            pending: false,
            found: NONE,
            tokens: Vec::with_capacity(BLOCK),
            gap: 0,
        }
    }

    pub(super) fn write(&mut self, mut content: &[u8], blocks: &mut Blocks, out: &mut Vec<u8>) {
        while !content.is_empty() {
            if self.at >= START + HELD - AHEAD {
                self.slide();
            }
            let (now, later) = content.split_at(content.len().min(WINDOW_END - self.end));
            self.window[self.end..self.end + now.len()].copy_from_slice(now);
            self.end += now.len();
            content = later;
            // Only a full window is worked on: so it does not matter how the content is cut.
            if self.end == WINDOW_END {
                self.run(false, blocks, out);
            }
        }
    }

    /// Decides all places and ends the block.
    pub(super) fn flush(&mut self, blocks: &mut Blocks, out: &mut Vec<u8>) {
        self.run(true, blocks, out);
    }

    fn slide(&mut self) {
        self.window.copy_within(START + REACH..WINDOW_END, START);
        self.at -= REACH;
        self.end -= REACH;
        self.gap = self.gap.saturating_sub(REACH);
        self.block_start = self.block_start.and_then(|start| start.checked_sub(REACH)).filter(|start| *start >= START);
        self.tables.slide();
    }

    fn run(&mut self, flush: bool, blocks: &mut Blocks, out: &mut Vec<u8>) {
        let ahead = if flush { 1 } else { AHEAD };
        while self.end - self.at >= ahead {
            let block_end = match self.search.lazy {
                Some(lazy) => self.lazy_step(lazy, ahead),
                None => self.greedy_step(ahead),
            };
            if self.tokens.len() >= BLOCK {
                self.end_block(block_end, blocks, out);
            }
        }
        if flush {
            if self.pending {
                self.tokens.push(Token::literal(self.window[self.at - 1]));
                self.pending = false;
            }
            if !self.tokens.is_empty() {
                self.end_block(self.at, blocks, out);
            }
            // The last three places were not remembered.
            self.gap = self.at;
        }
    }

    fn end_block(&mut self, end: usize, blocks: &mut Blocks, out: &mut Vec<u8>) {
        let content = self.block_start.and_then(|start| self.window.get(start..end));
        blocks.smallest(&self.tokens, content, out);
        self.block_start = Some(end);
        self.tokens.clear();
    }

    /// Makes tokens until the block is full or fewer than `ahead` bytes follow; returns where the tokens end.
    ///
    /// A match waits for one byte: if a longer one begins there, the byte before it becomes a literal.
    fn lazy_step(&mut self, lazy: usize, ahead: usize) -> usize {
        let insert_end = self.end.saturating_sub(MIN - 1);
        while self.end - self.at >= ahead {
            let left = self.end - self.at;
            let newest = if self.at < insert_end { self.tables.insert(&self.window, self.at) } else { 0 };
            let waiting = std::mem::replace(&mut self.found, NONE);
            if waiting.length < lazy && left > waiting.length {
                // Only what is longer than the match that waits counts.
                self.found = self.longest(newest, waiting.length, left.min(LONGEST));
            }
            if waiting.length >= MIN && self.found.length <= waiting.length {
                self.tokens.push(Token::copy(waiting.length, waiting.distance));
                self.skip_to(self.at + waiting.length - 1, insert_end);
                (self.pending, self.found) = (false, NONE);
                if self.tokens.len() >= BLOCK {
                    return self.at;
                }
            } else {
                let literal = self.pending;
                if literal {
                    self.tokens.push(Token::literal(self.window[self.at - 1]));
                }
                self.at += 1;
                self.pending = true;
                if literal && self.tokens.len() >= BLOCK {
                    return self.at - 1;
                }
            }
        }
        self.at
    }

    /// As [`Self::lazy_step`], but a match is taken where it is found.
    fn greedy_step(&mut self, ahead: usize) -> usize {
        let insert_end = self.end.saturating_sub(MIN - 1);
        while self.end - self.at >= ahead && self.tokens.len() < BLOCK {
            let left = self.end - self.at;
            let newest = if self.at < insert_end { self.tables.insert(&self.window, self.at) } else { 0 };
            let found = if left >= MIN { self.longest(newest, MIN - 1, left.min(LONGEST)) } else { NONE };
            if found.length < MIN {
                self.tokens.push(Token::literal(self.window[self.at]));
                self.at += 1;
                continue;
            }
            self.tokens.push(Token::copy(found.length, found.distance));
            if found.length <= self.search.insert_up_to {
                self.skip_to(self.at + found.length, insert_end);
            } else {
                self.at += found.length;
                self.gap = self.at;
            }
        }
        self.at
    }

    /// Goes on to `to`, and remembers the places on the way.
    fn skip_to(&mut self, to: usize, insert_end: usize) {
        for at in self.at + 1..to.min(insert_end) {
            self.tables.insert(&self.window, at);
        }
        self.at = to;
    }

    /// Whether nothing from `place` on can match more than `length` bytes; false if that is not known.
    ///
    /// Such a match has its last four bytes in common too. They are on a chain of their own, often a short one, and that is
    /// followed instead of the long one. Only if no place in reach was left out of the chains.
    fn hopeless(&self, here: usize, place: usize, limit: usize, length: usize) -> bool {
        let ahead = length - (MIN - 1);
        if place + ahead > here || self.gap >= limit {
            return false;
        }
        let window = &*self.window;
        let (first, last) = (four(window, here), four(window, here + ahead));
        let mut place = self.tables.newest[hash(last)];
        let limit = limit + ahead;
        for _ in 0..HOPE {
            let at = usize::from(place);
            if at < limit {
                return true;
            }
            if four(window, at) == last && four(window, at - ahead) == first {
                return false;
            }
            place = self.tables.before[at % REACH];
        }
        false
    }

    /// The nearest of the longest matches above `floor` bytes along the chain from `newest`, as far as the search goes.
    ///
    /// `max`: the bytes that may match, more than `floor`.
    fn longest(&self, newest: u16, floor: usize, max: usize) -> Match {
        let (window, before) = (&self.window, &self.tables.before);
        let here = self.at;
        let limit = here.saturating_sub(REACH).max(START);
        let mut found = Match { length: floor, ..NONE };
        let mut place = newest;
        if usize::from(place) < limit {
            return NONE;
        }
        if floor >= MIN && self.hopeless(here, usize::from(place), limit, floor) {
            return NONE;
        }
        let Some(wanted) = window.get(here..).and_then(<[u8]>::first_chunk::<COMPARED>) else { return NONE };
        let nice = self.search.nice.min(max);
        // A longer match has these four bytes in common as well; that rules most places out.
        let tail = |length: usize| (length - (MIN - 1)) as u8;
        let mut skipped = tail(found.length);
        let mut last = four(wanted, skipped.into());
        for _ in 0..self.search.tries {
            if four_in(window, place, skipped) == last {
                let distance = here - usize::from(place);
                let length = common(window, place, wanted).min(max);
                if length > found.length && (length > MIN || distance <= NEAR) {
                    found = Match { length, distance };
                    if length >= nice {
                        break;
                    }
                    skipped = tail(length);
                    last = four(wanted, skipped.into());
                    if self.hopeless(here, usize::from(place), limit, length) {
                        break;
                    }
                }
            }
            // A place at the limit has lost what was before it; every other is older than the one before.
            let next = before[usize::from(place) % REACH];
            if usize::from(next).wrapping_sub(limit) >= usize::from(place) - limit {
                break;
            }
            place = next;
        }
        if found.distance == 0 { NONE } else { found }
    }
}

#[inline]
fn hash(four: u32) -> usize {
    (four.swap_bytes().wrapping_mul(0x1e35_a7bd) >> (32 - HASH_BITS)) as usize
}

#[inline]
fn four(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk::<4>).map_or(0, |b| u32::from_le_bytes(*b))
}

#[inline]
fn four_in(window: &[u8; ROOM], place: u16, skipped: u8) -> u32 {
    four(window, usize::from(place) + usize::from(skipped))
}

/// How many bytes at `place` are as wanted; up to [`COMPARED`].
#[inline]
fn common(window: &[u8; ROOM], place: u16, wanted: &[u8; COMPARED]) -> usize {
    let Some(there) = window[usize::from(place)..].first_chunk::<COMPARED>() else { return 0 };
    let (a, b) = (wanted.as_chunks::<8>().0, there.as_chunks::<8>().0);
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let different = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if different != 0 {
            return 8 * i + (different.trailing_zeros() / 8) as usize;
        }
    }
    COMPARED
}
