//! Plans (spec/plan.md): what an action would change, as a pure function of the versions, the site's values and what is live.

mod accept;
mod amount;
mod attributes;
pub(crate) mod charts;
mod choice;
mod decide;
mod effective;
pub(crate) mod found;
mod hidden;
pub mod leftovers;
mod merge;
mod overlay;
mod path;
mod put;
mod rule;
mod same;
mod steps;
#[cfg(test)]
pub(crate) mod tests;
mod values;

use bundle_format::template::ComponentName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::target::ObjectId;

pub use accept::{Accept, UnusedAccept};
pub use attributes::{Attributes, AttributesError, content, content_bytes, object_path};
pub use decide::{decide, decisions, in_force, rollback};
pub use effective::{Effective, EffectiveError, effective};
pub use found::found;
pub use hidden::is_secret;
pub use leftovers::{Leftover, Leftovers, Spot, leftovers};
pub(crate) use merge::is_smaller;
pub use overlay::Overlay;
pub use path::{AttributePath, PathError};
pub use rule::{Cell, Class, ClassError, Row, Scope, TABLE};
pub use same::{Difference, differences, same};
pub use steps::{Leaving, inventory, steps};
pub use values::{Values, ValuesError, ValuesInput};

/// Who wins where values differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Winner {
    /// The vendor's new value is in force.
    Vendor,
    /// The site's value stays.
    Site,
}

/// The rules of the table in spec/plan.md 3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// The vendor decides.
    Vendor,
    /// The vendor decides until the site has.
    Merge,
    /// What is there stays until a change is accepted.
    Held,
    /// It may grow, and never goes.
    Grow,
}

/// What happened to an attribute since the version that is installed: the columns of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is new in the version.
    Added,
    /// The vendor changed it, the site did not.
    Vendor,
    /// The site changed it, the vendor did not.
    Site,
    /// Both changed it, to different values.
    Both,
    /// It is no longer in the version.
    Removed,
}

/// What is decided about one attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The attribute.
    pub path: AttributePath,
    /// What happened.
    pub change: Change,
    /// The rule that decides.
    pub rule: Rule,
    /// The vendor's value in the version that is installed.
    pub old: Option<Value>,
    /// The vendor's value in the new version.
    pub new: Option<Value>,
    /// The value in force at the site.
    pub site: Option<Value>,
    /// The value that will be in force.
    pub value: Option<Value>,
    /// Who wins.
    pub winner: Winner,
    /// Whether the operator accepted the vendor's value against the rule.
    pub accepted: bool,
    /// Whether the site's value is given with this plan: `site` is then what was in force before.
    pub given: bool,
}

/// What becomes of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ComponentChange {
    /// It is new, or switched on.
    Add,
    /// Something of it changes.
    Update,
    /// Nothing of it changes.
    Keep,
    /// It is switched off: scaled to nothing.
    Off,
    /// The version has it no more; it is left running.
    Orphan,
    /// It is removed.
    Remove,
}

/// What becomes of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedComponent {
    /// The component.
    pub name: ComponentName,
    /// What becomes of it.
    pub change: ComponentChange,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Apply the objects of this file.
    Apply {
        /// Its name, as rendered.
        file: String,
        /// The objects, and what is done to each.
        objects: Vec<(ObjectId, Effect)>,
    },
    /// Wait until these objects are ready.
    Wait {
        /// The component that they belong to, if to one.
        component: Option<ComponentName>,
        /// The objects.
        objects: Vec<ObjectId>,
    },
    /// Remove these objects.
    Remove {
        /// The objects.
        objects: Vec<ObjectId>,
    },
}

/// What applying does to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It is made.
    Create,
    /// It is changed.
    Change,
    /// Nothing.
    Keep,
}
