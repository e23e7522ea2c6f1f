//! Whole plans on a cluster in memory.

mod charts;
mod laws;
mod manifests;
mod versions;

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::ImageRef;
use bundle_format::template::ComponentName;
use serde_json::Value;

use super::compute::{Aim, Inputs, Plan};
use super::{EngineError, Standing, Version, secrets};
use crate::plan::{Accept, Attributes, Overlay, PlannedComponent, Step, effective};
use crate::record::{Action, Record, Status};
use crate::render::{RenderInput, render};
use crate::target::memory::Cluster;
use crate::target::{Capabilities, ObjectId, Place};

/// An installation on a cluster, with its records: an engine without a store.
#[derive(Clone)]
struct World {
    versions: &'static [Version],
    cluster: Cluster,
    records: Vec<Record>,
}

/// What is wanted of an action.
#[derive(Clone, Default)]
struct Wish {
    /// The version, as its place in the list.
    version: usize,
    values: Overlay,
    accept: Accept,
    switched: BTreeMap<ComponentName, bool>,
    prune: bool,
}

impl Wish {
    fn version(version: usize) -> Self {
        Self { version, ..Self::default() }
    }

    fn switching(self, modules: &[&str], on: bool) -> Self {
        Self { switched: modules.iter().map(|name| (name.parse().unwrap(), on)).collect(), ..self }
    }

    fn pruning(self) -> Self {
        Self { prune: true, ..self }
    }
}

fn place() -> Place {
    Place { namespace: "team".parse().unwrap(), name: "cloud".parse().unwrap() }
}

fn images(version: &Version) -> BTreeMap<ImageRef, String> {
    let name = |image: &ImageRef| format!("site.example/{}@sha256:{}", image.mirror_path(), "0".repeat(64));
    version.template.images().into_iter().map(|image| (image.clone(), name(image))).collect()
}

impl World {
    fn of(versions: &'static [Version]) -> Self {
        Self { versions, cluster: Cluster::default(), records: Vec::new() }
    }

    fn standing(&self) -> Standing {
        Standing::new(self.records.clone())
    }

    fn version_of(&self, record: &Record) -> &'static Version {
        self.versions.iter().find(|version| version.digest == record.digest).unwrap()
    }

    /// What an action would do, and the record that it would begin with.
    fn plan(&self, wish: &Wish) -> Result<(Record, Plan), EngineError> {
        let standing = self.standing();
        let version = &self.versions[wish.version];
        let mut enabled: BTreeSet<ComponentName> =
            standing.holds().map(|record| record.enabled.iter().cloned().collect()).unwrap_or_default();
        enabled.retain(|name| version.template.component(name).is_some_and(|c| c.optional));
        for (name, on) in &wish.switched {
            if *on {
                enabled.insert(name.clone())
            } else {
                enabled.remove(name)
            };
        }
        let action = if standing.holds().is_some() { Action::Upgrade } else { Action::Install };
        let aim = Aim::Forward { values: &wish.values, accept: &wish.accept };
        self.compute(&standing, (action, version, None), enabled, aim, wish.prune)
    }

    fn plan_back(&self, to: Option<u64>, exact: bool) -> Result<(Record, Plan), EngineError> {
        let standing = self.standing();
        let to = to.map_or_else(|| standing.before_last(), |to| standing.record(to)).unwrap();
        let left = standing.left(to).map_or(&to.overlay, |next| &next.found);
        let enabled = to.enabled.iter().cloned().collect();
        let version = (Action::Rollback, self.version_of(to), Some(to.number));
        self.compute(&standing, version, enabled, Aim::Back { left, exact }, exact)
    }

    fn compute(
        &self,
        standing: &Standing,
        (action, version, to): (Action, &'static Version, Option<u64>),
        enabled: BTreeSet<ComponentName>,
        aim: Aim<'_>,
        prune: bool,
    ) -> Result<(Record, Plan), EngineError> {
        let live = self.cluster.live();
        let with_version = |record| (record, self.version_of(record));
        let unfinished: Vec<_> = standing.interrupted().iter().map(with_version).collect();
        let (place, images) = (place(), images(version));
        let secrets = secrets::ensure(&place, &version.template, &live, standing.secrets(), &BTreeMap::new())?;
        let inputs = Inputs {
            place: &place,
            holds: standing.holds().map(with_version),
            unfinished: &unfinished,
            version,
            aim,
            enabled: &enabled,
            images: &images,
            secrets: &secrets,
            live: &live,
            capabilities: &Capabilities::assumed(),
            pull_secret: None,
            prune,
            stays: &BTreeSet::new(),
        };
        let plan = inputs.compute()?;
        let record = Record {
            number: standing.next(),
            action,
            status: Status::Begun,
            time: "2026-01-01T00:00:00Z".to_owned(),
            by: "somebody".to_owned(),
            version: version.version.clone(),
            revision: version.revision,
            digest: version.digest,
            completes: Vec::new(),
            ahead: BTreeMap::new(),
            target: "kube".to_owned(),
            enabled: enabled.into_iter().collect(),
            overlay: plan.overlay.clone(),
            found: plan.found.clone(),
            from: standing.holds().map(|record| record.number),
            to,
            naming: super::ImageNames::default(),
            pull_secret: None,
            images,
            inventory: plan.inventory.clone(),
            secrets,
            given: None,
            message: None,
        };
        Ok((record, plan))
    }

    /// Takes the steps of a plan. After `most` of them, if that is given, the action is killed.
    fn take(&mut self, (mut record, plan): (Record, Plan), most: Option<usize>) -> Plan {
        for step in plan.steps.iter().take(most.unwrap_or(usize::MAX)) {
            match step {
                Step::Apply { file, .. } => {
                    self.cluster.apply(plan.files.iter().find(|f| f.name() == file).unwrap(), &plan.leftovers);
                }
                Step::Wait { .. } => {}
                Step::Remove { objects } => {
                    let kept = |id: &&ObjectId| {
                        matches!(id.kind.as_str(), "PersistentVolumeClaim" | "Secret" | "Namespace")
                            && id.group.is_empty()
                    };
                    assert_eq!(objects.iter().find(kept), None, "claims and secrets are never removed");
                    self.cluster.remove(objects);
                }
            }
        }
        if most.is_none() {
            record.status = Status::Done;
        }
        self.records.push(record);
        plan
    }

    fn act(&mut self, wish: &Wish) -> Result<Plan, EngineError> {
        Ok(self.take(self.plan(wish)?, None))
    }

    fn go_back(&mut self, to: Option<u64>, exact: bool) -> Result<Plan, EngineError> {
        Ok(self.take(self.plan_back(to, exact)?, None))
    }

    /// Lets the site change values on the cluster.
    fn edit(&mut self, edits: &Overlay) -> Result<(), EngineError> {
        let standing = self.standing();
        let record = standing.holds().unwrap();
        let version = self.version_of(record);
        let vendor = Attributes::filled(&version.template, &version.documents, &record.overlay)?;
        let values = record.overlay.clone().under(edits.clone()).applied_to(&vendor);
        let there = effective(&version.template, &version.documents, &values)?;
        let enabled = record.enabled.iter().cloned().collect();
        let off = super::compute::off(version, &enabled, &record.inventory);
        let place = place();
        let image = |image: &ImageRef| record.images.get(image).unwrap().clone();
        let input = RenderInput {
            installation: &place.name,
            namespace: &place.namespace,
            image: &image,
            documents: &there.documents,
            secrets: &record.secrets,
            enabled: &enabled,
            off: &off,
            capabilities: &Capabilities::assumed(),
            pull_secret: None,
        };
        self.cluster.edit(&render(&there.template, &input)?);
        Ok(())
    }

    /// What is in force after the last action.
    fn in_force(&self) -> Attributes {
        let record = self.records.last().unwrap();
        let version = self.version_of(record);
        record.overlay.applied_to(&Attributes::filled(&version.template, &version.documents, &record.overlay).unwrap())
    }

    fn said(&self) -> BTreeMap<ObjectId, Value> {
        self.cluster.said()
    }
}

/// What becomes of the component called `name`.
fn change_of(plan: &Plan, name: &str) -> Option<crate::plan::ComponentChange> {
    plan.components.iter().find(|c: &&PlannedComponent| c.name.as_str() == name).map(|c| c.change)
}

/// The objects that are not in both, or not the same in both. That a claim has grown is no difference.
fn differing(before: &BTreeMap<ObjectId, Value>, after: &BTreeMap<ObjectId, Value>) -> Vec<String> {
    let is_claim = |id: &ObjectId| id.kind == "PersistentVolumeClaim";
    let changed = before.iter().filter(|(id, object)| match after.get(*id) {
        Some(_) if is_claim(id) => false,
        there => there != Some(*object),
    });
    let changed = changed.map(|(id, object)| format!("{id}:\n{object}\n{}", after.get(id).unwrap_or(&Value::Null)));
    let more = after.keys().filter(|id| !before.contains_key(*id)).map(|id| format!("{id} is there"));
    changed.chain(more).collect()
}
