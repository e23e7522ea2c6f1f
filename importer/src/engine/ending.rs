//! What becomes of an action that did not end well: its record, and what held before.

use super::action::Intent;
use super::{Back, Engine, EngineError, Standing};
use crate::record::{Action, Record, Status};
use crate::target::{Lock, ObjectId, TargetError, Undisturbed, Watch};

impl Engine<'_> {
    /// Says of an action that was killed what became of it.
    pub(super) fn close(&self, standing: &Standing, next: &Record) -> Result<(), TargetError> {
        for killed in standing.interrupted().iter().filter(|r| r.status == Status::Begun) {
            let what = match next.action {
                Action::Rollback => "taken back",
                _ if next.digest == killed.digest => "continued",
                _ => "followed",
            };
            let mut killed = Record { given: None, ..killed.clone() };
            killed.fail(&format!("interrupted, and {what} by record {}", next.number));
            self.records.keep(&self.place, &killed)?;
        }
        Ok(())
    }

    /// Records why an action failed, and gives the error to tell. `next` is what to do if it was interrupted.
    pub(super) fn failed(&self, e: TargetError, mut record: Record, label: &str, next: String) -> EngineError {
        record.fail(&match &e {
            TargetError::Interrupted if !next.is_empty() => format!("{e}: {next}"),
            _ => e.to_string(),
        });
        if !matches!(e, TargetError::Interrupted) || next.is_empty() {
            record.given = None;
        }
        // Where this cannot be said either, the record stays begun, as after a kill. What went wrong is what to tell.
        let _ = self.records.keep(&self.place, &record);
        match e {
            TargetError::Interrupted => self.interrupted(record.action, label, Some(next)),
            e => e.into(),
        }
    }

    /// The error of an action on the version `label` that was interrupted: with what to do next, if it was begun.
    pub(super) fn interrupted(&self, action: Action, label: &str, next: Option<String>) -> EngineError {
        let what = match action {
            Action::Install => format!("installing {label}"),
            Action::Upgrade => format!("upgrading to {label}"),
            Action::Rollback => format!("going back to {label}"),
            Action::Uninstall => format!("removing {label}"),
        };
        EngineError::Interrupted { what, next }
    }

    /// What to do after `intent` was interrupted; nothing where it is taken back at once.
    pub(super) fn next_after(&self, intent: &Intent, standing: &Standing) -> String {
        if self.settings.atomic && intent.action != Action::Rollback {
            return String::new();
        }
        let back = match standing.holds() {
            Some(_) => format!("sealift rollback {}", self.place.name),
            None => format!("sealift uninstall {} --keep-data", self.place.name),
        };
        format!("`{}` goes on, `{back}` takes it back", intent.again)
    }

    /// After a failure: what held before holds again, or the installation is gone if nothing did. `own` is the number that the
    /// record of the action that failed has, if it came so far: what others left behind is not for it to take back.
    pub(super) fn take_back(&mut self, cause: EngineError, own: u64, lock: &dyn Lock) -> EngineError {
        let standing = match self.standing() {
            Ok(standing) => standing,
            Err(back) => return EngineError::Stuck { cause: Box::new(cause), back: Box::new(back) },
        };
        // It failed before it touched anything.
        let Some(failed) = standing.unfinished().filter(|r| r.number >= own) else { return cause };
        // How images are named, and with which login they are pulled, was the action's own.
        (self.settings.images, self.settings.pull_secret, self.settings.pull_login) = (None, None, None);
        // Who wanted the action to end wants this; who wants it to end only now, does not want this.
        let undisturbed = Undisturbed(self.watch);
        let watch: &dyn Watch = if self.watch.cancelled() { &undisturbed } else { self.watch };
        let taken = match standing.holds() {
            Some(holds) => {
                let back = Back { to: Some(holds.number), exact: true };
                self.back_from(&standing, back)
                    .and_then(|(intent, plan)| self.carry_out(&standing, &intent, plan, lock, watch))
                    .map(|_| holds.version.tag(holds.revision))
            }
            None => self.clear(failed, watch).map(|()| "nothing".to_owned()),
        };
        match taken {
            Ok(back) => EngineError::TakenBack { place: self.place.clone(), back, cause: Box::new(cause) },
            Err(back) => EngineError::Stuck { cause: Box::new(cause), back: Box::new(back) },
        }
    }

    /// Removes what a first installation that failed has made, but for claims and secrets.
    fn clear(&mut self, failed: &Record, watch: &dyn Watch) -> Result<(), EngineError> {
        let stays = ["Namespace", "PersistentVolumeClaim", "Secret"];
        let go =
            failed.inventory.iter().rev().map(|i| i.object.clone()).filter(|id| !stays.contains(&id.kind.as_str()));
        let go: Vec<ObjectId> = go.collect();
        self.target.remove(&go, self.settings.patience, watch)?;
        Ok(self.target.finish()?)
    }
}
