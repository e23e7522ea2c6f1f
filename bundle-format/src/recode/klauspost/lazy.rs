//! Levels 7 to 9: chains of places with the same hash, and a match waits for the next place to have a better one.

mod chains;

use super::blocks::Blocks;
use super::code::Code;
use super::family::Family;
use super::fast::same;
use super::tokens::{LITERALS, LONGEST, Tokens, distance_base, distance_code, length_code};
use chains::Chains;

/// How far matches reach, and half of the window.
pub(super) const REACH: usize = 1 << 15;
const WINDOW: usize = 2 * REACH;
/// The shortest match that is looked for.
const SHORTEST: usize = 4;
/// A search needs so many bytes, but at the end.
const AHEAD: usize = SHORTEST + LONGEST;
/// A block has so many tokens.
const BLOCK: usize = 1 << 15;

/// A match: its length and its distance. Three bytes stand for none.
#[derive(Clone, Copy)]
struct Match {
    len: usize,
    distance: usize,
}

const NONE: Match = Match { len: SHORTEST - 1, distance: 0 };

/// What a level looks for.
struct Effort {
    /// From this length on, no better match is waited for.
    lazy: usize,
    /// From this length on, no better match is looked for.
    nice: usize,
    /// How many places are tried.
    tries: usize,
}

/// The state between two calls.
pub(super) struct Lazy {
    family: Family,
    effort: Effort,
    window: Box<[u8; WINDOW]>,
    /// The content in the window ends here, and is searched up to `at`.
    end: usize,
    at: usize,
    /// Where the block began, as long as the window has it.
    block: Option<usize>,
    chains: Chains,
    /// The match at the place before.
    last: Match,
    /// The byte at the place before is in no token yet.
    waiting: bool,
    /// Bytes without a match.
    dull: u16,
    tokens: Tokens,
    /// Level 9: what the literals cost from some place on up to each place, in bits.
    costs: Vec<u32>,
}

impl Lazy {
    /// Levels 7 to 9; a number below is taken for 7, one above for 9.
    pub(super) fn new(family: Family, level: u8) -> Self {
        let effort = match level {
            0..=7 => Effort { lazy: 12, nice: 16, tries: 24 },
            8 => Effort { lazy: 30, nice: 40, tries: 64 },
            _ => Effort { lazy: 258, nice: 258, tries: 1024 },
        };
        let costs = if level >= 9 { vec![0; WINDOW + 1] } else { Vec::new() };
        Self {
            family,
            effort,
            window: super::tokens::zeroed(0),
            end: 0,
            at: 0,
            block: Some(0),
            chains: Chains::new(),
            last: NONE,
            waiting: false,
            dull: 0,
            tokens: Tokens::new(),
            costs,
        }
    }

    /// What matches may refer to before anything was written.
    pub(super) fn dictionary(&mut self, dictionary: &[u8]) {
        let dictionary = &dictionary[dictionary.len().saturating_sub(REACH)..];
        self.window[..dictionary.len()].copy_from_slice(dictionary);
        (self.end, self.at) = (dictionary.len(), dictionary.len());
        for at in 0..self.end.saturating_sub(SHORTEST - 1) {
            self.chains.insert(at, &self.window[..]);
        }
        if self.family.begins_behind_dictionary() {
            self.block = Some(self.end);
        }
    }

    #[cfg(test)]
    pub(super) fn start_at(&mut self, position: u32) {
        self.chains.start_at(position);
    }

    pub(super) fn write(&mut self, mut content: &[u8], blocks: &mut Blocks, out: &mut Vec<u8>) {
        while !content.is_empty() {
            if self.end == WINDOW {
                self.search(false, blocks, out);
                self.slide();
            }
            let now = content.len().min(WINDOW - self.end);
            self.window[self.end..self.end + now].copy_from_slice(&content[..now]);
            self.end += now;
            content = &content[now..];
        }
    }

    pub(super) fn flush(&mut self, blocks: &mut Blocks, out: &mut Vec<u8>) {
        self.search(true, blocks, out);
        if self.at >= WINDOW - AHEAD {
            self.slide();
        }
    }

    fn slide(&mut self) {
        self.window.copy_within(REACH.., 0);
        self.at -= REACH;
        self.end -= REACH;
        self.block = self.block.and_then(|block| block.checked_sub(REACH));
        self.chains.slide();
    }

    /// Searches as far as there is enough ahead, or to the end if everything must go out.
    fn search(&mut self, flush: bool, blocks: &mut Blocks, out: &mut Vec<u8>) {
        if self.end - self.at < AHEAD && !flush {
            return;
        }
        self.estimate();
        loop {
            let ahead = self.end - self.at;
            if ahead < AHEAD && !flush {
                return;
            }
            if ahead == 0 {
                if self.waiting {
                    self.tokens.literals(&self.window[self.at - 1..self.at]);
                    self.waiting = false;
                }
                if self.tokens.len() > 0 {
                    self.block(flush, blocks, out);
                }
                return;
            }
            let candidate = self.insert(self.at);
            let before = std::mem::replace(&mut self.last, NONE);
            if let Some(candidate) = candidate
                && candidate + REACH >= self.at
                && ahead > before.len
                && before.len < self.effort.lazy
                && let Some(found) = self.find(candidate, ahead)
            {
                self.last = found;
            }
            if before.len >= SHORTEST && self.last.len <= before.len {
                self.take(before, ahead, flush, blocks, out);
            } else {
                self.pass(flush, blocks, out);
            }
        }
    }

    /// Notes a place, unless the content ends too soon; says where its hash was last.
    fn insert(&mut self, at: usize) -> Option<usize> {
        if at + SHORTEST > self.end { None } else { self.chains.insert(at, &self.window[..]) }
    }

    /// The best match at this place, along the chain from `candidate` on.
    fn find(&self, candidate: usize, ahead: usize) -> Option<Match> {
        let here = &self.window[self.at..self.at + ahead.min(LONGEST)];
        let nice = self.effort.nice.min(here.len());
        let (match_cost, mut most) = self.family.match_cost();
        let mut best = None;
        let mut len = SHORTEST - 1;
        let mut from = candidate;
        for _ in 0..self.effort.tries {
            if here[len] == self.window[from + len] {
                let equal = same(here, &self.window[from..]);
                let better = equal > len
                    && (self.costs.is_empty() || {
                        let literals = self.costs[self.at + equal] - self.costs[self.at];
                        let distance = extra_bits_taken_for(self.at - from);
                        let length = length_code((equal - 3) as u8).1;
                        let won = literals as i32 - distance as i32 - match_cost - length as i32;
                        won > most && {
                            most = won;
                            true
                        }
                    });
                if better {
                    len = equal;
                    best = Some(Match { len, distance: self.at - from });
                    if len >= nice {
                        break;
                    }
                }
            }
            match self.chains.before(from) {
                Some(next) if from + REACH > self.at && from > 0 && next + REACH >= self.at => from = next,
                _ => break,
            }
        }
        best
    }

    /// Emits the match at the place before: nothing here is better.
    fn take(&mut self, mut found: Match, ahead: usize, flush: bool, blocks: &mut Blocks, out: &mut Vec<u8>) {
        if self.family.skips_start() {
            found = self.shift(found, ahead, flush, blocks, out);
        } else {
            found = self.lengthen(found, ahead);
        }
        self.tokens.matched(found.len, found.distance);
        let next = self.at + found.len - 1;
        for at in self.at + 1..next.min((self.end + 1).saturating_sub(SHORTEST)) {
            self.chains.insert(at, &self.window[..]);
        }
        (self.at, self.last) = (next, NONE);
        self.waiting = false;
        self.block_if_full(flush, blocks, out);
        self.dull = 0;
    }

    /// A longer match that begins with the one found, by what its end looks like.
    fn lengthen(&self, found: Match, ahead: usize) -> Match {
        let start = self.at - 1;
        let tail = start + found.len - 2;
        if start + found.len + 2 + SHORTEST > self.end {
            return found;
        }
        let Some(from) = self.chains.last(tail, &self.window[..]).and_then(|at| (at + 2).checked_sub(found.len)) else {
            return found;
        };
        if from <= self.at.saturating_sub(REACH) || from >= start {
            return found;
        }
        let len = same(&self.window[start..start + ahead.min(LONGEST)], &self.window[from..]);
        if len > found.len { Match { len, distance: start - from } } else { found }
    }

    /// A longer match that begins up to two bytes later, by what follows the end; bytes before it become literals.
    fn shift(&mut self, found: Match, ahead: usize, flush: bool, blocks: &mut Blocks, out: &mut Vec<u8>) -> Match {
        const LATER: usize = 2;
        let start = self.at - 1;
        if found.len >= LONGEST - LATER || start + found.len + SHORTEST > self.end {
            return found;
        }
        let behind = self.chains.last(start + found.len, &self.window[..]);
        let Some(from) = behind.and_then(|at| at.checked_sub(found.len)) else { return found };
        if from >= start || start - from == found.distance || from <= self.at.saturating_sub(REACH) + LATER {
            return found;
        }
        let end = start + ahead.min(LONGEST + LATER);
        let len = same(&self.window[start + LATER..end], &self.window[from + LATER..]);
        if len <= found.len {
            return found;
        }
        let mut shifted = Match { len, distance: start - from };
        for later in (0..LATER).rev() {
            if shifted.len >= LONGEST || self.window[start + later] != self.window[from + later] {
                for at in start..=start + later {
                    self.tokens.literals(&self.window[at..=at]);
                    self.block_if_full(flush, blocks, out);
                    self.at += 1;
                    self.insert(self.at);
                }
                break;
            }
            shifted.len += 1;
        }
        shifted
    }

    /// Goes on without a match; faster, if there has been none for long.
    fn pass(&mut self, flush: bool, blocks: &mut Blocks, out: &mut Vec<u8>) {
        if self.last.len >= SHORTEST {
            self.dull = 0;
        }
        if !self.waiting {
            self.at += 1;
            self.waiting = true;
            return;
        }
        self.dull = self.dull.wrapping_add(1);
        self.literal_before(flush, blocks, out);
        self.at += 1;
        let Some(skip) = usize::from(self.dull).checked_sub(self.effort.tries).filter(|skip| *skip > 0) else { return };
        for _ in 0..=skip >> 6 {
            if self.at + 1 >= self.end {
                break;
            }
            self.literal_before(flush, blocks, out);
            self.insert(self.at);
            self.at += 1;
        }
        self.waiting = false;
        self.literal_before(flush, blocks, out);
    }

    fn literal_before(&mut self, flush: bool, blocks: &mut Blocks, out: &mut Vec<u8>) {
        self.tokens.literals(&self.window[self.at - 1..self.at]);
        self.block_if_full(flush, blocks, out);
    }

    fn block_if_full(&mut self, flush: bool, blocks: &mut Blocks, out: &mut Vec<u8>) {
        if self.tokens.len() == BLOCK {
            self.block(flush, blocks, out);
        }
    }

    fn block(&mut self, flush: bool, blocks: &mut Blocks, out: &mut Vec<u8>) {
        let content = self.block.and_then(|block| self.window.get(block..self.at));
        blocks.tokens(&self.tokens, content, flush, out);
        self.block = Some(self.at);
        self.tokens.clear();
    }

    /// Level 9: what literals will cost, by a code for what is ahead.
    fn estimate(&mut self) {
        if self.costs.is_empty() || self.at == self.end {
            return;
        }
        let ahead = &self.window[self.at..self.end];
        let mut counts = [0_u16; LITERALS];
        for byte in &ahead[..ahead.len().min(self.family.estimates_from())] {
            counts[usize::from(*byte)] = counts[usize::from(*byte)].wrapping_add(1);
        }
        let code = Code::best(&counts, 15);
        let mut sum = 0;
        for (cost, byte) in self.costs[self.at..].iter_mut().zip(ahead) {
            *cost = sum;
            sum += u32::from(code.symbol(usize::from(*byte)).len).max(self.family.cheapest_literal());
        }
        self.costs[self.end] = sum;
    }
}

/// The extra bits that level 9 counts for a distance: those of the next one, and 6 for the farthest.
fn extra_bits_taken_for(distance: usize) -> u32 {
    if distance == REACH { 6 } else { distance_base(distance_code(distance as u32)).1 }
}
