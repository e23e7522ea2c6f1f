//! Earlier places whose bytes agree with those here.

use super::preset::Preset;

/// The longest match.
pub(super) const LONGEST: usize = 258;
const RING: usize = 1 << 16;
/// Content behind the place from which on old content is dropped.
const SLIDE: usize = 4 * RING;

/// A match that was found; a length of 0 is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) length: u16,
    pub(super) distance: u16,
}

/// Places whose first bytes have the same hash, the latest first. Places are counted from 1: 0 is none.
struct Chains {
    bytes: u8,
    head: Vec<u32>,
    before: Vec<u32>,
}

impl Chains {
    fn new(bytes: u8) -> Self {
        Self { bytes, head: vec![0; 1 << if bytes == 3 { 15 } else { 16 }], before: vec![0; RING] }
    }

    fn hash(&self, at: &[u8]) -> usize {
        match (self.bytes, at) {
            (3, [a, b, c, ..]) => (usize::from(*a) << 10 ^ usize::from(*b) << 5 ^ usize::from(*c)) & 0x7fff,
            (_, [a, b, c, d, ..]) => (u32::from_le_bytes([*a, *b, *c, *d]).wrapping_mul(0x9e37_79b1) >> 16) as usize,
            _ => 0,
        }
    }

    fn insert(&mut self, content: &[u8], place: usize) {
        let Some(at) = content.get(place..).filter(|at| at.len() >= usize::from(self.bytes)) else {
            self.before[place % RING] = 0;
            return;
        };
        let hash = self.hash(at);
        self.before[place % RING] = self.head[hash];
        self.head[hash] = place as u32;
    }

    fn slide(&mut self, by: u32) {
        for place in self.head.iter_mut().chain(&mut self.before) {
            *place = place.saturating_sub(by);
        }
    }
}

/// The content and its chains.
pub(super) struct Matcher {
    preset: Preset,
    content: Vec<u8>,
    /// Places below this are in the chains, or never will be.
    inserted: usize,
    chains: Chains,
    threes: Option<Chains>,
}

/// How many bytes of both agree, at most `most`.
#[inline]
fn common(content: &[u8], a: usize, b: usize, most: usize) -> usize {
    let (Some(x), Some(y)) = (content.get(a..a + most), content.get(b..b + most)) else { return 0 };
    let mut n = 0;
    for (x, y) in x.chunks_exact(8).zip(y.chunks_exact(8)) {
        let (Ok(x), Ok(y)) = (<[u8; 8]>::try_from(x), <[u8; 8]>::try_from(y)) else { return n };
        let other = u64::from_le_bytes(x) ^ u64::from_le_bytes(y);
        if other != 0 {
            return n + (other.trailing_zeros() / 8) as usize;
        }
        n += 8;
    }
    while n < most && x[n] == y[n] {
        n += 1;
    }
    n
}

impl Matcher {
    pub(super) fn new(preset: Preset) -> Self {
        // A byte that stands before the content makes the first place 1, which zlib does not do: its first byte is never found.
        let content = if preset.first { vec![0] } else { Vec::new() };
        let inserted = content.len();
        Self {
            preset,
            inserted,
            content,
            chains: Chains::new(preset.chained),
            threes: (preset.chained == 4).then(|| Chains::new(3)),
        }
    }

    /// The first place.
    pub(super) fn origin(&self) -> usize {
        usize::from(self.preset.first)
    }

    pub(super) fn supply(&mut self, content: &[u8]) {
        self.content.extend_from_slice(content);
    }

    /// The place after the last byte that was supplied.
    pub(super) fn end(&self) -> usize {
        self.content.len()
    }

    #[inline]
    pub(super) fn byte(&self, place: usize) -> u8 {
        self.content.get(place).copied().unwrap_or(0)
    }

    pub(super) fn bytes(&self, from: usize, to: usize) -> &[u8] {
        self.content.get(from..to).unwrap_or(&[])
    }

    /// Drops what lies behind the window of `place`; returns by how much all places became less.
    pub(super) fn slide(&mut self, place: usize) -> usize {
        if place < SLIDE {
            return 0;
        }
        let by = (place - (1 << 15) - 1) / RING * RING;
        self.content.drain(..by);
        self.inserted = self.inserted.saturating_sub(by);
        self.chains.slide(by as u32);
        if let Some(threes) = &mut self.threes {
            threes.slide(by as u32);
        }
        by
    }

    #[inline]
    fn insert_to(&mut self, end: usize) {
        while self.inserted < end {
            self.chains.insert(&self.content, self.inserted);
            if let Some(threes) = &mut self.threes {
                threes.insert(&self.content, self.inserted);
            }
            self.inserted += 1;
        }
    }

    /// A token of `length` bytes was at `place`, a match or not.
    pub(super) fn pass(&mut self, place: usize, length: usize, is_match: bool) {
        if is_match && length > usize::from(self.preset.insert) {
            self.insert_to(place + 1);
            self.inserted = self.inserted.max(place + length);
        }
    }

    /// The best match at `place` that is longer than `than`, among `depth` candidates.
    pub(super) fn search(&mut self, place: usize, than: usize, depth: u16) -> Found {
        self.insert_to(place + 1);
        let most = LONGEST.min(self.content.len().saturating_sub(place));
        let mut found = Found::default();
        if most < 3 || than >= most || depth == 0 {
            return found;
        }
        let mut best = than.max(2);
        let least = place.saturating_sub(usize::from(self.preset.window)).max(1);
        if let Some(threes) = self.threes.as_ref().filter(|_| best == 2) {
            let at = threes.before[place % RING] as usize;
            if at >= least && at < place {
                let n = common(&self.content, at, place, most);
                if n >= 3 && !(n == 3 && place - at > usize::from(self.preset.far)) {
                    best = n;
                    found = Found { length: n as u16, distance: (place - at) as u16 };
                }
            }
        }
        let nice = usize::from(self.preset.nice);
        let mut last = place;
        for _ in 0..depth {
            let at = self.chains.before[last % RING] as usize;
            if at < least || at >= last {
                break;
            }
            last = at;
            if best < most && self.content[at + best] != self.content[place + best] {
                continue;
            }
            let n = common(&self.content, at, place, most);
            if n > best {
                best = n;
                found = Found { length: n as u16, distance: (place - at) as u16 };
                if n >= nice || n == most {
                    break;
                }
            }
        }
        if found.length == 3 && found.distance > self.preset.far {
            return Found::default();
        }
        found
    }

    /// Distances of the candidates at `place` that agree in `length` bytes, the nearest first, at most `depth` looked at.
    pub(super) fn candidates(&self, place: usize, length: usize, depth: usize) -> impl Iterator<Item = u32> + '_ {
        let chains = if length == 3 { self.threes.as_ref().unwrap_or(&self.chains) } else { &self.chains };
        let least = place.saturating_sub(1 << 15).max(1);
        let mut last = place;
        let steps = std::iter::from_fn(move || {
            let at = chains.before[last % RING] as usize;
            let ok = at >= least && at < last;
            last = at;
            ok.then_some(at)
        });
        steps
            .take(depth)
            .filter(move |&at| common(&self.content, at, place, length) == length)
            .map(move |at| (place - at) as u32)
    }
}
