//! `component_k8s_attributes`: what a component says to Kubernetes in its own words.

use bundle_format::template::Component;
use serde_json::{Map, Value};

use super::super::ConvertError;
use super::super::draft::{Draft, NoteKind};
use super::super::tree::Tree;
use super::{App, list_at, word};

impl App {
    pub(super) fn attributes(&self, draft: &mut Draft, app: &Value, made: &mut Component) -> Result<(), ConvertError> {
        for given in list_at(app, &["component_k8s_attributes"]) {
            let name = word(given, "name").unwrap_or_default();
            let text = word(given, "attribute_value").unwrap_or_default();
            let value = match word(given, "save_type").as_deref() {
                Some("json" | "yaml") => Tree::read(text.as_bytes(), &format!("{}: {name}", made.name))
                    .map(|t| json(&t))
                    .unwrap_or(Value::Null),
                _ => Value::String(text),
            };
            if !attribute(made, &name, &value) {
                draft.note(NoteKind::Left, Some(&made.name), format!("the Kubernetes attribute `{name}`: a template has no word for it, or it is written in another way"));
            }
        }
        Ok(())
    }
}

/// Puts an attribute in its place. Gives whether there is one.
fn attribute(made: &mut Component, name: &str, value: &Value) -> bool {
    let k = &mut made.kubernetes;
    let pairs = || -> Option<Vec<(String, String)>> {
        let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        Some(value.as_object()?.iter().map(|(k, v)| (k.clone(), text(v))).collect())
    };
    let object = || value.as_object().cloned();
    let objects =
        || -> Option<Vec<Map<String, Value>>> { value.as_array()?.iter().map(|v| v.as_object().cloned()).collect() };
    let text = || value.as_str().filter(|t| !t.is_empty()).map(str::to_owned);
    let done = match name {
        "nodeSelector" => pairs().map(|p| k.node_selector = p.into_iter().collect()),
        "labels" => pairs().map(|p| made.labels.extend(p)),
        "annotations" => pairs().map(|p| k.annotations = p.into_iter().collect()),
        "tolerations" => objects().map(|o| k.tolerations = o),
        "affinity" => object().map(|o| k.affinity = o),
        "hostAliases" => objects().map(|o| k.host_aliases = o),
        "securityContext" => object().map(|o| k.security_context.extend(o)),
        "podSecurityContext" => object().map(|o| k.pod_security_context = o),
        "lifecycle" => object().map(|o| k.lifecycle = o),
        "serviceAccountName" => text().map(|t| k.service_account = Some(t)),
        "priorityClassName" => text().map(|t| k.priority_class = Some(t)),
        "runtimeClassName" => text().map(|t| k.runtime_class = Some(t)),
        "dnsPolicy" => text().map(|t| k.dns_policy = Some(t)),
        "privileged" => {
            let yes = value == &Value::Bool(true) || value.as_str() == Some("true");
            Some(if yes {
                k.security_context.insert("privileged".to_owned(), Value::Bool(true));
            })
        }
        "hostNetwork" => Some(k.host_network = value == &Value::Bool(true) || value.as_str() == Some("true")),
        _ => None,
    };
    done.is_some()
}

fn json(tree: &Tree) -> Value {
    match tree {
        Tree::Null => Value::Null,
        Tree::Bool(b) => Value::Bool(*b),
        Tree::Number(n) => serde_json::from_str(n).unwrap_or_else(|_| Value::String(n.clone())),
        Tree::Text(text) => Value::String(text.clone()),
        Tree::List(elements) => Value::Array(elements.iter().map(json).collect()),
        Tree::Map(fields) => Value::Object(fields.iter().map(|(k, v)| (k.clone(), json(v))).collect()),
    }
}
