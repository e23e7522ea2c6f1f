//! What matches may refer to, and the positions of it that tables remember.

use super::super::blocks::STORED;

/// How much is kept before the oldest is dropped.
const CAPACITY: usize = STORED * 5;
/// What is kept then.
const KEPT: usize = 1 << 15;
/// Positions start here: 0 in a table is too far from all of them.
const FIRST: u32 = STORED as u32;
/// Positions do not go on beyond this.
const LAST: u32 = (1 << 31) - (CAPACITY + STORED) as u32 - 1;

/// The content so far, as far as matches reach.
pub(super) struct History {
    bytes: Vec<u8>,
    /// The position of the first byte.
    base: u32,
}

impl History {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new(), base: FIRST }
    }

    /// Takes a block of at most 65,535 bytes; says where in the history it begins.
    pub(super) fn append(&mut self, content: &[u8]) -> usize {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(CAPACITY);
        }
        if self.bytes.len() + content.len() > CAPACITY {
            let dropped = self.bytes.len() - KEPT;
            self.bytes.copy_within(dropped.., 0);
            self.bytes.truncate(KEPT);
            self.base += dropped as u32;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(content);
        start
    }

    /// Before positions become too big: from which position on a table must go on, and by how much less.
    pub(super) fn wrap(&mut self) -> Option<(u32, u32)> {
        if self.base < LAST {
            return None;
        }
        let floor = self.base + self.bytes.len() as u32 - KEPT as u32;
        let by = self.base - KEPT as u32;
        self.base = KEPT as u32;
        Some((floor, by))
    }

    /// Puts all that was before out of reach.
    pub(super) fn forget(&mut self) {
        self.base += (KEPT + self.bytes.len()) as u32;
        self.bytes.clear();
    }

    #[cfg(test)]
    pub(super) fn start_at(&mut self, position: u32) {
        self.base = position;
    }

    /// The history for one search, which ends `margin` bytes before the history does.
    pub(super) fn view(&self, margin: usize) -> View<'_> {
        View { bytes: &self.bytes, base: self.base, limit: self.bytes.len().saturating_sub(margin) }
    }
}

/// The history while a block is searched.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) bytes: &'a [u8],
    base: u32,
    /// Searches end here.
    pub(super) limit: usize,
}

impl View<'_> {
    /// The position of the byte at `at`.
    #[inline]
    pub(super) fn position(self, at: usize) -> u32 {
        self.base.wrapping_add(at as u32)
    }

    /// The eight bytes at `at`.
    #[inline]
    pub(super) fn word(self, at: usize) -> u64 {
        self.bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word))
    }

    #[inline]
    fn half(self, at: usize) -> Option<u32> {
        self.bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|half| u32::from_le_bytes(*half))
    }

    /// Whether the first four bytes of `word` are at `at`.
    #[inline]
    pub(super) fn is(self, at: usize, word: u64) -> bool {
        self.half(at) == Some(word as u32)
    }

    /// Where the position `candidate` is, if it is less than `reach` before `at`.
    #[inline]
    pub(super) fn near(self, candidate: u32, at: usize, reach: u32) -> Option<usize> {
        let distance = self.position(at).wrapping_sub(candidate);
        if distance < reach { at.checked_sub(distance as usize) } else { None }
    }

    /// How many bytes are equal from `at` and from `from` on, which is before it.
    #[inline]
    pub(super) fn same(self, at: usize, from: usize) -> usize {
        same(self.bytes.get(at..).unwrap_or_default(), self.bytes.get(from..).unwrap_or_default())
    }

    /// The same, but at most `most`.
    #[inline]
    pub(super) fn same_up_to(self, at: usize, from: usize, most: usize) -> usize {
        let end = self.bytes.len().min(at + most);
        same(self.bytes.get(at..end).unwrap_or_default(), self.bytes.get(from..).unwrap_or_default())
    }

    /// How many bytes are equal before `at` and before `from`, at most `most`.
    #[inline]
    pub(super) fn same_before(self, at: usize, from: usize, most: usize) -> usize {
        let (a, b) = (self.bytes.get(..at).unwrap_or_default(), self.bytes.get(..from).unwrap_or_default());
        a.iter().rev().zip(b.iter().rev()).take(most).take_while(|(a, b)| a == b).count()
    }
}

/// How many bytes two slices have in common at their start, of which `b` is not shorter.
#[inline]
pub(in super::super) fn same(a: &[u8], b: &[u8]) -> usize {
    let (mut words_a, mut words_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let mut n = 0;
    for (x, y) in (&mut words_a).zip(&mut words_b) {
        let x = x.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        let y = y.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        if x != y {
            return n + ((x ^ y).trailing_zeros() >> 3) as usize;
        }
        n += 8;
    }
    n + a[n..].iter().zip(&b[n.min(b.len())..]).take_while(|(a, b)| a == b).count()
}
