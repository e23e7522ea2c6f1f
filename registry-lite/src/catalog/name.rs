//! What a root in `index.json` is called, and where that puts it.

use std::fmt;
use std::str::FromStr;

use bundle_format::Digest;
use bundle_format::digest::DigestError;
use bundle_format::reference::{ImageRef, ImageRefError, is_repository, is_tag};

/// The name of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// An image that comes from another registry, under the name that it has there.
    Image(ImageRef),
    /// Content of our own, such as a template version: `sealift/shop:1.0.0`.
    Own(OwnName),
    /// No name, for what is found by its subject alone: a release beside its template version, an SBOM, a signature. It is
    /// served in every repository that serves its subject.
    Unnamed,
}

/// `repository:tag`, `repository@digest` or both, in this registry and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnName {
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It begins with a registry's host, and the rest is not an image name.
    #[error(transparent)]
    Image(#[from] ImageRefError),
    /// What follows `@` is not a digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// Not a name of ours.
    #[error("{text:?} is not a name in this registry: {why}")]
    Own {
        /// What was given, cut to 300 characters.
        text: String,
        /// The rule it breaks.
        why: &'static str,
    },
}

impl OwnName {
    /// The repository: `sealift/shop`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if the name has one.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if the name has one.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }
}

impl Name {
    /// The path of the repository, or `None` for the unnamed.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        match self {
            Self::Image(image) => Some(image.mirror_path()),
            Self::Own(own) => Some(own.repository.clone()),
            Self::Unnamed => None,
        }
    }

    /// The tag, if the name has one.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Image(image) => image.tag(),
            Self::Own(own) => own.tag(),
            Self::Unnamed => None,
        }
    }

    /// The digest, if the name has one: the root must then have the same.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Image(image) => image.digest(),
            Self::Own(own) => own.digest(),
            Self::Unnamed => None,
        }
    }
}

/// Whether a path's first component reads as a registry's host, as [`ImageRef`] tells hosts from repositories or as
/// [`ImageRef::mirror_path`] spells them. A name of ours may not begin so: it would stand where another registry's images are.
fn is_host_like(component: &str) -> bool {
    let port = |(_, port): (&str, &str)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    component == "localhost" || component.contains(['.', ':']) || component.rsplit_once('_').is_some_and(port)
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.split_once('/').is_some_and(|(first, _)| is_host_like(first) && !first.contains('_')) {
            return Ok(Self::Image(text.parse()?));
        }
        text.parse().map(Self::Own)
    }
}

impl FromStr for OwnName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let error = |why| NameError::Own { text: text.chars().take(300).collect(), why };
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse()?)),
            None => (text, None),
        };
        let (repository, tag) = match name.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (name, None),
        };
        if !is_repository(repository) {
            return Err(error(
                "the repository is not lowercase letters and digits parted by single `/`, `.`, `_` or `-`",
            ));
        }
        if repository.split_once('/').is_some_and(|(first, _)| is_host_like(first)) {
            return Err(error("it begins like the host of another registry"));
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(error("the tag is not 1 to 128 of letters, digits, `_`, `.` and `-`"));
        }
        if tag.is_none() && digest.is_none() {
            return Err(error("it has neither a tag nor a digest"));
        }
        Ok(Self { repository: repository.to_owned(), tag: tag.map(str::to_owned), digest })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(image) => fmt::Display::fmt(image, f),
            Self::Own(own) => fmt::Display::fmt(own, f),
            Self::Unnamed => f.write_str("(unnamed)"),
        }
    }
}

impl fmt::Display for OwnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_makes_an_image_and_its_absence_a_name_of_our_own() {
        for (text, path, tag) in [
            ("docker.io/library/nginx:1.25", "docker.io/library/nginx", Some("1.25")),
            ("docker.io/nginx:1.25", "docker.io/library/nginx", Some("1.25")),
            ("localhost:5000/shop/web:1", "localhost_5000/shop/web", Some("1")),
            ("sealift/shop:1.0.0", "sealift/shop", Some("1.0.0")),
            ("shop:1", "shop", Some("1")),
        ] {
            let name: Name = text.parse().unwrap();
            assert_eq!((name.path().as_deref(), name.tag()), (Some(path), tag), "{text}");
        }
        let digest = Digest::of(b"");
        let name: Name = format!("sealift/shop@{digest}").parse().unwrap();
        assert_eq!((name.tag(), name.digest()), (None, Some(&digest)));
        assert_eq!(name.to_string(), format!("sealift/shop@{digest}"));
    }

    #[test]
    fn what_would_stand_in_another_registrys_place_is_refused() {
        for text in [
            "localhost_5000/shop/web:1",
            "sealift/shop",
            "",
            "Shop:1",
            "a//b:1",
            "../b:1",
            "shop:",
            "shop:-",
            "shop@sha256:0",
        ] {
            assert!(text.parse::<Name>().is_err(), "{text:?}");
        }
    }
}
