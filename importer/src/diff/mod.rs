//! What changed between two bundles: the template, its documents, its images, and the files in their layers. Everything
//! is read by digest from where the packing lists say that it lies; nothing is written, and no name from a bundle is
//! ever used as a path.

mod documents;
mod error;
mod fields;
mod files;
mod images;
mod layer;
mod opened;

use serde_json::Value;

pub use documents::{DocumentDiff, ObjectDiff};
pub use error::DiffError;
pub use fields::FieldChange;
pub use files::{FileChange, FilesDiff};
pub use images::{ImageDiff, LayerDiff, PlatformDiff, Totals};
pub use layer::{Entry, Limits, Tree};
pub use opened::Opened;

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Only the new version has it.
    Added,
    /// Only the old version has it.
    Removed,
    /// Both have it, with other content.
    Changed,
    /// Both have it, the same.
    Same,
}

impl Change {
    /// What became of something that is `old` in the old version and `new` in the new one.
    pub fn between<T: PartialEq>(old: Option<&T>, new: Option<&T>) -> Self {
        match (old, new) {
            (None, _) => Self::Added,
            (_, None) => Self::Removed,
            (Some(old), Some(new)) if old == new => Self::Same,
            _ => Self::Changed,
        }
    }
}

/// A component that is not the same in both versions.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentDiff {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub change: Change,
    /// Its fields that differ, all of them if it was added or removed.
    pub fields: Vec<FieldChange>,
}

/// Everything that differs between two template versions.
#[derive(Debug)]
pub struct Diff {
    /// Fields of the template outside of its components.
    pub template: Vec<FieldChange>,
    /// Components, sorted by name; the same ones are left out.
    pub components: Vec<ComponentDiff>,
    /// Documents, sorted by path; the same ones are left out.
    pub documents: Vec<DocumentDiff>,
    /// Images; the same ones are left out.
    pub images: Vec<ImageDiff>,
    /// What the new version needs beyond the old one, in bytes.
    pub totals: Totals,
}

impl Diff {
    /// Compares two versions. `files`: whether layers are read, and how much of them.
    ///
    /// # Errors
    /// [`DiffError`]: content that is there is not what its digest says, or is no template version.
    pub fn between(old: &Opened, new: &Opened, files: Option<Limits>) -> Result<Self, DiffError> {
        let (mut was, mut is) = (old.template()?, new.template()?);
        let components = components(take(&mut was, "components"), take(&mut is, "components"));
        Ok(Self {
            template: fields::changes(&was, &is),
            components,
            documents: documents::compare(old, new)?,
            images: images::compare(old, new, files)?,
            totals: images::totals(old, new)?,
        })
    }

    /// Whether the versions are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.template.is_empty() && self.components.is_empty() && self.documents.is_empty() && self.images.is_empty()
    }
}

fn take(template: &mut Value, key: &str) -> Vec<Value> {
    match template.as_object_mut().and_then(|t| t.remove(key)) {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    }
}

fn components(old: Vec<Value>, new: Vec<Value>) -> Vec<ComponentDiff> {
    let (old, new) = (fields::by_name(&old), fields::by_name(&new));
    let names: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let diff = |name: &&String| {
        let (was, is) = (old.get(*name).copied(), new.get(*name).copied());
        let change = Change::between(was.as_ref(), is.as_ref());
        let none = Value::Object(serde_json::Map::new());
        let fields = fields::changes(was.unwrap_or(&none), is.unwrap_or(&none));
        (change != Change::Same).then(|| ComponentDiff { name: (*name).clone(), change, fields })
    };
    names.iter().filter_map(diff).collect()
}
