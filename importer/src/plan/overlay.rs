//! Where the site's values are not the vendor's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::AttributePath;

/// The site's values where they are not the vendor's; `None` is what the site removed (spec/plan.md 1.4).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Overlay {
    /// The values.
    pub values: BTreeMap<AttributePath, Option<Value>>,
}

impl Overlay {
    /// Whether the site has changed nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}
