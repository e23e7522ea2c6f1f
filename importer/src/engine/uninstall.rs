//! The end of an installation.

use std::collections::BTreeMap;

use super::action::now;
use super::standing::items;
use super::{Engine, EngineError, Standing, Uninstall};
use crate::plan::Overlay;
use crate::record::{Action, Record, Status};
use crate::target::{Interrupted, ObjectId};

/// What an uninstallation removes, and what it leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removal {
    /// What goes, in order. What claims hold goes with them.
    pub go: Vec<ObjectId>,
    /// What stays.
    pub stay: Vec<ObjectId>,
}

impl Engine<'_> {
    /// What uninstalling would do.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn plan_uninstall(&self, uninstall: Uninstall) -> Result<Removal, EngineError> {
        let standing = self.standing()?;
        self.installed(&standing)?;
        self.removal(&standing, uninstall)
    }

    /// The record of what is to be removed: the last one, unless that removed it.
    fn installed<'s>(&self, standing: &'s Standing) -> Result<&'s Record, EngineError> {
        let last = standing.records().last().filter(|r| r.action != Action::Uninstall || r.status != Status::Done);
        let last = last.ok_or_else(|| self.not_installed())?;
        self.is_here(Some(last))?;
        Ok(last)
    }

    fn removal(&self, standing: &Standing, uninstall: Uninstall) -> Result<Removal, EngineError> {
        let known: Vec<ObjectId> = items(standing).into_iter().map(|i| i.object).collect();
        let live = self.target.observe(&self.place, &known)?;
        let stays = |id: &ObjectId| {
            id.kind == "Namespace"
                || (uninstall.keep_data && matches!(id.kind.as_str(), "PersistentVolumeClaim" | "Secret"))
        };
        // What came later depends on what was there before.
        let mut objects: Vec<ObjectId> = known.iter().rev().filter(|id| live.get(id).is_some()).cloned().collect();
        objects.extend(live.objects.keys().filter(|id| !known.contains(id)).cloned());
        let (stay, go) = objects.into_iter().partition(|id| stays(id));
        Ok(Removal { go, stay })
    }

    /// Removes the installation. `shown` is given what goes before the first of it does.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn uninstall(&mut self, uninstall: Uninstall, shown: &dyn Fn(&Removal)) -> Result<Record, EngineError> {
        let lock = self.records.lock(&self.place, &self.settings.by)?;
        let standing = self.standing()?;
        let last = self.installed(&standing)?;
        let before = items(&standing);
        let removal = self.removal(&standing, uninstall)?;
        shown(&removal);
        let Removal { go, stay } = removal;
        let mut record = Record {
            number: standing.next(),
            action: Action::Uninstall,
            status: Status::Begun,
            time: now(),
            by: self.settings.by.clone(),
            overlay: Overlay::default(),
            found: Overlay::default(),
            from: standing.holds().map(|r| r.number),
            to: None,
            inventory: before.iter().filter(|i| stay.contains(&i.object)).cloned().collect(),
            secrets: if uninstall.keep_data {
                standing.secrets().cloned().unwrap_or_default()
            } else {
                BTreeMap::new()
            },
            given: None,
            message: None,
            ..last.clone()
        };
        lock.check()?;
        let label = format!("{}:{}", self.place.name, record.version.tag(record.revision));
        Interrupted::check(self.watch).map_err(|_| self.interrupted(record.action, &label, None))?;
        self.records.keep(&self.place, &record)?;
        let removed = self.target.remove(&go, self.settings.patience, self.watch);
        let removed = removed.and_then(|()| Ok(Interrupted::check(self.watch)?)).and_then(|()| self.target.finish());
        if let Err(e) = removed {
            self.target.discard();
            let keep = if uninstall.keep_data { " --keep-data" } else { "" };
            let next = format!("`sealift uninstall {}{keep}` goes on", self.place.name);
            return Err(self.failed(e, record, &label, next));
        }
        record.status = Status::Done;
        record.images.clear();
        record.enabled.clear();
        self.records.keep(&self.place, &record)?;
        for old in standing.records() {
            // With the data, only the secrets are still of use; they are in this record.
            self.records.forget(&self.place, old.number)?;
        }
        Ok(record)
    }
}
