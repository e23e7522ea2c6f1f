//! What can be typed after `sealift registry`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{ArgGroup, Args as ClapArgs, Subcommand};
use registry_lite::mirrors::{ClientKind, MirrorError};

use super::Client;

#[derive(Debug, Subcommand)]
pub enum RegistryVerb {
    /// Serve images to podman, containerd, skopeo and every other client of OCI registries
    Serve(Serve),
    /// Write the files that make containerd, podman, k3s and others pull original names from a registry of the site
    Mirrors(Mirrors),
    /// Ask a registry what each kind of client will ask it, and say what is wrong with the answers
    Check(Check),
}

#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new("content").required(true))]
pub struct Serve {
    /// The site's folder; made if it does not exist. Clients may push to it
    #[arg(long, value_name = "DIR", group = "content")]
    pub site: Option<PathBuf>,
    /// Serve straight out of a bundle, without importing it; may be given again
    #[arg(long = "bundle", value_name = "FILE", group = "content")]
    pub bundles: Vec<PathBuf>,
    /// Take no pushes
    #[arg(long, conflicts_with = "bundles")]
    pub read_only: bool,
    /// Public key that must have signed each bundle; may be given again, then all must have
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5000")]
    pub listen: SocketAddr,
}

#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new("registries").required(true).multiple(true))]
pub struct Mirrors {
    /// What pulls
    #[arg(long = "for", value_name = "CLIENT", value_parser = client_kind())]
    pub client: ClientKind,
    /// The registry that clients are to pull from, as the nodes reach it: `http://HOST:PORT` or `https://HOST[:PORT]`
    #[arg(long, value_name = "URL")]
    pub mirror: String,
    /// For the registries that this site's images come from
    #[arg(long, value_name = "DIR", group = "registries", conflicts_with = "bundle")]
    pub site: Option<PathBuf>,
    /// For the registries that this bundle's images come from
    #[arg(long, value_name = "FILE", group = "registries")]
    pub bundle: Option<PathBuf>,
    /// Public key that must have signed the bundle; may be given again, then all must have
    #[arg(long = "key", value_name = "FILE", requires = "bundle")]
    pub keys: Vec<PathBuf>,
    /// For this registry, as image names have it: `quay.io`, `localhost:5000`; may be given again
    #[arg(long = "host", value_name = "HOST", group = "registries")]
    pub hosts: Vec<String>,
    /// The certificate authority that the mirror's certificate is of (PEM) [default: SITE/tls/ca.crt, where it exists]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The user that may pull
    #[arg(long, value_name = "NAME", requires = "password_file")]
    pub user: Option<String>,
    /// Read the user's password from this file
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,
    /// Write the files below this folder, which stands for a node's `/`; without it they are printed
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Replace files that are there with other content
    #[arg(long, requires = "output")]
    pub force: bool,
}

#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new("images").required(true).multiple(true))]
#[command(override_usage = "sealift registry check [OPTIONS] <URL> <IMAGE...|--site <DIR>|--bundle <FILE>>")]
pub struct Check {
    /// The registry: `http://HOST[:PORT]` or `https://HOST[:PORT]`
    pub url: String,
    /// Images to ask for, by their original names
    #[arg(value_name = "IMAGE", group = "images")]
    pub names: Vec<String>,
    /// Ask for all images of this site
    #[arg(long, value_name = "DIR", group = "images", conflicts_with = "bundle")]
    pub site: Option<PathBuf>,
    /// Ask for all images of this bundle
    #[arg(long, value_name = "FILE", group = "images")]
    pub bundle: Option<PathBuf>,
    /// Public key that must have signed the bundle; may be given again, then all must have
    #[arg(long = "key", value_name = "FILE", requires = "bundle")]
    pub keys: Vec<PathBuf>,
    /// Ask as this client does; may be given again [default: as all of them]
    #[arg(long = "for", value_name = "CLIENT", value_parser = client_kind())]
    pub clients: Vec<ClientKind>,
    /// Read and hash every layer of one platform, not only a part of the first
    #[arg(long)]
    pub full: bool,
    #[command(flatten)]
    pub client: Client,
}

fn client_kind() -> impl clap::builder::TypedValueParser<Value = ClientKind> {
    PossibleValuesParser::new(ClientKind::ALL.map(ClientKind::name))
        .try_map(|name| name.parse::<ClientKind>().map_err(|e: MirrorError| e.to_string()))
}
