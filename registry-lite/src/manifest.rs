//! What a manifest or an index refers to, as a registry must know it. Bundles are read by stricter rules
//! ([`bundle_format::Raw`]); a registry takes what the specifications allow, and stores the bytes as they came.

use std::collections::BTreeMap;

use bundle_format::json::{self, JsonError, Numbers};
use bundle_format::{limits, media};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::digest::ContentDigest;

/// The artifact manifest of image-spec 1.1's release candidates, which older tools still push.
const OCI_ARTIFACT: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// Docker's schema 1, which nothing should make any more.
const SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1";

/// A manifest or an index, read.
#[derive(Debug, Clone)]
pub struct Manifest {
    media_type: String,
    is_index: bool,
    references: Vec<Reference>,
    subject: Option<ContentDigest>,
    artifact_type: Option<String>,
    annotations: BTreeMap<String, String>,
}

/// Something that a manifest or an index lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its digest.
    pub digest: ContentDigest,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type.
    pub media_type: String,
    /// Whether a registry need not hold it: a layer that may not be distributed, or has other places.
    pub elsewhere: bool,
}

impl Reference {
    /// Whether it is served under `/manifests/`.
    #[must_use]
    pub fn is_manifest(&self) -> bool {
        is_manifest_type(&self.media_type)
    }
}

/// A manifest in the list of what refers to a subject (distribution-spec, "Listing Referrers").
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Referrer {
    /// Media type of the manifest.
    pub media_type: String,
    /// Its digest.
    pub digest: ContentDigest,
    /// Its size in bytes.
    pub size: u64,
    /// Its artifact type, or the media type of its configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// All its annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Why bytes are no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not acceptable JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The media type inside is not the one that it was sent with.
    #[error("it says that it is {inside:?}, and was sent as {sent:?}")]
    MediaType {
        /// What `mediaType` says.
        inside: String,
        /// What it was sent with.
        sent: String,
    },
    /// A rule of the image specification.
    #[error("{0}")]
    Rule(&'static str),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Listed>,
    layers: Option<Vec<Listed>>,
    manifests: Option<Vec<Listed>>,
    blobs: Option<Vec<Listed>>,
    fs_layers: Option<IgnoredAny>,
    subject: Option<Listed>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    media_type: Option<String>,
    digest: ContentDigest,
    size: u64,
    urls: Option<Vec<IgnoredAny>>,
}

impl From<Listed> for Reference {
    fn from(listed: Listed) -> Self {
        let media_type = listed.media_type.unwrap_or_default();
        let elsewhere = listed.urls.is_some_and(|urls| !urls.is_empty())
            || media_type.starts_with("application/vnd.oci.image.layer.nondistributable.")
            || media_type.starts_with("application/vnd.docker.image.rootfs.foreign.");
        Self { digest: listed.digest, size: listed.size, media_type, elsewhere }
    }
}

/// Whether `media_type` is of something that is served under `/manifests/`.
#[must_use]
pub fn is_manifest_type(media_type: &str) -> bool {
    media::is_index(media_type) || media::is_manifest(media_type) || media_type == OCI_ARTIFACT
}

impl Manifest {
    /// Reads `bytes`, which were sent or are stored as `media_type`; without one, what they say themselves counts.
    ///
    /// # Errors
    /// [`ManifestError`]: not JSON, or longer than [`limits::MANIFEST_BYTES`]; not schema version 2; a media type that is no
    /// manifest's, or differs from the one inside; both an index and a manifest (CVE-2021-41190); without what its type needs.
    pub fn parse(media_type: Option<&str>, bytes: &[u8]) -> Result<Self, ManifestError> {
        let wire: Wire = json::parse(bytes, limits::MANIFEST_BYTES, Numbers::Any)?;
        let media_type = wire.media_type(media_type)?;
        if wire.fs_layers.is_some() || media_type.starts_with(SCHEMA_1) || wire.schema_version == Some(1) {
            return Err(ManifestError::Rule(
                "Docker's schema 1 is not taken: push with a client of the last ten years",
            ));
        }
        if !is_manifest_type(&media_type) {
            return Err(ManifestError::Rule("its media type is neither that of an image nor that of an index"));
        }
        if media_type != OCI_ARTIFACT && wire.schema_version != Some(2) {
            return Err(ManifestError::Rule("`schemaVersion` is not 2"));
        }
        if wire.manifests.is_some() && (wire.layers.is_some() || wire.config.is_some()) {
            return Err(ManifestError::Rule("it is both an index and a manifest"));
        }
        let is_index = media::is_index(&media_type);
        if is_index && wire.manifests.is_none() {
            return Err(ManifestError::Rule("an index needs `manifests`"));
        }
        if media::is_manifest(&media_type) && wire.config.is_none() {
            return Err(ManifestError::Rule("a manifest needs `config`"));
        }
        let config_type = wire.config.as_ref().and_then(|c| c.media_type.clone());
        let artifact_type = wire.artifact_type.filter(|t| !t.is_empty()).or(config_type);
        let listed = [wire.config.map(|c| vec![c]), wire.layers, wire.manifests, wire.blobs];
        Ok(Self {
            references: listed.into_iter().flatten().flatten().map(Reference::from).collect(),
            media_type,
            is_index,
            subject: wire.subject.map(|s| s.digest),
            artifact_type,
            annotations: wire.annotations.unwrap_or_default(),
        })
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Whether it is a list of manifests, of which a registry need not hold each.
    #[must_use]
    pub fn is_index(&self) -> bool {
        self.is_index
    }

    /// What it lists: configuration and layers, or manifests, in order.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Option<&ContentDigest> {
        self.subject.as_ref()
    }

    /// How the list of what refers to its subject shows it.
    #[must_use]
    pub fn as_referrer(&self, digest: ContentDigest, size: u64) -> Referrer {
        Referrer {
            media_type: self.media_type.clone(),
            digest,
            size,
            artifact_type: self.artifact_type.clone(),
            annotations: self.annotations.clone(),
        }
    }
}

impl Wire {
    fn media_type(&self, sent: Option<&str>) -> Result<String, ManifestError> {
        match (self.media_type.as_deref().filter(|t| !t.is_empty()), sent.filter(|t| !t.is_empty())) {
            (Some(inside), Some(sent)) if inside != sent => {
                Err(ManifestError::MediaType { inside: cut(inside), sent: cut(sent) })
            }
            (Some(known), _) | (None, Some(known)) => Ok(known.to_owned()),
            (None, None) => Err(ManifestError::Rule("neither it nor the request says what media type it has")),
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn descriptor(media_type: &str) -> String {
        format!(r#"{{"mediaType":"{media_type}","digest":"{D}","size":0}}"#)
    }

    fn parse(media_type: &str, rest: &str) -> Result<Manifest, String> {
        let text = format!(r#"{{"schemaVersion":2,{rest}}}"#);
        Manifest::parse(Some(media_type).filter(|t| !t.is_empty()), text.as_bytes()).map_err(|e| e.to_string())
    }

    #[test]
    fn what_the_specifications_allow_is_taken() {
        let config = format!(r#""config":{}"#, descriptor(media::OCI_CONFIG));
        for (why, media_type, rest, references) in [
            ("no layers", media::OCI_MANIFEST, format!(r#"{config},"layers":[]"#), 1),
            ("without the list of layers", media::OCI_MANIFEST, config.clone(), 1),
            ("a layer", media::OCI_MANIFEST, format!(r#"{config},"layers":[{}]"#, descriptor("x/y")), 2),
            ("Docker's", media::DOCKER_MANIFEST, format!(r#"{config},"layers":[{}]"#, descriptor("x/y")), 2),
            ("unknown fields", media::OCI_MANIFEST, format!(r#"{config},"layers":[],"new":{{"a":[1.5]}}"#), 1),
            ("an empty index", media::OCI_INDEX, r#""manifests":[]"#.to_owned(), 0),
            ("an index", media::DOCKER_LIST, format!(r#""manifests":[{}]"#, descriptor(media::OCI_INDEX)), 1),
            ("the type inside alone", "", format!(r#""mediaType":"{}","manifests":[]"#, media::OCI_INDEX), 0),
            ("an artifact manifest", OCI_ARTIFACT, format!(r#""blobs":[{}]"#, descriptor("x/y")), 1),
        ] {
            assert_eq!(parse(media_type, &rest).map(|m| m.references().len()), Ok(references), "{why}");
        }
    }

    #[test]
    fn what_is_no_manifest_is_refused_with_the_rule() {
        let config = format!(r#""config":{}"#, descriptor(media::OCI_CONFIG));
        for (why, media_type, rest, expected) in [
            ("no type at all", "", config.clone(), "media type"),
            ("another type inside", media::OCI_MANIFEST, format!(r#""mediaType":"a/b",{config}"#), "was sent as"),
            ("some other type", "application/json", config.clone(), "neither"),
            ("both", media::OCI_INDEX, format!(r#"{config},"manifests":[]"#), "both"),
            ("an index without a list", media::OCI_INDEX, r#""annotations":{}"#.to_owned(), "needs `manifests`"),
            ("a manifest without a configuration", media::OCI_MANIFEST, r#""layers":[]"#.to_owned(), "needs `config`"),
            (
                "schema 1",
                "application/vnd.docker.distribution.manifest.v1+prettyjws",
                r#""a":1"#.to_owned(),
                "schema 1",
            ),
            ("schema 1 within", media::DOCKER_MANIFEST, format!(r#""fsLayers":[],{config}"#), "schema 1"),
            (
                "a digest that is none",
                media::OCI_INDEX,
                r#""manifests":[{"digest":"sha256:x","size":1}]"#.to_owned(),
                "digest",
            ),
            ("a negative size", media::OCI_INDEX, format!(r#""manifests":[{{"digest":"{D}","size":-1}}]"#), "-1"),
            ("a key twice", media::OCI_INDEX, r#""manifests":[],"manifests":[]"#.to_owned(), ""),
        ] {
            let error = parse(media_type, &rest).expect_err(why);
            assert!(error.contains(expected), "{why}: {error}");
        }
        assert!(Manifest::parse(Some(media::OCI_INDEX), br#"{"manifests":[]}"#).is_err(), "no schema version");
        assert!(Manifest::parse(Some(media::OCI_INDEX), b"[]").is_err());
        assert!(Manifest::parse(Some(media::OCI_INDEX), b"").is_err());
    }

    #[test]
    fn layers_that_may_not_be_distributed_need_not_be_held() {
        let layer =
            |media_type: &str, more: &str| format!(r#"{{"mediaType":"{media_type}","digest":"{D}","size":0{more}}}"#);
        for (why, layer, elsewhere) in [
            ("by its type", layer("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", ""), true),
            ("Docker's", layer("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", ""), true),
            ("by its other places", layer(media::OCI_LAYER_GZIP, r#","urls":["https://x"]"#), true),
            ("no other places", layer(media::OCI_LAYER_GZIP, r#","urls":[]"#), false),
            ("as usual", layer(media::OCI_LAYER_GZIP, ""), false),
        ] {
            let rest = format!(r#""config":{},"layers":[{layer}]"#, descriptor(media::OCI_CONFIG));
            let manifest = parse(media::OCI_MANIFEST, &rest).unwrap();
            assert_eq!(manifest.references()[1].elsewhere, elsewhere, "{why}");
        }
    }

    #[test]
    fn a_referrer_has_an_artifact_type_of_its_own_or_its_configurations() {
        let config = format!(r#""config":{},"layers":[]"#, descriptor("config/type"));
        let own = format!(r#"{config},"artifactType":"own/type""#);
        let index = r#""manifests":[]"#.to_owned();
        for (why, media_type, rest, expected) in [
            ("its own", media::OCI_MANIFEST, own, Some("own/type")),
            ("its configuration's", media::OCI_MANIFEST, config, Some("config/type")),
            ("an index has none", media::OCI_INDEX, index, None),
        ] {
            let manifest = parse(media_type, &rest).unwrap();
            let referrer = manifest.as_referrer(D.parse().unwrap(), 1);
            assert_eq!(referrer.artifact_type.as_deref(), expected, "{why}");
        }
    }
}
