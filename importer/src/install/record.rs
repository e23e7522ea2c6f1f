//! Records of installations: what was done, kept beside the content (spec/site.md section 4).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bundle_format::json::{self, Numbers};
use bundle_format::template::{ComponentName, TemplateName, TemplateVersion};
use bundle_format::{Digest, ImageRef};
use registry_lite::store::{Readable, replace};
use registry_lite::{LockedStore, StoreError};
use serde::{Deserialize, Serialize};

use super::InstallError;
use crate::render::{Namespace, SecretValues};

/// Largest record: room for several thousand files.
const RECORD_BYTES: u64 = 4 << 20;

/// One install, as it is kept in `installations/NAMESPACE/NAME/NUMBER.json`, readable by the owner only: it holds the
/// generated secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Counts the installation's records, from 1.
    pub number: u64,
    /// What was done.
    pub action: Action,
    /// How far it came.
    pub status: Status,
    /// When it began: RFC 3339, UTC, by the site's clock.
    pub time: String,
    /// Version of the template.
    pub version: TemplateVersion,
    /// Revision of the version.
    pub revision: u32,
    /// Digest of the version index.
    pub digest: Digest,
    /// What it was installed on.
    pub target: String,
    /// Optional components that were switched on.
    pub enabled: Vec<ComponentName>,
    /// Images, as they were rendered.
    pub images: BTreeMap<ImageRef, String>,
    /// Files that were written, in order, with their digests.
    pub files: Vec<(String, Digest)>,
    /// Values of the generated secrets.
    pub secrets: SecretValues,
}

/// What a record is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The template version was installed, or rendered again.
    Install,
}

/// How far an action came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It began. If this is what a record says later, it was interrupted.
    Begun,
    /// It ended well.
    Done,
}

/// An installation and its last record.
#[derive(Debug, Clone)]
pub struct Installation {
    /// Team that it belongs to.
    pub namespace: Namespace,
    /// Its name.
    pub name: TemplateName,
    /// Its last record.
    pub record: Record,
}

fn folder(site: &Path, namespace: &Namespace, name: &TemplateName) -> PathBuf {
    site.join("installations").join(namespace.as_str()).join(name.as_str())
}

/// The records of an installation, newest first, back to the last one that ended well: what may have left files.
pub(super) fn since_done(site: &Path, namespace: &Namespace, name: &TemplateName) -> Result<Vec<Record>, InstallError> {
    let dir = folder(site, namespace, name);
    let names = list(&dir)?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|n| n.strip_suffix(".json")?.parse().ok()).collect();
    numbers.sort_unstable();
    let mut out = Vec::new();
    for number in numbers.into_iter().rev() {
        let record = read(&dir.join(format!("{number}.json")))?;
        let done = record.status == Status::Done;
        out.push(record);
        if done {
            break;
        }
    }
    Ok(out)
}

fn read(path: &Path) -> Result<Record, InstallError> {
    let damaged = |why: String| InstallError::Record { path: path.to_owned(), why };
    let bytes = fs::read(path).map_err(|e| damaged(e.to_string()))?;
    json::parse(&bytes, RECORD_BYTES, Numbers::Safe).map_err(|e| damaged(e.to_string()))
}

/// Writes a record, or the same record with another status.
pub(super) fn keep(
    site: &LockedStore,
    namespace: &Namespace,
    name: &TemplateName,
    record: &Record,
) -> Result<(), InstallError> {
    let dir = folder(site.dir(), namespace, name);
    fs::create_dir_all(&dir).map_err(|source| StoreError::Io { what: "making", path: dir.clone(), source })?;
    let bytes = serde_json::to_vec_pretty(record).map_err(StoreError::Json)?;
    replace(&dir.join(format!("{}.json", record.number)), &bytes, Readable::ByOwner)?;
    // The folders may be new: their names must last as well.
    for dir in dir.ancestors().take(3) {
        registry_lite::store::sync_dir(dir)?;
    }
    Ok(())
}

/// Names in a folder, sorted; none if there is no folder.
fn list(dir: &Path) -> Result<Vec<String>, InstallError> {
    let io = |source| StoreError::Io { what: "listing", path: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(Vec::new()),
        other => other.map_err(io)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(io)?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}
