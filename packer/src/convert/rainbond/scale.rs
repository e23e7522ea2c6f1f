//! What kind of workload a component is, how many there are of it, and how much room they have.

use std::num::NonZeroU32;

use bundle_format::template::{Component, Scaling, WorkloadKind};
use serde_json::Value;

use super::super::draft::{Draft, NoteKind};
use super::fields::is_empty;
use super::{map_at, number, word, yes};

/// What Rainbond writes into `extend_method_map` where nobody said anything, by field: megabytes.
const USUAL: [(&str, &[u64]); 3] = [("min_memory", &[64]), ("max_memory", &[65536]), ("step_memory", &[64])];

pub(super) fn kind(draft: &mut Draft, app: &Value, made: &mut Component) {
    let method = word(app, "extend_method").unwrap_or_else(|| "stateless_multiple".to_owned());
    made.kind = match method.as_str() {
        "state_singleton" | "state_multiple" | "state" => WorkloadKind::StatefulSet,
        "daemonset" => WorkloadKind::DaemonSet,
        "job" => WorkloadKind::Job,
        "cronjob" => WorkloadKind::CronJob,
        "stateless_singleton" | "stateless_multiple" | "stateless" => WorkloadKind::Deployment,
        other => {
            draft.note(
                NoteKind::Look,
                Some(&made.name),
                format!("a Deployment, for want of another kind for {other:?}"),
            );
            WorkloadKind::Deployment
        }
    };
    made.singleton = method.ends_with("_singleton");
    job(draft, app, made);
    let none = Value::Null;
    let rule = app.get("extend_method_map").unwrap_or(&none);
    room(draft, app, rule, made);
    replicas(draft, rule, made);
}

fn job(draft: &mut Draft, app: &Value, made: &mut Component) {
    if made.kind == WorkloadKind::CronJob {
        made.schedule = app.get("job_strategy").and_then(|j| word(j, "schedule")).or_else(|| word(app, "schedule"));
        if made.schedule.is_none() {
            made.schedule = Some("0 3 * * *".to_owned());
            draft.note(
                NoteKind::Look,
                Some(&made.name),
                "the export names no schedule; it runs at three in the night here",
            );
        }
    }
    let taken = |key: &str| key == "schedule" && made.kind == WorkloadKind::CronJob;
    let more: Vec<&str> = map_at(app, &["job_strategy"])
        .filter(|(key, value)| !is_empty(value) && !taken(key))
        .map(|(key, _)| key.as_str())
        .collect();
    if !more.is_empty() {
        draft.note(NoteKind::Left, Some(&made.name), format!("of its `job_strategy`: {}", more.join(", ")));
    }
}

/// Memory and CPU: the component's own, otherwise those that it began with.
fn room(draft: &mut Draft, app: &Value, rule: &Value, made: &mut Component) {
    for (name, first, unit) in [("memory", "init_memory", "Mi"), ("cpu", "container_cpu", "m")] {
        // Zero stands for as much as it likes.
        let (own, first_of) = (number::<u32>(app, name), number::<u32>(rule, first).filter(|n| *n != 0));
        let said = own.or(first_of).filter(|n| *n != 0);
        if let Some(amount) = said.and_then(|n| format!("{n}{unit}").parse().ok()) {
            made.resources.limits.insert(name.to_owned(), amount);
        }
        if let (Some(own), Some(first_of)) = (own, first_of)
            && own != first_of
        {
            let text = format!("`{first}` is {first_of}, and `{name}` {own}: the limit is that of `{name}`");
            draft.note(NoteKind::Look, Some(&made.name), text);
        }
    }
    let odd = USUAL.iter().filter_map(|(key, usual)| {
        let said = number::<u64>(rule, key).filter(|n| *n != 0 && !usual.contains(n))?;
        Some(format!("`{key}` {said}"))
    });
    let odd: Vec<String> = odd.collect();
    if !odd.is_empty() {
        let text = format!(
            "bounds of its memory in MB ({}): a template says how much it has, not between what",
            odd.join(", ")
        );
        draft.note(NoteKind::Left, Some(&made.name), text);
    }
    if yes(rule, "is_restart") {
        draft.note(NoteKind::Left, Some(&made.name), "`is_restart` of its scaling rule");
    }
}

fn replicas(draft: &mut Draft, rule: &Value, made: &mut Component) {
    let many = matches!(made.kind, WorkloadKind::Deployment | WorkloadKind::StatefulSet) && !made.singleton;
    let (min, max) = (number::<u32>(rule, "min_node").unwrap_or(1), number::<u32>(rule, "max_node").unwrap_or(0));
    if !many {
        if min > 1 {
            let what = if made.singleton { "a component of which there is never more than one" } else { "this kind" };
            draft.note(NoteKind::Left, Some(&made.name), format!("its {min} replicas: {what} has none"));
        }
        return;
    }
    made.replicas = Some(min).filter(|n| *n > 1);
    let step = number::<u32>(rule, "step_node").filter(|n| *n > 1).and_then(NonZeroU32::new);
    // 64 and 1024 are what Rainbond writes where nobody said anything.
    let bounds = (NonZeroU32::new(min.max(1)), NonZeroU32::new(max).filter(|max| !matches!(max.get(), 64 | 1024)));
    match bounds {
        (Some(least), Some(most)) if max > min => {
            made.scaling = Some(Scaling { min: least, max: most, step, cpu: None, memory: None });
            made.replicas = None;
            draft.note(
                NoteKind::Look,
                Some(&made.name),
                format!(
                    "{min} to {max} replicas were the bounds for people; as `scaling` the cluster decides within them"
                ),
            );
        }
        (_, most) => {
            if most.is_some() {
                let text = format!("`max_node` {max}: people could not have more replicas there; here they can");
                draft.note(NoteKind::Left, Some(&made.name), text);
            }
            if let Some(step) = step {
                let text = format!("`step_node` {step}: without `scaling` there are no steps");
                draft.note(NoteKind::Left, Some(&made.name), text);
            }
        }
    }
}
