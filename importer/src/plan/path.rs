//! Paths of attributes (spec/plan.md 3.1).

use std::fmt;
use std::str::FromStr;

use bundle_format::template::RELEASE_NAMESPACE;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The path of an attribute: `web.env.LOG_LEVEL`, `route/main.host`, `object/ConfigMap/extra`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributePath {
    scope: String,
    field: String,
    key: Option<String>,
}

/// Why a text is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not the path of an attribute: `COMPONENT.FIELD`, `COMPONENT.FIELD.KEY`, `route/NAME.FIELD`, `group/NAME.KEY`"
)]
pub struct PathError {
    /// What was given, cut to 100 characters.
    pub text: String,
}

impl AttributePath {
    /// The path of a field of `scope`, and of one entry of it.
    #[must_use]
    pub fn new(scope: impl Into<String>, field: impl Into<String>, key: Option<String>) -> Self {
        Self { scope: scope.into(), field: field.into(), key }
    }

    /// What it is of: a component's name, or `KIND/NAME` of something else.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The field; empty for an object as a whole.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The entry of the field, where it has several.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scope)?;
        if !self.field.is_empty() {
            write!(f, ".{}", self.field)?;
        }
        match &self.key {
            Some(key) => write!(f, ".{key}"),
            None => Ok(()),
        }
    }
}

impl FromStr for AttributePath {
    type Err = PathError;
    fn from_str(text: &str) -> Result<Self, PathError> {
        let refused = || PathError { text: text.chars().take(100).collect() };
        if text.len() > 1024 || text.contains(char::is_control) {
            return Err(refused());
        }
        // The names of objects have dots, and no fields.
        if text.starts_with("object/") && text.split('/').count() == 3 && !text.ends_with('/') {
            // As it was called at first, where a chart gives the installation's namespace.
            let own = text.strip_suffix(RELEASE_NAMESPACE).and_then(|text| text.strip_suffix('@'));
            return Ok(Self::new(own.unwrap_or(text), "", None));
        }
        let (scope, rest) = text.split_once('.').ok_or_else(refused)?;
        let (field, key) = match rest.split_once('.') {
            Some((field, key)) => (field, Some(key)),
            None => (rest, None),
        };
        if scope.is_empty() || field.is_empty() || key.is_some_and(str::is_empty) {
            return Err(refused());
        }
        Ok(Self::new(scope, field, key.map(str::to_owned)))
    }
}

impl Serialize for AttributePath {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AttributePath {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_as_it_is_written() {
        for text in [
            "web.image",
            "web.env.LOG_LEVEL",
            "web.config./etc/app/app.conf",
            "web.resources.limits.cpu",
            "route/main.host",
            "group/common.TZ",
            "plugin/mesh.env.LEVEL",
            "object/ConfigMap/a.b",
        ] {
            assert_eq!(text.parse::<AttributePath>().unwrap().to_string(), text);
        }
        let chart = "object/Deployment/web@sealift-release-namespace".parse::<AttributePath>().unwrap();
        assert_eq!(chart.to_string(), "object/Deployment/web", "where a chart gives the installation's namespace");
        for text in ["", "web", ".x", "web.", "web.env.", "object/ConfigMap/", "a\nb.c"] {
            assert!(text.parse::<AttributePath>().is_err(), "{text:?}");
        }
    }
}
