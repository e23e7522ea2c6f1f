//! What a root in `index.json` is called, and where that puts it (spec/registry.md section 2).

use std::fmt;
use std::str::FromStr;

use bundle_format::reference::{ImageRef, ImageRefError, is_repository, is_tag, mirror_host};

use crate::digest::{ContentDigest, ContentDigestError};

/// A repository: of another registry, whose images are kept under the names that they have there, or of our own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName {
    /// The other registry, with its port if it has one.
    host: Option<String>,
    repository: String,
}

/// The name of a root: `repository:tag` or `repository@digest`, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    repository: RepositoryName,
    tag: Option<String>,
    digest: Option<ContentDigest>,
}

/// Why a text is not a [`Name`] or a [`RepositoryName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It begins with a registry's host, and the rest is not an image name.
    #[error(transparent)]
    Image(#[from] ImageRefError),
    /// What follows `@` is not a digest.
    #[error(transparent)]
    Digest(#[from] ContentDigestError),
    /// Not a name of ours.
    #[error("{text:?} is not a name in this registry: {why}")]
    Own {
        /// What was given, cut to 300 characters.
        text: String,
        /// The rule it breaks.
        why: &'static str,
    },
}

const NOT_A_REPOSITORY: &str =
    "the repository is not lowercase letters and digits parted by single `/`, `.`, `_` or `-`, 255 at most";

fn own_error(text: &str, why: &'static str) -> NameError {
    NameError::Own { text: text.chars().take(300).collect(), why }
}

impl RepositoryName {
    /// The repository that `host` calls `repository`, in the one spelling that Docker Hub's have.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn at_host(host: &str, repository: &str) -> Result<Self, NameError> {
        // A host without a dot reads as a repository's first component: only with a port it is one in every tool.
        let image: ImageRef = format!("{host}/{repository}").parse()?;
        let reads_as_host = host == "localhost" || host.contains(['.', ':']);
        if repository.contains(['@', ':']) || host.contains('/') || !reads_as_host {
            return Err(own_error(host, "that is no registry's host"));
        }
        Ok(Self { host: Some(image.host().to_owned()), repository: image.repository().to_owned() })
    }

    /// The repository at a path of this registry: `docker.io/library/nginx`, `localhost_5000/shop/web`, `sealift/shop`.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn at_path(path: &str) -> Result<Self, NameError> {
        if !is_repository(path) {
            return Err(own_error(path, NOT_A_REPOSITORY));
        }
        let of_a_host =
            path.split_once('/').and_then(|(first, rest)| Self::at_host(&host_of_component(first), rest).ok());
        Ok(of_a_host.unwrap_or_else(|| Self { host: None, repository: path.to_owned() }))
    }

    /// The registry that the images come from; `None` for content of our own.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The repository, as its host calls it.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Its path in this registry. A port's colon, which no path may have, is an underscore.
    #[must_use]
    pub fn path(&self) -> String {
        match &self.host {
            Some(host) => format!("{}/{}", mirror_host(host), self.repository),
            None => self.repository.clone(),
        }
    }

    /// The name of what is tagged so.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> String {
        format!("{self}:{tag}")
    }

    /// The name of what has no tag.
    #[must_use]
    pub fn untagged(&self, digest: &ContentDigest) -> String {
        format!("{self}@{digest}")
    }
}

/// A path's first component as the host that [`mirror_host`] may have made it of: `localhost_5000` was `localhost:5000`.
fn host_of_component(component: &str) -> String {
    match component.rsplit_once('_') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => format!("{name}:{port}"),
        _ => component.to_owned(),
    }
}

impl Name {
    /// The repository.
    #[must_use]
    pub fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// The tag, if the name has one.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if the name has one: the root must then have the same.
    #[must_use]
    pub fn digest(&self) -> Option<&ContentDigest> {
        self.digest.as_ref()
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse()?)),
            None => (text, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (name, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(own_error(text, "the tag is not 1 to 128 of letters, digits, `_`, `.` and `-`"));
        }
        let with_host = name.split_once('/').filter(|(first, _)| *first == "localhost" || first.contains(['.', ':']));
        let repository = match with_host.map(|(host, rest)| RepositoryName::at_host(host, rest)) {
            Some(Ok(repository)) => repository,
            // A first component with a dot or a colon that is no host's name: our own, if its grammar allows.
            Some(Err(_)) | None => {
                let own = RepositoryName::at_path(name)?;
                if own.host.is_some() {
                    return Err(own_error(text, "it begins like the path of another registry's images"));
                }
                own
            }
        };
        if tag.is_none() && digest.is_none() {
            return Err(own_error(text, "it has neither a tag nor a digest"));
        }
        Ok(Self { repository, tag: tag.map(str::to_owned), digest })
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(host) = &self.host {
            write!(f, "{host}/")?;
        }
        f.write_str(&self.repository)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.repository, f)?;
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
    use bundle_format::Digest;

    use super::*;

    #[test]
    fn a_host_makes_an_image_and_its_absence_a_name_of_our_own() {
        for (text, host, path, tag) in [
            ("docker.io/library/nginx:1.25", Some("docker.io"), "docker.io/library/nginx", Some("1.25")),
            ("docker.io/nginx:1.25", Some("docker.io"), "docker.io/library/nginx", Some("1.25")),
            ("localhost:5000/shop/web:1", Some("localhost:5000"), "localhost_5000/shop/web", Some("1")),
            ("sealift/shop:1.0.0", None, "sealift/shop", Some("1.0.0")),
            ("shop:1", None, "shop", Some("1")),
            ("a.b:1", None, "a.b", Some("1")),
            ("my_app_2/web:1", None, "my_app_2/web", Some("1")),
        ] {
            let name: Name = text.parse().unwrap();
            let (repository, path) = (name.repository(), path.to_owned());
            assert_eq!((repository.host(), repository.path(), name.tag()), (host, path.clone(), tag), "{text}");
            assert_eq!(RepositoryName::at_path(&path).as_ref(), Ok(repository), "{text}: there and back");
        }
        let digest = ContentDigest::from(Digest::of(b""));
        let name: Name = format!("sealift/shop@{digest}").parse().unwrap();
        assert_eq!((name.tag(), name.digest()), (None, Some(&digest)));
        assert_eq!(name.to_string(), format!("sealift/shop@{digest}"));
    }

    #[test]
    fn a_path_that_begins_with_a_host_is_that_hosts() {
        for (path, host) in [
            ("docker.io/library/nginx", Some("docker.io")),
            ("index.docker.io/nginx", Some("docker.io")),
            ("localhost/a", Some("localhost")),
            ("localhost_5000/a", Some("localhost:5000")),
            ("team_1/app", Some("team:1")),
            ("a_b.c/x", None),
            ("a.b", None),
            ("team/app", None),
        ] {
            assert_eq!(RepositoryName::at_path(path).unwrap().host(), host, "{path}");
        }
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
            "docker.io/../x:1",
        ] {
            assert!(text.parse::<Name>().is_err(), "{text:?}");
        }
        for (host, path) in
            [("sealift", "shop"), ("localhost_5000", "a"), ("", "a"), ("a.b", "x:1"), ("a.b", "../x"), ("a.b/x", "y")]
        {
            assert!(RepositoryName::at_host(host, path).is_err(), "{host} {path}");
        }
    }
}
