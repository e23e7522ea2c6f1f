//! Where the site's values are not the vendor's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::merge::same;
use super::{AttributePath, Attributes, Scope};

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

    /// What the site has where it is not what the vendor says.
    #[must_use]
    pub fn between(vendor: &Attributes, site: &Attributes) -> Self {
        let differing = vendor.all_paths(&[site]).into_iter().filter(|p| !same(p, vendor.get(p), site.get(p)));
        Self { values: differing.map(|path| (path.clone(), site.get(path).cloned())).collect() }
    }

    /// What is in force where the vendor says `vendor`. What the version does not name is the site's own, as its own variables are; but
    /// of a component or plugin that the version does not have, nothing can be in force, and no value of a chart that is not adjustable.
    #[must_use]
    pub fn applied_to(&self, vendor: &Attributes) -> Attributes {
        let there = vendor.scopes();
        let mut values = vendor.clone();
        for (path, value) in &self.values {
            let possible = match Scope::split(path.scope()).0 {
                Scope::Component | Scope::Plugin => there.contains(path.scope()),
                Scope::Chart => vendor.get(path).is_some(),
                _ => true,
            };
            if possible {
                values.put(path.clone(), value.clone());
            }
        }
        values
    }

    /// Both together; where both name an attribute, `stronger` has it.
    #[must_use]
    pub fn under(mut self, stronger: Self) -> Self {
        self.values.extend(stronger.values);
        self
    }
}
