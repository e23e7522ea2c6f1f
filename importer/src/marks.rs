//! The statuses that a site holds, and what they allow (spec/status.md sections 5 and 6).

use std::collections::BTreeMap;

use bundle_format::oci::Document;
use bundle_format::statement::{Mark, ReleaseStatus, Statement};
use bundle_format::template::TemplateVersion;
use bundle_format::trust::Unverified;
use bundle_format::{BlobSource, Descriptor, Digest, Raw, limits, media};
use registry_lite::Store;

use crate::holdings::HoldingError;

/// A status in a site's store.
#[derive(Debug, Clone)]
pub struct Marked {
    /// Its identity: the digest of its payload.
    pub id: String,
    /// What it says.
    pub mark: Mark,
    /// The keys that it was verified with at import.
    pub verified_by: Vec<String>,
}

impl Marked {
    /// Whether it says that the version is withdrawn.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.mark.status() == ReleaseStatus::Withdrawn
    }
}

/// The status that counts of each template version that has one, by the digest of its index.
///
/// # Errors
/// [`HoldingError::Status`]: one that is there cannot be read, and so might be any.
pub fn marks(store: &Store) -> Result<BTreeMap<Digest, Marked>, HoldingError> {
    let mut out: BTreeMap<Digest, Marked> = BTreeMap::new();
    for entry in store.entries()?.iter().filter(|e| e.artifact_type.as_deref() == Some(media::STATUS)) {
        // An entry that a client pushed has no annotation of ours.
        let Some(id) = entry.annotations.get(media::STATUS_ID) else { continue };
        let (version, mark) =
            read(store, entry).map_err(|why| HoldingError::Status { id: id.clone(), artifact: entry.digest, why })?;
        let keys = entry.annotations.get(media::STATUS_VERIFIED_BY).map(String::as_str).unwrap_or_default();
        let verified_by = keys.split(',').filter(|k| !k.is_empty()).map(str::to_owned).collect();
        let marked = Marked { id: id.clone(), mark, verified_by };
        let rank = |m: &Marked| (m.mark.rank(), m.id.clone());
        if out.get(&version).is_none_or(|other| rank(other) < rank(&marked)) {
            out.insert(version, marked);
        }
    }
    Ok(out)
}

/// What the artifact `entry` says, and of which version index.
fn read(store: &Store, entry: &Descriptor) -> Result<(Digest, Mark), String> {
    let bytes = store.read(entry, limits::MANIFEST_BYTES).map_err(|e| e.to_string())?;
    let artifact = Raw::parse(entry, bytes).map_err(|e| e.to_string())?;
    let subject = artifact.value().subject().ok_or("it has no subject")?;
    let Document::Image { layers, .. } = artifact.value() else { return Err("it is no artifact manifest".to_owned()) };
    let [layer] = layers.as_slice() else { return Err("it does not have one layer".to_owned()) };
    let envelope = store.read(layer, limits::STATUS_ENVELOPE_BYTES).map_err(|e| e.to_string())?;
    let status = Unverified::<Statement<Mark>>::parse(envelope).map_err(|e| e.to_string())?;
    let status = status.verified_before().map_err(|e| e.to_string())?;
    match status.subject_digest() == subject.digest {
        true => Ok((subject.digest, status.predicate().clone())),
        false => Err("it is not about its subject".to_owned()),
    }
}

/// Which versions may be chosen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'a> {
    /// Whether one that is withdrawn may.
    pub withdrawn: bool,
    /// Whether only one that is released may.
    pub released_only: bool,
    /// The version and revision that is installed: where none is named, a lower one does not take the place of one that may not be
    /// chosen.
    pub installed: Option<(&'a TemplateVersion, u32)>,
}

impl Choice<'_> {
    /// Whether statuses do not matter.
    pub(crate) fn is_free(&self) -> bool {
        self.withdrawn && !self.released_only
    }

    /// Refuses the version `label`, whose status is `marked`, if it may not be chosen.
    ///
    /// # Errors
    /// [`HoldingError::Withdrawn`], [`HoldingError::NotReleased`].
    pub fn check(&self, label: &str, marked: Option<&Marked>) -> Result<(), HoldingError> {
        match marked {
            Some(marked) if marked.is_withdrawn() && !self.withdrawn => Err(HoldingError::Withdrawn {
                label: label.to_owned(),
                at: marked.mark.marked_at().to_string(),
                note: marked.mark.note().map(|note| format!(": {note}")).unwrap_or_default(),
            }),
            Some(marked) if !marked.is_withdrawn() => Ok(()),
            _ if self.released_only => Err(HoldingError::NotReleased { label: label.to_owned() }),
            _ => Ok(()),
        }
    }
}
