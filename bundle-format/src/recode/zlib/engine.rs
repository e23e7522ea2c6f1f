//! The search for matches: zlib's, and GNU gzip's, from which it came.

use super::bits::Bits;
use super::block::{self, Block};
use super::parameters::{Level, MemoryLevel, Search};
use super::tables::MIN_MATCH;
use super::window::{AHEAD, FURTHEST, HALF, WINDOW, Window};

/// Matches of three bytes are not worth it beyond this distance.
const TOO_FAR: usize = 4096;

/// A compressor with its state; `GNU`: as gzip does it, else as zlib.
pub struct Engine<const GNU: bool> {
    window: Window,
    block: Block,
    bits: Bits,
    search: Search,
    /// What is searched next, and the end of the content in the window.
    at: usize,
    end: usize,
    /// Where the block starts; negative when that has left the window.
    block_start: isize,
    /// So many strings before `at` are not in the hash table yet.
    missing: usize,
    /// A match that waits for a better one at the next byte, and whether a byte waits with it.
    length: usize,
    distance: usize,
    waiting: bool,
    /// GNU gzip has seen the end.
    ended: bool,
}

impl Engine<false> {
    pub fn zlib(level: Level, memory: MemoryLevel) -> Self {
        Self::new(level.search(), memory.hash_bits(), memory.symbols(), false)
    }
}

impl Engine<true> {
    pub fn gzip(level: Level) -> Self {
        Self::new(level.search(), 15, 32767, level.get() > 2)
    }
}

impl<const GNU: bool> Engine<GNU> {
    fn new(search: Search, hash_bits: u32, symbols: usize, looks: bool) -> Self {
        Self {
            window: Window::new(hash_bits),
            block: Block::new(symbols, looks),
            bits: Bits::default(),
            search,
            at: 0,
            end: 0,
            block_start: 0,
            missing: 0,
            length: MIN_MATCH - 1,
            distance: 0,
            waiting: false,
            ended: false,
        }
    }

    /// Starts a stream whose matches may reach back into the last 32 KiB of `dictionary`; zlib only.
    pub fn restart(&mut self, dictionary: &[u8]) {
        let dictionary = &dictionary[dictionary.len().saturating_sub(HALF)..];
        self.window.forget();
        self.block.clear();
        self.bits = Bits::default();
        self.window.bytes[..dictionary.len()].copy_from_slice(dictionary);
        (self.at, self.end, self.block_start) = (dictionary.len(), dictionary.len(), dictionary.len() as isize);
        self.missing = dictionary.len();
        (self.length, self.waiting) = (MIN_MATCH - 1, false);
        self.insert_missing();
    }

    /// Takes content, and compresses what does not depend on what follows.
    pub fn write(&mut self, mut content: &[u8], out: &mut Vec<u8>) {
        while !content.is_empty() {
            if self.end == WINDOW {
                self.slide();
            }
            let (now, rest) = content.split_at(content.len().min(WINDOW - self.end));
            self.window.bytes[self.end..self.end + now.len()].copy_from_slice(now);
            self.end += now.len();
            content = rest;
            self.insert_missing();
            self.run(false, out);
        }
    }

    /// Ends the block; the last one, and then the stream, if `last`.
    pub fn end_block(&mut self, last: bool, out: &mut Vec<u8>) {
        self.run(true, out);
        if self.waiting {
            self.block.literal(self.window.bytes[self.at - 1], 0);
            self.waiting = false;
        }
        self.missing = self.at.min(MIN_MATCH - 1);
        if last || !self.block.is_empty() {
            self.write_block(last, out);
        }
    }

    /// An empty stored block: up to the next byte, and 00 00 ff ff.
    pub fn mark(&mut self, out: &mut Vec<u8>) {
        block::store(&[], false, &mut self.bits, out);
    }

    /// Writes whole bytes; then, if pigz can do with less than a mark to fill the last one, blocks of 10 bits with nothing in
    /// them.
    pub fn fill_byte(&mut self, out: &mut Vec<u8>) {
        let mut count = self.bits.settle(out);
        if count % 2 == 1 {
            self.mark(out);
            return;
        }
        while !count.is_multiple_of(8) {
            self.bits.put(1 << 1, 10, out);
            count += 10;
        }
        self.bits.settle(out);
    }

    fn run(&mut self, ending: bool, out: &mut Vec<u8>) {
        if self.search.fast { self.run_fast(ending, out) } else { self.run_lazy(ending, out) }
    }

    fn ahead(&self) -> usize {
        self.end - self.at
    }

    /// Notes the strings that could not be noted at a flush, as far as they are whole now.
    fn insert_missing(&mut self) {
        while self.missing > 0 && self.missing + self.ahead() >= MIN_MATCH {
            self.window.insert(self.at - self.missing);
            self.missing -= 1;
        }
    }

    fn slide(&mut self) {
        self.window.slide();
        self.at -= HALF;
        self.end -= HALF;
        self.block_start -= HALF as isize;
    }

    /// What the makers do when they look for more content and there is none. Returns whether there is something to search.
    fn go_on(&mut self) -> bool {
        if !(GNU && self.ended) && self.at >= HALF + FURTHEST {
            self.slide();
        }
        if GNU && !self.ended {
            // gzip compares what is behind the end as well: older content, but for two zeros.
            self.window.bytes[self.end..self.end + MIN_MATCH - 1].fill(0);
            self.ended = true;
        }
        self.ahead() > 0
    }

    /// Notes the string at `at`; the last place like it, if a match may start there, else 0.
    #[inline(always)]
    fn candidate(&mut self) -> usize {
        if !GNU && self.ahead() < MIN_MATCH {
            return 0;
        }
        let place = self.window.insert(self.at);
        let too_late = GNU && self.at > WINDOW - AHEAD;
        if too_late || self.at.wrapping_sub(place) > FURTHEST { 0 } else { place }
    }

    /// Searches from `candidate`: length and distance.
    #[inline(always)]
    fn longest(&self, candidate: usize, best: usize) -> (usize, usize) {
        let nice = if GNU { self.search.nice } else { self.search.nice.min(self.ahead()) };
        let (length, place) = self.window.longest(self.at, candidate, best, nice, &self.search);
        (length.min(self.ahead()), self.at - place)
    }

    /// How much content of the block is before `at`.
    #[inline(always)]
    fn block_length(&self) -> usize {
        (self.at as isize - self.block_start) as usize
    }

    /// Levels 1 to 3: every match that is found is taken.
    fn run_fast(&mut self, ending: bool, out: &mut Vec<u8>) {
        loop {
            if self.ahead() < AHEAD && (!ending || !self.go_on()) {
                return;
            }
            let candidate = self.candidate();
            let (length, distance) = if candidate == 0 { (0, 0) } else { self.longest(candidate, MIN_MATCH - 1) };
            let ends;
            if length >= MIN_MATCH {
                ends = self.block.repeat(length, distance, self.block_length());
                if length <= self.search.lazy && (GNU || self.ahead() - length >= MIN_MATCH) {
                    for at in self.at + 1..self.at + length {
                        self.window.insert(at);
                    }
                }
                self.at += length;
            } else {
                ends = self.block.literal(self.window.bytes[self.at], self.block_length());
                self.at += 1;
            }
            if ends {
                self.write_block(false, out);
            }
        }
    }

    /// Levels 4 to 9: a match is taken when there is no longer one at the next byte.
    fn run_lazy(&mut self, ending: bool, out: &mut Vec<u8>) {
        loop {
            if self.ahead() < AHEAD && (!ending || !self.go_on()) {
                return;
            }
            let candidate = self.candidate();
            let (before, before_distance) = (self.length, self.distance);
            self.length = MIN_MATCH - 1;
            if candidate != 0 && before < self.search.lazy {
                (self.length, self.distance) = self.longest(candidate, before);
                if self.length == MIN_MATCH && self.distance > TOO_FAR {
                    self.length = MIN_MATCH - 1;
                }
            }
            if before >= MIN_MATCH && self.length <= before {
                let ends = self.block.repeat(before, before_distance, self.block_length());
                // Two strings of it are noted already.
                let next = self.at + before - 1;
                let whole = if GNU { next } else { next.min((self.end + 1).saturating_sub(MIN_MATCH)) };
                for at in self.at + 1..whole {
                    self.window.insert(at);
                }
                self.at = next;
                (self.length, self.waiting) = (MIN_MATCH - 1, false);
                if ends {
                    self.write_block(false, out);
                }
            } else {
                if self.waiting {
                    let ends = self.block.literal(self.window.bytes[self.at - 1], self.block_length());
                    if ends {
                        self.write_block(false, out);
                    }
                }
                self.waiting = true;
                self.at += 1;
            }
        }
    }

    fn write_block(&mut self, last: bool, out: &mut Vec<u8>) {
        let length = self.block_length();
        let stored = usize::try_from(self.block_start).ok().map(|start| &self.window.bytes[start..self.at]);
        self.block.write(stored, length, last, &mut self.bits, out);
        self.block_start = self.at as isize;
    }
}
