//! Before a delta is imported: whether what it is made from is there (spec/bundle.md section 7.3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bundle_format::Digest;
use bundle_format::archive::MemberName;
use bundle_format::statement::{BaseSet, PackingList, PatchUse, Rebuild, Rebuilt};
use bundle_format::walk::Progress;

use super::place::{Found, Place, Wanted};
use super::{Amount, ImportError, cores};

/// A blob that a delta is made from, and that is not there as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// The blob.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// Whether it is there, but damaged.
    pub damaged: bool,
    /// `NAME:TAG` of the template versions that have it.
    pub supplied_by: Vec<String>,
}

/// A blob to be made, and the way that was chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    pub blob: &'a Rebuilt,
    pub way: &'a PatchUse,
}

/// What an import of a delta will do.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    /// In an order in which sources come first.
    pub jobs: Vec<Job<'a>>,
    /// What is there already.
    pub present: Amount,
}

impl Plan<'_> {
    /// The patches that will be applied.
    pub fn patches(&self) -> BTreeSet<Digest> {
        self.jobs.iter().map(|job| job.way.patch).collect()
    }

    /// Bytes of all blobs that will be made.
    pub fn stays(&self) -> u64 {
        self.jobs.iter().map(|job| job.blob.size).fold(0, u64::saturating_add)
    }

    /// Bytes of the patches, and of the largest contents that may lie inflated at once.
    pub fn temporary(&self, list: &PackingList) -> u64 {
        let patches = self.patches();
        let kept = list.members().iter().filter(|m| matches!(m.name, MemberName::Patch(p) if patches.contains(&p)));
        let mut spaces: Vec<u64> = self.jobs.iter().map(|job| job.way.space).collect();
        spaces.sort_unstable();
        kept.map(|m| m.size).chain(spaces.into_iter().rev().take(cores())).fold(0, u64::saturating_add)
    }
}

/// Looks for everything that `list` does not carry, and chooses how to make what must be made. Nothing is written, but that what a
/// registry holds elsewhere is made known, once all was found.
pub(super) fn plan<'a>(
    list: &'a Rebuild,
    place: &dyn Place,
    memory: u64,
    progress: &dyn Progress,
) -> Result<Plan<'a>, ImportError> {
    let wanted = |digest, size, bases| Wanted { digest, size, bases, list };
    let mut known = BTreeMap::new();
    let present = list.present.iter().map(|b| wanted(b.digest, b.size, b.bases));
    let rebuilt = list.rebuilt.iter().map(|b| wanted(b.digest, b.size, b.bases));
    look(present.clone().chain(rebuilt).collect(), place, progress, &mut known)?;
    let mut plan = Plan::default();
    let mut lacking = Vec::new();
    for blob in present {
        match known.get(&blob.digest) {
            Some(Found::Whole) => plan.present.add(blob.size),
            found => lacking.push(lacks(&blob, found.copied())),
        }
    }
    let missing: Vec<&Rebuilt> = list.rebuilt.iter().filter(|b| known.get(&b.digest) != Some(&Found::Whole)).collect();
    for blob in list.rebuilt.iter().filter(|b| known.get(&b.digest) == Some(&Found::Whole)) {
        plan.present.add(blob.size);
    }
    let chosen = choose(&missing, list, place, memory, progress, &mut known)?;
    for (blob, way) in missing.into_iter().zip(chosen) {
        match way {
            Ok(way) => plan.jobs.push(Job { blob, way }),
            Err(sources) => lacking.extend(sources),
        }
    }
    if !lacking.is_empty() {
        let mut seen = BTreeSet::new();
        lacking.retain(|blob: &Lacking| seen.insert(blob.digest));
        return Err(ImportError::Base { place: place.name(), states: states(list), lacking });
    }
    let held = list.blobs().filter(|(digest, _)| known.get(digest) == Some(&Found::Whole));
    let bases: BTreeMap<Digest, BaseSet> = (list.present.iter().map(|b| (b.digest, b.bases)))
        .chain(list.rebuilt.iter().map(|b| (b.digest, b.bases)))
        .collect();
    for (digest, size) in held {
        place.adopt(&wanted(digest, size, bases.get(&digest).copied().unwrap_or_default()))?;
    }
    Ok(plan)
}

/// For each blob the first way of which everything is there; else what is not, of the way that lacks least.
fn choose<'a>(
    missing: &[&'a Rebuilt],
    list: &'a Rebuild,
    place: &dyn Place,
    memory: u64,
    progress: &dyn Progress,
    known: &mut BTreeMap<Digest, Found>,
) -> Result<Vec<Result<&'a PatchUse, Vec<Lacking>>>, ImportError> {
    let bad = |known: &BTreeMap<Digest, Found>, way: &'a PatchUse| -> Vec<Lacking> {
        let sources = way.sources.iter().filter(|s| !s.bases.is_empty());
        let sources = sources.map(|s| Wanted { digest: s.digest, size: s.size, bases: s.bases, list });
        let found = |s: &Wanted<'_>| known.get(&s.digest).copied();
        sources.filter(|s| found(s).is_some_and(|f| f != Found::Whole)).map(|s| lacks(&s, found(&s))).collect()
    };
    loop {
        let mut ways = Vec::new();
        let mut unknown = BTreeMap::new();
        for blob in missing {
            let fitting: Vec<_> = blob.patches.iter().filter(|way| way.memory <= memory).collect();
            if fitting.is_empty() {
                let needed = blob.patches.iter().map(|way| way.memory).min().unwrap_or_default();
                return Err(ImportError::Memory { blob: blob.digest, needed, allowed: memory });
            }
            let way = fitting.iter().find(|way| bad(known, way).is_empty());
            if let Some(way) = way {
                for s in way.sources.iter().filter(|s| !s.bases.is_empty() && !known.contains_key(&s.digest)) {
                    unknown.insert(s.digest, Wanted { digest: s.digest, size: s.size, bases: s.bases, list });
                }
            }
            let least = || fitting.iter().map(|way| bad(known, way)).min_by_key(Vec::len).unwrap_or_default();
            ways.push(way.copied().ok_or_else(least));
        }
        if unknown.is_empty() {
            return Ok(ways);
        }
        look(unknown.into_values().collect(), place, progress, known)?;
    }
}

fn lacks(blob: &Wanted<'_>, found: Option<Found>) -> Lacking {
    Lacking {
        digest: blob.digest,
        size: blob.size,
        damaged: found == Some(Found::Damaged),
        supplied_by: blob.list.names(blob.bases).into_iter().map(str::to_owned).collect(),
    }
}

/// What the delta was made for, as `A and B`.
fn states(list: &Rebuild) -> Vec<String> {
    list.states.iter().map(|state| list.names(*state).join(" and ")).collect()
}

/// Looks for all of `blobs`, on all cores.
fn look(
    blobs: Vec<Wanted<'_>>,
    place: &dyn Place,
    progress: &dyn Progress,
    known: &mut BTreeMap<Digest, Found>,
) -> Result<(), ImportError> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Ok(known));
    let work = || {
        while let Some(blob) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let one = place.find(blob, &|bytes| progress.advance(bytes));
            let Ok(mut all) = found.lock() else { return };
            match (&mut *all, one) {
                (Ok(known), Ok(one)) => drop(known.insert(blob.digest, one)),
                (Ok(_), Err(e)) => *all = Err(e),
                (Err(_), _) => return,
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..cores().min(blobs.len()) {
            scope.spawn(work);
        }
    });
    found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).map(drop)
}
