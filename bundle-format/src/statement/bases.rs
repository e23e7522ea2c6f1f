//! Some of a delta's bases.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits;

/// Places in the list of a delta's bases. In JSON: the numbers, from 0, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BaseSet(u64);

const _: () = assert!(limits::BASES == u64::BITS as usize);

impl BaseSet {
    /// The first `count` places; all that there are for more.
    #[must_use]
    pub fn first(count: usize) -> Self {
        (0..count.min(limits::BASES)).collect()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a place is in both.
    #[must_use]
    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The places of both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The places, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..limits::BASES).filter(move |n| self.0 >> n & 1 == 1)
    }
}

/// Places from [`limits::BASES`] on are left out: there are none.
impl FromIterator<usize> for BaseSet {
    fn from_iter<I: IntoIterator<Item = usize>>(places: I) -> Self {
        Self(places.into_iter().filter(|n| *n < limits::BASES).fold(0, |set, n| set | 1 << n))
    }
}

impl Serialize for BaseSet {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for BaseSet {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let places = Vec::<usize>::deserialize(d)?;
        if !places.is_sorted_by(|a, b| a < b) || places.last().is_some_and(|n| *n >= limits::BASES) {
            return Err(D::Error::custom("places of bases do not ascend, or one is above 63"));
        }
        Ok(places.into_iter().collect())
    }
}
