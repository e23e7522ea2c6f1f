//! From `index.json` to repositories.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::reach::Root;
use super::{Catalog, Name, NameError, Repository, RepositoryName};
use crate::digest::ContentDigest;
use crate::manifest::is_manifest_type;
use crate::store::Entry;

/// A root that is not served.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{name} ({}): {reason}", entry.digest)]
pub struct Skipped {
    /// Its name, as it was given.
    pub name: String,
    /// What it is.
    pub entry: Entry,
    /// Why it is not served.
    #[source]
    pub reason: Reason,
}

/// Why a root is not served.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Reason {
    /// The root is neither a manifest nor an index.
    #[error("{media_type:?} is not the type of a manifest or an index")]
    NotADocument {
        /// The root's media type.
        media_type: String,
    },
    /// Its name says a digest which is not the root's.
    #[error("the name says {named}")]
    OtherDigest {
        /// The digest in the name.
        named: ContentDigest,
    },
    /// Its name is not one that anything can be served under.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An earlier root has the same name.
    #[error("the name already stands for {earlier}")]
    NameTaken {
        /// The earlier root.
        earlier: ContentDigest,
    },
}

impl Catalog {
    /// What `entries` name. Reads no content. What `before` read of the same roots is kept.
    #[must_use]
    pub fn of(entries: &[Entry], before: Option<&Self>) -> Self {
        let settled = Settled::of(
            before.into_iter().flat_map(|b| b.repositories.values().flat_map(|r| r.roots()).chain(b.unnamed.iter())),
        );
        let is_unnamed = |entry: &&Entry| entry.name().is_none() && is_manifest_type(&entry.media_type);
        let unnamed = entries.iter().filter(is_unnamed).map(|entry| settled.root(entry)).collect();
        Self::build(entries, unnamed, &settled)
    }

    /// The same catalogue after a change of `entries` in the repositories `changed` alone.
    #[must_use]
    pub fn changed(&self, entries: &[Entry], changed: &HashSet<RepositoryName>) -> Self {
        let of_changed = |entry: &Entry| match entry.name().map(str::parse::<Name>) {
            Some(Ok(name)) => changed.contains(name.repository()),
            _ => false,
        };
        let entries: Vec<Entry> = entries.iter().filter(|e| of_changed(e)).cloned().collect();
        let before = changed.iter().filter_map(|name| self.repositories.get(&name.path()));
        let settled = Settled::of(before.flat_map(|r| r.roots()));
        let mut rebuilt = Self::build(&entries, Arc::clone(&self.unnamed), &settled);
        let mut repositories = self.repositories.clone();
        repositories.retain(|_, repository| !changed.contains(repository.name()));
        // An index of another repository may have lacked what was pushed now.
        let arrived = rebuilt.repositories.values().flat_map(|r| r.roots()).map(|root| root.digest).collect();
        for repository in repositories.values_mut() {
            if let Some(renewed) = repository.with_arrived(&arrived) {
                *repository = Arc::new(renewed);
            }
        }
        repositories.append(&mut rebuilt.repositories);
        let mut skipped = rebuilt.skipped;
        skipped.extend(self.skipped.iter().filter(|s| !of_changed(&s.entry)).cloned());
        Self { by_bare_name: by_bare_name(&repositories), repositories, unnamed: rebuilt.unnamed, skipped }
    }

    fn build(entries: &[Entry], unnamed: Arc<[Arc<Root>]>, settled: &Settled) -> Self {
        let mut repositories: BTreeMap<String, Repository> = BTreeMap::new();
        let mut skipped = Vec::new();
        for entry in entries.iter().filter(|e| e.name().is_some() || !is_manifest_type(&e.media_type)) {
            if let Err(reason) = place(entry, settled, &unnamed, &mut repositories) {
                let name = entry.name().unwrap_or("(unnamed)").to_owned();
                skipped.push(Skipped { name, entry: entry.clone(), reason });
            }
        }
        let repositories: BTreeMap<_, _> = repositories.into_iter().map(|(path, r)| (path, Arc::new(r))).collect();
        Self { by_bare_name: by_bare_name(&repositories), repositories, unnamed, skipped }
    }
}

/// Roots that were read before, whose content cannot have changed since.
struct Settled(HashMap<ContentDigest, Arc<Root>>);

impl Settled {
    fn of<'r>(roots: impl Iterator<Item = &'r Arc<Root>>) -> Self {
        Self(roots.filter(|root| root.is_settled()).map(|root| (root.digest, Arc::clone(root))).collect())
    }

    fn root(&self, entry: &Entry) -> Arc<Root> {
        let new = Root::new(entry);
        let same = |root: &&Arc<Root>| root.known == new.known && root.is_version == new.is_version;
        self.0.get(&entry.digest).filter(same).map_or_else(|| Arc::new(new), Arc::clone)
    }
}

fn place(
    entry: &Entry,
    settled: &Settled,
    unnamed: &Arc<[Arc<Root>]>,
    repositories: &mut BTreeMap<String, Repository>,
) -> Result<(), Reason> {
    if !is_manifest_type(&entry.media_type) {
        return Err(Reason::NotADocument { media_type: entry.media_type.clone() });
    }
    let name: Name = entry.name().unwrap_or_default().parse()?;
    if let Some(named) = name.digest().filter(|named| **named != entry.digest) {
        return Err(Reason::OtherDigest { named: *named });
    }
    let repository = repositories
        .entry(name.repository().path())
        .or_insert_with(|| Repository::new(name.repository().clone(), Arc::clone(unnamed)));
    let taken = name.tag().and_then(|tag| repository.tag(tag));
    if let Some(earlier) = taken.filter(|earlier| *earlier != entry.digest) {
        return Err(Reason::NameTaken { earlier });
    }
    // The same content under several tags is one root, and a template version if it is one under any of them.
    let new = settled.root(entry);
    let root = repository.root(&entry.digest).filter(|root| root.is_version || !new.is_version).map_or(new, Arc::clone);
    repository.add(root, name.tag());
    Ok(())
}

fn by_bare_name(repositories: &BTreeMap<String, Arc<Repository>>) -> HashMap<String, Vec<String>> {
    let mut by_bare_name: HashMap<String, Vec<String>> = HashMap::new();
    for (path, repository) in repositories.iter().filter(|(_, r)| r.host().is_some()) {
        by_bare_name.entry(repository.name().repository().to_owned()).or_default().push(path.clone());
    }
    by_bare_name
}
