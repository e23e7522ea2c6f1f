//! `deploy`, and the older fields that say the same.

use bundle_format::template::{Component, Quantity, WorkloadKind};

use super::super::draft::{Draft, NoteKind};
use super::super::tree::Tree;
use super::words;

/// The kind that `deploy.mode` asks for.
pub(super) fn kind(service: &Tree) -> WorkloadKind {
    match service.get("deploy").and_then(|d| d.text_of("mode")).as_deref() {
        Some("global") => WorkloadKind::DaemonSet,
        Some("replicated-job" | "global-job") => WorkloadKind::Job,
        _ => WorkloadKind::Deployment,
    }
}

/// Replicas, resources, and what of `deploy` has no word in a template.
pub(super) fn deploy(draft: &mut Draft, service: &Tree, made: &mut Component) {
    let deploy = service.get("deploy").unwrap_or(&Tree::Null);
    let mut left: Vec<String> = Vec::new();
    let given = deploy.text_of("replicas").or_else(|| service.text_of("scale"));
    let replicas = given.as_ref().and_then(|r| r.parse::<u32>().ok()).filter(|n| *n != 1);
    made.replicas = replicas.filter(|_| made.kind == WorkloadKind::Deployment);
    if made.replicas.is_none() && replicas.is_some() {
        left.push(format!("{} replicas: a {:?} has no number of them", given.unwrap_or_default(), made.kind));
    }
    resources(service, deploy, made, &mut left);
    let placement = deploy.get("placement").unwrap_or(&Tree::Null);
    if let Some(constraints) = placement.get("constraints") {
        left.push(format!("placement {}: say it as `kubernetes.nodeSelector`", constraints.texts().join(", ")));
    }
    if placement.get("preferences").is_some() || placement.get("max_replicas_per_node").is_some() {
        left.push("placement: say how replicas spread as `kubernetes.topologySpreadConstraints`".to_owned());
    }
    for (key, _) in deploy.fields().iter().filter(|(_, value)| *value != Tree::Null) {
        match key.as_str() {
            "mode" | "replicas" | "resources" | "labels" | "placement" | "restart_policy" => {}
            "update_config" | "rollback_config" => left.push(format!(
                "`deploy.{key}`: Kubernetes replaces one after the other, a `singleton` only when the old one is gone"
            )),
            other => left.push(format!("`deploy.{other}` has no word in a template")),
        }
    }
    for text in left {
        draft.note(NoteKind::Left, Some(&made.name), text);
    }
    let condition = deploy.get("restart_policy").and_then(|p| p.text_of("condition"));
    let ends = |r: &str| r == "no" || r == "none" || r.starts_with("on-failure");
    if (condition.or_else(|| service.text_of("restart"))).is_some_and(|r| ends(&r))
        && made.kind == WorkloadKind::Deployment
    {
        let text = "it is not always restarted: if it runs to an end, make it `kind: Job`";
        draft.note(NoteKind::Look, Some(&made.name), text);
    }
}

fn resources(service: &Tree, deploy: &Tree, made: &mut Component, left: &mut Vec<String>) {
    let resources = deploy.get("resources").unwrap_or(&Tree::Null);
    for (section, short) in [("limits", true), ("reservations", false)] {
        let given = resources.get(section).unwrap_or(&Tree::Null);
        let cpus = given.text_of("cpus").or_else(|| service.text_of("cpus").filter(|_| short));
        let old = if short { "mem_limit" } else { "mem_reservation" };
        let memory = given.text_of("memory").or_else(|| service.text_of(old));
        let into = if short { &mut made.resources.limits } else { &mut made.resources.requests };
        let amounts = [("cpu", cpus.clone(), cpus), ("memory", memory.clone(), memory.and_then(|m| words::bytes(&m)))];
        for (name, given, amount) in amounts {
            match (given, amount.and_then(|a| a.parse::<Quantity>().ok())) {
                (_, Some(amount)) => _ = into.insert(name.to_owned(), amount),
                (Some(given), None) => left.push(format!("{name} of {given:?}: that is no amount")),
                (None, None) => {}
            }
        }
        for (key, value) in given.fields().iter().filter(|(_, value)| *value != Tree::Null) {
            match key.as_str() {
                "cpus" | "memory" => {}
                "devices" => {
                    left.push("devices: ask for them in `resources.limits`, as `nvidia.com/gpu: 1`".to_owned());
                }
                other => left.push(format!(
                    "`deploy.resources.{section}.{other}` {}: it has no word in a template",
                    value.text().unwrap_or_default()
                )),
            }
        }
    }
}
