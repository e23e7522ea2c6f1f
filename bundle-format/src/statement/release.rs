//! What a vendor vouches for.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Predicate, Statement};
use crate::digest::Digest;
use crate::limits;
use crate::reference::ImageRef;
use crate::template::{TemplateName, TemplateVersion, Timestamp};
use crate::version_index::VersionIndex;

/// The predicate of a release (spec/bundle.md section 5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    #[serde(default)]
    requires: Vec<String>,
    name: TemplateName,
    version: TemplateVersion,
    revision: u32,
    size: u64,
    images: Vec<ReleasedImage>,
    /// Stream of versions that this one belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Generation of counters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// Place in the order of releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<u64>,
    /// When the vendor says it was released: RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<String>,
}

/// An image of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedImage {
    /// Its name, normalised.
    #[serde(deserialize_with = "normalised")]
    pub name: ImageRef,
    /// Digest of its manifest or index.
    pub digest: Digest,
}

fn normalised<'de, D: Deserializer<'de>>(d: D) -> Result<ImageRef, D::Error> {
    let text = String::deserialize(d)?;
    let name: ImageRef = text.parse().map_err(D::Error::custom)?;
    if name.to_string() == text { Ok(name) } else { Err(D::Error::custom("the name of an image is not normalised")) }
}

impl Release {
    /// The release of a template version, without the optional members.
    #[must_use]
    pub fn of(version: &VersionIndex) -> Self {
        Self {
            requires: Vec::new(),
            name: version.name().clone(),
            version: version.version().clone(),
            revision: version.revision(),
            size: version.raw().descriptor().size,
            images: version
                .images()
                .iter()
                .map(|i| ReleasedImage { name: i.name.clone(), digest: i.root.digest })
                .collect(),
            channel: None,
            epoch: None,
            counter: None,
            issued_at: None,
        }
    }

    /// The statement about the version index.
    #[must_use]
    pub fn about(self, version: &VersionIndex) -> Statement<Self> {
        Statement::new(version.label(), version.raw().descriptor().digest, self)
    }

    /// Name of the template.
    #[must_use]
    pub fn name(&self) -> &TemplateName {
        &self.name
    }

    /// Version of the template.
    #[must_use]
    pub fn version(&self) -> &TemplateVersion {
        &self.version
    }

    /// Revision of the version, from 1.
    #[must_use]
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Bytes of the version index.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The images, sorted by name.
    #[must_use]
    pub fn images(&self) -> &[ReleasedImage] {
        &self.images
    }
}

impl Predicate for Release {
    const TYPE: &'static str = "https://sealift.dev/release/v1";
    const WHAT: &'static str = "release";
    const LIMIT: u64 = limits::RELEASE_ENVELOPE_BYTES;

    fn requires(&self) -> &[String] {
        &self.requires
    }

    fn check(&self) -> Result<(), String> {
        if self.revision == 0 {
            return Err("revisions count from 1".to_owned());
        }
        if self.size > limits::MANIFEST_BYTES {
            return Err(format!("a version index has at most {} bytes", limits::MANIFEST_BYTES));
        }
        if self.channel.as_ref().is_some_and(|c| c.parse::<TemplateVersion>().is_err()) {
            return Err("`channel` is not a channel's name".to_owned());
        }
        if self.issued_at.as_ref().is_some_and(|t| t.parse::<Timestamp>().is_err()) {
            return Err("`issuedAt` is not a time as RFC 3339 writes it, in UTC".to_owned());
        }
        Ok(())
    }
}
