//! The decisions of a plan, by the table (spec/plan.md 3.2).

use serde_json::Value;

use super::merge::{objects, same, volume};
use super::rule::{Cut, Scope};
use super::{Accept, AttributePath, Attributes, Cell, Change, Decision, Row, Rule, Winner};

/// What is decided about the attribute `path` by the vendor's old and new value and the one in force at the site; nothing, if all three
/// say the same, or if there is no such attribute. `accepted` says whether the operator takes the vendor's value.
#[must_use]
pub fn decide(
    path: &AttributePath,
    old: Option<&Value>,
    new: Option<&Value>,
    site: Option<&Value>,
    accepted: bool,
) -> Option<Decision> {
    let row = Row::of(path)?;
    let change = change(path, old, new, site)?;
    let by_rule = value(row, change, path, [old, new, site], false);
    let value = if accepted { value(row, change, path, [old, new, site], true) } else { by_rule.clone() };
    let accepted = !same(path, value.as_ref(), by_rule.as_ref());
    Some(decision(path, change, row.rule, [old, new, site], value, accepted))
}

pub(super) fn decision(
    path: &AttributePath,
    change: Change,
    rule: Rule,
    [old, new, site]: [Option<&Value>; 3],
    value: Option<Value>,
    accepted: bool,
) -> Decision {
    let winner = if same(path, value.as_ref(), new) { Winner::Vendor } else { Winner::Site };
    let (old, new, site) = (old.cloned(), new.cloned(), site.cloned());
    Decision { path: path.clone(), change, rule, old, new, site, value, winner, accepted, given: false }
}

/// The column of the table; none, if nothing happened.
pub(super) fn change(
    path: &AttributePath,
    old: Option<&Value>,
    new: Option<&Value>,
    site: Option<&Value>,
) -> Option<Change> {
    let by_vendor = !same(path, old, new);
    let by_site = !same(path, old, site);
    Some(match (old, new, site) {
        _ if !by_vendor && !by_site => return None,
        (None, Some(_), None) => Change::Added,
        (Some(_), None, _) => Change::Removed,
        _ if !by_vendor => Change::Site,
        // Both changed it to the same: nothing is left of the site's own.
        _ if !by_site || same(path, new, site) => Change::Vendor,
        _ => Change::Both,
    })
}

fn value(
    row: &Row,
    change: Change,
    path: &AttributePath,
    [old, new, site]: [Option<&Value>; 3],
    accepted: bool,
) -> Option<Value> {
    let [added, vendor, by_site, both, removed] = row.cells;
    let cell = match change {
        Change::Added => added,
        Change::Vendor => vendor,
        Change::Site => by_site,
        Change::Both => both,
        Change::Removed => removed,
    };
    if let (true, Some(new)) = (row.is_sized(), new) {
        return volume(change, old, new, site, accepted);
    }
    match cell {
        Cell::Gone => None,
        Cell::Site if accepted => new.cloned(),
        Cell::Site if row.cut == Cut::Object && change != Change::Removed => objects(path, old, new, site),
        Cell::Site => site.cloned(),
        // The sized have gone above, unless the version has none: then the site's is the larger.
        Cell::IfLarger | Cell::Larger => site.cloned(),
        // What grows is not taken away, also not by the plan after the one that kept it.
        Cell::Vendor if row.rule == Rule::Grow && new.is_none() && !accepted => site.cloned(),
        Cell::Vendor => new.cloned(),
    }
}

/// What is decided about every attribute of an upgrade from `old` to `new` at a site where `site` is in force.
///
/// Components that `new` does not have are left as they are (3.6), so nothing is decided about them. What a plugin has goes with it.
#[must_use]
pub fn decisions(old: &Attributes, new: &Attributes, site: &Attributes, accept: &Accept) -> Vec<Decision> {
    let there = new.scopes();
    let mut decided = Vec::new();
    for path in old.all_paths(&[new, site]) {
        let values = [old, new, site].map(|attributes| attributes.get(path));
        let [was, is, here] = values;
        match Scope::split(path.scope()).0 {
            Scope::Component if !there.contains(path.scope()) => {}
            Scope::Plugin if !there.contains(path.scope()) => {
                if let (Some(row), Some(change)) = (Row::of(path), change(path, was, is, here)) {
                    decided.push(decision(path, change, row.rule, values, None, false));
                }
            }
            _ => {
                let accepted = accept.takes(path, was.is_some() || is.is_some());
                decided.extend(decide(path, was, is, here, accepted));
            }
        }
    }
    decided
}

/// What is decided about every attribute of a return to `state`, where the last action left `current` and `live` is in force now
/// (spec/plan.md section 4). Of each decision, `old` is what the last action left and `new` what is returned to.
///
/// What the site changed since stays, unless it is the vendor's to say (3.5), or `exact`. Volumes do not shrink.
#[must_use]
pub fn rollback(state: &Attributes, current: &Attributes, live: &Attributes, exact: bool) -> Vec<Decision> {
    let there = state.scopes();
    let mut decided = Vec::new();
    for path in current.all_paths(&[state, live]) {
        // A component that came later stays, as an orphan.
        if Scope::split(path.scope()).0 == Scope::Component && !there.contains(path.scope()) {
            continue;
        }
        let values = [current, state, live].map(|attributes| attributes.get(path));
        let [left, back, here] = values;
        let (Some(row), Some(change)) = (Row::of(path), change(path, left, back, here)) else { continue };
        let changed = !same(path, left, here);
        let value = match back {
            Some(back) if row.is_sized() => volume(change, left, back, here, exact || !changed),
            _ if exact || !changed || row.rule == Rule::Vendor => back.cloned(),
            _ => here.cloned(),
        };
        decided.push(decision(path, change, row.rule, values, value, false));
    }
    decided
}

/// What is in force after `decisions` on the version that `new` is of: its values, but for what is decided otherwise.
#[must_use]
pub fn in_force(new: &Attributes, decisions: &[Decision]) -> Attributes {
    let mut values = new.clone();
    for decision in decisions {
        values.put(decision.path.clone(), decision.value.clone());
    }
    values
}
