//! What a bundle does not carry whole: where it is found, or what it is made from (spec/bundle.md section 5.4).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::bases::BaseSet;
use super::packing_list::{Kind, Member};
use super::plain_hex;
use crate::archive::MemberName;
use crate::delta::SOURCES;
use crate::digest::Digest;
use crate::limits;
use crate::reference::is_tag;
use crate::template::TemplateName;

/// How the blobs that a bundle does not carry come to be at the site.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rebuild {
    /// The template versions that supply something, sorted by name and digest. None in a compact bundle.
    pub bases: Vec<Base>,
    /// What a site may hold: it holds all bases of one state at least. Sorted, none twice.
    pub states: Vec<BaseSet>,
    /// Blobs that a site of any state holds. Sorted by digest, none twice.
    pub present: Vec<Held>,
    /// Blobs that are made at the site. What is made from others of them comes after these.
    pub rebuilt: Vec<Rebuilt>,
}

/// A template version that a site holds before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Base {
    /// `NAME:TAG`.
    pub name: String,
    /// Digest of its version index.
    pub digest: Digest,
}

/// A blob, and which bases it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its digest.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// The bases that it belongs to. None: as the source of a patch, it is a blob of this bundle.
    pub bases: BaseSet,
}

/// A blob that is made at the site, unless it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuilt {
    /// Its digest.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// The bases that it belongs to itself: a site that holds one of them has nothing to make.
    pub bases: BaseSet,
    /// Ways to make it. Any of which all sources are there will do.
    pub patches: Vec<PatchUse>,
}

/// A way to make a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchUse {
    /// Digest of the patch, which is the member `deltas/sha256/HEX`.
    #[serde(with = "plain_hex")]
    pub patch: Digest,
    /// The blobs that it is made from, in the order of the patch's header.
    pub sources: Vec<Held>,
    /// Bytes of the sources' contents and what is inflated within them, together.
    pub space: u64,
    /// Bytes of memory that making it needs.
    pub memory: u64,
}

impl Rebuild {
    /// Whether all that a way to make a blob takes from bases is held by a site with the bases of `state`.
    #[must_use]
    pub fn serves(state: BaseSet, way: &PatchUse) -> bool {
        way.sources.iter().all(|s| s.bases.is_empty() || s.bases.intersects(state))
    }

    /// Digest and bytes of every blob that is not carried.
    pub fn blobs(&self) -> impl Iterator<Item = (Digest, u64)> {
        self.present.iter().map(|b| (b.digest, b.size)).chain(self.rebuilt.iter().map(|b| (b.digest, b.size)))
    }

    /// Names of the bases of `set`, for messages.
    #[must_use]
    pub fn names(&self, set: BaseSet) -> Vec<&str> {
        set.iter().filter_map(|n| self.bases.get(n)).map(|base| base.name.as_str()).collect()
    }

    /// The rules of section 5.4, for a list of this kind with these members.
    pub(super) fn check(&self, kind: Kind, members: &[Member]) -> Result<(), String> {
        self.check_bases(kind)?;
        let mut rules = Rules::of(self, members)?;
        if !self.present.is_sorted_by(|a, b| a.digest < b.digest) {
            return Err("`present` is not sorted by digest, or names a blob twice".to_owned());
        }
        for blob in &self.present {
            rules.new_blob(blob.digest, blob.size)?;
            rules.known(blob.bases)?;
            if !self.states.iter().all(|state| state.intersects(blob.bases)) {
                return Err(format!("{} is said to be present, but not in every state", blob.digest));
            }
        }
        for blob in &self.rebuilt {
            rules.rebuilt(blob)?;
        }
        match rules.patches.iter().find(|(_, used)| !**used) {
            Some((unused, _)) => Err(format!("{} makes no blob", MemberName::Patch(*unused))),
            None => Ok(()),
        }
    }

    fn check_bases(&self, kind: Kind) -> Result<(), String> {
        let rule = |rule: &str| Err(rule.to_owned());
        let none = self.bases.is_empty() && self.states.is_empty() && self.present.is_empty();
        match kind {
            Kind::Compact if !none => {
                return rule("a compact bundle has no bases, no states, and nothing that is present");
            }
            Kind::Delta if self.bases.is_empty() || self.states.is_empty() => return rule("a delta has no base"),
            Kind::Full | Kind::Compact | Kind::Delta => {}
        }
        if self.bases.len() > limits::BASES || self.states.len() > limits::BASES {
            return Err(format!("there are more than {} bases or states", limits::BASES));
        }
        if let Some(base) = self.bases.iter().find(|base| !is_label(&base.name)) {
            return Err(format!("{:?} is not the name of a template version", base.name));
        }
        let digests: BTreeSet<_> = self.bases.iter().map(|base| base.digest).collect();
        if !self.bases.is_sorted_by(|a, b| a < b) || digests.len() != self.bases.len() {
            return rule("`bases` is not sorted by name and digest, or names a template version twice");
        }
        if !self.states.is_sorted_by(|a, b| a.iter().lt(b.iter())) || self.states.iter().any(|state| state.is_empty()) {
            return rule("`states` is not sorted, or has a state twice, or one without bases");
        }
        let all = self.states.iter().fold(BaseSet::default(), |all, state| all.union(*state));
        match all == BaseSet::first(self.bases.len()) {
            true => Ok(()),
            false => rule("`states` does not name every base, or names one that is not there"),
        }
    }
}

/// `NAME:TAG` of a template version.
fn is_label(name: &str) -> bool {
    name.split_once(':').is_some_and(|(name, tag)| name.parse::<TemplateName>().is_ok() && is_tag(tag))
}

/// What was read of the list so far.
struct Rules<'a> {
    states: &'a [BaseSet],
    all: BaseSet,
    /// Bytes of every blob that was named.
    sizes: BTreeMap<Digest, u64>,
    /// Blobs of the release: carried, present or rebuilt.
    blobs: BTreeSet<Digest>,
    /// Blobs that a patch without bases may take: carried, or rebuilt before.
    made: BTreeSet<Digest>,
    /// Whether each patch is used.
    patches: BTreeMap<Digest, bool>,
}

impl<'a> Rules<'a> {
    fn of(list: &'a Rebuild, members: &[Member]) -> Result<Self, String> {
        let mut rules = Self {
            states: &list.states,
            all: BaseSet::first(list.bases.len()),
            sizes: BTreeMap::new(),
            blobs: BTreeSet::new(),
            made: BTreeSet::new(),
            patches: BTreeMap::new(),
        };
        for member in members {
            match member.name {
                MemberName::Blob(digest) => {
                    rules.sizes.insert(digest, member.size);
                    rules.blobs.insert(digest);
                    rules.made.insert(digest);
                }
                MemberName::Patch(digest) => drop(rules.patches.insert(digest, false)),
                _ => {}
            }
        }
        let blobs = rules.blobs.len() + list.present.len() + list.rebuilt.len();
        match blobs > limits::MEMBERS {
            true => Err(format!("{blobs} blobs are more than {}", limits::MEMBERS)),
            false => Ok(rules),
        }
    }

    fn known(&self, bases: BaseSet) -> Result<(), String> {
        match self.all.union(bases) == self.all {
            true => Ok(()),
            false => Err("a base is referred to that is not there".to_owned()),
        }
    }

    fn size(&mut self, digest: Digest, size: u64) -> Result<(), String> {
        if size > limits::BLOB_BYTES {
            return Err(format!("{digest} has {size} bytes, more than a blob may have"));
        }
        match *self.sizes.entry(digest).or_insert(size) == size {
            true => Ok(()),
            false => Err(format!("{digest} is listed with two sizes")),
        }
    }

    /// A blob that is not carried: it is named here and nowhere else.
    fn new_blob(&mut self, digest: Digest, size: u64) -> Result<(), String> {
        self.size(digest, size)?;
        match self.blobs.insert(digest) {
            true => Ok(()),
            false => Err(format!("{digest} travels in two ways")),
        }
    }

    fn rebuilt(&mut self, blob: &Rebuilt) -> Result<(), String> {
        let digest = blob.digest;
        self.new_blob(digest, blob.size)?;
        self.known(blob.bases)?;
        if blob.patches.is_empty() || blob.patches.len() > limits::BASES {
            return Err(format!("{digest} has no patch, or more than {}", limits::BASES));
        }
        for way in &blob.patches {
            self.way(digest, way)?;
        }
        let ways = |state: &BaseSet| {
            blob.bases.intersects(*state) || blob.patches.iter().any(|way| Rebuild::serves(*state, way))
        };
        if !self.states.iter().all(ways) {
            return Err(format!("{digest} cannot be rebuilt in every state"));
        }
        self.made.insert(digest);
        Ok(())
    }

    fn way(&mut self, digest: Digest, way: &PatchUse) -> Result<(), String> {
        let name = MemberName::Patch(way.patch);
        match self.patches.get_mut(&way.patch) {
            None => return Err(format!("{name} is not a member")),
            Some(true) => return Err(format!("{name} is used twice")),
            Some(used) => *used = true,
        }
        if way.sources.len() > SOURCES || way.space > limits::SPACE_BYTES {
            return Err(format!("{name} has more sources, or larger ones, than it may"));
        }
        let mut seen = BTreeSet::from([digest]);
        for source in &way.sources {
            self.size(source.digest, source.size)?;
            self.known(source.bases)?;
            if !seen.insert(source.digest) {
                return Err(format!("{name} has the source {} twice, or makes it", source.digest));
            }
            if source.bases.is_empty() && !self.made.contains(&source.digest) {
                let source = source.digest;
                return Err(format!("{name} is made from {source}, which is neither of a base nor there before"));
            }
        }
        let useful = |state: &BaseSet| Rebuild::serves(*state, way);
        if !self.states.is_empty() && !self.states.iter().any(useful) {
            return Err(format!("{name} can be used in no state"));
        }
        Ok(())
    }
}
