//! The target that is a folder of manifests: for GitOps, and for machines without a cluster.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use registry_lite::store::sync_dir;

use super::InstallError;
use crate::render::RenderedFile;

/// A folder that manifests are rendered into.
#[derive(Debug, Clone)]
pub struct DirTarget {
    dir: PathBuf,
}

impl fmt::Display for DirTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dir:{}", self.dir.display())
    }
}

impl DirTarget {
    /// The target at `dir`, which is made when an installation is about to be written.
    ///
    /// # Errors
    /// The path cannot be made absolute.
    pub fn new(dir: &Path) -> Result<Self, InstallError> {
        // One spelling, so that the record of an installation finds its target again from any working folder.
        let dir = std::path::absolute(dir).map_err(|source| InstallError::Target {
            what: "finding",
            path: dir.to_owned(),
            source,
        })?;
        Ok(Self { dir })
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Refuses files in the way that `ours`, what this installation wrote before, does not list; then makes the folder.
    pub(super) fn prepare(&self, files: &[RenderedFile], ours: &BTreeSet<String>) -> Result<(), InstallError> {
        for file in files.iter().filter(|f| !ours.contains(f.name())) {
            let path = self.dir.join(file.name());
            if fs::symlink_metadata(&path).is_ok() {
                return Err(InstallError::Foreign { path });
            }
        }
        fs::create_dir_all(&self.dir).map_err(|source| InstallError::Target {
            what: "making",
            path: self.dir.clone(),
            source,
        })
    }

    /// Writes all files beside their places, and only then moves them there; removes what the installation wrote before and
    /// has no more.
    pub(super) fn write(&self, files: &[RenderedFile], ours: &BTreeSet<String>) -> Result<(), InstallError> {
        let io = |what, path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| InstallError::Target { what, path, source }
        };
        // Hidden, and no .yaml: `kubectl apply -f` passes it by if a kill leaves it behind; the next run sweeps it.
        let staging = self.dir.join(".sealift-staging");
        if staging.exists() {
            fs::remove_dir_all(&staging).map_err(io("sweeping", &staging))?;
        }
        fs::create_dir(&staging).map_err(io("making", &staging))?;
        let staged = files.iter().try_for_each(|file| {
            let path = staging.join(file.name());
            let mut out = fs::File::create_new(&path).map_err(io("writing", &path))?;
            // Secrets are for whoever installs, not for whoever can list the folder.
            let mode = if file.name().contains("-secret-") { 0o600 } else { 0o644 };
            out.set_permissions(fs::Permissions::from_mode(mode)).map_err(io("writing", &path))?;
            out.write_all(file.content().as_bytes()).and_then(|()| out.sync_all()).map_err(io("writing", &path))
        });
        if let Err(e) = staged {
            // What made us give up is the error to tell, not this.
            let _ = fs::remove_dir_all(&staging);
            return Err(e);
        }
        for file in files {
            let (from, to) = (staging.join(file.name()), self.dir.join(file.name()));
            fs::rename(&from, &to).map_err(io("naming", &to))?;
        }
        let now: BTreeSet<&str> = files.iter().map(RenderedFile::name).collect();
        for name in ours.iter().filter(|name| !now.contains(name.as_str())) {
            let path = self.dir.join(name);
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(io("removing", &path)(e)),
                _ => {}
            }
        }
        fs::remove_dir(&staging).map_err(io("removing", &staging))?;
        Ok(sync_dir(&self.dir)?)
    }
}
