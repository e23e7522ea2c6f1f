//! Third-party components: addresses that others reach by the component's name.

use std::num::NonZeroU16;

use bundle_format::template::{ComponentName, External, ExternalPort};
use serde_json::Value;

use super::super::ConvertError;
use super::super::draft::{Draft, NoteKind};
use super::super::names::{self, Names};
use super::fields::is_empty;
use super::{list_at, number, word, yes};

/// An address as the export gives it, with its port if it names one.
struct Address {
    host: String,
    port: Option<String>,
}

impl Address {
    fn of(text: &str) -> Self {
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        // An address of version 6 has colons of its own.
        if rest.parse::<std::net::Ipv6Addr>().is_ok() {
            return Self { host: rest.to_owned(), port: None };
        }
        match rest.rsplit_once(':') {
            Some((host, port)) => Self {
                host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
                port: Some(port.to_owned()),
            },
            None => Self { host: rest.to_owned(), port: None },
        }
    }
}

pub(super) fn elsewhere(draft: &mut Draft, app: &Value, id: ComponentName) -> Result<(), ConvertError> {
    let given = app.get("endpoints").unwrap_or(app);
    let texts = addresses(given);
    let count = texts.len();
    let found: Vec<Address> = texts.iter().map(|text| Address::of(text)).collect();
    let (numbers, names): (Vec<&Address>, Vec<&Address>) =
        found.iter().partition(|a| a.host.parse::<std::net::IpAddr>().is_ok());
    let addresses: Vec<String> = numbers.into_iter().map(|a| a.host.clone()).collect();
    let host = names.first().map(|a| a.host.clone()).filter(|_| addresses.is_empty());
    if host.is_none() && addresses.is_empty() {
        let text = format!(
            "the third-party component {id}: its addresses come from elsewhere ({}); say them in `externals`",
            word(given, "endpoints_type").unwrap_or_default()
        );
        draft.note(NoteKind::Left, None, text);
        return Ok(());
    }
    let ports = ports(draft, app, &id)?;
    let called = word(app, "service_cname")
        .filter(|name| *name != id.as_str())
        .map(|name| format!(" ({name})"))
        .unwrap_or_default();
    draft.note(NoteKind::Look, None, format!("{id}{called} runs elsewhere: a site may have another address for it"));
    if count > usize::from(host.is_some()) + addresses.len() {
        let kept: Vec<String> = host.iter().chain(&addresses).cloned().collect();
        draft.note(NoteKind::Left, None, format!("of the addresses of {id} all but {}", kept.join(", ")));
    }
    let known = |port: &String| ports.iter().any(|p| p.port.to_string() == *port);
    let others: Vec<String> = found.into_iter().filter_map(|a| a.port.filter(|port| !known(port))).collect();
    if !others.is_empty() {
        let text = format!("ports in the addresses of {id} that are none of its own: {}", others.join(", "));
        draft.note(NoteKind::Left, None, text);
    }
    if !list_at(app, &["probes"]).is_empty() {
        draft.note(NoteKind::Left, None, format!("the probes of {id}, which runs elsewhere"));
    }
    draft.template.externals.push(External { name: id, host, addresses, ports });
    Ok(())
}

/// The addresses that stand in the export: those of a registry, or of a service of the cluster there, are none.
fn addresses(given: &Value) -> Vec<String> {
    let info = match given.get("endpoints_info") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        Some(other) => other.clone(),
        None => Value::Null,
    };
    if word(given, "endpoints_type").is_some_and(|of| !of.starts_with("static")) {
        return Vec::new();
    }
    // What is no text counts, so that it is missed.
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match &info {
        Value::Array(items) => items.iter().filter(|item| !is_empty(item)).map(text).collect(),
        Value::Object(fields) => fields.values().filter(|item| !is_empty(item)).map(text).collect(),
        _ => Vec::new(),
    }
}

fn ports(draft: &mut Draft, app: &Value, id: &ComponentName) -> Result<Vec<ExternalPort>, ConvertError> {
    let mut taken = Names::default();
    let mut ports = Vec::new();
    for given in list_at(app, &["port_map_list"]) {
        let Some(port) = number::<u16>(given, "container_port").and_then(NonZeroU16::new) else {
            draft.note(NoteKind::Left, None, format!("a port of {id} without a number"));
            continue;
        };
        if let Some(spoken) = word(given, "protocol").filter(|p| matches!(p.as_str(), "udp" | "sctp")) {
            draft.note(NoteKind::Left, None, format!("that the port {port} of {id} speaks {spoken}: here it is TCP"));
        }
        if yes(given, "is_outer_service") {
            let text = format!("the port {port} of {id} was open to the outside: nothing leads to what runs elsewhere");
            draft.note(NoteKind::Left, None, text);
        }
        let name = names::port(word(given, "name").as_deref(), port.get(), &mut taken)?;
        ports.push(ExternalPort { name, port });
    }
    Ok(ports)
}
