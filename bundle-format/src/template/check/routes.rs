//! Rules of routes, streams and monitors: what leads to a port.

use std::collections::BTreeMap;

use super::super::place::Place;
use super::super::{Code, Component, ComponentName, PortName, Protocol, Route, Stream};
use super::{Check, labels, syntax};

/// Most bytes that the annotations of one Kubernetes object have together.
const ANNOTATION_BYTES: usize = 256 << 10;

impl Check<'_> {
    pub(super) fn routes(&mut self) {
        let template = self.template;
        let root = Place::default();
        let routes = || template.routes.iter().enumerate().map(|(i, r)| (root.field("routes").index(i), r));
        let streams = || template.streams.iter().enumerate().map(|(i, s)| (root.field("streams").index(i), s));
        let names = routes().map(|(at, r)| (at, &r.name)).chain(streams().map(|(at, s)| (at, &s.name)));
        self.unique("the route", names.map(|(at, name)| (at.field("name"), name)));
        let wanted = |r: &Route| format!("{}{}", r.host.as_deref().unwrap_or("*"), r.path);
        let exactly = |r: &Route| format!("{}{}", wanted(r), if r.exact { " exactly" } else { "" });
        self.unique("a route for", routes().map(|(at, r)| (at.field("path"), exactly(r))));
        for (at, route) in routes() {
            self.route(route, &at);
        }
        let fixed = streams().filter_map(|(at, s)| Some((at.field("nodePort"), s.node_port?)));
        self.unique("the port of the nodes", fixed);
        for (at, stream) in streams() {
            self.stream(stream, &at);
        }
    }

    fn route(&mut self, route: &Route, place: &Place) {
        if let Some((port, true)) = self.reached(&route.component, &route.port, true, place)
            && port != Protocol::Tcp
        {
            let protocol = format!("{port:?}").to_uppercase();
            let message = format!("HTTP needs TCP, and the port `{}` is {protocol}", route.port);
            self.error(&place.field("port"), Code::InvalidValue, message, Some("use a stream"));
        }
        if let Some(host) = route.host.as_deref().filter(|host| !syntax::is_route_host(host)) {
            let hint = "a name in DNS, in lowercase, without a port; `*.example.org` for all below it";
            self.error(&place.field("host"), Code::InvalidValue, format!("{host:?} is not a host"), Some(hint));
        }
        for (field, path) in [("path", Some(&route.path)), ("rewrite", route.rewrite.as_ref())] {
            if let Some(path) = path.filter(|path| !syntax::is_route_path(path)) {
                let hint = "it begins with `/`, and has no `//`, `.` or `..`, white space, query or quotes";
                self.error(
                    &place.field(field),
                    Code::InvalidValue,
                    format!("{path:?} is not the path of a route"),
                    Some(hint),
                );
            }
        }
        self.object_name(route.tls_secret.as_deref(), &place.field("tlsSecret"));
        self.object_name(route.class.as_deref(), &place.field("class"));
        self.headers(&route.request_headers, &place.field("requestHeaders"));
        self.annotations(&route.annotations, &place.field("annotations"));
    }

    /// Headers of a request, by their names.
    pub(super) fn headers(&mut self, headers: &BTreeMap<String, String>, place: &Place) {
        for (name, value) in headers {
            if !syntax::is_header_name(name) {
                let message = format!("{name:?} is not the name of a header");
                self.error(&place.field(name), Code::InvalidValue, message, Some("as `X-Forwarded-Host`"));
            } else if !syntax::is_header_value(value) {
                let message = format!("{value:?} is not the value of a header");
                self.error(&place.field(name), Code::InvalidValue, message, Some("one line of ASCII"));
            }
        }
        self.unique("the header", headers.keys().map(|k| (place.field(k), k.to_ascii_lowercase())));
    }

    fn stream(&mut self, stream: &Stream, place: &Place) {
        if let Some((Protocol::Sctp, _)) = self.reached(&stream.component, &stream.port, false, place) {
            let message = format!("a stream is TCP or UDP, and the port `{}` is SCTP", stream.port);
            self.error(&place.field("port"), Code::InvalidValue, message, None);
        }
    }

    /// The protocol of a component's port, and whether it has a service; reports that there is no such port.
    fn reached(
        &mut self,
        component: &ComponentName,
        port: &PortName,
        service: bool,
        place: &Place,
    ) -> Option<(Protocol, bool)> {
        let Some(target) = self.template.component(component) else {
            self.unknown_named("component", &["components"], component.as_str(), &place.field("component"));
            return None;
        };
        let ports = || target.ports.iter().filter(|p| p.service || !service);
        if let Some(found) = ports().find(|p| p.name == *port) {
            return Some((found.protocol, found.service));
        }
        if self.is_cut("components", component.as_str(), "ports") {
            return None;
        }
        let known: Vec<&str> = ports().map(|p| p.name.as_str()).collect();
        let what = if service { "service port" } else { "port" };
        self.unknown(&format!("{what} of `{component}` called"), port.as_str(), &known, &place.field("port"));
        None
    }

    pub(super) fn monitors(&mut self, component: &Component, place: &Place) {
        let (monitors, graphs) = (place.field("monitors"), place.field("graphs"));
        let all = || component.monitors.iter().enumerate().map(|(i, m)| (monitors.index(i), m));
        self.unique("the monitor", all().map(|(at, m)| (at.field("name"), &m.name)));
        for (at, monitor) in all() {
            self.reached_here(component, &monitor.port, &at.field("port"));
            if !syntax::is_request_path(&monitor.path) {
                let message = format!("{:?} is not the path of a request", monitor.path);
                self.error(&at.field("path"), Code::InvalidValue, message, Some("it begins with `/`"));
            }
        }
        let titled = component.graphs.iter().enumerate().map(|(i, g)| (graphs.index(i), g));
        self.unique("the graph", titled.clone().map(|(at, g)| (at.field("title"), &g.title)));
        for (at, graph) in titled {
            for (field, text) in [("title", &graph.title), ("query", &graph.query)] {
                if text.trim().is_empty() {
                    self.error(&at.field(field), Code::InvalidValue, format!("a graph has a {field}"), None);
                }
            }
        }
    }

    fn reached_here(&mut self, component: &Component, port: &PortName, place: &Place) {
        let known: Vec<&str> = component.ports.iter().filter(|p| p.service).map(|p| p.name.as_str()).collect();
        if !known.contains(&port.as_str()) && !self.is_cut("components", component.name.as_str(), "ports") {
            self.unknown("service port of this component called", port.as_str(), &known, place);
        }
    }

    pub(super) fn annotations(&mut self, annotations: &BTreeMap<String, String>, place: &Place) {
        for key in annotations.keys() {
            let at = place.field(key);
            if !labels::is_qualified_name(&key.to_ascii_lowercase()) {
                let hint = "letters, digits, `-`, `_` and `.`, at most 63, perhaps behind a DNS name and `/`";
                let message = format!("{key:?} is not the name of an annotation");
                self.error(&at, Code::InvalidValue, message, Some(hint));
            } else if labels::is_under(key, &["sealift.dev"]) {
                let message = format!("the annotation `{key}` is not the template's to set");
                self.error(&at, Code::InvalidValue, message, Some("use a prefix of your own, such as your domain"));
            }
        }
        let bytes: usize = annotations.iter().map(|(k, v)| k.len() + v.len()).sum();
        if bytes > ANNOTATION_BYTES {
            let message = format!("{bytes} bytes of annotations are more than {ANNOTATION_BYTES}");
            self.error(place, Code::InvalidValue, message, None);
        }
    }
}
