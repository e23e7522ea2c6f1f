//! Types read from JSON in the one form that is documented. What serde derives also reads a structure from an array of its
//! members, and a variant from an object; no other program knows these second forms of a document.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Around a deserializer, visitor, access or seed: structures come from objects only, variants from strings only.
pub(super) struct Objects<T>(pub T);

macro_rules! deserialize {
    ($($method:ident($($arg:ident: $type:ty),*) as $inner:ident($($pass:ident),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$inner($($pass,)* Objects(visitor))
        }
    )*};
}

macro_rules! visit {
    ($($method:ident($type:ty);)*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.0.$method(value)
        }
    )*};
}

#[rustfmt::skip]
impl<'de, D: Deserializer<'de>> Deserializer<'de> for Objects<D> {
    type Error = D::Error;

    deserialize! {
        deserialize_any() as deserialize_any();
        deserialize_bool() as deserialize_bool();
        deserialize_i8() as deserialize_i8();
        deserialize_i16() as deserialize_i16();
        deserialize_i32() as deserialize_i32();
        deserialize_i64() as deserialize_i64();
        deserialize_u8() as deserialize_u8();
        deserialize_u16() as deserialize_u16();
        deserialize_u32() as deserialize_u32();
        deserialize_u64() as deserialize_u64();
        deserialize_f32() as deserialize_f32();
        deserialize_f64() as deserialize_f64();
        deserialize_char() as deserialize_char();
        deserialize_str() as deserialize_str();
        deserialize_string() as deserialize_string();
        deserialize_bytes() as deserialize_bytes();
        deserialize_byte_buf() as deserialize_byte_buf();
        deserialize_option() as deserialize_option();
        deserialize_unit() as deserialize_unit();
        deserialize_unit_struct(name: &'static str) as deserialize_unit_struct(name);
        deserialize_newtype_struct(name: &'static str) as deserialize_newtype_struct(name);
        deserialize_seq() as deserialize_seq();
        deserialize_tuple(len: usize) as deserialize_tuple(len);
        deserialize_tuple_struct(name: &'static str, len: usize) as deserialize_tuple_struct(name, len);
        deserialize_map() as deserialize_map();
        deserialize_struct(_name: &'static str, _fields: &'static [&'static str]) as deserialize_map();
        deserialize_identifier() as deserialize_identifier();
        deserialize_ignored_any() as deserialize_ignored_any();
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_str(Variant(visitor))
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Objects<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    visit! {
        visit_bool(bool);
        visit_i64(i64);
        visit_u64(u64);
        visit_f64(f64);
        visit_str(&str);
        visit_borrowed_str(&'de str);
        visit_string(String);
        visit_bytes(&[u8]);
        visit_borrowed_bytes(&'de [u8]);
        visit_byte_buf(Vec<u8>);
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }
    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }
    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Objects(d))
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, d: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Objects(d))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Objects(seq))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Objects(map))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Objects<A> {
    type Error = A::Error;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        self.0.next_element_seed(Objects(seed))
    }
    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Objects<A> {
    type Error = A::Error;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.0.next_value_seed(Objects(seed))
    }
    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Objects<T> {
    type Value = T::Value;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<T::Value, D::Error> {
        self.0.deserialize(Objects(d))
    }
}

/// Gives a visitor of variants the name of one.
struct Variant<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Variant<V> {
    type Value = V::Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
    fn visit_str<E: Error>(self, name: &str) -> Result<V::Value, E> {
        self.0.visit_enum(StrDeserializer::new(name))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use crate::json::{Numbers, parse};

    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        inner: Vec<Inner>,
        maybe: Option<Inner>,
        kind: Kind,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        n: u64,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Full,
    }

    #[test]
    fn structures_are_objects_and_variants_are_strings() {
        for (text, good) in [
            (r#"{"inner":[{"n":1}],"maybe":{"n":2},"kind":"full"}"#, true),
            (r#"{"inner":[],"maybe":null,"kind":"full","more":[[1]]}"#, true),
            (r#"[[],null,"full"]"#, false),
            (r#"{"inner":[[1]],"kind":"full"}"#, false),
            (r#"{"inner":[],"maybe":[2],"kind":"full"}"#, false),
            (r#"{"inner":[],"kind":{"full":null}}"#, false),
        ] {
            assert_eq!(parse::<Outer>(text.as_bytes(), 1 << 10, Numbers::Safe).is_ok(), good, "{text}");
        }
    }
}
