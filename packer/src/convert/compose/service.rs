//! One service becomes one component.

use std::path::Path;

use bundle_format::ImageRef;
use bundle_format::template::{Component, EnvName, Quantity, WorkloadKind};
use serde_json::{Value, json};

use super::super::ConvertError;
use super::super::draft::{Draft, NoteKind, component, literal, variable};
use super::super::tree::{BYTES, Tree};
use super::interpolate::env_file;
use super::{Project, health, ports, words};
use crate::plan::read_file;

/// Fields that need no word: what they say holds at a site anyway, or means nothing there.
const SILENT: [&str; 24] = [
    "image",
    "command",
    "entrypoint",
    "environment",
    "env_file",
    "ports",
    "expose",
    "volumes",
    "tmpfs",
    "configs",
    "secrets",
    "depends_on",
    "healthcheck",
    "deploy",
    "labels",
    "profiles",
    "networks",
    "build",
    "extends",
    "links",
    "scale",
    "container_name",
    "pull_policy",
    "logging",
];
const HANDLED: [&str; 20] = [
    "restart",
    "extra_hosts",
    "user",
    "cap_add",
    "cap_drop",
    "privileged",
    "read_only",
    "security_opt",
    "sysctls",
    "group_add",
    "network_mode",
    "stop_grace_period",
    "mem_limit",
    "mem_reservation",
    "cpus",
    "shm_size",
    "init",
    "attach",
    "annotations",
    "platform",
];

impl Project {
    pub(super) fn service(&mut self, draft: &mut Draft, name: &str, service: &Tree) -> Result<Component, ConvertError> {
        let id = self.services.get(name).cloned().ok_or_else(|| ConvertError::Foreign {
            place: name.to_owned(),
            why: "the service is not known".to_owned(),
        })?;
        let image = self.image(draft, name, service, &id)?;
        let mut made = component(id.clone(), image);
        made.command = command(service.get("entrypoint"));
        made.args = command(service.get("command"));
        self.environment(draft, service, &mut made)?;
        ports::ports(draft, service, &mut made)?;
        self.mounts(draft, name, service, &mut made)?;
        health::healthcheck(draft, service, &mut made)?;
        deploy(draft, service, &mut made);
        kubernetes(draft, service, &mut made);
        if let Some(profiles) = service.get("profiles") {
            made.optional = true;
            let text = format!("optional, because it belongs to the profiles {}", profiles.texts().join(", "));
            draft.note(NoteKind::Changed, Some(&id), text);
        }
        labels(draft, service.get("labels"), &mut made);
        labels(draft, service.get("deploy").and_then(|d| d.get("labels")), &mut made);
        for (key, value) in service.fields() {
            let key = key.as_str();
            if !SILENT.contains(&key) && !HANDLED.contains(&key) && !key.starts_with("x-") && *value != Tree::Null {
                let text = match key {
                    "working_dir" => {
                        "`working_dir`: a template has no word for it; set it in the image, or begin `command` with a `cd`"
                    }
                    "hostname" | "domainname" => "`hostname`: Kubernetes names pods itself",
                    "devices" | "gpus" => "devices: ask for them in `resources.limits`, as `nvidia.com/gpu: 1`",
                    "ulimits" => "`ulimits`: Kubernetes has none; the nodes' container runtime sets them",
                    "dns" | "dns_search" | "dns_opt" => "`dns`: the cluster's is used",
                    "pid" | "ipc" | "uts" | "userns_mode" | "cgroup_parent" => {
                        "shared namespaces of the host have no word in a template"
                    }
                    "tty" | "stdin_open" => "an interactive terminal has no meaning at a site",
                    _ => "",
                };
                let text = if text.is_empty() { format!("`{key}` has no word in a template") } else { text.to_owned() };
                draft.note(NoteKind::Left, Some(&id), text);
            }
        }
        if self.jobs.contains(name) {
            made.kind = WorkloadKind::Job;
            (made.ports, made.replicas, made.singleton) = (Vec::new(), None, false);
            made.probes = bundle_format::template::Probes::default();
            draft.note(NoteKind::Changed, Some(&id), "a Job, because others wait for it to complete");
        }
        Ok(made)
    }

    fn image(
        &self,
        draft: &mut Draft,
        name: &str,
        service: &Tree,
        id: &bundle_format::template::ComponentName,
    ) -> Result<ImageRef, ConvertError> {
        let built = || {
            let project = super::super::names::template_name(&self.name);
            format!("{project}-{id}:{}", draft.template.metadata.version)
        };
        let text = service.text_of("image").unwrap_or_else(built);
        if service.get("build").is_some() {
            let text = format!("`build`: nothing is built here; build and push {text}, or name another `image`");
            draft.note(NoteKind::Look, Some(id), text);
        } else if service.get("image").is_none() {
            draft.note(NoteKind::Look, Some(id), "there is neither `image` nor `build`: name the image");
        }
        text.parse().map_err(|e: <ImageRef as std::str::FromStr>::Err| ConvertError::Foreign {
            place: format!("services.{name}.image"),
            why: e.to_string(),
        })
    }

    fn environment(&mut self, draft: &mut Draft, service: &Tree, made: &mut Component) -> Result<(), ConvertError> {
        let mut pairs: Vec<(String, Option<String>)> = Vec::new();
        let files: Vec<(String, bool)> = match service.get("env_file") {
            Some(Tree::List(files)) => (files.iter())
                .filter_map(|f| {
                    f.text()
                        .or_else(|| f.text_of("path"))
                        .map(|p| (p, f.text_of("required").as_deref() != Some("false")))
                })
                .collect(),
            Some(one) => one.text().into_iter().map(|p| (p, true)).collect(),
            None => Vec::new(),
        };
        for (file, required) in files {
            match self.inside(&file) {
                Some(path) => {
                    let bytes =
                        read_file(&path, BYTES).map_err(|source| ConvertError::Read { path: path.clone(), source })?;
                    for (name, value) in env_file(&String::from_utf8_lossy(&bytes)) {
                        let value = self.variables.text(&value, 0)?;
                        pairs.push((name, Some(value)));
                    }
                }
                None if required => {
                    let text =
                        format!("`env_file` {file}: it is not there, or lies outside of the compose file's folder");
                    draft.note(NoteKind::Left, Some(&made.name), text);
                }
                None => {}
            }
        }
        pairs.extend(service.get("environment").map(Tree::pairs).unwrap_or_default());
        for (name, value) in pairs {
            let Ok(env) = name.parse::<EnvName>() else {
                draft.note(
                    NoteKind::Left,
                    Some(&made.name),
                    format!("the variable {name:?}: that is no name of a variable"),
                );
                continue;
            };
            made.env.retain(|e| e.name != env);
            match value.or_else(|| self.variables.known.get(&name).cloned()) {
                Some(value) => made.env.push(variable(env, literal(&value))),
                None => {
                    let text = format!(
                        "the variable {name} has no value here, but that of whoever starts compose: give it one"
                    );
                    draft.note(NoteKind::Look, Some(&made.name), text);
                }
            }
        }
        Ok(())
    }
}

/// A command in either form.
fn command(tree: Option<&Tree>) -> Vec<String> {
    let words = match tree {
        Some(Tree::List(_)) => tree.map(Tree::texts).unwrap_or_default(),
        Some(other) => other.text().map(|t| words::split(&t)).unwrap_or_default(),
        None => Vec::new(),
    };
    words.iter().map(|w| literal(w)).collect()
}

fn deploy(draft: &mut Draft, service: &Tree, made: &mut Component) {
    let deploy = service.get("deploy").unwrap_or(&Tree::Null);
    match deploy.text_of("mode").as_deref() {
        Some("global") => made.kind = WorkloadKind::DaemonSet,
        Some("replicated-job" | "global-job") => made.kind = WorkloadKind::Job,
        _ => {}
    }
    let replicas = deploy.text_of("replicas").or_else(|| service.text_of("scale")).and_then(|r| r.parse::<u32>().ok());
    made.replicas = replicas.filter(|n| *n != 1 && made.kind == WorkloadKind::Deployment);
    let resources = deploy.get("resources").unwrap_or(&Tree::Null);
    for (section, short) in [("limits", true), ("reservations", false)] {
        let given = resources.get(section).unwrap_or(&Tree::Null);
        let cpus = given.text_of("cpus").or_else(|| service.text_of("cpus").filter(|_| short));
        let memory = given
            .text_of("memory")
            .or_else(|| service.text_of(if short { "mem_limit" } else { "mem_reservation" }))
            .and_then(|m| words::bytes(&m));
        let into = if short { &mut made.resources.limits } else { &mut made.resources.requests };
        for (name, amount) in [("cpu", cpus), ("memory", memory)] {
            if let Some(amount) = amount.and_then(|a| a.parse::<Quantity>().ok()) {
                into.insert(name.to_owned(), amount);
            }
        }
        if given.get("devices").is_some() {
            draft.note(
                NoteKind::Left,
                Some(&made.name),
                "devices: ask for them in `resources.limits`, as `nvidia.com/gpu: 1`",
            );
        }
    }
    if let Some(constraints) = deploy.get("placement").and_then(|p| p.get("constraints")) {
        let text = format!("placement {}: say it as `kubernetes.nodeSelector`", constraints.texts().join(", "));
        draft.note(NoteKind::Left, Some(&made.name), text);
    }
    let restart = service.text_of("restart");
    if restart.as_deref().is_some_and(|r| r == "no" || r.starts_with("on-failure"))
        && made.kind == WorkloadKind::Deployment
    {
        draft.note(
            NoteKind::Look,
            Some(&made.name),
            "it is not always restarted: if it runs to an end, make it `kind: Job`",
        );
    }
}

fn labels(draft: &mut Draft, tree: Option<&Tree>, made: &mut Component) {
    let good = |t: &str| {
        t.len() <= 63
            && t.starts_with(|c: char| c.is_ascii_alphanumeric())
            && t.ends_with(|c: char| c.is_ascii_alphanumeric())
            && t.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let mut left = Vec::new();
    for (key, value) in tree.map(Tree::pairs).unwrap_or_default() {
        let value = value.unwrap_or_default();
        match good(&key) && (value.is_empty() || good(&value)) {
            true => _ = made.labels.insert(key, value),
            false => left.push(key),
        }
    }
    if !left.is_empty() {
        let routes =
            if left.iter().any(|k| k.starts_with("traefik.")) { "; those of a proxy become `routes`" } else { "" };
        let text = format!("labels that Kubernetes does not take: {}{routes}", left.join(", "));
        draft.note(NoteKind::Left, Some(&made.name), text);
    }
}

fn kubernetes(draft: &mut Draft, service: &Tree, made: &mut Component) {
    let k = &mut made.kubernetes;
    let mut left: Vec<String> = Vec::new();
    if let Some(user) = service.text_of("user") {
        let (uid, gid) = user.split_once(':').map_or((user.as_str(), None), |(u, g)| (u, Some(g)));
        for (field, id) in [("runAsUser", Some(uid)), ("runAsGroup", gid)] {
            match id.map(str::parse::<u32>) {
                Some(Ok(id)) => _ = k.security_context.insert(field.to_owned(), json!(id)),
                Some(Err(_)) => left.push(format!("`user: {user}`: Kubernetes wants numbers")),
                None => {}
            }
        }
    }
    let mut capabilities = serde_json::Map::new();
    for (field, key) in [("add", "cap_add"), ("drop", "cap_drop")] {
        let given: Vec<String> = service
            .get(key)
            .map(Tree::texts)
            .unwrap_or_default()
            .iter()
            .map(|c| c.trim_start_matches("CAP_").to_owned())
            .collect();
        if !given.is_empty() {
            capabilities.insert(field.to_owned(), json!(given));
        }
    }
    if !capabilities.is_empty() {
        k.security_context.insert("capabilities".to_owned(), Value::Object(capabilities));
    }
    for (key, field) in [("privileged", "privileged"), ("read_only", "readOnlyRootFilesystem")] {
        if service.get(key).is_some_and(Tree::yes) {
            k.security_context.insert(field.to_owned(), json!(true));
        }
    }
    for option in service.get("security_opt").map(Tree::texts).unwrap_or_default() {
        match option.as_str() {
            "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true" => {
                k.security_context.insert("allowPrivilegeEscalation".to_owned(), json!(false));
            }
            other => left.push(format!("`security_opt: {other}`")),
        }
    }
    let groups: Vec<u32> =
        service.get("group_add").map(Tree::texts).unwrap_or_default().iter().filter_map(|g| g.parse().ok()).collect();
    if !groups.is_empty() {
        k.pod_security_context.insert("supplementalGroups".to_owned(), json!(groups));
    }
    let sysctls: Vec<Value> = (service.get("sysctls").map(Tree::pairs).unwrap_or_default().into_iter())
        .map(|(name, value)| json!({"name": name, "value": value.unwrap_or_default()}))
        .collect();
    if !sysctls.is_empty() {
        left.push("kernel settings went to `kubernetes.podSecurityContext.sysctls`; a cluster must allow those that are not safe".to_owned());
        k.pod_security_context.insert("sysctls".to_owned(), Value::Array(sysctls));
    }
    hosts(service, k, &mut left);
    if service.text_of("network_mode").as_deref() == Some("host") {
        k.host_network = true;
        k.dns_policy = Some("ClusterFirstWithHostNet".to_owned());
    }
    k.termination_grace_period_seconds =
        service.text_of("stop_grace_period").and_then(|t| words::seconds(&t)).map(u32::from);
    for (key, value) in service.get("annotations").map(Tree::pairs).unwrap_or_default() {
        k.annotations.insert(key, value.unwrap_or_default());
    }
    for text in left {
        draft.note(NoteKind::Look, Some(&made.name), text);
    }
}

fn hosts(service: &Tree, k: &mut bundle_format::template::KubernetesAttributes, left: &mut Vec<String>) {
    let pairs = match service.get("extra_hosts") {
        Some(Tree::Map(fields)) => {
            fields.iter().flat_map(|(k, v)| v.texts().into_iter().map(|v| (k.clone(), v))).collect()
        }
        Some(list) => (list.texts().iter())
            .filter_map(|t| t.split_once(['=', ':']).map(|(h, ip)| (h.to_owned(), ip.to_owned())))
            .collect(),
        None => Vec::new(),
    };
    for (host, ip) in pairs {
        let ip = ip.trim_start_matches('[').trim_end_matches(']');
        if ip.parse::<std::net::IpAddr>().is_err() {
            left.push(format!("`extra_hosts` {host}: {ip} is no address that a site has"));
            continue;
        }
        let mut alias = serde_json::Map::new();
        alias.insert("ip".to_owned(), json!(ip));
        alias.insert("hostnames".to_owned(), json!([host]));
        k.host_aliases.push(alias);
    }
}

/// The last part of a path.
pub(super) fn base_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}
