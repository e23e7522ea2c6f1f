//! From what was typed to a site, a target and an engine.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bundle_format::Code;
use bundle_format::template::ComponentName;
use importer::engine::{Engine, Forward, ImageNames, Settings, Version};
use importer::plan::{Accept, Overlay, Values, ValuesInput};
use importer::render::Namespace;
use importer::target::{Place, Records, Target, Watch, check_target, installations, open};
use registry_lite::Store;

use crate::args::{self, Acceptance, How, Where};
use crate::failure::Failure;

/// An installation's place, opened.
pub struct Opened {
    pub store: Store,
    pub place: Place,
    pub target: Box<dyn Target>,
    pub records: Box<dyn Records>,
}

/// `NAME` or `NAME:VERSION`, where both of a version and of `--to` would be one too many.
///
/// # Errors
/// Two different versions.
pub fn name_and_version<'a>(name: &'a str, to: Option<&'a str>) -> Result<(&'a str, Option<&'a str>), Failure> {
    match (name.split_once(':'), to) {
        (Some((_, version)), Some(to)) if version != to => {
            let message = format!("{name} names the version {version}, and --to names {to}");
            Err(Failure::new(Code::Usage, message).hint("say one of them"))
        }
        (Some((name, version)), _) => Ok((name, Some(version))),
        (None, to) => Ok((name, to)),
    }
}

/// Opens the site and the target of the installation called `name`.
pub fn opened(name: &str, at: &Where, adopt: bool) -> Result<Opened, Failure> {
    let usage = |what: &str, e: &dyn std::fmt::Display| Failure::new(Code::Usage, format_args!("{what}: {e}"));
    let namespace: Namespace = at.namespace.parse().map_err(|e| usage("--namespace", &e))?;
    if let Some((name, version)) = name.split_once(':') {
        let message = format!("{name}:{version}: an installation has a name alone");
        return Err(Failure::new(Code::Usage, message).hint(format!(
            "say {name}; which version is there is what its records say, and `rollback RECORD` names one of them"
        )));
    }
    let name = name.parse().map_err(|e| usage("the name", &e))?;
    let place = Place { namespace, name };
    at.target.as_deref().map_or(Ok(()), check_target)?;
    let store = Store::open(&at.site)?;
    let target = match &at.target {
        Some(target) => target.clone(),
        None => target_of(&at.site, &place)?,
    };
    let (target, records) = open(&target, &store, &place, adopt)?;
    Ok(Opened { store, place, target, records })
}

/// The one target that the site knows the installation on.
fn target_of(site: &Path, place: &Place) -> Result<String, Failure> {
    let mut targets: Vec<String> =
        installations(site)?.into_iter().filter(|i| i.place == *place).map(|i| i.record.target).collect();
    targets.sort();
    targets.dedup();
    match targets.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            let message = format!("the site knows no installation of {} in {}", place.name, place.namespace);
            Err(Failure::new(Code::NotInstalled, message).hint(
                "say where it is, or is to be installed, with --target: `kube` is the cluster of the kubeconfig, `dir:PATH` a folder",
            ))
        }
        several => {
            let message = format!("{} is installed in {} on {}", place.name, place.namespace, several.join(" and on "));
            Err(Failure::new(Code::Ambiguous, message).hint("say which with --target"))
        }
    }
}

impl Opened {
    /// What acts on the installation.
    pub fn engine<'a>(&'a mut self, settings: Settings, watch: &'a dyn Watch) -> Engine<'a> {
        Engine {
            store: &self.store,
            records: &*self.records,
            target: &mut *self.target,
            watch,
            place: self.place.clone(),
            settings,
        }
    }
}

/// What every action needs to know.
pub fn settings(how: &How, atomic: bool) -> Result<Settings, Failure> {
    let images = match (how.original_names, &how.registry) {
        (true, _) => Some(ImageNames::Original),
        (false, Some(address)) => Some(ImageNames::At(registry_address(address)?)),
        (false, None) => None,
    };
    let pull_login = match &how.registry_login {
        Some(file) => Some(login(file, how.registry.as_deref().unwrap_or("127.0.0.1:5000"))?),
        None => None,
    };
    Ok(Settings {
        images,
        pull_secret: how.pull_secret.clone(),
        pull_login,
        patience: how.timeout,
        atomic,
        keep: usize::from(how.keep),
        by: who(),
    })
}

/// The login for the registry at `address` in a file of logins, alone: others are nobody's business on the cluster.
fn login(file: &Path, address: &str) -> Result<String, Failure> {
    let text = fs::read(file).map_err(|e| Failure::new(Code::Io, format_args!("{}: {e}", file.display())))?;
    let all: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|e| Failure::new(Code::Usage, format_args!("{} is no file of logins: {e}", file.display())))?;
    let host = address.split('/').next().unwrap_or(address);
    let there = all.get("auths").and_then(|auths| auths.get(host)).filter(|auth| auth.get("auth").is_some());
    let Some(auth) = there else {
        let message = format!("{} has no login for {host}", file.display());
        return Err(
            Failure::new(Code::NotFound, message).hint(format!("podman login --authfile {} {host}", file.display()))
        );
    };
    Ok(serde_json::json!({"auths": {host: auth}}).to_string())
}

/// Settings for what neither names images nor waits for them.
pub fn plain(patience: Duration) -> Settings {
    Settings { images: None, pull_secret: None, pull_login: None, patience, atomic: false, keep: 1, by: who() }
}

/// `USER@HOST`, as far as this process knows them.
fn who() -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let user = variable("SUDO_USER").or_else(|| variable("USER")).or_else(|| variable("LOGNAME"));
    let user = user.unwrap_or_else(|| format!("uid{}", rustix::process::getuid().as_raw()));
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{user}@{host}")
}

/// What the site decides about `version`.
///
/// `in_force` is what the site decided before.
pub fn forward(
    version: &Version,
    in_force: &Overlay,
    given: &args::Values,
    accepted: &Acceptance,
) -> Result<Forward, Failure> {
    let mut values = Values::default();
    let none = |_: &str| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    for path in &given.values {
        let text = fs::read(path).map_err(|e| Failure::new(Code::Io, format_args!("{}: {e}", path.display())))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let beside = |name: &str| fs::read(folder.join(name));
        let read =
            Values::parse(&text, &input(version, in_force, &beside)).map_err(|e| Failure::about(path.display(), &e))?;
        values.overlay = values.overlay.under(read.overlay);
        values.enabled.extend(read.enabled);
    }
    for text in &given.set {
        let read = Values::parse_set(text, &input(version, in_force, &none))
            .map_err(|e| Failure::about(format_args!("--set {text}"), &e))?;
        values.overlay = values.overlay.under(read.overlay);
        values.enabled.extend(read.enabled);
    }
    for text in &given.unset {
        let read = Values::parse_unset(text, &input(version, in_force, &none))
            .map_err(|e| Failure::about(format_args!("--unset {text}"), &e))?;
        values.overlay = values.overlay.under(read.overlay);
    }
    let Values { overlay, enabled: mut switched } = values;
    for (names, on) in [(&given.with, true), (&given.without, false)] {
        for name in names {
            let module = component(name, if on { "--with" } else { "--without" })?;
            if !on && given.with.contains(name) {
                let message = format!("{name} is to be switched on by --with, and off by --without");
                return Err(Failure::new(Code::Usage, message).hint("say one of them"));
            }
            switched.insert(module, on);
        }
    }
    let usage = |flag: &str, e: &dyn std::fmt::Display| Failure::new(Code::Usage, format_args!("{flag}: {e}"));
    let paths = accepted.accept.iter().map(|path| path.parse().map_err(|e| usage("--accept", &e)));
    let classes = accepted.accept_all.iter().map(|class| class.parse().map_err(|e| usage("--accept-all", &e)));
    let accept = Accept { paths: paths.collect::<Result<_, _>>()?, classes: classes.collect::<Result<_, _>>()? };
    let only = accepted.only.iter().map(|name| component(name, "--only")).collect::<Result<_, _>>()?;
    Ok(Forward { values: overlay, switched, accept, only, prune: accepted.prune, ..Forward::default() })
}

fn input<'a>(
    version: &'a Version,
    overlay: &'a Overlay,
    read: &'a dyn Fn(&str) -> std::io::Result<Vec<u8>>,
) -> ValuesInput<'a> {
    ValuesInput { template: &version.template, documents: &version.documents, overlay, read }
}

fn component(name: &str, flag: &str) -> Result<ComponentName, Failure> {
    name.parse().map_err(|e| Failure::new(Code::Usage, format_args!("{flag} {name}: {e}")))
}

/// `HOST[:PORT][/PREFIX]`, as it stands in front of an image's name.
fn registry_address(text: &str) -> Result<String, Failure> {
    let address = text.trim_end_matches('/');
    let image = format!("{address}/x/y:z").parse::<bundle_format::ImageRef>();
    match image {
        // A first part that is no host would be taken for a repository of Docker Hub.
        Ok(image) if address.split('/').next() == Some(image.host()) => Ok(address.to_owned()),
        _ => Err(Failure::new(Code::Usage, format_args!("--registry {text}: it is not HOST[:PORT][/PREFIX]"))
            .hint("a host without a dot needs a port, as in `registry:5000`")),
    }
}
