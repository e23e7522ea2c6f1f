//! What a site holds before a delta comes: earlier bundles, read by their heads and manifests (spec/bundle.md section 5.4).

mod pool;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bundle_format::statement::{Base, Kind};
use bundle_format::walk::{Claimed, Progress};
use bundle_format::{Digest, Document};

use crate::error::PackError;
use crate::plan::open_regular;

pub(crate) use pool::Pool;

/// The first bytes of every bundle: the name of its first member.
const BEGINNING: &[u8] = b"release.dsse.json\0";

/// A template version that a site may hold.
pub(crate) struct Version {
    pub base: Base,
    /// Configurations and layers, with their bytes.
    pub blobs: BTreeMap<Digest, u64>,
    /// The layers, in order of first reference.
    pub layers: Vec<(Digest, u64)>,
}

/// What sites may hold.
pub(crate) struct Bases {
    pub versions: Vec<Version>,
    /// Each argument: the versions, by their places, that a site holds together.
    pub states: Vec<BTreeSet<usize>>,
    pub pool: Pool,
}

impl Bases {
    /// Reads every bundle that `given` names: a file, or a folder of files. What a bundle leaves to its own site is made in temporary
    /// files in `dir`, from what `given` names and what lies beside it.
    ///
    /// # Errors
    /// [`PackError::Base`], [`PackError::BaseMissing`].
    pub fn open(given: &[PathBuf], dir: &Path, progress: &dyn Progress) -> Result<Self, PackError> {
        let mut bases = Self { versions: Vec::new(), states: Vec::new(), pool: Pool::new(dir) };
        let mut beside = BTreeSet::new();
        for path in given {
            let error = |source| PackError::Read { path: path.clone(), source };
            let bundles = match fs::metadata(path).map_err(error)?.is_dir() {
                true => bundles_in(path)?,
                false => vec![path.clone()],
            };
            if bundles.is_empty() {
                return Err(PackError::NoBase { path: path.clone() });
            }
            let mut state = BTreeSet::new();
            for bundle in bundles {
                let claimed = bases.pool.open(&bundle)?;
                if claimed.list.kind() == Kind::Delta {
                    beside.insert(
                        bundle.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned(),
                    );
                }
                state.insert(add(&mut bases.versions, claimed));
            }
            if !bases.states.contains(&state) {
                bases.states.push(state);
            }
        }
        let mut needed: BTreeSet<Digest> = bases.versions.iter().flat_map(|v| v.layers.iter().map(|l| l.0)).collect();
        if !bases.pool.lacks(&needed).is_empty() {
            for bundle in beside.iter().map(|dir| bundles_in(dir)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten()
            {
                // One that cannot be read may be of no use anyway; what is missed in the end is named.
                let _ = bases.pool.open(&bundle);
            }
        }
        bases.pool.rebuild(&mut needed, progress)?;
        Ok(bases)
    }

    /// The versions that hold a blob, by their places.
    pub fn holding(&self, blob: &Digest) -> Vec<usize> {
        let versions = self.versions.iter().enumerate();
        versions.filter(|(_, version)| version.blobs.contains_key(blob)).map(|(n, _)| n).collect()
    }
}

/// The bundles in a folder, by their names.
fn bundles_in(dir: &Path) -> Result<Vec<PathBuf>, PackError> {
    let error = |source| PackError::Read { path: dir.to_owned(), source };
    let mut bundles = Vec::new();
    for entry in fs::read_dir(dir).map_err(error)? {
        let path = entry.map_err(error)?.path();
        let mut first = Vec::new();
        let begins = |file: File| file.take(BEGINNING.len() as u64).read_to_end(&mut first);
        // What cannot be opened, as a folder or a pipe, is no bundle; nor is what a pack has not finished.
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && open_regular(&path).and_then(begins).is_ok() && first == BEGINNING {
            bundles.push(path);
        }
    }
    bundles.sort();
    Ok(bundles)
}

/// Adds what a bundle claims to hold; two bundles of one version may hold different platforms.
fn add(versions: &mut Vec<Version>, claimed: &Claimed) -> usize {
    let base = Base { name: claimed.version.label(), digest: claimed.version.raw().descriptor().digest };
    let place = versions.iter().position(|v| v.base.digest == base.digest).unwrap_or(versions.len());
    if place == versions.len() {
        versions.push(Version { base, blobs: BTreeMap::new(), layers: Vec::new() });
    }
    let version = &mut versions[place];
    let documents = claimed.version.documents().digest;
    let mut seen: BTreeSet<Digest> = version.blobs.keys().copied().collect();
    // In the order of the images, so that the same bundles give the same delta.
    let mut order: Vec<Digest> = claimed.version.images().iter().map(|image| image.root.digest).collect();
    let mut next = 0;
    while let Some(digest) = order.get(next).copied() {
        next += 1;
        match claimed.manifests.get(&digest).filter(|_| digest != documents).map(|raw| raw.value()) {
            Some(Document::Index { manifests, .. }) => {
                order.extend(manifests.iter().map(|m| m.digest));
            }
            Some(Document::Image { config, layers, .. }) => {
                version.blobs.insert(config.digest, config.size);
                for layer in layers.iter().filter(|layer| seen.insert(layer.digest)) {
                    version.blobs.insert(layer.digest, layer.size);
                    version.layers.push((layer.digest, layer.size));
                }
            }
            None => {}
        }
    }
    place
}
