//! The table of a tar's members: name to place in the file.

use std::cell::Cell;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use bundle_format::{SourceError, limits};
use tar::EntryType;

use super::{quoted, refused};

/// Most bytes of headers (names, extension records) for one member. The tar reader buffers them whole.
const MEMBER_HEADER_BYTES: u64 = 1 << 20;
/// Most memory for the names of one archive, in bytes.
const NAMES_BYTES: usize = 64 << 20;
/// Headers and contents begin at multiples of this.
const BLOCK_BYTES: u64 = 512;

/// What a name stands for.
pub(super) enum Member {
    File(Section),
    /// The name that a symbolic or hard link leads to.
    Link(String),
}

/// Where a file's content lies, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Section {
    pub offset: u64,
    pub size: u64,
}

/// Reads all headers. `size` is the file's, in bytes.
pub(super) fn read(file: &File, size: u64, place: &str) -> Result<HashMap<String, Member>, SourceError> {
    let budget = Cell::new(MEMBER_HEADER_BYTES);
    let mut tar = tar::Archive::new(Headers { file, budget: &budget });
    let mut members = HashMap::new();
    let mut names = 0;
    let mut end = 0;
    let damaged = |end: u64, why: &dyn Display| match end {
        0 => refused(place, format!("is not a tar archive: {why}")),
        _ => refused(place, format!("is a damaged or truncated tar archive, after byte {end}: {why}")),
    };
    for entry in tar.entries_with_seek().map_err(|e| damaged(0, &e))? {
        let entry = entry.map_err(|e| damaged(end, &e))?;
        budget.set(MEMBER_HEADER_BYTES);
        let section = Section { offset: entry.raw_file_position(), size: entry.size() };
        let kind = entry.header().entry_type();
        let link = match kind {
            EntryType::Symlink | EntryType::Link => entry.link_name_bytes(),
            _ => None,
        };
        end = section.offset.saturating_add(section.size);
        if end > size {
            return Err(damaged(
                section.offset,
                &format_args!("a member goes on to byte {end}, the file ends at {size}"),
            ));
        }
        let raw = entry.path_bytes();
        let given = || quoted(&String::from_utf8_lossy(&raw));
        let outside = || {
            refused(
                place,
                format!("the member {} lies outside of the archive, or has a name that is not UTF-8", given()),
            )
        };
        let member = match (kind, link) {
            // A name that ends in `/` was a folder before tar had a type for it.
            (EntryType::Regular | EntryType::Continuous, _) if !raw.ends_with(b"/") => Member::File(section),
            (EntryType::Symlink, Some(target)) => {
                let target = text(&target).filter(|target| !target.starts_with('/'));
                let folder = text(&raw).map(|name| name.rsplit_once('/').map_or("", |(folder, _)| folder));
                let target = folder.zip(target).and_then(|(folder, target)| normal_name(&format!("{folder}/{target}")));
                Member::Link(target.ok_or_else(outside)?)
            }
            (EntryType::Link, Some(target)) => Member::Link(text(&target).and_then(normal_name).ok_or_else(outside)?),
            (EntryType::GNUSparse, _) => {
                return Err(refused(
                    place,
                    format!("the member {} is sparse; write the archive without `--sparse`", given()),
                ));
            }
            _ => continue,
        };
        let name = text(&raw).and_then(normal_name).ok_or_else(outside)?;
        names += size_of::<String>() + name.len() + if let Member::Link(target) = &member { target.len() } else { 0 };
        if members.len() >= limits::MEMBERS || names > NAMES_BYTES {
            return Err(refused(
                place,
                format!("more than {} members, or than {NAMES_BYTES} bytes of names", limits::MEMBERS),
            ));
        }
        match members.entry(name) {
            Slot::Vacant(slot) => slot.insert(member),
            Slot::Occupied(slot) => {
                return Err(refused(place, format!("the member {} stands twice", quoted(slot.key()))));
            }
        };
    }
    // Every writer ends with two blocks of zeroes; the reader also stops at the file's end, where members may be missing.
    if end.next_multiple_of(BLOCK_BYTES) + BLOCK_BYTES > size {
        return Err(damaged(end, &"the end-of-archive mark is missing"));
    }
    Ok(members)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// The one spelling of a name: parts joined by `/`, without empty ones, `.` and `..`. Nothing for a name that leads out
/// of the archive, or to its root.
pub(super) fn normal_name(name: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The file as the tar reader sees it: it reads headers and seeks over content, and gets no more than `budget` bytes for
/// one member, so an extension record that claims gigabytes is not buffered.
struct Headers<'a> {
    file: &'a File,
    budget: &'a Cell<u64>,
}

impl Read for Headers<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buf)?;
        let left = self.budget.get().checked_sub(n as u64);
        self.budget
            .set(left.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a member's headers are too long"))?);
        Ok(n)
    }
}

impl Seek for Headers<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
