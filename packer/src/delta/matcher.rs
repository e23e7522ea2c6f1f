//! Where the parts of some bytes come from in others, as bsdiff finds it (Percival 2003), with a hash table in place of the sorted
//! suffixes: regions that are alike, not only those that are equal, because in programs every moved function changes addresses.

use super::Effort;

/// Bytes that must be equal for a place to be looked at.
const SEED: usize = 8;
/// A match this long is not improved upon.
const LONG: usize = 4096;
/// The current alignment is not questioned where it fits this long.
const TRUSTED: usize = 32;
/// Much better than the current alignment, in bytes (Percival's choice).
const BETTER: usize = 8;

/// A part of the new bytes that is like a part of the old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Where it begins in the new bytes.
    pub new: usize,
    /// Where it begins in the old ones.
    pub old: usize,
    /// Bytes.
    pub len: usize,
}

/// Places by the hash of what is there.
struct Index<'a> {
    old: &'a [u8],
    heads: Vec<u32>,
    chains: Vec<u32>,
    step: usize,
    shift: u32,
    tries: usize,
}

const NOWHERE: u32 = u32::MAX;

fn seed(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |b| u64::from_le_bytes(*b))
}

impl<'a> Index<'a> {
    fn new(old: &'a [u8], effort: Effort) -> Self {
        let step = match old.len() >> 20 {
            0..16 => 1,
            16..32 => 2,
            _ => 4,
        };
        let bits = (old.len() / step).max(2).ilog2().clamp(10, 22);
        let (shift, tries) = (
            64 - bits,
            match effort {
                Effort::Fast => 4,
                Effort::Default => 16,
                Effort::Best => 64,
            },
        );
        let mut index = Self {
            old,
            heads: vec![NOWHERE; 1 << bits],
            chains: vec![NOWHERE; old.len() / step + 1],
            step,
            shift,
            tries,
        };
        let mut last = None;
        for at in (0..old.len().saturating_sub(SEED - 1)).step_by(step) {
            let here = seed(old, at);
            // A run of one byte would fill a chain with places that are all alike.
            if last == Some(here) {
                continue;
            }
            last = Some(here);
            let head = &mut index.heads[(here.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift) as usize];
            index.chains[at / step] = *head;
            *head = (at / step) as u32;
        }
        index
    }

    /// The longest match of `new` from `at` on: its place and length. Among equals the one that is nearest to `near`.
    fn find(&self, new: &[u8], at: usize, near: usize) -> (usize, usize) {
        let mut best = (0, 0);
        if at + SEED > new.len() {
            return best;
        }
        let here = seed(new, at);
        let mut place = self.heads[(here.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize];
        for _ in 0..self.tries {
            if place == NOWHERE {
                break;
            }
            let old = place as usize * self.step;
            let len = common(&self.old[old..], &new[at..], LONG);
            if len >= SEED && (len > best.1 || len == best.1 && old.abs_diff(near) < best.0.abs_diff(near)) {
                best = (old, len);
                if len >= LONG {
                    break;
                }
            }
            place = self.chains[place as usize];
        }
        if best.1 >= LONG {
            best.1 = common(&self.old[best.0..], &new[at..], usize::MAX);
        }
        best
    }
}

/// How many bytes two slices have in common at their beginnings, up to `most`.
fn common(a: &[u8], b: &[u8], most: usize) -> usize {
    let n = a.len().min(b.len()).min(most);
    let mut at = 0;
    while at + 8 <= n {
        let differ = seed(a, at) ^ seed(b, at);
        if differ != 0 {
            return at + differ.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + a[at..n].iter().zip(&b[at..n]).take_while(|(a, b)| a == b).count()
}

/// The regions of `new` that are like regions of `old`, in the order of `new`, none overlapping. Time: linear, but for the chains.
pub fn regions(old: &[u8], new: &[u8], effort: Effort) -> Vec<Region> {
    let mut out = Vec::new();
    if old.len() < SEED || new.len() < SEED {
        return out;
    }
    let index = Index::new(old, effort);
    let (mut scan, mut len, mut place) = (0, 0, 0);
    let (mut last_scan, mut last_place, mut shift) = (0, 0, 0_isize);
    let same = |at: usize, shift: isize| at.checked_add_signed(shift).and_then(|o| old.get(o)) == new.get(at);
    while scan < new.len() {
        let mut score = 0;
        scan += len;
        let mut scored = scan;
        len = 0;
        while scan < new.len() {
            let aligned = scan.checked_add_signed(shift).filter(|o| *o < old.len());
            let fits = aligned.map_or(0, |o| common(&old[o..], &new[scan..], usize::MAX));
            (place, len) = match aligned {
                Some(o) if fits >= TRUSTED => (o, fits),
                _ => {
                    let found = index.find(new, scan, aligned.unwrap_or(0));
                    if fits > found.1 { (aligned.unwrap_or(0), fits) } else { found }
                }
            };
            while scored < scan + len {
                score += usize::from(same(scored, shift));
                scored += 1;
            }
            if len == score && len != 0 || len > score + BETTER {
                break;
            }
            if scored > scan {
                score -= usize::from(same(scan, shift));
            } else {
                scored = scan + 1;
            }
            scan += 1;
        }
        if len == score && scan < new.len() {
            continue;
        }
        let forward = forward(&old[last_place..], &new[last_scan..scan.min(new.len())]);
        let mut back = 0;
        if scan < new.len() {
            back = backward(&old[..place], &new[last_scan..scan]);
        }
        let (mut end, mut begin) = (last_scan + forward, scan - back);
        if end > begin {
            // Both want the bytes between: the split that keeps most of them equal.
            let overlap = end - begin;
            let (mut now, mut best, mut split) = (0_isize, 0, 0);
            for i in 0..overlap {
                now += isize::from(new[begin + i] == old[last_place + forward - overlap + i]);
                now -= isize::from(new[begin + i] == old[place - back + i]);
                if now > best {
                    (best, split) = (now, i + 1);
                }
            }
            end = begin + split;
            begin = end;
        }
        if end > last_scan {
            out.push(Region { new: last_scan, old: last_place, len: end - last_scan });
        }
        if scan >= new.len() {
            break;
        }
        last_scan = begin;
        last_place = place - (scan - begin);
        shift = place as isize - scan as isize;
    }
    out
}

/// How far it pays to go on with an alignment: where most of the bytes are equal.
fn forward(old: &[u8], new: &[u8]) -> usize {
    best_extent(old.iter().zip(new).map(|(a, b)| a == b))
}

fn backward(old: &[u8], new: &[u8]) -> usize {
    best_extent(old.iter().rev().zip(new.iter().rev()).map(|(a, b)| a == b))
}

fn best_extent(equal: impl Iterator<Item = bool>) -> usize {
    let (mut score, mut best, mut extent) = (0_isize, 0, 0);
    for (i, equal) in equal.enumerate() {
        score += if equal { 1 } else { -1 };
        if score > best {
            (best, extent) = (score, i + 1);
        }
        if score < best - 4096 {
            break;
        }
    }
    extent
}
