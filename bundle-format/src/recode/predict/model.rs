//! What token comes next, and how it is told apart from what was expected.

use super::chance::{Chance, Mixed, Number, Tree};
use super::coder::Coder;
use super::matcher::{Found, Matcher};
use super::preset::{Choice, Preset};
use crate::recode::tokens::Token;

/// Content that must be there behind a token's place, unless the content ends: the longest match one byte later, and the
/// bytes that are hashed.
pub(super) const LOOKAHEAD: usize = 272;
/// Candidates that are looked at to name a distance.
const NAMED: usize = 1024;

/// Lengths in sixteen groups: none, 3 to 8 each by itself, and larger ones together.
#[inline]
fn group(length: u16) -> usize {
    match length {
        0..3 => 0,
        3..9 => usize::from(length) - 2,
        9..11 => 7,
        11..13 => 8,
        13..17 => 9,
        17..25 => 10,
        25..33 => 11,
        33..65 => 12,
        65..130 => 13,
        130..258 => 14,
        _ => 15,
    }
}

#[inline]
fn log(distance: u16) -> usize {
    (16 - distance.leading_zeros()) as usize & 15
}

/// The model of tokens.
pub(super) struct Model {
    preset: Preset,
    matcher: Matcher,
    place: usize,
    /// What the search at this place found, if it was made a byte earlier.
    ahead: Option<Found>,
    /// Matches (1) and literals (0), the latest lowest.
    kinds: usize,
    /// Whether they were as expected (0) or not (1).
    misses: usize,
    no_match: Chance,
    is_match: Mixed<5>,
    is_longest: Mixed<4>,
    lengths: Tree,
    is_nearest: [Chance; 32],
    hops: Number,
    distances: Tree,
    odd: Chance,
}

/// What is expected, and from which sides it is seen.
struct View {
    here: Found,
    next: Option<Found>,
    take: bool,
    /// The next byte's match compared with this one's, by length and by worth.
    longer: usize,
    worth: usize,
}

impl Model {
    pub(super) fn new(preset: Preset) -> Self {
        let matcher = Matcher::new(preset);
        Self {
            preset,
            place: matcher.origin(),
            matcher,
            ahead: None,
            kinds: 0,
            misses: 0,
            no_match: Chance::new(),
            is_match: Mixed::new([16 * 10 * 2, 16 * 16 * 4, 18 * 16 * 4, 1 << 9, 16 << 8], 64),
            is_longest: Mixed::new([16 * 10 * 2, 16 * 16 * 4, 18 * 16, 16 << 8], 32),
            lengths: Tree::new(16, 8),
            is_nearest: [Chance::new(); 32],
            hops: Number::new(),
            distances: Tree::new(16, 4),
            odd: Chance::new(),
        }
    }

    pub(super) fn supply(&mut self, content: &[u8]) {
        self.matcher.supply(content);
    }

    /// Content that was supplied and not passed.
    pub(super) fn left(&self) -> usize {
        self.matcher.end().saturating_sub(self.place)
    }

    /// Passes `n` bytes of a stored block, which are returned.
    pub(super) fn stored(&mut self, n: usize) -> &[u8] {
        self.slide();
        self.ahead = None;
        let from = self.place;
        self.place += n.min(self.left());
        self.matcher.bytes(from, self.place)
    }

    fn slide(&mut self) {
        self.place -= self.matcher.slide(self.place);
    }

    fn view(&mut self) -> View {
        let preset = self.preset;
        let here = self.ahead.take().unwrap_or_else(|| self.matcher.search(self.place, 2, preset.depth));
        let look = here.length > 0 && preset.choice != Choice::Greedy && here.length < preset.lazy;
        let next = look.then(|| {
            let (than, depth) = match preset.choice {
                Choice::Longer if here.length >= preset.good => (here.length, preset.depth >> 2),
                Choice::Longer => (here.length, preset.depth),
                Choice::Worth => (here.length - 1, preset.depth / 2),
                Choice::Greedy | Choice::Open => (2, preset.depth),
            };
            self.matcher.search(self.place + 1, usize::from(than), depth)
        });
        let (mut longer, mut worth) = (9, 17);
        if let Some(next) = next {
            let by = i32::from(next.length) - i32::from(here.length);
            longer = (by.clamp(-4, 4) + 4) as usize;
            let value = 4 * by + log(here.distance) as i32 - log(next.distance) as i32;
            worth = if next.length == 0 { 0 } else { (value.clamp(-7, 8) + 8) as usize };
        }
        let take = here.length > 0
            && match preset.choice {
                Choice::Greedy => true,
                Choice::Longer | Choice::Open => longer <= 4 || longer == 9,
                Choice::Worth => worth <= 10 || worth == 17,
            };
        View { here, next, take, longer, worth }
    }

    /// Codes the next token; where it is decoded, `token` is any. Nothing where no content is left for it.
    pub(super) fn token<C: Coder>(&mut self, c: &mut C, token: Token) -> Option<Token> {
        self.slide();
        let left = self.left();
        if left == 0 {
            return None;
        }
        let view = self.view();
        let is_match = self.code_kind(c, &view, token.is_match());
        let made =
            if is_match { self.code_match(c, &view, token) } else { Token::literal(self.matcher.byte(self.place)) };
        let length = usize::from(made.length());
        if length > left {
            return None;
        }
        let missed = is_match != view.take
            || is_match && (made.length() != view.here.length || made.distance() != u32::from(view.here.distance));
        // What was looked for beyond this match holds for the next place if this was left for it.
        if !is_match && (!missed || matches!(self.preset.choice, Choice::Open)) {
            self.ahead = view.next.filter(|_| view.here.length > 0);
        }
        self.kinds = self.kinds << 1 | usize::from(is_match);
        self.misses = self.misses << 1 | usize::from(missed);
        self.matcher.pass(self.place, length, is_match);
        self.place += length;
        Some(made)
    }

    fn code_kind<C: Coder>(&mut self, c: &mut C, view: &View, is_match: bool) -> bool {
        let here = view.here;
        if here.length == 0 {
            return self.no_match.code(c, is_match);
        }
        let (take, group) = (usize::from(view.take), group(here.length));
        let byte = usize::from(self.matcher.byte(self.place));
        let contexts = [
            (view.longer * 16 + group) * 2 + take,
            (log(here.distance) * 16 + group) * 4 + (self.kinds & 3),
            (view.worth * 16 + group) * 4 + (self.kinds & 1) * 2 + (self.misses & 1),
            (self.kinds & 15) * 32 + (self.misses & 15) * 2 + take,
            byte * 16 + group,
        ];
        self.is_match.code(c, group * 2 + take, contexts, is_match)
    }

    fn code_match<C: Coder>(&mut self, c: &mut C, view: &View, token: Token) -> Token {
        let here = view.here;
        let length = self.code_length(c, view, token.length());
        let odd = length == 258 && self.odd.code(c, token.is_odd());
        // The nearest candidate of that length; that of the longest is known.
        let longest = length == here.length;
        let expected = if longest {
            Some(u32::from(here.distance))
        } else {
            self.matcher.candidates(self.place, usize::from(length), NAMED).next()
        };
        let side = group(length) + 16 * usize::from(longest);
        if let Some(expected) = expected
            && self.is_nearest[side].code(c, token.distance() == expected)
        {
            return Token::matched(length, expected, odd);
        }
        let mut candidates = self.matcher.candidates(self.place, usize::from(length), NAMED);
        let hop =
            if C::DECODES { 0 } else { candidates.position(|d| d == token.distance()).map_or(0, |n| n as u32 + 1) };
        let hop = self.hops.code(c, hop);
        let distance = if !C::DECODES {
            token.distance()
        } else if hop > 0 {
            self.matcher.candidates(self.place, usize::from(length), NAMED).nth(hop as usize - 1).unwrap_or(1)
        } else {
            0
        };
        if hop > 0 {
            return Token::matched(length, distance, odd);
        }
        let below = token.distance() - 1;
        let size = self.distances.code(c, group(length), 32 - below.leading_zeros().max(17));
        let distance = match size.min(15) {
            0 => 1,
            size => 1 + (1 << (size - 1) | c.direct(below & ((1 << (size - 1)) - 1), size - 1)),
        };
        Token::matched(length, distance, odd)
    }

    fn code_length<C: Coder>(&mut self, c: &mut C, view: &View, length: u16) -> u16 {
        let here = view.here;
        let group = group(here.length);
        if here.length > 0 {
            let contexts = [
                (view.longer * 16 + group) * 2 + usize::from(view.take),
                (log(here.distance) * 16 + group) * 4 + (self.misses & 3),
                view.worth * 16 + group,
                (self.misses & 15) * 256 + (self.kinds & 15) * 16 + group,
            ];
            if self.is_longest.code(c, group * 2 + usize::from(view.take), contexts, length == here.length) {
                return here.length;
            }
        }
        self.lengths.code(c, group, u32::from(length.clamp(3, 258)) - 3) as u16 + 3
    }
}
