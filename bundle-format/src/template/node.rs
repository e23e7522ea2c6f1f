//! YAML as a tree in which every value knows its place. Reading the text once into this tree is what lets the check go on
//! after the first problem: serde alone stops there.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Error, Location, MergeKeyPolicy, MessageFormatter as _, Options, Spanned, UserMessageFormatter};

use super::limits::{YAML_DEPTH, YAML_NODES};
use super::problem::{Code, Position, Problem, Severity};
use crate::limits;

/// A value and where it begins.
#[derive(Debug)]
pub(super) struct Node {
    pub position: Position,
    pub value: Value,
}

/// What YAML 1.2's core schema makes of a value.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One field of a map.
#[derive(Debug)]
pub(super) struct Entry {
    pub key: String,
    pub position: Position,
    pub value: Node,
}

impl Node {
    /// The field `key`, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|e| e.key == key).map(|e| &e.value),
            _ => None,
        }
    }

    /// Where a value below this one is the text `wanted`: the first.
    pub fn position_of(&self, wanted: &str) -> Option<Position> {
        match &self.value {
            Value::Text(text) => (text == wanted).then_some(self.position),
            Value::List(nodes) => nodes.iter().find_map(|node| node.position_of(wanted)),
            Value::Map(entries) => entries.iter().find_map(|entry| entry.value.position_of(wanted)),
            _ => None,
        }
    }

    /// The elements, if this is a list.
    pub fn elements(&self) -> &[Self] {
        match &self.value {
            Value::List(nodes) => nodes,
            _ => &[],
        }
    }

    /// The text, if this is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads a template's text.
///
/// Only `true` and `false` are booleans, unknown tags and merge keys are refused, one document, at most
/// [`limits::TEMPLATE_BYTES`], [`YAML_NODES`] values, [`YAML_DEPTH`] deep.
pub(super) fn read(bytes: &[u8]) -> Result<Node, Problem> {
    let refuse = |position, message, hint: Option<&str>| Problem {
        position,
        path: String::new(),
        severity: Severity::Error,
        code: Code::Yaml,
        message,
        hint: hint.map(str::to_owned),
    };
    let start = Position { line: 1, column: 1 };
    if bytes.len() as u64 > limits::TEMPLATE_BYTES {
        let message =
            format!("{} bytes are more than the {} that a template may have", bytes.len(), limits::TEMPLATE_BYTES);
        return Err(refuse(start, message, Some("carry large content as files beside the template")));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = 1 + bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count();
        refuse(Position { line: line as u64, column: 1 }, format!("not UTF-8: {e}"), None)
    })?;
    serde_saphyr::from_str_with_options(text, options()).map_err(|e| {
        let mut cause = &e;
        while let Error::AliasError { error, .. } | Error::WithSnippet { error, .. } = cause {
            cause = error;
        }
        let at = e.location().map_or(start, |l| position(&l));
        refuse(at, UserMessageFormatter.format_message(cause).into_owned(), None)
    })
}

/// A template as data rather than text, within the same limits. Every value has the same position: nowhere.
pub(super) fn of_json(value: &serde_json::Value) -> Result<Node, Problem> {
    let mut left = YAML_NODES;
    from_json(value, YAML_DEPTH, &mut left).ok_or_else(|| Problem {
        position: Position::default(),
        path: String::new(),
        severity: Severity::Error,
        code: Code::Yaml,
        message: format!("more than {YAML_NODES} values, or more than {YAML_DEPTH} levels of them"),
        hint: None,
    })
}

fn from_json(value: &serde_json::Value, depth: usize, left: &mut usize) -> Option<Node> {
    let depth = depth.checked_sub(1)?;
    *left = left.checked_sub(1)?;
    let position = Position::default();
    let value = match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(n) => match (n.as_u64(), n.as_i64()) {
            (Some(n), _) => Value::Unsigned(n),
            (None, Some(n)) => Value::Signed(n),
            (None, None) => Value::Float(n.as_f64()?),
        },
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Array(items) => {
            Value::List(items.iter().map(|item| from_json(item, depth, left)).collect::<Option<_>>()?)
        }
        serde_json::Value::Object(fields) => {
            let entry = |(key, value): (&String, _)| {
                Some(Entry { key: key.clone(), position, value: from_json(value, depth, left)? })
            };
            Value::Map(fields.iter().map(entry).collect::<Option<_>>()?)
        }
    };
    Some(Node { position, value })
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: YAML_DEPTH,
            max_nodes: YAML_NODES,
            max_events: 4 * YAML_NODES,
            max_documents: 1,
            max_total_scalar_bytes: limits::TEMPLATE_BYTES as usize,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: YAML_NODES,
        },
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        // Comments are of no interest, and collecting them has a limit of its own that long ones exceed.
        emit_comments: false,
        with_snippet: false,
    }
}

fn position(location: &Location) -> Position {
    Position { line: location.line(), column: location.column() }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(d)?;
        Ok(Self { position: position(&spanned.referenced), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        Value::deserialize(d)
    }
    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }
    fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
        Ok(Value::Unsigned(n))
    }
    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        Ok(u64::try_from(n).map_or(Value::Signed(n), Value::Unsigned))
    }
    fn visit_f64<E>(self, n: f64) -> Result<Value, E> {
        Ok(Value::Float(n))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = seq.next_element()? {
            nodes.push(node);
        }
        Ok(Value::List(nodes))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            // The YAML reader tells `1` from `"1"`; as the name of a field they are the same.
            if !seen.insert(key.value.clone()) {
                return Err(A::Error::custom(format_args!("the key {:?} stands twice", key.value)));
            }
            let value = map.next_value()?;
            entries.push(Entry { key: key.value, position: position(&key.referenced), value });
        }
        Ok(Value::Map(entries))
    }
}
