//! The target that is a folder of manifests: for GitOps, and for machines without a cluster (spec/site.md section 4.4).

mod files;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::{Capabilities, Event, Live, ObjectId, Place, Target, TargetError, Watch};
use crate::plan::Leftovers;
use crate::render::RenderedFile;

/// A folder of manifests. What is applied and removed is seen when [`Target::finish`] has moved all of it to its place.
#[derive(Debug)]
pub struct DirTarget {
    dir: PathBuf,
    adopt: bool,
    ours: BTreeSet<String>,
    capabilities: Capabilities,
    staged: BTreeMap<String, RenderedFile>,
    removed: BTreeSet<ObjectId>,
}

impl DirTarget {
    /// The folder at `dir`, which is made when an installation is about to be written.
    ///
    /// # Errors
    /// [`TargetError::File`]: the path cannot be made absolute.
    pub fn new(dir: &Path) -> Result<Self, TargetError> {
        // One spelling, so that the record of an installation finds its target again from any working folder.
        let dir = std::path::absolute(dir).map_err(|source| TargetError::File {
            what: "finding",
            path: dir.to_owned(),
            source,
        })?;
        Ok(Self {
            dir,
            adopt: false,
            ours: BTreeSet::new(),
            capabilities: Capabilities::assumed(),
            staged: BTreeMap::new(),
            removed: BTreeSet::new(),
        })
    }

    /// Whether files in the way are taken over that the installation did not write.
    #[must_use]
    pub fn adopt(self, adopt: bool) -> Self {
        Self { adopt, ..self }
    }

    /// The names of the files that the installation wrote before, interrupted actions included.
    #[must_use]
    pub fn files(self, ours: BTreeSet<String>) -> Self {
        Self { ours, ..self }
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Target for DirTarget {
    fn name(&self) -> String {
        format!("dir:{}", self.dir.display())
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// What the files of the installation say, and what other files say of its objects.
    fn observe(&self, place: &Place, known: &[ObjectId]) -> Result<Live, TargetError> {
        let known: BTreeSet<&ObjectId> = known.iter().collect();
        let mut live = Live::default();
        let names = files::names(&self.dir)?;
        let (ours, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| self.ours.contains(name));
        // A file of ours comes first: a copy of it that somebody made beside it says nothing.
        for (name, is_ours) in ours.iter().map(|name| (name, true)).chain(others.iter().map(|name| (name, false))) {
            let objects = match files::read(&self.dir.join(name)) {
                // What is not ours need not be YAML.
                Err(_) if !is_ours => continue,
                objects => objects?,
            };
            for object in objects {
                let Some(id) = ObjectId::of(&object) else { continue };
                if known.contains(&id) || is_of(&object, place) {
                    live.objects.entry(id).or_insert(object);
                }
            }
        }
        Ok(live)
    }

    fn check(&self, files: &[&RenderedFile]) -> Result<(), TargetError> {
        for file in files {
            let path = self.dir.join(file.name());
            if !self.adopt && !self.ours.contains(file.name()) && fs::symlink_metadata(&path).is_ok() {
                return Err(TargetError::Foreign { object: path.display().to_string() });
            }
        }
        let made = fs::create_dir_all(&self.dir);
        made.map_err(|source| TargetError::File { what: "making", path: self.dir.clone(), source })
    }

    /// Nothing is left over in a file that is written anew.
    fn apply(&mut self, file: &RenderedFile, _: &Leftovers, _: Duration, watch: &dyn Watch) -> Result<(), TargetError> {
        self.check(&[file])?;
        for id in file.objects().iter().filter_map(ObjectId::of) {
            self.removed.remove(&id);
            watch.event(&Event::Applied(&id));
        }
        self.staged.insert(file.name().to_owned(), file.clone());
        Ok(())
    }

    /// There is nothing to wait for.
    fn wait(&self, _: &[ObjectId], _: Duration, _: &dyn Watch) -> Result<(), TargetError> {
        Ok(())
    }

    fn remove(&mut self, objects: &[ObjectId], _: Duration, watch: &dyn Watch) -> Result<(), TargetError> {
        for id in objects {
            self.removed.insert(id.clone());
            watch.event(&Event::Removed(id));
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TargetError> {
        if self.staged.is_empty() && self.removed.is_empty() {
            return Ok(());
        }
        write::write(self)?;
        self.ours.extend(std::mem::take(&mut self.staged).into_keys());
        self.removed.clear();
        Ok(())
    }

    fn discard(&mut self) {
        self.staged.clear();
        self.removed.clear();
    }
}

/// Whether an object says that it is of the installation.
fn is_of(object: &Value, place: &Place) -> bool {
    let metadata = object.get("metadata");
    let label = |name: &str| metadata?.get("labels")?.get(name)?.as_str();
    let namespace = metadata.and_then(|m| m.get("namespace")).and_then(Value::as_str);
    // The vendor's own objects have no labels of ours, but this.
    let mark = metadata.and_then(|m| m.get("annotations")?.get("sealift.dev/installation")?.as_str());
    if mark == Some(&format!("{}/{}", place.namespace, place.name)) {
        return true;
    }
    label("app.kubernetes.io/managed-by") == Some("sealift")
        && label("app.kubernetes.io/instance") == Some(place.name.as_str())
        && namespace.is_none_or(|namespace| namespace == place.namespace.as_str())
}

#[cfg(test)]
mod tests;
