//! A site's values: a file of YAML, and `PATH=VALUE` on the command line.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use bundle_format::template::{ChartValue, ComponentName, RelativePath, Template, did_you_mean};
use bundle_format::{Code, Coded};
use serde_json::{Map, Value};
use serde_saphyr::{MergeKeyPolicy, MessageFormatter as _, Options, UserMessageFormatter};

use super::rule::{Cut, Scope};
use super::{
    AttributePath, Attributes, AttributesError, Cell, EffectiveError, Overlay, PathError, Row, charts, content,
    content_bytes, effective,
};

/// Largest file of values, and largest file that one names: what a Secret or `ConfigMap` holds.
pub const VALUES_BYTES: usize = 1 << 20;
/// Deepest nesting of a file of values.
const DEPTH: usize = 32;
/// Most values in a file.
const NODES: usize = 50_000;

/// What a site wants otherwise.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    /// The values.
    pub overlay: Overlay,
    /// The optional components that are switched on or off.
    pub enabled: BTreeMap<ComponentName, bool>,
}

/// What values are read for.
pub struct ValuesInput<'a> {
    /// The version's template.
    pub template: &'a Template,
    /// The version's documents.
    pub documents: &'a BTreeMap<RelativePath, Vec<u8>>,
    /// What is in force at the site already; values are checked together with it.
    pub overlay: &'a Overlay,
    /// Reads a file that a file of values names.
    pub read: &'a dyn Fn(&str) -> io::Result<Vec<u8>>,
}

/// Why values are refused.
#[derive(Debug, thiserror::Error)]
pub enum ValuesError {
    /// The file is no YAML, or beyond a limit.
    #[error("line {line}: {why}")]
    Yaml {
        /// Line, from 1.
        line: u64,
        /// What the reader of YAML says.
        why: String,
    },
    /// Too large.
    #[error("{what} has more than {VALUES_BYTES} bytes")]
    TooLong {
        /// What has.
        what: String,
    },
    /// An argument that is not `PATH=VALUE`.
    #[error("{0:?} is not PATH=VALUE")]
    NoValue(String),
    /// A path of the command line.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Nothing of the version has this name.
    #[error("there is no {name} in this version")]
    Unknown {
        /// What was given.
        name: String,
        /// What was probably meant, or what there is.
        hint: Option<String>,
    },
    /// Something else belongs there.
    #[error("{name}: {expected}")]
    Expected {
        /// Where.
        name: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// The vendor decides about it.
    #[error("{path} is the vendor's to say: a version without its own would be another application")]
    Vendors {
        /// The attribute.
        path: AttributePath,
    },
    /// A file that is named cannot be read.
    #[error("{path}: {file}: {source}")]
    File {
        /// The attribute.
        path: AttributePath,
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The version.
    #[error(transparent)]
    Attributes(#[from] AttributesError),
    /// The values do not fit the template.
    #[error(transparent)]
    Effective(#[from] EffectiveError),
}

impl Coded for ValuesError {
    fn code(&self) -> Code {
        match self {
            Self::Attributes(_) | Self::Effective(EffectiveError::Attributes(_)) => Code::Render,
            Self::File { .. } => Code::Io,
            Self::NoValue(_) => Code::Usage,
            _ => Code::Values,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { hint, .. } => hint.clone(),
            Self::NoValue(_) => Some("for example web.replicas=3".to_owned()),
            Self::Vendors { .. } => Some("leave it out".to_owned()),
            _ => None,
        }
    }
}

impl Values {
    /// Reads a file of values: nested or flat, `web: {env: {LOG_LEVEL: debug}}` or `web.env.LOG_LEVEL: debug`. `null` removes, and
    /// `enabled: {search: true}` switches optional components. An object is laid over the vendor's for volumes, probes and objects of
    /// manifests: what it does not name stays.
    ///
    /// # Errors
    /// [`ValuesError`]: no YAML; unknown names; what the vendor alone decides; values that the version does not take.
    pub fn parse(bytes: &[u8], input: &ValuesInput<'_>) -> Result<Self, ValuesError> {
        let mut reader = Reader::new(input)?;
        reader.document(read_yaml(bytes)?)?;
        reader.finish()
    }

    /// Reads one `PATH=VALUE` of the command line. The value is a text where the attribute is one, else YAML.
    ///
    /// # Errors
    /// As [`Values::parse`].
    pub fn parse_set(text: &str, input: &ValuesInput<'_>) -> Result<Self, ValuesError> {
        let mut reader = Reader::new(input)?;
        // `=` is legal in the paths of files and not in the names before them: the first one ends the path.
        let cut = || ValuesError::NoValue(text.chars().take(100).collect());
        let (name, value) = text.split_once('=').ok_or_else(cut)?;
        if let Some(module) = name.strip_prefix("enabled.") {
            reader.switch(module, &read_yaml(value.as_bytes())?)?;
            return reader.finish();
        }
        let path: AttributePath = name.parse()?;
        let is_text = reader.vendor.get(&path).is_some_and(Value::is_string);
        let new_text =
            |row: &Row| matches!(row.cut, Cut::Items | Cut::Contents) || matches!(row.field, "env" | "connection");
        let value = match Row::of(&path) {
            Some(row) if is_text || new_text(row) => value.into(),
            _ => read_yaml(value.as_bytes())?,
        };
        reader.leaf(path, value)?;
        reader.finish()
    }

    /// Reads one `PATH` that is to have no value. A text of the command line cannot say that it is none.
    ///
    /// # Errors
    /// As [`Values::parse`].
    pub fn parse_unset(text: &str, input: &ValuesInput<'_>) -> Result<Self, ValuesError> {
        let mut reader = Reader::new(input)?;
        reader.leaf(text.parse()?, Value::Null)?;
        reader.finish()
    }
}

struct Reader<'a> {
    input: &'a ValuesInput<'a>,
    vendor: Attributes,
    scopes: BTreeSet<String>,
    values: Values,
}

impl<'a> Reader<'a> {
    fn new(input: &'a ValuesInput<'a>) -> Result<Self, ValuesError> {
        let vendor = Attributes::filled(input.template, input.documents, input.overlay)?;
        let scopes = vendor.scopes().into_iter().map(str::to_owned).collect();
        Ok(Self { input, vendor, scopes, values: Values::default() })
    }

    fn document(&mut self, document: Value) -> Result<(), ValuesError> {
        let fields = match document {
            Value::Object(fields) => fields,
            Value::Null => return Ok(()),
            _ => return Err(expected("values", "an object belongs here")),
        };
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("enabled", Value::Object(modules)) => {
                    modules.iter().try_for_each(|(module, on)| self.switch(module, on))?;
                }
                ("enabled", _) => {
                    return Err(expected("enabled", "an object of optional components, each true or false"));
                }
                (_, value) => self.walk(&name, value)?,
            }
        }
        Ok(())
    }

    fn switch(&mut self, module: &str, on: &Value) -> Result<(), ValuesError> {
        let optional = self.input.template.components.iter().filter(|c| c.optional).map(|c| &c.name);
        let optional: Vec<&ComponentName> = optional.collect();
        let Some(name) = optional.iter().find(|name| name.as_str() == module) else {
            let known = optional.iter().map(|n| n.as_str());
            return Err(unknown(&format!("optional component {module}"), module, known));
        };
        let on =
            on.as_bool().ok_or_else(|| expected(&format!("enabled.{module}"), "`true` or `false` belongs here"))?;
        self.values.enabled.insert((*name).clone(), on);
        Ok(())
    }

    /// Descends until a name is the path of an attribute. The depth is that of the YAML.
    fn walk(&mut self, name: &str, value: Value) -> Result<(), ValuesError> {
        let path: Result<AttributePath, _> = name.parse();
        // What follows the name of something known belongs to it; the names of objects have dots.
        let scope = path.as_ref().map_or(name, |path| path.scope());
        if !self.scopes.contains(scope) {
            return Err(unknown(scope, scope, self.scopes.iter().map(String::as_str)));
        }
        match (path, value) {
            (Ok(path), Value::Object(fields)) if charts::is_value(&path) => {
                fields.into_iter().try_for_each(|(key, value)| self.walk(&format!("{name}.{key}"), value))
            }
            (Ok(path), value) if Row::of(&path).is_some() => self.leaf(path, value),
            (path, Value::Object(fields)) => {
                if let Ok(path) = path {
                    self.known_field(&path)?;
                }
                fields.into_iter().try_for_each(|(key, value)| self.walk(&format!("{name}.{key}"), value))
            }
            (Ok(path), _) => {
                self.known_field(&path)?;
                Err(expected(name, "an object belongs here"))
            }
            (Err(_), _) => Err(expected(name, "an object belongs here")),
        }
    }

    /// That the scope of `path` has its field, if not such a key.
    fn known_field(&self, path: &AttributePath) -> Result<(), ValuesError> {
        let (kind, _) = Scope::split(path.scope());
        let fields = || super::TABLE.iter().filter(|row| row.scope == kind).map(|row| row.field);
        match fields().any(|field| field == "*" || field == path.field()) {
            true => Ok(()),
            false => Err(unknown(&path.to_string(), path.field(), fields())),
        }
    }

    fn leaf(&mut self, path: AttributePath, value: Value) -> Result<(), ValuesError> {
        if !self.scopes.contains(path.scope()) {
            return Err(unknown(path.scope(), path.scope(), self.scopes.iter().map(String::as_str)));
        }
        self.known_field(&path)?;
        let name = path.to_string();
        let Some(row) = Row::of(&path) else {
            return Err(expected(&name, "the name of one entry belongs behind the field"));
        };
        if row.cells.get(2) == Some(&Cell::Vendor) {
            return Err(ValuesError::Vendors { path });
        }
        let value = match (row.cut, value) {
            (Cut::Value, value) => Some(self.chart_value(&path, value)?),
            (_, Value::Null) => None,
            (Cut::Contents, value) => Some(self.content(&path, value)?),
            (Cut::Items, value) if !value.is_string() => return Err(not_a_text(&name)),
            (Cut::By("name"), value) if row.class.is_some() && !value.is_string() && !value.is_object() => {
                return Err(not_a_text(&name));
            }
            (Cut::Object, value) => Some(over(self.vendor.get(&path), value)),
            (_, value) if matches!(row.field, "volumes" | "probes") => Some(over(self.vendor.get(&path), value)),
            (_, value) => Some(value),
        };
        self.values.overlay.values.insert(path, value);
        Ok(())
    }

    /// A value of a chart, of the type that the vendor's has.
    fn chart_value(&self, path: &AttributePath, value: Value) -> Result<Value, ValuesError> {
        let own = self.vendor.get(path).and_then(ChartValue::of);
        let Some(own) = own else {
            let known: Vec<String> =
                self.vendor.paths().filter(|known| known.scope() == path.scope()).map(ToString::to_string).collect();
            let name = path.to_string();
            return Err(unknown(&format!("adjustable value {name}"), &name, known.iter().map(String::as_str)));
        };
        let given = ChartValue::of(&value).ok_or("a text, a whole number, `true` or `false` belongs here");
        given.and_then(|given| given.fits(&own)).map_err(|why| expected(&path.to_string(), why))?;
        Ok(value)
    }

    /// The content of a file: a text, `{base64: …}`, or `{file: …}` on the machine of the site.
    fn content(&self, path: &AttributePath, value: Value) -> Result<Value, ValuesError> {
        let file =
            value.as_object().filter(|fields| fields.len() == 1).and_then(|f| f.get("file")).and_then(Value::as_str);
        if let Some(file) = file {
            let refused = |source| ValuesError::File { path: path.clone(), file: file.to_owned(), source };
            let bytes = (self.input.read)(file).map_err(refused)?;
            if bytes.len() > VALUES_BYTES {
                return Err(ValuesError::TooLong { what: file.to_owned() });
            }
            return Ok(content(&bytes));
        }
        // In its one form, so that what is the same compares so.
        content_bytes(&value)
            .map(|bytes| content(&bytes))
            .ok_or_else(|| expected(&path.to_string(), "a text belongs here, or `{file: PATH}`, or `{base64: TEXT}`"))
    }

    /// The values, if the version takes them all.
    fn finish(self) -> Result<Values, ValuesError> {
        let all = self.input.overlay.clone().under(self.values.overlay.clone());
        let vendor = match all.values.keys().any(charts::is_value) {
            true => Attributes::filled(self.input.template, self.input.documents, &all)?,
            false => self.vendor,
        };
        effective(self.input.template, self.input.documents, &all.applied_to(&vendor))?;
        Ok(self.values)
    }
}

/// `patch` laid over `base` (RFC 7396).
fn over(base: Option<&Value>, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut merged: Map<String, Value> = base.and_then(Value::as_object).cloned().unwrap_or_default();
    for (key, value) in patch {
        match value {
            Value::Null => _ = merged.remove(&key),
            value => {
                let value = over(merged.get(&key), value);
                merged.insert(key, value);
            }
        }
    }
    Value::Object(merged)
}

fn expected(name: &str, expected: &'static str) -> ValuesError {
    ValuesError::Expected { name: name.to_owned(), expected }
}

fn not_a_text(name: &str) -> ValuesError {
    expected(name, "a text belongs here; put it in quotes")
}

fn unknown<'a>(name: &str, given: &str, known: impl Iterator<Item = &'a str>) -> ValuesError {
    let known: BTreeSet<&str> = known.collect();
    let few = || (!known.is_empty() && known.len() <= 20).then(|| known.iter().copied().collect::<Vec<_>>().join(", "));
    let hint = did_you_mean(given, known.iter().copied()).or_else(|| few().map(|names| format!("there are {names}")));
    ValuesError::Unknown { name: name.to_owned(), hint }
}

fn read_yaml(bytes: &[u8]) -> Result<Value, ValuesError> {
    if bytes.len() > VALUES_BYTES {
        return Err(ValuesError::TooLong { what: "the file of values".to_owned() });
    }
    let text = std::str::from_utf8(bytes).map_err(|e| ValuesError::Yaml { line: 1, why: format!("not UTF-8: {e}") })?;
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_saphyr::from_str_with_options(text, options()).map_err(|e| {
        let line = e.location().map_or(1, |l| l.line());
        ValuesError::Yaml { line, why: UserMessageFormatter.format_message(e.without_snippet()).into_owned() }
    })
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH,
            max_nodes: NODES,
            max_events: 4 * NODES,
            max_documents: 1,
            max_total_scalar_bytes: VALUES_BYTES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: NODES,
        },
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        emit_comments: false,
        with_snippet: false,
    }
}
