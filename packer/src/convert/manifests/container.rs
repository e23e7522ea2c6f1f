//! What is said of one container.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use bundle_format::template::{Component, ExecProbe, HttpProbe, Probe, Protocol, Quantity, Scheme, TcpProbe};
use serde_json::Value;

use super::super::ConvertError;
use super::super::compose::protocol_of;
use super::super::draft::{Draft, NoteKind, port_of, probe};
use super::{World, at, left, list_at, map_at, number_at, text_at};

/// Fields of a container that are read, or noted in words of their own.
const CONTAINER: [&str; 16] = [
    "name",
    "image",
    "imagePullPolicy",
    "command",
    "args",
    "workingDir",
    "ports",
    "env",
    "envFrom",
    "resources",
    "volumeMounts",
    "readinessProbe",
    "livenessProbe",
    "startupProbe",
    "lifecycle",
    "securityContext",
];
/// Fields of a probe.
const PROBE: [&str; 9] = [
    "httpGet",
    "tcpSocket",
    "exec",
    "grpc",
    "initialDelaySeconds",
    "periodSeconds",
    "timeoutSeconds",
    "failureThreshold",
    "successThreshold",
];

impl World {
    pub(super) fn container(
        &mut self,
        draft: &mut Draft,
        container: &Value,
        own: bool,
        made: &mut Component,
    ) -> Result<(), ConvertError> {
        let called = format!("the container {}", text_at(container, &["name"]).unwrap_or_default());
        left::fields(draft, Some(&made.name), &called, container, &CONTAINER);
        left::fields(
            draft,
            Some(&made.name),
            &format!("the resources of {called}"),
            at(container, &["resources"]).unwrap_or(&Value::Null),
            &["requests", "limits"],
        );
        let texts = |key: &str| -> Vec<String> {
            list_at(container, &[key]).iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        made.command = texts("command");
        made.args = texts("args");
        for port in list_at(container, &["ports"]) {
            let Some(number) = number_at::<u16>(port, &["containerPort"]).and_then(NonZeroU16::new) else { continue };
            let protocol = protocol_of(text_at(port, &["protocol"]).unwrap_or("TCP")).unwrap_or_default();
            let taken = number_at::<u16>(port, &["hostPort"]).filter(|n| *n != number.get());
            if taken.is_some() || (at(port, &["hostPort"]).is_some() && !made.kubernetes.host_network) {
                let text =
                    format!("`hostPort` of the port {number}: a stream with a `nodePort` leads to it from outside");
                draft.note(NoteKind::Left, Some(&made.name), text);
            }
            // A service that is found later makes it reachable.
            port_of(made, number, protocol, text_at(port, &["name"]))?.service = false;
        }
        self.environment(draft, container, own, made)?;
        for (field, key) in [("readinessProbe", 0), ("livenessProbe", 1), ("startupProbe", 2)] {
            let Some(given) = at(container, &[field]) else { continue };
            let made_of = probe_of(draft, given, made)?;
            let into = match key {
                0 => &mut made.probes.readiness,
                1 => &mut made.probes.liveness,
                _ => &mut made.probes.startup,
            };
            *into = made_of;
        }
        for (field, into) in [("requests", &mut made.resources.requests), ("limits", &mut made.resources.limits)] {
            for (name, amount) in map_at(container, &["resources", field]) {
                let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
                match text.parse::<Quantity>() {
                    Ok(amount) => _ = into.insert(name.clone(), amount),
                    Err(e) => draft.note(NoteKind::Left, Some(&made.name), format!("resources.{field}.{name}: {e}")),
                }
            }
        }
        let object = |key: &str| at(container, &[key]).and_then(Value::as_object).cloned().unwrap_or_default();
        made.kubernetes.security_context = object("securityContext");
        made.kubernetes.lifecycle = object("lifecycle");
        if let Some(folder) = text_at(container, &["workingDir"]) {
            let text = format!(
                "`workingDir: {folder}`: a template has no word for it; set it in the image, or begin `command` with a `cd`"
            );
            draft.note(NoteKind::Left, Some(&made.name), text);
        }
        Ok(())
    }
}

fn probe_of(draft: &mut Draft, given: &Value, made: &mut Component) -> Result<Option<Probe>, ConvertError> {
    let positive = |key: &str| number_at::<u16>(given, &[key]).and_then(NonZeroU16::new);
    left::fields(draft, Some(&made.name), "a probe", given, &PROBE);
    // What Kubernetes assumes anyway is not said.
    let unless = |key: &str, usual: u16| positive(key).filter(|n| n.get() != usual);
    let mut made_of = Probe {
        initial_delay_seconds: number_at::<u16>(given, &["initialDelaySeconds"]).filter(|n| *n != 0),
        period_seconds: unless("periodSeconds", 10),
        timeout_seconds: unless("timeoutSeconds", 1),
        failure_threshold: unless("failureThreshold", 3),
        success_threshold: unless("successThreshold", 1),
        ..probe()
    };
    let port = |made: &mut Component, of: &Value| -> Result<_, ConvertError> {
        if let Some(name) = text_at(of, &["port"]).filter(|t| t.parse::<u16>().is_err()) {
            return Ok(made.ports.iter().find(|p| p.name.as_str() == name).map(|p| p.name.clone()));
        }
        let number =
            number_at::<u16>(of, &["port"]).or_else(|| text_at(of, &["port"])?.parse().ok()).and_then(NonZeroU16::new);
        let Some(number) = number else { return Ok(None) };
        let there = made.ports.iter().any(|p| p.port == number && p.protocol == Protocol::Tcp);
        let port = port_of(made, number, Protocol::Tcp, None)?;
        port.service = there && port.service;
        Ok(Some(port.name.clone()))
    };
    if let Some(http) = at(given, &["httpGet"]) {
        let scheme = if text_at(http, &["scheme"]) == Some("HTTPS") { Scheme::Https } else { Scheme::Http };
        let path = text_at(http, &["path"]).unwrap_or("/");
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let mut headers = BTreeMap::new();
        for given in list_at(http, &["httpHeaders"]) {
            let (name, value) = (text_at(given, &["name"]), text_at(given, &["value"]).unwrap_or_default());
            if !name.is_some_and(|name| HttpProbe::add_header(&mut headers, name, value)) {
                let text = format!("the header {:?} of a probe's request", name.unwrap_or_default());
                draft.note(NoteKind::Left, Some(&made.name), text);
            }
        }
        made_of.http = port(made, http)?.map(|port| HttpProbe { port, path, scheme, headers });
        if at(http, &["host"]).is_some() {
            draft.note(NoteKind::Left, Some(&made.name), "the host of a probe's request");
        }
    } else if let Some(tcp) = at(given, &["tcpSocket"]) {
        made_of.tcp = port(made, tcp)?.map(|port| TcpProbe { port });
    } else if let Some(exec) = at(given, &["exec"]) {
        let command: Vec<String> =
            list_at(exec, &["command"]).iter().filter_map(Value::as_str).map(str::to_owned).collect();
        made_of.exec = (!command.is_empty()).then_some(ExecProbe { command });
    }
    if made_of.http.is_none() && made_of.tcp.is_none() && made_of.exec.is_none() {
        draft.note(NoteKind::Left, Some(&made.name), "a probe of a kind, or at a port, that a template does not know");
        return Ok(None);
    }
    Ok(Some(made_of))
}
