//! How an installation is: its record, what is ready, and what the site changed.

use std::time::Duration;

use bundle_format::template::ComponentName;

use super::{Engine, EngineError, Forward, Standing, Version};
use crate::plan::{ComponentChange, Overlay};
use crate::record::Record;
use crate::target::{ObjectId, TargetError};

/// How an installation is.
#[derive(Debug, Clone)]
pub struct State {
    /// The record that holds.
    pub holds: Option<Record>,
    /// The record of an action that did not end well.
    pub unfinished: Option<Record>,
    /// Who acts on it at this moment, in words.
    pub running: Option<String>,
    /// Its components.
    pub components: Vec<ComponentState>,
    /// The site's values where they are not the vendor's, as they are now. Secrets are without their values, here and in `drift`.
    pub site: Overlay,
    /// What was changed on the target since the last action.
    pub drift: Overlay,
    /// Objects that are no longer as they were applied, beyond what the site may decide.
    pub changed: Vec<ObjectId>,
}

/// How a component is.
#[derive(Debug, Clone)]
pub struct ComponentState {
    /// The component.
    pub name: ComponentName,
    /// Why it is not ready, if it is not.
    pub waiting: Option<String>,
    /// Whether the version no longer has it.
    pub orphan: bool,
    /// Whether it is switched off.
    pub off: bool,
}

impl Engine<'_> {
    /// How the installation is.
    ///
    /// # Errors
    /// [`EngineError::NotInstalled`], and those of the target.
    pub fn status(&self) -> Result<State, EngineError> {
        let standing = self.standing()?;
        let record = standing.holds().or(standing.unfinished());
        let Some(record) = record else {
            return Err(EngineError::NotInstalled { place: self.place.clone(), target: self.target.name() });
        };
        // Planning the version that is installed says what differs from it.
        let version = Version::of_record(self.store, record)?;
        let plan = self.plan_anew(version, &Forward::default())?;
        let mut components = Vec::new();
        for planned in &plan.components {
            // Of what was left behind, the plan knows what is still there.
            let of_component = plan.inventory.iter().filter(|i| i.component.as_ref() == Some(&planned.name));
            let objects: Vec<ObjectId> = of_component.map(|i| i.object.clone()).collect();
            let waiting = match self.target.wait(&objects, Duration::ZERO, &()) {
                Ok(()) => None,
                Err(TargetError::NotReady { object, why, .. } | TargetError::Failed { object, why, .. }) => {
                    Some(format!("{object}: {why}"))
                }
                Err(e) => return Err(e.into()),
            };
            components.push(ComponentState {
                name: planned.name.clone(),
                waiting,
                orphan: planned.change == ComponentChange::Orphan,
                off: planned.change == ComponentChange::Off,
            });
        }
        Ok(State {
            running: self.records.held(&self.place)?,
            drift: drift(&standing, &plan.found).without_secrets(),
            site: plan.found.without_secrets(),
            changed: plan.changed_objects(),
            holds: standing.holds().cloned(),
            unfinished: standing.unfinished().cloned(),
            components,
        })
    }
}

/// What of `found` the record that holds did not leave.
fn drift(standing: &Standing, found: &Overlay) -> Overlay {
    let left = standing.holds().map(|r| &r.overlay);
    let is_new = |(path, value): &(&_, &_)| left.is_none_or(|left| left.values.get(*path) != Some(*value));
    Overlay { values: found.values.iter().filter(is_new).map(|(p, v)| (p.clone(), v.clone())).collect() }
}
