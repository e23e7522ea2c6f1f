//! What can be typed after `sealift registry`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub enum RegistryVerb {
    /// Serve images to podman, containerd, skopeo and every other client of OCI registries
    Serve(Serve),
}

#[derive(Debug, ClapArgs)]
#[command(group = clap::ArgGroup::new("content").required(true))]
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
