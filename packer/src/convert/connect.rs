//! Addresses of other components in the values of variables. At a site, services are called after the installation, so a host
//! that was written down would be found by nobody: it becomes a reference.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::template::{Component, ComponentName, ConfigFile, ConfigItem, Env, EnvName, PortName, ServiceRef};

use super::ConvertError;
use super::draft::{Content, Draft, NoteKind, variable};

/// Hosts by which components were reached, and the components. A longer name is looked for first.
pub(super) type Hosts = BTreeMap<String, ComponentName>;

/// Replaces hosts in the variables of components and plugins, and notes where they stand otherwise.
pub(super) fn rewrite(draft: &mut Draft, hosts: &Hosts) -> Result<(), ConvertError> {
    let mut names: Vec<(&String, &ComponentName)> = hosts.iter().collect();
    names.sort_by_key(|(host, _)| std::cmp::Reverse(host.len()));
    let mut offers: Offers = (draft.template.components.iter()).map(|c| (c.name.clone(), offered(c))).collect();
    offers.retain(|_, ports| !ports.is_empty());
    for external in &draft.template.externals {
        let ports = external.ports.iter().map(|p| (p.port.get(), Some(p.name.clone())));
        offers.insert(external.name.clone(), ports.collect());
    }
    let known = Known { hosts: names, offers };
    known.ungroup(draft);
    let mut components = std::mem::take(&mut draft.template.components);
    for component in &mut components {
        let helpers = known.variables(Some(&component.name), &mut component.env);
        if !helpers.is_empty() {
            let text =
                format!("hosts in values became variables, because a site's services have other names: {helpers}");
            draft.note(NoteKind::Changed, Some(&component.name), text);
        }
        for text in known.unsaid(Some(&component.name), &component.env) {
            draft.note(NoteKind::Look, Some(&component.name), text);
        }
        let probes = &component.probes;
        let checks = [&probes.readiness, &probes.liveness, &probes.startup].into_iter().flatten();
        for word in checks.filter_map(|p| p.exec.as_ref()).flat_map(|exec| &exec.command) {
            // Not even its own name is what it was.
            if let Some((host, target)) = known.hosts.iter().find(|(h, _)| named(word, h)) {
                let text = told("the health check".to_owned(), host, target);
                draft.note(NoteKind::Look, Some(&component.name), text);
            }
        }
        let words = Words { config: &component.config, command: &component.command, args: &component.args };
        for text in mentions(draft, Some(&component.name), &words, &known.hosts) {
            draft.note(NoteKind::Look, Some(&component.name), text);
        }
    }
    draft.template.components = components;
    let mut plugins = std::mem::take(&mut draft.template.plugins);
    for plugin in &mut plugins {
        known.variables(None, &mut plugin.env);
        for text in known.unsaid(None, &plugin.env) {
            draft.note(NoteKind::Look, None, format!("of the plugin `{}`, {text}", plugin.name));
        }
        let words = Words { config: &plugin.config, command: &plugin.command, args: &plugin.args };
        for text in mentions(draft, None, &words, &known.hosts) {
            draft.note(NoteKind::Look, None, format!("of the plugin `{}`, {text}", plugin.name));
        }
    }
    draft.template.plugins = plugins;
    Ok(())
}

/// Ports that a component's service has: number, and name. Components without any are not in it, externals always are.
type Offers = BTreeMap<ComponentName, Vec<(u16, Option<PortName>)>>;

/// What there is to reach.
struct Known<'a> {
    /// Hosts, longer ones first, so that none is taken for the beginning of another.
    hosts: Vec<(&'a String, &'a ComponentName)>,
    offers: Offers,
}

impl Known<'_> {
    /// Replaces hosts in the variables `env` of the component `own`. Gives the variables that were added, for a note.
    fn variables(&self, own: Option<&ComponentName>, env: &mut Vec<Env>) -> String {
        let mut helpers: BTreeMap<EnvName, ComponentName> = BTreeMap::new();
        for env in env.iter_mut() {
            // Nothing is as long that holds addresses, and each host is looked for in each value.
            let Some(mut value) = env.value.clone().filter(|v| v.len() <= 8192) else { continue };
            if let Some(service) = whole(env.name.as_str(), &value, &self.hosts, &self.offers) {
                (env.value, env.service) = (None, Some(service));
                continue;
            }
            for (host, target) in &self.hosts {
                if !self.offers.contains_key(*target) || own == Some(*target) {
                    continue;
                }
                let name = format!("{}_SERVICE_ADDRESS", target.as_str().to_ascii_uppercase().replace('-', "_"));
                // A name may begin with a digit, a variable may not.
                let Ok(name) = name.parse::<EnvName>().or_else(|_| format!("_{name}").parse()) else { continue };
                if let Some(new) = embedded(&value, host, &format!("$({name})")) {
                    value = new;
                    helpers.insert(name, (*target).clone());
                }
            }
            env.value = Some(value);
        }
        let text = helpers.iter().map(|(name, target)| format!("{name} for {target}")).collect::<Vec<_>>().join(", ");
        helpers.retain(|name, _| !env.iter().any(|e| e.name == *name));
        // They stand before what uses them.
        let added = helpers.into_iter().map(|(name, component)| Env {
            name,
            value: None,
            secret: None,
            service: Some(ServiceRef { component, port: None }),
        });
        env.splice(0..0, added);
        text
    }

    /// A group has values and no references: variables of groups that hold a host become those of the components.
    fn ungroup(&self, draft: &mut Draft) {
        let mut groups = std::mem::take(&mut draft.template.config_groups);
        for group in groups.iter_mut().rev() {
            let hosts = |item: &ConfigItem| {
                let mut env = vec![variable(item.name.clone(), item.value.clone())];
                self.variables(None, &mut env);
                env.len() > 1 || env.iter().any(|e| e.service.is_some())
            };
            let (moved, kept): (Vec<ConfigItem>, _) = std::mem::take(&mut group.items).into_iter().partition(hosts);
            group.items = kept;
            let users = |c: &&mut Component| group.components.is_empty() || group.components.contains(&c.name);
            for component in draft.template.components.iter_mut().filter(users) {
                let own: BTreeSet<EnvName> = component.env.iter().map(|e| e.name.clone()).collect();
                let added = moved.iter().filter(|item| !own.contains(&item.name));
                let added: Vec<Env> = added.map(|item| variable(item.name.clone(), item.value.clone())).collect();
                component.env.splice(0..0, added);
            }
            if !moved.is_empty() {
                let names: Vec<&str> = moved.iter().map(|item| item.name.as_str()).collect();
                let text = format!(
                    "{} of the group `{}` name other components: they became variables of each component that has the group",
                    names.join(", "),
                    group.name
                );
                draft.note(NoteKind::Changed, None, text);
            }
        }
        groups.retain(|group| !group.items.is_empty());
        draft.template.config_groups = groups;
    }

    /// What there is to say about hosts that still stand in variables.
    fn unsaid(&self, own: Option<&ComponentName>, env: &[Env]) -> Vec<String> {
        let mut said = Vec::new();
        for env in env {
            let Some(value) = env.value.as_deref().filter(|v| v.len() <= 8192) else { continue };
            let Some((host, target)) = self.hosts.iter().find(|(h, _)| value == h.as_str() || named(value, h)) else {
                continue;
            };
            let name = &env.name;
            let strong = value != host.as_str() || speaks(name.as_str());
            if let Some(pod) = pod_of(value, host) {
                said.push(format!(
                    "{name} names the pod `{pod}`; at a site it is one of INSTALLATION-{target}, by \
                     INSTALLATION-{target}-N.INSTALLATION-{target}-headless"
                ));
            } else if !strong {
            } else if own == Some(*target) {
                said.push(format!(
                    "{name} names the component's own host `{host}`; if others are told it, let a variable with `service: \
                     {{ component: {target} }}` say it"
                ));
            } else if !self.offers.contains_key(*target) {
                said.push(format!(
                    "{name} names the host `{host}`, and no port of `{target}` is known: give it `ports`, and {name} \
                     `service: {{ component: {target} }}`"
                ));
            } else {
                said.push(told(name.to_string(), host, target));
            }
        }
        said
    }
}

/// Whether the name of a variable speaks of a host.
fn speaks(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words = ["HOST", "ADDR", "SERVER", "SERVICE", "ENDPOINT", "URL", "URI", "MASTER", "BROKER", "UPSTREAM"];
    words.iter().any(|w| name.contains(w))
}

/// Whether `text` has `host` as the host of an address, by its short name or one with its namespace.
fn named(text: &str, host: &str) -> bool {
    let whole = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.match_indices(host).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + host.len()..]);
        let digit = after.strip_prefix(':').is_some_and(|a| a.starts_with(|c: char| c.is_ascii_digit() || c == '$'));
        let strong = before.ends_with("//") || before.ends_with('@');
        let end = after.is_empty() || after.starts_with(['/', '?', ',', '#']);
        let long = after.strip_prefix('.').is_some_and(|a| {
            let rest = a.trim_start_matches(whole);
            rest.len() < a.len() && (rest == ".svc" || rest.starts_with(".svc.") || rest.starts_with(".svc:"))
        });
        !before.ends_with(|c| whole(c) || c == '.') && (digit || (strong && end) || long) || pod(before, after)
    })
}

/// Whether a host stands between these as that of a pod: `db-0.` before it.
fn pod(before: &str, after: &str) -> bool {
    let number = before.strip_suffix('.').map(|b| b.trim_end_matches(|c: char| c.is_ascii_digit()));
    let ends = after.is_empty() || after.starts_with([':', '/', ',', '.', ' ', ';']);
    number.is_some_and(|stem| stem.len() + 1 < before.len() && stem.ends_with('-') && stem.len() > 1) && ends
}

/// The host of a pod behind the service `host`, if `text` names one.
fn pod_of<'a>(text: &'a str, host: &str) -> Option<&'a str> {
    let (at, _) = text.match_indices(host).find(|(at, _)| pod(&text[..*at], &text[at + host.len()..]))?;
    let stem = text[..at].strip_suffix('.')?;
    let begin = stem.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).map_or(0, |i| i + 1);
    text.get(begin..at + host.len())
}

/// What to say of `what`, which names `host`.
fn told(what: String, host: &str, target: &ComponentName) -> String {
    format!(
        "{what} names the host `{host}`; at a site the service of `{target}` is called INSTALLATION-{target}: let a \
         variable with `service: {{ component: {target} }}` say it"
    )
}

fn offered(component: &Component) -> Vec<(u16, Option<PortName>)> {
    let ports = component.ports.iter().filter(|p| p.service);
    ports.map(|p| (p.service_port.unwrap_or(p.port).get(), Some(p.name.clone()))).collect()
}

/// A value that is an address and nothing else: `db:5432`, or `db` in a variable whose name speaks of a host.
fn whole(name: &str, value: &str, hosts: &[(&String, &ComponentName)], offers: &Offers) -> Option<ServiceRef> {
    let (host, port) = match value.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
        None => (value, None),
    };
    let (_, target) = hosts.iter().find(|(h, _)| h.as_str() == host)?;
    let offers = offers.get(*target)?;
    match port {
        Some(port) => {
            let (_, name) = offers.iter().find(|(number, _)| *number == port)?;
            Some(ServiceRef { component: (*target).clone(), port: name.clone() })
        }
        None => speaks(name).then(|| ServiceRef { component: (*target).clone(), port: None }),
    }
}

/// `value` with `host` replaced by `with` wherever it stands as the host of an address. `None` if it stands nowhere.
fn embedded(value: &str, host: &str, with: &str) -> Option<String> {
    let mut out = String::with_capacity(value.len());
    let (mut rest, mut found, mut done) = (value, false, 0);
    while let Some(at) = rest.find(host) {
        let (before, after) = (&value[..done + at], &rest[at + host.len()..]);
        let strong = before.ends_with("//") || before.ends_with('@');
        let weak = before.is_empty() || before.ends_with([',', '=', ' ', ';']);
        let digit = after.strip_prefix(':').is_some_and(|a| a.starts_with(|c: char| c.is_ascii_digit() || c == '$'));
        let end = after.is_empty() || after.starts_with(['/', '?', ',', '#']);
        out.push_str(&rest[..at]);
        if (strong && (digit || end)) || (weak && digit) {
            out.push_str(with);
            found = true;
        } else {
            out.push_str(host);
        }
        done += at + host.len();
        rest = after;
    }
    out.push_str(rest);
    found.then_some(out)
}

/// What a container is told in words that nothing can replace.
struct Words<'a> {
    config: &'a [ConfigFile],
    command: &'a [String],
    args: &'a [String],
}

/// Files and arguments that name a host of another component than `own`: what to say about each.
fn mentions(
    draft: &Draft,
    own: Option<&ComponentName>,
    words: &Words<'_>,
    hosts: &[(&String, &ComponentName)],
) -> Vec<String> {
    let known = |text: &str| {
        let there: BTreeSet<&str> =
            text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))).collect();
        let near = |host: &str| {
            [format!("//{host}"), format!("{host}:"), format!("@{host}")].iter().any(|n| text.contains(n.as_str()))
        };
        let found = hosts.iter().find(|(h, t)| own != Some(*t) && there.contains(h.as_str()) && near(h));
        found.map(|(h, t)| ((*h).clone(), (*t).clone()))
    };
    let mut found = Vec::new();
    for file in words.config {
        let beside = file.file.as_ref().and_then(|path| match draft.files.get(path) {
            Some(Content::Bytes(bytes)) => std::str::from_utf8(bytes).ok(),
            _ => None,
        });
        if let Some((host, target)) = file.content.as_deref().or(beside).and_then(known) {
            found.push((format!("the file {}", file.path), host, target));
        }
    }
    for (what, words) in [("the command", words.command), ("the arguments", words.args)] {
        if let Some((host, target)) = words.iter().find_map(|w| known(w)) {
            found.push((format!("what stands in {what}"), host, target));
        }
    }
    found.into_iter().map(|(what, host, target)| told(what, &host, &target)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_recognised_by_what_stands_around_them() {
        for (text, host, is) in [
            ("kafka-topics.sh --bootstrap-server kafka:9092 --list", "kafka", true),
            ("http://web.default.svc.cluster.local:80/", "web", true),
            ("web.shop.svc", "web", true),
            ("db-0.db:5432,db-1.db:5432", "db", true),
            ("http://db", "db", true),
            ("mydb:5432", "db", false),
            ("db.example.org:5432", "db", false),
            ("a.db:5432", "db", false),
            ("the db", "db", false),
        ] {
            assert_eq!(named(text, host), is, "{text}");
        }
        assert_eq!(pod_of("tcp://mongo-0.mongo.x:1", "mongo"), Some("mongo-0.mongo"));
    }

    #[test]
    fn a_host_is_replaced_where_it_is_one() {
        for (value, replaced) in [
            ("postgres://u:p@db:5432/db", Some("postgres://u:p@$(X):5432/db")),
            ("jdbc:mysql://db/app?db=1", Some("jdbc:mysql://$(X)/app?db=1")),
            ("db:9092,db:9093", Some("$(X):9092,$(X):9093")),
            ("http://db", Some("http://$(X)")),
            ("host=db port=1", None),
            ("mydb:5432", None),
            ("http://db-2:80/", None),
            ("http://db.example.org/", None),
            ("the db", None),
        ] {
            assert_eq!(embedded(value, "db", "$(X)").as_deref(), replaced, "{value}");
        }
    }
}
