//! Variables, connection info and dependencies.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::template::{Component, ComponentName, Env, EnvName, SecretRef, ServiceRef};
use serde_json::Value;

use super::super::ConvertError;
use super::super::draft::{Draft, NoteKind, literal, variable};
use super::{App, list_at, number, word, yes};

impl App {
    /// Dependencies by the keys of the other components; what would close a circle is left out.
    pub(super) fn dependencies(&self, draft: &mut Draft, given: &[&Value]) {
        let mut on: BTreeMap<ComponentName, Vec<ComponentName>> = BTreeMap::new();
        let there: BTreeSet<ComponentName> = draft.template.components.iter().map(|c| c.name.clone()).collect();
        let mut components = std::mem::take(&mut draft.template.components);
        for (component, app) in components.iter_mut().zip(given) {
            for dependency in list_at(app, &["dep_service_map_list"]) {
                let key = word(dependency, "dep_service_key").unwrap_or_default();
                match self.find(&key) {
                    Some(other) if component.depends_on.contains(&other) => {}
                    // What runs elsewhere needs not be waited for.
                    Some(other) if draft.template.externals.iter().any(|e| e.name == other) => {}
                    Some(other) if !there.contains(&other) => draft.note(
                        NoteKind::Left,
                        Some(&component.name),
                        format!("it depends on {other}, which is not carried"),
                    ),
                    Some(other) if reaches(&on, &other, &component.name) => {
                        let text = format!(
                            "it depends on {other}, which depends on it: one of the two must start first; connection info of {other} does not reach it"
                        );
                        draft.note(NoteKind::Left, Some(&component.name), text);
                    }
                    Some(other) => {
                        on.entry(component.name.clone()).or_default().push(other.clone());
                        component.depends_on.push(other);
                    }
                    None => draft.note(
                        NoteKind::Left,
                        Some(&component.name),
                        format!("it depends on {key}, which is not in the export"),
                    ),
                }
            }
        }
        draft.template.components = components;
    }

    /// Variables of components, and those that they give to what depends on them.
    pub(super) fn connections(&self, draft: &mut Draft, given: &[&Value]) -> Result<(), ConvertError> {
        let mut components = std::mem::take(&mut draft.template.components);
        for (component, app) in components.iter_mut().zip(given) {
            for_people(draft, app, &component.name);
            for entry in list_at(app, &["service_connect_info_map_list"]) {
                let Some(name) = env_name(draft, entry, &component.name) else { continue };
                let value = word(entry, "attr_value").unwrap_or_default();
                let env = match self.address(entry, &name, &value, component) {
                    Some(env) => env,
                    None => {
                        let env = self.variable(draft, name, &value, &component.name)?;
                        // The component has its own connection info too.
                        if !component.env.iter().any(|e| e.name == env.name) {
                            component.env.push(env.clone());
                        }
                        env
                    }
                };
                component.connection.retain(|e| e.name != env.name);
                component.connection.push(env);
            }
            for entry in list_at(app, &["service_env_map_list"]) {
                let Some(name) = env_name(draft, entry, &component.name) else { continue };
                let env =
                    self.variable(draft, name, &word(entry, "attr_value").unwrap_or_default(), &component.name)?;
                component.env.retain(|e| e.name != env.name);
                component.env.push(env);
            }
        }
        self.offered_elsewhere(draft, &mut components, given)?;
        let offered: BTreeMap<ComponentName, BTreeSet<EnvName>> = components
            .iter()
            .map(|c| (c.name.clone(), c.connection.iter().map(|e| e.name.clone()).collect()))
            .collect();
        for component in &mut components {
            let mut known: BTreeSet<EnvName> =
                component.env.iter().chain(&component.connection).map(|e| e.name.clone()).collect();
            known.extend(component.depends_on.iter().filter_map(|d| offered.get(d)).flatten().cloned());
            let name = component.name.clone();
            for env in component.env.iter_mut().chain(&mut component.connection) {
                if let Some(value) = env.value.as_mut() {
                    *value = references(value, &known);
                }
            }
            for file in component.config.iter().filter(|f| f.content.as_ref().is_some_and(|c| c.contains("${"))) {
                draft.note(
                    NoteKind::Look,
                    Some(&name),
                    format!("{} has variables in it, which Rainbond filled in; here a file stays as it is", file.path),
                );
            }
        }
        draft.template.components = components;
        Ok(())
    }

    /// The connection info of what runs elsewhere, which has none in a template: variables of the components that depend on it.
    fn offered_elsewhere(
        &self,
        draft: &mut Draft,
        components: &mut [Component],
        given: &[&Value],
    ) -> Result<(), ConvertError> {
        let mut offered: BTreeMap<ComponentName, Vec<Env>> = BTreeMap::new();
        for (app, of) in list_at(&self.root, &["apps"]).iter().zip(&self.names) {
            if !draft.template.externals.iter().any(|external| external.name == *of) {
                continue;
            }
            for entry in list_at(app, &["service_connect_info_map_list"]) {
                let Some(name) = env_name(draft, entry, of) else { continue };
                let value = word(entry, "attr_value").unwrap_or_default();
                let of_port = number::<u16>(entry, "container_port").is_some_and(|port| port != 0);
                let env = if of_port && (name.as_str().ends_with("_HOST") || value == "127.0.0.1") {
                    let service = Some(ServiceRef { component: of.clone(), port: None });
                    Env { name, value: None, secret: None, service }
                } else {
                    self.variable(draft, name, &value, of)?
                };
                offered.entry(of.clone()).or_default().push(env);
            }
        }
        for (component, app) in components.iter_mut().zip(given) {
            let keys = list_at(app, &["dep_service_map_list"]).iter().filter_map(|d| word(d, "dep_service_key"));
            let others: BTreeSet<ComponentName> = keys.filter_map(|key| self.find(&key)).collect();
            let mut more: Vec<Env> = others.iter().filter_map(|other| offered.get(other)).flatten().cloned().collect();
            more.retain(|env| !component.env.iter().any(|own| own.name == env.name));
            component.env.splice(0..0, more);
        }
        Ok(())
    }

    /// `XXX_HOST` and `XXX_PORT` of a port, which Rainbond made itself.
    fn address(&self, entry: &Value, name: &EnvName, value: &str, component: &Component) -> Option<Env> {
        let number = number::<u16>(entry, "container_port").filter(|n| *n != 0)?;
        let port = component.ports.iter().find(|p| p.port.get() == number && p.service)?;
        if name.as_str().ends_with("_HOST") || value == "127.0.0.1" {
            let service = ServiceRef { component: component.name.clone(), port: None };
            return Some(Env { name: name.clone(), value: None, secret: None, service: Some(service) });
        }
        name.as_str().ends_with("_PORT").then(|| variable(name.clone(), port.port.to_string()))
    }

    fn variable(&self, draft: &mut Draft, name: EnvName, value: &str, of: &ComponentName) -> Result<Env, ConvertError> {
        let secret: Option<SecretRef> = match value.strip_prefix("**None").and_then(|v| v.strip_suffix("**")) {
            Some("") => Some(draft.secret(of.as_str(), &name.as_str().to_ascii_lowercase().replace('_', "-"))?),
            Some(group) => {
                let group = group.trim_start_matches(':');
                Some(draft.secret(&format!("shared-{group}"), "value")?)
            }
            None => None,
        };
        Ok(match secret {
            Some(secret) => Env { name, value: None, secret: Some(secret), service: None },
            None => variable(name, literal(value)),
        })
    }
}

/// Notes what variables say to people: what they are called, and that nobody is to change them. Those of ports are Rainbond's own.
fn for_people(draft: &mut Draft, app: &Value, of: &ComponentName) {
    let lists = ["service_connect_info_map_list", "service_env_map_list"];
    let entries = || {
        let all = lists.into_iter().flat_map(|list| list_at(app, &[list]));
        all.filter(|entry| number::<u32>(entry, "container_port").unwrap_or(0) == 0)
    };
    let name = |entry: &Value| word(entry, "attr_name").unwrap_or_default();
    let called = |entry: &Value| word(entry, "name").filter(|called| *called != name(entry));
    let named: Vec<String> = entries().filter_map(|e| Some(format!("{} ({})", name(e), called(e)?))).collect();
    let fixed = |entry: &&Value| entry.get("is_change").is_some() && !yes(entry, "is_change");
    let fixed: Vec<String> = entries().filter(fixed).map(name).collect();
    for (text, variables) in [
        ("what variables are called for people (`name`)", named),
        ("that variables are not to be changed (`is_change`)", fixed),
    ] {
        if !variables.is_empty() {
            draft.note(NoteKind::Left, Some(of), format!("{text}: {}", variables.join(", ")));
        }
    }
}

fn env_name(draft: &mut Draft, entry: &Value, of: &ComponentName) -> Option<EnvName> {
    let name = word(entry, "attr_name").unwrap_or_default();
    let parsed = name.parse().ok();
    if parsed.is_none() {
        draft.note(NoteKind::Left, Some(of), format!("the variable {name:?}: that is no name of a variable"));
    }
    parsed
}

/// `${NAME}` as `$(NAME)`, where `NAME` is a variable that is there.
fn references(value: &str, known: &BTreeSet<EnvName>) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        let after = &rest[at + 2..];
        // A default follows the name after a colon; a variable that is there needs none.
        let inner = after.split_once('}').map(|(inner, more)| (inner.split(':').next().unwrap_or_default(), more));
        match inner.filter(|(name, _)| name.parse().is_ok_and(|n: EnvName| known.contains(&n))) {
            Some((name, more)) => {
                out.push_str(&format!("$({name})"));
                rest = more;
            }
            None => {
                out.push_str("${");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn reaches(on: &BTreeMap<ComponentName, Vec<ComponentName>>, from: &ComponentName, to: &ComponentName) -> bool {
    let (mut seen, mut todo) = (BTreeSet::new(), vec![from]);
    while let Some(at) = todo.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            todo.extend(on.get(at).into_iter().flatten());
        }
    }
    false
}
