//! Objects as files of YAML.

use bundle_format::template::ComponentName;
use serde::Serialize;
use serde_json::Value;

use super::RenderError;

/// The number that the name of a rendered file begins with.
pub(crate) fn number(name: &str) -> u32 {
    name.split('-').next().and_then(|number| number.parse().ok()).unwrap_or(90)
}

/// Whether files of this number hold the vendor's own objects.
pub(crate) fn is_raw(number: u32) -> bool {
    matches!(number, 5..=9 | 80..)
}

/// A file of Kubernetes objects.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedFile {
    name: String,
    component: Option<ComponentName>,
    objects: Vec<Value>,
    content: String,
}

impl RenderedFile {
    /// A file of one typed object.
    pub(super) fn of(name: String, object: &impl Serialize) -> Result<Self, RenderError> {
        match serde_json::to_value(object) {
            Ok(object) => Self::new(name, vec![object]),
            Err(source) => Err(RenderError::Json { file: name, source }),
        }
    }

    /// Writes `objects` as YAML that readers of YAML 1.1 and 1.2 understand alike: what either would take for something
    /// other than a text is quoted.
    pub(crate) fn new(name: String, objects: Vec<Value>) -> Result<Self, RenderError> {
        let mut content = String::new();
        for object in &objects {
            let options = serde_saphyr::ser_options! {
                compact_list_indent: true,
                // Long texts stay on their line instead of being folded.
                folded_wrap_chars: usize::MAX,
            };
            let written = serde_saphyr::to_string_with_options(object, options)
                .map_err(|source| RenderError::Yaml { file: name.clone(), source: Box::new(source) })?;
            if !content.is_empty() {
                content.push_str("---\n");
            }
            content.push_str(&written);
        }
        Ok(Self { name, component: None, objects, content })
    }

    /// The file's name: lowercase letters, digits, `-` and `.`, in the order in which files are applied.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number that its name begins with.
    pub(crate) fn number(&self) -> u32 {
        number(&self.name)
    }

    /// Whether its objects are the vendor's own, of a manifest, chart or kustomization: as spec/template.md section 7 numbers
    /// files.
    pub(crate) fn is_raw(&self) -> bool {
        is_raw(self.number())
    }

    /// The file as one of a component.
    pub(crate) fn owned_by(self, component: &ComponentName) -> Self {
        Self { component: Some(component.clone()), ..self }
    }

    /// The component that its objects belong to, if to one.
    #[must_use]
    pub fn component(&self) -> Option<&ComponentName> {
        self.component.as_ref()
    }

    /// Whether a `Secret` is among its objects: then the file is for whoever installs alone.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        let secret = |object: &Value| object.get("kind").and_then(Value::as_str) == Some("Secret");
        self.objects.iter().any(secret)
    }

    /// The objects in it, in order.
    #[must_use]
    pub fn objects(&self) -> &[Value] {
        &self.objects
    }

    /// The objects as YAML.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.content
    }
}
