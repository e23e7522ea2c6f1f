//! An image's content, gathered from its source: manifests read and checked, blobs only named.

use std::collections::{BTreeSet, VecDeque};

use bundle_format::json::{self, Numbers};
use bundle_format::{Descriptor, Digest, Document, ImageRef, Platform, Raw, SourceError, limits};

use crate::error::PackError;
use crate::source::ImageSource;

/// Largest configuration that is read to learn an image's platform.
const CONFIG_BYTES: u64 = limits::MANIFEST_BYTES;
/// Where builders note which image an attestation belongs to.
const REFERENCE: &str = "vnd.docker.reference.digest";

/// What of an image travels.
pub(crate) struct Gathered {
    /// Its manifest or index, as the version index names it.
    pub root: Descriptor,
    /// Manifests and indexes, parents before children.
    pub manifests: Vec<Raw>,
    /// Configurations and layers, in order of first reference.
    pub blobs: Vec<Descriptor>,
    /// Manifests that stay behind because of their platform.
    pub omitted: BTreeSet<Digest>,
}

/// Walks the image from its root. With `platforms`, only these are gathered; what an index says stays as it is.
pub(crate) fn gather(name: &ImageRef, source: &dyn ImageSource, platforms: &[String]) -> Result<Gathered, PackError> {
    let image = |source| PackError::Image { name: name.clone(), source };
    let found = source.root().map_err(image)?;
    if name.digest().is_some_and(|digest| *digest != found.digest) {
        return Err(PackError::OtherImage { name: name.clone(), found: found.digest });
    }
    let mut root = Descriptor::new(&found.media_type, found.digest, found.size);
    root.platform = found.platform;
    let mut out = Gathered { root: root.clone(), manifests: Vec::new(), blobs: Vec::new(), omitted: BTreeSet::new() };
    let mut available = Vec::new();
    let mut queue = VecDeque::from([(root.clone(), 1)]);
    let mut seen = BTreeSet::new();
    let mut images = 0;
    while let Some((descriptor, depth)) = queue.pop_front() {
        if !seen.insert(descriptor.digest) {
            continue;
        }
        let bytes = source.read(&descriptor, limits::MANIFEST_BYTES).map_err(|e| image(narrow_hint(e, platforms)))?;
        let raw =
            Raw::parse(&descriptor, bytes).map_err(|source| PackError::Manifest { name: name.clone(), source })?;
        match raw.value() {
            Document::Index { manifests, .. } => {
                if depth >= limits::INDEX_DEPTH {
                    return Err(PackError::TooDeep { name: name.clone() });
                }
                available.extend(manifests.iter().filter_map(|m| m.platform.as_ref()).map(Platform::name));
                let kept = kept(manifests, platforms);
                for child in manifests {
                    match kept.contains(&child.digest) {
                        true => queue.push_back((child.clone(), depth + 1)),
                        false => drop(out.omitted.insert(child.digest)),
                    }
                }
            }
            Document::Image { config, layers, .. } => {
                if descriptor.digest == root.digest && !platforms.is_empty() {
                    let platform = platform_of(source, config).map_err(image)?;
                    available.push(platform.name());
                    if !platforms.iter().any(|wanted| platform.is(wanted)) {
                        return Err(no_platform(name, platforms, available));
                    }
                }
                images += 1;
                out.blobs.extend(std::iter::once(config).chain(layers).cloned());
            }
        }
        out.manifests.push(raw);
    }
    if images == 0 && !platforms.is_empty() {
        return Err(no_platform(name, platforms, available));
    }
    Ok(out)
}

/// The entries of an index that travel: those of the platforms, what has no platform, and attestations of what travels.
fn kept(manifests: &[Descriptor], platforms: &[String]) -> BTreeSet<Digest> {
    let attests = |m: &Descriptor| m.annotations.get(REFERENCE).and_then(|d| d.parse::<Digest>().ok());
    let wanted = |m: &Descriptor| {
        platforms.is_empty() || m.platform.as_ref().is_none_or(|p| platforms.iter().any(|wanted| p.is(wanted)))
    };
    let images: BTreeSet<_> =
        manifests.iter().filter(|m| attests(m).is_none() && wanted(m)).map(|m| m.digest).collect();
    let attestations = manifests.iter().filter(|m| attests(m).is_some_and(|of| images.contains(&of)));
    let attestations: Vec<_> = attestations.map(|m| m.digest).collect();
    images.into_iter().chain(attestations).collect()
}

fn platform_of(source: &dyn ImageSource, config: &Descriptor) -> Result<Platform, SourceError> {
    let bytes = source.read(config, CONFIG_BYTES)?;
    json::parse(&bytes, CONFIG_BYTES, Numbers::Any).map_err(|e| SourceError::Refused {
        place: source.place(),
        why: format!("the configuration {} does not say its platform: {e}", config.digest),
    })
}

fn no_platform(name: &ImageRef, platforms: &[String], mut available: Vec<String>) -> PackError {
    available.sort();
    available.dedup();
    PackError::Platform { name: name.clone(), wanted: platforms.join(" or "), available }
}

/// A layout that was itself narrowed lacks the other platforms: say how to pack what it has.
fn narrow_hint(e: SourceError, platforms: &[String]) -> SourceError {
    match e {
        SourceError::Missing { place, what } if platforms.is_empty() => SourceError::Missing {
            place,
            what: format!("{what} (if it holds some platforms only, pack these with --platform)"),
        },
        other => other,
    }
}
