//! A version with a site's values in force, as a template again.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::Digest;
use bundle_format::template::{Checked, Problem, RelativePath, Severity, Template};
use serde_json::{Map, Value, json};

use super::attributes::{object_documents, objects};
use super::put::{file, list_of, order, put, put_file, thing};
use super::rule::{Cut, Scope};
use super::{AttributePath, Attributes, AttributesError, Row, content_bytes, object_path};
use crate::render::KEPT;

/// A version with values in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// The template.
    pub template: Template,
    /// The documents that it names.
    pub documents: BTreeMap<RelativePath, Vec<u8>>,
}

/// Why values cannot be in force.
#[derive(Debug, thiserror::Error)]
pub enum EffectiveError {
    /// The version is not what it should be.
    #[error(transparent)]
    Attributes(#[from] AttributesError),
    /// A value is none for its attribute.
    #[error("{path}: {why}")]
    Value {
        /// The attribute.
        path: AttributePath,
        /// What belongs there.
        why: String,
    },
    /// The values do not fit the template, or each other.
    #[error("{}", .0.iter().map(said).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<Problem>),
}

/// A problem without its place in a text, of which there is none.
fn said(problem: &Problem) -> String {
    let Problem { path, message, hint, .. } = problem;
    let hint = hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default();
    format!("{path}: {message}{hint}")
}

/// The version of `template` and `documents` with `values` in force. What the values leave as it is stays as it is written; what they have
/// beyond the template comes behind it. Values of components and plugins that the template does not have are passed over.
///
/// # Errors
/// [`EffectiveError`]: what comes of it is no template. Problems name components rather than their numbers.
pub fn effective(
    template: &Template,
    documents: &BTreeMap<RelativePath, Vec<u8>>,
    values: &Attributes,
) -> Result<Effective, EffectiveError> {
    let vendor = Attributes::of(template, documents)?;
    let differing: Vec<&AttributePath> =
        vendor.all_paths(&[values]).into_iter().filter(|path| vendor.get(path) != values.get(path)).collect();
    let mut work = Work {
        document: serde_json::to_value(template).map_err(AttributesError::Json)?,
        documents: documents.clone(),
        values,
    };
    for path in &differing {
        work.put(path)?;
    }
    work.memberships(&vendor);
    work.remove_empty(&vendor);
    work.order(template);
    work.objects(template, &differing)?;
    let Checked { template, problems } = Template::check_value(&work.document);
    match template {
        Some(template) => Ok(Effective { template, documents: work.documents }),
        None => Err(EffectiveError::Problems(
            problems
                .into_iter()
                .filter(|p| p.severity == Severity::Error)
                .map(|p| Problem { path: in_names(&p.path, &work.document), ..p })
                .collect(),
        )),
    }
}

struct Work<'a> {
    document: Value,
    documents: BTreeMap<RelativePath, Vec<u8>>,
    values: &'a Attributes,
}

impl Work<'_> {
    fn put(&mut self, path: &AttributePath) -> Result<(), EffectiveError> {
        let refused = |why: &str| EffectiveError::Value { path: path.clone(), why: why.to_owned() };
        let row = Row::of(path).ok_or_else(|| refused("there is no such attribute"))?;
        let (scope, name) = Scope::split(path.scope());
        let value = self.values.get(path);
        let content = match (row.cut, value) {
            (Cut::Object | Cut::Groups, _) => return Ok(()),
            (Cut::Contents, Some(value)) => {
                let bytes = content_bytes(value).ok_or_else(|| refused("the content of a file is a text"))?;
                let inline = match thing(&mut self.document, scope, name, false) {
                    Some(found) => {
                        file(found, path.key().unwrap_or_default()).is_none_or(|f| f.contains_key("content"))
                    }
                    None => return Ok(()),
                };
                match value {
                    Value::String(text) if inline => Some(("content", json!(text))),
                    _ => Some(("file", json!(self.keep(bytes, "in-force/files/", &refused)?))),
                }
            }
            _ => None,
        };
        let invented =
            matches!(scope, Scope::Route | Scope::Stream | Scope::External | Scope::Group) && value.is_some();
        if let Some(found) = thing(&mut self.document, scope, name, invented) {
            match row.cut {
                Cut::Contents => put_file(found, path.key().unwrap_or_default(), content),
                _ => put(found, row, path, value),
            }
        }
        Ok(())
    }

    /// Keeps bytes as a document beside the template, named by what is in it.
    fn keep(
        &mut self,
        bytes: Vec<u8>,
        folder: &str,
        refused: &dyn Fn(&str) -> EffectiveError,
    ) -> Result<RelativePath, EffectiveError> {
        let name = format!("{folder}{}", Digest::of(&bytes).hex());
        let path: RelativePath = name.parse().map_err(|_| refused("there is no document for it"))?;
        self.documents.insert(path.clone(), bytes);
        Ok(path)
    }

    /// Groups are given to the components that have them; to all, if all have.
    fn memberships(&mut self, vendor: &Attributes) {
        let members = |values: &Attributes| {
            let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for path in values.paths().filter(|p| p.field() == "groups" && Row::of(p).is_some()) {
                members.entry(path.key().unwrap_or_default().to_owned()).or_default().insert(path.scope().to_owned());
            }
            members
        };
        let (was, is) = (members(vendor), members(self.values));
        for (group, members) in is.iter().filter(|(group, members)| was.get(*group) != Some(members)) {
            if let Some(found) = thing(&mut self.document, Scope::Group, group, false) {
                found.insert("components".to_owned(), json!(members));
            }
        }
    }

    /// Removes the routes, streams, externals and groups of which no value is left.
    fn remove_empty(&mut self, vendor: &Attributes) {
        let left = self.values.scopes();
        for gone in vendor.scopes().into_iter().filter(|scope| !left.contains(scope)) {
            let (scope, name) = Scope::split(gone);
            let list = match scope {
                Scope::Route | Scope::Stream | Scope::External | Scope::Group => list_of(scope),
                Scope::Component | Scope::Plugin | Scope::Object | Scope::Chart => continue,
            };
            if let Some(Value::Array(items)) = self.document.get_mut(list) {
                items.retain(|item| item.get("name").and_then(Value::as_str) != Some(name));
            }
        }
    }

    fn order(&mut self, template: &Template) {
        for component in &template.components {
            let Some(found) = thing(&mut self.document, Scope::Component, component.name.as_str(), false) else {
                continue;
            };
            for (field, variables) in [("env", &component.env), ("connection", &component.connection)] {
                order(found, field, &variables.iter().map(|e| e.name.to_string()).collect());
            }
        }
        for plugin in &template.plugins {
            let known = plugin.env.iter().map(|e| e.name.to_string()).collect();
            if let Some(found) = thing(&mut self.document, Scope::Plugin, plugin.name.as_str(), false) {
                order(found, "env", &known);
            }
        }
    }

    /// Writes the documents again whose objects differ, and one for those that no document has.
    fn objects(&mut self, template: &Template, differing: &[&AttributePath]) -> Result<(), EffectiveError> {
        let mut left: BTreeSet<&AttributePath> =
            differing.iter().copied().filter(|p| Scope::split(p.scope()).0 == Scope::Object).collect();
        for path in &left {
            if self.values.get(path).is_some_and(|object| object_path(object).as_ref() != Some(*path)) {
                let why = "an object with that kind and name belongs here".to_owned();
                return Err(EffectiveError::Value { path: (*path).clone(), why });
            }
        }
        for path in object_documents(template)? {
            if left.is_empty() {
                return Ok(());
            }
            let found = objects(&path, &self.documents)?;
            let names: Vec<Option<AttributePath>> = found.iter().map(object_path).collect();
            if names.iter().flatten().any(|name| left.contains(name)) {
                let objects = found.into_iter().zip(&names).filter_map(|(object, name)| match name {
                    Some(name) if left.remove(name) => self.values.get(name).cloned(),
                    _ => Some(object),
                });
                let text = as_text(objects);
                self.documents.insert(path, text);
            }
        }
        let beyond: Vec<(&AttributePath, Value)> =
            left.into_iter().filter_map(|path| Some((path, self.values.get(path)?.clone()))).collect();
        if let Some((first, _)) = beyond.first() {
            let first = (*first).clone();
            let refused = |why: &str| EffectiveError::Value { path: first.clone(), why: why.to_owned() };
            let bytes = as_text(beyond.into_iter().map(|(_, object)| object));
            let path = self.keep(bytes, KEPT, &refused)?;
            if let Some(manifests) = self.document.as_object_mut().map(|d| d.entry("manifests").or_insert(json!([])))
                && let Some(list) = manifests.as_array_mut()
            {
                list.push(json!(path));
            }
        }
        Ok(())
    }
}

/// Objects as a file of manifests. JSON is YAML, but for characters that YAML wants escaped; in JSON they stand in texts alone.
fn as_text(objects: impl Iterator<Item = Value>) -> Vec<u8> {
    let mut text = String::new();
    for object in objects {
        text.push_str("---\n");
        for c in object.to_string().chars() {
            match c {
                '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                    text.push_str(&format!("\\u{:04x}", u32::from(c)));
                }
                c => text.push(c),
            }
        }
        text.push('\n');
    }
    text.into_bytes()
}

/// The place `components[2].env[0]` as `web.env[0]`: what a site writes has no numbers.
fn in_names(place: &str, document: &Value) -> String {
    let name = || {
        let (list, rest) = place.split_once('[')?;
        let (number, rest) = rest.split_once(']')?;
        let scope = [Scope::Component, Scope::Plugin, Scope::Group, Scope::Route, Scope::Stream, Scope::External]
            .into_iter()
            .find(|scope| list_of(*scope) == list)?;
        let item: &Map<String, Value> = document.get(list)?.get(number.parse::<usize>().ok()?)?.as_object()?;
        Some(format!("{}{}{rest}", scope.prefix(), item.get("name")?.as_str()?))
    };
    name().unwrap_or_else(|| place.to_owned())
}
