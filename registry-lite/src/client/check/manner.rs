//! The ways in which clients ask.

use bundle_format::reference::mirror_host;
use bundle_format::{ImageRef, media};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::answer::is_document;
use crate::mirrors::ClientKind;

/// Where clients ask first what is there.
pub(super) const PING: &str = "/v2/";
/// What Go leaves as it is in the value of a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Docker's schema 1, which containers/image still names.
const SCHEMA_1: [&str; 2] = [
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/vnd.docker.distribution.manifest.v1+json",
];

/// The ways in which clients send requests. Kinds of clients that send the same have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manner {
    /// The original repository, its host in `ns`: containerd, k3s, RKE2, Talos.
    Namespace,
    /// The host in the path: CRI-O, podman.
    Path,
    /// The repository alone for images of Docker Hub, the host in the path for all others, which docker has no mirror for.
    Hub,
}

impl Manner {
    /// The way of a kind of client.
    #[must_use]
    pub fn of(client: ClientKind) -> Self {
        match client {
            ClientKind::Containerd | ClientKind::K3s | ClientKind::Rke2 | ClientKind::Talos => Self::Namespace,
            ClientKind::Crio | ClientKind::Podman => Self::Path,
            ClientKind::Docker => Self::Hub,
        }
    }

    /// The repository in the path and the query, as clients of this manner have them at `registry`. An image of the registry's own name is
    /// asked for as it is.
    pub(super) fn address(self, registry: &str, image: &ImageRef) -> (String, String) {
        let bare = image.repository().to_owned();
        match self {
            _ if image.host() == registry => (bare, String::new()),
            Self::Namespace => (bare, format!("?ns={}", utf8_percent_encode(image.host(), QUERY))),
            Self::Hub if image.host() == "docker.io" => (bare, String::new()),
            Self::Path | Self::Hub => (format!("{}/{bare}", mirror_host(image.host())), String::new()),
        }
    }

    /// What the clients say they take: one header for containerd, one for each type for the others; none but for manifests.
    pub(super) fn accepts(self, path: &str, media_type: Option<&str>) -> Vec<String> {
        let (manifest, index) = (media::OCI_MANIFEST, media::OCI_INDEX);
        let (docker_manifest, docker_list) = (media::DOCKER_MANIFEST, media::DOCKER_LIST);
        let [signed, schema_1] = SCHEMA_1;
        let types = match (self, media_type) {
            (Self::Namespace, Some(media_type)) => return vec![format!("{media_type}, */*")],
            (Self::Namespace, None) => {
                return vec![[docker_manifest, docker_list, manifest, index, "*/*"].join(", ")];
            }
            (_, media_type) if path == PING || media_type.is_some_and(|it| !is_document(it)) => return Vec::new(),
            (Self::Path, _) => vec![manifest, docker_manifest, signed, schema_1, docker_list, index],
            (Self::Hub, _) => vec![docker_manifest, docker_list, index, manifest, signed],
        };
        types.into_iter().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_manner_has_its_address() {
        for (why, manner, image, repository, query) in [
            ("the host in ns", Manner::Namespace, "quay.io/a/b:1", "a/b", "?ns=quay.io"),
            ("Docker Hub in ns", Manner::Namespace, "nginx", "library/nginx", "?ns=docker.io"),
            ("a port, encoded", Manner::Namespace, "localhost:5000/a:1", "a", "?ns=localhost%3A5000"),
            ("the host in the path", Manner::Path, "quay.io/a/b:1", "quay.io/a/b", ""),
            ("a port in the path", Manner::Path, "localhost:5000/a:1", "localhost_5000/a", ""),
            ("docker's mirror", Manner::Hub, "nginx:1", "library/nginx", ""),
            ("what docker mirrors not", Manner::Hub, "quay.io/a/b:1", "quay.io/a/b", ""),
            ("the registry's own name", Manner::Namespace, "mirror:5000/a:1", "a", ""),
            ("the registry's own name", Manner::Path, "mirror:5000/a:1", "a", ""),
        ] {
            let found = manner.address("mirror:5000", &image.parse().unwrap());
            assert_eq!(found, (repository.to_owned(), query.to_owned()), "{why}: {image}");
        }
    }
}
