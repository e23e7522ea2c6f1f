//! Actions on an installation: a plan, its steps, a record.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bundle_format::template::ComponentName;
use bundle_format::{Digest, ImageRef};
use registry_lite::Store;

use super::compute::{Aim, Inputs, Plan};
use super::{EngineError, ImageNames, Standing, Version, images, pull, secrets, version};
use crate::plan::{Accept, Leftovers, Overlay, Step};
use crate::record::{Action, Item, Record, Status};
use crate::render::{RenderedFile, SecretValues};
use crate::target::{Live, Lock, ObjectId, Place, Records, Target, TargetError, Watch};

/// What every action needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How images are named; as the last action did unless given.
    pub images: Option<ImageNames>,
    /// The Secret that holds the login for the images' registry; that of the last action unless given.
    pub pull_secret: Option<String>,
    /// The login for the images' registry, as a file of docker's configuration says it: a Secret is made of it, and stays for later
    /// actions.
    pub pull_login: Option<String>,
    /// How long each wait may take.
    pub patience: Duration,
    /// Whether an action that fails is taken back.
    pub atomic: bool,
    /// How many records that ended well are kept.
    pub keep: usize,
    /// Who acts: `USER@HOST`.
    pub by: String,
}

/// A new version, or new values.
#[derive(Debug, Clone, Default)]
pub struct Forward {
    /// Values that the site gives now.
    pub values: Overlay,
    /// Modules that are switched now.
    pub switched: BTreeMap<ComponentName, bool>,
    /// What is accepted against the rules.
    pub accept: Accept,
    /// The only components to take from the new version; all unless given.
    pub only: BTreeSet<ComponentName>,
    /// Whether what the version no longer has is removed.
    pub prune: bool,
    /// Secrets that come with the installation from elsewhere. What is on the target, or in a record, goes before.
    pub secrets: SecretValues,
    /// Whether a version that is installed is installed again, rather than upgraded to itself.
    pub again: bool,
}

/// An earlier state.
#[derive(Debug, Clone, Copy, Default)]
pub struct Back {
    /// The record whose state is returned to; the one before the last action unless given.
    pub to: Option<u64>,
    /// Whether everything is as it was, with nothing that came later.
    pub exact: bool,
}

/// The end of an installation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Uninstall {
    /// Whether claims, secrets and the records stay.
    pub keep_data: bool,
}

/// What an action came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The plan that was applied.
    pub plan: Plan,
    /// The record of it.
    pub record: Record,
    /// Whether the record is new. An action that leaves everything as it was has none of its own: the one that holds is given.
    pub recorded: bool,
}

/// Acts on one installation.
pub struct Engine<'a> {
    /// The site's content.
    pub store: &'a Store,
    /// Where records are kept.
    pub records: &'a dyn Records,
    /// What the installation runs on.
    pub target: &'a mut dyn Target,
    /// Who watches.
    pub watch: &'a dyn Watch,
    /// The installation.
    pub place: Place,
    /// What every action needs to know.
    pub settings: Settings,
}

/// Everything that a plan was computed for.
pub(super) struct Intent {
    action: Action,
    pub(super) version: Version,
    enabled: BTreeSet<ComponentName>,
    naming: ImageNames,
    pull_secret: Option<String>,
    images: BTreeMap<ImageRef, String>,
    secrets: SecretValues,
    to: Option<u64>,
}

impl Engine<'_> {
    /// Where the installation stands.
    ///
    /// # Errors
    /// [`EngineError::Target`].
    pub fn standing(&self) -> Result<Standing, EngineError> {
        Ok(Standing::new(self.records.all(&self.place)?))
    }

    /// What installing `version`, or changing to it, would do.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn plan_forward(&self, version: Version, forward: &Forward) -> Result<Plan, EngineError> {
        Ok(self.forward_from(&self.standing()?, version, forward)?.1)
    }

    /// What going back would do.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn plan_back(&self, back: Back) -> Result<Plan, EngineError> {
        Ok(self.back_from(&self.standing()?, back)?.1)
    }

    /// Installs `version`, or changes to it. `shown` is given the plan before its first step.
    ///
    /// # Errors
    /// [`EngineError`]; with `atomic`, what held before holds again if that is [`EngineError::TakenBack`].
    pub fn forward(
        &mut self,
        version: Version,
        forward: &Forward,
        shown: &dyn Fn(&Plan),
    ) -> Result<Outcome, EngineError> {
        let lock = self.records.lock(&self.place, &self.settings.by)?;
        self.start_stopped()?;
        self.forward_under(&*lock, version, forward, shown)
    }

    /// As [`Engine::forward`], under a lock that is held already.
    pub(crate) fn forward_under(
        &mut self,
        lock: &dyn Lock,
        version: Version,
        forward: &Forward,
        shown: &dyn Fn(&Plan),
    ) -> Result<Outcome, EngineError> {
        let standing = self.standing()?;
        let (intent, plan) = self.forward_from(&standing, version, forward)?;
        shown(&plan);
        match self.carry_out(&standing, &intent, plan, lock) {
            Err(cause) if self.settings.atomic => Err(self.take_back(cause, lock)),
            other => other,
        }
    }

    /// Goes back. `shown` is given the plan before its first step.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn back(&mut self, back: Back, shown: &dyn Fn(&Plan)) -> Result<Outcome, EngineError> {
        let lock = self.records.lock(&self.place, &self.settings.by)?;
        self.start_stopped()?;
        let standing = self.standing()?;
        let (intent, plan) = self.back_from(&standing, back)?;
        shown(&plan);
        self.carry_out(&standing, &intent, plan, &*lock)
    }

    pub(super) fn not_installed(&self) -> EngineError {
        EngineError::NotInstalled { place: self.place.clone(), target: self.target.name() }
    }

    pub(super) fn forward_from(
        &self,
        standing: &Standing,
        version: Version,
        forward: &Forward,
    ) -> Result<(Intent, Plan), EngineError> {
        let holds = self.version_of(standing.holds())?;
        // A cluster keeps its own records, and contexts are called differently from machine to machine.
        let name = self.target.name();
        if let Some((record, _)) = &holds
            && name.starts_with("dir:")
            && record.target != name
        {
            return Err(EngineError::OtherTarget { place: self.place.clone(), target: record.target.clone() });
        }
        let version = match (&holds, forward.only.is_empty()) {
            (_, true) => version,
            (Some((_, held)), false) => version::only(held, &version, &forward.only)?,
            (None, false) => return Err(self.not_installed()),
        };
        let mut enabled: BTreeSet<ComponentName> =
            standing.holds().map(|r| r.enabled.iter().cloned().collect()).unwrap_or_default();
        enabled.retain(|name| version.template.component(name).is_some_and(|c| c.optional));
        for (name, on) in &forward.switched {
            let optional = version.template.components.iter().filter(|c| c.optional);
            if !optional.clone().any(|c| c.name == *name) {
                return Err(EngineError::NoComponent {
                    label: version.label(),
                    what: "module",
                    component: name.clone(),
                    there: optional.map(|c| c.name.to_string()).collect(),
                });
            }
            if *on {
                enabled.insert(name.clone())
            } else {
                enabled.remove(name)
            };
        }
        let action = if holds.is_some() && !forward.again { Action::Upgrade } else { Action::Install };
        let intent = self.intent(standing, action, version, enabled, None, &forward.secrets)?;
        let aim = Aim::Forward { values: &forward.values, accept: &forward.accept };
        let plan = self.compute(standing, &holds, &intent, aim, forward.prune)?;
        Ok((intent, plan))
    }

    fn back_from(&self, standing: &Standing, back: Back) -> Result<(Intent, Plan), EngineError> {
        let to = match back.to {
            Some(number) => {
                standing.record(number).filter(|r| r.status == Status::Done && r.action != Action::Uninstall)
            }
            None => standing.before_last(),
        };
        let Some(to) = to else {
            if standing.records().is_empty() {
                return Err(self.not_installed());
            }
            return Err(EngineError::NoRecord {
                place: self.place.clone(),
                wanted: back.to.map(|n| n.to_string()).unwrap_or_default(),
                there: standing.records().iter().filter(|r| r.status == Status::Done).map(|r| r.number).collect(),
            });
        };
        let holds = self.version_of(standing.holds())?;
        let version = Version::of_record(self.store, to)?;
        let enabled = to.enabled.iter().cloned().collect();
        // What the site changed after that action, and before the next, is part of the state.
        let left = standing.left(to).map_or(&to.overlay, |next| &next.found);
        let intent =
            self.intent(standing, Action::Rollback, version, enabled, Some(to.number), &SecretValues::new())?;
        let plan = self.compute(standing, &holds, &intent, Aim::Back { left, exact: back.exact }, back.exact)?;
        Ok((intent, plan))
    }

    fn version_of<'r>(&self, record: Option<&'r Record>) -> Result<Option<(&'r Record, Version)>, EngineError> {
        record.map(|record| Ok((record, Version::of_record(self.store, record)?))).transpose()
    }

    fn intent(
        &self,
        standing: &Standing,
        action: Action,
        version: Version,
        enabled: BTreeSet<ComponentName>,
        to: Option<u64>,
        given: &SecretValues,
    ) -> Result<Intent, EngineError> {
        images::check(self.store, &version)?;
        let live = self.observe(standing)?;
        let secrets = secrets::ensure(&self.place, &version.template, &live, standing.secrets(), given)?;
        let last = standing.holds().or(standing.unfinished());
        let naming = self.settings.images.clone().or_else(|| last.map(|r| r.naming.clone())).unwrap_or_default();
        let made = self.settings.pull_login.as_ref().map(|_| pull::name(&self.place));
        let pull_secret = made.or_else(|| self.settings.pull_secret.clone());
        let pull_secret = pull_secret.or_else(|| last.and_then(|r| r.pull_secret.clone()));
        Ok(Intent { action, images: naming.of(&version), naming, pull_secret, version, enabled, secrets, to })
    }

    pub(crate) fn observe(&self, standing: &Standing) -> Result<Live, TargetError> {
        let known: Vec<ObjectId> = items(standing).into_iter().map(|i| i.object).collect();
        self.target.observe(&self.place, &known)
    }

    fn compute(
        &self,
        standing: &Standing,
        holds: &Option<(&Record, Version)>,
        intent: &Intent,
        aim: Aim<'_>,
        prune: bool,
    ) -> Result<Plan, EngineError> {
        let unfinished = standing.interrupted().iter().filter(|r| r.action != Action::Uninstall);
        let unfinished: Vec<(&Record, Version)> = unfinished
            .map(|record| Ok((record, Version::of_record(self.store, record)?)))
            .collect::<Result<_, EngineError>>()?;
        let unfinished: Vec<(&Record, &Version)> =
            unfinished.iter().map(|(record, version)| (*record, version)).collect();
        let live = self.observe(standing)?;
        let inputs = Inputs {
            place: &self.place,
            holds: holds.as_ref().map(|(record, version)| (*record, version)),
            unfinished: &unfinished,
            version: &intent.version,
            aim,
            enabled: &intent.enabled,
            images: &intent.images,
            secrets: &intent.secrets,
            live: &live,
            capabilities: self.target.capabilities(),
            pull_secret: intent.pull_secret.as_deref(),
            prune,
        };
        inputs.compute()
    }

    /// Records, applies the steps, and records what came of it.
    fn carry_out(
        &mut self,
        standing: &Standing,
        intent: &Intent,
        plan: Plan,
        lock: &dyn Lock,
    ) -> Result<Outcome, EngineError> {
        lock.check()?;
        let version = &intent.version;
        let record = Record {
            number: standing.next(),
            action: intent.action,
            status: Status::Begun,
            time: now(),
            by: self.settings.by.clone(),
            version: version.version.clone(),
            revision: version.revision,
            digest: version.digest,
            completes: version.completes.clone(),
            ahead: version.ahead.clone(),
            target: self.target.name(),
            enabled: intent.enabled.iter().cloned().collect(),
            overlay: plan.overlay.clone(),
            found: plan.found.clone(),
            from: standing.holds().map(|r| r.number),
            to: intent.to,
            naming: intent.naming.clone(),
            pull_secret: intent.pull_secret.clone(),
            images: intent.images.clone(),
            inventory: plan.inventory.clone(),
            secrets: intent.secrets.clone(),
            message: None,
        };
        if let Some(holds) = standing.holds().filter(|_| plan.is_empty() && self.settings.pull_login.is_none())
            && standing.unfinished().is_none()
            && is_same(holds, &record)
        {
            return Ok(Outcome { plan, record: holds.clone(), recorded: false });
        }
        let mut record = record;
        let files: Vec<_> = plan
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Apply { file, .. } => plan.files.iter().find(|f| f.name() == file),
                _ => None,
            })
            .collect();
        self.target.check(&files)?;
        let login = self.settings.pull_login.as_ref().map(|login| pull::secret(&self.place, login)).transpose()?;
        for object in login.iter().flat_map(RenderedFile::objects) {
            let Some(object_id) = ObjectId::of(object) else { continue };
            record.inventory.retain(|item| item.object != object_id);
            let digest = Digest::of(object.to_string().as_bytes());
            let file = login.as_ref().map(|f| f.name().to_owned()).unwrap_or_default();
            record.inventory.push(Item { object: object_id, file, component: None, digest, orphan: false });
        }
        // The record comes first: whatever uses a secret, the secret is known, also after a kill between the two.
        self.records.keep(&self.place, &record)?;
        self.close(standing, &record)?;
        if let Err(e) = self.take_steps(&plan, login.as_ref(), lock) {
            record.status = Status::Failed;
            record.message = Some(e.to_string());
            // Where this cannot be said either, the record stays begun, as after a kill. What went wrong is what to tell.
            let _ = self.records.keep(&self.place, &record);
            return Err(e.into());
        }
        record.status = Status::Done;
        self.records.keep(&self.place, &record)?;
        let mut records = standing.records().to_vec();
        records.push(record.clone());
        for number in Standing::new(records).beyond(self.settings.keep) {
            self.records.forget(&self.place, number)?;
        }
        Ok(Outcome { plan, record, recorded: true })
    }

    /// Says of an action that was interrupted what became of it.
    fn close(&self, standing: &Standing, next: &Record) -> Result<(), TargetError> {
        for killed in standing.interrupted().iter().filter(|r| r.status == Status::Begun) {
            let what = match next.action {
                Action::Rollback => "taken back",
                _ if next.digest == killed.digest => "continued",
                _ => "followed",
            };
            let message = Some(format!("interrupted, and {what} by record {}", next.number));
            self.records.keep(&self.place, &Record { status: Status::Failed, message, ..killed.clone() })?;
        }
        Ok(())
    }

    fn take_steps(&mut self, plan: &Plan, login: Option<&RenderedFile>, lock: &dyn Lock) -> Result<(), TargetError> {
        let (patience, watch) = (self.settings.patience, self.watch);
        let mut login = login;
        for step in &plan.steps {
            // A wait may have been long.
            lock.check()?;
            // After the namespace, which comes first where it is to be made, and before anything that pulls.
            if !matches!(step, Step::Apply { file, .. } if file == "00-namespace.yaml")
                && let Some(login) = login.take()
            {
                self.target.apply(login, &Leftovers::new(), patience, watch)?;
            }
            match step {
                Step::Apply { file, .. } => {
                    if let Some(file) = plan.files.iter().find(|f| f.name() == file) {
                        self.target.apply(file, &plan.leftovers, patience, watch)?;
                    }
                }
                Step::Wait { objects, .. } => self.target.wait(objects, patience, watch)?,
                Step::Remove { objects } => self.target.remove(objects, patience, watch)?,
            }
        }
        if let Some(login) = login {
            self.target.apply(login, &Leftovers::new(), patience, watch)?;
        }
        self.target.finish()
    }

    /// After a failure: what held before holds again, or the installation is gone if nothing did.
    fn take_back(&mut self, cause: EngineError, lock: &dyn Lock) -> EngineError {
        let standing = match self.standing() {
            Ok(standing) => standing,
            Err(back) => return EngineError::Stuck { cause: Box::new(cause), back: Box::new(back) },
        };
        // It failed before it touched anything.
        let Some(failed) = standing.unfinished() else { return cause };
        let taken = match standing.holds() {
            Some(holds) => {
                let back = Back { to: Some(holds.number), exact: true };
                self.back_from(&standing, back)
                    .and_then(|(intent, plan)| self.carry_out(&standing, &intent, plan, lock))
                    .map(|_| holds.version.tag(holds.revision))
            }
            None => self.clear(failed).map(|()| "nothing".to_owned()),
        };
        match taken {
            Ok(back) => EngineError::TakenBack { place: self.place.clone(), back, cause: Box::new(cause) },
            Err(back) => EngineError::Stuck { cause: Box::new(cause), back: Box::new(back) },
        }
    }

    /// Removes what a first installation that failed has made, but for claims and secrets.
    fn clear(&mut self, failed: &Record) -> Result<(), EngineError> {
        let stays = ["Namespace", "PersistentVolumeClaim", "Secret"];
        let go =
            failed.inventory.iter().rev().map(|i| i.object.clone()).filter(|id| !stays.contains(&id.kind.as_str()));
        let go: Vec<ObjectId> = go.collect();
        self.target.remove(&go, self.settings.patience, self.watch)?;
        Ok(self.target.finish()?)
    }
}

/// Whether an action that needs no step would leave what holds: then there is nothing to record, and nothing to go back to.
fn is_same(holds: &Record, next: &Record) -> bool {
    let state = |r: &Record| Record {
        number: 0,
        action: Action::Install,
        status: Status::Done,
        time: String::new(),
        by: String::new(),
        target: String::new(),
        found: Overlay::default(),
        from: None,
        to: None,
        message: None,
        ..r.clone()
    };
    state(holds) == state(next)
}

/// The objects of the record that holds and of one that did not end well.
pub(super) fn items(standing: &Standing) -> Vec<Item> {
    let mut items: BTreeMap<ObjectId, Item> = BTreeMap::new();
    let mut order = Vec::new();
    let last = standing.records().last();
    for record in standing.holds().into_iter().chain(standing.interrupted()).chain(last) {
        for item in &record.inventory {
            if items.insert(item.object.clone(), item.clone()).is_none() {
                order.push(item.object.clone());
            }
        }
    }
    order.iter().filter_map(|id| items.get(id).cloned()).collect()
}

pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
