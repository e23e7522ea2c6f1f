//! The names of images: `host/repository:tag@digest` (distribution-spec, "Pulling manifests"; distribution/reference grammar).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::Digest;

/// The name of an image as a registry client writes it, normalised: the host is always there, Docker Hub's
/// aliases and its `library/` are spelled out, and where neither tag nor digest is given the tag is `latest`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ImageRef {
    host: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not an [`ImageRef`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an image name: {why}")]
pub struct ImageRefError {
    /// What was given, cut to 300 characters.
    pub text: String,
    /// The rule it breaks.
    pub why: &'static str,
}

const DOCKER_HUB: &str = "docker.io";

impl ImageRef {
    /// Registry host, with its port if it has one: `docker.io`, `localhost:5000`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Repository within the host: `library/nginx`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Tag, if the name has one.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Digest, if the name has one.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The repository's path below a registry that holds images of many hosts: `docker.io/library/nginx`. A port's
    /// colon, which no repository may have, becomes an underscore: `localhost_5000/shop/web` (spec/registry.md).
    #[must_use]
    pub fn mirror_path(&self) -> String {
        format!("{}/{}", mirror_host(&self.host), self.repository)
    }
}

/// A host as the first component of a repository path: the port's colon becomes an underscore.
#[must_use]
pub fn mirror_host(host: &str) -> String {
    host.replace(':', "_")
}

/// The one spelling of a registry host: Docker Hub has several.
#[must_use]
pub fn normal_host(host: &str) -> &str {
    match host {
        "index.docker.io" | "registry-1.docker.io" | "registry.docker.io" => DOCKER_HUB,
        other => other,
    }
}

/// Whether `text` is a repository: lowercase components parted by `/` (distribution-spec, `<name>`).
#[must_use]
pub fn is_repository(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && text.split('/').all(is_component)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    alnum(*first)
        && alnum(*last)
        && text
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .all(|separator| matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-'))
}

/// Whether `text` is a tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
#[must_use]
pub fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let bytes = text.as_bytes();
    bytes.len() <= 128
        && bytes.first().is_some_and(|b| word(*b))
        && bytes.iter().all(|b| word(*b) || matches!(b, b'.' | b'-'))
}

fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text, None),
    };
    let label = |l: &str| {
        !l.is_empty()
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.len() <= 255
        && name.split('.').all(label)
        && port.is_none_or(|p| !p.is_empty() && p.len() <= 5 && p.bytes().all(|b| b.is_ascii_digit()))
}

impl FromStr for ImageRef {
    type Err = ImageRefError;

    fn from_str(text: &str) -> Result<Self, ImageRefError> {
        let error = |why| ImageRefError { text: text.chars().take(300).collect(), why };
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                let digest = digest.parse().map_err(|_| error("what follows `@` is not a sha256 digest"))?;
                (name, Some(digest))
            }
            None => (text, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => {
                if !is_tag(tag) {
                    return Err(error("the tag is not 1 to 128 of letters, digits, `_`, `.` and `-`"));
                }
                (name, Some(tag.to_owned()))
            }
            _ => (name, None),
        };
        let (host, repository) = match name.split_once('/') {
            Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) => (normal_host(first), rest),
            _ => (DOCKER_HUB, name),
        };
        if !is_host(host) {
            return Err(error("the registry's host is not a lowercase DNS name or address with an optional port"));
        }
        let repository = match host {
            DOCKER_HUB if !repository.contains('/') => format!("library/{repository}"),
            _ => repository.to_owned(),
        };
        if !is_repository(&repository) {
            return Err(error(
                "the repository is not lowercase letters and digits parted by single `/`, `.`, `_` or `-`",
            ));
        }
        if host.len() + 1 + repository.len() > 255 {
            return Err(error("host and repository are longer than 255 characters"));
        }
        let tag = if tag.is_none() && digest.is_none() { Some("latest".to_owned()) } else { tag };
        Ok(Self { host: host.to_owned(), repository, tag, digest })
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// By the text, byte for byte: the order that a version index has, and that `sort` and `jq` give.
impl Ord for ImageRef {
    fn cmp(&self, other: &Self) -> Ordering {
        self.to_string().cmp(&other.to_string())
    }
}

impl PartialOrd for ImageRef {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ImageRef {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ImageRef {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_as_docker_does() {
        let digest = Digest::of(b"");
        for (given, full) in [
            ("nginx", "docker.io/library/nginx:latest".to_owned()),
            ("nginx:1.25", "docker.io/library/nginx:1.25".to_owned()),
            ("bitnami/redis", "docker.io/bitnami/redis:latest".to_owned()),
            ("index.docker.io/library/nginx", "docker.io/library/nginx:latest".to_owned()),
            ("localhost:5000/shop/web:1", "localhost:5000/shop/web:1".to_owned()),
            ("localhost/web", "localhost/web:latest".to_owned()),
            ("ghcr.io/a/b/c__d-e.f:v1", "ghcr.io/a/b/c__d-e.f:v1".to_owned()),
            (&format!("quay.io/x/y@{digest}"), format!("quay.io/x/y@{digest}")),
            (&format!("quay.io/x/y:1@{digest}"), format!("quay.io/x/y:1@{digest}")),
        ] {
            let parsed: ImageRef = given.parse().unwrap_or_else(|e| panic!("{given}: {e}"));
            assert_eq!(parsed.to_string(), full);
            assert_eq!(full.parse::<ImageRef>(), Ok(parsed), "parsing the full spelling gives the same name");
        }
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        for text in [
            "",
            "UPPER/case",
            "a//b",
            "a/../b",
            "x:",
            "x:-tag",
            "x@sha256:12",
            "host.io/",
            ":5000/x",
            "a b",
            "-a",
            "a_-b",
        ] {
            assert!(text.parse::<ImageRef>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_sort_as_their_texts_do() {
        let sorted = ["a.io/x-y:1", "a.io/x/y:1", "a.io/x:1", "a.io/x:1-a", "b-c.io/x:1", "b.io/x:1"];
        let names: Vec<ImageRef> = sorted.map(|t| t.parse().unwrap()).into();
        assert!(sorted.is_sorted() && names.is_sorted());
    }

    #[test]
    fn a_port_becomes_part_of_a_legal_path() {
        let image: ImageRef = "localhost:5000/shop/web:1".parse().unwrap();
        assert_eq!(image.mirror_path(), "localhost_5000/shop/web");
        assert!(is_repository(&image.mirror_path()));
    }
}
