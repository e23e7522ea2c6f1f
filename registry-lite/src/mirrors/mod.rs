//! How clients are told to pull original names from a mirror: the files for each kind of client, for exactly the registries
//! that the content came from (spec/registry.md, "How to point clients at it"). Pure: nothing is read, written or sent.

mod ca;
mod containerd;
mod containers;
mod docker;
mod login;
mod mirror;
mod rancher;
mod talos;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

pub use ca::CaCertificates;
pub use login::Login;
pub use mirror::{Mirror, MirrorError, RegistryHost};

/// A program that pulls images, with a way of its own of being told where from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientKind {
    /// containerd 1.6 and later, under Kubernetes or alone.
    Containerd,
    /// CRI-O.
    Crio,
    /// podman, buildah and skopeo.
    Podman,
    /// k3s, which configures its own containerd.
    K3s,
    /// RKE2, which configures its own containerd.
    Rke2,
    /// Talos Linux.
    Talos,
    /// Docker's engine.
    Docker,
}

impl ClientKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Containerd, Self::Crio, Self::Podman, Self::K3s, Self::Rke2, Self::Talos, Self::Docker];

    /// The name by which it is asked for.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::Crio => "crio",
            Self::Podman => "podman",
            Self::K3s => "k3s",
            Self::Rke2 => "rke2",
            Self::Talos => "talos",
            Self::Docker => "docker",
        }
    }
}

impl fmt::Display for ClientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ClientKind {
    type Err = MirrorError;

    fn from_str(text: &str) -> Result<Self, MirrorError> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| MirrorError::Client { text: text.chars().take(300).collect() })
    }
}

/// What to do on every node so that one kind of client pulls from the mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// What it is for.
    pub client: ClientKind,
    /// The files, in the order in which they are best read.
    pub files: Vec<ConfigFile>,
    /// What to do when the files are in place, in order.
    pub steps: Vec<String>,
    /// What to know: versions that differ, what this client cannot do.
    pub notes: Vec<String>,
}

/// A file of a client's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Where it goes.
    pub place: Place,
    /// Its content: ASCII text, ending with a newline.
    pub content: String,
    /// Who may read it.
    pub mode: Mode,
}

/// Where a file goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// On every node, at this absolute path. Every component is a plain name.
    Node(String),
    /// Nowhere on a node: a file of this name for the tool that configures the nodes.
    Tool(String),
}

impl Place {
    /// The path below a folder that stands for the node's root.
    #[must_use]
    pub fn relative(&self) -> &str {
        match self {
            Self::Node(path) => path.trim_start_matches('/'),
            Self::Tool(name) => name,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(path) | Self::Tool(path) => f.write_str(path),
        }
    }
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everybody.
    Public,
    /// Its owner: a login is in it.
    Secret,
}

impl Mode {
    /// The permission bits.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::Public => 0o644,
            Self::Secret => 0o600,
        }
    }
}

/// The configuration of `client` for pulling the images of `registries` from `mirror`, and images by the mirror's own name.
/// A registry that is the mirror itself is reached as it is.
#[must_use]
pub fn configuration(client: ClientKind, mirror: &Mirror, registries: &BTreeSet<RegistryHost>) -> Configuration {
    let others: Vec<&RegistryHost> = registries.iter().filter(|host| host.as_str() != mirror.authority()).collect();
    let (files, steps, notes) = match client {
        ClientKind::Containerd => containerd::files(mirror, &others),
        ClientKind::Crio => containers::crio(mirror, &others),
        ClientKind::Podman => containers::podman(mirror, &others),
        ClientKind::K3s => rancher::files(rancher::Flavour::K3S, mirror, &others),
        ClientKind::Rke2 => rancher::files(rancher::Flavour::RKE2, mirror, &others),
        ClientKind::Talos => talos::files(mirror, &others),
        ClientKind::Docker => docker::files(mirror, &others),
    };
    Configuration { client, files, steps, notes }
}

/// Files, steps and notes.
type Parts = (Vec<ConfigFile>, Vec<String>, Vec<String>);

/// A file with nothing secret in it.
fn public(path: String, content: String) -> ConfigFile {
    ConfigFile { place: Place::Node(path), content, mode: Mode::Public }
}

/// A file that has the login in it, if there is one.
fn with_login(path: String, content: String, mirror: &Mirror) -> ConfigFile {
    let mode = if mirror.login().is_some() { Mode::Secret } else { Mode::Public };
    ConfigFile { place: Place::Node(path), content, mode }
}

/// `text`, which must be printable ASCII, as a string of TOML, JSON and YAML, which write those all alike.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}
