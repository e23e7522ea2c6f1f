//! The steps of a plan, in order (spec/plan.md section 6.1), and what an installation consists of after them.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::Digest;
use bundle_format::template::ComponentName;
use serde_json::Value;

use super::same::same;
use super::{Effect, Leftovers, Step};
use crate::record::Item;
use crate::render::{RenderedFile, is_raw, number};
use crate::target::{Live, ObjectId};

/// What is not rendered any more: which of it goes.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    /// The components of the template; those of a rank depend on earlier ranks alone. What belongs to others is left running.
    pub ranks: &'a [Vec<ComponentName>],
    /// Whether components and manifests that are gone from the template are removed.
    pub prune: bool,
    /// Objects of manifests that the operator lets go without that.
    pub accepted: &'a BTreeSet<ObjectId>,
    /// What goes of objects that stay.
    pub leftovers: &'a Leftovers,
}

/// The steps that make of what is live what was rendered: the namespace, types and rights, and a wait for them; secrets,
/// configuration and claims; then rank by rank the components' files, and a wait for each component; then manifests, and a wait
/// for them; what goes comes last, dependants first. `before` is what the record that holds left. Where nothing is to be done,
/// there is no step: a file is left out whose objects are the same on the target, and were applied as they are.
#[must_use]
pub fn steps(files: &[RenderedFile], live: &Live, before: &[Item], leaving: Leaving<'_>) -> Vec<Step> {
    let applied: BTreeMap<&ObjectId, &Digest> = before.iter().map(|item| (&item.object, &item.digest)).collect();
    let mut parts: BTreeMap<Part<'_>, Planned> = BTreeMap::new();
    for file in files {
        let objects: Vec<(ObjectId, Effect)> = file
            .objects()
            .iter()
            .filter_map(|object| ObjectId::of(object).map(|id| (id, object)))
            .map(|(id, object)| {
                let as_applied = !leaving.leftovers.contains_key(&id);
                let effect = effect(object, live.get(&id), applied.get(&id).copied().filter(|_| as_applied));
                (id, effect)
            })
            .collect();
        let changes = objects.iter().any(|(_, effect)| *effect != Effect::Keep);
        // What is prepared for a component is waited for with it: a claim is bound when its pod is there.
        let of = Part::of(file, leaving.ranks);
        if let Some(waits) = of.waits(file, leaving.ranks) {
            let part = parts.entry(waits).or_default();
            part.changes |= changes;
            // All of a component must be ready for what depends on it; one manifest does not wait for another.
            if changes || matches!(waits, Part::Component(..)) {
                part.waits.extend(objects.iter().map(|(id, _)| id.clone()));
            }
        }
        if changes {
            parts.entry(of).or_default().applies.push(Step::Apply { file: file.name().to_owned(), objects });
        }
    }
    let mut out = Vec::new();
    let mut waits = Vec::new();
    let mut last = None;
    for (part, planned) in parts {
        // What is of one rank starts together.
        if last != part.rank() {
            out.append(&mut waits);
        }
        last = part.rank();
        out.extend(planned.applies);
        if planned.changes {
            let component = match part {
                Part::Component(_, _, name) => name.cloned(),
                Part::Types | Part::Prepared | Part::Other | Part::Manifests => None,
            };
            waits.push(Step::Wait { component, objects: planned.waits });
        }
        if part.rank().is_none() {
            out.append(&mut waits);
        }
    }
    out.append(&mut waits);
    out.extend(removals(files, live, before, leaving));
    out
}

/// The parts of a plan, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    /// Namespaces, types of objects, accounts and their rights.
    Types,
    /// What everything else may need.
    Prepared,
    /// A component, by its rank and its place in it.
    Component(usize, usize, Option<&'a ComponentName>),
    /// What else belongs to no component.
    Other,
    /// The vendor's own objects.
    Manifests,
}

#[derive(Default)]
struct Planned {
    applies: Vec<Step>,
    waits: Vec<ObjectId>,
    changes: bool,
}

impl<'a> Part<'a> {
    /// By the number that a file's name begins with (spec/template.md section 7).
    fn of(file: &'a RenderedFile, ranks: &[Vec<ComponentName>]) -> Self {
        match file.number() {
            0..=9 => Self::Types,
            10..=39 => Self::Prepared,
            // What runs elsewhere is there for components.
            40..=49 if file.component().is_none() => Self::Prepared,
            80.. => Self::Manifests,
            _ => Self::component(file, ranks).unwrap_or(Self::Other),
        }
    }

    fn component(file: &'a RenderedFile, ranks: &[Vec<ComponentName>]) -> Option<Self> {
        let name = file.component()?;
        let places =
            ranks.iter().enumerate().flat_map(|(rank, all)| (0_usize..).zip(all).map(move |(at, c)| (rank, at, c)));
        let place = places.into_iter().find(|(.., c)| *c == name).map_or((ranks.len(), 0), |(rank, at, _)| (rank, at));
        Some(Self::Component(place.0, place.1, Some(name)))
    }

    fn rank(self) -> Option<usize> {
        match self {
            Self::Component(rank, ..) => Some(rank),
            _ => None,
        }
    }

    /// The part with which the objects of `file` are waited for.
    fn waits(self, file: &'a RenderedFile, ranks: &[Vec<ComponentName>]) -> Option<Self> {
        match self {
            Self::Prepared => Self::component(file, ranks),
            // There is nothing to wait for in the installation's own namespace.
            Self::Types if !file.is_raw() => None,
            other => Some(other),
        }
    }
}

/// What applying does. That the target has all of an object is not enough: what the last version said and this one does not
/// is there as well, and goes when it is applied. What is being removed is not there much longer.
fn effect(rendered: &Value, live: Option<&Value>, applied: Option<&Digest>) -> Effect {
    match live {
        None => Effect::Create,
        Some(live) if live.pointer("/metadata/deletionTimestamp").is_some() => Effect::Change,
        Some(live) if applied == Some(&digest(rendered)) && same(rendered, live) => Effect::Keep,
        Some(_) => Effect::Change,
    }
}

/// Digest of an object as compact JSON, as a record keeps it.
fn digest(object: &Value) -> Digest {
    Digest::of(object.to_string().as_bytes())
}

/// What is live, was applied, and is not rendered any more, last applied first.
fn removals(files: &[RenderedFile], live: &Live, before: &[Item], leaving: Leaving<'_>) -> Vec<Step> {
    let there = ids(files);
    let going = before.iter().rev().filter(|item| !there.contains(&item.object) && goes(item, leaving));
    let mut out: Vec<(Option<&ComponentName>, Vec<ObjectId>)> = Vec::new();
    for item in going.filter(|item| live.get(&item.object).is_some()) {
        match out.last_mut() {
            Some((component, objects)) if *component == item.component.as_ref() => objects.push(item.object.clone()),
            _ => out.push((item.component.as_ref(), vec![item.object.clone()])),
        }
    }
    out.into_iter().map(|(_, objects)| Step::Remove { objects }).collect()
}

fn goes(item: &Item, leaving: Leaving<'_>) -> bool {
    if is_kept_always(&item.object) {
        return false;
    }
    if leaving.prune || leaving.accepted.contains(&item.object) {
        return true;
    }
    match &item.component {
        // A component that is still there has another service now, or another job.
        Some(component) => leaving.ranks.iter().flatten().any(|c| c == component),
        // Generated secrets and the vendor's own objects stay. What else belongs to no component was let go by the plan.
        None => !is_raw(number(&item.file)) && !item.orphan,
    }
}

/// Claims hold data, the namespace belongs to the team, and secrets may be needed again: only an uninstallation ends them.
fn is_kept_always(id: &ObjectId) -> bool {
    id.group.is_empty() && matches!(id.kind.as_str(), "PersistentVolumeClaim" | "Namespace" | "Secret")
}

fn ids(files: &[RenderedFile]) -> BTreeSet<ObjectId> {
    files.iter().flat_map(RenderedFile::objects).filter_map(ObjectId::of).collect()
}

/// What the installation consists of when `steps` are done: what was rendered, in order, and before it what was left as an
/// orphan, so that what came first still goes last.
#[must_use]
pub fn inventory(files: &[RenderedFile], before: &[Item], steps: &[Step]) -> Vec<Item> {
    let there = ids(files);
    let removed: BTreeSet<&ObjectId> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Remove { objects } => Some(objects),
            Step::Apply { .. } | Step::Wait { .. } => None,
        })
        .flatten()
        .collect();
    let left = before.iter().filter(|item| !there.contains(&item.object) && !removed.contains(&item.object));
    let mut out: Vec<Item> = left.map(|item| Item { orphan: true, ..item.clone() }).collect();
    for file in files {
        for object in file.objects() {
            out.extend(ObjectId::of(object).map(|id| Item {
                object: id,
                file: file.name().to_owned(),
                component: file.component().cloned(),
                digest: digest(object),
                orphan: false,
            }));
        }
    }
    out
}

#[cfg(test)]
#[path = "steps_tests.rs"]
mod tests;
