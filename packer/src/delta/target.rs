//! The blob that a patch shall make: its content, and how each compressed stream of it is made again.

use std::io;

use bundle_format::delta::{Bytes, Cursor, Form, Spool};
use bundle_format::limits;
use bundle_format::recode::Opening;

use super::corpus::Corpus;

/// A blob, taken apart.
#[derive(Debug)]
pub struct Target {
    /// Its content.
    pub content: Spool,
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
}

impl Target {
    /// Nothing if no compressor is known that makes it again.
    pub fn of(blob: &dyn Bytes, corpus: &Corpus) -> io::Result<Option<Self>> {
        let mut first = [0; 4];
        let n = blob.len().min(4);
        blob.read_at(0, &mut first[..n as usize])?;
        if Form::of(&first) != Form::Plain {
            return Ok(None);
        }
        let input = Cursor::new(blob, 0, blob.len());
        let content = Spool::fill(input, corpus.memory / 4, limits::BLOB_BYTES, &corpus.dir)?;
        Ok(Some(Self { content, streams: Vec::new(), compressor: "not compressed".to_owned() }))
    }
}
