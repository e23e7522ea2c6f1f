//! What is decided, as the packing list says it and as people read it.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::Digest;
use bundle_format::archive::MemberName;
use bundle_format::delta::Bytes as _;
use bundle_format::statement::{Base, BaseSet, Held, PatchUse, Rebuild, Rebuilt};

use super::{Target, Travel, Travels, Way, Why, in_archive};
use crate::base::Bases;
use crate::plan::{Content, Plan};

/// The member of the packing list. Only versions that supply something are named in it.
pub(super) fn rebuild(plan: &Plan, bases: &Bases, present: &BTreeSet<Digest>, targets: &[Target]) -> Rebuild {
    let made: Vec<&Target> = targets.iter().filter(|target| target.whole.is_none()).collect();
    let mut used: BTreeSet<usize> = present.iter().flat_map(|digest| bases.holding(digest)).collect();
    for target in &made {
        used.extend(bases.holding(&target.digest));
        used.extend(target.ways.iter().flat_map(|way| &way.sources).flatten());
    }
    // A state of which nothing is used is named whole, because it must be named.
    for state in bases.states.iter().filter(|state| state.is_disjoint(&used)).cloned().collect::<Vec<_>>() {
        used.extend(state);
    }
    let mut order: Vec<(Base, usize)> = used.iter().map(|n| (bases.versions[*n].base.clone(), *n)).collect();
    order.sort();
    let places: BTreeMap<usize, usize> = order.iter().enumerate().map(|(place, (_, n))| (*n, place)).collect();
    let set = |versions: &mut dyn Iterator<Item = usize>| -> BaseSet {
        versions.filter_map(|n| places.get(&n).copied()).collect()
    };
    let holders = |digest: &Digest| set(&mut bases.holding(digest).into_iter());
    let mut states: Vec<BaseSet> = bases.states.iter().map(|state| set(&mut state.iter().copied())).collect();
    states.sort_by(|a, b| a.iter().cmp(b.iter()));
    states.dedup();
    let sizes: BTreeMap<Digest, u64> = plan.blobs().collect();
    let present = present.iter().map(|digest| Held {
        digest: *digest,
        size: sizes.get(digest).copied().unwrap_or_default(),
        bases: holders(digest),
    });
    let rebuilt = made.into_iter().map(|target| Rebuilt {
        digest: target.digest,
        size: target.size,
        bases: holders(&target.digest),
        patches: target.ways.iter().map(|way| patch_use(way, &set)).collect(),
    });
    let bases = order.into_iter().map(|(base, _)| base).collect();
    Rebuild { bases, states, present: present.collect(), rebuilt: rebuilt.collect() }
}

fn patch_use(made: &super::Made, set: &dyn Fn(&mut dyn Iterator<Item = usize>) -> BaseSet) -> PatchUse {
    let header = &made.patch.header;
    let sources = header.sources.iter().zip(&made.sources).map(|(source, versions)| Held {
        digest: source.digest,
        size: source.size,
        bases: set(&mut versions.iter().copied()),
    });
    PatchUse { patch: made.patch.digest, sources: sources.collect(), space: header.space(), memory: header.memory }
}

/// The same for people.
pub(super) fn travels(plan: &Plan, present: &BTreeSet<Digest>, targets: &[Target], bases: &Bases) -> Travels {
    let targets: BTreeMap<Digest, &Target> = targets.iter().map(|target| (target.digest, target)).collect();
    let mut out = Travels::default();
    for (name, size, content) in &plan.members {
        let (MemberName::Blob(digest), Content::Image(image, _)) = (name, content) else { continue };
        let way = match targets.get(digest) {
            Some(Target { whole: Some(why), .. }) => Way::Whole(*why),
            Some(target) => Way::Rebuilt {
                patches: target.ways.iter().map(|made| made.patch.bytes.len()).sum(),
                compressor: target.ways.first().map(|made| made.patch.compressor.clone()).unwrap_or_default(),
            },
            None if present.contains(digest) => Way::Present,
            None => Way::Whole(Why::Small),
        };
        if !matches!(way, Way::Whole(_)) {
            out.left_out += in_archive(*size);
        }
        if let (Way::Rebuilt { .. }, Some(target)) = (&way, targets.get(digest)) {
            out.patches += target.ways.iter().map(|made| in_archive(made.patch.bytes.len())).sum::<u64>();
        }
        let image = plan.sources[*image].0.to_string();
        out.blobs.push(Travel { digest: *digest, size: *size, image, way });
    }
    let name = |n: &usize| bases.versions[*n].base.name.clone();
    out.states = bases.states.iter().map(|state| state.iter().map(name).collect()).collect();
    out
}
