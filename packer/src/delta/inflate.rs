//! Contents out of blobs.

use std::io::{self, BufReader, Chain, Cursor, Read};

use bundle_format::delta::{Form, Spool};

/// A blob's beginning again before its rest.
type Whole<'a, R> = Watched<Chain<Cursor<Vec<u8>>, &'a mut R>>;

/// A reader that remembers whether it failed: what inflates may fail for its own reasons.
struct Watched<R> {
    input: R,
    failed: bool,
}

impl<R> Watched<R> {
    fn new(input: R) -> Self {
        Self { input, failed: false }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer);
        self.failed |= read.as_ref().is_err_and(|e| e.kind() != io::ErrorKind::Interrupted);
        read
    }
}

/// The form of the blob that `blob` gives, and what `fill` makes of its content. Nothing if it begins as if it were compressed, and
/// does not inflate to its end: bytes follow it, it is cut, or it is none. `blob` is read to its end in any case.
pub fn inflated<R: Read>(
    mut blob: R,
    size: u64,
    fill: impl FnOnce(&mut dyn Read) -> io::Result<Spool>,
) -> io::Result<Option<(Form, Spool)>> {
    let mut first = Vec::new();
    blob.by_ref().take(size.min(4)).read_to_end(&mut first)?;
    let form = Form::of(&first);
    let whole: Whole<'_, R> = Watched::new(Cursor::new(first).chain(&mut blob));
    let spool = match form {
        Form::Gzip => {
            let input = flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(1 << 16, whole));
            let mut input = Watched::new(input);
            let filled = fill(&mut input);
            judged(filled, input.failed, input.input.get_ref().get_ref().failed)?
        }
        Form::Zstd => {
            let input = zstd::stream::read::Decoder::with_buffer(BufReader::with_capacity(1 << 16, whole))?;
            let mut input = Watched::new(input);
            let filled = fill(&mut input);
            judged(filled, input.failed, input.input.get_ref().get_ref().failed)?
        }
        _ => {
            let mut input = whole;
            Some(fill(&mut input)?)
        }
    };
    // All is read, so that all is hashed.
    io::copy(&mut blob, &mut io::sink())?;
    Ok(spool.map(|spool| (form, spool)))
}

/// Nothing if inflating failed, and not reading or writing.
fn judged(filled: io::Result<Spool>, inflating: bool, reading: bool) -> io::Result<Option<Spool>> {
    match filled {
        Err(_) if inflating && !reading => Ok(None),
        filled => filled.map(Some),
    }
}
