//! Passwords that were written down become secrets that each site makes up.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::template::{Component, Env, EnvName};

use super::draft::{Draft, NoteKind};
use super::{ConvertError, spoken};

/// Variables with which images set up a service: the password is made here, and nowhere else.
const SET_UP: [&str; 14] = [
    "POSTGRES_PASSWORD",
    "MYSQL_ROOT_PASSWORD",
    "MYSQL_PASSWORD",
    "MARIADB_ROOT_PASSWORD",
    "MARIADB_PASSWORD",
    "MONGO_INITDB_ROOT_PASSWORD",
    "REDIS_PASSWORD",
    "RABBITMQ_DEFAULT_PASS",
    "MINIO_ROOT_PASSWORD",
    "POSTGRESQL_PASSWORD",
    "POSTGRES_POSTGRES_PASSWORD",
    "MINIO_SECRET_KEY",
    "ELASTIC_PASSWORD",
    "KEYCLOAK_ADMIN_PASSWORD",
];

/// Whether a variable's name says that its value is a password.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "_PASS", "APIKEY", "API_KEY", "PRIVATE_KEY"];
    let no = ["ALLOW_EMPTY", "RANDOM_", "_FILE", "_PATH", "_EXPIR", "_TTL", "_NAME", "_HEADER", "_URL", "_LIFETIME"];
    words.iter().any(|w| name.contains(w)) && !no.iter().any(|w| name.contains(w))
}

pub(super) fn secret_value(env: &Env) -> Option<&str> {
    let value = env.value.as_deref().filter(|_| is_secret(env.name.as_str()))?;
    let word = ["true", "false", "yes", "no", "0", "1", "null", "none"].contains(&value.to_ascii_lowercase().as_str());
    (!value.is_empty() && !word && !value.contains("$(")).then_some(value)
}

/// Replaces passwords by generated secrets: those that several components share, and those that set up a service.
pub(super) fn generate(draft: &mut Draft) -> Result<(), ConvertError> {
    let mut components = std::mem::take(&mut draft.template.components);
    let mut users: BTreeMap<String, Vec<(usize, EnvName)>> = BTreeMap::new();
    for (i, component) in components.iter().enumerate() {
        for env in &component.env {
            if let Some(value) = secret_value(env) {
                users.entry(value.to_owned()).or_default().push((i, env.name.clone()));
            }
        }
    }
    for (value, users) in users {
        let uses = |c: &Component| c.env.iter().any(|e| embeds(e, &value)) || spoken::in_component(c, &value);
        let embedding = components.iter().enumerate().filter(|(_, c)| uses(c));
        let sharing: BTreeSet<usize> = users.iter().map(|(i, _)| *i).chain(embedding.map(|(i, _)| i)).collect();
        let set_up = users.iter().find(|(_, name)| SET_UP.contains(&name.as_str()));
        let Some((owner, owner_name)) = set_up.or(users.first()) else { continue };
        let owner = components[*owner].name.clone();
        if sharing.len() < 2 && set_up.is_none() {
            let text = format!(
                "{owner_name} holds a password that travels with the template; if nothing outside the application knows it, make it \
                 a generated secret: `secret: {{ name: {owner}, key: {} }}`",
                key(owner_name)
            );
            draft.note(NoteKind::Look, Some(&owner), text);
            continue;
        }
        if let Some(place) = spoken::elsewhere(draft, &components, &value) {
            let text = format!(
                "{owner_name} holds a password that also stands in {place}, where nothing can be put in its place: it stays as it \
                 is, and travels with the template"
            );
            draft.note(NoteKind::Look, Some(&owner), text);
            continue;
        }
        let secret = draft.secret(owner.as_str(), &key(owner_name))?;
        for i in &sharing {
            use_secret(&mut components[*i], &value, owner_name, &secret);
        }
        let who: Vec<&str> = sharing.iter().map(|i| components[*i].name.as_str()).collect();
        let text = format!(
            "{owner_name} became the generated secret `{}`, key `{}`, for {}; the value that stood here is gone",
            secret.name,
            secret.key,
            who.join(", ")
        );
        draft.note(NoteKind::Changed, Some(&owner), text);
    }
    draft.template.components = components;
    Ok(())
}

fn key(name: &EnvName) -> String {
    name.as_str().to_ascii_lowercase().replace('_', "-").trim_matches('-').to_owned()
}

/// The forms in which a password stands within another value: as in a URL, and as a parameter.
fn forms(value: &str) -> [String; 3] {
    [format!(":{value}@"), format!("password={value}"), format!("Password={value}")]
}

pub(super) fn embeds(env: &Env, value: &str) -> bool {
    env.value
        .as_ref()
        .is_some_and(|text| text.len() <= 8192 && forms(value).iter().any(|form| text.contains(form.as_str())))
}

/// Lets `component` use `secret` wherever it has `value`.
fn use_secret(component: &mut Component, value: &str, name: &EnvName, secret: &bundle_format::template::SecretRef) {
    let mut holder = None;
    for env in &mut component.env {
        if secret_value(env) == Some(value) {
            (env.value, env.secret) = (None, Some(secret.clone()));
            holder.get_or_insert(env.name.clone());
        }
    }
    if !component.env.iter().any(|e| embeds(e, value)) && !spoken::in_component(component, value) {
        return;
    }
    // The variable stands before those that use it, and takes no other's name.
    let taken = |name: &EnvName| component.env.iter().any(|e| e.name == *name && e.secret.as_ref() != Some(secret));
    let others = (2..).map_while(|n| format!("{name}_{n}").parse().ok());
    let mut names = holder.into_iter().chain([name.clone()]).chain(others);
    let Some(holder) = names.find(|name| !taken(name)) else { return };
    component.env.retain(|e| e.name != holder);
    component.env.insert(0, Env { name: holder.clone(), value: None, secret: Some(secret.clone()), service: None });
    for env in &mut component.env {
        if let Some(text) = env.value.as_mut() {
            for form in forms(value) {
                *text = text.replace(&form, &form.replace(value, &format!("$({holder})")));
            }
        }
    }
    spoken::replace(component, value, &holder);
}
