//! One repository.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::reach::{Known, Problem, Root};
use super::{RepositoryName, Shelf, after};
use crate::digest::{Algorithm, ContentDigest};
use crate::manifest::Referrer;

/// What one repository serves.
#[derive(Debug)]
pub struct Repository {
    name: RepositoryName,
    tags: BTreeMap<String, ContentDigest>,
    roots: BTreeMap<ContentDigest, Arc<Root>>,
    /// Roots without a name, of all repositories: those whose subject is here are shown here.
    unnamed: Arc<[Arc<Root>]>,
    contents: OnceLock<Contents>,
    removed: OnceLock<HashSet<ContentDigest>>,
}

/// What all roots together reach.
#[derive(Debug, Default)]
struct Contents {
    manifests: HashMap<ContentDigest, Known>,
    blobs: HashMap<ContentDigest, u64>,
    referrers: HashMap<ContentDigest, BTreeMap<ContentDigest, Referrer>>,
}

impl Repository {
    pub(super) fn new(name: RepositoryName, unnamed: Arc<[Arc<Root>]>) -> Self {
        Self {
            name,
            tags: BTreeMap::new(),
            roots: BTreeMap::new(),
            unnamed,
            contents: OnceLock::new(),
            removed: OnceLock::new(),
        }
    }

    /// The same, to be read anew where one of `manifests` was lacking; `None` if it was nowhere.
    pub(super) fn with_arrived(&self, manifests: &HashSet<ContentDigest>) -> Option<Self> {
        if !self.roots.values().any(|root| root.lacks_any(manifests)) {
            return None;
        }
        let mut renewed = Self::new(self.name.clone(), Arc::clone(&self.unnamed));
        renewed.tags.clone_from(&self.tags);
        renewed.roots = self
            .roots
            .iter()
            .map(|(digest, root)| {
                let root = if root.lacks_any(manifests) { Arc::new(root.unread()) } else { Arc::clone(root) };
                (*digest, root)
            })
            .collect();
        Some(renewed)
    }

    pub(super) fn add(&mut self, root: Arc<Root>, tag: Option<&str>) {
        if let Some(tag) = tag {
            self.tags.insert(tag.to_owned(), root.digest);
        }
        self.roots.insert(root.digest, root);
    }

    pub(super) fn root(&self, digest: &ContentDigest) -> Option<&Arc<Root>> {
        self.roots.get(digest)
    }

    pub(super) fn roots(&self) -> impl Iterator<Item = &Arc<Root>> {
        self.roots.values()
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &RepositoryName {
        &self.name
    }

    /// The registry that the images come from; `None` for content of our own.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.name.host()
    }

    /// What a tag stands for.
    #[must_use]
    pub fn tag(&self, tag: &str) -> Option<ContentDigest> {
        self.tags.get(tag).copied()
    }

    /// All tags that sort after `last`, in ASCII order.
    pub fn tags(&self, last: Option<&str>) -> impl Iterator<Item = &str> {
        after(&self.tags, last)
    }

    /// A manifest or index that `index.json` names here. Reads nothing.
    #[must_use]
    pub fn named(&self, digest: &ContentDigest) -> Option<&Known> {
        self.roots.get(digest).map(|root| &root.known)
    }

    /// The manifest or index of this digest. May read what the roots reach.
    #[must_use]
    pub fn manifest(&self, digest: &ContentDigest, shelf: &Shelf) -> Option<&Known> {
        self.named(digest)
            .or_else(|| self.contents(shelf).manifests.get(digest).filter(|_| !self.is_removed(digest, shelf)))
    }

    /// Whether a manifest or index that stays here when the one of this digest goes lists it, and shows it so.
    #[must_use]
    pub fn is_listed(&self, digest: &ContentDigest, shelf: &Shelf) -> bool {
        let others = self.roots.values().filter(|root| root.digest != *digest);
        let lists = |root: &Arc<Root>| root.reach(shelf).manifests.iter().any(|(listed, _)| listed == digest);
        !self.is_removed(digest, shelf) && others.into_iter().any(lists)
    }

    /// Whether a template version that an import put here needs it.
    #[must_use]
    pub fn is_of_version(&self, digest: &ContentDigest, shelf: &Shelf) -> bool {
        self.roots.values().any(|root| root.is_version && root.reaches(digest, shelf))
    }

    /// The size in bytes of the blob of this digest, if a manifest here lists it. May read what the roots reach.
    #[must_use]
    pub fn blob(&self, digest: &ContentDigest, shelf: &Shelf) -> Option<u64> {
        self.contents(shelf).blobs.get(digest).copied().filter(|_| !self.is_removed(digest, shelf))
    }

    /// The manifests whose subject this digest is, whether or not the subject itself is served, in the order of their
    /// digests. May read what the roots reach.
    pub fn referrers(&self, subject: &ContentDigest, shelf: &Shelf) -> impl Iterator<Item = &Referrer> {
        let all = self.contents(shelf).referrers.get(subject).into_iter().flat_map(BTreeMap::values);
        all.filter(|referrer| self.roots.contains_key(&referrer.digest) || !self.is_removed(&referrer.digest, shelf))
    }

    /// What of the roots cannot be had. May read what the roots reach.
    pub fn problems(&self, shelf: &Shelf) -> impl Iterator<Item = &Problem> {
        self.roots.values().flat_map(|root| &root.reach(shelf).problems)
    }

    /// A folder of marks that cannot be read hides nothing: what clients deleted is content that was once shown to them.
    fn is_removed(&self, digest: &ContentDigest, shelf: &Shelf) -> bool {
        self.removed.get_or_init(|| shelf.marks.removed(&self.name).unwrap_or_default()).contains(digest)
    }

    fn contents(&self, shelf: &Shelf) -> &Contents {
        self.contents.get_or_init(|| {
            let mut contents = Contents::default();
            for root in self.roots.values() {
                contents.add(root, shelf);
            }
            contents.add_unnamed(&self.unnamed, shelf);
            contents.add_fallbacks(self, shelf);
            contents
        })
    }
}

impl Contents {
    fn add(&mut self, root: &Root, shelf: &Shelf) {
        let reach = root.reach(shelf);
        self.manifests.extend(reach.manifests.iter().cloned());
        self.blobs.extend(reach.blobs.iter().copied());
        for (subject, referrer) in &reach.referrers {
            self.referrers.entry(*subject).or_default().insert(referrer.digest, referrer.clone());
        }
    }

    /// Puts each unnamed root beside its subject. The subject may be unnamed itself (the signature of an SBOM), so what is put
    /// is looked at as a subject in turn.
    fn add_unnamed(&mut self, unnamed: &[Arc<Root>], shelf: &Shelf) {
        let mut waiting: Vec<&Arc<Root>> = unnamed.iter().collect();
        loop {
            let is_here = |root: &&Arc<Root>| {
                let own = root.reach(shelf).referrers.iter().find(|(_, referrer)| referrer.digest == root.digest);
                own.is_some_and(|(subject, _)| self.manifests.contains_key(subject))
            };
            let (here, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_here);
            if here.is_empty() {
                return;
            }
            here.into_iter().for_each(|root| self.add(root, shelf));
            waiting = rest;
        }
    }

    /// Adds what tools listed under a tag, where a registry of theirs had no list of referrers (distribution-spec,
    /// "Enabling the Referrers API").
    fn add_fallbacks(&mut self, repository: &Repository, shelf: &Shelf) {
        let lists = repository.tags.iter().filter_map(|(tag, digest)| Some((fallback_subject(tag)?, digest)));
        for (subject, digest) in lists {
            let Some(known) = repository.named(digest) else { continue };
            let Ok(list) = shelf.documents.get(digest, &known.media_type) else { continue };
            for listed in list.manifest.references().iter().filter(|l| list.manifest.is_index() && l.is_manifest()) {
                let Ok(held) = shelf.documents.get(&listed.digest, &listed.media_type) else { continue };
                // Those that say their subject themselves are there already, under the subject that they say.
                if held.manifest.subject().is_none() {
                    let referrer = held.manifest.as_referrer(listed.digest, held.bytes.len() as u64);
                    self.referrers.entry(subject).or_default().insert(listed.digest, referrer);
                }
            }
        }
    }
}

/// The subject that a tag `sha256-<hex>` is about. A tag holds 64 digits of a SHA-512 digest, which is not enough to tell.
fn fallback_subject(tag: &str) -> Option<ContentDigest> {
    ContentDigest::from_hex(Algorithm::Sha256, tag.strip_prefix("sha256-")?)
}
