//! Checks on JSON that serde does not make: duplicate members, depth, numbers that readers disagree about
//! (spec/bundle.md section 8; RFC 8259 section 4 and 6). Every document is checked here before it is parsed into a type.

mod objects;

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use self::objects::Objects;
use crate::limits;

/// Which numbers a document may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Integers from 0 to 2^53-1: signed documents.
    Safe,
    /// Whatever JSON allows: documents that others made, whose numbers we do not read beyond their typed fields.
    Any,
}

/// Why a JSON text is refused.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Longer than this kind of document may be.
    #[error("{size} bytes are more than the {limit} that such a document may have")]
    TooLong {
        /// Bytes given.
        size: usize,
        /// Bytes allowed.
        limit: u64,
    },
    /// Not JSON, a duplicate member, too deep, a number out of range, or not of the expected shape.
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
}

/// Checks and parses `bytes`.
///
/// # Errors
/// [`JsonError`]: over `limit` bytes; a duplicate member at any depth (after unescaping); deeper than
/// [`limits::JSON_DEPTH`]; a number outside `numbers`; trailing bytes; a byte order mark; not what `T` is, where structures
/// are objects and variants strings, never arrays.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], limit: u64, numbers: Numbers) -> Result<T, JsonError> {
    if bytes.len() as u64 > limit {
        return Err(JsonError::TooLong { size: bytes.len(), limit });
    }
    let mut check = serde_json::Deserializer::from_slice(bytes);
    Check { depth: 0, numbers }.deserialize(&mut check)?;
    check.end()?;
    // The check above has read to the end.
    Ok(T::deserialize(Objects(&mut serde_json::Deserializer::from_slice(bytes)))?)
}

/// Whether `bytes`, which are JSON, are spelled as `jq -c` and `serde_json` write: no white space between tokens, no escape
/// that is not needed. Then comparing with what `jq -c` prints shows everything that readers disagree about.
#[must_use]
pub fn is_compact(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut in_string = false;
    while let Some((byte, after)) = rest.split_first() {
        rest = match (in_string, byte, after) {
            (false, b' ' | b'\t' | b'\n' | b'\r', _) | (true, 0x7f, _) => return false,
            (_, b'"', _) => {
                in_string = !in_string;
                after
            }
            (true, b'\\', [b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', after @ ..]) => after,
            (true, b'\\', [b'u', b'0', b'0', b'7', b'f', after @ ..]) => after,
            (true, b'\\', [b'u', b'0', b'0', high @ (b'0' | b'1'), low @ (b'0'..=b'9' | b'a'..=b'f'), after @ ..]) => {
                // The five that have a short escape.
                if *high == b'0' && matches!(low, b'8' | b'9' | b'a' | b'c' | b'd') {
                    return false;
                }
                after
            }
            (true, b'\\', _) => return false,
            _ => after,
        };
    }
    true
}

#[derive(Clone, Copy)]
struct Check {
    depth: usize,
    numbers: Numbers,
}

impl Check {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= limits::JSON_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {}", limits::JSON_DEPTH)));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Check {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<(), E> {
        if self.numbers == Numbers::Safe && n > limits::JSON_INTEGER {
            return Err(E::custom(format_args!("the number {n} is above 2^53-1")));
        }
        Ok(())
    }
    fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<(), E> {
        if self.numbers == Numbers::Safe {
            return Err(E::custom(format_args!("the number {n} is negative")));
        }
        Ok(())
    }
    fn visit_f64<E: serde::de::Error>(self, n: f64) -> Result<(), E> {
        if self.numbers == Numbers::Safe {
            return Err(E::custom(format_args!("the number {n} is not a plain integer")));
        }
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let deeper = self.deeper()?;
        while seq.next_element_seed(deeper)?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let deeper = self.deeper()?;
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if seen.contains(&key) {
                return Err(A::Error::custom(format_args!("the member {key:?} stands twice")));
            }
            seen.insert(key);
            map.next_value_seed(deeper)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe(text: &str) -> Result<serde_json::Value, JsonError> {
        parse(text.as_bytes(), 1 << 20, Numbers::Safe)
    }

    #[test]
    fn plain_json_parses() {
        assert!(safe(r#"{"a":[1,"é",null,true,{"b":{}}],"c":9007199254740991}"#).is_ok());
    }

    #[test]
    fn what_readers_disagree_about_is_refused() {
        let deep = format!("{}1{}", "[".repeat(33), "]".repeat(33));
        let absurd = "[".repeat(100_000);
        for (why, text) in [
            ("duplicate member", r#"{"a":1,"a":2}"#),
            ("duplicate below", r#"{"x":[{"a":1,"b":1,"a":2}]}"#),
            ("equal after unescaping", r#"{"a":1,"\u0061":2}"#),
            ("float", "1.0"),
            ("negative zero", "-0"),
            ("negative", "-1"),
            ("2^53", "9007199254740992"),
            ("exponent", "1e2"),
            ("infinite", "1e400"),
            ("byte order mark", "\u{feff}{}"),
            ("trailing value", "{} {}"),
            ("lone surrogate", r#""\ud800""#),
            ("raw NUL", "\"\0\""),
            ("33 deep", &deep),
            ("100 000 deep", &absurd),
            ("nothing", ""),
        ] {
            assert!(safe(text).is_err(), "{why}");
        }
        assert!(matches!(parse::<()>(b"null", 3, Numbers::Any), Err(JsonError::TooLong { size: 4, limit: 3 })));
    }
    #[test]
    fn compact_is_what_our_writer_and_jq_write() {
        for text in [r#"{"a":[1,"\u0001\u001f\b\t\n\f\r\"\\ /é",null],"b":{}}"#, r#"{"a b":"\u007f \\"}"#, "[]"] {
            assert!(is_compact(text.as_bytes()), "{text}");
        }
        for text in [
            "{ }",
            "[1,\n2]",
            "{}\n",
            r#"["\/"]"#,
            r#"["\u0061"]"#,
            r#"["\u001F"]"#,
            r#"["\u0008"]"#,
            r#"["\u000a"]"#,
            r#"["\u00e9"]"#,
            "[\"\u{7f}\"]",
            "[\"\\",
        ] {
            assert!(!is_compact(text.as_bytes()), "{text}");
        }
    }
}
