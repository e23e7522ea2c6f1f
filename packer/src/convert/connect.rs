//! Addresses of other components in the values of variables. At a site, services are called after the installation, so a host
//! that was written down would be found by nobody: it becomes a reference.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::template::{Component, ComponentName, ConfigFile, Env, EnvName, PortName, ServiceRef};

use super::ConvertError;
use super::draft::{Content, Draft, NoteKind};

/// Hosts by which components were reached, and the components. A longer name is looked for first.
pub(super) type Hosts = BTreeMap<String, ComponentName>;

/// Replaces hosts in the variables of components and plugins, and notes where they stand otherwise.
pub(super) fn rewrite(draft: &mut Draft, hosts: &Hosts) -> Result<(), ConvertError> {
    let mut names: Vec<(&String, &ComponentName)> = hosts.iter().collect();
    names.sort_by_key(|(host, _)| std::cmp::Reverse(host.len()));
    let offers: Offers = (draft.template.components.iter()).map(|c| (c.name.clone(), offered(c))).collect();
    let known = Known { hosts: names, offers };
    let mut components = std::mem::take(&mut draft.template.components);
    for component in &mut components {
        let helpers = known.variables(Some(&component.name), &mut component.env);
        if !helpers.is_empty() {
            let text =
                format!("hosts in values became variables, because a site's services have other names: {helpers}");
            draft.note(NoteKind::Changed, Some(&component.name), text);
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
        let words = Words { config: &plugin.config, command: &plugin.command, args: &plugin.args };
        for text in mentions(draft, None, &words, &known.hosts) {
            draft.note(NoteKind::Look, None, format!("of the plugin `{}`, {text}", plugin.name));
        }
    }
    draft.template.plugins = plugins;
    Ok(())
}

/// Ports that a component's service has: number, and name.
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
                if self.offers.get(*target).is_none_or(Vec::is_empty) || own == Some(*target) {
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
    let offers = offers.get(*target).filter(|o| !o.is_empty())?;
    match port {
        Some(port) => {
            let (_, name) = offers.iter().find(|(number, _)| *number == port)?;
            Some(ServiceRef { component: (*target).clone(), port: name.clone() })
        }
        None => {
            let name = name.to_ascii_uppercase();
            let words = ["HOST", "ADDR", "SERVER", "SERVICE", "ENDPOINT", "URL", "URI", "MASTER", "BROKER", "UPSTREAM"];
            words.iter().any(|w| name.contains(w)).then(|| ServiceRef { component: (*target).clone(), port: None })
        }
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
    let text = |what: String, host: String, target: &ComponentName| {
        format!(
            "{what} names the host `{host}`; at a site the service of `{target}` is called INSTALLATION-{target}: let a \
             variable with `service: {{ component: {target} }}` say it"
        )
    };
    found.into_iter().map(|(what, host, target)| text(what, host, &target)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
