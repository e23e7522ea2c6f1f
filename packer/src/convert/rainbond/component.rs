//! One component of the export.

use std::num::{NonZeroU16, NonZeroU32};

use bundle_format::template::{
    Component, ComponentName, ExecProbe, External, ExternalPort, Graph, HttpProbe, Monitor, PluginUse, Probe, Protocol,
    Scaling, Scheme, TcpProbe, WorkloadKind,
};
use serde_json::Value;

use super::super::ConvertError;
use super::super::compose::split;
use super::super::draft::{Draft, NoteKind, component, literal, port_of, probe};
use super::super::names::{self, Names};
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
        for (name, key, unit) in [("memory", "memory", "Mi"), ("cpu", "cpu", "m")] {
            // Zero stands for as much as it likes.
            if let Some(amount) =
                number::<u32>(app, key).filter(|n| *n != 0).and_then(|n| format!("{n}{unit}").parse().ok())
            {
                made.resources.limits.insert(name.to_owned(), amount);
            }
        }
        self.ports(draft, app, &mut made)?;
        self.volumes(draft, app, &mut made)?;
        for given in list_at(app, &["probes"]) {
            health(draft, given, &mut made)?;
        }
        let mut monitors = Names::default();
        for given in list_at(app, &["component_monitors"]) {
            let port = number::<u16>(given, "port").and_then(NonZeroU16::new);
            let Some(port) = made.ports.iter_mut().find(|p| Some(p.port) == port) else {
                draft.note(
                    NoteKind::Left,
                    Some(&made.name),
                    format!(
                        "the monitor {}: its port is none of the component's",
                        word(given, "name").unwrap_or_default()
                    ),
                );
                continue;
            };
            port.service = true;
            let name = monitors.take(&word(given, "name").unwrap_or_default(), "monitor", 40)?;
            let path = word(given, "path").unwrap_or_else(|| "/metrics".to_owned());
            let interval = word(given, "interval").and_then(|i| i.parse().ok());
            made.monitors.push(Monitor { name, port: port.name.clone(), path, interval });
        }
        for given in list_at(app, &["component_graphs"]) {
            if let (Some(title), Some(query)) = (word(given, "title"), word(given, "promql"))
                && !made.graphs.iter().any(|g| g.title == title)
            {
                made.graphs.push(Graph { title, query });
            }
        }
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
        for given in list_at(app, &["service_related_plugin_config"]) {
            let key = word(given, "plugin_key").or_else(|| word(given, "plugin_id")).unwrap_or_default();
            if given.get("plugin_status").is_some() && !yes(given, "plugin_status") {
                draft.note(NoteKind::Left, Some(&made.name), format!("the plugin {key}, which is switched off there"));
                continue;
            }
            match self.plugins.get(&key) {
                Some(name) if !made.plugins.iter().any(|p| p.name == *name) => {
                    made.plugins.push(PluginUse { name: name.clone(), env: Vec::new(), volumes: false });
                    let room = ["memory_required", "cpu_required"].map(|key| number::<u32>(given, key).unwrap_or(0));
                    if room != [0, 0] {
                        let [memory, cpu] = room;
                        let text = format!(
                            "the plugin `{name}` had {memory} MB and {cpu} m of CPU here; `resources` of the plugin hold for all components"
                        );
                        draft.note(NoteKind::Look, Some(&made.name), text);
                    }
                    if !list_at(given, &["attr"]).is_empty() {
                        draft.note(
                            NoteKind::Look,
                            Some(&made.name),
                            format!("what it told the plugin `{name}` (`attr`): say it in `plugins.env`"),
                        );
                    }
                }
                Some(_) => {}
                None => draft.note(NoteKind::Left, Some(&made.name), format!("the plugin {key}, which is not carried")),
            }
        }
        if at_login(app) {
            draft.note(NoteKind::Changed, Some(&made.name), "the login for the image's registry is not carried");
        }
        Ok(made)
    }

    fn ports(&mut self, draft: &mut Draft, app: &Value, made: &mut Component) -> Result<(), ConvertError> {
        for given in list_at(app, &["port_map_list"]) {
            let Some(number) = number::<u16>(given, "container_port").and_then(NonZeroU16::new) else { continue };
            let spoken = word(given, "protocol").unwrap_or_else(|| "tcp".to_owned()).to_ascii_lowercase();
            let protocol = if spoken == "udp" { Protocol::Udp } else { Protocol::Tcp };
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

fn kind(draft: &mut Draft, app: &Value, made: &mut Component) {
    let method = word(app, "extend_method").unwrap_or_else(|| "stateless_multiple".to_owned());
    made.kind = match method.as_str() {
        "state_singleton" | "state_multiple" | "state" => WorkloadKind::StatefulSet,
        "daemonset" => WorkloadKind::DaemonSet,
        "job" => WorkloadKind::Job,
        "cronjob" => WorkloadKind::CronJob,
        _ => WorkloadKind::Deployment,
    };
    made.singleton = method.ends_with("_singleton");
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
    let Some(rule) = app.get("extend_method_map") else { return };
    let many = matches!(made.kind, WorkloadKind::Deployment | WorkloadKind::StatefulSet) && !made.singleton;
    let (min, max) = (number::<u32>(rule, "min_node").unwrap_or(1), number::<u32>(rule, "max_node").unwrap_or(0));
    if !many {
        return;
    }
    made.replicas = Some(min).filter(|n| *n > 1);
    // 64 and 1024 are what Rainbond writes where nobody said anything.
    if let (Some(least), Some(most)) = (NonZeroU32::new(min.max(1)), NonZeroU32::new(max))
        && max > min
        && max != 64
        && max != 1024
    {
        let step = number::<u32>(rule, "step_node").filter(|n| *n > 1).and_then(NonZeroU32::new);
        made.scaling = Some(Scaling { min: least, max: most, step, cpu: None, memory: None });
        made.replicas = None;
        draft.note(
            NoteKind::Look,
            Some(&made.name),
            format!("{min} to {max} replicas were the bounds for people; as `scaling` the cluster decides within them"),
        );
    }
}

fn health(draft: &mut Draft, given: &Value, made: &mut Component) -> Result<(), ConvertError> {
    let used = given.get("is_used").is_none() || yes(given, "is_used");
    if !used || matches!(made.kind, WorkloadKind::Job | WorkloadKind::CronJob) {
        return Ok(());
    }
    let positive = |key: &str| number::<u16>(given, key).and_then(NonZeroU16::new);
    let mut made_of = Probe {
        initial_delay_seconds: number::<u16>(given, "initial_delay_second").filter(|n| *n > 0),
        period_seconds: positive("period_second"),
        timeout_seconds: positive("timeout_second"),
        failure_threshold: positive("failure_threshold"),
        success_threshold: positive("success_threshold").filter(|n| n.get() != 1),
        ..probe()
    };
    let mode = word(given, "mode").unwrap_or_default();
    let number = number::<u16>(given, "port").and_then(NonZeroU16::new);
    match (word(given, "scheme").as_deref(), number) {
        (Some("cmd"), _) => {
            made_of.exec = word(given, "cmd").map(|c| ExecProbe { command: vec!["sh".to_owned(), "-c".to_owned(), c] })
        }
        (Some("http" | "https"), Some(number)) => {
            let port = port_of(made, number, Protocol::Tcp, None)?.name.clone();
            let path = word(given, "path")
                .map(|p| if p.starts_with('/') { p } else { format!("/{p}") })
                .unwrap_or_else(|| "/".to_owned());
            let scheme = if word(given, "scheme").as_deref() == Some("https") { Scheme::Https } else { Scheme::Http };
            made_of.http = Some(HttpProbe { port, path, scheme, headers: std::collections::BTreeMap::new() });
        }
        (_, Some(number)) => {
            made_of.tcp = Some(TcpProbe { port: port_of(made, number, Protocol::Tcp, None)?.name.clone() })
        }
        (_, None) => {
            draft.note(NoteKind::Left, Some(&made.name), format!("a probe of mode {mode} without a port"));
            return Ok(());
        }
    }
    if word(given, "http_header").is_some() {
        draft.note(NoteKind::Left, Some(&made.name), "headers of a probe's request");
    }
    match mode.as_str() {
        "liveness" => {
            made_of.success_threshold = None;
            made.probes.liveness = Some(made_of);
        }
        "startup" => {
            made_of.success_threshold = None;
            made.probes.startup = Some(made_of);
        }
        "ignore" => {}
        _ => made.probes.readiness = Some(made_of),
    }
    Ok(())
}

/// A third-party component: addresses that others reach by its name.
fn elsewhere(draft: &mut Draft, app: &Value, id: ComponentName) -> Result<(), ConvertError> {
    let given = app.get("endpoints").unwrap_or(app);
    let info = match given.get("endpoints_info") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        Some(other) => other.clone(),
        None => Value::Null,
    };
    let texts: Vec<String> = match &info {
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::Object(fields) => fields.values().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let count = texts.len();
    let hosts: Vec<String> = texts
        .iter()
        .map(|t| {
            t.split_once("://").map_or(t.as_str(), |(_, r)| r).rsplit_once(':').map_or(t.clone(), |(h, _)| h.to_owned())
        })
        .collect();
    let (addresses, names): (Vec<String>, Vec<String>) =
        hosts.into_iter().partition(|h| h.parse::<std::net::IpAddr>().is_ok());
    let mut taken = Names::default();
    let mut ports = Vec::new();
    for given in list_at(app, &["port_map_list"]) {
        if let Some(port) = number::<u16>(given, "container_port").and_then(NonZeroU16::new) {
            ports.push(ExternalPort {
                name: names::port(word(given, "name").as_deref(), port.get(), &mut taken)?,
                port,
            });
        }
    }
    let host = names.into_iter().next().filter(|_| addresses.is_empty());
    if host.is_none() && addresses.is_empty() {
        let text = format!(
            "the third-party component {id}: its addresses come from elsewhere ({}); say them in `externals`",
            word(given, "endpoints_type").unwrap_or_default()
        );
        draft.note(NoteKind::Left, None, text);
        return Ok(());
    }
    draft.note(NoteKind::Look, None, format!("{id} runs elsewhere: a site may have another address for it"));
    if count > usize::from(host.is_some()) + addresses.len() {
        draft.note(
            NoteKind::Left,
            None,
            format!(
                "of the addresses of {id} all but {}",
                host.iter().chain(&addresses).cloned().collect::<Vec<_>>().join(", ")
            ),
        );
    }
    if !list_at(app, &["probes"]).is_empty() {
        draft.note(NoteKind::Left, None, format!("the probes of {id}, which runs elsewhere"));
    }
    draft.template.externals.push(External { name: id, host, addresses, ports });
    Ok(())
}
