//! What a site vouches for when it lets an installation go.

use serde::{Deserialize, Serialize};

use super::packing_list::Member;
use super::{Predicate, Statement};
use crate::archive::{MemberName, archive_len};
use crate::digest::Digest;
use crate::limits;
use crate::template::TemplateName;

/// The predicate of an exported installation (spec/installation.md section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    #[serde(default)]
    requires: Vec<String>,
    /// Which installation it is.
    pub from: ExportedFrom,
    /// When it was exported: RFC 3339, UTC, by the clock of the machine that did it.
    pub exported_at: String,
    members: Vec<Member>,
}

/// The installation that was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedFrom {
    /// Its name.
    pub name: TemplateName,
    /// Its namespace.
    pub namespace: String,
    /// What it ran on.
    pub target: String,
    /// Number of the record that held.
    pub record: u64,
}

impl Exported {
    /// An installation in these members, all but the statement itself, in order.
    #[must_use]
    pub fn new(from: ExportedFrom, exported_at: String, members: Vec<Member>) -> Self {
        Self { requires: Vec::new(), from, exported_at, members }
    }

    /// The statement about it: its subject is the template version `label` (`NAME:TAG`), whose version index has `digest`.
    #[must_use]
    pub fn of(self, label: String, digest: Digest) -> Statement<Self> {
        Statement::new(label, digest, self)
    }

    /// Every member but the statement itself, in order.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Bytes of the whole archive, whose statement has `own` bytes; none if that is more than 2^64-1.
    #[must_use]
    pub fn archive_len(&self, own: u64) -> Option<u64> {
        archive_len(self.members.iter().map(|m| m.size).chain([own]))
    }
}

impl Predicate for Exported {
    const TYPE: &'static str = "https://sealift.dev/installation/v1";
    const WHAT: &'static str = "exported installation";
    const LIMIT: u64 = limits::EXPORTED_ENVELOPE_BYTES;

    fn requires(&self) -> &[String] {
        &self.requires
    }

    fn check(&self) -> Result<(), String> {
        let plain =
            |text: &str, most: usize| !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control);
        // They are for people, and so reach terminals.
        if !plain(&self.from.namespace, 63) || !plain(&self.from.target, 4096) || !plain(&self.exported_at, 64) {
            return Err("where or when it was exported is no text of one line".to_owned());
        }
        if self.members.len() > limits::CLAIMS.saturating_add(2) {
            return Err(format!("it has more than {} claims", limits::CLAIMS));
        }
        let wanted = [MemberName::Installation, MemberName::Secrets].into_iter().chain((1..).map(MemberName::Data));
        for (member, wanted) in self.members.iter().zip(wanted) {
            let limit = match wanted {
                MemberName::Installation => limits::INSTALLATION_BYTES,
                MemberName::Secrets => limits::SECRETS_BYTES,
                _ => limits::BLOB_BYTES,
            };
            if member.name != wanted {
                return Err(format!("its members are out of order: {} stands where {wanted} belongs", member.name));
            }
            if member.size > limit {
                return Err(format!("{wanted} has {} bytes, more than the {limit} that it may have", member.size));
            }
        }
        match self.members.len() {
            0 | 1 => Err("it lacks installation.json or secrets.age".to_owned()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exported(names: &[(MemberName, u64)]) -> Exported {
        let from = ExportedFrom {
            name: "shop".parse().unwrap(),
            namespace: "team".to_owned(),
            target: "kube:a".to_owned(),
            record: 3,
        };
        let member = |(name, size): &(MemberName, u64)| Member { name: *name, size: *size, sha256: Digest::of(b"x") };
        Exported::new(from, "2026-01-01T00:00:00Z".to_owned(), names.iter().map(member).collect())
    }

    #[test]
    fn members_have_one_order_and_their_limits() {
        use MemberName::{Data, Installation, Secrets};
        for (names, good) in [
            (vec![(Installation, 1), (Secrets, 1)], true),
            (vec![(Installation, 1), (Secrets, 1), (Data(1), 1 << 40), (Data(2), 0)], true),
            (vec![(Installation, 1)], false),
            (vec![], false),
            (vec![(Secrets, 1), (Installation, 1)], false),
            (vec![(Installation, 1), (Secrets, 1), (Data(2), 1)], false),
            (vec![(Installation, 1), (Secrets, 1), (Data(1), (1 << 40) + 1)], false),
            (vec![(Installation, limits::INSTALLATION_BYTES + 1), (Secrets, 1)], false),
            (vec![(Installation, 1), (Secrets, limits::SECRETS_BYTES + 1)], false),
            (vec![(Installation, 1), (Secrets, 1), (MemberName::Release, 1)], false),
        ] {
            assert_eq!(exported(&names).check().is_ok(), good, "{names:?}");
        }
        let many: Vec<_> =
            [(Installation, 1), (Secrets, 1)].into_iter().chain((1..=1001).map(|n| (Data(n), 1))).collect();
        assert!(exported(&many).check().is_err());
    }

    #[test]
    fn what_reaches_a_terminal_is_text() {
        let good = exported(&[(MemberName::Installation, 1), (MemberName::Secrets, 1)]);
        for change in [
            (|e: &mut Exported| e.from.namespace = "a\u{1b}[31m".to_owned()) as fn(&mut Exported),
            |e| e.from.target = "x\n".to_owned(),
            |e| e.exported_at = String::new(),
        ] {
            let mut bad = good.clone();
            change(&mut bad);
            assert!(bad.check().is_err());
        }
        assert_eq!(good.check(), Ok(()));
    }
}
