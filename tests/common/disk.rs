//! A disk that can lose its power: a file system in a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::output;

/// Tells a file system to stop as it is: what it has not written by now, it never writes. The number is `FS_IOC_SHUTDOWN`, which
/// ext4 and xfs share; 2 means without writing the journal first.
const CUT: &str = "import fcntl, os, struct, sys\n\
                   fd = os.open(sys.argv[1], os.O_RDONLY)\n\
                   fcntl.ioctl(fd, 0x8004587d, struct.pack('I', 2))\n";

/// Unmounted when the value goes.
pub struct Disk {
    image: PathBuf,
    dir: PathBuf,
    mounted: bool,
}

impl Disk {
    /// Makes a file system of `kind` in the file `image`, and mounts it on the new folder `dir`. Where that cannot be done, or
    /// its power cannot be cut, a named skip.
    pub fn make(kind: &str, image: &Path, dir: &Path) -> Option<Self> {
        let skip = |why: &str| {
            eprintln!("SKIPPED on {kind}: {why}");
            None
        };
        fs::create_dir_all(dir).unwrap();
        fs::File::create(image).unwrap().set_len(512 << 20).unwrap();
        let quiet = if kind == "ext4" { "-qF" } else { "-qf" };
        match Command::new(format!("mkfs.{kind}")).arg(quiet).arg(image).output() {
            Ok(made) if made.status.success() => {}
            Ok(made) => return skip(&String::from_utf8_lossy(&made.stderr)),
            Err(e) => return skip(&format!("mkfs.{kind}: {e}")),
        }
        let mut disk = Self { image: image.to_owned(), dir: dir.to_owned(), mounted: false };
        if !disk.try_mount() {
            return skip("it cannot be mounted here: that needs root, and a kernel that knows it");
        }
        if !disk.try_cut() {
            return skip("its power cannot be cut: it has no FS_IOC_SHUTDOWN here");
        }
        disk.restart();
        Some(disk)
    }

    fn try_mount(&mut self) -> bool {
        let mut command = Command::new("mount");
        command.args(["-o", "loop"]).arg(&self.image).arg(&self.dir);
        self.mounted = command.output().is_ok_and(|out| out.status.success());
        self.mounted
    }

    fn try_cut(&self) -> bool {
        let mut command = Command::new("python3");
        command.args(["-c", CUT]).arg(&self.dir).output().is_ok_and(|out| out.status.success())
    }

    /// Cuts the power.
    pub fn cut(&self) {
        assert!(self.try_cut(), "the power of {} could be cut before", self.dir.display());
    }

    /// What a machine does after a power cut. Nobody may have files open there.
    pub fn restart(&mut self) {
        output(Command::new("umount").arg(&self.dir));
        self.mounted = false;
        assert!(self.try_mount(), "{} cannot be mounted again", self.image.display());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg(&self.dir).output();
        }
    }
}
