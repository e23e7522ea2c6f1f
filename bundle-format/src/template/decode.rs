//! From the tree to the types, past the first problem. A value that does not fit is noted and left out, and the types are
//! read again: a field with a default takes it, a list loses the element, and the rest is still checked.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::limits;
use super::node::{Entry, Node, Value};
use super::place::Place;
use super::problem::{Code, Position, Problem, Severity, did_you_mean};

/// What came of reading a tree.
pub(super) struct Decoded<T> {
    /// The value, unless something is wrong that nothing can be left out for.
    pub value: Option<T>,
    /// What was found wrong.
    pub problems: Vec<Problem>,
    /// The nodes that were left out of `value`.
    pub left_out: HashSet<*const Node>,
}

/// Reads `root` as a `T`.
pub(super) fn decode<T: DeserializeOwned>(root: &Node) -> Decoded<T> {
    let state = RefCell::default();
    let mut problems = Vec::new();
    let mut value = None;
    while problems.len() < limits::PROBLEMS {
        match T::deserialize(Reader { node: root, place: Place::default(), state: &state }) {
            Ok(read) => {
                value = Some(read);
                break;
            }
            Err(fail) => {
                let node = fail.node.unwrap_or(root);
                problems.extend(fail.problem());
                if std::ptr::eq(node, root) || !state.borrow_mut().left_out.insert(node) {
                    break;
                }
            }
        }
    }
    let State { left_out, unknown } = state.into_inner();
    problems.extend(unknown);
    Decoded { value, problems, left_out }
}

#[derive(Default)]
struct State {
    left_out: HashSet<*const Node>,
    unknown: Vec<Problem>,
}

#[derive(Clone)]
struct Reader<'a> {
    node: &'a Node,
    place: Place,
    state: &'a RefCell<State>,
}

impl<'a> Reader<'a> {
    fn left_out(&self, node: &'a Node) -> bool {
        self.state.borrow().left_out.contains(&std::ptr::from_ref(node))
    }

    /// Adds this node's place to a failure that has none.
    fn locate<T>(&self, result: Result<T, Fail<'a>>) -> Result<T, Fail<'a>> {
        result.map_err(|mut fail| {
            if fail.node.is_none() {
                fail.node = Some(self.node);
                fail.position = self.node.position;
                fail.path = self.place.to_string();
                // Kubernetes takes a number there too.
                if fail.code == Code::WrongType && fail.hint.is_some() && fail.path.ends_with(".port") {
                    fail.hint =
                        fail.hint.filter(|hint| hint != QUOTES).or_else(|| Some("the name of a port".to_owned()));
                }
            }
            fail
        })
    }

    fn unknown(&self, entry: &Entry, fields: &'static [&'static str]) {
        let hint = did_you_mean(&entry.key, fields.iter().copied())
            .unwrap_or_else(|| format!("the fields here are {}", fields.join(", ")));
        let problem = Problem {
            position: entry.position,
            path: self.place.field(&entry.key).to_string(),
            severity: Severity::Error,
            code: Code::UnknownField,
            message: format!("there is no field {:?} here", entry.key),
            hint: Some(hint),
        };
        let unknown = &mut self.state.borrow_mut().unknown;
        if unknown.len() < limits::PROBLEMS && !unknown.contains(&problem) {
            unknown.push(problem);
        }
    }
}

/// What to do about a number where a text is expected.
const QUOTES: &str = "put it in quotes";

/// Why a node is not what its place needs. The node is known as soon as the failure has passed through its reader.
#[derive(Debug)]
struct Fail<'a> {
    node: Option<&'a Node>,
    position: Position,
    path: String,
    code: Code,
    message: String,
    hint: Option<String>,
    missing: Option<&'static str>,
    /// It follows from a problem that is already noted.
    consequence: bool,
}

impl Fail<'_> {
    fn new(code: Code, message: String, hint: Option<String>) -> Self {
        let (position, path) = Default::default();
        Self { node: None, position, path, code, message, hint, missing: None, consequence: false }
    }

    fn problem(self) -> Option<Problem> {
        let Self { position, path, code, message, hint, consequence, .. } = self;
        (!consequence).then_some(Problem { position, path, severity: Severity::Error, code, message, hint })
    }
}

impl fmt::Display for Fail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fail<'_> {}

impl serde::de::Error for Fail<'_> {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Code::InvalidValue, message.to_string(), None)
    }
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let (found, hint) = match found {
            Unexpected::Unit => ("nothing".to_owned(), Some("give it a value, or remove it")),
            Unexpected::Str(text) => ("a text".to_owned(), instead_of_text(text, &expected)),
            Unexpected::Map if expected == "a sequence" => {
                ("an object".to_owned(), Some("begin each element with `- `"))
            }
            Unexpected::Map => ("an object".to_owned(), None),
            Unexpected::Seq => ("a list".to_owned(), None),
            other if expected == "a string" => (other.to_string(), Some(QUOTES)),
            other => (other.to_string(), None),
        };
        let hint = hint.or((expected == "a boolean").then_some("`true` or `false`"));
        let expected = in_words(&expected);
        Self::new(Code::WrongType, format!("{expected} belongs here, not {found}"), hint.map(str::to_owned))
    }
    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Code::InvalidValue, format!("{found} is not {}", in_words(&expected.to_string())), None)
    }
    fn missing_field(field: &'static str) -> Self {
        let fail = Self::new(Code::MissingField, format!("the field `{field}` is missing"), None);
        Self { missing: Some(field), ..fail }
    }
    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("{found:?} is not one of {}", expected.join(", "));
        Self::new(Code::UnknownValue, message, did_you_mean(found, expected.iter().copied()))
    }
}

/// What to do about a text where something else is expected.
fn instead_of_text(text: &str, expected: &str) -> Option<&'static str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = expected.ends_with(|c: char| c.is_ascii_digit());
    if expected == "a sequence" {
        return Some("a list is `[one, two]`, or lines that begin with `- `");
    }
    match text.split_once(['-', ':']) {
        _ if !number => None,
        Some((first, last)) if digits(first) && digits(last) => Some("one number; each has an entry of its own"),
        _ if digits(text) => Some("remove the quotes"),
        _ => None,
    }
}

/// What serde calls an expected value, in the words of people who write templates.
fn in_words(expected: &str) -> &str {
    match expected {
        "a string" => "a text",
        "a sequence" => "a list",
        "a map" => "an object",
        "u16" => "a whole number from 0 to 65535",
        "a nonzero u8" => "a whole number from 1 to 255",
        "a nonzero u16" => "a whole number from 1 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "a nonzero u32" => "a whole number from 1 to 4294967295",
        "u64" => "a whole number",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

impl<'a> Deserializer<'a> for Reader<'a> {
    type Error = Fail<'a>;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fail<'a>> {
        let result = match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(*b),
            Value::Unsigned(n) => visitor.visit_u64(*n),
            Value::Signed(n) => visitor.visit_i64(*n),
            Value::Float(n) => visitor.visit_f64(*n),
            Value::Text(text) => visitor.visit_str(text),
            Value::List(nodes) => visitor.visit_seq(Elements { reader: self.clone(), left: nodes.iter().enumerate() }),
            Value::Map(entries) => {
                visitor.visit_map(Entries { reader: self.clone(), left: entries.iter(), value: None, fields: None })
            }
        };
        self.locate(result)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fail<'a>> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fail<'a>> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fail<'a>> {
        let Value::Map(entries) = &self.node.value else {
            return self.deserialize_any(visitor).map_err(|mut fail| {
                fail.hint = fail.hint.or_else(|| Some(format!("its fields are {}", fields.join(", "))));
                fail
            });
        };
        let access = Entries { reader: self.clone(), left: entries.iter(), value: None, fields: Some(fields) };
        let result = visitor.visit_map(access).map_err(|mut fail| {
            if fail.node.is_none() && fail.missing.is_some_and(|field| self.node.get(field).is_some()) {
                fail.consequence = true;
            }
            fail
        });
        self.locate(result)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fail<'a>> {
        let Value::Text(text) = &self.node.value else { return self.deserialize_str(visitor) };
        let variant: StrDeserializer<'_, Fail<'a>> = text.as_str().into_deserializer();
        self.locate(visitor.visit_enum(variant))
    }

    forward_to_deserialize_any! {
        <W: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

struct Elements<'a> {
    reader: Reader<'a>,
    left: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
}

impl<'a> SeqAccess<'a> for Elements<'a> {
    type Error = Fail<'a>;
    fn next_element_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<Option<S::Value>, Fail<'a>> {
        let Self { reader, left } = self;
        let Some((index, node)) = left.find(|(_, node)| !reader.left_out(node)) else { return Ok(None) };
        let reader = Reader { node, place: reader.place.index(index), state: reader.state };
        reader.locate(seed.deserialize(reader.clone())).map(Some)
    }
}

struct Entries<'a> {
    reader: Reader<'a>,
    left: std::slice::Iter<'a, Entry>,
    value: Option<&'a Entry>,
    /// The fields that the type has, if it is a struct.
    fields: Option<&'static [&'static str]>,
}

impl<'a> MapAccess<'a> for Entries<'a> {
    type Error = Fail<'a>;

    fn next_key_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<Option<S::Value>, Fail<'a>> {
        for entry in self.left.by_ref() {
            if self.reader.left_out(&entry.value) {
                continue;
            }
            if let Some(fields) = self.fields
                && !fields.contains(&entry.key.as_str())
            {
                self.reader.unknown(entry, fields);
                continue;
            }
            self.value = Some(entry);
            let key: StrDeserializer<'_, Fail<'a>> = entry.key.as_str().into_deserializer();
            return seed.deserialize(key).map(Some).map_err(|fail| Fail {
                node: Some(&entry.value),
                position: entry.position,
                path: self.reader.place.field(&entry.key).to_string(),
                ..fail
            });
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, Fail<'a>> {
        let Some(entry) = self.value.take() else { return Err(Fail::custom("a value without a key")) };
        let place = self.reader.place.field(&entry.key);
        let reader = Reader { node: &entry.value, place, state: self.reader.state };
        // A type that checks what it was given fails only after the reader is done with it.
        reader.locate(seed.deserialize(reader.clone()))
    }
}
