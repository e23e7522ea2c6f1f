//! YAML as an ordered tree: services and variables stay in the order in which a person wrote them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{MessageFormatter as _, Options, UserMessageFormatter};

use super::ConvertError;

/// Most bytes of one document.
pub(super) const BYTES: u64 = 4 << 20;
/// Most values of one document; those that aliases repeat count each time.
const NODES: usize = 250_000;
const DEPTH: usize = 48;

/// A value of YAML.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    /// A number, in the shortest form that says it.
    Number(String),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// Reads one document, with merge keys and aliases resolved.
    pub fn read(bytes: &[u8], place: &str) -> Result<Self, ConvertError> {
        let syntax = |line, why| ConvertError::Syntax { place: place.to_owned(), line, why };
        if bytes.len() as u64 > BYTES {
            return Err(ConvertError::TooMuch { what: "bytes of one document", limit: BYTES });
        }
        let text = std::str::from_utf8(bytes).map_err(|e| syntax(1, format!("not UTF-8: {e}")))?;
        serde_saphyr::from_str_with_options(text, options()).map_err(|e| {
            let line = e.location().map_or(1, |l| l.line());
            syntax(line, UserMessageFormatter.format_message(e.without_snippet()).into_owned())
        })
    }

    /// The field `key` of a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.fields().iter().find(|(k, _)| k == key).map(|(_, v)| v).filter(|v| **v != Self::Null)
    }

    /// The fields of a map; none of anything else.
    pub fn fields(&self) -> &[(String, Self)] {
        match self {
            Self::Map(fields) => fields,
            _ => &[],
        }
    }

    /// The elements of a list; none of anything else.
    pub fn elements(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            _ => &[],
        }
    }

    /// A scalar as text.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text.clone()),
            Self::Bool(b) => Some(b.to_string()),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The scalar field `key` as text.
    pub fn text_of(&self, key: &str) -> Option<String> {
        self.get(key).and_then(Self::text)
    }

    /// Whether this says yes: `true`, or a text that older readers take for it.
    pub fn yes(&self) -> bool {
        matches!(self, Self::Bool(true)) || matches!(self, Self::Text(t) if ["true", "yes", "on"].contains(&t.as_str()))
    }

    /// A list of scalars, or one scalar alone.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::List(elements) => elements.iter().filter_map(Self::text).collect(),
            other => other.text().into_iter().collect(),
        }
    }

    /// `KEY=VALUE` texts, or a map: both forms in which pairs are written. A key alone has no value.
    pub fn pairs(&self) -> Vec<(String, Option<String>)> {
        match self {
            Self::Map(fields) => fields.iter().map(|(k, v)| (k.clone(), v.text())).collect(),
            other => (other.texts().into_iter())
                .map(|t| match t.split_once('=') {
                    Some((k, v)) => (k.to_owned(), Some(v.to_owned())),
                    None => (t, None),
                })
                .collect(),
        }
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH,
            max_nodes: NODES,
            max_events: 4 * NODES,
            max_documents: 1,
            max_total_scalar_bytes: BYTES as usize,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: NODES,
        },
        strict_booleans: true,
        emit_comments: false,
        with_snippet: false,
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(AnyTree)
    }
}

struct AnyTree;

impl<'de> Visitor<'de> for AnyTree {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }
    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Tree, D::Error> {
        Tree::deserialize(d)
    }
    fn visit_bool<E>(self, b: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(b))
    }
    fn visit_u64<E>(self, n: u64) -> Result<Tree, E> {
        Ok(Tree::Number(n.to_string()))
    }
    fn visit_i64<E>(self, n: i64) -> Result<Tree, E> {
        Ok(Tree::Number(n.to_string()))
    }
    fn visit_f64<E>(self, n: f64) -> Result<Tree, E> {
        Ok(Tree::Number(n.to_string()))
    }
    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Tree::List(elements))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            fields.push((key, map.next_value()?));
        }
        Ok(Tree::Map(fields))
    }
}
