//! A template version of the site, with all that rendering it takes.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::template::{Component, ComponentName, RelativePath, Template, TemplateVersion};
use bundle_format::{Descriptor, Digest, ImageRef};
use registry_lite::Store;

use super::EngineError;
use crate::holdings::{Holding, find_digest};
use crate::record::Record;

/// How many versions may complete each other in a row.
const CHAIN: usize = 8;

/// A template version, completed from the versions that it names.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its version.
    pub version: TemplateVersion,
    /// Its revision.
    pub revision: u32,
    /// Digest of its version index.
    pub digest: Digest,
    /// Digests of the versions that it was completed from.
    pub completes: Vec<Digest>,
    /// Components that are those of another version, and its digest.
    pub ahead: BTreeMap<ComponentName, Digest>,
    /// The template.
    pub template: Template,
    /// Documents beside it: manifests and files of configuration.
    pub documents: BTreeMap<RelativePath, Vec<u8>>,
    /// The images, each with its manifest or index.
    pub images: BTreeMap<ImageRef, Descriptor>,
}

impl Version {
    /// The version that the site holds as `holding`.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn of(store: &Store, holding: &Holding) -> Result<Self, EngineError> {
        Self::completed(store, holding, CHAIN)
    }

    /// The version whose index has this digest.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn with_digest(store: &Store, digest: &Digest) -> Result<Self, EngineError> {
        Self::of(store, &find_digest(store, digest)?)
    }

    /// The state of the version that `record` left: components that were ahead of it are.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn of_record(store: &Store, record: &Record) -> Result<Self, EngineError> {
        Self::ahead(store, &record.digest, &record.ahead)
    }

    /// The version whose index has this digest, with the components `ahead` of those whose indexes have the digests given.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn ahead(store: &Store, digest: &Digest, ahead: &BTreeMap<ComponentName, Digest>) -> Result<Self, EngineError> {
        let mut version = Self::with_digest(store, digest)?;
        for (component, digest) in ahead {
            let other = Self::with_digest(store, digest)?;
            version.take(&other, component);
        }
        Ok(version)
    }

    fn completed(store: &Store, holding: &Holding, chain: usize) -> Result<Self, EngineError> {
        let mut version = Self {
            version: holding.version.version().clone(),
            revision: holding.version.revision(),
            digest: holding.version.raw().descriptor().digest,
            completes: Vec::new(),
            ahead: BTreeMap::new(),
            documents: holding.read_documents(store)?,
            images: holding.version.images().iter().map(|i| (i.name.clone(), i.root.clone())).collect(),
            template: holding.template.clone(),
        };
        if let Some(completes) = holding.template.metadata.completes.clone() {
            let left = chain.checked_sub(1).ok_or_else(|| EngineError::Chain { label: version.label() })?;
            let base = Self::completed(store, &find_digest(store, &completes.digest)?, left)?;
            version.template = version.template.complete(&base.template).map_err(|source| EngineError::Complete {
                label: version.label(),
                base: base.label(),
                source,
            })?;
            // What the partial version brings itself goes before.
            for (path, document) in base.documents {
                version.documents.entry(path).or_insert(document);
            }
            for (image, root) in base.images {
                version.images.entry(image).or_insert(root);
            }
            version.completes.push(completes.digest);
            version.completes.extend(base.completes);
        }
        if let Some(image) = version.template.images().into_iter().find(|i| !version.images.contains_key(i)) {
            return Err(EngineError::NoImage { label: version.label(), image: image.clone() });
        }
        Ok(version)
    }

    /// `NAME:TAG`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}:{}", self.template.metadata.name, self.version.tag(self.revision))
    }

    /// Takes `component`, and what it needs, from `other`, instead of what this version says of it.
    pub fn take(&mut self, other: &Self, component: &ComponentName) {
        let Some(theirs) = other.template.component(component) else { return };
        let theirs = self.adopt_documents(other, theirs);
        match self.template.components.iter_mut().find(|c| c.name == *component) {
            Some(ours) => *ours = theirs,
            None => self.template.components.push(theirs),
        }
        for secret in &other.template.secrets {
            match self.template.secrets.iter_mut().find(|s| s.name == secret.name) {
                Some(ours) => {
                    let more: Vec<_> = secret.keys.iter().filter(|k| !ours.keys.contains(k)).cloned().collect();
                    ours.keys.extend(more);
                }
                None => self.template.secrets.push(secret.clone()),
            }
        }
        for plugin in &other.template.plugins {
            if !self.template.plugins.iter().any(|p| p.name == plugin.name) {
                self.template.plugins.push(plugin.clone());
            }
        }
        for (image, root) in &other.images {
            self.images.entry(image.clone()).or_insert_with(|| root.clone());
        }
        self.ahead.insert(component.clone(), other.digest);
    }

    /// The component with its files under paths of their own: both versions may have a document of the same name.
    fn adopt_documents(&mut self, other: &Self, component: &Component) -> Component {
        let mut component = component.clone();
        for file in &mut component.config {
            let Some(path) = &file.file else { continue };
            let Ok(adopted) = format!("ahead/{}/{path}", component.name).parse::<RelativePath>() else { continue };
            if let Some(document) = other.documents.get(path) {
                self.documents.insert(adopted.clone(), document.clone());
                file.file = Some(adopted);
            }
        }
        component
    }
}

/// The version that is installed, with the components `wanted` of `new`.
pub(super) fn only(held: &Version, new: &Version, wanted: &BTreeSet<ComponentName>) -> Result<Version, EngineError> {
    let mut version = held.clone();
    for component in wanted {
        if new.template.component(component).is_none() {
            return Err(EngineError::NoComponent {
                label: new.label(),
                what: "component",
                component: component.clone(),
                there: new.template.components.iter().map(|c| c.name.to_string()).collect(),
            });
        }
        version.take(new, component);
    }
    Ok(version)
}
