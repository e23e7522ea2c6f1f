//! Rules of what is no component: things that run elsewhere, groups of configuration, charts, folders of kustomize.

use super::super::place::Place;
use super::super::{Chart, Code, External, RelativePath, ValuePath};
use super::{Check, syntax};

/// The folder of the documents that packing makes: see [`super::super::Template::rendered_documents`].
const RENDERED: &str = "rendered";

impl Check<'_> {
    pub(super) fn parts(&mut self) {
        let template = self.template;
        let root = Place::default();
        let at = |list: &str, i: usize| root.field(list).index(i);
        for (i, external) in template.externals.iter().enumerate() {
            self.external(external, &at("externals", i));
        }
        let groups = template.config_groups.iter().enumerate().map(|(i, g)| (at("configGroups", i), g));
        self.unique("the group", groups.clone().map(|(at, g)| (at.field("name"), &g.name)));
        for (at, group) in groups {
            let items = at.field("items");
            self.unique(
                "the variable",
                group.items.iter().enumerate().map(|(i, item)| (items.index(i).field("name"), &item.name)),
            );
            let components = at.field("components");
            let given = || group.components.iter().enumerate().map(|(i, c)| (components.index(i), c));
            self.unique("the component", given());
            for (at, name) in given() {
                self.unknown_named("component", &["components"], name.as_str(), &at);
            }
        }
        let charts = template.charts.iter().enumerate().map(|(i, c)| (at("charts", i), &c.name));
        self.unique("the chart", charts.map(|(at, name)| (at.field("name"), name)));
        for (i, chart) in template.charts.iter().enumerate() {
            self.adjustable(chart, &at("charts", i).field("adjustable"));
        }
        let folders = template.kustomizations.iter().enumerate().map(|(i, k)| (at("kustomizations", i), &k.name));
        self.unique("the kustomization", folders.map(|(at, name)| (at.field("name"), name)));
        let plugins = template.plugins.iter().enumerate().map(|(i, p)| (at("plugins", i), p));
        self.unique("the plugin", plugins.clone().map(|(at, p)| (at.field("name"), &p.name)));
        for (at, plugin) in plugins {
            self.plugin(plugin, &at);
        }
        self.reserved_paths();
    }

    /// A value of a chart is a leaf: there is nothing in it.
    fn adjustable(&mut self, chart: &Chart, place: &Place) {
        for path in chart.adjustable.keys() {
            let outer =
                |other: &&ValuePath| path.as_str().strip_prefix(other.as_str()).is_some_and(|r| r.starts_with('.'));
            if let Some(outer) = chart.adjustable.keys().find(outer) {
                let message = format!("`{path}` is within `{outer}`, which is a value of its own");
                self.error(&place.field(path.as_str()), Code::InvalidValue, message, Some("leave one of them out"));
            }
        }
    }

    fn external(&mut self, external: &External, place: &Place) {
        self.exactly_one(place, &[("host", external.host.is_some()), ("addresses", !external.addresses.is_empty())]);
        if let Some(host) = external.host.as_deref().filter(|host| !syntax::is_host(host)) {
            let hint = "a name in DNS, in lowercase, without a port; IP addresses go into `addresses`";
            self.error(&place.field("host"), Code::InvalidValue, format!("{host:?} is not a host"), Some(hint));
        }
        let addresses = place.field("addresses");
        let given = || external.addresses.iter().enumerate().map(|(i, a)| (addresses.index(i), a));
        self.unique("the address", given());
        for (at, address) in given().filter(|(_, address)| !syntax::is_endpoint(address)) {
            let hint = "IPv4 or IPv6, without a port, not of the node itself or its link";
            let message = format!("{address:?} is not the address of something that runs elsewhere");
            self.error(&at, Code::InvalidValue, message, Some(hint));
        }
        let ports = place.field("ports");
        let given = external.ports.iter().enumerate().map(|(i, p)| (ports.index(i), p));
        self.unique("the port", given.clone().map(|(at, p)| (at.field("name"), &p.name)));
        self.unique("the port", given.map(|(at, p)| (at.field("port"), p.port)));
        if !external.addresses.is_empty() && external.ports.is_empty() && !self.is_written(place, "ports") {
            let message =
                "what has `addresses` has `ports` too: Kubernetes leads to an address with its port".to_owned();
            self.error(place, Code::MissingField, message, Some("give it `ports`"));
        }
    }

    /// Documents that packing makes lie in a folder of their own.
    fn reserved_paths(&mut self) {
        let template = self.template;
        let root = Place::default();
        let at = |list: &str, i: usize| root.field(list).index(i);
        let mut named: Vec<(Place, &RelativePath)> = Vec::new();
        named.extend(template.manifests.iter().enumerate().map(|(i, m)| (at("manifests", i), m)));
        named.extend(template.files.iter().enumerate().map(|(i, f)| (at("files", i).field("path"), &f.path)));
        named.extend(template.metadata.icon.iter().map(|icon| (root.field("metadata").field("icon"), icon)));
        let components = template.components.iter().enumerate().map(|(i, c)| (at("components", i), &c.config));
        let plugins = template.plugins.iter().enumerate().map(|(i, p)| (at("plugins", i), &p.config));
        for (at, files) in components.chain(plugins) {
            let files = files.iter().enumerate();
            named
                .extend(files.filter_map(|(i, f)| Some((at.field("config").index(i).field("file"), f.file.as_ref()?))));
        }
        for (at, path) in named.into_iter().filter(|(_, path)| path.as_str().split('/').next() == Some(RENDERED)) {
            let message = format!("{path} lies in `{RENDERED}/`, which is for what packing makes of charts");
            self.error(&at, Code::InvalidValue, message, Some("move the file to another folder"));
        }
    }
}
