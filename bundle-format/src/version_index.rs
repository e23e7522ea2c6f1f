//! A template version as content: the version index, the documents' manifest, and what is derived from them
//! (spec/bundle.md section 3).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::oci::{Descriptor, Document, OciError, Raw};
use crate::reference::ImageRef;
use crate::template::{RelativePath, TemplateName, TemplateVersion};
use crate::{limits, media};

/// The content of `oci-layout` (section 3.4).
pub const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
/// The empty configuration of an artifact manifest.
pub const EMPTY: &[u8] = b"{}";

/// The index whose digest names a template version (section 3.1).
#[derive(Debug, Clone)]
pub struct VersionIndex {
    raw: Raw,
    name: TemplateName,
    version: TemplateVersion,
    revision: u32,
    documents: Descriptor,
    images: Vec<Image>,
}

/// An image of a template version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its name.
    pub name: ImageRef,
    /// Its manifest or index, without our annotations.
    pub root: Descriptor,
}

/// The manifest of a template version's documents (section 3.2).
#[derive(Debug, Clone)]
pub struct Documents {
    raw: Raw,
    template: Descriptor,
    files: Vec<(RelativePath, Descriptor)>,
}

/// An OCI document as we write it: compact, members in this order, nothing empty.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    schema_version: u8,
    media_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Descriptor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<Vec<Descriptor>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifests: Option<Vec<Descriptor>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Descriptor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, String>,
}

impl<'a> Written<'a> {
    fn new(media_type: &'a str, artifact_type: Option<&'a str>) -> Self {
        Self {
            schema_version: 2,
            media_type,
            artifact_type,
            config: None,
            layers: None,
            manifests: None,
            subject: None,
            annotations: BTreeMap::new(),
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    fn raw(&self) -> Result<Raw, VersionIndexError> {
        let bytes = self.bytes()?;
        let mut descriptor = Descriptor::of(self.media_type, &bytes);
        descriptor.artifact_type = self.artifact_type.map(str::to_owned);
        Ok(Raw::parse(&descriptor, bytes)?)
    }
}

/// Why content is not a template version.
#[derive(Debug, thiserror::Error)]
pub enum VersionIndexError {
    /// It breaks a rule of section 3.
    #[error("blobs/sha256/{} is not the content of a template version: {rule}", digest.hex())]
    Rule {
        /// The document.
        digest: crate::Digest,
        /// The rule.
        rule: &'static str,
    },
    /// It is not a document at all, or one too large.
    #[error(transparent)]
    Oci(#[from] OciError),
    /// It cannot be written.
    #[error("cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Documents {
    /// Makes the manifest of `template` and `files`.
    ///
    /// # Errors
    /// More documents than fit into a manifest.
    pub fn new(
        template: Descriptor,
        files: impl IntoIterator<Item = (RelativePath, Descriptor)>,
    ) -> Result<Self, VersionIndexError> {
        let mut files: Vec<_> = files.into_iter().collect();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        let titled = files.iter().map(|(path, file)| file.clone().annotated(media::TITLE, path.as_str()));
        let mut manifest = Written::new(media::OCI_MANIFEST, Some(media::TEMPLATE));
        manifest.config = Some(Descriptor::of(media::OCI_EMPTY, EMPTY));
        manifest.layers = Some(std::iter::once(template.clone()).chain(titled).collect());
        Ok(Self { raw: manifest.raw()?, template, files })
    }

    /// Reads the manifest.
    ///
    /// # Errors
    /// [`VersionIndexError::Rule`].
    pub fn read(raw: Raw) -> Result<Self, VersionIndexError> {
        let rule = |rule| VersionIndexError::Rule { digest: raw.descriptor().digest, rule };
        let Document::Image { config, layers, .. } = raw.value() else {
            return Err(rule("the documents are not an artifact manifest"));
        };
        if raw.value().artifact_type() != Some(media::TEMPLATE) {
            return Err(rule("the documents' manifest is not of the artifact type of a template"));
        }
        if *config != Descriptor::of(media::OCI_EMPTY, EMPTY) {
            return Err(rule("the documents' manifest does not have the empty configuration"));
        }
        let (template, rest) = match layers.split_first() {
            Some((first, rest)) if first.media_type == media::TEMPLATE_YAML => (first.clone(), rest),
            _ => return Err(rule("its first layer is not the template")),
        };
        if template.size > limits::TEMPLATE_BYTES {
            return Err(rule("the template is larger than 4 MiB"));
        }
        let mut files: Vec<(RelativePath, Descriptor)> = Vec::new();
        for layer in rest {
            if ![media::KUBERNETES_YAML, media::FILE].contains(&layer.media_type.as_str()) {
                return Err(rule("a document is neither a Kubernetes manifest nor a file"));
            }
            let path = layer.annotations.get(media::TITLE).and_then(|title| title.parse::<RelativePath>().ok());
            let path = path.ok_or_else(|| rule("a file has no proper path for a title"))?;
            if files.last().is_some_and(|(last, _)| *last >= path) {
                return Err(rule("the files are not sorted by path, or one is there twice"));
            }
            let mut file = layer.clone();
            file.annotations.remove(media::TITLE);
            files.push((path, file));
        }
        Ok(Self { template, files, raw })
    }

    /// The manifest.
    #[must_use]
    pub fn raw(&self) -> &Raw {
        &self.raw
    }

    /// The template as its vendor wrote it.
    #[must_use]
    pub fn template(&self) -> &Descriptor {
        &self.template
    }

    /// The files that the template names, sorted by path.
    #[must_use]
    pub fn files(&self) -> &[(RelativePath, Descriptor)] {
        &self.files
    }
}

impl VersionIndex {
    /// Makes the index.
    ///
    /// # Errors
    /// More images than fit into an index.
    pub fn new(
        name: TemplateName,
        version: TemplateVersion,
        revision: u32,
        documents: &Documents,
        images: impl IntoIterator<Item = Image>,
    ) -> Result<Self, VersionIndexError> {
        let mut images: Vec<_> = images.into_iter().collect();
        images.sort_by(|a, b| a.name.cmp(&b.name));
        let documents = documents.raw().descriptor().clone();
        let named = images.iter().map(|i| i.root.clone().annotated(media::IMAGE_NAME, i.name.to_string()));
        let mut index = Written::new(media::OCI_INDEX, Some(media::TEMPLATE));
        index.manifests = Some(std::iter::once(documents.clone()).chain(named).collect());
        index.annotations = [
            (media::TEMPLATE_NAME, name.to_string()),
            (media::TEMPLATE_VERSION, version.to_string()),
            (media::TEMPLATE_REVISION, revision.to_string()),
        ]
        .into();
        Ok(Self { raw: index.raw()?, name, version, revision, documents, images })
    }

    /// Reads the index.
    ///
    /// # Errors
    /// [`VersionIndexError::Rule`].
    pub fn read(raw: Raw) -> Result<Self, VersionIndexError> {
        let rule = |rule| VersionIndexError::Rule { digest: raw.descriptor().digest, rule };
        let Document::Index { manifests, annotations, artifact_type, .. } = raw.value() else {
            return Err(rule("it is not an index"));
        };
        if artifact_type.as_deref() != Some(media::TEMPLATE) {
            return Err(rule("it is not of the artifact type of a template"));
        }
        let annotation = |key| annotations.get(key).map(String::as_str).unwrap_or_default();
        let name = annotation(media::TEMPLATE_NAME).parse().map_err(|_| rule("it has no proper template name"))?;
        let version = annotation(media::TEMPLATE_VERSION).parse().map_err(|_| rule("it has no proper version"))?;
        let revision = annotation(media::TEMPLATE_REVISION);
        let revision: u32 = revision
            .parse()
            .ok()
            .filter(|n: &u32| *n > 0 && n.to_string() == revision)
            .ok_or_else(|| rule("it has no proper revision"))?;
        let (documents, rest) = match manifests.split_first() {
            Some((first, rest))
                if first.media_type == media::OCI_MANIFEST
                    && first.artifact_type.as_deref() == Some(media::TEMPLATE) =>
            {
                (first.clone(), rest)
            }
            _ => return Err(rule("its first manifest is not the documents'")),
        };
        let mut images: Vec<Image> = Vec::new();
        for entry in rest {
            let text = entry.annotations.get(media::IMAGE_NAME).map(String::as_str).unwrap_or_default();
            let name: ImageRef = text
                .parse()
                .ok()
                .filter(|name: &ImageRef| name.to_string() == text)
                .ok_or_else(|| rule("an image has no normalised name"))?;
            if images.last().is_some_and(|last| last.name >= name) {
                return Err(rule("the images are not sorted by name, or one is there twice"));
            }
            if !entry.is_document() {
                return Err(rule("an image is neither a manifest nor an index"));
            }
            let mut root = entry.clone();
            root.annotations.remove(media::IMAGE_NAME);
            images.push(Image { name, root });
        }
        Ok(Self { name, version, revision, documents, images, raw })
    }

    /// The index.
    #[must_use]
    pub fn raw(&self) -> &Raw {
        &self.raw
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

    /// The documents' manifest.
    #[must_use]
    pub fn documents(&self) -> &Descriptor {
        &self.documents
    }

    /// The images, sorted by name.
    #[must_use]
    pub fn images(&self) -> &[Image] {
        &self.images
    }

    /// `NAME:TAG`, as people call the template version.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}:{}", self.name, self.version.tag(self.revision))
    }

    /// The name in `index.json` of the template version `label`.
    #[must_use]
    pub fn reference(label: &str) -> String {
        format!("sealift/{label}")
    }

    /// The label of the template version that is called `name` in `index.json`.
    #[must_use]
    pub fn label_of(name: &str) -> Option<&str> {
        name.strip_prefix("sealift/")
    }

    /// The entries of `index.json` (section 3.5): what clients find under which name.
    #[must_use]
    pub fn entries(&self) -> Vec<Descriptor> {
        let own = self.raw.descriptor().clone().annotated(media::REF_NAME, Self::reference(&self.label()));
        let images = self.images.iter().map(|image| {
            let mut root = Descriptor::new(&image.root.media_type, image.root.digest, image.root.size);
            root.artifact_type = image.root.artifact_type.clone();
            root.platform = image.root.platform.clone();
            root.annotated(media::REF_NAME, image.name.to_string())
        });
        std::iter::once(own).chain(images).collect()
    }
}

/// The bytes of an `index.json` with these entries.
///
/// # Errors
/// None that descriptors can cause.
pub fn index_json(entries: Vec<Descriptor>) -> Result<Vec<u8>, serde_json::Error> {
    let mut index = Written::new(media::OCI_INDEX, None);
    index.manifests = Some(entries);
    index.bytes()
}

/// The artifact manifest that ties a release envelope to the version index that it vouches for, for a store's referrers.
///
/// # Errors
/// None that descriptors can cause.
pub fn release_artifact(version: &VersionIndex, envelope: &[u8]) -> Result<Raw, VersionIndexError> {
    envelope_artifact(media::RELEASE, version.raw().descriptor(), envelope)
}

/// The artifact manifest that ties the envelope of a status to the version index `subject`, for a store's referrers.
///
/// # Errors
/// None that descriptors can cause.
pub fn status_artifact(subject: &Descriptor, envelope: &[u8]) -> Result<Raw, VersionIndexError> {
    envelope_artifact(media::STATUS, subject, envelope)
}

fn envelope_artifact(kind: &str, subject: &Descriptor, envelope: &[u8]) -> Result<Raw, VersionIndexError> {
    let mut manifest = Written::new(media::OCI_MANIFEST, Some(kind));
    manifest.config = Some(Descriptor::of(media::OCI_EMPTY, EMPTY));
    manifest.layers = Some(vec![Descriptor::of(media::DSSE, envelope)]);
    manifest.subject = Some(Descriptor::new(&subject.media_type, subject.digest, subject.size));
    manifest.raw()
}
