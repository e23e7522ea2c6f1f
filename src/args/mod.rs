//! What can be typed.

mod backup;
#[cfg(feature = "packer")]
mod convert;
mod diff;
mod install;
mod registry;
mod status;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

pub use backup::{ExportInstallation, HelperArgs, ImportInstallation};
#[cfg(feature = "packer")]
pub use convert::{Converted, FromCompose, FromManifests, FromNamespace, FromRainbond};
pub use diff::Diff;
#[cfg(feature = "packer")]
pub use install::Change;
pub use install::{Acceptance, History, How, Install, Plan, Rollback, Status, Uninstall, Upgrade, Values, Where};
pub use registry::{Check, Fsck, Gc, LogForm, LogRequests, Mirrors, RegistryVerb, Serve, ServeAccess, ServeTls};
pub use status::{Admission, Mark, Statuses};

/// Carry applications into networks that no cable reaches.
///
/// A vendor packs a template version into one signed bundle; somebody carries it; the isolated site verifies it, imports it
/// into its own registry, and installs it.
#[derive(Debug, Parser)]
#[command(name = "sealift", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 the machine; 2 usage; 3 not trusted; 4 bad bundle; 5 bad input to pack; \
6 state of the site or output; 7 registry; 8 cluster. `sealift errors` explains every error code.";

#[derive(Debug, ClapArgs)]
pub struct Global {
    /// Print one JSON document to stdout, also for errors
    #[arg(long, global = true)]
    pub json: bool,
    /// Print no progress and no commentary
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a key pair to sign with
    Keygen(Keygen),
    /// Write and check templates
    #[command(subcommand)]
    Template(TemplateVerb),
    /// Pack a template version into a signed bundle
    #[cfg(feature = "packer")]
    Pack(Pack),
    /// Show what a bundle holds
    Inspect(Inspect),
    /// Show what changed between two bundles; exits with 0 whether or not anything did
    Diff(Diff),
    /// Prove a bundle: who signed it, and that every byte is what was signed
    Verify(Verify),
    /// Say that a template version is released, or withdrawn, in a signed file beside its bundle
    Mark(Mark),
    /// Verify a bundle and load it into a site, or into a registry
    Import(Import),
    /// Show what a site holds
    List(List),
    /// Serve a site's images, or a bundle's
    #[command(subcommand)]
    Registry(RegistryVerb),
    /// Show what installing or upgrading would change, and who wins where the site has other values
    Plan(Plan),
    /// Install a template version that a site holds
    Install(Install),
    /// Change an installation to another version, or other values; what the site customised stays
    Upgrade(Upgrade),
    /// Go back to an earlier state of an installation
    Rollback(Rollback),
    /// Show what was done to an installation
    History(History),
    /// Show how an installation is: what is ready, and what the site changed
    Status(Status),
    /// Remove an installation
    Uninstall(Uninstall),
    /// Write an installation into a file that another site can go on from: values, secrets, and data where asked
    ExportInstallation(ExportInstallation),
    /// Install what another site exported, with its values, secrets and data
    ImportInstallation(ImportInstallation),
    /// Show the whole journey in a folder, with keys and images of its own
    #[cfg(feature = "demo")]
    Demo(Demo),
    /// Explain the error codes
    Errors,
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man,
    /// Print the JSON Schema of what `--json` gives, verb by verb
    #[command(hide = true)]
    OutputSchema,
}

#[derive(Debug, ClapArgs)]
pub struct Keygen {
    /// Name of the files: NAME.pem (private) and NAME.pub
    #[arg(short, long, value_name = "NAME", default_value = "vendor")]
    pub output: PathBuf,
    /// Read the passphrase from this file; SEALIFT_PASSPHRASE in the environment will do too
    #[arg(long, value_name = "FILE", conflicts_with = "no_passphrase")]
    pub passphrase_file: Option<PathBuf>,
    /// Leave the private key unencrypted: for tests, and where something else protects it
    #[arg(long)]
    pub no_passphrase: bool,
}

#[derive(Debug, Subcommand)]
pub enum TemplateVerb {
    /// Check a template, and point at what is wrong
    Check {
        /// The template
        #[arg(default_value = "sealift.yaml")]
        template: PathBuf,
    },
    /// Show in short what a template describes
    Show {
        /// The template
        #[arg(default_value = "sealift.yaml")]
        template: PathBuf,
    },
    /// Show which images an application uses, who uses each, and whether it is carried
    #[cfg(feature = "packer")]
    FindImages {
        /// The template; charts and kustomizations beside it are rendered
        #[arg(default_value = "sealift.yaml")]
        template: PathBuf,
    },
    /// Write a template to start from
    Init {
        /// The file to write
        #[arg(default_value = "sealift.yaml")]
        template: PathBuf,
    },
    /// Make a template of a docker-compose file
    #[cfg(feature = "packer")]
    FromCompose(FromCompose),
    /// Make a template of Kubernetes objects
    #[cfg(feature = "packer")]
    FromManifests(FromManifests),
    /// Make a template of what runs in a namespace of a cluster
    #[cfg(feature = "packer")]
    FromNamespace(FromNamespace),
    /// Make a template of an application that Rainbond exported
    #[cfg(feature = "packer")]
    FromRainbond(FromRainbond),
    /// Print the JSON Schema of templates, for editors
    Schema,
}

#[cfg(feature = "packer")]
#[derive(Debug, ClapArgs)]
pub struct Pack {
    /// The template; everything that it names lies beside it
    pub template: PathBuf,
    /// The bundle to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Private key to sign with; several sign the release together
    #[arg(long = "key", value_name = "FILE", required = true)]
    pub keys: Vec<PathBuf>,
    /// Read the passphrase of the keys from this file; SEALIFT_PASSPHRASE in the environment will do too
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Where to find an image, instead of what the template says: `NAME=oci:DIR`, `NAME=oci-archive:FILE`,
    /// `NAME=docker-archive:FILE`, `NAME=docker://NAME`
    #[arg(long = "image", value_name = "NAME=SOURCE")]
    pub images: Vec<String>,
    /// Carry only this platform of multi-platform images, as `linux/amd64`; may be given again
    #[arg(long = "platform", value_name = "OS/ARCH")]
    pub platforms: Vec<String>,
    /// Pack a delta for sites that hold this bundle, or all bundles in this folder together; given again, for sites that hold
    /// this one or that. A bundle beside a base that is a delta itself is used to read it
    #[arg(long = "base", value_name = "BUNDLE|DIR", conflicts_with = "compact")]
    pub bases: Vec<PathBuf>,
    /// Pack a bundle of everything that is smaller than a full one, and whose layers the site makes again
    #[arg(long)]
    pub compact: bool,
    /// How long to look for a smaller delta or compact bundle
    #[arg(long, value_enum, default_value_t = Effort::Default)]
    pub effort: Effort,
    /// Replace the output if it exists
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub client: Client,
}

/// How long to look for a smaller bundle.
#[cfg(feature = "packer")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Effort {
    /// As fast as the medium
    Fast,
    /// Small in reasonable time
    Default,
    /// As small as can be, however long it takes
    Best,
}

/// How registries are reached.
#[derive(Debug, ClapArgs)]
pub struct Client {
    /// Reach registries over plain http
    #[arg(long)]
    pub plain_http: bool,
    /// Trust this certificate authority too (PEM); may be given again
    #[arg(long = "ca", value_name = "FILE")]
    pub ca: Vec<PathBuf>,
    /// Read logins from this file, as `podman login --authfile` writes it
    #[arg(long, value_name = "FILE")]
    pub authfile: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub struct Inspect {
    /// The bundle
    pub bundle: PathBuf,
    /// Check the signatures with this public key; may be given again
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub struct Verify {
    /// The bundle; `-` reads standard input
    pub bundle: PathBuf,
    /// Public key that must have signed; may be given again, then all must have
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    #[command(flatten)]
    pub statuses: Statuses,
}

#[derive(Debug, ClapArgs)]
pub struct Import {
    /// The bundle; `-` reads standard input. Not needed where --status brings the status of a version that the site holds
    #[arg(required_unless_present = "statuses")]
    pub bundle: Option<PathBuf>,
    /// Public key that must have signed; may be given again, then all must have
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// The site's folder; made if it does not exist
    #[arg(long, value_name = "DIR", required_unless_present = "registry")]
    pub site: Option<PathBuf>,
    /// Push to this registry instead: `https://HOST[:PORT][/PREFIX]`, or `http://…`
    #[arg(long, value_name = "URL", conflicts_with_all = ["site", "statuses"])]
    pub registry: Option<String>,
    #[command(flatten)]
    pub statuses: Statuses,
    /// Bytes of memory that making the layers of a delta or compact bundle may use: `512M`, `2G`
    #[arg(long, value_name = "BYTES", default_value = "512M", value_parser = size)]
    pub memory: u64,
    #[command(flatten)]
    pub client: Client,
}

#[derive(Debug, ClapArgs)]
pub struct List {
    /// The site's folder
    #[arg(long, value_name = "DIR")]
    pub site: PathBuf,
    /// Show only installations for which the site holds a higher version
    #[arg(long)]
    pub upgrades: bool,
}

#[cfg(feature = "demo")]
#[derive(Debug, ClapArgs)]
pub struct Demo {
    /// The folder to leave behind; must be empty or not exist
    #[arg(long, value_name = "DIR", default_value = "sealift-demo")]
    pub dir: PathBuf,
    /// What to install on: `dir`, a folder beside the others; `kube` or `kube:CONTEXT`, a cluster, in the namespace sealift-demo,
    /// which is left empty. A cluster needs kubectl and a static busybox here
    #[arg(long, value_name = "TARGET", default_value = "dir")]
    pub target: String,
    /// With a cluster: address to serve the site at, as the nodes reach this machine, HOST:PORT
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5000")]
    pub registry: String,
}

/// Bytes: a number, or one with `K`, `M` or `G` for powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(end) => text.split_at(end),
        None => (text, ""),
    };
    let unit = match unit.trim_end_matches("iB") {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return Err("it is not a number of bytes, as 536870912 or 512M".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "it is not a number of bytes, as 536870912 or 512M".to_owned())?;
    number.checked_mul(unit).ok_or_else(|| "it is too large".to_owned())
}
