//! Media types and annotation keys (spec/bundle.md section 3).

/// OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Docker's list of manifests, the index of its schema 2.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's image manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's image configuration.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// OCI image configuration.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// An uncompressed OCI layer.
pub const OCI_LAYER_TAR: &str = "application/vnd.oci.image.layer.v1.tar";
/// A gzip'd OCI layer.
pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// A zstd'd OCI layer.
pub const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// The empty JSON object, `{}`, that an artifact manifest has for a configuration.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// Artifact type of a template version's index and of the manifest that holds its documents.
pub const TEMPLATE: &str = "application/vnd.sealift.template.v1";
/// The template document, as its vendor wrote it.
pub const TEMPLATE_YAML: &str = "application/vnd.sealift.template.v1+yaml";
/// A file of Kubernetes manifests.
pub const KUBERNETES_YAML: &str = "application/vnd.sealift.kubernetes.v1+yaml";
/// A file that travels with the template.
pub const FILE: &str = "application/vnd.sealift.file.v1";
/// Artifact type of the manifest that ties a release envelope to its template version.
pub const RELEASE: &str = "application/vnd.sealift.release.v1";
/// Artifact type of the manifest that ties a status to its template version.
pub const STATUS: &str = "application/vnd.sealift.status.v1";
/// A patch (spec/delta.md). None is ever stored.
pub const PATCH: &str = "application/vnd.sealift.patch.v1";
/// A DSSE envelope.
pub const DSSE: &str = "application/vnd.dsse.envelope.v1+json";

/// Annotation of an entry in `index.json`: the name that clients find it by.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Annotation of a document: its path beside the template.
pub const TITLE: &str = "org.opencontainers.image.title";
/// Annotation of an image in a template version's index: its name, normalised.
pub const IMAGE_NAME: &str = "dev.sealift.image.name";
/// Annotation of a template version's index: the template's name.
pub const TEMPLATE_NAME: &str = "dev.sealift.template.name";
/// Annotation of a template version's index: the version.
pub const TEMPLATE_VERSION: &str = "dev.sealift.template.version";
/// Annotation of a template version's index: the revision, in decimal.
pub const TEMPLATE_REVISION: &str = "dev.sealift.template.revision";

/// Annotation of a release's entry in a store: the release's identity.
pub const RELEASE_ID: &str = "dev.sealift.release.id";
/// Annotation of a release's entry in a store: the keys that it was verified with at import, parted by commas.
pub const VERIFIED_BY: &str = "dev.sealift.release.verified-by";

/// Annotation of a status's entry in a store: its identity, the digest of the payload.
pub const STATUS_ID: &str = "dev.sealift.status.id";
/// Annotation of a status's entry in a store: the keys that it was verified with at import, parted by commas.
pub const STATUS_VERIFIED_BY: &str = "dev.sealift.status.verified-by";

/// Whether `media_type` is an index of manifests.
#[must_use]
pub fn is_index(media_type: &str) -> bool {
    matches!(media_type, OCI_INDEX | DOCKER_LIST)
}

/// Whether `media_type` is an image (or artifact) manifest.
#[must_use]
pub fn is_manifest(media_type: &str) -> bool {
    matches!(media_type, OCI_MANIFEST | DOCKER_MANIFEST)
}
