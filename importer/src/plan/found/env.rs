//! Environment variables of containers.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::template::{Env, EnvName, Template};
use serde_json::{Value, json};

use super::{Edits, Seen, is_edit};

/// The variables of a container that the site changed, added or removed, in the template's own shape.
pub(super) fn edited(edits: &Edits<'_>, container: Seen<'_>) -> BTreeMap<EnvName, Option<Value>> {
    let of = |container| variables(container);
    let (rendered, live) = (of(container.rendered), of(container.live));
    let also = container.also.map(of);
    let names: BTreeSet<&&str> = rendered.keys().chain(live.keys()).collect();
    let mut out = BTreeMap::new();
    for name in names {
        let there = live.get(name);
        if is_edit("data", rendered.get(name), also.as_ref().map(|also| also.get(name)), there)
            && let Ok(env) = name.parse::<EnvName>()
        {
            match there.map(|there| shaped(edits, &env, there)) {
                None => _ = out.insert(env, None),
                Some(Some(value)) => _ = out.insert(env, Some(value)),
                // A reference that the template has no word for is put back.
                Some(None) => {}
            }
        }
    }
    out
}

/// What each variable says: a text, or where it is taken from. What a server leaves out is an empty text.
fn variables(container: &Value) -> BTreeMap<&str, Value> {
    let list = container.get("env").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|env| {
        let value = match env.get("valueFrom").filter(|from| from.as_object().is_some_and(|from| !from.is_empty())) {
            Some(from) => reference(from),
            None => env.get("value").cloned().unwrap_or_else(|| json!("")),
        };
        Some((env.get("name")?.as_str()?, value))
    })
    .collect()
}

/// A reference without what a server adds to it.
fn reference(from: &Value) -> Value {
    for kind in ["secretKeyRef", "configMapKeyRef"] {
        if let Some(key) = from.get(kind) {
            return json!({kind: {"name": key.get("name"), "key": key.get("key")}});
        }
    }
    match from.pointer("/fieldRef/fieldPath") {
        Some(path) => json!({"fieldRef": {"fieldPath": path}}),
        None => from.clone(),
    }
}

/// A variable in the template's shape: a text, or a key of one of the template's secrets.
fn shaped(edits: &Edits<'_>, name: &EnvName, value: &Value) -> Option<Value> {
    let mut env = Env { name: name.clone(), value: None, secret: None, service: None };
    match value {
        Value::String(text) => env.value = Some(text.clone()),
        _ => {
            let reference = value.get("secretKeyRef")?;
            let secret = edits.short(reference.get("name")?.as_str()?)?;
            env.secret = secret_of(edits.template, secret, reference.get("key")?.as_str()?);
            env.secret.as_ref()?;
        }
    }
    match env.value {
        Some(text) => Some(Value::String(text)),
        None => super::unnamed(&env),
    }
}

/// The variable that has this value.
pub(super) fn whole(name: &EnvName, value: &Value) -> Option<Env> {
    let mut env = Env { name: name.clone(), value: None, secret: None, service: None };
    match value {
        Value::String(text) => env.value = Some(text.clone()),
        reference => env.secret = Some(serde_json::from_value(reference.get("secret")?.clone()).ok()?),
    }
    Some(env)
}

fn secret_of(template: &Template, name: &str, key: &str) -> Option<bundle_format::template::SecretRef> {
    let secret = template.secrets.iter().find(|secret| secret.name.as_str() == name)?;
    let key = secret.keys.iter().find(|k| k.as_str() == key)?;
    Some(bundle_format::template::SecretRef { name: secret.name.clone(), key: key.clone() })
}
