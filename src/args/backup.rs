//! What can be said of moving an installation.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::install::{How, Values, Where, time};

#[derive(Debug, ClapArgs)]
pub struct ExportInstallation {
    /// The installation
    pub name: String,
    #[command(flatten)]
    pub place: Where,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Private key of this site to sign with, as `sealift keygen` makes it
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Read the passphrase of the key from this file; SEALIFT_PASSPHRASE in the environment will do too
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Who can read secrets and data: `age1…`, as `age-keygen` prints it; may be given again
    #[arg(long, value_name = "RECIPIENT", required = true)]
    pub encrypt_to: Vec<String>,
    /// Carry what the claims hold too. Who uses them, and what depends on those, is stopped meanwhile
    #[arg(long, requires = "helper_image")]
    pub data: bool,
    #[command(flatten)]
    pub helper: HelperArgs,
    /// How long to wait for something to stop or start, as `90s` or `10m`
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    pub timeout: Duration,
}

#[derive(Debug, ClapArgs)]
pub struct ImportInstallation {
    /// The file that `sealift export-installation` wrote
    pub file: PathBuf,
    #[command(flatten)]
    pub place: Where,
    /// Public key of the site that exported it; may be given again, then all must have signed
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// File of private keys that open secrets and data, as `age-keygen -o` writes it
    #[arg(long, value_name = "FILE")]
    pub identity: PathBuf,
    /// Leave the data in the file: the installation begins with empty claims
    #[arg(long)]
    pub no_data: bool,
    #[command(flatten)]
    pub helper: HelperArgs,
    #[command(flatten)]
    pub values: Values,
    /// Remove again what was made, but for claims and secrets, if the installation fails
    #[arg(long)]
    pub atomic: bool,
    #[command(flatten)]
    pub how: How,
}

/// The pod that reads and fills claims.
#[derive(Debug, ClapArgs)]
pub struct HelperArgs {
    /// Image, as the cluster's nodes pull it, of the pod that reads or fills claims: any that has sh, head, sleep and tar, as
    /// busybox has
    #[arg(long, value_name = "IMAGE")]
    pub helper_image: Option<String>,
    /// Secret in the namespace that holds the login for that image's registry
    #[arg(long, value_name = "SECRET")]
    pub helper_pull_secret: Option<String>,
}
