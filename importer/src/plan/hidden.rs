//! Values that nobody is shown (spec/plan.md 2.3): those of Secrets, whoever wrote them. This is the one place that knows which they are.

use serde_json::{Map, Value};

use super::{AttributePath, Decision, Overlay};

/// Whether `value`, the value of the attribute `path`, is a Secret of Kubernetes: by what it is called, or by what it says.
#[must_use]
pub fn is_secret(path: &AttributePath, value: &Value) -> bool {
    path.scope().starts_with("object/Secret/") || value.get("kind").and_then(Value::as_str) == Some("Secret")
}

impl Decision {
    /// The decision as it may be shown: of Secrets the keys, and which of the values are equal.
    #[must_use]
    pub fn without_secrets(self) -> Self {
        let Self { path, old, new, site, value, .. } = &self;
        let all: Vec<&Value> = [old, new, site, value].into_iter().flatten().collect();
        if !all.iter().any(|value| is_secret(path, value)) {
            return self;
        }
        let shown = |value: &Option<Value>| value.as_ref().map(|value| shown(value, &all));
        let (old, new, site, value) = (shown(old), shown(new), shown(site), shown(value));
        Self { old, new, site, value, ..self }
    }
}

impl Overlay {
    /// The values as they may be shown: of Secrets the keys.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let hidden = |(path, value): (&AttributePath, &Option<Value>)| {
            let value = value.as_ref().map(|value| match is_secret(path, value) {
                true => shown(value, &[value]),
                false => value.clone(),
            });
            (path.clone(), value)
        };
        Self { values: self.values.iter().map(hidden).collect() }
    }

    /// What may stand in clear, and the Secrets. That one is removed is no secret.
    #[must_use]
    pub fn parted(self) -> (Self, Self) {
        let is_hidden =
            |(path, value): &(AttributePath, Option<Value>)| value.as_ref().is_some_and(|v| is_secret(path, v));
        let (hidden, open) = self.values.into_iter().partition(is_hidden);
        (Self { values: open }, Self { values: hidden })
    }
}

/// A Secret without its values: what names it stays. Annotations may repeat the whole of it (`kubectl apply` does).
fn shown(secret: &Value, all: &[&Value]) -> Value {
    let Value::Object(fields) = secret else { return mark(secret, all) };
    let field = |(name, value): (&String, &Value)| {
        let value = match name.as_str() {
            "apiVersion" | "kind" | "type" | "immutable" => value.clone(),
            "metadata" => metadata(value, &below(all, name)),
            _ => hidden(value, &below(all, name)),
        };
        (name.clone(), value)
    };
    Value::Object(fields.iter().map(field).collect::<Map<_, _>>())
}

fn metadata(value: &Value, all: &[&Value]) -> Value {
    let Value::Object(fields) = value else { return hidden(value, all) };
    let field = |(name, value): (&String, &Value)| {
        let value = match name.as_str() {
            "name" | "namespace" | "labels" => value.clone(),
            _ => hidden(value, &below(all, name)),
        };
        (name.clone(), value)
    };
    Value::Object(fields.iter().map(field).collect::<Map<_, _>>())
}

/// `value` with a mark for each of its leaves. `all` are the values of the same place.
fn hidden(value: &Value, all: &[&Value]) -> Value {
    match value {
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| (name.clone(), hidden(value, &below(all, name)));
            Value::Object(fields.iter().map(field).collect::<Map<_, _>>())
        }
        leaf => mark(leaf, all),
    }
}

/// What stands for a value: a number where others are at its place, so that one sees that it changes.
fn mark(value: &Value, all: &[&Value]) -> Value {
    let mut distinct: Vec<&Value> = Vec::new();
    for other in all {
        if !distinct.contains(other) {
            distinct.push(other);
        }
    }
    match distinct.iter().position(|other| *other == value) {
        Some(at) if distinct.len() > 1 => format!("(hidden {})", at.saturating_add(1)).into(),
        _ => "(hidden)".into(),
    }
}

fn below<'v>(all: &[&'v Value], name: &str) -> Vec<&'v Value> {
    all.iter().filter_map(|value| value.get(name)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::{Change, Rule, Winner};

    fn secret(token: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "immutable": true,
            "metadata": {"name": "key", "labels": {"a": "b"}, "annotations": {"kubectl.kubernetes.io/last-applied-configuration": token}},
            "data": {"same": "c2FtZQ=="}, "stringData": {"token": token},
        })
    }

    fn path(text: &str) -> AttributePath {
        text.parse().unwrap()
    }

    #[test]
    fn a_decision_about_a_secret_shows_its_keys_and_which_values_differ() {
        let decision = Decision {
            path: path("object/Secret/key"),
            change: Change::Both,
            rule: Rule::Merge,
            old: Some(secret("vendor-old")),
            new: Some(secret("vendor-new")),
            site: Some(secret("of-the-site")),
            value: Some(secret("of-the-site")),
            winner: Winner::Site,
            accepted: false,
            given: false,
        };
        let shown = decision.without_secrets();
        let token = |value: &Option<Value>| value.as_ref().unwrap()["stringData"]["token"].clone();
        assert_eq!(
            [&shown.old, &shown.new, &shown.site, &shown.value].map(token),
            ["(hidden 1)", "(hidden 2)", "(hidden 3)", "(hidden 3)"].map(Value::from)
        );
        let old = shown.old.clone().unwrap();
        assert_eq!((&old["data"]["same"], &old["metadata"]["labels"]["a"]), (&"(hidden)".into(), &"b".into()));
        assert_eq!((&old["immutable"], &old["type"]), (&true.into(), &"Opaque".into()));
        let text = format!("{shown:?}");
        for value in ["vendor-old", "vendor-new", "of-the-site", "c2FtZQ=="] {
            assert!(!text.contains(value), "{value}: {text}");
        }
    }

    #[test]
    fn what_is_a_secret_is_told_by_its_path_or_by_itself() {
        for (at, value, is) in [
            ("object/Secret/key", secret("x"), true),
            ("object/Secret/key@other", json!("a text"), true),
            ("object/ConfigMap/key", json!({"kind": "Secret", "data": {"a": "x"}}), true),
            ("object/ConfigMap/key", json!({"kind": "ConfigMap", "data": {"a": "x"}}), false),
            ("object/SecretStore/key", json!({"kind": "SecretStore"}), false),
            ("web.env.TOKEN", json!("x"), false),
        ] {
            let overlay = Overlay { values: [(path(at), Some(value.clone()))].into() };
            let (open, hidden) = overlay.clone().parted();
            assert_eq!((open.values.len(), hidden.values.len()), if is { (0, 1) } else { (1, 0) }, "{at} {value}");
            assert_eq!(overlay.without_secrets() != overlay, is, "{at} {value}");
        }
        let removed = Overlay { values: [(path("object/Secret/key"), None)].into() };
        assert_eq!(removed.clone().parted(), (removed, Overlay::default()));
    }
}
