//! What can be typed after `sealift registry`.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{ArgGroup, Args as ClapArgs, Subcommand, ValueEnum};
use registry_lite::mirrors::{ClientKind, MirrorError};

use super::Client;

#[derive(Debug, Subcommand)]
pub enum RegistryVerb {
    /// Serve images to podman, containerd, skopeo and every other client of OCI registries
    Serve(Serve),
    /// Remove content that no name needs any more, while the site is served and pushed to
    Gc(Gc),
    /// Hash everything that a site holds, and set damaged content aside, so that a push or an import brings it again
    Fsck(Fsck),
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
    /// Check everything that the site holds now and then, at 50 MB/s: at the start, and every so many hours
    #[arg(long, value_name = "HOURS", requires = "site")]
    pub fsck_every: Option<NonZeroU32>,
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5000")]
    pub listen: SocketAddr,
    /// Form of the log on stderr
    #[arg(long, value_name = "FORM", value_enum, default_value_t = LogForm::Text)]
    pub log: LogForm,
    /// Requests to log: all, or changes and whatever failed or broke off, or none. Faults always are
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = LogRequests::Changes)]
    pub log_requests: LogRequests,
    #[command(flatten)]
    pub tls: ServeTls,
    #[command(flatten)]
    pub access: ServeAccess,
}

/// What the server speaks TLS with.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "TLS")]
pub struct ServeTls {
    /// Speak TLS with a certificate of an authority of the site's own, both made at the first start: clients trust
    /// SITE/tls/ca.crt
    #[arg(long, conflicts_with_all = ["tls_cert", "bundles"])]
    pub tls: bool,
    /// A name or address that clients know this server by; may be given again
    #[arg(long = "name", value_name = "HOST")]
    pub names: Vec<String>,
    /// Speak TLS with this certificate and the rest of its chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}

/// Who may read and write. Without logins everybody reads, and this machine alone writes.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Logins")]
pub struct ServeAccess {
    /// Ask for a login: the users of this file, as `htpasswd -B` makes it, may read
    #[arg(long, value_name = "FILE")]
    pub htpasswd: Option<PathBuf>,
    /// A user of the file who may push and delete too; may be given again
    #[arg(long = "writer", value_name = "USER", requires = "htpasswd", conflicts_with = "read_only")]
    pub writers: Vec<String>,
    /// Reading needs no login
    #[arg(long, requires = "htpasswd")]
    pub anonymous_pull: bool,
    /// Whoever reaches the server may push and delete, without a login
    #[arg(long, conflicts_with_all = ["htpasswd", "read_only", "bundles"])]
    pub anonymous_push: bool,
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

#[derive(Debug, ClapArgs)]
pub struct Gc {
    /// The site's folder
    #[arg(long, value_name = "DIR")]
    pub site: PathBuf,
    /// Only show what would go
    #[arg(long)]
    pub dry_run: bool,
    /// Keep what was pushed, mounted or asked for within this time, as `90s`, `30m`, `24h` or `7d`: its manifest may be on the
    /// way
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    pub grace: Duration,
    /// Keep manifests that have no tag, too
    #[arg(long)]
    pub keep_untagged: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Fsck {
    /// The site's folder
    #[arg(long, value_name = "DIR")]
    pub site: PathBuf,
    /// Only report; leave damaged content where it is
    #[arg(long)]
    pub dry_run: bool,
    /// Threads that read and hash; otherwise one for each core
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Read no faster than this many megabytes in a second
    #[arg(long, value_name = "MB/S")]
    pub rate: Option<NonZeroU32>,
}

/// A whole number and `s`, `m`, `h` or `d`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a whole number and s, m, h or d, as in 24h".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let number = text.strip_suffix(unit).filter(|n| n.bytes().all(|b| b.is_ascii_digit())).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, seconds) in
            [("0s", Some(0)), ("90s", Some(90)), ("30m", Some(1800)), ("24h", Some(86_400)), ("7d", Some(604_800))]
        {
            assert_eq!(duration(text).ok(), seconds.map(Duration::from_secs), "{text}");
        }
        for text in
            ["", "24", "h", "-1h", "+1h", "1.5h", "1w", "1 h", "99999999999999999999s", "18446744073709551615d", "1é"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
