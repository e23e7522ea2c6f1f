//! Which images an application uses, who uses each, and whether it is carried.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bundle_format::template::{ImageSource, Manifest, Template};
use bundle_format::{ImageRef, limits};

use crate::error::PackError;
use crate::plan::read_file;
use crate::rendered::render;

/// An image that an application uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundImage {
    /// Its name.
    pub name: ImageRef,
    /// Whether packing takes it along.
    pub carried: bool,
    /// Where the template says that it is, if it does; otherwise in the registry that its name says.
    pub from: Option<ImageSource>,
    /// Who uses it, in the order of the template; nobody uses an image that only `images` names.
    pub users: Vec<ImageUser>,
}

/// Who uses an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageUser {
    /// A component, by its name.
    Component(String),
    /// A plugin, by its name.
    Plugin(String),
    /// An object of a file of manifests, a chart or a kustomization.
    Object {
        /// The document: that of a manifest beside the template, or the one that packing makes (`rendered/charts/redis.yaml`).
        document: String,
        /// The object, as `Deployment/web`.
        object: String,
        /// Where in it.
        path: String,
        /// Whether a pod runs it; otherwise a field is only called as if it named an image.
        pod: bool,
    },
}

/// The images that `template` uses, by name; its documents lie in `base`. Charts and kustomizations are rendered.
///
/// # Errors
/// [`PackError`]: a document that is missing or no manifest, a chart that cannot be rendered.
pub fn find_images(template: &Template, base: &Path) -> Result<Vec<FoundImage>, PackError> {
    let mut users: BTreeMap<ImageRef, Vec<ImageUser>> = BTreeMap::new();
    let carried = template.images();
    for image in &carried {
        users.entry((*image).clone()).or_default();
    }
    for component in &template.components {
        users.entry(component.image.clone()).or_default().push(ImageUser::Component(component.name.to_string()));
    }
    for plugin in &template.plugins {
        users.entry(plugin.image.clone()).or_default().push(ImageUser::Plugin(plugin.name.to_string()));
    }
    let mut documents: Vec<(PathBuf, String, Vec<u8>)> = Vec::new();
    for path in &template.manifests {
        let file = base.join(path.as_str());
        let bytes = read_file(&file, limits::TEMPLATE_BYTES)
            .map_err(|source| PackError::File { path: file.clone(), source })?;
        documents.push((file, path.to_string(), bytes));
    }
    documents.extend(
        render(template, base)?
            .into_iter()
            .filter(|r| r.objects)
            .map(|r| (r.path.as_str().into(), r.path.to_string(), r.bytes)),
    );
    for (file, document, bytes) in documents {
        let manifest = Manifest::parse(&bytes).map_err(|source| PackError::Manifests { path: file, source })?;
        for used in manifest.image_uses() {
            let (document, object, path, pod) = (document.clone(), used.object, used.path, used.pod);
            users.entry(used.image).or_default().push(ImageUser::Object { document, object, path, pod });
        }
    }
    let found = users.into_iter().map(|(name, users)| {
        let (carried, from) = (carried.contains(&name), template.image_source(&name).cloned());
        FoundImage { name, carried, from, users }
    });
    Ok(found.collect())
}
