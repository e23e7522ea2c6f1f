//! A whole plan, as a pure function (spec/plan.md section 2).

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::template::{Component, ComponentName};
use bundle_format::{Digest, ImageRef};
use serde_json::Value;

use super::{EngineError, Version, claims};
use crate::plan::{
    Accept, AttributePath, Attributes, Change, ComponentChange, Decision, Effect, Effective, Leaving, Leftovers,
    Overlay, PlannedComponent, Row, Rule, Scope, Step, Winner, charts, decisions, effective, found, in_force,
    inventory, leftovers, rollback, same, steps,
};
use crate::record::{Item, Record};
use crate::render::{RenderInput, RenderedFile, SecretValues, render};
use crate::target::{Capabilities, Live, ObjectId, Place};

/// What a plan is computed from.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The installation.
    pub place: &'a Place,
    /// The record that holds, and its version.
    pub holds: Option<(&'a Record, &'a Version)>,
    /// The records since then, of actions that did not end well, oldest first; each with its version.
    pub unfinished: &'a [(&'a Record, &'a Version)],
    /// The version that is to be.
    pub version: &'a Version,
    /// Where the values come from.
    pub aim: Aim<'a>,
    /// Optional components that are to be on.
    pub enabled: &'a BTreeSet<ComponentName>,
    /// The images as pods are to name them.
    pub images: &'a BTreeMap<ImageRef, String>,
    /// The values of generated secrets.
    pub secrets: &'a SecretValues,
    /// What is on the target.
    pub live: &'a Live,
    /// The types of objects that the target takes.
    pub capabilities: &'a Capabilities,
    /// The Secret that holds the login for the images' registry.
    pub pull_secret: Option<&'a str>,
    /// Whether what the version no longer has is removed.
    pub prune: bool,
    /// What is left also then: it ran in the state that is returned to, and belonged to no version any more.
    pub stays: &'a BTreeSet<ObjectId>,
}

/// Where the values of a plan come from.
#[derive(Debug, Clone, Copy)]
pub enum Aim<'a> {
    /// From the new version, as far as the site's values and the rules let it.
    Forward {
        /// Values that are given now.
        values: &'a Overlay,
        /// What is accepted against the rules.
        accept: &'a Accept,
    },
    /// From an earlier state.
    Back {
        /// The site's values in it.
        left: &'a Overlay,
        /// Whether the site's values since then go.
        exact: bool,
    },
}

/// What an action would change.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is decided, where values differ. It is for people: Secrets are without their values.
    pub decisions: Vec<Decision>,
    /// What becomes of the components.
    pub components: Vec<PlannedComponent>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// The site's values where they are not the vendor's, once the plan is applied.
    pub overlay: Overlay,
    /// The site's values as they were found.
    pub found: Overlay,
    /// The objects, once the plan is applied.
    pub inventory: Vec<Item>,
    /// The files that the steps apply.
    pub files: Vec<RenderedFile>,
    /// What others put into those objects, and what goes when they are applied.
    pub leftovers: Leftovers,
}

impl Plan {
    /// Whether applying it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// A state that was rendered: what is in force, and the files of it.
struct State {
    in_force: Attributes,
    template: Effective,
    files: Vec<RenderedFile>,
}

impl Plan {
    /// The objects that are there, and that applying it changes.
    #[must_use]
    pub fn changed_objects(&self) -> Vec<ObjectId> {
        let applied = self.steps.iter().filter_map(|step| match step {
            Step::Apply { objects, .. } => Some(objects),
            _ => None,
        });
        applied.flatten().filter(|(_, effect)| *effect == Effect::Change).map(|(id, _)| id.clone()).collect()
    }
}

impl Inputs<'_> {
    /// The plan.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn compute(&self) -> Result<Plan, EngineError> {
        let charts = self.charts();
        if let Some((path, why)) = charts::misfit(&self.version.template, &charts) {
            return Err(EngineError::ChartValue { path: path.clone(), why });
        }
        let vendor_new = Attributes::filled(&self.version.template, &self.version.documents, &charts)?;
        let vendor_old = match self.holds {
            Some((record, version)) => Attributes::filled(&version.template, &version.documents, &record.overlay)?,
            None => Attributes::default(),
        };
        let held = self.holds.map(|(record, version)| self.state(record, version)).transpose()?;
        let in_force_old = held.as_ref().map(|h| h.in_force.clone()).unwrap_or_default();
        let known = match self.unfinished.last() {
            // What an interrupted action found before it changed anything is the site's as well.
            Some((record, _)) => state(&record.found, &vendor_old),
            None => in_force_old.clone(),
        };
        let mut site = self.fitting(self.edits(held.as_ref())?, &known).applied_to(&known);
        let found = match (&held, self.unfinished.last()) {
            (None, Some((record, _))) => record.found.clone(),
            _ => Overlay::between(&vendor_old, &site),
        };
        let was = site.clone();
        let before = self.before();
        let decided = match self.aim {
            Aim::Forward { values, accept } => {
                let values = &claims::possible(values, &was, &before)?;
                // Also of components that are new: so not as an overlay on what is there.
                for (path, value) in &values.values {
                    site.put(path.clone(), value.clone());
                }
                charts::put_given(&mut site, &self.version.template, &self.version.documents, values, &charts)?;
                let pruned = if self.prune { gone(&vendor_new, [&vendor_old, &site]) } else { BTreeSet::new() };
                let all = Accept { paths: &accept.paths | &pruned, classes: accept.classes.clone() };
                let decided = decisions(&vendor_old, &vendor_new, &site, &all);
                // What an interrupted action has accepted may be in force already, with nothing left to decide.
                let before = self.unfinished.iter().filter_map(|(record, _)| record.given.as_ref());
                let settled: BTreeSet<&AttributePath> = before.flat_map(|given| &given.accept.paths).collect();
                if let Some(unused) = accept.unused(&decided).into_iter().find(|u| !settled.contains(&u.path)) {
                    return Err(unused.into());
                }
                decided
            }
            Aim::Back { left, exact } => rollback(&state(left, &vendor_new), &in_force_old, &site, exact),
        };
        let base = match self.aim {
            Aim::Forward { .. } => vendor_new.clone(),
            Aim::Back { left, .. } => state(left, &vendor_new),
        };
        let in_force = in_force(&base, &decided);
        let template = effective(&self.version.template, &self.version.documents, &in_force)?;
        let off = off(self.version, self.enabled, &before);
        let files = self.render(&template, self.enabled, &off, self.images, self.secrets)?;
        let names = |rank: Vec<&Component>| rank.into_iter().map(|c| c.name.clone()).collect();
        let ranks: Vec<Vec<ComponentName>> = template.template.in_ranks().into_iter().map(names).collect();
        let accepted = self.accepted(&decided, &before);
        let leftovers = leftovers(&template, &files, self.live);
        let leaving = Leaving { ranks: &ranks, prune: self.prune, accepted: &accepted, leftovers: &leftovers };
        let may_go: Vec<Item> = before.iter().filter(|item| !self.stays.contains(&item.object)).cloned().collect();
        let steps = steps(&files, self.live, &may_go, leaving);
        // What was to be there and never came, or is gone since, is nobody's to keep running.
        let there: Vec<Item> = before.iter().filter(|item| self.live.get(&item.object).is_some()).cloned().collect();
        let inventory = inventory(&files, &there, &steps);
        let components = self.components(&files, &steps, &before, &off, &leftovers);
        Ok(Plan {
            overlay: Overlay::between(&vendor_new, &in_force),
            found,
            decisions: self
                .told(decided, &was)
                .into_iter()
                .chain(self.rebuilt())
                .filter(|d| self.is_shown(d, &components))
                .map(Decision::without_secrets)
                .collect(),
            components,
            steps,
            inventory,
            files,
            leftovers,
        })
    }

    /// The values of charts that will be in force, where they are not the vendor's.
    fn charts(&self) -> Overlay {
        match self.aim {
            Aim::Forward { values, accept } => {
                let old = self.holds.map(|(_, version)| &version.template);
                let site = self.holds.map(|(record, _)| record.overlay.clone()).unwrap_or_default();
                charts::chosen(old, &self.version.template, &site, values, accept)
            }
            Aim::Back { left, .. } => left.clone(),
        }
    }

    /// What the site changed on the target: what is neither as the record that holds left it, nor as an action made it that did
    /// not end well.
    fn edits(&self, held: Option<&State>) -> Result<Overlay, EngineError> {
        let Some(State { template: Effective { template, documents }, files, .. }) = held else {
            return Ok(Overlay::default());
        };
        let read = |also: Option<&[RenderedFile]>| found(template, documents, files, also, self.live);
        let mut edits: Option<Overlay> = None;
        for (record, version) in self.unfinished {
            let mut more = read(Some(&self.state(record, version)?.files));
            if let Some(edits) = &edits {
                more.values.retain(|path, _| edits.values.contains_key(path));
            }
            edits = Some(more);
        }
        Ok(edits.unwrap_or_else(|| read(None)))
    }

    /// The edits without those that the version cannot have, as a second replica of what only runs once: they are put back.
    fn fitting(&self, edits: Overlay, known: &Attributes) -> Overlay {
        let Some((_, version)) = self.holds else { return edits };
        let fit = |edits: &Overlay| effective(&version.template, &version.documents, &state(edits, known)).is_ok();
        if fit(&edits) {
            return edits;
        }
        let mut fitting = Overlay::default();
        for (path, value) in edits.values {
            let mut more = fitting.clone();
            more.values.insert(path, value);
            if fit(&more) {
                fitting = more;
            }
        }
        fitting
    }

    /// The state that `record` left.
    fn state(&self, record: &Record, version: &Version) -> Result<State, EngineError> {
        let vendor = Attributes::filled(&version.template, &version.documents, &record.overlay)?;
        let in_force = record.overlay.applied_to(&vendor);
        let template = effective(&version.template, &version.documents, &in_force)?;
        let enabled: BTreeSet<_> = record.enabled.iter().cloned().collect();
        let off = off(version, &enabled, &record.inventory);
        // Values of secrets do not matter here, but rendering wants them.
        let mut secrets = self.secrets.clone();
        for (name, values) in &record.secrets {
            secrets.entry(name.clone()).or_default().extend(values.clone());
        }
        let files = self.render(&template, &enabled, &off, &record.images, &secrets)?;
        Ok(State { in_force, template, files })
    }

    fn render(
        &self,
        version: &Effective,
        enabled: &BTreeSet<ComponentName>,
        off: &BTreeSet<ComponentName>,
        images: &BTreeMap<ImageRef, String>,
        secrets: &SecretValues,
    ) -> Result<Vec<RenderedFile>, EngineError> {
        let image = |image: &ImageRef| images.get(image).cloned().unwrap_or_else(|| image.to_string());
        Ok(render(
            &version.template,
            &RenderInput {
                installation: &self.place.name,
                namespace: &self.place.namespace,
                image: &image,
                documents: &version.documents,
                secrets,
                enabled,
                off,
                capabilities: self.capabilities,
                pull_secret: self.pull_secret,
            },
        )?)
    }

    /// The objects that are the installation's before the plan, those of actions that did not end well included, in the order
    /// in which they were applied. Of one that actions say differently nobody knows how far the last of them came: what it is
    /// like is then no object's digest, so that it is applied again. What only an action named that did not end well, and what was
    /// left behind, are forgotten when they are not there: the one was never made, of the other somebody has disposed.
    fn before(&self) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        let mut places: BTreeMap<&ObjectId, usize> = BTreeMap::new();
        for item in self.holds.iter().chain(self.unfinished).flat_map(|(record, _)| &record.inventory) {
            match places.get(&item.object).and_then(|place| items.get_mut(*place)) {
                Some(before) => {
                    let digest = if before.digest == item.digest { item.digest } else { Digest::of(b"") };
                    *before = Item { digest, ..item.clone() };
                }
                None => {
                    places.insert(&item.object, items.len());
                    items.push(item.clone());
                }
            }
        }
        let held: BTreeSet<&ObjectId> = match self.holds {
            Some((record, _)) => record.inventory.iter().filter(|i| !i.orphan).map(|i| &i.object).collect(),
            None => BTreeSet::new(),
        };
        items.retain(|item| held.contains(&item.object) || self.live.get(&item.object).is_some());
        items
    }

    /// The objects of manifests that go because somebody said so.
    fn accepted(&self, decided: &[Decision], before: &[Item]) -> BTreeSet<ObjectId> {
        let goes = |d: &&Decision| d.change == Change::Removed && d.winner == Winner::Vendor && d.value.is_none();
        let paths: BTreeSet<String> = decided.iter().filter(goes).map(|d| d.path.to_string()).collect();
        let goes = |item: &&Item| {
            let ObjectId { kind, namespace, name, .. } = &item.object;
            let (here, own) = (self.place.namespace.as_str(), namespace.as_deref());
            let plain = own.is_none_or(|own| own == here).then(|| format!("object/{kind}/{name}"));
            let named = own.map(|own| format!("object/{kind}/{name}@{own}"));
            [plain, named].iter().flatten().any(|path| paths.contains(path))
        };
        before.iter().filter(|i| i.component.is_none()).filter(goes).map(|i| i.object.clone()).collect()
    }

    /// Whether an object is not there, or would be another but for the label that names the version.
    fn is_touched(&self, object: &Value) -> bool {
        let mut object = object.clone();
        if let Some(labels) = object.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            labels.remove("app.kubernetes.io/version");
        }
        let live = ObjectId::of(&object).and_then(|id| self.live.get(&id));
        live.is_none_or(|live| !same(&object, live))
    }

    fn components(
        &self,
        files: &[RenderedFile],
        steps: &[Step],
        before: &[Item],
        off: &BTreeSet<ComponentName>,
        leftovers: &Leftovers,
    ) -> Vec<PlannedComponent> {
        let removed: BTreeSet<_> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Remove { objects } => Some(objects),
                _ => None,
            })
            .flatten()
            .collect();
        let was: BTreeSet<&ComponentName> =
            before.iter().filter(|i| !i.orphan).filter_map(|i| i.component.as_ref()).collect();
        let mut out = Vec::new();
        for component in &self.version.template.components {
            let name = &component.name;
            let mut objects = files.iter().filter(|f| f.component() == Some(name)).flat_map(RenderedFile::objects);
            let touched = objects.any(|object| {
                self.is_touched(object) || ObjectId::of(object).is_some_and(|id| leftovers.contains_key(&id))
            });
            let change = match (files.iter().any(|f| f.component() == Some(name)), was.contains(name)) {
                (false, _) => continue,
                (true, _) if off.contains(name) => ComponentChange::Off,
                (true, false) => ComponentChange::Add,
                (true, true) if touched => ComponentChange::Update,
                (true, true) => ComponentChange::Keep,
            };
            out.push(PlannedComponent { name: name.clone(), change });
        }
        let gone: BTreeSet<&ComponentName> = before
            .iter()
            .filter(|item| self.live.get(&item.object).is_some())
            .filter_map(|i| i.component.as_ref())
            .filter(|name| self.version.template.component(name).is_none())
            .collect();
        for name in gone {
            let all = before.iter().filter(|i| i.component.as_ref() == Some(name));
            let goes = all.clone().any(|i| removed.contains(&i.object));
            let change = if goes { ComponentChange::Remove } else { ComponentChange::Orphan };
            out.push(PlannedComponent { name: name.clone(), change });
        }
        out
    }
}

/// The objects of documents that the version does not have. Such a one is never the site's own: values name only what there is.
fn gone(vendor: &Attributes, others: [&Attributes; 2]) -> BTreeSet<AttributePath> {
    let of_documents = |path: &&AttributePath| Row::of(path).is_some_and(|row| row.scope == Scope::Object);
    let all = others.into_iter().flat_map(Attributes::paths).filter(of_documents);
    all.filter(|path| vendor.get(path).is_none()).cloned().collect()
}

/// The values of a state: the vendor's, and those of the site. What the vendor decides about is drift there.
fn state(left: &Overlay, vendor: &Attributes) -> Attributes {
    let mut left = left.clone();
    left.values.retain(|path, _| Row::of(path).is_some_and(|row| row.rule != Rule::Vendor));
    left.applied_to(vendor)
}

/// The components that are switched off, and were on once.
pub(super) fn off(version: &Version, enabled: &BTreeSet<ComponentName>, before: &[Item]) -> BTreeSet<ComponentName> {
    let optional = version.template.components.iter().filter(|c| c.optional && !enabled.contains(&c.name));
    let was_on = |name: &ComponentName| before.iter().any(|i| i.component.as_ref() == Some(name));
    optional.map(|c| c.name.clone()).filter(was_on).collect()
}
