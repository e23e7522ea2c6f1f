//! Writing a folder of manifests: everything beside its place first.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use registry_lite::store::sync_dir;

use super::super::{ObjectId, TargetError};
use super::{DirTarget, files};
use crate::render::RenderedFile;

/// Hidden, and no .yaml: `kubectl apply -f` passes it by if a kill leaves it behind; the next run sweeps it.
const STAGING: &str = ".sealift-staging";

/// Writes what is staged beside the places of the files, and only then moves it there; then removes what an earlier file says
/// of objects that are removed, or are in another file now.
pub(super) fn write(target: &DirTarget) -> Result<(), TargetError> {
    let dir = &target.dir;
    fs::create_dir_all(dir).map_err(io("making", dir))?;
    let (stale, rest) = stale(target)?;
    let staging = dir.join(STAGING);
    if fs::symlink_metadata(&staging).is_ok() {
        fs::remove_dir_all(&staging).map_err(io("sweeping", &staging))?;
    }
    fs::create_dir(&staging).map_err(io("making", &staging))?;
    let files: Vec<&RenderedFile> = target.staged.values().chain(&rest).collect();
    if let Err(e) = files.iter().try_for_each(|file| stage(&staging, file)) {
        // What made us give up is the error to tell, not this.
        let _ = fs::remove_dir_all(&staging);
        return Err(e);
    }
    for file in files {
        let (from, to) = (staging.join(file.name()), dir.join(file.name()));
        fs::rename(&from, &to).map_err(io("naming", &to))?;
    }
    for name in stale {
        let path = dir.join(name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(io("removing", &path)(e)),
            _ => {}
        }
    }
    fs::remove_dir(&staging).map_err(io("removing", &staging))?;
    Ok(sync_dir(dir)?)
}

/// Of the files that the installation wrote before and does not write now: the names of those of which nothing is left, and
/// those of which something is, as they become.
fn stale(target: &DirTarget) -> Result<(Vec<String>, Vec<RenderedFile>), TargetError> {
    let now: BTreeSet<ObjectId> =
        target.staged.values().flat_map(RenderedFile::objects).filter_map(ObjectId::of).collect();
    let goes = |id: &ObjectId| now.contains(id) || target.removed.contains(id);
    let (mut stale, mut rest) = (Vec::new(), Vec::new());
    for name in target.ours.iter().filter(|name| !target.staged.contains_key(*name)) {
        let path = target.dir.join(name);
        if fs::symlink_metadata(&path).is_err() {
            continue;
        }
        let mut objects = files::read(&path)?;
        let before = objects.len();
        objects.retain(|object| !ObjectId::of(object).is_some_and(|id| goes(&id)));
        if objects.is_empty() {
            stale.push(name.clone());
        } else if objects.len() < before {
            let damaged = |e: crate::render::RenderError| TargetError::Manifest { path, why: e.to_string() };
            rest.push(RenderedFile::new(name.clone(), objects).map_err(damaged)?);
        }
    }
    Ok((stale, rest))
}

fn stage(staging: &Path, file: &RenderedFile) -> Result<(), TargetError> {
    let path = staging.join(file.name());
    let mut out = fs::File::create_new(&path).map_err(io("writing", &path))?;
    // Secrets are for whoever installs, not for whoever can list the folder.
    let secret = file.objects().iter().any(|object| object.get("kind").is_some_and(|kind| kind == "Secret"));
    let mode = if secret { 0o600 } else { 0o644 };
    out.set_permissions(fs::Permissions::from_mode(mode)).map_err(io("writing", &path))?;
    out.write_all(file.content().as_bytes()).and_then(|()| out.sync_all()).map_err(io("writing", &path))
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TargetError + use<> {
    let path = path.to_owned();
    move |source| TargetError::File { what, path, source }
}
