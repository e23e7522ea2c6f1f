//! `index.json`: every root, and what it is called.

use std::collections::BTreeMap;

use bundle_format::json::{self, Numbers};
use bundle_format::oci::Platform;
use bundle_format::{Descriptor, media};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::{Stamp, Store, files};
use crate::digest::ContentDigest;

/// Largest `index.json` in bytes: about 200 000 names.
pub(super) const INDEX_BYTES: u64 = 64 << 20;

/// One root: a descriptor (image-spec descriptor.md) of content by any digest that a registry takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Media type of the content.
    pub media_type: String,
    /// Digest of the content.
    pub digest: ContentDigest,
    /// Bytes of the content.
    pub size: u64,
    /// Type of the artifact that the content is a manifest of. Only an import sets it: what a client pushed has none here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Platform of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Annotations: the name is one of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Entry {
    /// A root that is called `name`.
    #[must_use]
    pub fn named(media_type: &str, digest: ContentDigest, size: u64, name: String) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            artifact_type: None,
            platform: None,
            annotations: BTreeMap::from([(media::REF_NAME.to_owned(), name)]),
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.annotations.get(media::REF_NAME).map(String::as_str)
    }

    /// As a descriptor, if it has a SHA-256 digest: all that bundles carry.
    #[must_use]
    pub fn descriptor(&self) -> Option<Descriptor> {
        let mut descriptor = Descriptor::new(&self.media_type, self.digest.sha256()?, self.size);
        descriptor.artifact_type.clone_from(&self.artifact_type);
        descriptor.platform.clone_from(&self.platform);
        descriptor.annotations.clone_from(&self.annotations);
        Some(descriptor)
    }
}

impl From<Descriptor> for Entry {
    fn from(descriptor: Descriptor) -> Self {
        Self {
            digest: descriptor.digest.into(),
            size: descriptor.size,
            media_type: descriptor.media_type,
            artifact_type: descriptor.artifact_type,
            platform: descriptor.platform,
            annotations: descriptor.annotations,
        }
    }
}

#[derive(Deserialize)]
struct Read {
    manifests: Vec<Entry>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    schema_version: u8,
    media_type: &'a str,
    manifests: &'a [Entry],
}

/// The bytes of an `index.json` with these roots.
pub(super) fn index_bytes(entries: &[Entry]) -> Result<Vec<u8>, StoreError> {
    Ok(serde_json::to_vec(&Written { schema_version: 2, media_type: media::OCI_INDEX, manifests: entries })?)
}

impl Store {
    /// Which `index.json` this is.
    pub(super) fn index_stamp(&self) -> Result<Stamp, StoreError> {
        let path = self.index_path();
        Stamp::of(&path).map_err(|source| StoreError::Io { what: "reading", path, source })
    }

    /// Every root, in the order in which they came.
    ///
    /// # Errors
    /// `index.json` is missing or not an index.
    pub fn roots(&self) -> Result<Vec<Entry>, StoreError> {
        let path = self.index_path();
        let bytes = files::read_limited(&path, INDEX_BYTES).map_err(|source| StoreError::Io {
            what: "reading",
            path: path.clone(),
            source,
        })?;
        let index: Read = json::parse(&bytes, INDEX_BYTES, Numbers::Any)
            .map_err(|e| StoreError::Damaged { path, why: e.to_string() })?;
        Ok(index.manifests)
    }

    /// The roots that a bundle may have brought: those with a SHA-256 digest.
    ///
    /// # Errors
    /// As [`Store::roots`].
    pub fn entries(&self) -> Result<Vec<Descriptor>, StoreError> {
        Ok(self.roots()?.iter().filter_map(Entry::descriptor).collect())
    }
}
