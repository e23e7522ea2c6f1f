//! `ports` and `expose`.

use std::num::NonZeroU16;

use bundle_format::template::{Component, Protocol, Route, WorkloadKind};

use super::super::ConvertError;
use super::super::draft::{Draft, NoteKind, port_of};
use super::super::tree::Tree;

/// Most ports of one range.
const RANGE: u16 = 100;
/// Ports at which HTTP is usually spoken.
const HTTP: [u16; 10] = [80, 3000, 4200, 5000, 5173, 8000, 8080, 8081, 8088, 8888];

/// A port as compose has it.
struct Given {
    target: NonZeroU16,
    published: Option<String>,
    local: bool,
    protocol: Protocol,
    name: Option<String>,
    app_protocol: Option<String>,
}

pub(super) fn ports(draft: &mut Draft, service: &Tree, made: &mut Component) -> Result<(), ConvertError> {
    if made.kind == WorkloadKind::Job {
        if service.get("ports").is_some() || service.get("expose").is_some() {
            draft.note(NoteKind::Left, Some(&made.name), "`ports`: nothing reaches a Job");
        }
        return Ok(());
    }
    let mut all = Vec::new();
    for port in service.get("ports").map(Tree::elements).unwrap_or_default() {
        let given = match port {
            Tree::Map(_) => long(port).into_iter().collect(),
            other => other.text().map(|t| short(&t)).unwrap_or_default(),
        };
        if given.is_empty() {
            let given = port.text().or_else(|| port.text_of("target")).unwrap_or_default();
            draft.note(NoteKind::Left, Some(&made.name), format!("the port {given:?}: that is none, or too many"));
        }
        all.extend(given);
    }
    for text in service.get("expose").map(Tree::texts).unwrap_or_default() {
        let given = short(&text);
        if given.is_empty() {
            draft.note(NoteKind::Left, Some(&made.name), format!("the port {text:?}: that is none, or too many"));
        }
        all.extend(given.into_iter().map(|g| Given { published: None, ..g }));
    }
    for given in all {
        let port = port_of(made, given.target, given.protocol, given.name.as_deref())?;
        port.app_protocol = port.app_protocol.take().or(given.app_protocol);
        let (name, number) = (port.name.clone(), port.port.get());
        let Some(published) = given.published else { continue };
        if given.local {
            continue;
        }
        if draft.template.routes.iter().any(|r| r.component == made.name && r.port == name) {
            let text =
                format!("host port {published} leads to port {number} as another one does: one route serves both");
            draft.note(NoteKind::Changed, Some(&made.name), text);
        } else if given.protocol == Protocol::Tcp && HTTP.contains(&number) {
            // One host cannot lead to two components; which is the front, a person knows.
            let first = draft.template.routes.is_empty();
            let host = (!first).then(|| format!("{}.{}.example", made.name, draft.template.metadata.name));
            let text = match &host {
                None => format!("host port {published} became the route of the application; name its `host`"),
                Some(host) => {
                    format!("host port {published} became a route for the host {host}: name the real one, or remove it")
                }
            };
            draft.note(NoteKind::Look, Some(&made.name), text);
            let route = draft.part("routes", made.name.as_str())?;
            draft.template.routes.push(route_to(route, made.name.clone(), name, host));
        } else {
            let text = format!(
                "host port {published}: other components reach it; for the outside add to `streams`: \
                 {{ name: {0}-{name}, component: {0}, port: {name} }}",
                made.name
            );
            draft.note(NoteKind::Look, Some(&made.name), text);
        }
    }
    Ok(())
}

/// A route of which nothing but its ends is known.
pub(in super::super) fn route_to(
    name: bundle_format::template::PartName,
    component: bundle_format::template::ComponentName,
    port: bundle_format::template::PortName,
    host: Option<String>,
) -> Route {
    Route {
        name,
        component,
        port,
        host,
        path: "/".to_owned(),
        exact: false,
        tls_secret: None,
        class: None,
        rewrite: None,
        connect_timeout_seconds: None,
        read_timeout_seconds: None,
        send_timeout_seconds: None,
        max_body: None,
        buffering: None,
        sticky: false,
        request_headers: std::collections::BTreeMap::new(),
        annotations: std::collections::BTreeMap::new(),
    }
}

/// `[[IP:]HOST:]CONTAINER[/PROTOCOL]`, where numbers may be ranges.
fn short(text: &str) -> Vec<Given> {
    let (text, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let Some(protocol) = protocol_of(protocol) else { return Vec::new() };
    let (host, target) = text.rsplit_once(':').map_or((None, text), |(h, t)| (Some(h), t));
    let local = host.is_some_and(|h| h.starts_with("127.") || h.starts_with("localhost") || h.starts_with("[::1]"));
    let published = host.map(|h| h.rsplit_once(':').map_or(h, |(_, p)| p));
    let (first, last) = target.split_once('-').unwrap_or((target, target));
    let (Ok(first), Ok(last)) = (first.trim().parse::<NonZeroU16>(), last.trim().parse::<NonZeroU16>()) else {
        return Vec::new();
    };
    if last < first || last.get() - first.get() >= RANGE {
        return Vec::new();
    }
    (first.get()..=last.get())
        .filter_map(NonZeroU16::new)
        .map(|target| Given {
            target,
            // Without a host port compose takes any free one.
            published: published.map(str::to_owned),
            local,
            protocol,
            name: None,
            app_protocol: None,
        })
        .collect()
}

fn long(tree: &Tree) -> Option<Given> {
    Some(Given {
        target: tree.text_of("target")?.parse().ok()?,
        published: tree.text_of("published"),
        local: tree.text_of("host_ip").is_some_and(|ip| ip.starts_with("127.") || ip == "::1"),
        protocol: protocol_of(tree.text_of("protocol").as_deref().unwrap_or("tcp"))?,
        name: tree.text_of("name"),
        app_protocol: tree.text_of("app_protocol"),
    })
}

pub(in super::super) fn protocol_of(text: &str) -> Option<Protocol> {
    match text.to_ascii_lowercase().as_str() {
        "tcp" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        "sctp" => Some(Protocol::Sctp),
        _ => None,
    }
}
