//! What one archive holds.

use std::collections::BTreeSet;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Predicate, plain_hex};
use crate::archive::{MemberName, archive_len};
use crate::digest::Digest;
use crate::limits;

/// The predicate of a packing list (spec/bundle.md section 5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackingList {
    #[serde(default)]
    requires: Vec<String>,
    release: Digest,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    platforms: Vec<String>,
    #[serde(deserialize_with = "sorted")]
    omitted: BTreeSet<Digest>,
    members: Vec<Member>,
}

/// How much of a release an archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// All but what is omitted.
    Full,
}

/// A member of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: MemberName,
    /// Its content's bytes.
    pub size: u64,
    /// Its content's digest.
    #[serde(with = "plain_hex")]
    pub sha256: Digest,
}

/// Digests in ascending order, none twice.
fn sorted<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeSet<Digest>, D::Error> {
    let digests = Vec::<Digest>::deserialize(d)?;
    if digests.is_sorted_by(|a, b| a < b) {
        return Ok(digests.into_iter().collect());
    }
    Err(D::Error::custom("`omitted` is not sorted, or names a digest twice"))
}

impl PackingList {
    /// A list of `members`, all but the list itself, in order.
    #[must_use]
    pub fn new(release: Digest, platforms: Vec<String>, omitted: BTreeSet<Digest>, members: Vec<Member>) -> Self {
        Self { requires: Vec::new(), release, kind: Kind::Full, platforms, omitted, members }
    }

    /// Identity of the release that the archive carries.
    #[must_use]
    pub fn release(&self) -> Digest {
        self.release
    }

    /// How much of it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The platforms that the content was narrowed to; none if it was not.
    #[must_use]
    pub fn platforms(&self) -> &[String] {
        &self.platforms
    }

    /// The manifests that are left out, with all below them.
    #[must_use]
    pub fn omitted(&self) -> &BTreeSet<Digest> {
        &self.omitted
    }

    /// Every member but the list itself: the head's, then the rest, in order.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The name of the last member of the archive.
    #[must_use]
    pub fn last(&self) -> MemberName {
        self.members.last().map_or(MemberName::PackingList, |m| m.name)
    }

    /// The members before the list in the archive: release and trust documents.
    pub fn head(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().take_while(|m| matches!(m.name, MemberName::Release | MemberName::Trust(_)))
    }

    /// The members after the list in the archive: layout and blobs.
    pub fn body(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().skip_while(|m| matches!(m.name, MemberName::Release | MemberName::Trust(_)))
    }

    /// Bytes of the whole archive, whose packing-list envelope has `own` bytes.
    #[must_use]
    pub fn archive_len(&self, own: u64) -> Option<u64> {
        archive_len(self.members.iter().map(|m| m.size).chain([own]))
    }
}

impl Predicate for PackingList {
    const TYPE: &'static str = "https://sealift.dev/packing-list/v1";
    const WHAT: &'static str = "packing list";
    const LIMIT: u64 = limits::PACKING_LIST_ENVELOPE_BYTES;

    fn requires(&self) -> &[String] {
        &self.requires
    }

    fn check(&self) -> Result<(), String> {
        if self.members.len() > limits::MEMBERS {
            return Err(format!("{} members are more than {}", self.members.len(), limits::MEMBERS));
        }
        // They are for people, and so reach terminals.
        if let Some(platform) = self.platforms.iter().find(|p| p.is_empty() || !p.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(format!("{platform:?} is not a platform"));
        }
        let order = |rule: &str| Err(format!("its members are out of order: {rule}"));
        let mut names = self.members.iter().map(|m| m.name).peekable();
        if names.next() != Some(MemberName::Release) {
            return order("the release is not the first");
        }
        let mut last = 0;
        while let Some(MemberName::Trust(n)) = names.next_if(|n| matches!(n, MemberName::Trust(_))) {
            if n <= last {
                return order("trust documents do not ascend");
            }
            last = n;
        }
        if names.next() != Some(MemberName::OciLayout) || names.next() != Some(MemberName::IndexJson) {
            return order("oci-layout and index.json do not follow the head");
        }
        let mut seen = BTreeSet::new();
        for member in &self.members[self.members.len() - names.len()..] {
            let MemberName::Blob(digest) = member.name else { return order("something else stands among the blobs") };
            if digest != member.sha256 {
                return Err(format!("{} is listed with another digest than its name's", member.name));
            }
            if !seen.insert(digest) {
                return Err(format!("{} is listed twice", member.name));
            }
            if member.size > limits::BLOB_BYTES {
                return Err(format!("{} has {} bytes, more than a blob may have", member.name, member.size));
            }
        }
        Ok(())
    }
}
