//! Files of Kubernetes objects beside a template (spec/template.md section 7).

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use serde_saphyr::{MessageFormatter as _, Options, UserMessageFormatter};

use super::limits::{MANIFEST_DEPTH, YAML_NODES};
use crate::{ImageRef, limits};

/// The Kubernetes objects of one file, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    objects: Vec<Value>,
}

/// Why a file is not one of Kubernetes objects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Larger than [`limits::TEMPLATE_BYTES`].
    #[error("{size} bytes are more than the {} that a file of manifests may have", limits::TEMPLATE_BYTES)]
    TooLong {
        /// Bytes.
        size: usize,
    },
    /// Not YAML, or beyond a limit.
    #[error("line {line}: {why}")]
    Yaml {
        /// Line, from 1.
        line: u64,
        /// What the reader of YAML says.
        why: String,
    },
    /// A document that is not a Kubernetes object.
    #[error("object {number}: {why}")]
    Object {
        /// Which of the file's objects, from 1.
        number: usize,
        /// The rule that it breaks.
        why: &'static str,
    },
}

impl Manifest {
    /// Reads a file of YAML documents or one JSON document. What kubectl reads as a boolean or an octal number is one.
    ///
    /// # Errors
    /// [`ManifestError`]: not YAML; a document, or an item of a `List`, without `apiVersion`, `kind` or `metadata.name`; a
    /// list of another kind.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() as u64 > limits::TEMPLATE_BYTES {
            return Err(ManifestError::TooLong { size: bytes.len() });
        }
        let documents: Vec<Value> = serde_saphyr::from_slice_multiple_with_options(bytes, options()).map_err(|e| {
            let line = e.location().map_or(1, |l| l.line());
            ManifestError::Yaml { line, why: UserMessageFormatter.format_message(e.without_snippet()).into_owned() }
        })?;
        let mut objects = Vec::new();
        for document in documents {
            if document.get("kind").and_then(Value::as_str) == Some("List") {
                match document {
                    Value::Object(mut list) => match list.remove("items") {
                        Some(Value::Array(items)) => objects.extend(items),
                        _ => return Err(refuse(objects.len(), "a List without a list of `items`")),
                    },
                    _ => return Err(refuse(objects.len(), "not an object")),
                }
            } else {
                objects.push(document);
            }
        }
        for (index, object) in objects.iter().enumerate() {
            check(object).map_err(|why| refuse(index, why))?;
        }
        Ok(Self { objects: objects.into_iter().map(sorted).collect() })
    }

    /// The objects; each has `apiVersion`, `kind` and `metadata.name`.
    #[must_use]
    pub fn objects(&self) -> &[Value] {
        &self.objects
    }

    /// The objects, by value.
    #[must_use]
    pub fn into_objects(self) -> Vec<Value> {
        self.objects
    }

    /// The images that the pods described here run, as far as they are names of images.
    #[must_use]
    pub fn images(&self) -> BTreeSet<ImageRef> {
        let mut found = BTreeSet::new();
        let mut objects = self.objects.clone();
        for object in &mut objects {
            each_image(object, &mut |text| found.extend(text.parse::<ImageRef>()));
        }
        found
    }

    /// Replaces the name of each image for which `pin` has another one.
    pub fn pin(&mut self, pin: &dyn Fn(&ImageRef) -> Option<String>) {
        for object in &mut self.objects {
            each_image(object, &mut |text| {
                if let Some(pinned) = text.parse().ok().and_then(|image| pin(&image)) {
                    *text = pinned;
                }
            });
        }
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MANIFEST_DEPTH,
            max_nodes: YAML_NODES,
            max_events: 4 * YAML_NODES,
            max_documents: 10_000,
            max_total_scalar_bytes: limits::TEMPLATE_BYTES as usize,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: YAML_NODES,
        },
        // `defaultMode: 0644` is octal to kubectl, whose reader of YAML is one of YAML 1.1.
        legacy_octal_numbers: true,
        reject_unsupported_tags: true,
        emit_comments: false,
        with_snippet: false,
    }
}

fn refuse(index: usize, why: &'static str) -> ManifestError {
    ManifestError::Object { number: index + 1, why }
}

fn check(object: &Value) -> Result<(), &'static str> {
    let Value::Object(fields) = object else { return Err("not an object") };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|t| !t.is_empty());
    if !text(fields.get("apiVersion")) {
        return Err("`apiVersion` is missing");
    }
    if !text(fields.get("kind")) {
        return Err("`kind` is missing");
    }
    let list = fields.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    if list && fields.get("items").is_some_and(Value::is_array) {
        return Err("a list of one kind; give its items as documents of their own, or in a `List`");
    }
    if !text(fields.get("metadata").and_then(|m| m.get("name"))) {
        return Err("`metadata.name` is missing");
    }
    if fields.get("metadata").and_then(|m| m.get("namespace")).is_some_and(|n| !n.is_string()) {
        return Err("`metadata.namespace` is not a text");
    }
    // Objects are called `KIND/NAME@NAMESPACE` in plans and records: what no API server takes must not be read otherwise there.
    let metadata = |field: &str| fields.get("metadata").and_then(|m| m.get(field)).and_then(Value::as_str);
    let is_word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric());
    if !fields.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.len() <= 63 && is_word(kind)) {
        return Err("`kind` is no word of letters and digits");
    }
    let is_name = |name: &str| {
        !matches!(name, "." | "..") && !name.contains(['/', '%']) && !name.chars().any(|c| c.is_control() || c == ' ')
    };
    if !metadata("name").is_some_and(|name| name.len() <= 253 && is_name(name)) {
        return Err("`metadata.name` is not a name that Kubernetes takes");
    }
    let dns = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !metadata("namespace").is_none_or(|namespace| namespace.len() <= 63 && dns(namespace)) {
        return Err("`metadata.namespace` is not a name that Kubernetes takes");
    }
    Ok(())
}

/// Calls `act` with the image of each container, and of each volume that is an image, at whatever depth: custom resources
/// hold templates of pods as well.
fn each_image(value: &mut Value, act: &mut dyn FnMut(&mut String)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each_image(item, act)),
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), &mut *value) {
                    ("containers" | "initContainers" | "ephemeralContainers", Value::Array(containers)) => {
                        for container in containers {
                            if let Some(Value::String(image)) = container.get_mut("image") {
                                act(image);
                            }
                        }
                    }
                    ("volumes", Value::Array(volumes)) => {
                        for volume in volumes {
                            let image = volume.get_mut("image").and_then(|image| image.get_mut("reference"));
                            if let Some(Value::String(image)) = image {
                                act(image);
                            }
                        }
                    }
                    _ => each_image(value, act),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// With the keys of every object in order, whichever map `serde_json` is built with.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(Map::from_iter(fields))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";

    #[test]
    fn documents_and_lists_become_objects_in_order() {
        let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: b}}\n- {apiVersion: v1, kind: Secret, metadata: {name: c}}\n";
        let manifest = Manifest::parse(format!("# comment\n---\n{POD}---\n---\n{list}").as_bytes()).unwrap();
        let names: Vec<_> = manifest.objects().iter().map(|o| o["metadata"]["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(Manifest::parse(b"").unwrap().objects(), [] as [Value; 0]);
    }

    #[test]
    fn what_is_not_a_kubernetes_object_is_refused() {
        let deep = format!("{POD}spec: {}1{}", "[".repeat(100), "]".repeat(100));
        for (why, text, error) in [
            ("a text", "hello", "object 1: not an object"),
            ("a list", "[1]", "object 1: not an object"),
            ("no kind", "apiVersion: v1", "object 1: `kind` is missing"),
            ("no version", "kind: Pod", "object 1: `apiVersion` is missing"),
            ("no name", "apiVersion: v1\nkind: Pod", "object 1: `metadata.name` is missing"),
            ("a kind that is a path", "apiVersion: v1\nkind: A/B\nmetadata: {name: a}", "object 1: `kind` is no word"),
            (
                "a name that is a path",
                "apiVersion: v1\nkind: A\nmetadata: {name: a/b}",
                "object 1: `metadata.name` is not a name",
            ),
            (
                "a namespace that is a path",
                "apiVersion: v1\nkind: A\nmetadata: {name: a, namespace: b/c}",
                "object 1: `metadata.namespace` is not a name",
            ),
            ("the second", &format!("{POD}---\nx: 1"), "object 2: `apiVersion` is missing"),
            ("a bare item", "apiVersion: v1\nkind: List\nitems: [{}]", "object 1: `apiVersion` is missing"),
            ("no items", "apiVersion: v1\nkind: List", "object 1: a List without a list of `items`"),
            (
                "a typed list",
                "apiVersion: v1\nkind: PodList\nitems: []",
                "object 1: a list of one kind; give its items as documents of their own, or in a `List`",
            ),
            ("a template of Helm", "apiVersion: {{ .x }}", ""),
            ("a duplicate key", &format!("{POD}kind: Pod\n"), "line 4: "),
            ("too deep", &deep, "line 4: "),
        ] {
            let found = Manifest::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(found.starts_with(error), "{why}: {found}");
        }
    }

    #[test]
    fn values_are_what_kubectl_makes_of_them() {
        let text = format!("{POD}spec: {{mode: 0644, on: yes, quoted: 'yes', size: 1e3, sum: 010, text: 1.2.3}}");
        let spec = &Manifest::parse(text.as_bytes()).unwrap().into_objects()[0]["spec"];
        let expected = serde_json::json!(
            {"mode": 420, "on": true, "quoted": "yes", "size": 1000.0, "sum": 8, "text": "1.2.3"});
        assert_eq!(*spec, expected);
    }

    #[test]
    fn images_are_found_wherever_pods_are_described() {
        let text = "
apiVersion: example.com/v1
kind: Rollout
metadata: {name: a, labels: {image: nginx}}
spec:
  image: nginx:5
  template:
    spec:
      initContainers: [{name: i, image: 'nginx:1'}]
      containers: [{name: c, image: docker.io/library/nginx:2}, {name: odd, image: '$(IMAGE)'}, {name: none}]
      volumes: [{name: v, image: {reference: 'nginx:3'}}, {name: e, emptyDir: {}}]
";
        let mut manifest = Manifest::parse(text.as_bytes()).unwrap();
        let found: Vec<String> = manifest.images().iter().map(ToString::to_string).collect();
        assert_eq!(found, [1, 2, 3].map(|n| format!("docker.io/library/nginx:{n}")));
        manifest.pin(&|image| (image.tag() != Some("3")).then(|| format!("site/{}", image.tag().unwrap())));
        let spec = &manifest.objects()[0]["spec"];
        assert_eq!(spec["image"], "nginx:5", "a field that only looks like it is left alone");
        let pod = &spec["template"]["spec"];
        assert_eq!(pod["initContainers"][0]["image"], "site/1");
        assert_eq!(pod["containers"][0]["image"], "site/2");
        assert_eq!(pod["containers"][1]["image"], "$(IMAGE)");
        assert_eq!(pod["volumes"][0]["image"]["reference"], "nginx:3", "an image without a pin is left alone");
    }
}
