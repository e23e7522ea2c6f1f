//! The addresses that one repository answers to (spec/registry.md section 3). Clients differ: containerd sends the
//! original repository and the host in `ns`, containers/image (podman, skopeo, CRI-O) can only put the host into the path,
//! and some send the repository alone.

use bundle_format::reference::{mirror_host, normal_host};

use super::{Catalog, Repository};

const DOCKER_HUB: &str = "docker.io";

/// A repository that an address leads to.
#[derive(Debug, Clone, Copy)]
pub struct Found<'c> {
    /// The repository.
    pub repository: &'c Repository,
    /// Whether the `ns` of the address decided it, which the answer then says (`OCI-Namespace`).
    pub by_namespace: bool,
}

/// Why an address leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// There is no such repository.
    #[error("there is no such repository here")]
    Unknown,
    /// More than one registry has a repository of this name, and the address does not say which.
    #[error("more than one registry has such a repository; ask for one of: {}", paths.join(", "))]
    Ambiguous {
        /// The paths to choose from.
        paths: Vec<String>,
    },
}

impl Catalog {
    /// The repository at `path`, as `namespace` (the host in `ns`) has it.
    ///
    /// With a namespace, the images of that host are meant and no others: a repository of the same name from elsewhere
    /// would be the wrong content under the right name. Only a path that itself begins with a host is taken all the same,
    /// since it leaves nothing open.
    ///
    /// # Errors
    /// [`NotFound`].
    pub fn find(&self, path: &str, namespace: Option<&str>) -> Result<Found<'_>, NotFound> {
        let found = |repository, by_namespace| Ok(Found { repository, by_namespace });
        if let Some(namespace) = namespace {
            if let Some(repository) = self.image(namespace, path) {
                return found(repository, true);
            }
            return match self.full(path).filter(|r| r.host().is_some()) {
                Some(repository) => found(repository, false),
                None => Err(NotFound::Unknown),
            };
        }
        if let Some(repository) = self.full(path) {
            return found(repository, false);
        }
        match self.bare(path).as_slice() {
            [] => Err(NotFound::Unknown),
            [only] => self.repositories.get(*only).map_or(Err(NotFound::Unknown), |r| found(r.as_ref(), false)),
            several => Err(NotFound::Ambiguous { paths: several.iter().map(|&path| path.to_owned()).collect() }),
        }
    }

    /// The repository that `host` calls `repository`.
    fn image(&self, host: &str, repository: &str) -> Option<&Repository> {
        let host = normal_host(host);
        let at = |repository: &str| {
            self.repositories.get(&format!("{}/{repository}", mirror_host(host))).map(std::sync::Arc::as_ref)
        };
        // The host is compared as well: `mirror_host` is for paths, and a namespace is any text that a client sends.
        at(repository)
            .or_else(|| if host == DOCKER_HUB { at(&format!("library/{repository}")) } else { None })
            .filter(|r: &&Repository| r.host() == Some(host))
    }

    /// The repository whose whole path this is, in any spelling of Docker Hub.
    fn full(&self, path: &str) -> Option<&Repository> {
        self.repositories.get(path).map(std::sync::Arc::as_ref).or_else(|| {
            let (host, repository) = path.split_once('/')?;
            if normal_host(host) == DOCKER_HUB { self.image(host, repository) } else { None }
        })
    }

    /// Paths of the images' repositories that are called so at their hosts.
    fn bare(&self, name: &str) -> Vec<&str> {
        let library = format!("library/{name}");
        let hub = self
            .by_bare_name
            .get(&library)
            .into_iter()
            .flatten()
            .filter(|path| self.repositories.get(*path).is_some_and(|r| r.host() == Some(DOCKER_HUB)));
        self.by_bare_name.get(name).into_iter().flatten().chain(hub).map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use bundle_format::{Digest, media};

    use super::*;
    use crate::store::Entry;

    /// A catalogue whose roots are not there: addresses are all that is looked at.
    fn catalog() -> Catalog {
        let names = [
            "docker.io/library/nginx:1",
            "quay.io/a/b:1",
            "localhost:5000/a/b:1",
            "ghcr.io/only/here:1",
            "sealift/shop:1",
        ];
        let entry = |name: &str| Entry::named(media::OCI_INDEX, Digest::of(b"").into(), 0, name.to_owned());
        Catalog::of(&names.map(entry), None)
    }

    #[test]
    fn an_image_is_found_by_every_address_that_leaves_no_doubt() {
        let catalog = catalog();
        let own = Ok((None, false));
        for (why, path, ns, expected) in [
            ("the host in the path", "docker.io/library/nginx", None, Ok((Some("docker.io"), false))),
            ("docker.io without library/", "docker.io/nginx", None, Ok((Some("docker.io"), false))),
            ("an alias in the path", "index.docker.io/library/nginx", None, Ok((Some("docker.io"), false))),
            ("a port in the path", "localhost_5000/a/b", None, Ok((Some("localhost:5000"), false))),
            ("the host in ns", "library/nginx", Some("docker.io"), Ok((Some("docker.io"), true))),
            ("ns without library/", "nginx", Some("docker.io"), Ok((Some("docker.io"), true))),
            ("an alias in ns", "library/nginx", Some("registry-1.docker.io"), Ok((Some("docker.io"), true))),
            ("a port in ns", "a/b", Some("localhost:5000"), Ok((Some("localhost:5000"), true))),
            ("one of two in ns", "a/b", Some("quay.io"), Ok((Some("quay.io"), true))),
            ("a whole path, whatever ns says", "quay.io/a/b", Some("mirror:5000"), Ok((Some("quay.io"), false))),
            ("the only one of its name", "only/here", None, Ok((Some("ghcr.io"), false))),
            ("the bare name on Docker Hub", "nginx", None, Ok((Some("docker.io"), false))),
            ("our own", "sealift/shop", None, own.clone()),
            ("another registry's name for it", "nginx", Some("quay.io"), Err(NotFound::Unknown)),
            ("our own under a foreign name", "sealift/shop", Some("docker.io"), Err(NotFound::Unknown)),
            ("our own with its path parted", "shop", Some("sealift"), Err(NotFound::Unknown)),
            ("the port's path spelling in ns", "a/b", Some("localhost_5000"), Err(NotFound::Unknown)),
            ("nothing", "no/such", None, Err(NotFound::Unknown)),
        ] {
            let found = catalog.find(path, ns).map(|f| (f.repository.host(), f.by_namespace));
            assert_eq!(found, expected, "{why}: {path} ns={ns:?}");
        }
        let Err(NotFound::Ambiguous { paths }) = catalog.find("a/b", None) else { panic!("two hosts have a/b") };
        assert_eq!(paths, ["localhost_5000/a/b", "quay.io/a/b"]);
    }
}
