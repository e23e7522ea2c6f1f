//! Where an installation stands, by its records.

use std::collections::BTreeMap;

use super::{Engine, EngineError};
use crate::record::{Action, Item, Record, Status};
use crate::render::SecretValues;
use crate::target::ObjectId;

/// The records of an installation, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    records: Vec<Record>,
}

impl Standing {
    /// Where an installation with these records stands.
    #[must_use]
    pub fn new(mut records: Vec<Record>) -> Self {
        records.sort_by_key(|r| r.number);
        Self { records }
    }

    /// The records, oldest first.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The record that holds: the last one that ended well, unless that removed the installation.
    #[must_use]
    pub fn holds(&self) -> Option<&Record> {
        self.records.iter().rfind(|r| r.status == Status::Done).filter(|r| r.action != Action::Uninstall)
    }

    /// The last record, if it did not end well.
    #[must_use]
    pub fn unfinished(&self) -> Option<&Record> {
        self.records.last().filter(|r| r.status != Status::Done)
    }

    /// The records since the one that holds, none of which ended well, oldest first.
    #[must_use]
    pub fn interrupted(&self) -> &[Record] {
        let done = self.records.iter().rposition(|r| r.status == Status::Done);
        self.records.get(done.map_or(0, |at| at.saturating_add(1))..).unwrap_or_default()
    }

    /// The record called `number`.
    #[must_use]
    pub fn record(&self, number: u64) -> Option<&Record> {
        self.records.iter().find(|r| r.number == number)
    }

    /// The number of the next record.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.records.last().map_or(1, |r| r.number.saturating_add(1))
    }

    /// The values of secrets that were generated last.
    #[must_use]
    pub fn secrets(&self) -> Option<&SecretValues> {
        self.records.iter().rev().map(|r| &r.secrets).find(|s| !s.is_empty())
    }

    /// The record that a rollback without a number returns to: the last one that left another state than the one that holds. An
    /// action that only took over what the site had changed is no step back.
    #[must_use]
    pub fn before_last(&self) -> Option<&Record> {
        let holds = self.holds();
        if self.unfinished().is_some() {
            return holds;
        }
        let now = holds?;
        let mut back = now;
        loop {
            // Numbers fall from record to record: this comes to an end.
            let before = back.from.filter(|from| *from < back.number)?;
            back = self.record(before).filter(|r| r.action != Action::Uninstall)?;
            let left = self.left(back).map_or(&back.overlay, |next| &next.found);
            let same = (back.digest, &back.ahead, &back.enabled, &back.naming)
                == (now.digest, &now.ahead, &now.enabled, &now.naming);
            if !same || *left != now.overlay {
                return Some(back);
            }
        }
    }

    /// The last record that found the state which `record` left: also what the site changed after an action that did not end well is
    /// part of it. An uninstallation looks for nothing.
    #[must_use]
    pub fn left(&self, record: &Record) -> Option<&Record> {
        let found = |r: &&Record| r.from == Some(record.number) && r.action != Action::Uninstall;
        self.records.iter().filter(|r| r.number > record.number).rfind(found)
    }

    /// The records beyond the last `keep` that ended well, which may be forgotten. The one that holds never is.
    #[must_use]
    pub fn beyond(&self, keep: usize) -> Vec<u64> {
        let holds = self.holds().map(|r| r.number);
        let done: Vec<u64> = self.records.iter().filter(|r| r.status == Status::Done).map(|r| r.number).collect();
        let Some(oldest) = done.len().checked_sub(keep.max(1)).and_then(|n| done.get(n)) else { return Vec::new() };
        self.records.iter().map(|r| r.number).filter(|n| n < oldest && Some(*n) != holds).collect()
    }
}

impl Engine<'_> {
    /// That `record` is of this target: a folder's records are in the site's, and say of every other folder that nothing is there. A
    /// cluster keeps its own, and contexts are called differently from machine to machine.
    pub(super) fn is_here(&self, record: Option<&Record>) -> Result<(), EngineError> {
        let name = self.target.name();
        match record.filter(|record| name.starts_with("dir:") && record.target != name) {
            Some(record) => Err(EngineError::OtherTarget { place: self.place.clone(), target: record.target.clone() }),
            None => Ok(()),
        }
    }
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
