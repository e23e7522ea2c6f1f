//! One component of the export.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use bundle_format::template::{Component, ComponentName, Protocol, WorkloadKind};
use serde_json::Value;

use super::super::ConvertError;
use super::super::compose::split;
use super::super::draft::{Draft, NoteKind, component, literal, port_of};
use super::elsewhere::elsewhere;
use super::health::health;
use super::scale::kind;
use super::watch::watched;
use super::{App, list_at, map_at, number, word, yes};

impl App {
    pub(super) fn components(&mut self, draft: &mut Draft) -> Result<(), ConvertError> {
        let apps = list_at(&self.root, &["apps"]).to_vec();
        let limit = bundle_format::template::limits::COMPONENTS;
        if apps.len() > limit {
            return Err(ConvertError::TooMuch { what: "components", limit: limit as u64 });
        }
        let mut running = Vec::new();
        for app in &apps {
            let wanted = ["k8s_component_name", "service_alias", "service_name", "service_cname"]
                .iter()
                .find_map(|k| word(app, k));
            let id = draft.component_name(&wanted.unwrap_or_default())?;
            self.names.push(id.clone());
            for key in ["service_share_uuid", "service_key", "service_id"] {
                if let Some(key) = word(app, key) {
                    self.keys.entry(key).or_insert_with(|| id.clone());
                }
            }
            match word(app, "service_source").as_deref() {
                Some("third_party" | "thirdparty") => elsewhere(draft, app, id)?,
                _ if !list_at(app, &["disk_layout"]).is_empty()
                    || word(app, "extend_method").as_deref() == Some("vm") =>
                {
                    draft.note(
                        NoteKind::Left,
                        None,
                        format!("{id} is a virtual machine, which a template cannot describe"),
                    );
                }
                _ => running.push((app, id)),
            }
        }
        architectures(draft, &self.root, &running);
        let mut made_of = Vec::new();
        for (app, id) in running {
            let image = word(app, "share_image").or_else(|| word(app, "image")).unwrap_or_default();
            match image.parse() {
                Ok(image) => made_of.push((app, self.component(draft, app, component(id, image))?)),
                Err(e) => draft.note(NoteKind::Left, None, format!("{id}: {e}; source code is not part of an export")),
            }
        }
        let (given, components): (Vec<&Value>, Vec<Component>) = made_of.into_iter().unzip();
        draft.template.components = components;
        self.shared_mounts(draft, &given)?;
        self.dependencies(draft, &given);
        self.connections(draft, &given)
    }

    fn component(&mut self, draft: &mut Draft, app: &Value, mut made: Component) -> Result<Component, ConvertError> {
        made.title = word(app, "service_cname").filter(|t| *t != made.name.as_str());
        made.args = word(app, "cmd").map(|c| split(&c)).unwrap_or_default().iter().map(|w| literal(w)).collect();
        kind(draft, app, &mut made);
        self.ports(draft, app, &mut made)?;
        self.volumes(draft, app, &mut made)?;
        for given in list_at(app, &["probes"]) {
            health(draft, given, &mut made)?;
        }
        watched(draft, app, &mut made)?;
        let (labels, other): (Vec<_>, Vec<_>) = map_at(app, &["labels"])
            .map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned()))
            .partition(|(k, v)| is_label(k) && is_label(v));
        made.labels = labels.into_iter().collect();
        if !other.is_empty() {
            let keys: Vec<&str> = other.iter().map(|(k, _)| k.as_str()).collect();
            draft.note(
                NoteKind::Left,
                Some(&made.name),
                format!("labels that Kubernetes does not take: {}", keys.join(", ")),
            );
        }
        self.attributes(draft, app, &mut made)?;
        self.plugins_of(draft, app, &mut made);
        if at_login(app) {
            draft.note(NoteKind::Changed, Some(&made.name), "the login for the image's registry is not carried");
        }
        Ok(made)
    }

    fn ports(&mut self, draft: &mut Draft, app: &Value, made: &mut Component) -> Result<(), ConvertError> {
        for given in list_at(app, &["port_map_list"]) {
            let Some(number) = number::<u16>(given, "container_port").and_then(NonZeroU16::new) else {
                let called = word(given, "name").or_else(|| word(given, "port_alias")).unwrap_or_default();
                let said = given.get("container_port").unwrap_or(&Value::Null);
                let text = format!("a port {called:?} whose `container_port`, {said}, is no number from 1 to 65535");
                draft.note(NoteKind::Left, Some(&made.name), text);
                continue;
            };
            let spoken = word(given, "protocol").unwrap_or_else(|| "tcp".to_owned()).to_ascii_lowercase();
            let protocol = match spoken.as_str() {
                "udp" => Protocol::Udp,
                "sctp" => Protocol::Sctp,
                _ => Protocol::Tcp,
            };
            let name = word(given, "name").unwrap_or_else(|| format!("{spoken}-{number}"));
            let port = port_of(made, number, protocol, Some(&name))?;
            port.app_protocol = Some(spoken).filter(|s| !["tcp", "udp", "sctp"].contains(&s.as_str()));
            port.service = yes(given, "is_inner_service") || yes(given, "is_outer_service");
            if let Some(host) = word(given, "k8s_service_name") {
                self.hosts.entry(host).or_insert_with(|| made.name.clone());
            }
        }
        if made.kind == WorkloadKind::Job || made.kind == WorkloadKind::CronJob {
            if !made.ports.is_empty() {
                draft.note(NoteKind::Left, Some(&made.name), "ports: nothing reaches a job");
            }
            made.ports.clear();
        }
        Ok(())
    }
}

fn at_login(app: &Value) -> bool {
    app.get("service_image").and_then(|i| word(i, "hub_user")).is_some()
}

fn is_label(text: &str) -> bool {
    let alnum = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 63
        && text.starts_with(alnum)
        && text.ends_with(alnum)
        && text.chars().all(|c| alnum(c) || matches!(c, '-' | '_' | '.'))
}

/// What the images were made for. A template does not say it: each image does.
fn architectures(draft: &mut Draft, root: &Value, running: &[(&Value, ComponentName)]) {
    let said = running.iter().filter_map(|(app, _)| word(app, "arch")).chain(word(root, "arch"));
    let all: BTreeSet<String> = said.collect();
    if !all.is_empty() {
        let text = format!(
            "made for {} (`arch`): the images say for what they are; where a cluster has other nodes too, say `kubernetes.io/arch` in `nodeSelector`",
            all.into_iter().collect::<Vec<_>>().join(", ")
        );
        draft.note(NoteKind::Look, None, text);
    }
}
