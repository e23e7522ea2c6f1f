//! What can be typed after `sealift registry`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum RegistryVerb {
    /// Serve images to podman, containerd, skopeo and every other client of OCI registries, read-only
    Serve(Serve),
}

#[derive(Debug, ClapArgs)]
#[command(group = clap::ArgGroup::new("content").required(true))]
pub struct Serve {
    /// The site's folder
    #[arg(long, value_name = "DIR", group = "content")]
    pub site: Option<PathBuf>,
    /// Serve straight out of a bundle, without importing it
    #[arg(long, value_name = "FILE", group = "content")]
    pub bundle: Option<PathBuf>,
    /// Public key that must have signed the bundle; may be given again, then all must have
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5000")]
    pub listen: SocketAddr,
    /// Form of the log on stderr
    #[arg(long, value_name = "FORM", value_enum, default_value_t = LogForm::Text)]
    pub log: LogForm,
    /// Requests to log: all, or changes and whatever failed or broke off, or none. Faults always are
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = LogRequests::Changes)]
    pub log_requests: LogRequests,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    Text,
    Json,
}

/// Which requests are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogRequests {
    All,
    // Those that change something or try to, those that the server failed, and those that broke off.
    Changes,
    None,
}
