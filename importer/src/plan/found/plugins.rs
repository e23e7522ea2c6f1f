//! Variables of plugins, which run in the pods of the components that use them.

use std::collections::BTreeMap;

use bundle_format::template::{Component, Env, EnvName, PluginUse};
use serde_json::Value;

use super::{Edits, Seen, env, objects};
use crate::render::RenderedFile;
use crate::target::{Live, ObjectId};

type Edited = BTreeMap<EnvName, Option<Value>>;

/// Reads the containers of plugins. What was changed alike in all pods is the plugin's, what in some of them theirs.
pub(super) fn read(edits: &mut Edits<'_>, rendered: &[RenderedFile], also: &BTreeMap<ObjectId, &Value>, live: &Live) {
    let template = edits.template;
    for plugin in &template.plugins {
        let mut users: Vec<(&Component, &PluginUse, Edited)> = Vec::new();
        for file in rendered {
            let Some(component) = file.component().and_then(|name| template.component(name)) else { continue };
            let Some(used) = component.plugins.iter().find(|used| used.name == plugin.name) else { continue };
            for (id, object) in objects(file) {
                let seen = live.get(&id).map(|live| Seen { rendered: object, also: also.get(&id).copied(), live });
                let named = format!("plugin-{}", plugin.name);
                if let Some(container) = seen.and_then(|seen| seen.part(|object| container(object, &named))) {
                    users.push((component, used, env::edited(edits, container)));
                }
            }
        }
        let Some((_, _, first)) = users.first() else { continue };
        let own = |used: &PluginUse, name: &EnvName| used.env.iter().any(|env| env.name == *name);
        let shared: Edited = first
            .iter()
            .filter(|(name, value)| users.iter().all(|(_, used, e)| e.get(*name) == Some(*value) && !own(used, name)))
            .filter(|(name, value)| value.is_some() || plugin.env.iter().any(|env| env.name == **name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        for (component, used, edited) in &users {
            let rest = edited.iter().filter(|(name, _)| !shared.contains_key(*name));
            if let Some(used) = with(used, rest) {
                let (scope, name) = (component.name.as_str(), used.name.clone());
                edits.set(scope, "plugins", Some(name.as_str()), super::unnamed(&used));
            }
        }
        for (name, value) in shared {
            edits.set(format!("plugin/{}", plugin.name), "env", Some(name.as_str()), value);
        }
    }
}

/// The use of a plugin with these variables; `None` if that changes nothing.
fn with<'e>(used: &PluginUse, edited: impl Iterator<Item = (&'e EnvName, &'e Option<Value>)>) -> Option<PluginUse> {
    let mut out = used.clone();
    for (name, value) in edited {
        let env: Option<Env> = value.as_ref().and_then(|value| env::whole(name, value));
        match (out.env.iter().position(|env| env.name == *name), env) {
            (Some(at), Some(env)) => {
                if let Some(place) = out.env.get_mut(at) {
                    *place = env;
                }
            }
            (Some(at), None) => _ = out.env.remove(at),
            (None, Some(env)) => out.env.push(env),
            (None, None) => {}
        }
    }
    (out != *used).then_some(out)
}

fn container<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    let spec =
        object.pointer("/spec/template/spec").or_else(|| object.pointer("/spec/jobTemplate/spec/template/spec"))?;
    let lists = ["containers", "initContainers"].into_iter().filter_map(|list| spec.get(list)?.as_array());
    lists.flatten().find(|container| container.get("name").is_some_and(|n| n == name))
}
