//! Compressed streams inside of files: in zip archives (jars, wheels), gzip files, and the sections of ELF files.

use std::io::Read;

use bundle_format::delta::Form;
use bundle_format::recode::Wrapper;

/// Most streams of one file.
const STREAMS: usize = 1 << 17;
/// Streams below are not worth a recipe.
const SMALL: usize = 64;

/// A compressed stream within a file.
#[derive(Debug, Clone)]
pub struct Inner {
    /// What its content is called within the file.
    pub name: String,
    /// Where it begins and ends in the file, wrapper included.
    pub begin: usize,
    pub end: usize,
    /// How it is compressed.
    pub form: Form,
    /// What stands before the data.
    pub wrapper: Wrapper,
    /// Bytes that follow the data: checksums.
    pub trailer: usize,
}

impl Inner {
    /// The compressed data alone.
    pub fn data(&self) -> (usize, usize) {
        (self.begin + self.wrapper.to_bytes().len(), self.end - self.trailer)
    }

    /// Its content, if it inflates, to at most `most` bytes, and ends where it should.
    pub fn inflate(&self, file: &[u8], most: usize) -> Option<Vec<u8>> {
        let (begin, end) = self.data();
        let mut input = flate2::bufread::DeflateDecoder::new(file.get(begin..end)?);
        let mut content = Vec::new();
        input.by_ref().take(most as u64 + 1).read_to_end(&mut content).ok()?;
        (content.len() <= most && input.total_in() == (end - begin) as u64).then_some(content)
    }
}

/// The streams of a file, in order, none overlapping. What they claim is not proved: [`Inner::inflate`] does that.
pub fn streams(file: &[u8]) -> Vec<Inner> {
    let mut found = match file {
        [0x1f, 0x8b, 8, ..] => gzip(file).into_iter().collect(),
        [0x7f, b'E', b'L', b'F', 2, 1, ..] => elf(file).unwrap_or_default(),
        [b'P', b'K', 3, 4, ..] => zip(file).unwrap_or_default(),
        _ => Vec::new(),
    };
    found.retain(|s| s.end <= file.len() && s.begin + SMALL <= s.end);
    found.sort_by_key(|s| s.begin);
    let mut end = 0;
    found.retain(|s| {
        let fits = s.begin >= end;
        end = if fits { s.end } else { end };
        fits
    });
    found
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at..)?.first_chunk().map(|b| usize::from(u16::from_le_bytes(*b)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b) as usize)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at..)?.first_chunk().and_then(|b| usize::try_from(u64::from_le_bytes(*b)).ok())
}

/// The deflated members of a zip archive, by its central directory (APPNOTE.TXT 6.3, section 4.3); no zip64.
fn zip(file: &[u8]) -> Option<Vec<Inner>> {
    let last = file.len().saturating_sub(22);
    // Tar pads with zeros, and an archive may have a comment.
    let end = (last.saturating_sub(66_000)..=last).rev().find(|at| file[*at..].starts_with(b"PK\x05\x06"))?;
    let (count, mut at) = (u16_at(file, end + 10)?, u32_at(file, end + 16)?);
    let mut found = Vec::new();
    for _ in 0..count.min(STREAMS) {
        if !file.get(at..)?.starts_with(b"PK\x01\x02") {
            break;
        }
        let (method, size, local) = (u16_at(file, at + 10)?, u32_at(file, at + 20)?, u32_at(file, at + 42)?);
        let (name, extra, comment) = (u16_at(file, at + 28)?, u16_at(file, at + 30)?, u16_at(file, at + 32)?);
        let text = String::from_utf8_lossy(file.get(at + 46..at + 46 + name)?).into_owned();
        at += 46 + name + extra + comment;
        if method != 8 || !file.get(local..).is_some_and(|l| l.starts_with(b"PK\x03\x04")) {
            continue;
        }
        let begin = local + 30 + u16_at(file, local + 26)? + u16_at(file, local + 28)?;
        let end = begin.checked_add(size)?;
        found.push(Inner { name: text, begin, end, form: Form::Deflate, wrapper: Wrapper::Bare, trailer: 0 });
    }
    Some(found)
}

/// A file that is one gzip member, and zeros where tar pads it.
fn gzip(file: &[u8]) -> Option<Inner> {
    let mut input = file;
    let header = super::target::header(&mut input).ok()?;
    let mut decoder = flate2::bufread::DeflateDecoder::new(input);
    std::io::copy(&mut decoder, &mut std::io::sink()).ok()?;
    let end = header.len().checked_add(usize::try_from(decoder.total_in()).ok()?)?.checked_add(8)?;
    file.get(end..)?.iter().all(|b| *b == 0).then_some(())?;
    let wrapper = Wrapper::Gzip(header);
    Some(Inner { name: String::new(), begin: 0, end, form: Form::Gzip, wrapper, trailer: 8 })
}

/// The compressed sections of a 64-bit ELF file (System V gABI, "Compressed Sections"; the older `.zdebug_` as GNU binutils wrote them).
fn elf(file: &[u8]) -> Option<Vec<Inner>> {
    let (table, size, count, names) = (u64_at(file, 40)?, u16_at(file, 58)?, u16_at(file, 60)?, u16_at(file, 62)?);
    let section = |n: usize| file.get(table.checked_add(n.checked_mul(size)?)?..);
    let names = u64_at(section(names)?, 24)?;
    let mut found = Vec::new();
    for n in 0..count {
        let header = section(n)?;
        let (flags, at, len) = (u64_at(header, 8)?, u64_at(header, 24)?, u64_at(header, 32)?);
        let name = file.get(names.checked_add(u32_at(header, 0)?)?..)?;
        let name = name.split(|b| *b == 0).next()?;
        let name = String::from_utf8_lossy(&name[..name.len().min(64)]).into_owned();
        let Some(end) = at.checked_add(len).filter(|end| *end <= file.len()) else { continue };
        let body = &file[at..end];
        let skip = match flags & 0x800 {
            0 if name.starts_with(".zdebug_") && body.starts_with(b"ZLIB") => 12,
            0x800 if u32_at(body, 0) == Some(1) => 24,
            _ => continue,
        };
        let Some([a, b, ..]) = body.get(skip..) else { continue };
        let wrapper = Wrapper::Zlib([*a, *b]);
        if a & 15 != 8 || (usize::from(*a) << 8 | usize::from(*b)) % 31 != 0 || b & 32 != 0 {
            continue;
        }
        found.push(Inner { name, begin: at + skip, end, form: Form::Zlib, wrapper, trailer: 4 });
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_gzip_file_with_padding_is_one_stream() {
        let text = testdata::corpus::text(3, 50_000);
        let mut file = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        file.write_all(&text).unwrap();
        let mut file = file.finish().unwrap();
        let len = file.len();
        file.resize(len.next_multiple_of(512), 0);
        let found = streams(&file);
        assert_eq!((found.len(), found[0].begin, found[0].end), (1, 0, len));
        assert_eq!(found[0].inflate(&file, 1 << 20).unwrap(), text);
        assert_eq!(found[0].inflate(&file, 49_999), None, "not more than is allowed");
    }

    #[test]
    fn a_damaged_file_has_no_streams_and_does_no_harm() {
        for (seed, magic) in [(1, &b"PK\x03\x04"[..]), (2, b"\x7fELF\x02\x01"), (3, b"\x1f\x8b\x08\x1f")] {
            let mut file = testdata::corpus::random(seed, 4000);
            file[..magic.len()].copy_from_slice(magic);
            file[3900..3904].copy_from_slice(b"PK\x05\x06");
            for stream in streams(&file) {
                assert_eq!(stream.inflate(&file, 1 << 20), None);
            }
        }
    }
}
