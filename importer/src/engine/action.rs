//! Actions on an installation: a plan, its steps, a record.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bundle_format::template::ComponentName;
use bundle_format::{Digest, ImageRef};
use registry_lite::Store;

use super::compute::{Aim, Inputs, Plan};
use super::standing::items;
use super::{EngineError, ImageNames, Standing, Version, images, pull, secrets, version};
use crate::plan::{Accept, Leftovers, Overlay, Step};
use crate::record::{Action, Given, Item, Record, Status};
use crate::render::{RenderedFile, SecretValues};
use crate::target::{Interrupted, Live, Lock, ObjectId, Place, Records, Target, TargetError, Watch};

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
    pub(super) action: Action,
    /// `NAME:TAG` of the version that is asked for.
    label: String,
    pub(super) version: Version,
    enabled: BTreeSet<ComponentName>,
    naming: ImageNames,
    pull_secret: Option<String>,
    images: BTreeMap<ImageRef, String>,
    secrets: SecretValues,
    to: Option<u64>,
    /// How the command is called that goes on with it.
    pub(super) again: String,
    /// What it is given, for one that continues it.
    given: Option<Given>,
}

/// What is wanted of an action beside its version.
struct Wanted<'w> {
    action: Action,
    label: String,
    enabled: BTreeSet<ComponentName>,
    to: Option<u64>,
    secrets: &'w SecretValues,
    again: String,
    given: Option<Given>,
    /// The record of the action that it continues.
    like: Option<&'w Record>,
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
        let standing = self.standing()?;
        let continued = forward.continues(&standing, &version);
        Ok(self.forward_from(&standing, version, forward, continued)?.1)
    }

    /// As [`Engine::plan_forward`], without continuing anything.
    pub(crate) fn plan_anew(&self, version: Version, forward: &Forward) -> Result<Plan, EngineError> {
        Ok(self.forward_from(&self.standing()?, version, forward, None)?.1)
    }

    /// What going back would do.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn plan_back(&self, back: Back) -> Result<Plan, EngineError> {
        Ok(self.back_from(&self.standing()?, back)?.1)
    }

    /// Installs `version`, or changes to it. What continues an interrupted action has what that was given too. `shown` is given the plan before its first step.
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
        self.forward_under(&*lock, version, (forward, true), shown)
    }

    /// As [`Engine::forward`], under a lock that is held already, and whether what was interrupted is continued.
    pub(crate) fn forward_under(
        &mut self,
        lock: &dyn Lock,
        version: Version,
        (forward, continues): (&Forward, bool),
        shown: &dyn Fn(&Plan),
    ) -> Result<Outcome, EngineError> {
        let standing = self.standing()?;
        let continued = forward.continues(&standing, &version).filter(|_| continues);
        let (intent, plan) = self.forward_from(&standing, version, forward, continued)?;
        shown(&plan);
        match self.carry_out(&standing, &intent, plan, lock, self.watch) {
            Err(cause) if self.settings.atomic => Err(self.take_back(cause, standing.next(), lock)),
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
        self.carry_out(&standing, &intent, plan, &*lock, self.watch)
    }

    pub(super) fn not_installed(&self) -> EngineError {
        EngineError::NotInstalled { place: self.place.clone(), target: self.target.name() }
    }

    pub(super) fn forward_from(
        &self,
        standing: &Standing,
        version: Version,
        forward: &Forward,
        continued: Option<&Record>,
    ) -> Result<(Intent, Plan), EngineError> {
        let forward = continued.and_then(|r| r.given.as_ref()).map_or_else(|| forward.clone(), |g| forward.after(g));
        let holds = self.version_of(standing.holds())?;
        self.is_here(standing.holds())?;
        let (given, label, tag) = (forward.given(&version), version.label(), version.version.tag(version.revision));
        let version = match (&holds, forward.only.is_empty()) {
            (_, true) => version,
            (Some((_, held)), false) => version::only(held, &version, &forward.only)?,
            (None, false) => return Err(self.not_installed()),
        };
        version::has_all(&version, &forward.values)?;
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
        let (action, name) = (forward.action(standing), &self.place.name);
        let again = match action {
            Action::Install => format!("sealift install {name}:{tag}"),
            _ => format!("sealift upgrade {name} --to {tag}"),
        };
        let (given, like) = (Some(given), continued);
        let wanted = Wanted { action, label, enabled, to: None, secrets: &forward.secrets, again, given, like };
        let intent = self.intent(standing, version, wanted)?;
        let aim = Aim::Forward { values: &forward.values, accept: &forward.accept };
        let plan = self.compute(standing, &holds, &intent, aim, (forward.prune, &BTreeSet::new()))?;
        Ok((intent, plan))
    }

    pub(super) fn back_from(&self, standing: &Standing, back: Back) -> Result<(Intent, Plan), EngineError> {
        self.is_here(standing.holds())?;
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
        let exact = if back.exact { " --exact" } else { "" };
        let again = format!("sealift rollback {} {}{exact}", self.place.name, to.number);
        let (action, label, secrets) = (Action::Rollback, version.label(), &SecretValues::new());
        let wanted = Wanted { action, label, enabled, to: Some(to.number), secrets, again, given: None, like: None };
        let intent = self.intent(standing, version, wanted)?;
        // With what it no longer had and left running.
        let stays = to.inventory.iter().filter(|item| item.orphan).map(|item| item.object.clone()).collect();
        let aim = Aim::Back { left, exact: back.exact };
        let plan = self.compute(standing, &holds, &intent, aim, (back.exact, &stays))?;
        Ok((intent, plan))
    }

    fn version_of<'r>(&self, record: Option<&'r Record>) -> Result<Option<(&'r Record, Version)>, EngineError> {
        record.map(|record| Ok((record, Version::of_record(self.store, record)?))).transpose()
    }

    fn intent(&self, standing: &Standing, version: Version, wanted: Wanted<'_>) -> Result<Intent, EngineError> {
        images::check(self.store, &version)?;
        let live = self.observe(standing)?;
        let secrets = secrets::ensure(&self.place, &version.template, &live, standing.secrets(), wanted.secrets)?;
        let last = wanted.like.or(standing.holds()).or(standing.unfinished());
        let naming = self.settings.images.clone().or_else(|| last.map(|r| r.naming.clone())).unwrap_or_default();
        let made = self.settings.pull_login.as_ref().map(|_| pull::name(&self.place));
        let pull_secret = made.or_else(|| self.settings.pull_secret.clone());
        let pull_secret = pull_secret.or_else(|| last.and_then(|r| r.pull_secret.clone()));
        let Wanted { action, label, enabled, to, again, given, .. } = wanted;
        let images = naming.of(&version);
        Ok(Intent { action, label, images, naming, pull_secret, version, enabled, secrets, to, again, given })
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
        (prune, stays): (bool, &BTreeSet<ObjectId>),
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
            stays,
        };
        inputs.compute()
    }

    /// Records, applies the steps, and records what came of it.
    pub(super) fn carry_out(
        &mut self,
        standing: &Standing,
        intent: &Intent,
        plan: Plan,
        lock: &dyn Lock,
        watch: &dyn Watch,
    ) -> Result<Outcome, EngineError> {
        lock.check()?;
        Interrupted::check(watch).map_err(|_| self.interrupted(intent.action, &intent.label, None))?;
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
            given: intent.given.clone(),
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
        if let Err(e) = self.take_steps(&plan, login.as_ref(), lock, watch) {
            self.target.discard();
            let next = self.next_after(intent, standing);
            return Err(self.failed(e, record, &intent.label, next));
        }
        record.status = Status::Done;
        record.given = None;
        self.records.keep(&self.place, &record)?;
        let mut records = standing.records().to_vec();
        records.push(record.clone());
        for number in Standing::new(records).beyond(self.settings.keep) {
            self.records.forget(&self.place, number)?;
        }
        Ok(Outcome { plan, record, recorded: true })
    }

    fn take_steps(
        &mut self,
        plan: &Plan,
        login: Option<&RenderedFile>,
        lock: &dyn Lock,
        watch: &dyn Watch,
    ) -> Result<(), TargetError> {
        let patience = self.settings.patience;
        let mut login = login;
        for step in &plan.steps {
            Interrupted::check(watch)?;
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
        Interrupted::check(watch)?;
        self.target.finish()
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
        given: None,
        message: None,
        ..r.clone()
    };
    state(holds) == state(next)
}

pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
