//! What an action was given.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bundle_format::Digest;
use bundle_format::template::ComponentName;
use serde::{Deserialize, Serialize};

use crate::plan::{Accept, Overlay};

/// What an action was given beyond its version, for one that continues it (spec/plan.md 7.5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Given {
    /// Digest of the version index of the version that was asked for.
    pub version: Digest,
    /// Values of the site; `None` for what the site removes.
    #[serde(default, skip_serializing_if = "Overlay::is_empty")]
    pub values: Overlay,
    /// Modules that were switched.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub switched: BTreeMap<ComponentName, bool>,
    /// What was accepted against the rules.
    #[serde(default)]
    pub accept: Accept,
    /// The only components to take from the version; all if empty.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub only: BTreeSet<ComponentName>,
    /// Whether what the version no longer has is removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prune: bool,
}

/// As it was typed, more or less, without the values of Secrets; nothing if nothing was given.
impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |(path, value): (&_, &Option<serde_json::Value>)| match value {
            Some(value) => format!("{path}={value}"),
            None => format!("{path} removed"),
        };
        let mut all: Vec<String> = self.values.without_secrets().values.iter().map(value).collect();
        let switch = |(name, on): (&ComponentName, &bool)| format!("--{} {name}", if *on { "with" } else { "without" });
        all.extend(self.switched.iter().map(switch));
        all.extend(self.accept.paths.iter().map(|path| format!("--accept {path}")));
        all.extend(self.accept.classes.iter().map(|class| format!("--accept-all {class}")));
        all.extend(self.only.iter().map(|name| format!("--only {name}")));
        all.extend(self.prune.then(|| "--prune".to_owned()));
        f.write_str(&all.join(", "))
    }
}
