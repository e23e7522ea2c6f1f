//! What can be said of installations.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args as ClapArgs};

use super::Admission;

/// Where an installation is.
#[derive(Debug, ClapArgs)]
pub struct Where {
    /// The site's folder
    #[arg(long, value_name = "DIR")]
    pub site: PathBuf,
    /// Namespace of the installation: the team that it belongs to
    #[arg(short, long, value_name = "NS")]
    pub namespace: String,
    /// What it runs on: `kube` or `kube:CONTEXT`, a cluster; `dir:PATH`, a folder of manifests. What the site knows of the
    /// installation unless given
    #[arg(long, value_name = "TARGET")]
    pub target: Option<String>,
}

/// How an action is done.
#[derive(Debug, ClapArgs)]
pub struct How {
    /// Address of the site's registry as the cluster's nodes reach it, `HOST[:PORT][/PREFIX]`; 127.0.0.1:5000, or what the last
    /// action used
    #[arg(long, value_name = "ADDR", conflicts_with = "original_names")]
    pub registry: Option<String>,
    /// Keep the images' original names, for nodes that are configured to ask the site's registry first
    #[arg(long)]
    pub original_names: bool,
    /// Secret in the namespace that holds the login for the registry (kubernetes.io/dockerconfigjson)
    #[arg(long, value_name = "SECRET", conflicts_with = "registry_login")]
    pub pull_secret: Option<String>,
    /// Make such a Secret from this file of logins, as `podman login --authfile` writes it
    #[arg(long, value_name = "FILE", conflicts_with = "original_names")]
    pub registry_login: Option<PathBuf>,
    /// How long to wait for something to become ready, as `90s` or `10m`
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    pub timeout: Duration,
    /// Keep this many records of what ended well; what only older ones need may be collected
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub keep: u16,
    /// Take over objects, or files, of the same name that are not of this installation
    #[arg(long)]
    pub adopt: bool,
    /// Show the plan, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What the site decides.
#[derive(Debug, Default, ClapArgs)]
pub struct Values {
    /// File of the site's values; later files go over earlier ones
    #[arg(long, value_name = "FILE")]
    pub values: Vec<PathBuf>,
    /// One value, as `web.env.LOG_LEVEL=debug` or `web.replicas=3`; may be given again
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Have none of what this attribute says, whoever said it, as `web.env.LOG_LEVEL`; may be given again
    #[arg(long, value_name = "PATH")]
    pub unset: Vec<String>,
    /// Switch on an optional component; may be given again
    #[arg(long = "with", value_name = "COMPONENT", action = ArgAction::Append)]
    pub with: Vec<String>,
    /// Switch off an optional component: it is scaled to nothing, and keeps its data; may be given again
    #[arg(long = "without", value_name = "COMPONENT", action = ArgAction::Append)]
    pub without: Vec<String>,
}

/// What is accepted of a new version.
#[derive(Debug, Default, ClapArgs)]
pub struct Acceptance {
    /// Take the vendor's new value of this attribute, as `web.env.LOG_LEVEL`, instead of the one in force; may be given again
    #[arg(long, value_name = "PATH")]
    pub accept: Vec<String>,
    /// Take all new values of a class: env, connection, config, groups or all; may be given again
    #[arg(long, value_name = "CLASS")]
    pub accept_all: Vec<String>,
    /// Change only these components, separated by commas
    #[arg(long, value_name = "COMPONENT", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Remove components and objects that the version no longer has. Claims stay
    #[arg(long)]
    pub prune: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Install {
    /// The template: NAME, or NAME:VERSION where the site holds several
    pub name: String,
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub admission: Admission,
    #[command(flatten)]
    pub values: Values,
    /// Remove again what was made if the installation fails
    #[arg(long)]
    pub atomic: bool,
    #[command(flatten)]
    pub how: How,
}

/// What an installation is changed to.
#[derive(Debug, ClapArgs)]
pub struct Change {
    /// Version to change to; the highest that the site holds unless given
    #[arg(long, value_name = "VERSION")]
    pub to: Option<String>,
    #[command(flatten)]
    pub place: Where,
    #[command(flatten)]
    pub admission: Admission,
    #[command(flatten)]
    pub values: Values,
    #[command(flatten)]
    pub acceptance: Acceptance,
}

#[derive(Debug, ClapArgs)]
pub struct Upgrade {
    /// The installation
    pub name: String,
    #[command(flatten)]
    pub change: Change,
    /// Go back to what held before if the upgrade fails
    #[arg(long)]
    pub atomic: bool,
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, ClapArgs)]
pub struct Plan {
    /// The installation, or the template to install
    pub name: String,
    #[command(flatten)]
    pub change: Change,
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, ClapArgs)]
pub struct Rollback {
    /// The installation
    pub name: String,
    /// Record to go back to, as `history` shows it; the state before the last action unless given
    pub record: Option<u64>,
    #[command(flatten)]
    pub place: Where,
    /// Everything as it was: what the site changed since goes, and components that came later are removed. Claims stay
    #[arg(long)]
    pub exact: bool,
    #[command(flatten)]
    pub how: How,
}

#[derive(Debug, ClapArgs)]
pub struct History {
    /// The installation
    pub name: String,
    #[command(flatten)]
    pub place: Where,
}

#[derive(Debug, ClapArgs)]
pub struct Status {
    /// The installation
    pub name: String,
    #[command(flatten)]
    pub place: Where,
}

#[derive(Debug, ClapArgs)]
pub struct Uninstall {
    /// The installation
    pub name: String,
    #[command(flatten)]
    pub place: Where,
    /// Keep claims and secrets, so that installing again finds its data
    #[arg(long)]
    pub keep_data: bool,
    /// Show what would be removed, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How long to wait for objects to go, as `90s` or `10m`
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    pub timeout: Duration,
}

/// A length of time: a number and `s`, `m` or `h`.
pub fn time(text: &str) -> Result<Duration, String> {
    let rule = || "it is not a length of time, as 90s, 10m or 1h".to_owned();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(rule()),
    };
    let number: u64 = number.parse().map_err(|_| rule())?;
    number
        .checked_mul(unit)
        .filter(|s| *s <= 7 * 24 * 3600)
        .map(Duration::from_secs)
        .ok_or_else(|| "at most 168h".to_owned())
}
