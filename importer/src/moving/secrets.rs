//! `secrets.age`, decrypted: what of an installation nobody may read on the way (spec/installation.md section 3).

use std::collections::BTreeMap;

use bundle_format::json::{self, Numbers};
use bundle_format::limits;
use serde_json::Value;

use super::MoveError;
use crate::plan::{AttributePath, Overlay, is_secret};
use crate::render::SecretValues;

/// The secrets of an installation.
#[derive(Clone, Default, PartialEq)]
pub struct Secrets {
    /// Values of the generated secrets.
    pub generated: SecretValues,
    /// The site's values of Secrets of manifests, charts and kustomizations.
    pub values: Overlay,
}

impl Secrets {
    /// The secrets in a document.
    ///
    /// # Errors
    /// [`MoveError::Secrets`].
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, MoveError> {
        Self::read(bytes, limits::SECRETS_BYTES).ok_or(MoveError::Secrets { limit: limits::SECRETS_BYTES })
    }

    /// Nothing is told of why not: a parser's message might repeat a secret.
    fn read(bytes: &[u8], limit: u64) -> Option<Self> {
        let all: BTreeMap<String, Value> = json::parse(bytes, limit, Numbers::Any).ok()?;
        let mut secrets = Self::default();
        for (name, value) in all {
            // No name of a generated secret has a slash, and the path of every object has.
            if name.contains('/') {
                let path: AttributePath = name.parse().ok()?;
                if !is_secret(&path, &value) {
                    return None;
                }
                secrets.values.values.insert(path, Some(value));
            } else {
                secrets.generated.insert(name.parse().ok()?, serde_json::from_value(value).ok()?);
            }
        }
        Some(secrets)
    }

    /// The document as it travels.
    ///
    /// # Errors
    /// [`MoveError::Secrets`]: it is too large.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, MoveError> {
        let fail = || MoveError::Secrets { limit: limits::SECRETS_BYTES };
        let mut all: BTreeMap<String, Value> = BTreeMap::new();
        for (name, keys) in &self.generated {
            all.insert(name.to_string(), serde_json::to_value(keys).map_err(|_| fail())?);
        }
        for (path, value) in &self.values.values {
            all.extend(value.clone().map(|value| (path.to_string(), value)));
        }
        let bytes = serde_json::to_vec(&all).map_err(|_| fail())?;
        // What is added by the encryption is well below a quarter.
        match Self::read(&bytes, limits::SECRETS_BYTES / 4 * 3) {
            Some(_) => Ok(bytes),
            None => Err(fail()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_as_they_were_written_also_those_of_earlier_releases() {
        let text = br#"{"db":{"password":"a"},"object/Secret/key":{"kind":"Secret","stringData":{"n":"1"}}}"#;
        let secrets = Secrets::parse(text).unwrap();
        assert_eq!((secrets.generated.len(), secrets.values.values.len()), (1, 1));
        assert_eq!(secrets.bytes().unwrap(), text);
        assert_eq!(Secrets::parse(br#"{"db":{"password":"a"}}"#).unwrap().values, Overlay::default());
    }

    #[test]
    fn what_is_no_document_of_secrets_is_refused_without_repeating_it() {
        for text in [
            "hush",
            r#"{"db":"hush"}"#,
            r#"{"db":{"password":1}}"#,
            r#"{"db":{"password":"hush"},"db":{"password":"hush"}}"#,
            r#"{"object/ConfigMap/a":{"kind":"ConfigMap","data":{"a":"hush"}}}"#,
            r#"{"object/Secret/":{"kind":"Secret"}}"#,
        ] {
            let Err(e) = Secrets::parse(text.as_bytes()) else { panic!("{text}") };
            assert!(!e.to_string().contains("hush"), "{e}");
        }
    }
}
