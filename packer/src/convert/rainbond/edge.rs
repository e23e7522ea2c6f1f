//! How the application is reached from outside.

use std::num::{NonZeroU16, NonZeroU32};

use bundle_format::template::{ComponentName, Exposure, PortName, Stream};
use serde_json::Value;

use super::super::ConvertError;
use super::super::compose::route_to;
use super::super::draft::{Draft, NoteKind};
use super::fields::is_empty;
use super::{App, list_at, map_at, number, word, yes};

impl App {
    pub(super) fn routes(&self, draft: &mut Draft) -> Result<(), ConvertError> {
        for given in list_at(&self.root, &["ingress_http_routes"]) {
            let Some((component, port)) = self.end(draft, given) else {
                let text = format!(
                    "the route {}: its component or port is not here",
                    word(given, "location").unwrap_or_default()
                );
                draft.note(NoteKind::Left, None, text);
                continue;
            };
            let said = word(given, "location");
            let location = said.clone().filter(|l| l.starts_with('/')).unwrap_or_else(|| "/".to_owned());
            let host = self.host(draft, &component, &location);
            let mut route = route_to(draft.part("routes", component.as_str())?, component.clone(), port, host);
            route.path = location;
            let seconds = |key: &str| number::<u32>(given, key).and_then(NonZeroU32::new);
            route.connect_timeout_seconds = seconds("connection_timeout");
            route.send_timeout_seconds = seconds("request_timeout");
            route.read_timeout_seconds = seconds("response_timeout");
            // Megabytes; zero is no limit, which is every controller's own affair.
            route.max_body = seconds("request_body_size_limit").and_then(|n| format!("{n}Mi").parse().ok());
            route.buffering = word(given, "proxy_buffer")
                .map(|_| yes(given, "proxy_buffer") || word(given, "proxy_buffer").as_deref() == Some("on"));
            route.sticky = word(given, "load_balancing").is_some_and(|l| l.contains("cookie") || l.contains("session"));
            route.rewrite = word(given, "path_rewrite").filter(|p| p.starts_with('/'));
            let odd = headers(given, &mut route.request_headers);
            let short = route.read_timeout_seconds;
            if yes(given, "websocket") && short.is_none_or(|s| s.get() < 3600) {
                route.read_timeout_seconds = NonZeroU32::new(3600);
                if let Some(short) = short {
                    let text =
                        format!("of its route: an hour to read (`response_timeout` {short}), for its web sockets");
                    draft.note(NoteKind::Changed, Some(&component), text);
                }
            }
            let mut left = left_of(given);
            if odd > 0 {
                left.push(format!("{odd} of `proxy_header`, without a name or a value"));
            }
            if let Some(said) = said.filter(|said| !said.starts_with('/')) {
                left.push(format!("the location {said:?}, which is no path"));
            }
            for text in left {
                draft.note(NoteKind::Left, Some(&component), format!("of its route: {text}"));
            }
            let has_own = given.get("default_domain").is_some() && !yes(given, "default_domain");
            if has_own && route.host.is_none() {
                let text = "its route had a domain of its own (`default_domain`), which is no part of an export: name it in `host`";
                draft.note(NoteKind::Look, Some(&component), text);
            }
            draft.template.routes.push(route);
        }
        for given in list_at(&self.root, &["ingress_stream_routes"]) {
            let Some((component, port)) = self.end(draft, given) else {
                draft.note(NoteKind::Left, None, "a stream: its component or port is not here");
                continue;
            };
            if number::<u32>(given, "connection_timeout").unwrap_or(0) > 0 {
                draft.note(NoteKind::Left, Some(&component), "of its stream: `connection_timeout`");
            }
            self.stream(draft, component, port)?;
        }
        self.outer(draft)
    }

    /// Ports that were open to the outside, and that no route leads to.
    fn outer(&self, draft: &mut Draft) -> Result<(), ConvertError> {
        for (app, component) in list_at(&self.root, &["apps"]).iter().zip(self.names.iter().cloned()) {
            for given in list_at(app, &["port_map_list"]).iter().filter(|p| yes(p, "is_outer_service")) {
                let number = number::<u16>(given, "container_port").and_then(NonZeroU16::new);
                let made = draft.template.component(&component);
                let Some(port) =
                    made.and_then(|c| c.ports.iter().find(|p| Some(p.port) == number)).map(|p| p.name.clone())
                else {
                    continue;
                };
                let t = &draft.template;
                let reached = t.routes.iter().any(|r| r.component == component && r.port == port)
                    || t.streams.iter().any(|s| s.component == component && s.port == port);
                if reached {
                    continue;
                }
                if word(given, "protocol").is_some_and(|p| p.eq_ignore_ascii_case("http")) {
                    let host = self.host(draft, &component, "/");
                    let route = route_to(draft.part("routes", component.as_str())?, component.clone(), port, host);
                    draft.template.routes.push(route);
                } else {
                    self.stream(draft, component.clone(), port)?;
                }
            }
        }
        Ok(())
    }

    /// No host where no other route has the path already: a site names its own.
    fn host(&self, draft: &mut Draft, component: &ComponentName, path: &str) -> Option<String> {
        let taken = draft.template.routes.iter().any(|r| r.host.is_none() && r.path == path);
        let host = taken.then(|| format!("{component}.{}.example", draft.template.metadata.name));
        if let Some(host) = &host {
            draft.note(
                NoteKind::Look,
                Some(component),
                format!("its route has the host {host}, because another has no host: name the real one"),
            );
        }
        host
    }

    fn stream(&self, draft: &mut Draft, component: ComponentName, port: PortName) -> Result<(), ConvertError> {
        let name = draft.part("streams", &format!("{component}-{port}"))?;
        draft.template.streams.push(Stream { name, component, port, through: Exposure::NodePort, node_port: None });
        Ok(())
    }

    fn end(&self, draft: &mut Draft, given: &Value) -> Option<(ComponentName, PortName)> {
        let component = self.find(&word(given, "component_key")?)?;
        let number = number::<u16>(given, "port").and_then(NonZeroU16::new)?;
        let made = draft.template.components.iter_mut().find(|c| c.name == component)?;
        let port = made.ports.iter_mut().find(|p| p.port == number)?;
        port.service = true;
        Some((component, port.name.clone()))
    }
}

/// What a route of a template has no word for.
fn left_of(given: &Value) -> Vec<String> {
    let filled = |key: &str| given.get(key).is_some_and(|value| !is_empty(value));
    let balanced = word(given, "load_balancing").filter(|l| !l.contains("cookie") && !l.contains("session"));
    let balanced = balanced.filter(|l| !matches!(l.to_ascii_lowercase().as_str(), "round-robin" | "round_robin"));
    let rewrites = filled("rewrites") && word(given, "rewrites").is_none_or(|text| text.trim() != "[]");
    let rewrite = filled("path_rewrite") && !word(given, "path_rewrite").is_some_and(|path| path.starts_with('/'));
    let plain = [
        (yes(given, "ssl"), "`ssl`: name the site's certificate in `tlsSecret`"),
        (filled("cookies"), "a condition on cookies"),
        (filled("headers"), "a condition on headers"),
        (rewrite, "`path_rewrite`: it does not say what the path becomes; say it in `rewrite`"),
        (rewrites, "`rewrites`: only one path for another is known, as `rewrite`"),
    ];
    let plain = plain.into_iter().filter(|(there, _)| *there).map(|(_, text)| text.to_owned());
    let buffers = ["proxy_buffer_size", "proxy_buffer_numbers"].into_iter().filter(|key| filled(key));
    let said = buffers.filter_map(|key| Some((key, word(given, key)?))).chain(balanced.map(|l| ("load_balancing", l)));
    plain.chain(said.map(|(key, value)| format!("`{key}` {value}: say it in `annotations`"))).collect()
}

/// `proxy_header`, a map in some exports and a list in others.
/// Gives how many entries are none.
fn headers(given: &Value, into: &mut std::collections::BTreeMap<String, String>) -> usize {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for (key, value) in map_at(given, &["proxy_header"]) {
        into.insert(key.clone(), text(value));
    }
    let mut odd = 0_usize;
    for entry in list_at(given, &["proxy_header"]) {
        let of = |keys: [&str; 2]| keys.iter().find_map(|key| word(entry, key));
        match (of(["item_key", "key"]), of(["item_value", "value"])) {
            (Some(key), Some(value)) => _ = into.insert(key, value),
            _ => odd = odd.saturating_add(1),
        }
    }
    odd
}
