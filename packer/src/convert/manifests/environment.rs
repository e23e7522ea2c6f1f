//! Variables: values, keys of ConfigMaps and Secrets.

use std::collections::BTreeMap;

use bundle_format::template::{Component, ConfigGroup, ConfigItem, Env, EnvName, limits::ENTRIES};
use serde_json::Value;

use super::super::ConvertError;
use super::super::draft::{Draft, NoteKind, literal, variable};
use super::{World, at, kind, list_at, main_container, map_at, name, pod, text_at};

impl World {
    pub(super) fn environment(
        &mut self,
        draft: &mut Draft,
        container: &Value,
        own: bool,
        made: &mut Component,
    ) -> Result<(), ConvertError> {
        for source in list_at(container, &["envFrom"]) {
            let prefix = text_at(source, &["prefix"]).unwrap_or_default();
            if let Some(map) = text_at(source, &["configMapRef", "name"]) {
                // A group is of the component's own container alone.
                if own && prefix.is_empty() && self.users(map) > 1 {
                    continue;
                }
                self.all_of(draft, "ConfigMap", map, prefix, made)?;
            } else if let Some(secret) = text_at(source, &["secretRef", "name"]) {
                self.all_of(draft, "Secret", secret, prefix, made)?;
            }
        }
        for given in list_at(container, &["env"]) {
            let Some(called) = text_at(given, &["name"]) else { continue };
            let Ok(env) = called.parse::<EnvName>() else {
                draft.note(
                    NoteKind::Left,
                    Some(&made.name),
                    format!("the variable {called:?}: that is no name of a variable"),
                );
                continue;
            };
            let set = match at(given, &["valueFrom"]) {
                None => Some(variable(env, text_at(given, &["value"]).unwrap_or_default().to_owned())),
                Some(from) => self.reference(draft, env, from, made)?,
            };
            if let Some(set) = set {
                made.env.retain(|e| e.name != set.name);
                made.env.push(set);
            }
        }
        Ok(())
    }

    fn reference(
        &mut self,
        draft: &mut Draft,
        env: EnvName,
        from: &Value,
        made: &Component,
    ) -> Result<Option<Env>, ConvertError> {
        if let (Some(map), Some(key)) =
            (text_at(from, &["configMapKeyRef", "name"]), text_at(from, &["configMapKeyRef", "key"]))
        {
            let index = self.find("ConfigMap", map);
            if let Some(value) = index.and_then(|i| text_at(&self.objects[i], &["data", key])) {
                self.used.extend(index);
                return Ok(Some(variable(env, literal(value))));
            }
            draft.note(
                NoteKind::Look,
                Some(&made.name),
                format!("{env} is the key {key} of the ConfigMap {map}, which is not here: give it a value"),
            );
            return Ok(None);
        }
        if let (Some(secret), Some(key)) =
            (text_at(from, &["secretKeyRef", "name"]), text_at(from, &["secretKeyRef", "key"]))
        {
            return Ok(Some(self.secret_of(draft, env, secret, key, made)?));
        }
        let what = from.as_object().and_then(|f| f.keys().next()).map_or("valueFrom", String::as_str).to_owned();
        draft.note(
            NoteKind::Left,
            Some(&made.name),
            format!("{env} comes from `{what}`, for which a template has no word"),
        );
        Ok(None)
    }

    fn secret_of(
        &mut self,
        draft: &mut Draft,
        env: EnvName,
        secret: &str,
        key: &str,
        made: &Component,
    ) -> Result<Env, ConvertError> {
        self.used.extend(self.find("Secret", secret));
        let reference = draft.secret(secret, key)?;
        let text = format!(
            "{env} is the secret {secret}, key {key}: each site makes up its own; a value that something outside knows must be set at the site"
        );
        draft.note(NoteKind::Look, Some(&made.name), text);
        Ok(Env { name: env, value: None, secret: Some(reference), service: None })
    }

    fn all_of(
        &mut self,
        draft: &mut Draft,
        of: &str,
        called: &str,
        prefix: &str,
        made: &mut Component,
    ) -> Result<(), ConvertError> {
        let Some(index) = self.find(of, called) else {
            draft.note(
                NoteKind::Look,
                Some(&made.name),
                format!("it takes variables from the {of} {called}, which is not here"),
            );
            return Ok(());
        };
        self.used.insert(index);
        let mut pairs: BTreeMap<String, String> = map_at(&self.objects[index], &["data"])
            .chain(map_at(&self.objects[index], &["stringData"]))
            .map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned()))
            .collect();
        if pairs.len() > ENTRIES {
            pairs = pairs.into_iter().take(ENTRIES).collect();
        }
        for (key, value) in pairs {
            let Ok(env) = format!("{prefix}{key}").parse::<EnvName>() else {
                let text = format!(
                    "the variable {:?} of the {of} {called}: that is no name of a variable",
                    format!("{prefix}{key}")
                );
                draft.note(NoteKind::Left, Some(&made.name), text);
                continue;
            };
            let set = match of {
                "Secret" => self.secret_of(draft, env, called, &key, made)?,
                _ => variable(env, literal(&value)),
            };
            made.env.retain(|e| e.name != set.name);
            made.env.push(set);
        }
        Ok(())
    }

    /// How many workloads take all variables of the ConfigMap `called`.
    fn users(&self, called: &str) -> usize {
        self.objects.iter().filter(|o| takes(o, called)).count()
    }

    /// ConfigMaps of which several workloads take all variables become groups.
    pub(super) fn shared_environment(&mut self, draft: &mut Draft) -> Result<(), ConvertError> {
        for index in 0..self.objects.len() {
            if kind(&self.objects[index]) != "ConfigMap" {
                continue;
            }
            let called = name(&self.objects[index]).to_owned();
            let users: Vec<_> = self
                .workloads
                .iter()
                .filter(|(i, _)| takes(&self.objects[*i], &called))
                .map(|(_, c)| c.clone())
                .collect();
            if users.len() < 2 {
                continue;
            }
            let wrong = map_at(&self.objects[index], &["data"]).filter(|(k, _)| k.parse::<EnvName>().is_err());
            for (key, _) in wrong {
                let text = format!("the variable {key:?} of the ConfigMap {called}: that is no name of a variable");
                draft.note(NoteKind::Left, None, text);
            }
            let items: Vec<ConfigItem> = map_at(&self.objects[index], &["data"])
                .filter_map(|(k, v)| Some(ConfigItem { name: k.parse().ok()?, value: literal(v.as_str()?) }))
                .take(ENTRIES)
                .collect();
            self.used.insert(index);
            let group = draft.part("groups", &called)?;
            draft.note(
                NoteKind::Changed,
                None,
                format!("the ConfigMap {called} became the configuration group `{group}`"),
            );
            draft.template.config_groups.push(ConfigGroup { name: group, items, components: users });
        }
        Ok(())
    }
}

/// Whether the workload's own container takes all variables of the ConfigMap `called`, under their own names.
fn takes(object: &Value, called: &str) -> bool {
    let spec = pod(object).and_then(|t| at(t, &["spec"]));
    let containers = spec.map(|s| list_at(s, &["containers"])).unwrap_or_default();
    containers.get(main_container(object)).into_iter().flat_map(|c| list_at(c, &["envFrom"])).any(|e| {
        text_at(e, &["configMapRef", "name"]) == Some(called) && text_at(e, &["prefix"]).unwrap_or_default().is_empty()
    })
}
