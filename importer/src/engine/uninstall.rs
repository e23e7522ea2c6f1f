//! The end of an installation.

use std::collections::BTreeMap;

use super::action::{items, now};
use super::{Engine, EngineError, Uninstall};
use crate::plan::Overlay;
use crate::record::{Action, Record, Status};
use crate::target::{Interrupted, ObjectId};

impl Engine<'_> {
    /// Removes the installation.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn uninstall(&mut self, uninstall: Uninstall) -> Result<Record, EngineError> {
        let lock = self.records.lock(&self.place, &self.settings.by)?;
        let standing = self.standing()?;
        let last = standing.records().last().filter(|r| r.action != Action::Uninstall || r.status != Status::Done);
        let last = last.ok_or_else(|| self.not_installed())?;
        let before = items(&standing);
        let known: Vec<ObjectId> = before.iter().map(|i| i.object.clone()).collect();
        let live = self.target.observe(&self.place, &known)?;
        let stays = |id: &ObjectId| {
            id.kind == "Namespace"
                || (uninstall.keep_data && matches!(id.kind.as_str(), "PersistentVolumeClaim" | "Secret"))
        };
        // What came later depends on what was there before.
        let mut objects: Vec<ObjectId> = known.iter().rev().filter(|id| live.get(id).is_some()).cloned().collect();
        objects.extend(live.objects.keys().filter(|id| !known.contains(id)).cloned());
        let (stay, go): (Vec<_>, Vec<_>) = objects.into_iter().partition(|id| stays(id));
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
