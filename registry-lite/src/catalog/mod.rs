//! What may be seen: repositories, their tags, manifests, blobs and referrers, from the named roots of a store or of
//! bundles (spec/registry.md section 2). Only what a root of a repository reaches is in it, so that content which an
//! unfinished import wrote stays invisible.
//!
//! A catalogue knows the roots; what they reach is read when it is first asked for. So a server of 100 000 blobs starts as
//! fast as it reads `index.json`. A catalogue never changes; a server swaps in a new one, which shares what stayed the same.

mod address;
mod build;
mod name;
mod reach;
mod repository;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use crate::digest::ContentDigest;
use crate::documents::Documents;
use crate::store::{Mark, Store, StoreError};

pub use address::{Found, NotFound};
pub use build::{Reason, Skipped};
pub use name::{Name, NameError, RepositoryName};
pub use reach::{Known, Problem};
pub use repository::Repository;

/// What is served.
#[derive(Debug, Default)]
pub struct Catalog {
    /// By path: [`RepositoryName::path`].
    repositories: BTreeMap<String, Arc<Repository>>,
    /// Paths of the repositories of images, by what the repository is called at its host.
    by_bare_name: HashMap<String, Vec<String>>,
    /// Roots that are found by their subject alone.
    unnamed: Arc<[Arc<reach::Root>]>,
    skipped: Vec<Skipped>,
}

/// What clients said of single blobs, beside the roots.
pub trait Marks: Send + Sync {
    /// Whether the blob was pushed to the repository, and waits for its manifest.
    ///
    /// # Errors
    /// Those of the file system.
    fn is_pushed(&self, repository: &RepositoryName, digest: &ContentDigest) -> Result<bool, StoreError>;

    /// What was deleted from the repository, though a root reaches it.
    ///
    /// # Errors
    /// Those of the file system.
    fn removed(&self, repository: &RepositoryName) -> Result<HashSet<ContentDigest>, StoreError>;
}

impl Marks for Store {
    fn is_pushed(&self, repository: &RepositoryName, digest: &ContentDigest) -> Result<bool, StoreError> {
        self.is_marked(repository, Mark::Pushed, digest)
    }

    fn removed(&self, repository: &RepositoryName) -> Result<HashSet<ContentDigest>, StoreError> {
        self.marked(repository, Mark::Removed)
    }
}

/// Content that no client can change has no marks.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMarks;

impl Marks for NoMarks {
    fn is_pushed(&self, _: &RepositoryName, _: &ContentDigest) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn removed(&self, _: &RepositoryName) -> Result<HashSet<ContentDigest>, StoreError> {
        Ok(HashSet::new())
    }
}

/// Where a catalogue reads what its roots reach.
#[derive(Clone)]
pub struct Shelf {
    /// Manifests and indexes.
    pub documents: Arc<Documents>,
    /// What clients said.
    pub marks: Arc<dyn Marks>,
}

impl Catalog {
    /// Paths of all repositories that sort after `last`, in ASCII order.
    pub fn repositories(&self, last: Option<&str>) -> impl Iterator<Item = &str> {
        after(&self.repositories, last)
    }

    /// The repository of this name, whether or not an address leads to another one first.
    #[must_use]
    pub fn repository(&self, name: &RepositoryName) -> Option<&Repository> {
        self.repositories.get(&name.path()).map(Arc::as_ref)
    }

    /// The registries that images come from.
    #[must_use]
    pub fn hosts(&self) -> Vec<&str> {
        let mut hosts: Vec<&str> = self.repositories.values().filter_map(|r| r.name().host()).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }

    /// The roots that are not served, each with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}

fn after<'m, V>(map: &'m BTreeMap<String, V>, last: Option<&str>) -> impl Iterator<Item = &'m str> + use<'m, V> {
    let from = last.map_or(Bound::Unbounded, Bound::Excluded);
    map.range::<str, _>((from, Bound::Unbounded)).map(|(key, _)| key.as_str())
}
