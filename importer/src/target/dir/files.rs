//! Reading a folder of manifests.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use bundle_format::limits::TEMPLATE_BYTES;
use bundle_format::template::Manifest;
use serde_json::Value;

use super::super::TargetError;

/// Most files that a folder of manifests may have.
const FILES: usize = 100_000;

/// The files that kubectl would take, sorted by name; none if there is no folder.
pub(super) fn names(dir: &Path) -> Result<Vec<String>, TargetError> {
    let io = |source| TargetError::File { what: "listing", path: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(io)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let Ok(name) = entry.map_err(io)?.file_name().into_string() else { continue };
        let is_manifest = [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end)) && !name.starts_with('.');
        if is_manifest {
            names.push(name);
        }
        if names.len() > FILES {
            return Err(TargetError::Manifest { path: dir.to_owned(), why: format!("it has more than {FILES} files") });
        }
    }
    names.sort();
    Ok(names)
}

/// The objects of a file.
pub(super) fn read(path: &Path) -> Result<Vec<Value>, TargetError> {
    let io = |source| TargetError::File { what: "reading", path: path.to_owned(), source };
    let damaged = |why: String| TargetError::Manifest { path: path.to_owned(), why };
    // A pipe would be waited for.
    if !fs::metadata(path).map_err(io)?.is_file() {
        return Err(damaged("it is no file".to_owned()));
    }
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(TEMPLATE_BYTES + 1).read_to_end(&mut bytes)).map_err(io)?;
    Ok(Manifest::parse(&bytes).map_err(|e| damaged(e.to_string()))?.into_objects())
}
