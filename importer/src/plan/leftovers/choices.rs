//! Where a target has chosen otherwise, and what was rendered would be applied beside it: a server refuses both together.

use serde_json::Value;

use super::{Leftover, Spot};
use crate::plan::choice::is_other_choice;
use crate::plan::same::key;

const LISTS: [&str; 3] = ["containers", "initContainers", "volumes"];
const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

/// The variables, probes, hooks and volumes of a workload's pods that are of another kind on the target.
pub(super) fn of(rendered: &Value, live: &Value) -> Vec<Leftover> {
    let mut out = Vec::new();
    for place in
        [Spot::below(&["spec", "template", "spec"]), Spot::below(&["spec", "jobTemplate", "spec", "template", "spec"])]
    {
        for (list, spot, ours) in LISTS.into_iter().flat_map(|list| entries(&place, list, rendered)) {
            let Some(there) = spot.find(live) else { continue };
            if is_other_choice(list, ours, there) {
                out.push(Leftover { spot, instead: Some(ours.clone()) });
                continue;
            }
            for (_, spot, ours) in entries(&spot, "env", rendered) {
                let from = |env: &Value| env.get("valueFrom").cloned().unwrap_or_default();
                let is_other = |there: &Value| {
                    is_other_choice("env", ours, there) || is_other_choice("valueFrom", &from(ours), &from(there))
                };
                if spot.find(live).is_some_and(is_other) {
                    out.push(Leftover { spot, instead: Some(ours.clone()) });
                }
            }
            let lifecycle = spot.field("lifecycle");
            let hooks = ["postStart", "preStop"].map(|hook| (hook, lifecycle.field(hook)));
            for (field, spot) in PROBES.map(|probe| (probe, spot.field(probe))).into_iter().chain(hooks) {
                if let (Some(ours), Some(there)) = (spot.find(rendered), spot.find(live))
                    && is_other_choice(field, ours, there)
                {
                    out.push(Leftover { spot, instead: Some(ours.clone()) });
                }
            }
        }
    }
    out
}

/// The entries of a list that Kubernetes merges.
fn entries<'v>(place: &Spot, list: &'static str, object: &'v Value) -> Vec<(&'static str, Spot, &'v Value)> {
    let place = place.field(list);
    let items = place.find(object).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| Some((list, place.entry(&key(list, item)?), item))).collect()
}
