//! An OCI image layout, in a folder or an archive (image-spec image-layout.md).

use std::io::Read;

use bundle_format::json::{self, Numbers};
use bundle_format::{BlobSource, Descriptor, Document, Raw, SourceError, limits, media};
use serde::Deserialize;

use super::choose::{Candidate, choose};
use super::tree::{Tree, read_document};
use super::{ImageSource, refused};

/// The file that marks a layout.
pub(super) const MARK: &str = "oci-layout";
/// The file that lists a layout's images.
pub(super) const INDEX: &str = "index.json";
/// The list of images in what `docker save` writes.
pub(super) const DOCKER_LIST: &str = "manifest.json";
/// Annotation that containerd and docker put on an entry: its full name, where the `ref.name` is only the tag.
pub(super) const CONTAINERD_NAME: &str = "io.containerd.image.name";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    image_layout_version: String,
}

/// A layout, of which one image is chosen.
pub(super) struct Layout<T> {
    blobs: Blobs<T>,
    root: Descriptor,
}

/// A layout's blobs by digest.
pub(super) struct Blobs<T>(T);

impl<T: Tree> Layout<T> {
    pub fn open(tree: T, reference: Option<&str>) -> Result<Self, SourceError> {
        let blobs = Blobs(tree);
        let images = blobs.images()?;
        blobs.choose(images, reference)
    }
}

impl<T: Tree> Blobs<T> {
    pub fn new(tree: T) -> Self {
        Self(tree)
    }

    /// The entries of `index.json`, after checking that the tree is a layout of a version that we know.
    pub fn images(&self) -> Result<Vec<Candidate<Descriptor>>, SourceError> {
        let refused = |why: String| refused(self.0.place(), why);
        let Some(mark) = read_document(&self.0, MARK)? else {
            let docker = self.0.open(DOCKER_LIST)?.is_some();
            let hint = if docker { "; what `docker save` wrote is `docker-archive:PATH`" } else { "" };
            return Err(refused(format!("holds no `{MARK}`, so it is not an OCI image layout{hint}")));
        };
        let mark: Mark = json::parse(&mark, limits::MANIFEST_BYTES, Numbers::Any)
            .map_err(|e| refused(format!("`{MARK}` is malformed: {e}")))?;
        if !mark.image_layout_version.starts_with("1.") {
            let version = mark.image_layout_version;
            return Err(refused(format!("is an OCI image layout of version {version:?}; known is version 1")));
        }
        let index = read_document(&self.0, INDEX)?.ok_or_else(|| refused(format!("holds no `{INDEX}`")))?;
        let index = Raw::parse(&Descriptor::of(media::OCI_INDEX, &index), index)
            .map_err(|e| refused(format!("`{INDEX}` is malformed: {e}")))?;
        Ok(index.value().children().map(candidate).collect())
    }

    /// The one of `images` that `reference` names.
    pub fn choose(self, images: Vec<Candidate<Descriptor>>, reference: Option<&str>) -> Result<Layout<T>, SourceError> {
        let entry = choose(self.0.place(), images, reference)?.image;
        if !entry.is_document() {
            let why = format!("{} is {:?}, neither an image's manifest nor an index", entry.digest, entry.media_type);
            return Err(refused(self.0.place(), why));
        }
        // The names stay behind: they are the layout's words for the image, not a part of it.
        let mut root = Descriptor::new(&entry.media_type, entry.digest, entry.size);
        root.platform = entry.platform;
        self.document(&root)?;
        Ok(Layout { blobs: self, root })
    }

    /// Reads and proves a manifest or an index.
    pub fn document(&self, descriptor: &Descriptor) -> Result<Document, SourceError> {
        let bytes = self.read(descriptor, limits::MANIFEST_BYTES)?;
        let raw = Raw::parse(descriptor, bytes).map_err(|e| refused(self.0.place(), e.to_string()))?;
        Ok(raw.value().clone())
    }
}

fn candidate(entry: &Descriptor) -> Candidate<Descriptor> {
    let names = [media::REF_NAME, CONTAINERD_NAME];
    let names = names.iter().filter_map(|&key| entry.annotations.get(key)).cloned().collect();
    Candidate { id: entry.digest.to_string(), names, image: entry.clone() }
}

impl<T: Tree> BlobSource for Blobs<T> {
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>, SourceError> {
        match self.0.open(&format!("blobs/sha256/{}", blob.digest.hex()))? {
            Some(content) => Ok(content.reader),
            None => Err(SourceError::Missing { place: self.place(), what: blob.digest.to_string() }),
        }
    }

    fn place(&self) -> String {
        self.0.place().to_owned()
    }
}

impl<T: Tree> BlobSource for Layout<T> {
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>, SourceError> {
        self.blobs.open(blob)
    }

    fn place(&self) -> String {
        self.blobs.place()
    }
}

impl<T: Tree> ImageSource for Layout<T> {
    fn root(&self) -> Result<Descriptor, SourceError> {
        Ok(self.root.clone())
    }
}
