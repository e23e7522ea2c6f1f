//! The order in which components start: each after those that it depends on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Component, ComponentName, Template};

impl Template {
    /// The components, each after those that it depends on, otherwise as in the template.
    #[must_use]
    pub fn in_dependency_order(&self) -> Vec<&Component> {
        sort(&self.components).sorted
    }

    /// The components by how many others must be there before them, one after another: those of a rank depend on nothing but
    /// ranks before it.
    #[must_use]
    pub fn in_ranks(&self) -> Vec<Vec<&Component>> {
        let mut ranks: Vec<Vec<&Component>> = Vec::new();
        let mut of: BTreeMap<&ComponentName, usize> = BTreeMap::new();
        for component in self.in_dependency_order() {
            let rank = component.depends_on.iter().filter_map(|d| of.get(d)).map(|rank| rank + 1).max().unwrap_or(0);
            of.insert(&component.name, rank);
            match ranks.get_mut(rank) {
                Some(rank) => rank.push(component),
                None => ranks.push(vec![component]),
            }
        }
        ranks
    }
}

/// Components in the order in which they start, and those that never do.
pub(super) struct Sorted<'a> {
    /// Each after those that it depends on.
    pub sorted: Vec<&'a Component>,
    /// Those on a circle of dependencies, and those behind one.
    pub stuck: Vec<&'a Component>,
}

/// Kahn's algorithm; among the components that could come next, the first of the template comes. Names that nothing has
/// are passed over.
pub(super) fn sort(components: &[Component]) -> Sorted<'_> {
    let names: BTreeMap<&ComponentName, usize> = components.iter().enumerate().map(|(i, c)| (&c.name, i)).collect();
    let waits: Vec<BTreeSet<usize>> =
        components.iter().map(|c| c.depends_on.iter().filter_map(|d| names.get(d).copied()).collect()).collect();
    let mut followers = vec![Vec::new(); components.len()];
    for (i, on) in waits.iter().enumerate() {
        on.iter().for_each(|d| followers[*d].push(i));
    }
    let mut left: Vec<usize> = waits.iter().map(BTreeSet::len).collect();
    let mut ready: BTreeSet<usize> = (0..components.len()).filter(|i| left[*i] == 0).collect();
    let mut sorted = Vec::new();
    while let Some(next) = ready.pop_first() {
        sorted.push(&components[next]);
        for follower in &followers[next] {
            left[*follower] -= 1;
            if left[*follower] == 0 {
                ready.insert(*follower);
            }
        }
    }
    let stuck = components.iter().zip(&left).filter(|(_, left)| **left > 0).map(|(c, _)| c).collect();
    Sorted { sorted, stuck }
}

/// The shortest circle of dependencies through `start` that passes only through `among`: `[start, .., start]`.
pub(super) fn circle<'a>(start: &'a Component, among: &[&'a Component]) -> Option<Vec<&'a ComponentName>> {
    let by_name: BTreeMap<&ComponentName, &Component> = among.iter().map(|c| (&c.name, *c)).collect();
    let mut came_from: BTreeMap<&ComponentName, &ComponentName> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for next in &at.depends_on {
            if *next == start.name {
                let mut path = vec![next, &at.name];
                let mut name = &at.name;
                while let Some(before) = came_from.get(name).filter(|_| *name != start.name) {
                    path.push(before);
                    name = before;
                }
                path.reverse();
                return Some(path);
            }
            if let Some(component) = by_name.get(next)
                && !came_from.contains_key(next)
            {
                came_from.insert(next, &at.name);
                queue.push_back(component);
            }
        }
    }
    None
}
