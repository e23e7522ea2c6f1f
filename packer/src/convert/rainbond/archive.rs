//! The export as it lies on disk: a folder, or a tar that is usually compressed with gzip. Nothing is unpacked by a name
//! that stands in it.

use std::io::{self, BufReader, Read, Seek as _};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::super::ConvertError;
use super::super::draft::Content;
use crate::plan::read_file;

/// Largest `metadata.json`: logos and files of configuration stand in it.
const METADATA: u64 = 32 << 20;
/// Most members of an archive.
const MEMBERS: u64 = 100_000;

/// What an export holds.
pub(super) struct Export {
    pub metadata: Vec<u8>,
    /// `component-images.tar` and `plugin-images.tar`, where they are.
    pub images: Vec<(&'static str, Content)>,
}

const IMAGES: [&str; 2] = ["component-images.tar", "plugin-images.tar"];

pub(super) fn open(path: &Path) -> Result<Export, ConvertError> {
    match path.is_dir() {
        true => folder(path),
        false => archive(path),
    }
}

fn foreign(path: &Path, why: &str) -> ConvertError {
    ConvertError::Foreign { place: path.display().to_string(), why: why.to_owned() }
}

fn folder(path: &Path) -> Result<Export, ConvertError> {
    let read = |source| ConvertError::Read { path: path.to_owned(), source };
    let mut at = path.to_owned();
    if !at.join("metadata.json").is_file() {
        // The folder within the archive is named after the application.
        let inner = std::fs::read_dir(path).map_err(read)?.take(1000).filter_map(Result::ok).map(|e| e.path());
        let inner = inner.filter(|p| p.join("metadata.json").is_file()).min();
        at = inner.ok_or_else(|| foreign(path, "there is no metadata.json in it, so it is no export of Rainbond"))?;
    }
    let file = at.join("metadata.json");
    let metadata = read_file(&file, METADATA).map_err(|source| ConvertError::Read { path: file, source })?;
    let images = IMAGES.into_iter().filter(|n| at.join(n).is_file()).map(|n| (n, Content::Copy(at.join(n)))).collect();
    Ok(Export { metadata, images })
}

fn archive(path: &Path) -> Result<Export, ConvertError> {
    let mut metadata = None;
    let mut images = Vec::new();
    each(path, &mut |name, reader| {
        let last = name.rsplit('/').next().unwrap_or_default();
        if last == "metadata.json" && metadata.is_none() {
            let mut bytes = Vec::new();
            reader.take(METADATA + 1).read_to_end(&mut bytes)?;
            metadata = Some(bytes);
        } else if let Some(known) = IMAGES.into_iter().find(|n| *n == last)
            && !images.iter().any(|(n, _)| *n == known)
        {
            images.push((known, Content::Member(path.to_owned(), name.to_owned())));
        }
        Ok(true)
    })?;
    let metadata: Vec<u8> =
        metadata.ok_or_else(|| foreign(path, "there is no metadata.json in it, so it is no export of Rainbond"))?;
    if metadata.len() as u64 > METADATA {
        return Err(ConvertError::TooMuch { what: "bytes of metadata.json", limit: METADATA });
    }
    Ok(Export { metadata, images })
}

/// Calls `act` with each regular file of at most two folders deep, until it says no.
fn each(path: &Path, act: &mut dyn FnMut(&str, &mut dyn Read) -> io::Result<bool>) -> Result<(), ConvertError> {
    let read = |source| ConvertError::Read { path: path.to_owned(), source };
    let mut file = crate::plan::open_regular(path).map_err(read)?;
    let mut magic = [0; 2];
    let gzip = file.read(&mut magic).map_err(read)? == 2 && magic == [0x1f, 0x8b];
    file.rewind().map_err(read)?;
    let reader: Box<dyn Read> = match gzip {
        true => Box::new(MultiGzDecoder::new(BufReader::new(file))),
        false => Box::new(BufReader::new(file)),
    };
    let mut tar = tar::Archive::new(reader);
    let mut count = 0_u64;
    for entry in tar.entries().map_err(read)? {
        let mut entry = entry.map_err(|e| foreign(path, &format!("it is no folder and no tar: {e}")))?;
        count = count.saturating_add(1);
        if count > MEMBERS {
            return Err(ConvertError::TooMuch { what: "members of the archive", limit: MEMBERS });
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.trim_start_matches("./").to_owned();
        if entry.header().entry_type().is_file()
            && name.split('/').count() <= 2
            && !act(&name, &mut entry).map_err(read)?
        {
            return Ok(());
        }
    }
    Ok(())
}

/// Gives the content of one member, by the name that was found before.
pub(in super::super) fn open_member(
    archive: &PathBuf,
    member: &str,
    take: &mut dyn FnMut(&mut dyn Read) -> io::Result<()>,
) -> Result<(), ConvertError> {
    let mut found = false;
    each(archive, &mut |name, reader| {
        if name == member {
            found = true;
            take(reader)?;
        }
        Ok(!found)
    })?;
    match found {
        true => Ok(()),
        false => Err(foreign(archive, "it changed while it was read")),
    }
}
