//! A template version of the site, with all that rendering it takes.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::template::{ComponentName, ConfigFile, RelativePath, Template, TemplateVersion};
use bundle_format::{Descriptor, Digest, ImageRef};
use registry_lite::Store;

use super::EngineError;
use crate::holdings::{Holding, find_digest};
use crate::plan::{Overlay, Scope};
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

    fn lacks(&self, component: ComponentName) -> EngineError {
        let there = self.template.components.iter().map(|c| c.name.to_string()).collect();
        EngineError::NoComponent { label: self.label(), what: "component", component, there }
    }

    /// Takes `component`, and what it needs, from `other`, instead of what this version says of it.
    pub fn take(&mut self, other: &Self, component: &ComponentName) {
        let Some(theirs) = other.template.component(component) else { return };
        let mut theirs = theirs.clone();
        self.adopt_documents(other, &format!("ahead/{component}"), &mut theirs.config);
        theirs.image = self.adopt_image(other, &theirs.image);
        let uses = theirs.plugins.clone();
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
        for plugin in other.template.plugins.iter().filter(|p| uses.iter().any(|used| used.name == p.name)) {
            if !self.template.plugins.iter().any(|p| p.name == plugin.name) {
                let mut plugin = plugin.clone();
                self.adopt_documents(other, &format!("ahead-plugins/{}", plugin.name), &mut plugin.config);
                plugin.image = self.adopt_image(other, &plugin.image);
                self.template.plugins.push(plugin);
            }
        }
        for (image, root) in &other.images {
            self.images.entry(image.clone()).or_insert_with(|| root.clone());
        }
        self.ahead.insert(component.clone(), other.digest);
    }

    /// Gives files of `other` paths of their own in `folder`: both versions may have a document of the same name.
    fn adopt_documents(&mut self, other: &Self, folder: &str, files: &mut [ConfigFile]) {
        for file in files {
            let Some(path) = &file.file else { continue };
            let Ok(adopted) = format!("{folder}/{path}").parse::<RelativePath>() else { continue };
            if let Some(document) = other.documents.get(path) {
                self.documents.insert(adopted.clone(), document.clone());
                file.file = Some(adopted);
            }
        }
    }

    /// The name of an image of `other`; with its digest where this version has another image of that name, which a vendor has built
    /// again under its old tag.
    fn adopt_image(&mut self, other: &Self, image: &ImageRef) -> ImageRef {
        let Some(root) = other.images.get(image) else { return image.clone() };
        let is_another = self.images.get(image).is_some_and(|ours| ours.digest != root.digest);
        let adopted = match format!("{image}@{}", root.digest).parse() {
            Ok(pinned) if is_another && image.digest().is_none() => pinned,
            _ => image.clone(),
        };
        self.images.entry(adopted.clone()).or_insert_with(|| root.clone());
        adopted
    }
}

/// Refuses values of components that `version` does not have: they would be forgotten.
pub(super) fn has_all(version: &Version, values: &Overlay) -> Result<(), EngineError> {
    for path in values.values.keys() {
        let (Scope::Component, Ok(component)) = (Scope::split(path.scope()).0, path.scope().parse()) else { continue };
        if version.template.component(&component).is_none() {
            return Err(version.lacks(component));
        }
    }
    Ok(())
}

/// The version that is installed, with the components `wanted` of `new`.
pub(super) fn only(held: &Version, new: &Version, wanted: &BTreeSet<ComponentName>) -> Result<Version, EngineError> {
    let mut version = held.clone();
    for component in wanted {
        if new.template.component(component).is_none() {
            return Err(new.lacks(component.clone()));
        }
        version.take(new, component);
    }
    Ok(version)
}
