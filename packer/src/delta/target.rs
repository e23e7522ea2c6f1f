//! The blob that a patch shall make: its content, and how each compressed stream of it is made again.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use bundle_format::delta::{Bytes, Cursor, Form, GZIP_HEADER, Spool};
use bundle_format::limits;
use bundle_format::recode::{Maker, Opening, Recipe, Wrapper, predict};
use flate2::bufread::DeflateDecoder;

use super::corpus::Corpus;

/// Content and compressed bytes that are compared first, and those that must agree in the end, before the whole is.
const GLANCE: u64 = 192 << 10;
const LOOK: u64 = 4 << 20;
/// Bytes after the data of a gzip member: checksum and length.
const TRAILER: u64 = 8;

/// A blob, taken apart.
#[derive(Debug)]
pub struct Target {
    /// Its content.
    pub content: Arc<Spool>,
    /// Its compressed streams, in order; none within another.
    pub streams: Vec<Stream>,
    /// What compressed it, for people.
    pub compressor: String,
}

/// A compressed stream, by where its content is in the blob's.
#[derive(Debug)]
pub struct Stream {
    pub begin: u64,
    pub end: u64,
    pub opening: Opening,
    /// Of a compressor that is not known.
    pub corrections: Option<Vec<u8>>,
}

/// What of a stream's data may go into corrections: one part of so many.
const WORTH: usize = 6;

/// The corrections that make `data` again, if they are worth it.
pub fn corrections(mut data: impl Read, len: u64) -> Option<Vec<u8>> {
    let mut corrections = Vec::new();
    let analysis = predict::analyse(&mut data, &mut io::sink(), &mut corrections).ok()?;
    (analysis.consumed == len && corrections.len() < len as usize / WORTH).then_some(corrections)
}

impl Target {
    /// Nothing if it cannot be made again at a price that pays. `guess`: a part tells which compressor it was.
    pub fn of(blob: &dyn Bytes, corpus: &Corpus, guess: bool) -> io::Result<Option<Self>> {
        let mut first = [0; 4];
        let n = blob.len().min(4);
        blob.read_at(0, &mut first[..n as usize])?;
        let fill = |input: &mut dyn Read| Spool::fill(input, corpus.memory / 4, limits::BLOB_BYTES, &corpus.dir);
        match Form::of(&first) {
            Form::Gzip => {
                let mut members = Members::new(blob);
                match fill(&mut members) {
                    // It only begins like gzip, or bytes follow it.
                    Err(_) if members.broken => Self::plain(blob, fill),
                    filled => members.recognised(filled?, guess),
                }
            }
            Form::Plain => Self::plain(blob, fill),
            _ => Self::of_zstd(blob, fill),
        }
    }

    /// A blob that is its own content.
    fn plain(blob: &dyn Bytes, fill: impl Fn(&mut dyn Read) -> io::Result<Spool>) -> io::Result<Option<Self>> {
        let content = Arc::new(fill(&mut Cursor::new(blob, 0, blob.len()))?);
        Ok(Some(Self { content, streams: Vec::new(), compressor: "not compressed".to_owned() }))
    }

    /// Where streams of the content begin and end, in order.
    pub fn borders(&self) -> Vec<u64> {
        self.streams.iter().flat_map(|s| [s.begin, s.end]).collect()
    }

    /// A blob that is one frame of zstd.
    fn of_zstd(blob: &dyn Bytes, fill: impl Fn(&mut dyn Read) -> io::Result<Spool>) -> io::Result<Option<Self>> {
        let input = BufReader::with_capacity(1 << 16, Cursor::new(blob, 0, blob.len()));
        let mut input = zstd::stream::read::Decoder::with_buffer(input)?.single_frame();
        let Ok(content) = fill(&mut input) else { return Ok(None) };
        // Another frame follows.
        if !input.finish().fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut first = [0; 18];
        let n = blob.len().min(18) as usize;
        blob.read_at(0, &mut first[..n])?;
        let member = Member { header: Vec::new(), content: (0, content.len()), data: (0, blob.len()) };
        let candidates = Recipe::candidates_of_zstd(&first[..n], content.len());
        let Some(recipe) = recognise(blob, &content, &member, candidates)? else { return Ok(None) };
        let opening = Opening { wrapper: Wrapper::Bare, recipe };
        let stream = Stream { begin: 0, end: content.len(), opening, corrections: None };
        Ok(Some(Self { content: Arc::new(content), streams: vec![stream], compressor: recipe.describe() }))
    }
}

/// The recipe of a stream with corrections.
pub const PREDICTED: Recipe = Recipe { maker: Maker::Predicted, variant: 0, level: 0, block: 0 };

/// A gzip member: where its content and its data are.
struct Member {
    header: Vec<u8>,
    content: (u64, u64),
    data: (u64, u64),
}

/// Inflates one gzip member after another, and remembers where each was.
struct Members<'a> {
    blob: &'a dyn Bytes,
    input: Option<DeflateDecoder<BufReader<Cursor<'a, dyn Bytes + 'a>>>>,
    done: Vec<Member>,
    header: Vec<u8>,
    at: u64,
    content: u64,
    /// It is no gzip, or not to its end.
    broken: bool,
}

impl<'a> Members<'a> {
    fn new(blob: &'a dyn Bytes) -> Self {
        Self { blob, input: None, done: Vec::new(), header: Vec::new(), at: 0, content: 0, broken: false }
    }

    fn begin(&mut self) -> io::Result<()> {
        let mut input = BufReader::with_capacity(1 << 16, Cursor::new(self.blob, self.at, self.blob.len()));
        self.header = header(&mut input)?;
        self.input = Some(DeflateDecoder::new(input));
        Ok(())
    }

    fn next(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.input.is_none() {
                if self.at == self.blob.len() {
                    return Ok(0);
                }
                self.begin()?;
            }
            let Some(input) = &mut self.input else { return Ok(0) };
            let n = input.read(buffer)?;
            if n > 0 {
                return Ok(n);
            }
            let begin = self.at + self.header.len() as u64;
            let end = begin + input.total_in();
            let from = self.content;
            self.content += input.total_out();
            if end + TRAILER > self.blob.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let header = std::mem::take(&mut self.header);
            self.done.push(Member { header, content: (from, self.content), data: (begin, end) });
            (self.at, self.input) = (end + TRAILER, None);
        }
    }

    /// The blob with the recipe of each member; nothing if one has none.
    fn recognised(self, content: Spool, guess: bool) -> io::Result<Option<Target>> {
        let mut streams = Vec::new();
        let mut last: Option<Recipe> = None;
        for member in self.done {
            let (begin, end) = member.data;
            let known = match guess {
                true => recognise(self.blob, &content, &member, candidates(&member.header, last))?,
                false => None,
            };
            let (recipe, corrections) = match known {
                Some(recipe) => (recipe, None),
                None => match corrections(Cursor::new(self.blob, begin, self.blob.len()), end - begin) {
                    Some(corrections) => (PREDICTED, Some(corrections)),
                    None => return Ok(None),
                },
            };
            last = Some(recipe);
            let opening = Opening { wrapper: Wrapper::Gzip(member.header), recipe };
            streams.push(Stream { begin: member.content.0, end: member.content.1, opening, corrections });
        }
        let compressor = last.map_or_else(String::new, Recipe::describe);
        Ok(Some(Target { content: Arc::new(content), streams, compressor }))
    }
}

impl Read for Members<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.next(buffer);
        self.broken |= read.is_err();
        read
    }
}

/// What to try on a member: first what the one before it was made by.
fn candidates(header: &[u8], last: Option<Recipe>) -> Vec<Recipe> {
    let last = last.filter(|r| r.maker != Maker::Predicted);
    let others = Recipe::candidates(Some(header)).into_iter().filter(|r| Some(*r) != last);
    last.into_iter().chain(others).collect()
}

/// The first recipe that makes a member again, as far as a part of it tells.
fn recognise(
    blob: &dyn Bytes,
    content: &Spool,
    member: &Member,
    candidates: Vec<Recipe>,
) -> io::Result<Option<Recipe>> {
    let (content_len, data_len) = (member.content.1 - member.content.0, member.data.1 - member.data.0);
    let part = |most: u64| -> io::Result<(Vec<u8>, Vec<u8>, bool)> {
        let whole = content_len <= most;
        let mut plain = vec![0; content_len.min(most) as usize];
        content.read_at(member.content.0, &mut plain)?;
        // Stored blocks make data a bit larger than its content.
        let mut data = vec![0; if whole { data_len } else { data_len.min(most + most / 8) } as usize];
        blob.read_at(member.data.0, &mut data)?;
        Ok((plain, data, whole))
    };
    let (plain, data, whole) = part(GLANCE)?;
    let mut longer = None;
    for recipe in candidates.into_iter().filter(|r| r.agrees(&plain, &data, whole).is_some()) {
        if whole {
            return Ok(Some(recipe));
        }
        let (plain, data, whole) = match longer.take() {
            Some(longer) => longer,
            None => part(LOOK)?,
        };
        if recipe.agrees(&plain, &data, whole).is_some() {
            return Ok(Some(recipe));
        }
        longer = Some((plain, data, whole));
    }
    Ok(None)
}

/// The header of a gzip member (RFC 1952 section 2.3), as it is.
pub fn header(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let mut header = vec![0; 10];
    input.read_exact(&mut header)?;
    if header[..3] != [0x1f, 0x8b, 8] {
        return Err(invalid());
    }
    let flags = header[3];
    if flags & 4 != 0 {
        let mut len = [0; 2];
        input.read_exact(&mut len)?;
        header.extend_from_slice(&len);
        let mut extra = vec![0; usize::from(u16::from_le_bytes(len))];
        input.read_exact(&mut extra)?;
        header.extend_from_slice(&extra);
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            input.by_ref().take(GZIP_HEADER as u64).read_until(0, &mut header)?;
        }
    }
    if flags & 2 != 0 {
        let mut check = [0; 2];
        input.read_exact(&mut check)?;
        header.extend_from_slice(&check);
    }
    if header.len() > GZIP_HEADER { Err(invalid()) } else { Ok(header) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn every_member_of_a_gzip_file_is_found() {
        let mut blob = Vec::new();
        let text = testdata::corpus::text(1, 300_000);
        for part in [&text[..], b"", b"short"] {
            let mut member = flate2::GzBuilder::new().filename("a name").write(Vec::new(), flate2::Compression::fast());
            member.write_all(part).unwrap();
            blob.extend(member.finish().unwrap());
        }
        let mut members = Members::new(&blob);
        let mut content = Vec::new();
        members.read_to_end(&mut content).unwrap();
        assert_eq!(content, [&text[..], b"short"].concat());
        assert_eq!(members.done.len(), 3);
        assert_eq!(members.done[2].content, (300_000, 300_005));
        assert_eq!(members.done[2].header.len(), 17);
    }
}
