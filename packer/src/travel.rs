//! How each blob travels in a delta or a compact bundle: not at all, as a patch, or whole.

mod encode;
mod list;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bundle_format::archive::{BLOCK, MemberName, padding};
use bundle_format::delta::Bytes as _;
use bundle_format::walk::Progress;
use bundle_format::{Digest, limits};

use crate::base::Bases;
use crate::delta::{Effort, WhyWhole};
use crate::error::PackError;
use crate::plan::{Content, Plan};

/// What a delta or a compact bundle is made against, and how.
#[derive(Debug)]
pub struct DeltaOptions<'a> {
    /// What sites may hold: each a bundle, or a folder of bundles that a site holds together. None: a compact bundle.
    pub bases: &'a [PathBuf],
    /// How hard to look for a smaller one.
    pub effort: Effort,
    /// The folder for temporary files.
    pub temporary: &'a Path,
}

/// How a blob travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Every site holds it.
    Present,
    /// Through patches.
    Rebuilt {
        /// Bytes of the patches for all states of a site.
        patches: u64,
        /// What compressed it, for people.
        compressor: String,
    },
    /// As it is.
    Whole(Why),
}

/// Why a blob is carried as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is not worth a patch.
    Small,
    /// Patches would hardly be smaller.
    NotSmaller,
    /// Nothing known makes its compressed bytes again.
    Compressor,
}

/// A configuration or layer, and how it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Travel {
    /// The blob.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// The first image that has it.
    pub image: String,
    /// How it travels.
    pub way: Way,
}

/// What came of comparing.
#[derive(Debug, Default)]
pub struct Travels {
    /// Every configuration and layer, in the order of a full bundle.
    pub blobs: Vec<Travel>,
    /// Bytes that the blobs which are left to the site would take in the archive.
    pub left_out: u64,
    /// Bytes that the patches take there.
    pub patches: u64,
    /// What sites may hold, as `NAME:TAG`, each state in one.
    pub states: Vec<Vec<String>>,
}

/// A blob that some site lacks.
pub(crate) struct Target {
    /// Its place among the plan's members.
    member: usize,
    digest: Digest,
    size: u64,
    ways: Vec<Made>,
    whole: Option<Why>,
}

/// A patch for it.
pub(crate) struct Made {
    patch: crate::delta::Patch,
    /// The versions, by their places, that have each of its sources; none for a blob of this bundle.
    sources: Vec<Vec<usize>>,
}

impl Plan {
    /// About the bytes that [`Plan::leaving`] reads: what it packs, and for each state the bases, by their files.
    #[must_use]
    pub fn work(&self, options: &DeltaOptions<'_>) -> u64 {
        let file = |path: &Path| path.metadata().map_or(0, |m| m.len());
        let size = |path: &PathBuf| match std::fs::read_dir(path) {
            Ok(entries) => entries.flatten().map(|entry| file(&entry.path())).sum(),
            Err(_) => file(path),
        };
        self.blobs().map(|(_, size)| size).chain(options.bases.iter().map(size)).fold(0, u64::saturating_add)
    }

    /// Leaves to the site what it holds, or can make from what it holds; with no bases, what it can make from the rest.
    ///
    /// # Errors
    /// [`PackError`]: a base cannot be used, an image cannot be read, there is no room for temporary files.
    pub fn leaving(
        mut self,
        options: &DeltaOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<(Self, Travels), PackError> {
        let bases = Bases::open(options.bases, options.temporary, progress)?;
        if bases.versions.len() > limits::BASES {
            return Err(PackError::TooMuch("a delta has at most 64 bases: give fewer"));
        }
        let held: Vec<BTreeMap<Digest, u64>> = match options.bases {
            [] => vec![BTreeMap::new()],
            _ => {
                bases.states.iter().map(|s| s.iter().flat_map(|n| bases.versions[*n].blobs.clone()).collect()).collect()
            }
        };
        let mut targets = Vec::new();
        let mut present = BTreeSet::new();
        for (member, (name, size, content)) in self.members.iter().enumerate() {
            let (MemberName::Blob(digest), Content::Image(..)) = (name, content) else { continue };
            match held.iter().all(|state| state.get(digest) == Some(size)) {
                true => drop(present.insert(*digest)),
                false => targets.push(Target { member, digest: *digest, size: *size, ways: Vec::new(), whole: None }),
            }
        }
        for state in 0..held.len() {
            encode::state(&self, &bases, &held, state, &mut targets, options, progress)?;
        }
        targets.iter_mut().for_each(Target::settle);
        let travels = list::travels(&self, &present, &targets, &bases);
        let rebuild = list::rebuild(&self, &bases, &present, &targets);
        let gone: BTreeSet<Digest> = rebuild.blobs().map(|(digest, _)| digest).collect();
        self.members.retain(|(name, ..)| !matches!(name, MemberName::Blob(digest) if gone.contains(digest)));
        for made in targets.into_iter().filter(|t| t.whole.is_none()).flat_map(|t| t.ways) {
            let (digest, bytes) = (made.patch.digest, made.patch.bytes);
            self.members.push((MemberName::Patch(digest), bytes.len(), Content::Spool(bytes)));
        }
        self.rebuild = Some(rebuild);
        Ok((self, travels))
    }
}

impl Target {
    /// Takes the patches only if all of them together save something.
    fn settle(&mut self) {
        let patches: u64 = self.ways.iter().map(|made| in_archive(made.patch.bytes.len())).sum();
        if self.whole.is_none() && (self.ways.is_empty() || !saves(patches, in_archive(self.size))) {
            self.whole = Some(Why::NotSmaller);
        }
        if self.whole.is_some() {
            self.ways.clear();
        }
    }
}

/// Whether `patch` bytes in place of `whole` are worth the work at the site: a twentieth less at least.
fn saves(patch: u64, whole: u64) -> bool {
    patch < whole - whole / 20
}

/// Bytes of a member in the archive.
fn in_archive(size: u64) -> u64 {
    size.saturating_add(BLOCK as u64 + padding(size) as u64)
}

impl From<WhyWhole> for Why {
    fn from(why: WhyWhole) -> Self {
        match why {
            WhyWhole::Smaller => Self::NotSmaller,
            WhyWhole::Compressor => Self::Compressor,
        }
    }
}
