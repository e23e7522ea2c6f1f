//! The images of a site or a bundle, by the names that they have elsewhere.

use std::path::{Path, PathBuf};

use bundle_format::{ImageRef, media};
use registry_lite::Store;
use registry_lite::catalog::Name;
use registry_lite::client::check::Wanted;

use crate::failure::Failure;
use crate::files::open_trusted;

/// The images of the site and of the bundle, as far as they are given, in the order of their names, each once.
pub fn held(site: Option<&Path>, bundle: Option<&Path>, keys: &[PathBuf]) -> Result<Vec<Wanted>, Failure> {
    let mut images = Vec::new();
    if let Some(dir) = site {
        for entry in Store::open(dir)?.entries()? {
            // Everything else is content of our own, or has no name, and clients ask for it nowhere else.
            let name = entry.annotations.get(media::REF_NAME);
            let is_image = |name: &&String| name.parse::<Name>().is_ok_and(|name| name.repository().host().is_some());
            if let Some(Ok(image)) = name.filter(is_image).map(|name| name.parse()) {
                images.push(Wanted { image, digest: Some(entry.digest) });
            }
        }
    }
    if let Some(file) = bundle {
        // The head is signed and says it all: nothing else is read.
        let head = open_trusted(file, keys)?;
        for image in head.release().value().predicate().images() {
            images.push(Wanted { image: image.name.clone(), digest: Some(image.digest) });
        }
    }
    images.sort_by(|a, b| a.image.cmp(&b.image));
    images.dedup_by(|a, b| a.image == b.image);
    Ok(images)
}

/// Images by names that were typed.
pub fn named(names: &[String]) -> Result<Vec<Wanted>, Failure> {
    let parse = |name: &String| {
        let image: ImageRef = name.parse().map_err(|e| Failure::new(bundle_format::Code::Usage, e))?;
        Ok(Wanted { image, digest: None })
    };
    names.iter().map(parse).collect()
}

/// The certificate of the authority that a site's registry has, where the site has made one.
pub fn site_ca(site: Option<&Path>) -> Option<PathBuf> {
    site.map(|dir| dir.join("tls/ca.crt")).filter(|file| file.is_file())
}
