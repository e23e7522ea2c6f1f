//! The environment variables of containers.

use std::collections::{BTreeMap, HashMap};

use bundle_format::template::{Component, ConfigGroup, Env, Plugin, PluginUse, PortName, ServiceRef};
use k8s_openapi::api::core::v1::{ConfigMapKeySelector, EnvVar, EnvVarSource, SecretKeySelector};

use super::RenderError;
use super::meta::Names;

/// Most variables of one container: more do not fit into an object.
const LIMIT: usize = 4096;

/// The variables of a component: those of its groups, those that its dependencies hand out, its own.
pub(super) fn of_component(names: &Names<'_>, component: &Component) -> Result<Vec<EnvVar>, RenderError> {
    let mut variables = Variables::default();
    for group in groups(names, component) {
        for item in &group.items {
            let selector =
                ConfigMapKeySelector { key: item.name.to_string(), name: names.group(&group.name), optional: None };
            let source = EnvVarSource { config_map_key_ref: Some(selector), ..EnvVarSource::default() };
            let var = EnvVar { name: item.name.to_string(), value: None, value_from: Some(source) };
            variables.put(item.name.as_str(), Some(var));
        }
    }
    for dependency in component.depends_on.iter().filter_map(|name| names.running(name)) {
        variables.extend(names, &dependency.connection);
    }
    variables.extend(names, &component.env);
    variables.into_vec(component)
}

/// The variables of a plugin in a component: its own, and what the component sets instead of them.
pub(super) fn of_plugin(
    names: &Names<'_>,
    component: &Component,
    plugin: &Plugin,
    used: &PluginUse,
) -> Result<Vec<EnvVar>, RenderError> {
    let mut variables = Variables::default();
    variables.extend(names, &plugin.env);
    variables.extend(names, &used.env);
    variables.into_vec(component)
}

/// The groups of configuration that a component gets.
pub(super) fn groups<'a>(names: &'a Names<'_>, component: &'a Component) -> impl Iterator<Item = &'a ConfigGroup> {
    let gets = |g: &&ConfigGroup| g.components.is_empty() || g.components.contains(&component.name);
    names.template.config_groups.iter().filter(gets)
}

/// Variables in order, none twice: Kubernetes merges them by their names.
#[derive(Default)]
struct Variables<'a> {
    in_order: BTreeMap<usize, Option<EnvVar>>,
    places: HashMap<&'a str, usize>,
    next: usize,
}

impl<'a> Variables<'a> {
    fn extend(&mut self, names: &Names<'_>, list: &'a [Env]) {
        for env in list {
            self.put(env.name.as_str(), env_var(names, env));
        }
    }

    /// Adds a variable, or that there is none of this name. It takes the place of an earlier one of its name, so that what
    /// stands between may refer to it; unless it refers to others itself, which may stand there as well.
    fn put(&mut self, name: &'a str, var: Option<EnvVar>) {
        let refers = var.as_ref().and_then(|v| v.value.as_deref()).is_some_and(|value| value.contains("$("));
        let before = self.places.get(name).copied();
        let place = match before {
            Some(place) if !refers => place,
            _ => {
                self.next += 1;
                self.next
            }
        };
        if let Some(before) = before {
            self.in_order.remove(&before);
        }
        self.in_order.insert(place, var);
        self.places.insert(name, place);
    }

    fn into_vec(self, component: &Component) -> Result<Vec<EnvVar>, RenderError> {
        if self.in_order.len() > LIMIT {
            let (component, count) = (component.name.clone(), self.in_order.len());
            return Err(RenderError::TooManyVariables { component, count, limit: LIMIT });
        }
        Ok(self.in_order.into_values().flatten().collect())
    }
}

/// The variable; None if it names a component that is switched off.
fn env_var(names: &Names<'_>, env: &Env) -> Option<EnvVar> {
    let mut var = EnvVar { name: env.name.to_string(), ..EnvVar::default() };
    if let Some(secret) = &env.secret {
        let selector =
            SecretKeySelector { key: secret.key.to_string(), name: names.secret(&secret.name), optional: None };
        var.value_from = Some(EnvVarSource { secret_key_ref: Some(selector), ..EnvVarSource::default() });
    } else if let Some(service) = &env.service {
        var.value = Some(address(names, service)?);
    } else {
        var.value.clone_from(&env.value);
    }
    Some(var)
}

/// The address of a component's service, or of something that runs elsewhere.
fn address(names: &Names<'_>, service: &ServiceRef) -> Option<String> {
    let host = names.object(&service.component);
    let port = if let Some(external) = names.template.externals.iter().find(|e| e.name == service.component) {
        let named = |name: &PortName| external.ports.iter().find(|p| p.name == *name);
        service.port.as_ref().and_then(named).map(|port| port.port)
    } else {
        let target = names.running(&service.component)?;
        let named = |name: &PortName| target.ports.iter().find(|p| p.name == *name);
        service.port.as_ref().and_then(named).map(|port| port.service_port.unwrap_or(port.port))
    };
    Some(match port {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}
