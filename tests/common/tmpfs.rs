//! Small and read-only disks.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::output;

/// A tmpfs, unmounted when the value goes. Declare it after the folder that it is mounted in.
pub struct Tmpfs {
    dir: PathBuf,
}

impl Tmpfs {
    /// Mounts one of `size` (as `mount` writes it: `512k`) on the new folder `dir`. Only root can; for others a named skip.
    pub fn mount(dir: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(dir).unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(dir);
        match command.output() {
            Ok(out) if out.status.success() => Some(Self { dir: dir.to_owned() }),
            _ => {
                eprintln!("SKIPPED: a tmpfs cannot be mounted here: that needs root");
                None
            }
        }
    }

    /// Mounts it again with other options: `size=64m`, `ro`.
    pub fn remount(&self, options: &str) {
        output(Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.dir));
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.dir).output();
    }
}
