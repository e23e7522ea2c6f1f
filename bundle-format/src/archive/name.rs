//! The names that members may have (spec/bundle.md section 1.4, spec/installation.md section 1).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::Digest;

/// The name of a member. There is no other than these, so a name never needs to be trusted as a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberName {
    /// `release.dsse.json`
    Release,
    /// `trust/N.root.dsse.json`
    Trust(u32),
    /// `packing-list.dsse.json`
    PackingList,
    /// `oci-layout`
    OciLayout,
    /// `index.json`
    IndexJson,
    /// `blobs/sha256/HEX`
    Blob(Digest),
    /// `deltas/sha256/HEX`: a patch, HEX the digest of its bytes.
    Patch(Digest),
    /// `installation.dsse.json`: what vouches for an exported installation.
    Exported,
    /// `installation.json`: an installation's values.
    Installation,
    /// `secrets.age`: an installation's generated secrets, encrypted.
    Secrets,
    /// `data/N.tar.age`: what a claim of an installation holds, encrypted; N from 1.
    Data(u32),
}

/// A name that no member may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not the name of a bundle's member")]
pub struct MemberNameError {
    /// The name, cut to 100 characters.
    pub name: String,
}

impl fmt::Display for MemberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release => f.write_str("release.dsse.json"),
            Self::Trust(n) => write!(f, "trust/{n}.root.dsse.json"),
            Self::PackingList => f.write_str("packing-list.dsse.json"),
            Self::OciLayout => f.write_str("oci-layout"),
            Self::IndexJson => f.write_str("index.json"),
            Self::Blob(digest) => write!(f, "blobs/sha256/{}", digest.hex()),
            Self::Patch(digest) => write!(f, "deltas/sha256/{}", digest.hex()),
            Self::Exported => f.write_str("installation.dsse.json"),
            Self::Installation => f.write_str("installation.json"),
            Self::Secrets => f.write_str("secrets.age"),
            Self::Data(n) => write!(f, "data/{n}.tar.age"),
        }
    }
}

impl FromStr for MemberName {
    type Err = MemberNameError;
    fn from_str(name: &str) -> Result<Self, MemberNameError> {
        let parsed = match name {
            "release.dsse.json" => Some(Self::Release),
            "packing-list.dsse.json" => Some(Self::PackingList),
            "oci-layout" => Some(Self::OciLayout),
            "index.json" => Some(Self::IndexJson),
            "installation.dsse.json" => Some(Self::Exported),
            "installation.json" => Some(Self::Installation),
            "secrets.age" => Some(Self::Secrets),
            _ => match (name.strip_prefix("blobs/sha256/"), name.strip_prefix("deltas/sha256/")) {
                (Some(hex), _) => Digest::from_hex(hex).ok().map(Self::Blob),
                (_, Some(hex)) => Digest::from_hex(hex).ok().map(Self::Patch),
                _ => numbered(name, "trust/", ".root.dsse.json")
                    .map(Self::Trust)
                    .or_else(|| numbered(name, "data/", ".tar.age").map(Self::Data)),
            },
        };
        // Printing again must give the same text: `trust/01…` and `trust/+1…` are second spellings.
        parsed
            .filter(|parsed| !matches!(parsed, Self::Trust(0) | Self::Data(0)) && parsed.to_string() == name)
            .ok_or_else(|| MemberNameError { name: name.chars().take(100).collect() })
    }
}

fn numbered(name: &str, before: &str, after: &str) -> Option<u32> {
    name.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
}

impl Serialize for MemberName {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MemberName {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_the_specification_parse() {
        let blob = format!("blobs/sha256/{}", Digest::of(b"").hex());
        let patch = format!("deltas/sha256/{}", Digest::of(b"").hex());
        for name in [
            "release.dsse.json",
            "packing-list.dsse.json",
            "oci-layout",
            "index.json",
            "trust/12.root.dsse.json",
            "installation.dsse.json",
            "installation.json",
            "secrets.age",
            "data/1.tar.age",
            &blob,
            &patch,
        ] {
            assert_eq!(name.parse::<MemberName>().map(|n| n.to_string()).as_deref(), Ok(name));
        }
        for name in [
            "",
            ".",
            "/index.json",
            "./index.json",
            "../index.json",
            "index.json/",
            "INDEX.JSON",
            "index.json\0",
            "blobs/sha256/",
            "blobs/sha256/..",
            "deltas/sha256/..",
            "deltas/x",
            "trust/0.root.dsse.json",
            "trust/01.root.dsse.json",
            "trust/+1.root.dsse.json",
            "trust/4294967296.root.dsse.json",
            "blobs\\sha256\\x",
            "data/0.tar.age",
            "data/01.tar.age",
            "data/../1.tar.age",
        ] {
            assert!(name.parse::<MemberName>().is_err(), "{name:?}");
        }
        assert!(blob.to_uppercase().parse::<MemberName>().is_err());
    }
}
