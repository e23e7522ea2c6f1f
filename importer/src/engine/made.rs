//! What an installation is made of, for moving it; and what moving it may have stopped.

use super::standing::items;
use super::{Engine, EngineError, Forward, Plan, Standing, Version, secrets};
use crate::render::SecretValues;
use crate::target::ObjectId;

impl Engine<'_> {
    /// The version that is installed, a plan that changes nothing but what the site changed by itself, and the secrets that are known.
    pub(crate) fn made_of(&self, standing: &Standing) -> Result<(Version, Plan, SecretValues), EngineError> {
        let Some(holds) = standing.holds() else { return Err(self.not_installed()) };
        let version = Version::of_record(self.store, holds)?;
        let (intent, plan) = self.forward_from(standing, version, &Forward::default(), None)?;
        let live = self.observe(standing)?;
        let secrets = secrets::known(&self.place, &intent.version.template, &live, standing.secrets());
        Ok((intent.version, plan, secrets))
    }

    /// Starts what an export that was killed has stopped (spec/installation.md section 5).
    pub(crate) fn start_stopped(&mut self) -> Result<(), EngineError> {
        let workloads = self.workloads(&self.standing()?);
        let (patience, watch) = (self.settings.patience, self.watch);
        if let Some(data) = self.target.data() {
            data.start(&workloads, patience, watch)?;
        }
        Ok(())
    }

    /// The installation's deployments and stateful sets, in the order of their dependencies.
    pub(crate) fn workloads(&self, standing: &Standing) -> Vec<ObjectId> {
        let objects = items(standing).into_iter().map(|i| i.object);
        objects.filter(|id| id.group == "apps" && matches!(id.kind.as_str(), "Deployment" | "StatefulSet")).collect()
    }

    /// The secrets that an earlier installation left on the target or in a record, as far as `version` has them.
    pub(crate) fn kept_secrets(&self, standing: &Standing, version: &Version) -> Result<SecretValues, EngineError> {
        let live = self.observe(standing)?;
        Ok(secrets::known(&self.place, &version.template, &live, standing.secrets()))
    }
}
