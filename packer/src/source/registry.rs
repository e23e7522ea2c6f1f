//! An image in a registry.

use std::io::Read;

use bundle_format::{BlobSource, Descriptor, ImageRef, SourceError};
use registry_lite::client::{Registry, RepositorySource};

use super::ImageSource;

/// One image of a repository, at the digest that its name had when it was opened.
struct RegistryImage {
    blobs: RepositorySource,
    root: Descriptor,
}

/// Asks `registry` what `name` stands for, once: the digest that it answers is what is packed, also if the tag moves.
///
/// # Errors
/// [`SourceError`]: no such image, no access, not reachable.
pub fn registry_image(registry: &Registry, name: &ImageRef) -> Result<Box<dyn ImageSource>, SourceError> {
    let (root, _) = registry.resolve(name)?;
    Ok(Box::new(RegistryImage { blobs: registry.source(name.repository())?, root }))
}

impl BlobSource for RegistryImage {
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>, SourceError> {
        self.blobs.open(blob)
    }

    fn place(&self) -> String {
        self.blobs.place()
    }
}

impl ImageSource for RegistryImage {
    fn root(&self) -> Result<Descriptor, SourceError> {
        Ok(self.root.clone())
    }
}
