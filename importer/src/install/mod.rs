//! Installations: a template version rendered for one team on one target, and the record of it (spec/site.md section 4).

mod dir;
mod error;
mod record;
mod secrets;

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::template::ComponentName;
use bundle_format::{Digest, ImageRef};
use registry_lite::LockedStore;

use crate::holdings::Holding;
use crate::render::{Namespace, RenderInput, render};
use crate::target::Capabilities;

pub use dir::DirTarget;
pub use error::InstallError;
pub use record::{Action, Installation, Record, Status};

/// How images are named in what is rendered. Always pinned by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageNames {
    /// `ADDRESS/HOST/REPOSITORY@DIGEST`, pulled from the site's registry by its address.
    At(String),
    /// `HOST/REPOSITORY@DIGEST`, for nodes that are configured to ask the site's registry first.
    Original,
}

/// What the site decides about an installation.
#[derive(Debug, Clone)]
pub struct InstallOptions {
    /// Team that it belongs to.
    pub namespace: Namespace,
    /// How images are named.
    pub images: ImageNames,
    /// Optional components to switch on.
    pub enabled: BTreeSet<ComponentName>,
}

/// Renders `holding` into `target`, and records it in `site`. Secrets are made once for an installation and kept.
///
/// # Errors
/// [`InstallError`]; the target's folder then holds what it held before.
pub fn install(
    site: &LockedStore,
    holding: &Holding,
    target: &DirTarget,
    options: &InstallOptions,
) -> Result<Installation, InstallError> {
    let documents = holding.read_documents(site.store())?;
    let name = holding.version.name();
    let records = record::since_done(site.dir(), &options.namespace, name)?;
    let before = records.first();
    if let Some(before) = before {
        check_same(holding, target, options, before)?;
    }
    let secrets = secrets::ensure(&holding.template, before.map(|b| &b.secrets))?;
    let images = image_names(holding, &options.images)?;
    // Every image of the template is there: that was just checked.
    let image = |image: &ImageRef| images.get(image).cloned().unwrap_or_default();
    let files = render(
        &holding.template,
        &RenderInput {
            installation: name,
            namespace: &options.namespace,
            image: &image,
            documents: &documents,
            secrets: &secrets,
            enabled: &options.enabled,
            off: &BTreeSet::new(),
            capabilities: &Capabilities::assumed(),
            pull_secret: None,
        },
    )?;
    // An interrupted run may have left files of its own beside those of the one before it.
    let ours = records.iter().flat_map(|r| r.files.iter().map(|(name, _)| name.clone())).collect();
    target.prepare(&files, &ours)?;
    let mut record = Record {
        number: before.map_or(1, |b| b.number + 1),
        action: Action::Install,
        status: Status::Begun,
        time: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        version: holding.version.version().clone(),
        revision: holding.version.revision(),
        digest: holding.version.raw().descriptor().digest,
        target: target.to_string(),
        enabled: options.enabled.iter().cloned().collect(),
        images: images.clone(),
        files: files.iter().map(|f| (f.name().to_owned(), Digest::of(f.content().as_bytes()))).collect(),
        secrets,
    };
    // The record comes first: whatever uses a secret, the secret is known, also after a kill between the two.
    record::keep(site, &options.namespace, name, &record)?;
    target.write(&files, &ours)?;
    record.status = Status::Done;
    record::keep(site, &options.namespace, name, &record)?;
    Ok(Installation { namespace: options.namespace.clone(), name: name.clone(), record })
}

/// Installing again renders the same version again; anything else is an upgrade.
fn check_same(
    holding: &Holding,
    target: &DirTarget,
    options: &InstallOptions,
    before: &Record,
) -> Result<(), InstallError> {
    let name = holding.version.name().to_string();
    if before.target != target.to_string() {
        return Err(InstallError::OtherTarget { name, target: before.target.clone() });
    }
    if before.digest != holding.version.raw().descriptor().digest {
        let (there, namespace) = (before.version.tag(before.revision), options.namespace.to_string());
        return Err(InstallError::OtherVersion { name, there, namespace });
    }
    Ok(())
}

/// The names of the template's images for pods: pinned by digest, so that neither a tag nor another registry can change what
/// runs.
fn image_names(holding: &Holding, names: &ImageNames) -> Result<BTreeMap<ImageRef, String>, InstallError> {
    let name = |image: &ImageRef, digest: Digest| match names {
        ImageNames::At(address) => format!("{address}/{}@{digest}", image.mirror_path()),
        ImageNames::Original => format!("{}/{}@{digest}", image.host(), image.repository()),
    };
    let held = holding.version.images().iter().map(|i| (i.name.clone(), name(&i.name, i.root.digest)));
    let held: BTreeMap<_, _> = held.collect();
    match holding.template.images().into_iter().find(|image| !held.contains_key(image)) {
        Some(image) => Err(InstallError::NoImage { label: holding.version.label(), image: image.clone() }),
        None => Ok(held),
    }
}
