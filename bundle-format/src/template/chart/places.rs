//! Where a chart's adjustable values stand in what it was rendered to (spec/template.md section 4.2).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::kinds;
use super::super::names::ValuePath;
use super::{Chart, ChartValue, ChartValues};
use crate::{Digest, limits};

/// Most places of one chart's values.
const PLACES: usize = 10_000;
/// Most parts of one text.
const PARTS: usize = 1000;
/// Longest pointer to a place, in bytes.
const POINTER: usize = 2048;

/// Where the adjustable values of one chart go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Places {
    /// The places, each once.
    pub places: Vec<ValuePlace>,
}

/// A place in an object of the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValuePlace {
    /// Which of the document's objects, from 0.
    pub object: usize,
    /// Where in it, as a pointer (RFC 6901).
    pub at: String,
    /// What stands there.
    pub fill: Fill,
}

/// What stands in a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fill {
    /// The value itself.
    Value(ValuePath),
    /// A text in which values stand, in order.
    Text(Vec<Part>),
    /// A digest of something that these values are in: it is another one when one of them is.
    Digest(BTreeSet<ValuePath>),
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// What the chart says.
    Text(String),
    /// A value.
    Value(ValuePath),
}

/// Why places are not those of a chart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlacesError {
    /// Larger than [`limits::TEMPLATE_BYTES`], or with too many entries.
    #[error("it has more than {limit} {of}")]
    TooLong {
        /// How many there may be.
        limit: u64,
        /// Of what.
        of: &'static str,
    },
    /// No JSON, or of another form.
    #[error("it is no list of places: {0}")]
    Json(String),
    /// A place that is none.
    #[error("{at:?} of object {object}: {why}")]
    Place {
        /// Which object, from 0.
        object: usize,
        /// Where in it.
        at: String,
        /// The rule that it breaks.
        why: &'static str,
    },
}

impl Places {
    /// Reads the places of `chart`, which was rendered to `objects`. What stands in each place there is what the chart's own values
    /// make of it.
    ///
    /// # Errors
    /// [`PlacesError`].
    pub fn parse(bytes: &[u8], chart: &Chart, objects: &[Value]) -> Result<Self, PlacesError> {
        if bytes.len() as u64 > limits::TEMPLATE_BYTES {
            return Err(PlacesError::TooLong { limit: limits::TEMPLATE_BYTES, of: "bytes" });
        }
        let places: Self = serde_json::from_slice(bytes).map_err(|e| PlacesError::Json(e.to_string()))?;
        places.check(chart, objects)?;
        Ok(places)
    }

    /// The document that [`Places::parse`] reads.
    ///
    /// # Errors
    /// [`PlacesError::Json`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, PlacesError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| PlacesError::Json(e.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Checks the places against `chart` and the `objects` that it was rendered to.
    ///
    /// # Errors
    /// [`PlacesError`].
    pub fn check(&self, chart: &Chart, objects: &[Value]) -> Result<(), PlacesError> {
        if self.places.len() > PLACES {
            return Err(PlacesError::TooLong { limit: PLACES as u64, of: "places" });
        }
        let fills: usize = self.places.iter().map(|place| place.fill.values().count()).sum();
        if fills > PLACES {
            return Err(PlacesError::TooLong { limit: PLACES as u64, of: "values" });
        }
        let mut seen = BTreeSet::new();
        for place in &self.places {
            let refused = |why| Err(PlacesError::Place { object: place.object, at: shortened(&place.at), why });
            let Some(object) = objects.get(place.object) else { return refused("there is no such object") };
            if let Err(why) = kinds::may_be_filled(object, &place.at) {
                return refused(why);
            }
            if place.at.len() > POINTER || object.pointer(&place.at).is_none() {
                return refused("there is no such place");
            }
            if !seen.insert((place.object, &place.at)) {
                return refused("the same place a second time");
            }
            if matches!(&place.fill, Fill::Text(parts) if parts.len() > PARTS) {
                return refused("more than 1000 parts");
            }
            if matches!(place.fill, Fill::Digest(_)) && !Fill::may_be_digest(&place.at, object.pointer(&place.at)) {
                return refused("no digest among annotations");
            }
            if place.fill.values().any(|path| !chart.adjustable.contains_key(path)) {
                return refused("a value that is not adjustable");
            }
            let own = place.fill.with(&chart.adjustable, &BTreeMap::new(), object.pointer(&place.at));
            if own.as_ref() != object.pointer(&place.at) {
                return refused("the chart's own values do not make what stands there");
            }
        }
        Ok(())
    }

    /// Puts `values` into `objects`: those that `chart` was rendered to. Where they are the chart's own, nothing changes.
    pub fn fill(&self, chart: &Chart, values: &ChartValues, objects: &mut [Value]) {
        let changed: ChartValues = values
            .iter()
            .filter(|(path, value)| chart.adjustable.get(path).is_some_and(|own| own != *value))
            .map(|(path, value)| (path.clone(), value.clone()))
            .collect();
        for place in &self.places {
            if !place.fill.values().any(|path| changed.contains_key(path)) {
                continue;
            }
            let Some(there) = objects.get_mut(place.object).and_then(|object| object.pointer_mut(&place.at)) else {
                continue;
            };
            if let Some(filled) = place.fill.with(&chart.adjustable, &changed, Some(there)) {
                *there = filled;
            }
        }
    }
}

impl Fill {
    /// Whether `there`, which stands `at` a place, can be taken for a digest: 64 hexadecimal digits among annotations.
    #[must_use]
    pub fn may_be_digest(at: &str, there: Option<&Value>) -> bool {
        let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        at.contains("/annotations/") && there.and_then(Value::as_str).is_some_and(is_digest)
    }

    /// The values that are in it.
    pub fn values(&self) -> impl Iterator<Item = &ValuePath> {
        let (one, parts, digest) = match self {
            Self::Value(path) => (Some(path), [].as_slice(), None),
            Self::Text(parts) => (None, parts.as_slice(), None),
            Self::Digest(paths) => (None, [].as_slice(), Some(paths)),
        };
        let parts = parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Value(path) => Some(path),
        });
        one.into_iter().chain(parts).chain(digest.into_iter().flatten())
    }

    /// What stands in the place with the chart's `own` values, but for those that `changed` has. `there` is what stands there with
    /// its own alone.
    fn with(&self, own: &ChartValues, changed: &ChartValues, there: Option<&Value>) -> Option<Value> {
        let value = |path: &ValuePath| changed.get(path).or_else(|| own.get(path));
        match self {
            Self::Value(path) => value(path).map(ChartValue::to_json),
            Self::Text(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(own) => text.push_str(own),
                        Part::Value(path) => text.push_str(&value(path)?.to_string()),
                    }
                }
                Some(Value::String(text))
            }
            Self::Digest(paths) => {
                let mut text = there?.as_str()?.to_owned();
                let own = text.len();
                for (path, value) in changed.iter().filter(|(path, _)| paths.contains(*path)) {
                    text.push_str(&format!("\n{path}={}", value.to_json()));
                }
                Some(if text.len() == own { text.into() } else { Digest::of(text.as_bytes()).hex().into() })
            }
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}
