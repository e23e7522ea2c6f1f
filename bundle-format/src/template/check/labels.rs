//! Labels (Kubernetes, "Syntax and character set").

use std::collections::BTreeMap;

use super::super::Code;
use super::super::place::Place;
use super::Check;

/// What carries the labels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The template: nothing but its readers sees them.
    Template,
    /// A component: they go onto its Kubernetes objects.
    Component,
}

impl Check<'_> {
    pub(super) fn labels(&mut self, labels: &BTreeMap<String, String>, place: &Place, owner: Owner) {
        for (key, value) in labels {
            let place = place.field(key);
            if !is_qualified_name(key) {
                let message = format!("{key:?} is not the key of a label");
                let hint = "letters, digits, `-`, `_` and `.`, at most 63, perhaps behind a DNS name and `/`";
                self.error(&place, Code::InvalidValue, message, Some(hint));
            } else if owner == Owner::Component && is_reserved(key) {
                let message = format!("the label `{key}` is not the template's to set");
                self.error(&place, Code::InvalidValue, message, Some("use a prefix of your own, such as your domain"));
            }
            if !(value.is_empty() || is_name(value)) {
                let message = format!("{value:?} is not the value of a label");
                let hint = "letters, digits, `-`, `_` and `.`, at most 63, first and last a letter or digit";
                self.error(&place, Code::InvalidValue, message, Some(hint));
            }
        }
    }
}

/// Whether Sealift or Kubernetes sets labels of this prefix.
fn is_reserved(key: &str) -> bool {
    is_under(key, &["kubernetes.io", "k8s.io", "sealift.dev"])
}

/// Whether the prefix of `key` is one of `domains`, or under one.
pub(super) fn is_under(key: &str, domains: &[&str]) -> bool {
    let Some((prefix, _)) = key.split_once('/') else { return false };
    domains.iter().any(|own| prefix.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// A name, perhaps behind a DNS subdomain and `/`.
pub(super) fn is_qualified_name(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_name(name),
        None => is_name(text),
    }
}

/// A DNS subdomain (RFC 1123): labels parted by `.`, at most 253 characters.
pub(super) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(super::super::names::is_label)
}

fn is_name(text: &str) -> bool {
    let alnum = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 63
        && text.starts_with(alnum)
        && text.ends_with(alnum)
        && text.chars().all(|c| alnum(c) || matches!(c, '-' | '_' | '.'))
}
