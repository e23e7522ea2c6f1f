//! How the application is reached from outside.

use std::num::{NonZeroU16, NonZeroU32};

use bundle_format::template::{ComponentName, Exposure, PortName, Stream};
use serde_json::Value;

use super::super::ConvertError;
use super::super::compose::route_to;
use super::super::draft::{Draft, NoteKind};
use super::{App, at, list_at, map_at, number, word, yes};

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
            let location = word(given, "location").filter(|l| l.starts_with('/')).unwrap_or_else(|| "/".to_owned());
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
            headers(given, &mut route.request_headers);
            if yes(given, "websocket") && route.read_timeout_seconds.is_none_or(|s| s.get() < 3600) {
                route.read_timeout_seconds = NonZeroU32::new(3600);
            }
            let mut left = Vec::new();
            if yes(given, "ssl") {
                left.push("`ssl`: name the site's certificate in `tlsSecret`");
            }
            for (key, text) in [("cookies", "a condition on cookies"), ("headers", "a condition on headers")] {
                if at(given, &[key]).and_then(Value::as_object).is_some_and(|m| !m.is_empty()) {
                    left.push(text);
                }
            }
            if word(given, "rewrites").is_some() || !list_at(given, &["rewrites"]).is_empty() {
                left.push("`rewrites`: only one path for another is known, as `rewrite`");
            }
            if ["proxy_buffer_size", "proxy_buffer_numbers"]
                .iter()
                .any(|key| number::<u32>(given, key).unwrap_or(0) > 0)
            {
                left.push("the size and number of buffers (`proxy_buffer_size`, `proxy_buffer_numbers`): say them in `annotations`");
            }
            for text in left {
                draft.note(NoteKind::Left, Some(&component), format!("of its route: {text}"));
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
        for app in list_at(&self.root, &["apps"]) {
            let Some(component) = word(app, "service_key").and_then(|k| self.find(&k)) else { continue };
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

/// `proxy_header`, a map in some exports and a list in others.
fn headers(given: &Value, into: &mut std::collections::BTreeMap<String, String>) {
    for (key, value) in map_at(given, &["proxy_header"]) {
        into.insert(key.clone(), value.as_str().unwrap_or_default().to_owned());
    }
    for entry in list_at(given, &["proxy_header"]) {
        if let (Some(key), Some(value)) = (
            word(entry, "item_key").or_else(|| word(entry, "key")),
            word(entry, "item_value").or_else(|| word(entry, "value")),
        ) {
            into.insert(key, value);
        }
    }
}
