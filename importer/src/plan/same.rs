//! Whether a target has what was rendered, whatever it added (spec/plan.md section 6).

mod lists;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::amount::same_amount;
use lists::Keyed;
pub(super) use lists::{key, keyed};

/// Differences that are collected at most: enough for anybody who reads them.
const MOST: usize = 1000;

/// A leaf that a target has otherwise than it was rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where, as a JSON pointer (RFC 6901) into what was rendered.
    pub pointer: String,
    /// What was rendered; `None` where it belongs to a `Secret`.
    pub rendered: Option<Value>,
    /// What the target has; `None` where it has nothing, or where it belongs to a `Secret`.
    pub live: Option<Value>,
}

/// Whether everything that was rendered is in the live object. What the server added is passed over: defaults, `status`,
/// entries of lists that Kubernetes merges.
#[must_use]
pub fn same(rendered: &Value, live: &Value) -> bool {
    compare(rendered, live, 1).is_empty()
}

/// What of the rendered object is not in the live one, in the order of the rendered one; at most 1000. Values of Secrets are
/// not given.
#[must_use]
pub fn differences(rendered: &Value, live: &Value) -> Vec<Difference> {
    let mut found = compare(rendered, live, MOST);
    if rendered.get("kind").and_then(Value::as_str) == Some("Secret") {
        for difference in found.iter_mut().filter(|d| !d.pointer.starts_with("/metadata/")) {
            (difference.rendered, difference.live) = (None, None);
        }
    }
    found
}

/// As [`same`], for a part of an object that is the value of `field`.
#[must_use]
pub(super) fn same_part(field: &str, rendered: &Value, live: &Value) -> bool {
    let mut walk = Walk { path: vec![field.to_owned()], found: Vec::new(), most: 1 };
    walk.value(Sense::of(field, Sense::Plain), rendered, Some(live));
    walk.found.is_empty()
}

fn compare(rendered: &Value, live: &Value, most: usize) -> Vec<Difference> {
    let mut walk = Walk { path: Vec::new(), found: Vec::new(), most };
    match (rendered, live) {
        (Value::Object(rendered), Value::Object(live)) => walk.object(rendered, live),
        _ => walk.value(Sense::Plain, rendered, Some(live)),
    }
    walk.found
}

/// How texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    /// As they are.
    Plain,
    /// As they are, and an empty one is something: values of `ConfigMap`s, labels, annotations.
    Text,
    /// As amounts.
    Amount,
    /// As a number or its text.
    IntOrString,
}

impl Sense {
    fn of(field: &str, outer: Self) -> Self {
        match field {
            _ if matches!(outer, Self::Text | Self::Amount) => outer,
            "data" | "binaryData" | "stringData" | "labels" | "annotations" | "matchLabels" | "nodeSelector" => {
                Self::Text
            }
            "requests" | "limits" | "capacity" | "hard" | "overhead" => Self::Amount,
            "sizeLimit" | "averageValue" | "divisor" => Self::Amount,
            "port" | "targetPort" | "maxSurge" | "maxUnavailable" | "minAvailable" => Self::IntOrString,
            _ => Self::Plain,
        }
    }
}

struct Walk {
    path: Vec<String>,
    found: Vec<Difference>,
    most: usize,
}

impl Walk {
    /// A whole object of Kubernetes.
    fn object(&mut self, rendered: &Map<String, Value>, live: &Map<String, Value>) {
        for (field, value) in rendered {
            match field.as_str() {
                // One object is served under several versions. What the server keeps is not ours to set.
                "apiVersion" | "status" => {}
                "metadata" => self.metadata(value, live.get(field)),
                "stringData" if rendered.get("kind").and_then(Value::as_str) == Some("Secret") => {
                    self.texts(value, live)
                }
                _ => self.step(field, Sense::Plain, value, live.get(field)),
            }
        }
    }

    fn metadata(&mut self, rendered: &Value, live: Option<&Value>) {
        for (field, value) in rendered.as_object().into_iter().flatten() {
            // The namespace names the object, which was found by it; the others are the server's.
            if !matches!(
                field.as_str(),
                "namespace" | "creationTimestamp" | "managedFields" | "resourceVersion" | "uid" | "generation"
            ) {
                self.path.push("metadata".to_owned());
                self.step(field, Sense::Plain, value, live.and_then(|l| l.get(field)));
                self.path.pop();
            }
        }
    }

    /// The texts of a `Secret`, which a server keeps as base64 among the `data`.
    fn texts(&mut self, rendered: &Value, live: &Map<String, Value>) {
        for (key, value) in rendered.as_object().into_iter().flatten() {
            let text =
                live.get("stringData").and_then(|texts| texts.get(key)).and_then(Value::as_str).map(str::to_owned);
            let data = live.get("data").and_then(|data| data.get(key)).and_then(Value::as_str);
            let data = data.and_then(|data| STANDARD.decode(data).ok()).and_then(|data| String::from_utf8(data).ok());
            let there = text.or(data).map(Value::String);
            self.path.push("stringData".to_owned());
            self.step(key, Sense::Text, value, there.as_ref());
            self.path.pop();
        }
    }

    fn step(&mut self, field: &str, outer: Sense, rendered: &Value, live: Option<&Value>) {
        self.path.push(field.to_owned());
        self.value(Sense::of(field, outer), rendered, live);
        self.path.pop();
    }

    fn value(&mut self, sense: Sense, rendered: &Value, live: Option<&Value>) {
        if self.found.len() >= self.most || rendered.is_null() {
            return;
        }
        // `emptyDir: {}` says what a volume is, and is no emptiness.
        let is_choice = self.path.last().is_some_and(|field| field == "emptyDir");
        let Some(live) = live.filter(|live| !live.is_null()) else {
            if is_choice || !is_nothing(sense, rendered) || self.path.last().is_some_and(|field| field == "replicas") {
                self.differ(rendered, None);
            }
            return;
        };
        match (rendered, live) {
            (Value::Object(rendered), Value::Object(live)) => {
                for (field, value) in rendered {
                    self.step(field, sense, value, live.get(field));
                }
            }
            (Value::Array(items), Value::Array(there)) => self.list(sense, items, there, (rendered, live)),
            _ if same_scalar(sense, rendered, live) => {}
            _ => self.differ(rendered, Some(live)),
        }
    }

    fn list(&mut self, sense: Sense, rendered: &[Value], live: &[Value], whole: (&Value, &Value)) {
        let name = self.path.last().cloned().unwrap_or_default();
        match keyed(&name, rendered, live) {
            Some(Keyed { pairs }) => {
                for (index, (rendered, live)) in pairs.into_iter().enumerate() {
                    self.step(&index.to_string(), sense, rendered, live);
                }
            }
            // A list that Kubernetes does not merge is one value: longer or shorter is another one.
            None if rendered.len() != live.len() => self.differ(whole.0, Some(whole.1)),
            None => {
                for (index, (rendered, live)) in rendered.iter().zip(live).enumerate() {
                    self.step(&index.to_string(), sense, rendered, Some(live));
                }
            }
        }
    }

    fn differ(&mut self, rendered: &Value, live: Option<&Value>) {
        if self.found.len() < self.most {
            let pointer: String =
                self.path.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect();
            self.found.push(Difference { pointer, rendered: Some(rendered.clone()), live: live.cloned() });
        }
    }
}

/// Whether a server leaves the value out because it says nothing (Go's `omitempty`).
fn is_nothing(sense: Sense, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() && sense != Sense::Text,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.iter().all(|(field, value)| field != "emptyDir" && is_nothing(sense, value)),
    }
}

fn same_scalar(sense: Sense, a: &Value, b: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ if a == b => true,
        _ => match (sense, text(a), text(b)) {
            (Sense::Amount, Some(a), Some(b)) => same_amount(&a, &b),
            (Sense::IntOrString, Some(a), Some(b)) => a == b,
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests;
