//! What is in a content: the entries of a tar, or one whole, with what is needed to find each one's like.

use std::io;

use bundle_format::delta::Bytes;
use sha2::{Digest as _, Sha256};

/// Bytes of a tar header, and of what content is padded to.
pub const BLOCK: u64 = 512;
/// Bytes that are compared as one: larger entries are cut.
pub const WINDOW: u64 = 4 << 20;
/// Bytes read at once.
const CHUNK: usize = 1 << 18;

/// A part of a content.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where its tar header is, if it has one.
    pub header: Option<u64>,
    /// Where its bytes begin.
    pub begin: u64,
    /// Where they end, padding included.
    pub end: u64,
    /// Its path; another entry about the same file has something before it.
    pub name: Box<str>,
    /// The first half of the SHA-256 of its bytes.
    pub digest: [u8; 16],
    /// Some of its contents' hashes, and in which window they are.
    pub sketch: Vec<(u32, u32)>,
}

impl Entry {
    /// Bytes, padding included.
    pub fn len(&self) -> u64 {
        self.end - self.begin
    }
}

/// Cuts `content` into its entries. What is no tar is one entry, as is what follows a tar's last one.
pub fn entries(content: &dyn Bytes) -> io::Result<Vec<Entry>> {
    let mut out = Vec::new();
    let (mut at, mut pending) = (0, None);
    let mut buffer = vec![0; CHUNK];
    while content.len() - at >= BLOCK {
        let mut header = [0; BLOCK as usize];
        content.read_at(at, &mut header)?;
        let Some((name, size)) = read_header(&header) else { break };
        let begin = at + BLOCK;
        let Some(end) = begin.checked_add(size.next_multiple_of(BLOCK)).filter(|end| *end <= content.len()) else {
            break;
        };
        let kind = header[156];
        let name = match kind {
            // What comes before an entry is about it: its name is found there.
            b'x' | b'L' => {
                let told = long_name(content, begin, size, kind)?;
                let name = format!("{}:{}", char::from(kind), told.as_deref().unwrap_or(&name));
                pending = told.or(pending);
                name
            }
            b'g' | b'K' => format!("{}:{name}", char::from(kind)),
            _ => pending.take().unwrap_or(name),
        };
        out.push(entry(content, Some(at), begin, end, name, &mut buffer)?);
        at = end;
    }
    if at < content.len() {
        let name = if at == 0 { "whole" } else { "end" };
        out.push(entry(content, None, at, content.len(), name.to_owned(), &mut buffer)?);
    }
    Ok(out)
}

fn entry(
    content: &dyn Bytes,
    header: Option<u64>,
    begin: u64,
    end: u64,
    name: String,
    buffer: &mut [u8],
) -> io::Result<Entry> {
    let mut hasher = Sha256::new();
    let mut sketch = Sketch::default();
    let mut at = begin;
    while at < end {
        let n = (end - at).min(buffer.len() as u64) as usize;
        content.read_at(at, &mut buffer[..n])?;
        hasher.update(&buffer[..n]);
        sketch.add(&buffer[..n]);
        at += n as u64;
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hasher.finalize()[..16]);
    Ok(Entry { header, begin, end, name: name.into_boxed_str(), digest, sketch: sketch.samples })
}

/// A name without its numbers: what stays the same from version to version.
pub fn pattern(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            // 1.2 becomes 1.2.1.
            '.' if out.ends_with('#') => {}
            _ => out.push(c),
        }
    }
    out
}

/// Name and bytes that a tar header says; nothing if it is none, or an end.
fn read_header(header: &[u8; BLOCK as usize]) -> Option<(String, u64)> {
    if &header[257..262] != b"ustar" && header[..257].iter().all(|b| *b == 0) {
        return None;
    }
    let octal = |field: &[u8]| {
        let digits: Vec<u8> = field.iter().copied().skip_while(|b| *b == b' ').collect();
        let digits: Vec<u8> = digits.into_iter().take_while(|b| (b'0'..=b'7').contains(b)).collect();
        (!digits.is_empty()).then(|| digits.iter().fold(0_u64, |n, b| n << 3 | u64::from(b - b'0')))
    };
    let sum: u64 = header.iter().map(|b| u64::from(*b)).sum();
    let own: u64 = header[148..156].iter().map(|b| u64::from(*b)).sum();
    if octal(&header[148..156])? != sum - own + 8 * u64::from(b' ') {
        return None;
    }
    let size = match header[124] {
        0x80 => header[128..136].iter().fold(0, |n, b| n << 8 | u64::from(*b)),
        _ => octal(&header[124..136])?,
    };
    let size = if matches!(header[156], b'1'..=b'6') { 0 } else { size.min(1 << 50) };
    let text = |field: &[u8]| String::from_utf8_lossy(field.split(|b| *b == 0).next().unwrap_or_default()).into_owned();
    let (prefix, name) = (text(&header[345..500]), text(&header[..100]));
    let name = if &header[257..263] == b"ustar\0" && !prefix.is_empty() { format!("{prefix}/{name}") } else { name };
    Some((name.trim_start_matches("./").to_owned(), size))
}

/// The name that a GNU or a pax entry gives to the next one.
fn long_name(content: &dyn Bytes, at: u64, size: u64, kind: u8) -> io::Result<Option<String>> {
    let mut bytes = vec![0; size.min(1 << 16) as usize];
    content.read_at(at, &mut bytes)?;
    if kind == b'L' {
        let name = bytes.split(|b| *b == 0).next().unwrap_or_default();
        return Ok(Some(String::from_utf8_lossy(name).trim_start_matches("./").to_owned()));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let path = text.lines().find_map(|line| line.split_once(' ')?.1.strip_prefix("path="));
    Ok(path.map(|p| p.trim_start_matches("./").to_owned()))
}

/// Hashes of some places of a content: those where a rolling hash says so, and so the same ones wherever the content moves (gear
/// hashing, Xia and others 2016).
#[derive(Default)]
struct Sketch {
    rolling: u64,
    at: u64,
    samples: Vec<(u32, u32)>,
}

/// One place of so many, on average.
const SAMPLED: u32 = 8;

impl Sketch {
    fn add(&mut self, bytes: &[u8]) {
        let mut rolling = self.rolling;
        for (i, byte) in bytes.iter().enumerate() {
            rolling = (rolling << 1).wrapping_add(GEAR[usize::from(*byte)]);
            if rolling >> (64 - SAMPLED) == 0 {
                let window = ((self.at + i as u64) / WINDOW) as u32;
                let hash = (rolling.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32;
                if self.samples.last() != Some(&(hash, window)) {
                    self.samples.push((hash, window));
                }
            }
        }
        self.rolling = rolling;
        self.at += bytes.len() as u64;
    }
}

/// A number for each byte, all unlike (splitmix64, Steele and others 2014).
const GEAR: [u64; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut z = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        table[i] = z ^ (z >> 31);
        i += 1;
    }
    table
};
