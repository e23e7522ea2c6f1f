//! What can be typed after `sealift registry`.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub enum RegistryVerb {
    /// Serve images to podman, containerd, skopeo and every other client of OCI registries
    Serve(Serve),
    /// Remove content that no name needs any more, while the site is served and pushed to
    Gc(Gc),
    /// Hash everything that a site holds, and set damaged content aside, so that a push or an import brings it again
    Fsck(Fsck),
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
    /// Check everything that the site holds now and then, at 50 MB/s: at the start, and every so many hours
    #[arg(long, value_name = "HOURS", requires = "site")]
    pub fsck_every: Option<NonZeroU32>,
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5000")]
    pub listen: SocketAddr,
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
        for text in ["", "24", "h", "-1h", "+1h", "1.5h", "1w", "1 h", "99999999999999999999s", "18446744073709551615d", "1é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
