//! The site's login for its registry in the vendor's own objects.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::meta::Names;

/// The Secret that holds the login, and the images that it is for.
pub(super) struct Login<'a> {
    secret: &'a str,
    namespace: &'a str,
    images: BTreeSet<String>,
}

impl<'a> Login<'a> {
    /// The installation's, if it has one.
    pub fn of(names: &Names<'a>) -> Option<Self> {
        let secret = names.input.pull_secret?;
        let images = names.template.images().into_iter().map(|image| (names.input.image)(image)).collect();
        Some(Self { secret, namespace: names.input.namespace.as_str(), images })
    }

    /// Names the Secret in every specification of pods in `object` that runs one of the images, behind those that it names already.
    /// Pods find it in the installation's own namespace alone.
    pub fn put_into(&self, object: &mut Value) {
        if object.pointer("/metadata/namespace").and_then(Value::as_str) == Some(self.namespace) {
            self.walk(object);
        }
    }

    /// Specifications of pods stand in a field `spec`, in Kubernetes' own kinds and in the custom ones that have some.
    fn walk(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item)),
            Value::Object(fields) => {
                if let Some(spec) = fields.get_mut("spec").filter(|spec| self.is_for(spec)) {
                    self.put(spec);
                }
                fields.values_mut().for_each(|value| self.walk(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn is_for(&self, spec: &Value) -> bool {
        let is_ours = |image: Option<&Value>| image.and_then(Value::as_str).is_some_and(|i| self.images.contains(i));
        let any = |list: &str, image: fn(&Value) -> Option<&Value>| {
            let items = spec.get(list).and_then(Value::as_array);
            items.into_iter().flatten().any(|item| is_ours(image(item)))
        };
        ["containers", "initContainers", "ephemeralContainers"].into_iter().any(|list| any(list, |c| c.get("image")))
            || any("volumes", |volume| volume.pointer("/image/reference"))
    }

    fn put(&self, spec: &mut Value) {
        let Value::Object(spec) = spec else { return };
        let there = spec.entry("imagePullSecrets").or_insert(Value::Null);
        if there.is_null() {
            *there = json!([]);
        }
        let is_named = |item: &Value| item.get("name").and_then(Value::as_str) == Some(self.secret);
        if let Value::Array(items) = there
            && !items.iter().any(is_named)
        {
            items.push(json!({"name": self.secret}));
        }
    }
}
