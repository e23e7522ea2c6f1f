//! What an installation runs on (spec/plan.md section 8): a cluster, or a folder of manifests.

mod belief;
mod data;
mod dir;
mod error;
pub mod kube;
#[cfg(test)]
pub(crate) mod memory;
mod object;
mod open;
mod site_records;

use std::time::Duration;

use bundle_format::template::TemplateName;

use crate::plan::Leftovers;
use crate::record::{Installation, Record};
use crate::render::{Namespace, RenderedFile};

pub use data::{Data, Fill, Filled, Helper};
pub use dir::DirTarget;
pub use error::TargetError;
pub(crate) use error::delete_claims;
pub use kube::KubeRecords;
pub use object::{Capabilities, Live, ObjectId};
pub use open::{OpenError, Opened, check_target, open};
pub use site_records::{ClusterUid, ClusterUidError, SiteCopies, SiteRecords, installations, pins};

/// An installation's place: its name and namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: TemplateName,
}

/// What somebody who watches is told while a plan is applied.
#[derive(Debug)]
pub enum Event<'a> {
    /// An object is applied.
    Applied(&'a ObjectId),
    /// An object is removed.
    Removed(&'a ObjectId),
    /// An object is waited for; told again when the reason changes, and every few seconds.
    Waiting {
        /// The object.
        object: &'a ObjectId,
        /// Why it is not ready yet.
        why: &'a str,
        /// How long it has been waited for.
        since: Duration,
    },
    /// What an object that is waited for said last: a line of its log.
    Said {
        /// The object.
        object: &'a ObjectId,
        /// The line, and who said it.
        line: &'a str,
    },
    /// An object is ready.
    Ready(&'a ObjectId),
    /// Something failed that time may cure.
    Retry {
        /// What was done.
        what: &'a str,
        /// What went wrong.
        why: &'a str,
    },
}

/// Somebody who watches.
pub trait Watch {
    /// Is told of an event.
    fn event(&self, event: &Event<'_>);

    /// Whether the work should end. It is asked often: between steps, in every wait, while data is copied; what is under way then ends
    /// with [`TargetError::Interrupted`]. Whoever has once said so says so for good.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Watches on behalf of another, for what has to be done also when that one wants the work to end: putting back what was stopped.
pub(crate) struct Undisturbed<'w>(pub &'w dyn Watch);

impl Watch for Undisturbed<'_> {
    fn event(&self, event: &Event<'_>) {
        self.0.event(event);
    }
}

/// Somebody who watches wants the work to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interrupted;

impl Interrupted {
    /// Ends the work if it is to end.
    pub fn check(watch: &dyn Watch) -> Result<(), Self> {
        if watch.cancelled() { Err(Self) } else { Ok(()) }
    }
}

impl From<Interrupted> for TargetError {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

/// Nobody watches.
impl Watch for () {
    fn event(&self, _: &Event<'_>) {}
}

/// What an installation runs on.
pub trait Target {
    /// Its name, as a record keeps it: `dir:/path`, `kube:CONTEXT`.
    fn name(&self) -> String;

    /// The types of objects that it takes.
    fn capabilities(&self) -> &Capabilities;

    /// What is there of the installation at `place`: what carries its labels, and what of `known` is there.
    ///
    /// # Errors
    /// [`TargetError`].
    fn observe(&self, place: &Place, known: &[ObjectId]) -> Result<Live, TargetError>;

    /// Refuses what is in the way of `files` and not of this installation, before anything is applied.
    ///
    /// # Errors
    /// [`TargetError::Foreign`]; those of the target.
    fn check(&self, files: &[&RenderedFile]) -> Result<(), TargetError>;

    /// Applies the objects of a file, and takes away what is left over in them.
    ///
    /// # Errors
    /// [`TargetError`]; what time may cure was retried for `patience`.
    fn apply(
        &mut self,
        file: &RenderedFile,
        leftovers: &Leftovers,
        patience: Duration,
        watch: &dyn Watch,
    ) -> Result<(), TargetError>;

    /// Waits until the objects are ready (spec/plan.md 6.2).
    ///
    /// # Errors
    /// [`TargetError::NotReady`] after `patience`, and [`TargetError::Failed`] for what can no longer become ready.
    fn wait(&self, objects: &[ObjectId], patience: Duration, watch: &dyn Watch) -> Result<(), TargetError>;

    /// Removes objects; those that are not there are passed over.
    ///
    /// # Errors
    /// [`TargetError`].
    fn remove(&mut self, objects: &[ObjectId], patience: Duration, watch: &dyn Watch) -> Result<(), TargetError>;

    /// Makes visible what was applied and removed, if that waits for all of it.
    ///
    /// # Errors
    /// [`TargetError`].
    fn finish(&mut self) -> Result<(), TargetError>;

    /// Drops what was applied and removed and is not visible yet: the action that wanted it has ended.
    fn discard(&mut self) {}

    /// The target's data; none of a target that keeps none.
    fn data(&mut self) -> Option<&mut dyn Data> {
        None
    }
}

/// Where records are kept.
pub trait Records {
    /// Keeps others from acting on an installation until what this gives is dropped.
    ///
    /// # Errors
    /// [`TargetError::Locked`].
    fn lock(&self, place: &Place, by: &str) -> Result<Box<dyn Lock>, TargetError>;

    /// Who acts on an installation at this moment, in words; nobody, where that cannot be known without acting oneself.
    ///
    /// # Errors
    /// [`TargetError`].
    fn held(&self, _place: &Place) -> Result<Option<String>, TargetError> {
        Ok(None)
    }

    /// The records of an installation, oldest first.
    ///
    /// # Errors
    /// [`TargetError`].
    fn all(&self, place: &Place) -> Result<Vec<Record>, TargetError>;

    /// Writes a record, or the same record with another status, durably.
    ///
    /// # Errors
    /// [`TargetError`].
    fn keep(&self, place: &Place, record: &Record) -> Result<(), TargetError>;

    /// Removes a record.
    ///
    /// # Errors
    /// [`TargetError`].
    fn forget(&self, place: &Place, number: u64) -> Result<(), TargetError>;

    /// Every installation, by namespace and name, each with its last record.
    ///
    /// # Errors
    /// [`TargetError`].
    fn installations(&self) -> Result<Vec<Installation>, TargetError>;
}

/// What keeps others from acting on an installation, until it is dropped.
pub trait Lock {
    /// Whether it still does.
    ///
    /// # Errors
    /// [`TargetError::Locked`]: somebody else has it now.
    fn check(&self) -> Result<(), TargetError>;
}
