//! What one archive holds.

use std::collections::BTreeSet;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Predicate, Rebuild, plain_hex};
use crate::archive::{MemberName, archive_len};
use crate::digest::Digest;
use crate::limits;

/// What a list with patches requires: that the reader knows patches of version 1 (spec/delta.md).
pub const PATCHES: &str = "patches-v1";

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rebuild: Option<Rebuild>,
}

/// How much of a release an archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// All but what is omitted.
    Full,
    /// What the bases do not have, and how the rest is made from them.
    Delta,
    /// All but what is omitted, some of it as patches that need nothing but this bundle.
    Compact,
}

impl Kind {
    /// The kind as the list has it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Delta => "delta",
            Self::Compact => "compact",
        }
    }
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
    /// The list of a full bundle of `members`, all but the list itself, in order.
    #[must_use]
    pub fn new(release: Digest, platforms: Vec<String>, omitted: BTreeSet<Digest>, members: Vec<Member>) -> Self {
        Self { requires: Vec::new(), release, kind: Kind::Full, platforms, omitted, members, rebuild: None }
    }

    /// The same for a bundle that leaves `rebuild` to the site: a delta, or a compact one if that has no bases.
    #[must_use]
    pub fn rebuilding(mut self, rebuild: Rebuild) -> Self {
        self.kind = if rebuild.bases.is_empty() { Kind::Compact } else { Kind::Delta };
        self.requires = if self.has_patches() { vec![PATCHES.to_owned()] } else { Vec::new() };
        self.rebuild = Some(rebuild);
        self
    }

    fn has_patches(&self) -> bool {
        self.members.iter().any(|m| matches!(m.name, MemberName::Patch(_)))
    }

    /// What is not carried, and how it comes to be; none in a full bundle.
    #[must_use]
    pub fn rebuild(&self) -> Option<&Rebuild> {
        self.rebuild.as_ref()
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

    /// The members after the list in the archive: layout, blobs, patches.
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
    const KNOWN: &'static [&'static str] = &[PATCHES];

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
        let mut patches = false;
        for member in &self.members[self.members.len() - names.len()..] {
            let digest = match member.name {
                MemberName::Blob(_) if patches => return order("a blob comes after a patch"),
                MemberName::Blob(digest) => digest,
                MemberName::Patch(digest) => {
                    patches = true;
                    digest
                }
                _ => return order("something else stands among the blobs"),
            };
            if digest != member.sha256 {
                return Err(format!("{} is listed with another digest than its name's", member.name));
            }
            if !seen.insert(member.name) {
                return Err(format!("{} is listed twice", member.name));
            }
            if member.size > limits::BLOB_BYTES {
                return Err(format!("{} has {} bytes, more than a blob may have", member.name, member.size));
            }
        }
        if patches != self.requires.iter().any(|feature| feature == PATCHES) {
            return Err(format!(
                "it requires {PATCHES:?} without having patches, or has patches and does not require it"
            ));
        }
        match (self.kind, &self.rebuild) {
            (Kind::Full, None) if !patches => Ok(()),
            (Kind::Full, _) => Err("a full bundle has patches, or says what is rebuilt".to_owned()),
            (_, None) => Err(format!("a {} bundle does not say what is rebuilt", self.kind.text())),
            (kind, Some(rebuild)) => rebuild.check(kind, &self.members),
        }
    }
}
