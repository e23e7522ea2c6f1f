//! How a registry is reached and as whom.

use std::path::PathBuf;
use std::time::Duration;

/// How a registry is reached and as whom. The default asks over https, as whoever `docker login` or `podman login` left behind.
#[derive(Debug, Clone, Default)]
pub struct ClientOptions {
    /// Whether TLS is used.
    pub scheme: Scheme,
    /// Whose login is used.
    pub credentials: CredentialSource,
    /// Files of PEM certificates that are trusted as roots, beside those that the system trusts.
    pub ca: Vec<PathBuf>,
    /// How long the registry may be silent.
    pub timeouts: Timeouts,
}

/// Whether TLS is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// https; on a loopback host plain http if https does not answer there.
    #[default]
    Auto,
    /// https only.
    Https,
    /// Plain http: neither the registry nor what it says is authenticated, and a login travels in the clear.
    Http,
}

/// Whose login is used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CredentialSource {
    /// None, even if the user has one.
    Anonymous,
    /// What `docker login`, `podman login` or `skopeo login` left in its usual file, or in the helper that the file names
    /// (containers-auth.json(5)): `$REGISTRY_AUTH_FILE`, `$XDG_RUNTIME_DIR/containers/auth.json` (without the variable
    /// `/run/containers/UID/auth.json`), `$XDG_CONFIG_HOME/containers/auth.json` (`~/.config`),
    /// `$DOCKER_CONFIG/config.json` (`~/.docker`). The first that knows the registry decides.
    #[default]
    Docker,
    /// One file of that form, as the `--authfile` of podman and skopeo names it.
    AuthFile(PathBuf),
}

/// How long the registry may be silent. No limit is on the whole of a transfer: layers are large and lines are slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For name resolution, and again for the connection with its TLS handshake.
    pub connect: Duration,
    /// For each single read and write.
    pub idle: Duration,
    /// For the answer after the last byte of an upload, while which a registry hashes and moves the blob.
    pub publish: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(15), idle: Duration::from_secs(60), publish: Duration::from_secs(900) }
    }
}
