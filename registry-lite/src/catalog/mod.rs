//! What may be seen: repositories, their tags, manifests, blobs and referrers, built from the named roots of a store or a
//! bundle (spec/registry.md section 2). Only what a root of a repository reaches is in it, so that content which an
//! unfinished import wrote stays invisible. It is built once and never changed; a server swaps in a new one.

mod address;
mod build;
mod name;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use bundle_format::{Descriptor, Digest};

pub use address::{Found, NotFound};
pub use build::{CatalogError, Reason, Skipped};
pub use name::{Name, NameError, OwnName};

/// What is served.
#[derive(Debug, Default)]
pub struct Catalog {
    /// By path: [`Name::path`].
    repositories: BTreeMap<String, Repository>,
    /// Paths of the repositories of images, by what the repository is called at its host.
    by_bare_name: HashMap<String, Vec<String>>,
    skipped: Vec<Skipped>,
}

/// What one repository serves.
#[derive(Debug, Default)]
pub struct Repository {
    /// The registry that the images come from; `None` for content of our own.
    host: Option<String>,
    tags: BTreeMap<String, Digest>,
    manifests: HashMap<Digest, Manifest>,
    blobs: HashMap<Digest, u64>,
    referrers: HashMap<Digest, BTreeMap<Digest, Descriptor>>,
}

/// A manifest or an index that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its media type, as its bytes or what refers to them say.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
}

impl Catalog {
    /// Paths of all repositories that sort after `last`, in ASCII order.
    pub fn repositories(&self, last: Option<&str>) -> impl Iterator<Item = &str> {
        after(&self.repositories, last)
    }

    /// The roots that are not served, each with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}

impl Repository {
    /// The registry that the images come from; `None` for content of our own.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// What a tag stands for.
    #[must_use]
    pub fn tag(&self, tag: &str) -> Option<Digest> {
        self.tags.get(tag).copied()
    }

    /// All tags that sort after `last`, in ASCII order.
    pub fn tags(&self, last: Option<&str>) -> impl Iterator<Item = &str> {
        after(&self.tags, last)
    }

    /// The manifest or index of this digest.
    #[must_use]
    pub fn manifest(&self, digest: &Digest) -> Option<&Manifest> {
        self.manifests.get(digest)
    }

    /// The size in bytes of the blob of this digest.
    #[must_use]
    pub fn blob(&self, digest: &Digest) -> Option<u64> {
        self.blobs.get(digest).copied()
    }

    /// The manifests whose subject this digest is, whether or not the subject itself is served, in the order of their digests.
    pub fn referrers(&self, subject: &Digest) -> impl Iterator<Item = &Descriptor> {
        self.referrers.get(subject).into_iter().flat_map(BTreeMap::values)
    }
}

fn after<'m, V>(map: &'m BTreeMap<String, V>, last: Option<&str>) -> impl Iterator<Item = &'m str> + use<'m, V> {
    let from = last.map_or(Bound::Unbounded, Bound::Excluded);
    map.range::<str, _>((from, Bound::Unbounded)).map(|(key, _)| key.as_str())
}
