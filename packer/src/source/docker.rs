//! What `docker save` and `podman save` write (moby image/spec v1.2, "Combined Image JSON + Filesystem Changeset Format").
//!
//! Docker 25 and later put a whole OCI layout beside their `manifest.json`; then the image keeps the digest that its
//! builder gave it. Before, an archive held a configuration and uncompressed layers, but no manifest: one is made, the
//! same for the same archive on every machine.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use bundle_format::json::{self, Numbers};
use bundle_format::{BlobSource, Descriptor, Digest, Document, SourceError, limits, media};
use serde::{Deserialize, Serialize};

use super::archive::Archive;
use super::choose::{Candidate, choose};
use super::compression::Compression;
use super::layout::{Blobs, CONTAINERD_NAME, DOCKER_LIST, INDEX, MARK};
use super::table::Section;
use super::tree::{Tree, read_document};
use super::{ImageSource, quoted, refused};

/// Most memory for the names of images, in bytes.
const NAMES_BYTES: usize = 64 << 20;

/// An entry of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

/// What is read of a configuration (image-spec config.md).
#[derive(Deserialize)]
struct Config {
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Option<Vec<Digest>>,
}

/// The manifest that is made for an image that has none. The order of the fields decides its digest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u64,
    media_type: &'static str,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

/// An image of an archive without an OCI layout.
struct DockerImage {
    archive: Archive,
    root: Descriptor,
    manifest: Vec<u8>,
    sections: HashMap<Digest, Section>,
}

/// Opens the image that `reference` names, in either form.
pub(super) fn open(archive: Archive, reference: Option<&str>) -> Result<Box<dyn ImageSource>, SourceError> {
    // One without the other is a damaged layout: making a manifest for it would give the image another digest.
    let layout = archive.find(MARK).is_some() || archive.find(INDEX).is_some();
    let Some(list) = read_document(&archive, DOCKER_LIST)? else {
        let hint = if layout { "; an OCI layout in a tar is `oci-archive:PATH`" } else { "" };
        let why = format!("holds no `{DOCKER_LIST}`, so `docker save` did not write it{hint}");
        return Err(refused(archive.place(), why));
    };
    let saved: Vec<Saved> = json::parse(&list, limits::MANIFEST_BYTES, Numbers::Any)
        .map_err(|e| refused(archive.place(), format!("`{DOCKER_LIST}` is malformed: {e}")))?;
    if layout {
        return open_layout(archive, &saved, reference);
    }
    let candidate = |saved: Saved| Candidate {
        id: saved.config.clone(),
        names: saved.repo_tags.clone().unwrap_or_default(),
        image: saved,
    };
    let saved = choose(archive.place(), saved.into_iter().map(candidate).collect(), reference)?.image;
    Ok(Box::new(DockerImage::new(archive, &saved)?))
}

/// Chooses among the layout's images, whose names are in their annotations and in `manifest.json`.
fn open_layout(
    archive: Archive,
    saved: &[Saved],
    reference: Option<&str>,
) -> Result<Box<dyn ImageSource>, SourceError> {
    let mut tags: HashMap<Digest, Vec<String>> = HashMap::new();
    for saved in saved {
        if let Some(config) = digest_in_name(&saved.config) {
            tags.entry(config).or_default().extend(saved.repo_tags.iter().flatten().cloned());
        }
    }
    let blobs = Blobs::new(archive);
    let mut images = blobs.images()?;
    // An entry that carries its full name needs no other. The rest is matched by configuration.
    let unnamed =
        |entry: &Descriptor| media::is_manifest(&entry.media_type) && !entry.annotations.contains_key(CONTAINERD_NAME);
    let mut seen = HashSet::new();
    let mut names = 0;
    for image in images.iter_mut().filter(|image| unnamed(&image.image)) {
        // Another entry of the same image has the same names.
        if !seen.insert(image.image.digest) {
            continue;
        }
        let config = configuration(&blobs, &image.image)?;
        for tag in config.and_then(|config| tags.get(&config)).into_iter().flatten() {
            // Many manifests may share one configuration, and each gets all of its names.
            names += size_of::<String>() + tag.len();
            if names > NAMES_BYTES {
                return Err(refused(&blobs.place(), format!("more than {NAMES_BYTES} bytes of image names")));
            }
            image.names.push(tag.clone());
        }
    }
    Ok(Box::new(blobs.choose(images, reference)?))
}

/// The digest of an image's configuration; nothing if its manifest is not there, because an export of one platform may
/// list the others too.
fn configuration(blobs: &Blobs<Archive>, manifest: &Descriptor) -> Result<Option<Digest>, SourceError> {
    match blobs.document(manifest) {
        Ok(Document::Image { config, .. }) => Ok(Some(config.digest)),
        Ok(Document::Index { .. }) | Err(SourceError::Missing { .. }) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The digest that a member's name claims: `<hex>.json`, `blobs/sha256/<hex>`, `sha256:<hex>`.
fn digest_in_name(name: &str) -> Option<Digest> {
    let name = name.rsplit_once('/').map_or(name, |(_, name)| name);
    let name = name.strip_prefix("sha256:").unwrap_or(name);
    Digest::from_hex(name.strip_suffix(".json").unwrap_or(name)).ok()
}

impl DockerImage {
    fn new(archive: Archive, saved: &Saved) -> Result<Self, SourceError> {
        let place = archive.place().to_owned();
        let missing = |name: &str| SourceError::Missing { place: place.clone(), what: quoted(name) };
        let find = |name: &str| archive.find(name).ok_or_else(|| missing(name));
        let mut sections = HashMap::new();

        let name = &saved.config;
        let section = find(name)?;
        let bytes = read_document(&archive, name)?.ok_or_else(|| missing(name))?;
        let config = Descriptor::of(media::OCI_CONFIG, &bytes);
        if digest_in_name(name).is_some_and(|named| named != config.digest) {
            return Err(refused(
                &place,
                format!("the configuration {} is damaged: it is {}", quoted(name), config.digest),
            ));
        }
        sections.insert(config.digest, section);
        let parsed: Config = json::parse(&bytes, limits::MANIFEST_BYTES, Numbers::Any)
            .map_err(|e| refused(&place, format!("the configuration {} is malformed: {e}", quoted(name))))?;

        let diff_ids = parsed.rootfs.diff_ids.unwrap_or_default();
        let names = saved.layers.as_deref().unwrap_or_default();
        if diff_ids.len() != names.len() {
            let (n, m) = (diff_ids.len(), names.len());
            return Err(refused(
                &place,
                format!("the configuration {} has {n} `diff_ids` for {m} layers", quoted(name)),
            ));
        }
        let mut layers = Vec::new();
        // By offset: a compressed layer that is named a thousand times is hashed once.
        let mut compressed = HashMap::new();
        for (diff_id, name) in diff_ids.into_iter().zip(names) {
            let section = find(name)?;
            let layer = match compressed.get(&section.offset) {
                Some(known) => Descriptor::clone(known),
                None => layer(&archive, name, section, diff_id)?,
            };
            if layer.media_type != media::OCI_LAYER_TAR {
                compressed.insert(section.offset, layer.clone());
            }
            sections.entry(layer.digest).or_insert(section);
            layers.push(layer);
        }

        let manifest = Manifest { schema_version: 2, media_type: media::OCI_MANIFEST, config, layers };
        let manifest = serde_json::to_vec(&manifest).map_err(|e| refused(&place, e.to_string()))?;
        if manifest.len() as u64 > limits::MANIFEST_BYTES {
            return Err(refused(&place, format!("has {} layers, too many for one manifest", names.len())));
        }
        let root = Descriptor::of(media::OCI_MANIFEST, &manifest);
        Ok(Self { archive, root, manifest, sections })
    }
}

/// An uncompressed layer is what its `diff_id` says, which whoever reads it proves. A compressed one has another digest,
/// which is in no document of the archive.
fn layer(archive: &Archive, name: &str, section: Section, diff_id: Digest) -> Result<Descriptor, SourceError> {
    let media_type = match archive.compression(section)? {
        None => return Ok(Descriptor::new(media::OCI_LAYER_TAR, diff_id, section.size)),
        Some(Compression::Gzip) => media::OCI_LAYER_GZIP,
        Some(Compression::Zstd) => media::OCI_LAYER_ZSTD,
        Some(other) => {
            let why =
                format!("the layer {} is compressed with {}, which OCI images do not know", quoted(name), other.tool());
            return Err(refused(archive.place(), why));
        }
    };
    let (digest, size) = Digest::of_reader(&mut archive.read(section))
        .map_err(|source| SourceError::Io { place: format!("{} in {}", quoted(name), archive.place()), source })?;
    Ok(Descriptor::new(media_type, digest, size))
}

impl BlobSource for DockerImage {
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>, SourceError> {
        if blob.digest == self.root.digest {
            return Ok(Box::new(self.manifest.as_slice()));
        }
        match self.sections.get(&blob.digest) {
            Some(section) => Ok(Box::new(self.archive.read(*section))),
            None => Err(SourceError::Missing { place: self.place(), what: blob.digest.to_string() }),
        }
    }

    fn place(&self) -> String {
        self.archive.place().to_owned()
    }
}

impl ImageSource for DockerImage {
    fn root(&self) -> Result<Descriptor, SourceError> {
        Ok(self.root.clone())
    }
}
