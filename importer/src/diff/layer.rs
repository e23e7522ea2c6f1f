//! The files of an image, from the tars of its layers (image-spec layer.md), in memory that is bounded whatever a layer holds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use bundle_format::{Digest, Hasher};
use flate2::read::MultiGzDecoder;

/// How much of an image is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most entries of all layers of an image together.
    pub entries: usize,
    /// Most bytes of the paths of an image's entries.
    pub path_bytes: usize,
    /// Most bytes of one layer's tar.
    pub tar_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 2_000_000, path_bytes: 256 << 20, tar_bytes: 1 << 40 }
    }
}

/// Longest path, and longest record of extensions, in bytes: Linux takes paths of 4096.
const PATH_BYTES: u64 = 64 << 10;
const EXTENSION_BYTES: u64 = 1 << 20;
const BLOCK: usize = 512;

/// What a layer says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What it is: `file`, `directory`, `symlink`, `hardlink`, `device`, `fifo` or `other`.
    pub kind: &'static str,
    /// Its bytes, if it is a file.
    pub size: u64,
    /// Permissions.
    pub mode: u32,
    /// User and group.
    pub owner: (u64, u64),
    /// Of its content, or of where a link points.
    pub digest: Digest,
}

/// The files of an image, layer upon layer.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    files: BTreeMap<Vec<u8>, Entry>,
    entries: usize,
    path_bytes: usize,
}

impl Tree {
    /// The files by path, without a slash in front.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<Vec<u8>, Entry> {
        &self.files
    }

    /// Puts a layer on top: plain, gzip or zstd, as its first bytes say.
    ///
    /// # Errors
    /// Not such a tar, or more than `limits` allow; the tree is then of no use.
    pub fn apply(&mut self, mut layer: impl Read, limits: Limits) -> io::Result<()> {
        let mut magic = Vec::new();
        layer.by_ref().take(4).read_to_end(&mut magic)?;
        let whole = io::Cursor::new(magic.clone()).chain(layer);
        match magic.as_slice() {
            [0x1f, 0x8b, ..] => self.tar(MultiGzDecoder::new(whole), limits),
            [0x28, 0xb5, 0x2f, 0xfd] => self.tar(zstd::stream::read::Decoder::new(whole)?, limits),
            _ => self.tar(whole, limits),
        }
    }

    fn tar(&mut self, tar: impl Read, limits: Limits) -> io::Result<()> {
        let mut tar = tar.take(limits.tar_bytes);
        let mut own: BTreeMap<Vec<u8>, Entry> = BTreeMap::new();
        let (mut gone, mut opaque) = (BTreeSet::new(), BTreeSet::new());
        while let Some((path, entry)) = next(&mut tar)? {
            self.entries = self.entries.saturating_add(1);
            self.path_bytes = self.path_bytes.saturating_add(path.len());
            if self.entries > limits.entries {
                return Err(refuse(format!("its layers have more than {} entries", limits.entries)));
            }
            if self.path_bytes > limits.path_bytes {
                return Err(refuse(format!("its paths have more than {} bytes", limits.path_bytes)));
            }
            let (parent, name) = match path.iter().rposition(|b| *b == b'/') {
                Some(at) => (path[..at].to_vec(), &path[at + 1..]),
                None => (Vec::new(), path.as_slice()),
            };
            if name == b".wh..wh..opq" {
                opaque.insert(parent);
            } else if let Some(hidden) = name.strip_prefix(b".wh.") {
                let slash: &[u8] = if parent.is_empty() { b"" } else { b"/" };
                gone.insert([parent.as_slice(), slash, hidden].concat());
            } else if !path.is_empty() {
                own.insert(path, entry);
            }
        }
        // Whiteouts hide what lies below, never what their own layer brings.
        for path in &gone {
            self.files.remove(path);
            self.remove_below(path);
        }
        for path in &opaque {
            self.remove_below(path);
        }
        for (path, entry) in own {
            if entry.kind != "directory" && self.files.get(&path).is_some_and(|e| e.kind == "directory") {
                self.remove_below(&path);
            }
            self.files.insert(path, entry);
        }
        Ok(())
    }

    fn remove_below(&mut self, path: &[u8]) {
        let slash: &[u8] = if path.is_empty() { b"" } else { b"/" };
        let below = [path, slash].concat();
        let range = self.files.range(below.clone()..).take_while(|(p, _)| p.starts_with(&below));
        let paths: Vec<_> = range.map(|(p, _)| p.clone()).collect();
        for path in paths {
            self.files.remove(&path);
        }
    }
}

fn refuse(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}

/// What extensions say of the next entry.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

/// The next entry that is a file of some kind; none at the end.
fn next(tar: &mut impl Read) -> io::Result<Option<(Vec<u8>, Entry)>> {
    let mut extended = Extended::default();
    loop {
        let Some(header) = block(tar)? else { return Ok(None) };
        let size = header.entry_size().map_err(|_| refuse("a header of the tar has no proper size"))?;
        match header.as_bytes()[156] {
            b'L' => extended.path = Some(text(tar, size)?),
            b'K' => extended.link = Some(text(tar, size)?),
            b'x' => pax(&small(tar, size, EXTENSION_BYTES)?, &mut extended),
            b'g' => drop(small(tar, size, EXTENSION_BYTES)?),
            kind => return entry(tar, &header, kind, extended.size.unwrap_or(size), extended).map(Some),
        }
    }
}

fn entry(
    tar: &mut impl Read,
    header: &tar::Header,
    kind: u8,
    size: u64,
    extended: Extended,
) -> io::Result<(Vec<u8>, Entry)> {
    if kind == b'S' {
        // Old sparse files of GNU tar: a map of holes may follow the header. The size is that of what is stored.
        let mut more = header.as_gnu().is_some_and(tar::GnuHeader::is_extended);
        while more {
            let mut block = [0; BLOCK];
            tar.read_exact(&mut block)?;
            more = block[504] == 1;
        }
    }
    let path = normal(&extended.path.unwrap_or_else(|| header.path_bytes().into_owned()));
    if path.len() as u64 > PATH_BYTES {
        return Err(refuse("a path of the tar is too long"));
    }
    let kind = match kind {
        b'0' | 0 | b'7' | b'S' if header.path_bytes().ends_with(b"/") && size == 0 => "directory",
        b'0' | 0 | b'7' | b'S' => "file",
        b'1' => "hardlink",
        b'2' => "symlink",
        b'3' | b'4' => "device",
        b'5' => "directory",
        b'6' => "fifo",
        _ => "other",
    };
    let digest = match kind {
        "symlink" | "hardlink" => {
            let link = extended.link.or_else(|| header.link_name_bytes().map(|l| l.into_owned()));
            pass(tar, size)?;
            Digest::of(&link.unwrap_or_default())
        }
        "device" => {
            pass(tar, size)?;
            let number = |n: io::Result<Option<u32>>| n.ok().flatten().unwrap_or_default();
            Digest::of(format!("{}:{}", number(header.device_major()), number(header.device_minor())).as_bytes())
        }
        _ => pass(tar, size)?,
    };
    let owner = (header.uid().unwrap_or_default(), header.gid().unwrap_or_default());
    let mode = header.mode().unwrap_or_default() & 0o7777;
    let size = if kind == "file" { size } else { 0 };
    Ok((path, Entry { kind, size, mode, owner, digest }))
}

/// The next header; none at the end.
fn block(tar: &mut impl Read) -> io::Result<Option<tar::Header>> {
    let mut bytes = Vec::with_capacity(BLOCK);
    tar.take(BLOCK as u64).read_to_end(&mut bytes)?;
    // Some writers leave the two zero blocks out, and an empty layer is an empty tar.
    if bytes.iter().all(|b| *b == 0) {
        return Ok(None);
    }
    let mut header = tar::Header::new_old();
    match bytes.len() == BLOCK {
        true => header.as_mut_bytes().copy_from_slice(&bytes),
        false => return Err(refuse("the tar ends within a header")),
    }
    let plain = bytes[..148].iter().chain(&bytes[156..]).map(|b| u32::from(*b)).sum::<u32>();
    match header.cksum() {
        Ok(sum) if sum == plain + 8 * 32 => Ok(Some(header)),
        _ => Err(refuse("it is not a tar: a header has another checksum than it says")),
    }
}

/// Reads `size` bytes of content and its padding; returns the digest.
fn pass(tar: &mut impl Read, size: u64) -> io::Result<Digest> {
    let mut hasher = Hasher::default();
    let n = io::copy(&mut tar.take(size), &mut hasher)?;
    let pad = size.wrapping_neg() % BLOCK as u64;
    let padding = io::copy(&mut tar.take(pad), &mut io::sink())?;
    // The padding of the last entry is left out by some writers.
    match n == size && (padding == pad || padding == 0) {
        true => Ok(hasher.finish()),
        false => Err(refuse("the tar ends within a file")),
    }
}

fn small(tar: &mut impl Read, size: u64, limit: u64) -> io::Result<Vec<u8>> {
    if size > limit {
        return Err(refuse("an extension of the tar is too long"));
    }
    let mut bytes = Vec::new();
    tar.take(size).read_to_end(&mut bytes)?;
    let pad = size.wrapping_neg() % BLOCK as u64;
    io::copy(&mut tar.take(pad), &mut io::sink())?;
    match bytes.len() as u64 == size {
        true => Ok(bytes),
        false => Err(refuse("the tar ends within an extension")),
    }
}

fn text(tar: &mut impl Read, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = small(tar, size, PATH_BYTES)?;
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    Ok(bytes)
}

/// Records `LENGTH KEY=VALUE\n` (POSIX pax). What is malformed ends them.
fn pax(mut rest: &[u8], extended: &mut Extended) {
    while let Some(space) = rest.iter().position(|b| *b == b' ') {
        let len = std::str::from_utf8(&rest[..space]).ok().and_then(|n| n.parse::<usize>().ok());
        let Some(len) = len.filter(|len| *len <= rest.len() && *len > space + 1) else { return };
        let record = &rest[space + 1..len];
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        if let Some(at) = record.iter().position(|b| *b == b'=') {
            let value = &record[at + 1..];
            match &record[..at] {
                b"path" => extended.path = Some(value.to_vec()),
                b"linkpath" => extended.link = Some(value.to_vec()),
                b"size" => extended.size = std::str::from_utf8(value).ok().and_then(|n| n.parse().ok()),
                _ => {}
            }
        }
        rest = &rest[len..];
    }
}

/// A path without what says nothing: `./`, doubled slashes, one at an end.
fn normal(path: &[u8]) -> Vec<u8> {
    let parts = path.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.collect::<Vec<_>>().join(&b'/')
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
