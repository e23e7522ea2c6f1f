//! Addresses of other components in the values of variables. At a site, services are called after the installation, so a host
//! that was written down would be found by nobody: it becomes a reference.

use std::collections::BTreeMap;

use bundle_format::template::{Component, ComponentName, Env, EnvName, ServiceRef};

use super::ConvertError;
use super::draft::{Draft, NoteKind, variable};

/// Hosts by which components were reached, and the components. A longer name is looked for first.
pub(super) type Hosts = BTreeMap<String, ComponentName>;

/// Replaces hosts in the variables of all components. `more` has the connection info in it too.
pub(super) fn rewrite(draft: &mut Draft, hosts: &Hosts) -> Result<(), ConvertError> {
    let mut names: Vec<(&String, &ComponentName)> = hosts.iter().collect();
    names.sort_by_key(|(host, _)| std::cmp::Reverse(host.len()));
    let offers: BTreeMap<ComponentName, Vec<(u16, Option<bundle_format::template::PortName>)>> =
        (draft.template.components.iter()).map(|c| (c.name.clone(), offered(c))).collect();
    let mut components = std::mem::take(&mut draft.template.components);
    for component in &mut components {
        let mut helpers: BTreeMap<EnvName, ComponentName> = BTreeMap::new();
        for env in &mut component.env {
            let Some(value) = env.value.clone() else { continue };
            // Nothing is as long that holds addresses, and each host is looked for in each value.
            if value.len() > 8192 {
                continue;
            }
            if let Some(service) = whole(env.name.as_str(), &value, &names, &offers) {
                (env.value, env.service) = (None, Some(service));
                continue;
            }
            let mut value = value;
            for (host, target) in &names {
                if offers.get(*target).is_none_or(Vec::is_empty) || target.as_str() == component.name.as_str() {
                    continue;
                }
                let variable = format!("{}_SERVICE_ADDRESS", target.as_str().to_ascii_uppercase().replace('-', "_"));
                let Ok(name) = variable.parse::<EnvName>().or_else(|_| format!("SERVICE_{variable}").parse()) else {
                    continue;
                };
                if let Some(new) = embedded(&value, host, &format!("$({name})")) {
                    value = new;
                    helpers.insert(name, (*target).clone());
                }
            }
            env.value = Some(value);
        }
        let text = |helpers: &BTreeMap<EnvName, ComponentName>| {
            helpers.iter().map(|(name, target)| format!("{name} for {target}")).collect::<Vec<_>>().join(", ")
        };
        if !helpers.is_empty() {
            let text = format!(
                "hosts in values became variables, because a site's services have other names: {}",
                text(&helpers)
            );
            draft.note(NoteKind::Changed, Some(&component.name), text);
        }
        let mut env: Vec<Env> = Vec::new();
        for (name, target) in helpers {
            if !component.env.iter().any(|e| e.name == name) {
                let mut reference = variable(name, String::new());
                (reference.value, reference.service) = (None, Some(ServiceRef { component: target, port: None }));
                env.push(reference);
            }
        }
        env.append(&mut component.env);
        component.env = env;
        mentions(draft, component, &names);
    }
    draft.template.components = components;
    Ok(())
}

fn offered(component: &Component) -> Vec<(u16, Option<bundle_format::template::PortName>)> {
    let ports = component.ports.iter().filter(|p| p.service);
    ports.map(|p| (p.service_port.unwrap_or(p.port).get(), Some(p.name.clone()))).collect()
}

/// A value that is an address and nothing else: `db:5432`, or `db` in a variable whose name speaks of a host.
fn whole(
    name: &str,
    value: &str,
    hosts: &[(&String, &ComponentName)],
    offers: &BTreeMap<ComponentName, Vec<(u16, Option<bundle_format::template::PortName>)>>,
) -> Option<ServiceRef> {
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

/// Notes files and arguments that name a host, which nothing can replace there.
fn mentions(draft: &mut Draft, component: &Component, hosts: &[(&String, &ComponentName)]) {
    let known = |text: &str| {
        let words: std::collections::BTreeSet<&str> =
            text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))).collect();
        let near = |host: &str| {
            [format!("//{host}"), format!("{host}:"), format!("@{host}")].iter().any(|n| text.contains(n.as_str()))
        };
        hosts
            .iter()
            .find(|(h, t)| **t != component.name && words.contains(h.as_str()) && near(h))
            .map(|(h, t)| ((*h).clone(), (*t).clone()))
    };
    let mut found = Vec::new();
    for file in &component.config {
        let beside = file.file.as_ref().and_then(|path| match draft.files.get(path) {
            Some(super::draft::Content::Bytes(bytes)) => std::str::from_utf8(bytes).ok(),
            _ => None,
        });
        if let Some((host, target)) = file.content.as_deref().or(beside).and_then(known) {
            found.push((format!("the file {}", file.path), host, target));
        }
    }
    for (what, words) in [("the command", &component.command), ("the arguments", &component.args)] {
        if let Some((host, target)) = words.iter().find_map(|w| known(w)) {
            found.push((what.to_owned(), host, target));
        }
    }
    for (what, host, target) in found {
        let text = format!(
            "{what} names the host `{host}`; at a site the service of `{target}` is called INSTALLATION-{target}: let a variable \
             with `service: {{ component: {target} }}` say it"
        );
        draft.note(NoteKind::Look, Some(&component.name), text);
    }
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
