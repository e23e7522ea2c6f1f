//! Which parts of the sources went where: known before the bytes that differ are coded (spec/delta.md section 5.5).

/// Regions of sources, and where each is in the target.
#[derive(Debug, Default)]
pub struct Alignment {
    /// Source, bytes, target; sorted by source.
    regions: Vec<(u64, u64, u64)>,
}

impl Alignment {
    /// The regions of an item, as (source, bytes, target).
    pub fn of(mut regions: Vec<(u64, u64, u64)>) -> Self {
        regions.sort_unstable();
        Self { regions }
    }

    /// Where the byte at `source` went, if it did.
    pub fn target_of(&self, source: u64) -> Option<u64> {
        let after = self.regions.partition_point(|(at, ..)| *at <= source);
        let (at, len, target) = self.regions[..after].last()?;
        (source - at < *len).then(|| target + (source - at))
    }
}
