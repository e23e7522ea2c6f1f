//! What a site adds to a template.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use bundle_format::ImageRef;
use bundle_format::template::{ComponentName, RelativePath, SecretKey, SecretName, TemplateName};

use crate::target::Capabilities;

/// The values of generated secrets.
pub type SecretValues = BTreeMap<SecretName, BTreeMap<SecretKey, String>>;

/// What a site decided, and what the bundle held beside the template.
#[derive(Clone, Copy)]
pub struct RenderInput<'a> {
    /// What the installation is called; Kubernetes objects are named after it. Usually the template's own name.
    pub installation: &'a TemplateName,
    /// The namespace that it goes into.
    pub namespace: &'a Namespace,
    /// The name under which nodes pull an image of the template, pinned by digest.
    pub image: &'a dyn Fn(&ImageRef) -> String,
    /// The contents of the documents beside the template: manifests, files of configuration, and what charts and folders of
    /// kustomize became when it was packed (`rendered/charts/NAME.yaml`, `rendered/kustomizations/NAME.yaml`).
    pub documents: &'a BTreeMap<RelativePath, Vec<u8>>,
    /// The values of the secrets: see [`super::secrets_needed`]. Those that the template does not name are passed over.
    pub secrets: &'a SecretValues,
    /// The optional components that the site switched on.
    pub enabled: &'a BTreeSet<ComponentName>,
    /// The components that are switched off and were on once: they are rendered, and scaled to nothing.
    /// `enabled` goes before it; what the template does not have is passed over.
    pub off: &'a BTreeSet<ComponentName>,
    /// The types of objects that the target takes.
    pub capabilities: &'a Capabilities,
    /// The Secret of the namespace that holds the login for the images' registry, if it needs one.
    pub pull_secret: Option<&'a str>,
}

/// The name of a Kubernetes namespace: a DNS label (RFC 1123) of at most 63 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(String);

/// Why a text is not a [`Namespace`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the name of a namespace: 1 to 63 lowercase letters, digits and `-`, first and last no `-`")]
pub struct NamespaceError {
    /// What was given, cut to 100 characters.
    pub text: String,
}

impl Namespace {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Namespace {
    type Err = NamespaceError;
    fn from_str(text: &str) -> Result<Self, NamespaceError> {
        let alnum = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let bytes = text.as_bytes();
        let good = bytes.len() <= 63
            && bytes.first().is_some_and(alnum)
            && bytes.last().is_some_and(alnum)
            && bytes.iter().all(|b| alnum(b) || *b == b'-');
        if good { Ok(Self(text.to_owned())) } else { Err(NamespaceError { text: text.chars().take(100).collect() }) }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_a_dns_label() {
        for (text, good) in [("team-a", true), ("1", true), ("", false), ("-a", false), ("a.b", false), ("A", false)] {
            assert_eq!(text.parse::<Namespace>().is_ok(), good, "{text:?}");
        }
        assert!("a".repeat(64).parse::<Namespace>().is_err());
    }
}
