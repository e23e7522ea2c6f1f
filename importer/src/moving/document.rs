//! What an installation is made of, but for its secrets (spec/installation.md section 3).

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::json::{self, Numbers};
use bundle_format::template::{ComponentName, TemplateName, TemplateVersion};
use bundle_format::{Digest, limits};
use serde::{Deserialize, Serialize};

use super::MoveError;
use crate::plan::Overlay;
use crate::render::Namespace;

/// `installation.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Document {
    /// Name of the template, and of the installation.
    pub name: TemplateName,
    /// Version of the template.
    pub version: TemplateVersion,
    /// Revision of the version.
    pub revision: u32,
    /// Components that are those of another version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ahead: BTreeMap<ComponentName, Ahead>,
    /// Optional components, and whether they are switched on.
    pub modules: BTreeMap<ComponentName, bool>,
    /// The site's values, where they are not the vendor's; `null` is what the site removed.
    pub values: Overlay,
    /// The claims whose content is carried, in the order of the members `data/N.tar.age`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Volume>,
}

/// The version that a component is taken from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ahead {
    /// `NAME:TAG`, for people.
    pub label: String,
    /// Digest of the version index.
    pub digest: Digest,
}

/// A claim whose content is carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// Name of the claim.
    pub claim: String,
    /// Bytes of the tar.
    pub size: u64,
}

impl Document {
    /// The document in `bytes`, beside which `data` members are carried.
    ///
    /// # Errors
    /// [`MoveError::Document`].
    pub fn parse(bytes: &[u8], data: usize) -> Result<Self, MoveError> {
        let fail = |why: String| MoveError::Document { why };
        let document: Self =
            json::parse(bytes, limits::INSTALLATION_BYTES, Numbers::Any).map_err(|e| fail(e.to_string()))?;
        if document.data.len() != data {
            return Err(fail(format!("it lists {} claims, and {data} are carried", document.data.len())));
        }
        let mut seen = BTreeSet::new();
        for volume in &document.data {
            if !is_name(&volume.claim) || !seen.insert(&volume.claim) {
                return Err(fail(format!("{:?} is no name of a claim, or is there twice", volume.claim)));
            }
            if volume.size > limits::BLOB_BYTES {
                return Err(fail(format!("{} has more than {} bytes", volume.claim, limits::BLOB_BYTES)));
            }
        }
        // They are for people, and so reach terminals.
        match document.ahead.values().find(|a| a.label.len() > 512 || a.label.chars().any(char::is_control)) {
            Some(ahead) => Err(fail(format!("{:?} is no name of a version", ahead.label))),
            None => Ok(document),
        }
    }

    /// The document as it travels.
    ///
    /// # Errors
    /// [`MoveError::Document`]: it is too large.
    pub fn bytes(&self) -> Result<Vec<u8>, MoveError> {
        let fail = |why: String| MoveError::Document { why };
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| fail(e.to_string()))?;
        bytes.push(b'\n');
        match bytes.len() as u64 > limits::INSTALLATION_BYTES {
            true => Err(fail(format!("the values have more than {} bytes", limits::INSTALLATION_BYTES))),
            false => Ok(bytes),
        }
    }

    /// `NAME:TAG`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}:{}", self.name, self.version.tag(self.revision))
    }
}

/// A name as Kubernetes gives it to claims: labels of DNS with dots between them, at most 253 bytes.
fn is_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(|part| part.len() <= 63 && part.parse::<Namespace>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(data: &str, more: &str, carried: usize) -> Result<Document, String> {
        let text = format!(
            r#"{{"name":"shop","version":"1.0.0","revision":1,"modules":{{"web":true}},"values":{{}},"data":{data}{more}}}"#
        );
        Document::parse(text.as_bytes(), carried).map_err(|e| e.to_string())
    }

    #[test]
    fn a_document_is_read_as_it_was_written() {
        let document = parse(r#"[{"claim":"data-shop-db-0","size":10240}]"#, "", 1).unwrap();
        assert_eq!(Document::parse(&document.bytes().unwrap(), 1).unwrap(), document);
        assert_eq!(document.label(), "shop:1.0.0");
    }

    #[test]
    fn what_is_no_such_document_is_refused() {
        for (data, more, carried, why) in [
            ("[]", "", 1, "lists 0 claims"),
            (r#"[{"claim":"a/../b","size":1}]"#, "", 1, "no name of a claim"),
            (r#"[{"claim":"-rf","size":1}]"#, "", 1, "no name of a claim"),
            (r#"[{"claim":"a","size":1},{"claim":"a","size":1}]"#, "", 2, "twice"),
            (r#"[{"claim":"a","size":1099511627777}]"#, "", 1, "more than"),
            ("[]", r#","more":1"#, 0, "unknown field"),
            ("[]", r#","name":"again""#, 0, "stands twice"),
            (
                "[]",
                r#","ahead":{"web":{"label":"a\u001b[31m","digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}}"#,
                0,
                "no name of a version",
            ),
        ] {
            let error = parse(data, more, carried).unwrap_err();
            assert!(error.contains(why), "{data}{more}: {error}");
        }
    }
}
