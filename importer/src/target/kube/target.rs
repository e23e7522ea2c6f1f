//! An installation on a cluster as a [`Target`].

use std::sync::Arc;
use std::time::Duration;

use super::cluster::Cluster;
use super::patience::Patience;
use crate::plan::Leftovers;
use crate::render::RenderedFile;
use crate::target::{Capabilities, Data, Live, ObjectId, Place, Target, TargetError, Watch};

/// One installation on a cluster: see [`Cluster::target`].
pub struct KubeTarget {
    pub(super) cluster: Arc<Cluster>,
    pub(super) place: Place,
    pub(super) adopts: bool,
    pub(super) capabilities: Capabilities,
}

impl KubeTarget {
    /// Whether objects that are there and not of this installation are taken over, where they are refused otherwise.
    #[must_use]
    pub fn adopt(self, adopts: bool) -> Self {
        Self { adopts, ..self }
    }

    /// The cluster.
    #[must_use]
    pub fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }
}

impl Target for KubeTarget {
    fn name(&self) -> String {
        self.cluster.name()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn observe(&self, place: &Place, known: &[ObjectId]) -> Result<Live, TargetError> {
        self.look(place, known)
    }

    fn check(&self, files: &[&RenderedFile]) -> Result<(), TargetError> {
        files.iter().try_for_each(|file| self.refuse_unknown(file.objects()))?;
        let objects: Vec<ObjectId> = files.iter().flat_map(|f| f.objects()).filter_map(ObjectId::of).collect();
        self.refuse_foreign(&objects)?;
        self.refuse_half_filled()
    }

    fn apply(
        &mut self,
        file: &RenderedFile,
        leftovers: &Leftovers,
        patience: Duration,
        watch: &dyn Watch,
    ) -> Result<(), TargetError> {
        let patience = Patience::new(patience);
        file.objects().iter().try_for_each(|object| self.apply_one(object, leftovers, &patience, watch))
    }

    fn wait(&self, objects: &[ObjectId], patience: Duration, watch: &dyn Watch) -> Result<(), TargetError> {
        self.wait_all(objects, patience, watch)
    }

    fn remove(&mut self, objects: &[ObjectId], patience: Duration, watch: &dyn Watch) -> Result<(), TargetError> {
        self.delete_all(objects, patience, watch)
    }

    fn finish(&mut self) -> Result<(), TargetError> {
        Ok(())
    }

    fn data(&mut self) -> Option<&mut dyn Data> {
        Some(self)
    }
}
