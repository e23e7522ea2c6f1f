//! The images of a plan: how pods name them, and whether the site's registry has them whole (spec/plan.md 6.3).

use std::collections::BTreeMap;

use bundle_format::{BlobSource, Descriptor, Digest, ImageRef, Raw, limits};
use registry_lite::Store;
use serde::{Deserialize, Serialize};

use super::{EngineError, Version};
use crate::holdings::HoldingError;

/// How images are named in what is rendered. Always pinned by digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<String>", into = "Option<String>")]
pub enum ImageNames {
    /// `ADDRESS/HOST/REPOSITORY@DIGEST`, pulled from the site's registry by its address.
    At(String),
    /// `HOST/REPOSITORY@DIGEST`, for nodes that are configured to ask the site's registry first.
    Original,
}

/// In a record: the address, or `null` for original names.
impl From<Option<String>> for ImageNames {
    fn from(address: Option<String>) -> Self {
        address.map_or(Self::Original, Self::At)
    }
}

impl From<ImageNames> for Option<String> {
    fn from(names: ImageNames) -> Self {
        match names {
            ImageNames::At(address) => Some(address),
            ImageNames::Original => None,
        }
    }
}

impl Default for ImageNames {
    /// Through a registry on the node itself, as `registry serve` listens unless told otherwise.
    fn default() -> Self {
        Self::At("127.0.0.1:5000".to_owned())
    }
}

impl ImageNames {
    /// The names of the version's images for pods: pinned by digest, so that neither a tag nor another registry can change what
    /// runs.
    #[must_use]
    pub fn of(&self, version: &Version) -> BTreeMap<ImageRef, String> {
        let name = |image: &ImageRef, digest: Digest| match self {
            Self::At(address) => format!("{address}/{}@{digest}", image.mirror_path()),
            Self::Original => format!("{}/{}@{digest}", image.host(), image.repository()),
        };
        version.images.iter().map(|(image, root)| (image.clone(), name(image, root.digest))).collect()
    }
}

/// Refuses a version some image of which `store` does not have whole for at least one platform.
///
/// # Errors
/// [`EngineError::ImageMissing`].
pub(super) fn check(store: &Store, version: &Version) -> Result<(), EngineError> {
    for image in version.template.images() {
        let Some(root) = version.images.get(image) else { continue };
        if !is_whole(store, root)? {
            return Err(EngineError::ImageMissing {
                label: version.label(),
                image: image.clone(),
                digest: root.digest,
            });
        }
    }
    Ok(())
}

/// Whether everything that `root` lists is there; of an index, one platform is enough.
fn is_whole(store: &Store, root: &Descriptor) -> Result<bool, EngineError> {
    if !held(store, root)? {
        return Ok(false);
    }
    let bytes = store.read(root, limits::MANIFEST_BYTES).map_err(HoldingError::Source)?;
    let raw = Raw::parse(root, bytes).map_err(HoldingError::Oci)?;
    let children: Vec<_> = raw.value().children().cloned().collect();
    let (mut documents, mut whole) = (0, 0);
    for child in &children {
        if child.is_document() {
            documents += 1;
            whole += usize::from(is_whole(store, child)?);
        } else if !held(store, child)? {
            return Ok(false);
        }
    }
    Ok(documents == 0 || whole > 0)
}

fn held(store: &Store, blob: &Descriptor) -> Result<bool, EngineError> {
    Ok(store.has(&blob.digest, blob.size).map_err(HoldingError::Store)?)
}
