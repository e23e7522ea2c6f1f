//! Files that the user names.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bundle_format::Code;

use crate::failure::Failure;

/// A bundle to read: its bytes, and how many there are if that is known.
pub struct Input {
    pub reader: Box<dyn Read + Send>,
    pub len: Option<u64>,
}

/// Opens a bundle. `-` is standard input.
pub fn open_bundle(path: &Path) -> Result<Input, Failure> {
    if path == Path::new("-") {
        return Ok(Input { reader: Box::new(io::stdin()), len: None });
    }
    let (file, len) = open_bundle_file(path)?;
    Ok(Input { reader: Box::new(file), len })
}

/// Opens a bundle that must be a file (or a device that holds one, whose length says nothing).
pub fn open_bundle_file(path: &Path) -> Result<(File, Option<u64>), Failure> {
    let failure = |e: io::Error| {
        let failure = Failure::new(Code::Io, format_args!("{}: {e}", path.display()));
        match e.kind() {
            io::ErrorKind::NotFound => failure.hint("check the path, and that the drive is mounted"),
            _ => failure,
        }
    };
    let file = File::open(path).map_err(failure)?;
    let meta = file.metadata().map_err(failure)?;
    if meta.is_dir() {
        return Err(Failure::new(Code::Foreign, format_args!("{} is a folder, not a bundle", path.display()))
            .hint("name the .sealift file in it"));
    }
    // The kernel reads ahead further where it knows that nobody seeks. Advice only: no error matters.
    let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
    let len = meta.is_file().then_some(meta.len());
    Ok((file, len))
}

/// Writes a new file with these permissions; an existing one is refused.
pub fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let failure = |e: io::Error| match e.kind() {
        io::ErrorKind::AlreadyExists => Failure::new(Code::Exists, format_args!("{} exists already", path.display()))
            .hint("choose another name; a key is never overwritten"),
        _ => Failure::new(Code::Io, format_args!("{}: {e}", path.display())),
    };
    let mut file = File::options().write(true).create_new(true).mode(mode).open(path).map_err(failure)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failure)
}
