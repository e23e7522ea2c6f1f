//! What the operator accepts of the vendor's.

use std::collections::BTreeSet;

use bundle_format::template::did_you_mean;
use serde::{Deserialize, Serialize};

use super::{AttributePath, Class, Decision, Row};

/// What `--accept` and `--accept-all` name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    /// Single attributes.
    pub paths: BTreeSet<AttributePath>,
    /// Classes of attributes.
    pub classes: BTreeSet<Class>,
}

/// A path was accepted that nothing is decided about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing is to be decided about {path}")]
pub struct UnusedAccept {
    /// The path.
    pub path: AttributePath,
    /// The path that was probably meant.
    pub hint: Option<String>,
}

impl Accept {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self { paths: BTreeSet::new(), classes: [Class::All].into() }
    }

    /// Whether the vendor's value of `path` is accepted. A class takes what the vendor says or said something about (`vendors`): the
    /// site's own additions are not among it.
    #[must_use]
    pub fn takes(&self, path: &AttributePath, vendors: bool) -> bool {
        let class = Row::of(path).and_then(|row| row.class);
        let by_class = self.classes.contains(&Class::All) || class.is_some_and(|class| self.classes.contains(&class));
        self.paths.contains(path) || (vendors && by_class)
    }

    /// The accepted paths that none of `decisions` is about.
    #[must_use]
    pub fn unused(&self, decisions: &[Decision]) -> Vec<UnusedAccept> {
        let decided: BTreeSet<&AttributePath> = decisions.iter().map(|d| &d.path).collect();
        let names: Vec<String> = decided.iter().map(ToString::to_string).collect();
        let unused = self.paths.iter().filter(|path| !decided.contains(path));
        unused
            .map(|path| {
                let hint = did_you_mean(&path.to_string(), names.iter().map(String::as_str));
                UnusedAccept { path: path.clone(), hint }
            })
            .collect()
    }
}
