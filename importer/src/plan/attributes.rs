//! A version as a map from paths to values (spec/plan.md section 3).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bundle_format::template::{
    Component, ConfigFile, Manifest, ManifestError, PlacesError, RELEASE_NAMESPACE, RelativePath, Template,
    WorkloadKind,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::rule::{Cut, Scope, TABLE};
use super::{AttributePath, Overlay, charts};

/// What a version says of an application, or what is in force at a site: values by path, in the order of the paths.
///
/// A value is JSON as in the template, without the member that is in the path. What has only a `value` is that value. The content
/// of a file is a text, or `{"base64": …}` if it is not UTF-8; its mode `"0644"` or `"0755"`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Attributes {
    values: BTreeMap<AttributePath, Value>,
}

/// Why a version is no map of attributes.
#[derive(Debug, thiserror::Error)]
pub enum AttributesError {
    /// A document that it names was not given.
    #[error("the document {path} is missing")]
    MissingDocument {
        /// Its path.
        path: RelativePath,
    },
    /// A document that is to hold objects of Kubernetes does not.
    #[error("{path}: {source}")]
    Manifest {
        /// Its path.
        path: RelativePath,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// A document that does not say where the values of a chart go.
    #[error("{path}: {source}")]
    Places {
        /// Its path.
        path: RelativePath,
        /// What is wrong with it.
        source: PlacesError,
    },
    /// Two objects of one kind and name.
    #[error("two objects are called {path}")]
    Twice {
        /// What both are called.
        path: AttributePath,
    },
    /// A name that is no path.
    #[error("{name:?} is not the name of a document")]
    Name {
        /// The name.
        name: String,
    },
    /// Something that is no JSON.
    #[error("the template as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Attributes {
    /// The attributes of a version: of the template, and of the documents that it names.
    ///
    /// # Errors
    /// [`AttributesError`]: a document is missing or is no manifest; two objects of one kind and name.
    pub fn of(template: &Template, documents: &BTreeMap<RelativePath, Vec<u8>>) -> Result<Self, AttributesError> {
        Self::filled(template, documents, &Overlay::default())
    }

    /// The attributes of a version as [`Attributes::of`], but for the objects of its charts: these are as the values of charts in
    /// `site` make them. The values themselves are the vendor's.
    ///
    /// # Errors
    /// [`AttributesError`].
    pub fn filled(
        template: &Template,
        documents: &BTreeMap<RelativePath, Vec<u8>>,
        site: &Overlay,
    ) -> Result<Self, AttributesError> {
        let mut all = Self::of_charts(template);
        for component in &template.components {
            let mut fields = serde_json::to_value(component)?;
            // What is not written out is there all the same, and a site may change it.
            if let (Some(replicas), Value::Object(fields)) = (replicas(component), &mut fields) {
                fields.insert("replicas".to_owned(), replicas.into());
            }
            if let Value::Object(fields) = &mut fields {
                fields.insert("kubernetes".to_owned(), serde_json::to_value(&component.kubernetes)?);
            }
            all.cut(Scope::Component, component.name.as_str(), &fields);
            all.files(component.name.as_str(), &component.config, documents)?;
        }
        for plugin in &template.plugins {
            all.cut(Scope::Plugin, plugin.name.as_str(), &serde_json::to_value(plugin)?);
            all.files(&format!("plugin/{}", plugin.name), &plugin.config, documents)?;
        }
        for group in &template.config_groups {
            let scope = format!("group/{}", group.name);
            for item in &group.items {
                all.set(AttributePath::new(&scope, item.name.as_str(), None), item.value.as_str().into());
            }
            for component in &template.components {
                if group.components.is_empty() || group.components.contains(&component.name) {
                    let path = AttributePath::new(component.name.as_str(), "groups", Some(group.name.to_string()));
                    all.set(path, true.into());
                }
            }
        }
        for route in &template.routes {
            all.whole(&format!("route/{}", route.name), serde_json::to_value(route)?);
        }
        for stream in &template.streams {
            all.whole(&format!("stream/{}", stream.name), serde_json::to_value(stream)?);
        }
        for external in &template.externals {
            all.whole(&format!("external/{}", external.name), serde_json::to_value(external)?);
        }
        for path in object_documents(template)? {
            for object in charts::objects(template, documents, &path, site)? {
                if let Some(path) = object_path(&object)
                    && all.values.insert(path.clone(), object).is_some()
                {
                    return Err(AttributesError::Twice { path });
                }
            }
        }
        Ok(all)
    }

    /// The values of its charts that a site may set, as the vendor has them.
    pub(crate) fn of_charts(template: &Template) -> Self {
        let mut all = Self::default();
        for chart in &template.charts {
            for (value, own) in &chart.adjustable {
                all.set(charts::path(chart, value), own.to_json());
            }
        }
        all
    }

    /// The value of an attribute.
    #[must_use]
    pub fn get(&self, path: &AttributePath) -> Option<&Value> {
        self.values.get(path)
    }

    /// Sets an attribute.
    pub fn set(&mut self, path: AttributePath, value: Value) {
        self.values.insert(path, value);
    }

    /// Sets an attribute, or removes it.
    pub fn put(&mut self, path: AttributePath, value: Option<Value>) {
        match value {
            Some(value) => self.set(path, value),
            None => _ = self.values.remove(&path),
        }
    }

    /// Removes an attribute.
    pub fn remove(&mut self, path: &AttributePath) -> Option<Value> {
        self.values.remove(path)
    }

    /// The attributes, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&AttributePath, &Value)> {
        self.values.iter()
    }

    /// Their paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = &AttributePath> {
        self.values.keys()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// What there are attributes of: components, routes, objects.
    #[must_use]
    pub fn scopes(&self) -> BTreeSet<&str> {
        self.values.keys().map(AttributePath::scope).collect()
    }

    /// Every path that this or one of `others` has.
    pub(super) fn all_paths<'a>(&'a self, others: &[&'a Self]) -> BTreeSet<&'a AttributePath> {
        self.paths().chain(others.iter().flat_map(|o| o.paths())).collect()
    }

    /// The attributes of a component or plugin by the table, but for its files.
    fn cut(&mut self, kind: Scope, name: &str, fields: &Value) {
        let scope = format!("{}{name}", kind.prefix());
        for row in TABLE.iter().filter(|row| row.scope == kind) {
            let Some(value) = fields.get(row.field) else { continue };
            let mut keyed = |key: &str, value: Value| {
                self.set(AttributePath::new(&scope, row.field, Some(key.to_owned())), value);
            };
            match (row.cut, value) {
                (Cut::Whole, value) => self.set(AttributePath::new(&scope, row.field, None), value.clone()),
                (Cut::By(member), Value::Array(items)) => {
                    for (key, value) in items.iter().filter_map(|item| without(item, member)) {
                        keyed(&key, value);
                    }
                }
                (Cut::Map, Value::Object(entries)) => entries.iter().for_each(|(key, value)| keyed(key, value.clone())),
                (Cut::Nested, Value::Object(parts)) => {
                    for (part, entries) in parts.iter().filter_map(|(part, v)| Some((part, v.as_object()?))) {
                        entries.iter().for_each(|(key, value)| keyed(&format!("{part}.{key}"), value.clone()));
                    }
                }
                (Cut::Names, Value::Array(names)) => {
                    names.iter().filter_map(Value::as_str).for_each(|name| keyed(name, true.into()));
                }
                _ => {}
            }
        }
    }

    fn files(
        &mut self,
        scope: &str,
        files: &[ConfigFile],
        documents: &BTreeMap<RelativePath, Vec<u8>>,
    ) -> Result<(), AttributesError> {
        for file in files {
            let content = match (&file.content, &file.file) {
                (Some(text), _) => text.as_str().into(),
                (None, Some(path)) => content(document(path, documents)?),
                (None, None) => continue,
            };
            let key = Some(file.path.to_string());
            self.set(AttributePath::new(scope, "config", key.clone()), content);
            let mode = if file.executable { "0755" } else { "0644" };
            self.set(AttributePath::new(scope, "configMode", key), mode.into());
        }
        Ok(())
    }

    fn whole(&mut self, scope: &str, fields: Value) {
        if let Value::Object(fields) = fields {
            for (field, value) in fields.into_iter().filter(|(field, _)| field != "name") {
                self.set(AttributePath::new(scope, field, None), value);
            }
        }
    }
}

/// How many of a component run, where that is a number and not the nodes' or a schedule's.
fn replicas(component: &Component) -> Option<u32> {
    match component.kind {
        WorkloadKind::Deployment | WorkloadKind::StatefulSet => Some(component.replicas.unwrap_or(1)),
        WorkloadKind::DaemonSet | WorkloadKind::Job | WorkloadKind::CronJob => component.replicas,
    }
}

/// The content of a file as a value.
#[must_use]
pub fn content(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

/// The bytes of the content of a file, if `value` is one.
#[must_use]
pub fn content_bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Object(fields) if fields.len() == 1 => STANDARD.decode(fields.get("base64")?.as_str()?).ok(),
        _ => None,
    }
}

/// What an object of a manifest is called: `object/KIND/NAME`, with `@NAMESPACE` behind it if the manifest gives it one. The
/// namespace that a chart asks for is the installation's, as where nothing is said.
#[must_use]
pub fn object_path(object: &Value) -> Option<AttributePath> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let (kind, name) = (text("/kind")?, text("/metadata/name")?);
    let scope = match text("/metadata/namespace").filter(|n| !n.is_empty() && *n != RELEASE_NAMESPACE) {
        Some(namespace) => format!("object/{kind}/{name}@{namespace}"),
        None => format!("object/{kind}/{name}"),
    };
    Some(AttributePath::new(scope, "", None))
}

/// The documents that hold objects of Kubernetes: the manifests, and what charts and kustomizations were rendered to.
pub(super) fn object_documents(template: &Template) -> Result<Vec<RelativePath>, AttributesError> {
    let charts = template.charts.iter().map(|c| format!("rendered/charts/{}.yaml", c.name));
    let folders = template.kustomizations.iter().map(|k| format!("rendered/kustomizations/{}.yaml", k.name));
    let mut all = template.manifests.clone();
    for name in charts.chain(folders) {
        all.push(name.parse().map_err(|_| AttributesError::Name { name })?);
    }
    Ok(all)
}

/// The objects of a document.
pub(super) fn objects(
    path: &RelativePath,
    documents: &BTreeMap<RelativePath, Vec<u8>>,
) -> Result<Vec<Value>, AttributesError> {
    let manifest = Manifest::parse(document(path, documents)?);
    manifest.map(Manifest::into_objects).map_err(|source| AttributesError::Manifest { path: path.clone(), source })
}

pub(super) fn document<'d>(
    path: &RelativePath,
    documents: &'d BTreeMap<RelativePath, Vec<u8>>,
) -> Result<&'d [u8], AttributesError> {
    documents.get(path).map(Vec::as_slice).ok_or_else(|| AttributesError::MissingDocument { path: path.clone() })
}

/// The text of `member` and the rest of an object; the value itself, if nothing else is left than a `value`.
fn without(item: &Value, member: &str) -> Option<(String, Value)> {
    let mut rest: Map<String, Value> = item.as_object()?.clone();
    let key = rest.remove(member)?.as_str()?.to_owned();
    let only = rest.len() == 1;
    match rest.remove("value") {
        Some(value) if only => Some((key, value)),
        Some(value) => {
            rest.insert("value".to_owned(), value);
            Some((key, Value::Object(rest)))
        }
        None => Some((key, Value::Object(rest))),
    }
}
