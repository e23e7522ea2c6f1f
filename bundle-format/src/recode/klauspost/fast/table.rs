//! Tables from hashes of bytes to the positions where they were seen.

use super::super::tokens::zeroed;

/// A hash of the first four bytes of `word`, of `bits` bits.
#[inline]
pub(super) fn hash4(word: u64, bits: u32) -> usize {
    ((word as u32).wrapping_mul(2_654_435_761) >> (32 - bits)) as usize
}

/// A hash of the first five bytes of `word`, of `bits` bits.
#[inline]
pub(super) fn hash5(word: u64, bits: u32) -> usize {
    ((word << 24).wrapping_mul(889_523_592_379) >> (64 - bits)) as usize
}

/// A hash of the first seven bytes of `word`, of `bits` bits.
#[inline]
pub(super) fn hash7(word: u64, bits: u32) -> usize {
    ((word << 8).wrapping_mul(58_295_818_150_454_627) >> (64 - bits)) as usize
}

/// One position for each of `N` hashes; `N` is a power of two.
pub(super) struct Last<const N: usize>(Box<[u32; N]>);

impl<const N: usize> Last<N> {
    pub(super) fn new() -> Self {
        Self(zeroed(0))
    }

    #[inline]
    pub(super) fn get(&self, hash: usize) -> u32 {
        self.0[hash & (N - 1)]
    }

    #[inline]
    pub(super) fn set(&mut self, hash: usize, position: u32) {
        self.0[hash & (N - 1)] = position;
    }

    pub(super) fn lower(&mut self, floor: u32, by: u32) {
        self.0.iter_mut().for_each(|position| lower(position, floor, by));
    }
}

/// The two last positions for each of `N` hashes, the later one first.
pub(super) struct LastTwo<const N: usize>(Box<[[u32; 2]; N]>);

impl<const N: usize> LastTwo<N> {
    pub(super) fn new() -> Self {
        Self(zeroed([0; 2]))
    }

    #[inline]
    pub(super) fn get(&self, hash: usize) -> [u32; 2] {
        self.0[hash & (N - 1)]
    }

    #[inline]
    pub(super) fn push(&mut self, hash: usize, position: u32) {
        let entry = &mut self.0[hash & (N - 1)];
        *entry = [position, entry[0]];
    }

    pub(super) fn lower(&mut self, floor: u32, by: u32) {
        self.0.iter_mut().flatten().for_each(|position| lower(position, floor, by));
    }
}

fn lower(position: &mut u32, floor: u32, by: u32) {
    *position = if *position <= floor { 0 } else { *position - by };
}
