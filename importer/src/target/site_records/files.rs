//! Records as files, `ROOT/NAMESPACE/NAME/NUMBER.json`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bundle_format::json::{self, Numbers};
use bundle_format::template::TemplateName;
use registry_lite::StoreError;
use registry_lite::store::{Readable, replace, sync_dir};
use serde::de::DeserializeOwned;

use super::super::{Place, TargetError};
use crate::record::{Installation, Record};
use crate::render::Namespace;

/// Largest record: room for several thousand objects, and for the configuration files that a site has changed.
const RECORD_BYTES: u64 = 16 << 20;

/// The folder of an installation's records.
pub(super) fn folder(root: &Path, place: &Place) -> PathBuf {
    root.join(place.namespace.as_str()).join(place.name.as_str())
}

pub(super) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number}.json"))
}

/// The numbers of the records in a folder, lowest first.
pub(super) fn numbers(folder: &Path) -> Result<Vec<u64>, TargetError> {
    let number = |name: &String| {
        let number: u64 = name.strip_suffix(".json")?.parse().ok()?;
        // `01.json` is no name of ours, and would be read twice.
        (*name == format!("{number}.json")).then_some(number)
    };
    let mut numbers: Vec<u64> = list(folder)?.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, TargetError> {
    let damaged = |why: String| TargetError::Record { name: path.display().to_string(), why };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|e| damaged(e.to_string()))?;
    file.take(RECORD_BYTES + 1).read_to_end(&mut bytes).map_err(|e| damaged(e.to_string()))?;
    json::parse(&bytes, RECORD_BYTES, Numbers::Any).map_err(|e| damaged(e.to_string()))
}

/// The records in a folder, oldest first.
pub(super) fn all(folder: &Path) -> Result<Vec<Record>, TargetError> {
    numbers(folder)?.into_iter().map(|number| read(&path(folder, number))).collect()
}

pub(super) fn keep(folder: &Path, record: &Record) -> Result<(), TargetError> {
    let bytes = serde_json::to_vec_pretty(record).map_err(StoreError::Json)?;
    let limit = usize::try_from(RECORD_BYTES).unwrap_or(usize::MAX).saturating_sub(record.room());
    if bytes.len() > limit {
        return Err(TargetError::RecordTooLarge { size: bytes.len(), limit });
    }
    fs::create_dir_all(folder).map_err(|source| StoreError::Io { what: "making", path: folder.to_owned(), source })?;
    replace(&path(folder, record.number), &bytes, Readable::ByOwner)?;
    // The folders may be new: their names must last as well, up to the site's own.
    for dir in folder.ancestors().take(5) {
        sync_dir(dir)?;
        if dir.join("site.json").exists() {
            break;
        }
    }
    Ok(())
}

pub(super) fn forget(folder: &Path, number: u64) -> Result<(), TargetError> {
    let path = path(folder, number);
    match fs::remove_file(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(TargetError::File { what: "removing", path, source }),
        Ok(()) => Ok(sync_dir(folder)?),
    }
}

/// Every installation that has records below `root`, by namespace and name.
pub(super) fn installations(root: &Path) -> Result<Vec<Installation>, TargetError> {
    let mut out = Vec::new();
    for namespace in list(root)? {
        // What no name of ours could have made is somebody else's.
        let Ok(namespace) = namespace.parse::<Namespace>() else { continue };
        for name in list(&root.join(namespace.as_str()))? {
            let Ok(name) = name.parse::<TemplateName>() else { continue };
            let place = Place { namespace: namespace.clone(), name };
            let folder = folder(root, &place);
            if let Some(number) = numbers(&folder)?.last() {
                out.push(Installation { record: read(&path(&folder, *number))?, place });
            }
        }
    }
    Ok(out)
}

/// Every folder that may hold records, whatever it is called: a collection passes over none.
pub(super) fn folders(root: &Path) -> Result<Vec<PathBuf>, TargetError> {
    let mut out = Vec::new();
    for namespace in list(root)? {
        let namespace = root.join(namespace);
        out.extend(list(&namespace)?.into_iter().map(|name| namespace.join(name)));
    }
    Ok(out)
}

/// Names in a folder, sorted; none if there is no folder.
pub(super) fn list(dir: &Path) -> Result<Vec<String>, TargetError> {
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
