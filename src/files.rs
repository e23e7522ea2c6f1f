//! Files that the user names.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bundle_format::Code;
use bundle_format::trust::TrustRoot;
use bundle_format::walk::{Bundle, BundleError};

use crate::failure::Failure;
use crate::keys::trust_root;

/// Opens a bundle, `-` for standard input, and believes its head if all of `keys` vouch for it.
pub fn open_trusted(path: &Path, keys: &[PathBuf]) -> Result<Bundle<Box<dyn Read + Send>>, Failure> {
    let trust = trust_root(keys)?;
    let (reader, len): (Box<dyn Read + Send>, _) = match path == Path::new("-") {
        true => (Box::new(io::stdin()), None),
        false => {
            let (file, len) = open_bundle_file(path)?;
            (Box::new(file), len)
        }
    };
    trusted(path, reader, len, &trust)
}

/// Believes the head of the bundle in `reader`, and refuses a file that is already known to be cut short.
pub fn trusted<R: Read>(path: &Path, reader: R, len: Option<u64>, trust: &TrustRoot) -> Result<Bundle<R>, Failure> {
    let about = |e: BundleError| Failure::about(path.display(), &e);
    let bundle = Bundle::open(reader, trust).map_err(about)?;
    len.map_or(Ok(()), |len| bundle.check_len(len)).map_err(about)?;
    Ok(bundle)
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

/// Reads a file of at most `limit` bytes.
pub fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let failure = |why: &dyn std::fmt::Display| Failure::new(Code::Io, format_args!("{}: {why}", path.display()));
    let bytes = read_at_most(path, limit.saturating_add(1))?;
    match bytes.len() as u64 > limit {
        true => Err(failure(&format_args!("it has more than {limit} bytes"))),
        false => Ok(bytes),
    }
}

/// Reads the first `limit` bytes of a file, or all if it has fewer.
pub fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let failure = |e: io::Error| Failure::new(Code::Io, format_args!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failure)?;
    file.take(limit).read_to_end(&mut bytes).map_err(failure)?;
    Ok(bytes)
}

/// Writes a new file with these permissions; an existing one is refused.
pub fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let failure = |e: io::Error| match e.kind() {
        io::ErrorKind::AlreadyExists => Failure::new(Code::Exists, format_args!("{} exists already", path.display()))
            .hint("choose another name; nothing was overwritten"),
        _ => Failure::new(Code::Io, format_args!("{}: {e}", path.display())),
    };
    let mut file = File::options().write(true).create_new(true).mode(mode).open(path).map_err(failure)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(|e| {
        // A part of it is worth nothing, and would stand in the way of the next attempt.
        let _ = std::fs::remove_file(path);
        failure(e)
    })
}
