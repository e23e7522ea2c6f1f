//! The space of addresses that a patch copies from: contents of its sources, then of the streams within (spec/delta.md section 3).

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{Bytes, Cursor, DeltaError, Form, Header, Source, Spool};
use crate::source::VerifiedReader;

/// Bytes that are inflated at once.
const CHUNK: usize = 1 << 18;
/// Most bytes of memory for a stream within the sources on its way.
const STREAM: u64 = 4 << 20;
/// Largest window of a zstd frame, as its logarithm: what every decoder takes (RFC 8878 section 3.1.1.1.2 asks for 8 MiB).
const WINDOW_LOG: u32 = 27;

/// The contents of a patch's sources and of the streams within them. The first of them are in memory, the others in a file without a name.
#[derive(Debug)]
pub struct Space {
    head: Vec<u8>,
    tail: Option<File>,
    len: u64,
    memory: usize,
}

/// Opens a source's blob.
pub type SourceOpener<'a> = dyn Fn(&Source) -> io::Result<Box<dyn Read + Send + 'a>> + 'a;

impl Space {
    /// Inflates what the patch of `header` copies from. Each source is proved by its digest on the way. Memory: `memory` bytes for
    /// contents, and below 8 MiB beside (128 MiB where a zstd frame has so large a window); the rest goes to a file in `dir`.
    ///
    /// # Errors
    /// [`DeltaError::Source`] for a source that is not there, not the one of its digest, or not compressed as the patch says;
    /// [`DeltaError::Malformed`] for a stream within.
    pub fn of(header: &Header, open: &SourceOpener<'_>, memory: u64, dir: &Path) -> Result<Self, DeltaError> {
        let memory = usize::try_from(memory).unwrap_or(usize::MAX);
        let mut space = Self { head: Vec::new(), tail: None, len: 0, memory };
        for source in &header.sources {
            let wrong = |why| DeltaError::Source { digest: source.digest, why };
            let mut blob = VerifiedReader::new(open(source).map_err(wrong)?, source.digest, source.size);
            let mut content = inflate(source.form, &mut blob).map_err(wrong)?;
            let end = space.len.saturating_add(source.content);
            space.append(&mut *content, end, dir).map_err(|e| match e {
                Append::Read(why) => wrong(why),
                Append::Write(e) => e.into(),
            })?;
            drop(content);
            // A decoder need not look at the end of the blob, which proves the rest.
            io::copy(&mut blob, &mut io::sink()).map_err(wrong)?;
        }
        for stream in &header.expansions {
            let wrong = |_| DeltaError::Malformed("a stream within the sources does not inflate to what it says");
            let mut packed = Cursor::new(&space, stream.at, stream.at.saturating_add(stream.size));
            let content = inflate(stream.form, &mut packed).map_err(wrong)?;
            let content = Spool::fill(content, STREAM, stream.content, dir).map_err(wrong)?;
            let end = space.len.saturating_add(stream.content);
            space.append(&mut Cursor::new(&content, 0, content.len()), end, dir).map_err(|e| match e {
                Append::Read(why) => wrong(why),
                Append::Write(e) => e.into(),
            })?;
        }
        Ok(space)
    }

    /// Adds a content that brings the space to `end` exactly.
    fn append(&mut self, content: &mut dyn Read, end: u64, dir: &Path) -> Result<(), Append> {
        let mut buffer = vec![0; CHUNK];
        loop {
            let n = match content.read(&mut buffer) {
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Append::Read(e)),
            };
            let after = self.len + n as u64;
            if after > end || n == 0 && after < end {
                let why = "its content has another size than the patch says";
                return Err(Append::Read(io::Error::new(io::ErrorKind::InvalidData, why)));
            }
            if n == 0 {
                return Ok(());
            }
            self.write(&buffer[..n], dir).map_err(Append::Write)?;
        }
    }

    fn write(&mut self, bytes: &[u8], dir: &Path) -> io::Result<()> {
        let room = if self.tail.is_none() { self.memory - self.head.len() } else { 0 };
        let (now, later) = bytes.split_at(bytes.len().min(room));
        self.head.extend_from_slice(now);
        if !later.is_empty() {
            let tail = match &mut self.tail {
                Some(tail) => tail,
                none => none.insert(tempfile::tempfile_in(dir)?),
            };
            tail.write_all(later)?;
        }
        self.len += bytes.len() as u64;
        Ok(())
    }
}

enum Append {
    Read(io::Error),
    Write(io::Error),
}

/// The content of a compressed stream.
///
/// # Errors
/// Those of making a decoder.
pub fn inflate<'a>(form: Form, packed: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let packed = BufReader::with_capacity(64 << 10, packed);
    Ok(match form {
        Form::Plain => Box::new(packed),
        Form::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
        Form::Deflate => Box::new(flate2::bufread::DeflateDecoder::new(packed)),
        Form::Zlib => Box::new(flate2::bufread::ZlibDecoder::new(packed)),
        Form::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
            decoder.window_log_max(WINDOW_LOG)?;
            Box::new(decoder)
        }
    })
}

impl Bytes for Space {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = at.checked_add(buffer.len() as u64).filter(|end| *end <= self.len);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let from_head = usize::try_from(at).ok().and_then(|at| self.head.get(at..)).unwrap_or_default();
        let n = from_head.len().min(buffer.len());
        let (now, later) = buffer.split_at_mut(n);
        now.copy_from_slice(&from_head[..n]);
        match &self.tail {
            Some(tail) if !later.is_empty() => tail.read_exact_at(later, at + n as u64 - self.head.len() as u64),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Digest;
    use crate::delta::Expansion;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn source(blob: &[u8], form: Form, content: usize) -> Source {
        Source { digest: Digest::of(blob), size: blob.len() as u64, form, content: content as u64 }
    }

    fn build(
        sources: &[Source],
        expansions: &[Expansion],
        blobs: &[&[u8]],
        memory: u64,
    ) -> Result<Vec<u8>, DeltaError> {
        let blobs: BTreeMap<Digest, &[u8]> = blobs.iter().map(|b| (Digest::of(b), *b)).collect();
        let header = Header {
            digest: Digest::of(b""),
            size: 0,
            memory: 0,
            sources: sources.to_vec(),
            expansions: expansions.to_vec(),
        };
        let open = |source: &Source| match blobs.get(&source.digest) {
            Some(blob) => Ok(Box::new(*blob) as Box<dyn Read + Send>),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        let dir = tempfile::tempdir().unwrap();
        let space = Space::of(&header, &open, memory, dir.path())?;
        assert_eq!(space.len(), header.space());
        let mut bytes = vec![0; usize::try_from(space.len()).unwrap()];
        for (n, chunk) in bytes.chunks_mut(7).enumerate() {
            space.read_at(n as u64 * 7, chunk)?;
        }
        assert!(space.read_at(space.len(), &mut [0]).is_err(), "nothing is behind the end");
        Ok(bytes)
    }

    #[test]
    fn contents_lie_one_after_the_other_wherever_they_are_held() {
        let inner = b"a file in a jar ".repeat(40);
        let packed = gzip(&inner);
        let plain = [b"before".as_slice(), &packed, b"after"].concat();
        let two_members = [gzip(b"first, "), gzip(b"second; ")].concat();
        let frames = [zstd::encode_all(&b"frame 1 "[..], 3).unwrap(), zstd::encode_all(&b"frame 2"[..], 3).unwrap()];
        let frames = frames.concat();
        let sources = [
            source(&plain, Form::Plain, plain.len()),
            source(&two_members, Form::Gzip, 15),
            source(&frames, Form::Zstd, 15),
        ];
        let stream = Expansion { at: 6, size: packed.len() as u64, form: Form::Gzip, content: inner.len() as u64 };
        let wanted = [plain.as_slice(), b"first, second; frame 1 frame 2", &inner].concat();
        for memory in [0, 1, 50, u64::MAX] {
            assert_eq!(
                build(&sources, &[stream], &[&plain, &two_members, &frames], memory).unwrap(),
                wanted,
                "{memory}"
            );
        }
    }

    #[test]
    fn what_is_not_as_the_patch_says_is_refused() {
        let blob = gzip(b"content");
        let good = source(&blob, Form::Gzip, 7);
        let trailing = [blob.as_slice(), b"garbage"].concat();
        let stream = |at, size, content| Expansion { at, size, form: Form::Zlib, content };
        for (why, sources, expansions, blobs) in [
            ("missing", vec![good], vec![], vec![]),
            ("larger content", vec![source(&blob, Form::Gzip, 6)], vec![], vec![&blob]),
            ("smaller content", vec![source(&blob, Form::Gzip, 8)], vec![], vec![&blob]),
            ("another form", vec![source(&blob, Form::Zstd, 7)], vec![], vec![&blob]),
            ("another size", vec![Source { size: good.size + 1, ..good }], vec![], vec![&blob]),
            ("something behind it", vec![source(&trailing, Form::Gzip, 7)], vec![], vec![&trailing]),
            ("a stream that is none", vec![good], vec![stream(0, 7, 3)], vec![&blob]),
        ] {
            let blobs: Vec<&[u8]> = blobs.into_iter().map(Vec::as_slice).collect();
            assert!(build(&sources, &expansions, &blobs, 100).is_err(), "{why}");
        }
        let other = gzip(b"Content");
        let damaged = Source { digest: Digest::of(&blob), ..source(&other, Form::Gzip, 7) };
        let header =
            Header { digest: damaged.digest, size: 0, memory: 0, sources: vec![damaged], expansions: Vec::new() };
        let open = |_: &Source| Ok(Box::new(other.as_slice()) as Box<dyn Read + Send>);
        let dir = tempfile::tempdir().unwrap();
        let refused = Space::of(&header, &open, 100, dir.path());
        assert!(matches!(refused, Err(DeltaError::Source { .. })), "it inflates well, and has another digest");
    }
}
