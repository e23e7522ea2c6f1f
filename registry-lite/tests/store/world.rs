//! A site that is written down in a few words: every blob is called by what it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bundle_format::media;
use registry_lite::Store;
use registry_lite::catalog::RepositoryName;
use registry_lite::digest::{Algorithm, ContentDigest};
use registry_lite::store::{CollectError, CollectOptions, Entry, Freed, Mark, Planned};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub struct World {
    pub dir: TempDir,
    pub store: Store,
    pub entries: Vec<Entry>,
    pub algorithm: Algorithm,
    things: BTreeMap<String, Value>,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::lock_or_create(dir.path()).unwrap().store().clone();
        Self { dir, store, entries: Vec::new(), algorithm: Algorithm::Sha256, things: BTreeMap::new() }
    }

    pub fn path(&self, digest: &ContentDigest) -> PathBuf {
        self.dir.path().join("blobs").join(digest.algorithm().name()).join(digest.hex())
    }

    fn put(&mut self, label: &str, media_type: &str, bytes: &[u8]) -> Value {
        let digest = ContentDigest::of(self.algorithm, bytes);
        let path = self.path(&digest);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        let thing = json!({"mediaType": media_type, "digest": digest.to_string(), "size": bytes.len()});
        self.things.insert(label.to_owned(), thing.clone());
        thing
    }

    /// A blob whose content is its label.
    pub fn blob(&mut self, label: &str) -> Value {
        self.put(label, media::OCI_LAYER_GZIP, label.as_bytes())
    }

    /// An image called `label` with these layers, and the configuration `label.config`.
    pub fn image(&mut self, label: &str, layers: &[&str]) -> &mut Self {
        self.manifest(label, layers, None)
    }

    /// The same, about the thing called `subject`.
    pub fn about(&mut self, label: &str, subject: &str) -> &mut Self {
        let subject = self.thing(subject);
        self.manifest(label, &[&format!("{label}.layer")], Some(subject))
    }

    fn manifest(&mut self, label: &str, layers: &[&str], subject: Option<Value>) -> &mut Self {
        let config = self.blob(&format!("{label}.config"));
        let layers: Vec<_> = layers.iter().map(|layer| self.blob(layer)).collect();
        let mut manifest = json!({"schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "config": config,
            "layers": layers, "annotations": {"label": label}});
        if let Some(subject) = subject {
            manifest["subject"] = subject;
        }
        self.put(label, media::OCI_MANIFEST, manifest.to_string().as_bytes());
        self
    }

    /// An index of things.
    pub fn index(&mut self, label: &str, of: &[&str]) -> &mut Self {
        let listed: Vec<_> = of.iter().map(|label| self.thing(label)).collect();
        let index = json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": listed,
            "annotations": {"label": label}});
        self.put(label, media::OCI_INDEX, index.to_string().as_bytes());
        self
    }

    /// An index of one thing, as `listed` says it is.
    pub fn list(&mut self, label: &str, listed: Value) -> &mut Self {
        let index = json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [listed]});
        self.put(label, media::OCI_INDEX, index.to_string().as_bytes());
        self
    }

    fn thing(&self, label: &str) -> Value {
        self.things.get(label).unwrap_or_else(|| panic!("{label} was never made")).clone()
    }

    pub fn digest(&self, label: &str) -> ContentDigest {
        self.thing(label)["digest"].as_str().unwrap().parse().unwrap()
    }

    /// Adds a root: `repository:tag`, `repository@` for its digest, or nothing.
    pub fn name(&mut self, label: &str, name: &str) -> &mut Self {
        let thing = self.thing(label);
        let digest = self.digest(label);
        let name = if name.ends_with('@') { format!("{name}{digest}") } else { name.to_owned() };
        let media_type = thing["mediaType"].as_str().unwrap();
        let mut entry = Entry::named(media_type, digest, thing["size"].as_u64().unwrap(), name.clone());
        if name.is_empty() {
            entry.annotations.clear();
        }
        self.entries.push(entry);
        self
    }

    /// Marks a thing in a repository as so long ago.
    pub fn mark(&mut self, mark: Mark, repository: &str, label: &str, ago: Duration) -> &mut Self {
        let name = RepositoryName::at_path(repository).unwrap();
        let digest = self.digest(label);
        self.store.mark(&name, mark, &digest).unwrap();
        let folder = if mark == Mark::Pushed { "_pushed" } else { "_removed" };
        let file = format!("{}-{}", digest.algorithm().name(), digest.hex());
        let path = self.dir.path().join("repositories").join(repository).join(folder).join(file);
        File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - ago).unwrap();
        self
    }

    pub fn pushed(&mut self, repository: &str, label: &str, ago: Duration) -> &mut Self {
        self.mark(Mark::Pushed, repository, label, ago)
    }

    /// Forgets that something was stored.
    pub fn lose(&mut self, label: &str) -> &mut Self {
        fs::remove_file(self.path(&self.digest(label))).unwrap();
        self
    }

    pub fn publish(&self) {
        self.store.publishing().unwrap().replace(&self.entries).unwrap();
    }

    pub fn pins(&self, labels: &[&str]) -> CollectOptions {
        let pins: BTreeSet<_> = labels.iter().map(|label| self.digest(label)).collect();
        CollectOptions { pins, ..CollectOptions::default() }
    }

    pub fn collect(&self, options: &CollectOptions) -> Result<(Planned, Freed), CollectError> {
        self.publish();
        let site = self.store.clone().lock()?;
        let plan = site.plan_collection(options)?;
        let planned = plan.planned().clone();
        Ok((planned, plan.free(&())?))
    }

    /// Collects what `index.json` says now.
    pub fn collect_again(&self, options: &CollectOptions) -> (Planned, Freed) {
        let site = self.store.clone().lock().unwrap();
        let plan = site.plan_collection(options).unwrap();
        (plan.planned().clone(), plan.free(&()).unwrap())
    }

    /// Labels of everything that is held.
    pub fn held(&self) -> BTreeSet<String> {
        self.things.keys().filter(|label| self.path(&self.digest(label)).exists()).cloned().collect()
    }

    /// Names in `index.json`, with labels for digests.
    pub fn names(&self) -> Vec<String> {
        let label = |e: &Entry| self.things.keys().find(|l| self.digest(l) == e.digest).unwrap().clone();
        let name = |e: Entry| match e.name() {
            None => format!("({})", label(&e)),
            Some(name) => name.replace(&e.digest.to_string(), &label(&e)),
        };
        self.store.roots().unwrap().into_iter().map(name).collect()
    }
}

/// Bytes of everything under `blobs/`.
pub fn stored(world: &World) -> u64 {
    let of = |algorithm: Algorithm| fs::read_dir(world.dir.path().join("blobs").join(algorithm.name()));
    let files = Algorithm::ALL.into_iter().filter_map(|a| of(a).ok()).flatten();
    files.map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}
