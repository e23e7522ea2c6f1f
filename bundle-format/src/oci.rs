//! OCI descriptors, manifests and indexes, read strictly (image-spec 1.1: descriptor.md, manifest.md, image-index.md).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::json::{self, JsonError, Numbers};
use crate::{limits, media};

/// What an image runs on (image-spec image-index.md, `platform`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// Processor, as Go's `GOARCH`: `amd64`.
    pub architecture: String,
    /// Operating system, as Go's `GOOS`: `linux`.
    pub os: String,
    /// Windows build and the like.
    #[serde(rename = "os.version", default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Processor variant: `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// `os/architecture` or `os/architecture/variant`, as every container tool writes it.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{}/{}/{variant}", self.os, self.architecture),
            None => format!("{}/{}", self.os, self.architecture),
        }
    }

    /// Whether the platform is the one called `wanted`: a name without a variant takes every variant.
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        self.name() == wanted || format!("{}/{}", self.os, self.architecture) == wanted
    }
}

/// A reference to content: type, digest, size in bytes (image-spec descriptor.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Media type of the content.
    pub media_type: String,
    /// Digest of the content.
    pub digest: Digest,
    /// Bytes of the content.
    pub size: u64,
    /// Type of the artifact that the content is a manifest of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Platform of an image in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Annotations, sorted by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Other places of a layer that may not be distributed. Read only to be refused: they are not behind the air gap.
    #[serde(default, skip_serializing)]
    urls: Vec<String>,
}

impl Descriptor {
    /// A descriptor of `bytes`.
    #[must_use]
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self::new(media_type, Digest::of(bytes), bytes.len() as u64)
    }

    /// A descriptor with neither platform nor annotations.
    #[must_use]
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            artifact_type: None,
            platform: None,
            annotations: BTreeMap::new(),
            urls: Vec::new(),
        }
    }

    /// The same with one more annotation.
    #[must_use]
    pub fn annotated(mut self, key: &str, value: impl Into<String>) -> Self {
        self.annotations.insert(key.to_owned(), value.into());
        self
    }

    /// Whether the content is an index or a manifest, which a registry serves under `/manifests/`.
    #[must_use]
    pub fn is_document(&self) -> bool {
        media::is_index(&self.media_type) || media::is_manifest(&self.media_type)
    }
}

/// A manifest or an index, beside the bytes that it was read from. The bytes are what travels; nothing re-serialises `value`.
#[derive(Debug, Clone)]
pub struct Raw {
    bytes: Vec<u8>,
    descriptor: Descriptor,
    value: Document,
}

/// What a manifest or an index says.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "most are images, so a box would cost more than it saves")]
pub enum Document {
    /// An index: a list of manifests.
    Index {
        /// The manifests, in order.
        manifests: Vec<Descriptor>,
        /// Annotations of the index.
        annotations: BTreeMap<String, String>,
        /// Artifact type of the index.
        artifact_type: Option<String>,
        /// The manifest that this one is about.
        subject: Option<Descriptor>,
    },
    /// An image or artifact: a configuration and layers.
    Image {
        /// The configuration.
        config: Descriptor,
        /// The layers, in order.
        layers: Vec<Descriptor>,
        /// Annotations of the manifest.
        annotations: BTreeMap<String, String>,
        /// Artifact type of the manifest.
        artifact_type: Option<String>,
        /// The manifest that this one is about.
        subject: Option<Descriptor>,
    },
}

/// Why the bytes of a manifest or an index are refused.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// The bytes are not what the descriptor names.
    #[error("{wanted} was expected, the content is {found}")]
    Digest {
        /// The descriptor's digest.
        wanted: Digest,
        /// The digest of the bytes.
        found: Digest,
    },
    /// Not acceptable JSON.
    #[error("{digest}: {source}")]
    Json {
        /// The document.
        digest: Digest,
        /// What is wrong.
        source: JsonError,
    },
    /// A rule of the image specification, or of ours on top of it, is broken.
    #[error("{digest}: {rule}")]
    Rule {
        /// The document.
        digest: Digest,
        /// The rule.
        rule: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    schema_version: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    fs_layers: Option<serde::de::IgnoredAny>,
    subject: Option<Descriptor>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

impl Raw {
    /// Parses `bytes` as the document that `descriptor` names.
    ///
    /// # Errors
    /// [`OciError`]: other bytes than the descriptor's; not strict JSON; not schema version 2; a media type inside that
    /// is not the descriptor's; both an index and a manifest (CVE-2021-41190); layers with `urls`; a blob over
    /// [`limits::BLOB_BYTES`].
    pub fn parse(descriptor: &Descriptor, bytes: Vec<u8>) -> Result<Self, OciError> {
        let digest = descriptor.digest;
        let found = Digest::of(&bytes);
        if found != digest || bytes.len() as u64 != descriptor.size {
            return Err(OciError::Digest { wanted: digest, found });
        }
        let wire: Wire = json::parse(&bytes, limits::MANIFEST_BYTES, Numbers::Any)
            .map_err(|source| OciError::Json { digest, source })?;
        let value = wire.checked(&descriptor.media_type).map_err(|rule| OciError::Rule { digest, rule })?;
        Ok(Self { bytes, descriptor: descriptor.clone(), value })
    }

    /// The bytes as they travel.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The descriptor that the document was found by.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// What it says.
    #[must_use]
    pub fn value(&self) -> &Document {
        &self.value
    }
}

impl Wire {
    fn checked(self, media_type: &str) -> Result<Document, &'static str> {
        if self.fs_layers.is_some() {
            return Err("image manifests of Docker's schema 1 are not carried: convert the image first");
        }
        if self.schema_version != 2 {
            return Err("`schemaVersion` is not 2");
        }
        if self.media_type.as_deref().is_some_and(|inner| inner != media_type) {
            return Err("`mediaType` inside is not the one that it is referred to by");
        }
        let annotations = self.annotations.unwrap_or_default();
        let Self { artifact_type, subject, .. } = self;
        let document = match (media::is_index(media_type), self.manifests, self.config, self.layers) {
            (true, Some(manifests), None, None) => Document::Index { manifests, annotations, artifact_type, subject },
            (false, None, Some(config), Some(layers)) if media::is_manifest(media_type) => {
                Document::Image { config, layers, annotations, artifact_type, subject }
            }
            (true, ..) => return Err("an index has `manifests`, and neither `config` nor `layers`"),
            (false, ..) => return Err("a manifest has `config` and `layers`, and no `manifests`"),
        };
        for child in document.children() {
            if !child.urls.is_empty() {
                return Err("a layer with `urls` is somewhere else, where an isolated site cannot fetch it");
            }
            if child.size > limits::BLOB_BYTES {
                return Err("a blob is larger than 1 TiB");
            }
        }
        Ok(document)
    }
}

impl Document {
    /// What the document refers to: the manifests of an index, or configuration and layers. Not its subject.
    pub fn children(&self) -> impl Iterator<Item = &Descriptor> {
        let (first, rest) = match self {
            Self::Index { manifests, .. } => (None, manifests),
            Self::Image { config, layers, .. } => (Some(config), layers),
        };
        first.into_iter().chain(rest)
    }

    /// Annotations of the document itself.
    #[must_use]
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Index { annotations, .. } | Self::Image { annotations, .. } => annotations,
        }
    }

    /// Artifact type of the document: its own, or for an image the configuration's media type (image-spec manifest.md).
    #[must_use]
    pub fn artifact_type(&self) -> Option<&str> {
        match self {
            Self::Index { artifact_type, .. } => artifact_type.as_deref(),
            Self::Image { artifact_type, config, .. } => artifact_type.as_deref().or(Some(&config.media_type)),
        }
    }

    /// The manifest that this one is about.
    #[must_use]
    pub fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Index { subject, .. } | Self::Image { subject, .. } => subject.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = r#"{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}"#;

    fn parse(media_type: &str, text: &str) -> Result<Raw, OciError> {
        Raw::parse(&Descriptor::of(media_type, text.as_bytes()), text.as_bytes().to_vec())
    }

    #[test]
    fn manifests_and_indexes_parse() {
        let image =
            parse(media::OCI_MANIFEST, &format!(r#"{{"schemaVersion":2,"config":{D},"layers":[{D}],"x":1.5}}"#));
        assert_eq!(image.unwrap().value().children().count(), 2);
        let index = parse(media::OCI_INDEX, r#"{"schemaVersion":2,"manifests":[]}"#);
        assert_eq!(index.unwrap().value().children().count(), 0);
    }

    #[test]
    fn ambiguous_or_foreign_documents_are_refused() {
        for (why, media_type, text) in [
            ("both kinds", media::OCI_INDEX, format!(r#"{{"schemaVersion":2,"manifests":[],"layers":[],"config":{D}}}"#)),
            ("both kinds", media::OCI_MANIFEST, format!(r#"{{"schemaVersion":2,"manifests":[],"layers":[],"config":{D}}}"#)),
            ("wrong kind", media::OCI_MANIFEST, r#"{"schemaVersion":2,"manifests":[]}"#.into()),
            (
                "other type inside",
                media::OCI_INDEX,
                r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests":[]}"#.into(),
            ),
            ("schema 1", media::DOCKER_MANIFEST, r#"{"schemaVersion":1,"fsLayers":[]}"#.into()),
            ("sha512", media::OCI_INDEX, r#"{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"sha512:00","size":1}]}"#.into()),
            (
                "elsewhere",
                media::OCI_MANIFEST,
                format!(r#"{{"schemaVersion":2,"config":{D},"layers":[{}]}}"#, D.replace("\"size\":2", r#""size":2,"urls":["https://x"]"#)),
            ),
            (
                "negative size",
                media::OCI_MANIFEST,
                format!(r#"{{"schemaVersion":2,"config":{},"layers":[]}}"#, D.replace("\"size\":2", "\"size\":-2")),
            ),
        ] {
            assert!(parse(media_type, &text).is_err(), "{why}: {text}");
        }
    }

    #[test]
    fn other_bytes_than_the_descriptors_are_refused() {
        let descriptor = Descriptor::of(media::OCI_INDEX, br#"{"schemaVersion":2,"manifests":[]}"#);
        let other = br#"{"schemaVersion":2,"manifests": []}"#.to_vec();
        assert!(matches!(Raw::parse(&descriptor, other), Err(OciError::Digest { .. })));
    }
}
