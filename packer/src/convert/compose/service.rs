//! One service becomes one component.

use std::path::Path;

use bundle_format::ImageRef;
use bundle_format::template::{Component, EnvName, WorkloadKind};

use super::super::ConvertError;
use super::super::draft::{Draft, NoteKind, component, literal, variable};
use super::super::tree::{BYTES, Tree};
use super::interpolate::env_file;
use super::{Project, deploy, health, ports, security, words};
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
const HANDLED: [&str; 19] = [
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
        let job = self.jobs.contains(name);
        made.kind = if job { WorkloadKind::Job } else { deploy::kind(service) };
        made.command = command(service.get("entrypoint"));
        made.args = command(service.get("command"));
        self.environment(draft, service, &mut made)?;
        ports::ports(draft, service, &mut made)?;
        let places = self.mounts(draft, name, service, &mut made)?;
        health::healthcheck(draft, service, &mut made)?;
        deploy::deploy(draft, service, &mut made);
        security::security(draft, service, &mut made);
        secret_files(draft, &places, &mut made);
        if let Some(profiles) = service.get("profiles") {
            made.optional = true;
            let text = format!(
                "optional, because it belongs to the profiles {}: compose starts it only when asked to, here it runs unless the \
                 site switches it off",
                profiles.texts().join(", ")
            );
            draft.note(NoteKind::Look, Some(&id), text);
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
                    "init" => "`init`: no process of Docker's reaps others; let the image begin with one, such as tini",
                    "tty" | "stdin_open" => "an interactive terminal has no meaning at a site",
                    _ => "",
                };
                let text = if text.is_empty() { format!("`{key}` has no word in a template") } else { text.to_owned() };
                draft.note(NoteKind::Left, Some(&id), text);
            }
        }
        if job {
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
        text.parse().map_err(|e: <ImageRef as std::str::FromStr>::Err| {
            let missing: Vec<&str> = self.variables.missing.iter().take(5).map(String::as_str).collect();
            let hint = match missing.is_empty() {
                true => String::new(),
                false => {
                    format!("; no value is known of {}: give it one in `.env` beside the file", missing.join(", "))
                }
            };
            ConvertError::Foreign { place: format!("services.{name}.image"), why: format!("{e}{hint}") }
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
                    let read = env_file(&String::from_utf8_lossy(&bytes));
                    if !read.unread.is_empty() {
                        let lines: Vec<String> = read.unread.iter().map(ToString::to_string).collect();
                        let text = format!("`env_file` {file}: no value is given in line {}", lines.join(", "));
                        draft.note(NoteKind::Left, Some(&made.name), text);
                    }
                    for (name, value) in read.pairs {
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

/// Lets commands and health checks that read a secret's file read its variable: the file is not there.
fn secret_files(draft: &mut Draft, places: &[(String, EnvName)], made: &mut Component) {
    let probe = made.probes.readiness.as_mut().and_then(|p| p.exec.as_mut());
    let checked = probe.map(|exec| ("the health check", &mut exec.command));
    let words = [("the command", &mut made.command), ("the arguments", &mut made.args)].into_iter().chain(checked);
    for (what, words) in words {
        for (place, variable) in places {
            if !words.iter().any(|w| w.contains(place.as_str())) {
                continue;
            }
            // What stands in a command was made literal: `$(` is `$$(` there.
            let reads = [format!("$$(cat {place})"), format!("$(cat {place})"), format!("`cat {place}`")];
            for word in words.iter_mut() {
                reads.iter().for_each(|read| *word = word.replace(read.as_str(), &format!("${{{variable}}}")));
            }
            let text = match words.iter().any(|w| w.contains(place.as_str())) {
                true => {
                    format!("{what} names the file {place}, which is not there: let it read the variable {variable}")
                }
                false => format!("{what} reads the variable {variable} instead of the file {place}"),
            };
            draft.note(NoteKind::Look, Some(&made.name), text);
        }
    }
}

/// The last part of a path.
pub(super) fn base_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}
