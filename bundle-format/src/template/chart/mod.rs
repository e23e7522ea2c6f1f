//! Helm charts, and those of their values that a site may set (spec/template.md section 4.2).

mod places;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};

pub use places::{Fill, Part, Places, PlacesError, ValuePlace};

use super::names::{PartName, ValuePath};
use super::path::RelativePath;

/// The namespace that charts are rendered for; a site puts its own in its place.
pub const RELEASE_NAMESPACE: &str = "sealift-release-namespace";

/// A Helm chart beside the template, which the packer renders with `helm template`; its objects travel as manifests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chart {
    /// Its name, unique among the charts, and the name of Helm's release.
    pub name: PartName,
    /// Folder or archive of the chart.
    pub chart: RelativePath,
    /// Files of values, later ones over earlier ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<RelativePath>,
    /// Values that a site may set, and what they are where it does not: they go over those of `values`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub adjustable: BTreeMap<ValuePath, ChartValue>,
}

/// Values of a chart by their paths.
pub type ChartValues = BTreeMap<ValuePath, ChartValue>;

impl Chart {
    /// The document that packing makes of it.
    #[must_use]
    pub fn document(&self) -> RelativePath {
        RelativePath::rendered("charts", &self.name)
    }

    /// The document that says where its adjustable values go, if it has any.
    #[must_use]
    pub fn places_document(&self) -> Option<RelativePath> {
        (!self.adjustable.is_empty()).then(|| RelativePath::places("charts", &self.name))
    }
}

/// A value of a chart that a site may set. It keeps its type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ChartValue {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}

impl ChartValue {
    /// The value that is written like this one in JSON, if there is one.
    #[must_use]
    pub fn of(value: &serde_json::Value) -> Option<Self> {
        match value {
            serde_json::Value::Bool(is) => Some(Self::Bool(*is)),
            serde_json::Value::Number(number) => number.as_i64().map(Self::Number),
            serde_json::Value::String(text) => Some(Self::Text(text.clone())),
            _ => None,
        }
    }

    /// The value as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Bool(is) => (*is).into(),
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }

    /// Why `self` cannot stand where the vendor has `default`, if so: another type, or what Helm's templates take for no value at all.
    ///
    /// # Errors
    /// What belongs there.
    pub fn fits(&self, default: &Self) -> Result<(), &'static str> {
        match (self, default) {
            _ if self == default => Ok(()),
            (Self::Bool(_), Self::Bool(_)) => Ok(()),
            (Self::Number(1..=VALUE_NUMBER), Self::Number(_)) => Ok(()),
            (Self::Text(text), Self::Text(_)) if text.is_empty() => {
                Err("a text that is not empty belongs here: a chart takes an empty one for none")
            }
            (Self::Text(text), Self::Text(_)) if text.len() > VALUE_BYTES => {
                Err("a text of at most 4096 bytes belongs here")
            }
            (Self::Text(text), Self::Text(_)) if text.contains(['\0', '\u{fffe}', '\u{ffff}']) => {
                Err("a text that YAML can hold belongs here")
            }
            (Self::Text(_), Self::Text(_)) => Ok(()),
            (_, Self::Bool(_)) => Err("`true` or `false` belongs here"),
            (_, Self::Number(_)) => Err("a whole number from 1 to 2147483647 belongs here"),
            (_, Self::Text(_)) => Err("a text belongs here; put it in quotes"),
        }
    }
}

/// Largest number that a site gives a chart, which is the largest that Kubernetes' fields of 32 bits have.
const VALUE_NUMBER: i64 = i32::MAX as i64;
/// Most bytes of a text that a site gives a chart.
const VALUE_BYTES: usize = 4096;

impl fmt::Display for ChartValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(is) => is.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for ChartValue {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl Visitor<'_> for Scalar {
            type Value = ChartValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a whole number, `true` or `false`")
            }
            fn visit_bool<E: serde::de::Error>(self, is: bool) -> Result<ChartValue, E> {
                Ok(ChartValue::Bool(is))
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<ChartValue, E> {
                Ok(ChartValue::Number(number))
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<ChartValue, E> {
                i64::try_from(number).map(ChartValue::Number).map_err(E::custom)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ChartValue, E> {
                Ok(ChartValue::Text(text.to_owned()))
            }
        }
        d.deserialize_any(Scalar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_its_type_and_is_none_that_a_chart_takes_for_absent() {
        let text = |text: &str| ChartValue::Text(text.to_owned());
        for (value, default, good) in [
            (ChartValue::Number(3), ChartValue::Number(1), true),
            (ChartValue::Number(0), ChartValue::Number(1), false),
            (ChartValue::Number(0), ChartValue::Number(0), true),
            (ChartValue::Number(1 << 31), ChartValue::Number(1), false),
            (text("3"), ChartValue::Number(1), false),
            (ChartValue::Number(3), text("1"), false),
            (text(""), text("a"), false),
            (text(""), text(""), true),
            (text("b: c\n"), text("a"), true),
            (text(&"b".repeat(4097)), text("a"), false),
            (ChartValue::Bool(false), ChartValue::Bool(true), true),
            (text("false"), ChartValue::Bool(true), false),
        ] {
            assert_eq!(value.fits(&default).is_ok(), good, "{value:?} for {default:?}");
        }
    }

    #[test]
    fn what_is_no_value_of_a_chart_is_refused_where_it_stands() {
        let many = (0..101).map(|i| format!("a{i}: 1")).collect::<Vec<_>>().join(", ");
        for (adjustable, says) in [
            ("{ a: 1, b.c: text, b.d-e_f: true }", ""),
            (
                "{ b.c: 1, b.c.d: 2 }",
                "5:36: error[invalid-value] charts[0].adjustable.b.c.d: `b.c.d` is within `b.c`, which is a value of its own",
            ),
            ("{ a..b: 1 }", "is not the path of a chart's value"),
            ("{ 'a[0]': 1 }", "is not the path of a chart's value"),
            ("{ a: 1.5 }", "a text, a whole number, `true` or `false`"),
            ("{ a: [1] }", "a text, a whole number, `true` or `false`"),
            ("{ a: null }", "a text, a whole number, `true` or `false`"),
            (&format!("{{ {many} }}"), "101 entries are more than 100"),
        ] {
            let text = format!(
                "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: {{ name: shop, version: '1' }}\ncharts:\n  - {{ adjustable: {adjustable},\n      name: c, chart: c }}\n"
            );
            let problems = crate::template::Template::check(text.as_bytes()).problems;
            let said = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            assert!(if says.is_empty() { said.is_empty() } else { said.contains(says) }, "{adjustable}: {said}");
        }
    }
}
