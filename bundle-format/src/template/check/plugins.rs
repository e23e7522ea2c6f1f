//! Rules of plugins and of their use by components.

use std::num::NonZeroU16;

use super::super::place::Place;
use super::super::{Code, Component, MountPath, Plugin, PluginKind, Port};
use super::Check;

impl Check<'_> {
    pub(super) fn plugin(&mut self, plugin: &Plugin, place: &Place) {
        self.image(&plugin.image, place);
        if plugin.kind == PluginKind::Init && !plugin.ports.is_empty() {
            let message = "an Init plugin has no `ports`: it is gone before anything reaches it".to_owned();
            self.error(&place.field("ports"), Code::NotForKind, message, Some("remove it, or choose another `kind`"));
        }
        self.ports(&plugin.ports, place);
        self.env(&plugin.env, &place.field("env"));
        self.files(&plugin.config, std::iter::empty(), place);
        self.resources(&plugin.resources, &place.field("resources"));
    }

    /// The plugins that a component uses share its pod: their ports and the names of their containers must differ.
    pub(super) fn plugin_uses(&mut self, component: &Component, place: &Place) {
        let place = place.field("plugins");
        let uses = || component.plugins.iter().enumerate().map(|(i, p)| (place.index(i), p));
        self.unique("the plugin", uses().map(|(at, p)| (at.field("name"), &p.name)));
        let numbered = |p: &Port| format!("{}/{:?}", p.port, p.protocol).to_uppercase();
        let mut taken: Vec<(String, String)> =
            component.ports.iter().map(|p| (numbered(p), "the component".to_owned())).collect();
        for (at, used) in uses() {
            self.env(&used.env, &at.field("env"));
            let name = used.name.as_str();
            let container = format!("plugin-{name}");
            if container == component.name.as_str() {
                let message = format!("the plugin's container is called `{container}`, as the component's is");
                self.error(&at.field("name"), Code::Duplicate, message, Some("rename one of the two"));
            }
            let Some(plugin) = self.template.plugins.iter().find(|p| p.name == used.name) else {
                self.unknown_named("plugin", &["plugins"], name, &at.field("name"));
                continue;
            };
            for port in &plugin.ports {
                let number = numbered(port);
                if let Some((_, by)) = taken.iter().find(|(n, _)| *n == number) {
                    let message = format!("the plugin `{name}` listens on {number}, as {by} does");
                    self.error(&at.field("name"), Code::Duplicate, message, Some("they share a network"));
                }
                taken.push((number, format!("the plugin `{name}`")));
            }
            let paths: Vec<&MountPath> = component.mount_paths().collect();
            for file in plugin.config.iter().filter(|file| used.volumes && paths.contains(&&file.path)) {
                let message = format!("the plugin `{name}` has a file of its own at {}", file.path);
                self.error(&at.field("volumes"), Code::Duplicate, message, None);
            }
        }
    }

    pub(super) fn ports(&mut self, list: &[Port], place: &Place) {
        let place = place.field("ports");
        let ports = || list.iter().enumerate().map(|(i, p)| (place.index(i), p));
        self.unique("the port", ports().map(|(at, p)| (at.field("name"), &p.name)));
        let numbered = |number: NonZeroU16, p: &Port| format!("{number}/{:?}", p.protocol).to_uppercase();
        self.unique("the port", ports().map(|(at, p)| (at.field("port"), numbered(p.port, p))));
        // Two equal ports are reported already, as that.
        let mut seen = std::collections::HashSet::new();
        let at_service = ports().filter(|(_, p)| seen.insert((p.port, p.protocol)) && p.service);
        self.unique(
            "the service port",
            at_service.map(|(at, p)| (at.field("servicePort"), numbered(p.service_port.unwrap_or(p.port), p))),
        );
        for (at, port) in ports() {
            if !port.service && port.service_port.is_some() {
                let message = format!("the port `{}` has a `servicePort`, and is not to be a service", port.name);
                self.error(&at.field("servicePort"), Code::OneOf, message, Some("remove it, or `service: false`"));
            }
            if let Some(text) = port.app_protocol.as_deref().filter(|text| !super::labels::is_qualified_name(text)) {
                let message = format!("{text:?} is not the name of a protocol");
                self.error(&at.field("appProtocol"), Code::InvalidValue, message, Some("as `http` or `example.com/x`"));
            }
        }
    }
}
