//! The last content, and where its strings of three bytes are.

use super::parameters::Search;
use super::tables::MAX_MATCH;

/// Matches reach back less than this.
pub const HALF: usize = 1 << 15;
/// The window: two halves; the upper one becomes the lower one when it has been compressed.
pub const WINDOW: usize = 2 * HALF;
/// So much is seen ahead of a search, unless the content ends: a match, and the string behind it.
pub const AHEAD: usize = MAX_MATCH + 3 + 1;
/// The furthest distance.
pub const FURTHEST: usize = HALF - AHEAD;
/// Loads of eight bytes near the end stay inside, and an index that is masked can be seen to.
const ROOM: usize = WINDOW + 1024;

/// Content, and chains of the places with equal hashes.
///
/// Place 0 is never a match: 0 ends a chain.
pub struct Window {
    pub bytes: Box<[u8; ROOM]>,
    head: Box<[u16; WINDOW]>,
    prev: Box<[u16; HALF]>,
    shift: u32,
    mask: u32,
}

impl Window {
    /// An empty one; hashes have 15 or 16 bits.
    pub fn new(hash_bits: u32) -> Self {
        Self {
            bytes: Box::new([0; ROOM]),
            head: Box::new([0; WINDOW]),
            prev: Box::new([0; HALF]),
            shift: hash_bits.div_ceil(3),
            mask: (1 << hash_bits) - 1,
        }
    }

    /// Forgets every string.
    pub fn forget(&mut self) {
        self.head.fill(0);
    }

    /// The upper half becomes the lower one.
    pub fn slide(&mut self) {
        self.bytes.copy_within(HALF..WINDOW, 0);
        let used = self.mask as usize + 1;
        for place in self.head.iter_mut().take(used).chain(self.prev.iter_mut()) {
            *place = place.saturating_sub(HALF as u16);
        }
    }

    /// Notes the string at `at`; returns the last place with the same hash, or 0.
    #[inline(always)]
    pub fn insert(&mut self, at: usize) -> usize {
        let three = self.four(at);
        let (shift, byte) = (self.shift, 0xff);
        let hash = ((three & byte) << (2 * shift)) ^ ((three >> 8 & byte) << shift) ^ (three >> 16 & byte);
        let head = &mut self.head[(hash & self.mask) as usize & (WINDOW - 1)];
        let last = *head;
        self.prev[at & (HALF - 1)] = last;
        *head = at as u16;
        usize::from(last)
    }

    /// The longest match for `at` among `first` and its chain that is longer than `best`, as length and place; else `best`
    /// itself and 0. It stops at a length of `nice`. `best` is 2 to 257.
    #[inline(always)]
    pub fn longest(&self, at: usize, first: usize, best: usize, nice: usize, search: &Search) -> (usize, usize) {
        let mut left = if best >= search.good { search.chain >> 2 } else { search.chain };
        let limit = at.saturating_sub(FURTHEST);
        let (mut best, mut place, mut candidate) = (best, 0, first);
        let start = self.four(at) & 0x00ff_ffff;
        // A longer match has the bytes up to `best` in common; four of them are compared first.
        let (mut tail, mut mask) = (best.max(3) - 3, if best < 3 { 0x00ff_ffff } else { u32::MAX });
        let mut wanted = self.four(at + tail) & mask;
        loop {
            if self.four(candidate + tail) & mask == wanted && self.four(candidate) & 0x00ff_ffff == start {
                let length = self.common(at, candidate);
                if length > best {
                    (best, place) = (length, candidate);
                    if length >= nice {
                        break;
                    }
                    (tail, mask) = (best - 3, u32::MAX);
                    wanted = self.four(at + tail);
                }
            }
            candidate = usize::from(self.prev[candidate & (HALF - 1)]);
            left -= 1;
            if candidate <= limit || left == 0 {
                break;
            }
        }
        (best, place)
    }

    /// How many bytes are equal, at most 258.
    #[inline(always)]
    fn common(&self, a: usize, b: usize) -> usize {
        let mut n = 0;
        while n < MAX_MATCH {
            let differ = self.eight(a + n) ^ self.eight(b + n);
            if differ != 0 {
                return (n + (differ.trailing_zeros() / 8) as usize).min(MAX_MATCH);
            }
            n += 8;
        }
        MAX_MATCH
    }

    #[inline(always)]
    fn four(&self, at: usize) -> u32 {
        let at = at.min(ROOM - 4);
        let b = &self.bytes;
        u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
    }

    #[inline(always)]
    fn eight(&self, at: usize) -> u64 {
        let at = at.min(ROOM - 8);
        self.bytes[at..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight))
    }
}
