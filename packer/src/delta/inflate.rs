//! Contents out of blobs.

use std::io::{self, BufReader, Chain, Cursor, Read};

use bundle_format::delta::{Form, Spool};

/// A blob's beginning again before its rest.
type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

/// The form of the blob that `blob` gives, and what `fill` makes of its content. `blob` is read to its end.
pub fn inflated<R: Read>(
    mut blob: R,
    size: u64,
    fill: impl FnOnce(&mut dyn Read) -> io::Result<Spool>,
) -> io::Result<(Form, Spool)> {
    let mut first = Vec::new();
    blob.by_ref().take(size.min(4)).read_to_end(&mut first)?;
    let form = Form::of(&first);
    let whole: Whole<R> = Cursor::new(first).chain(blob);
    let spool = match form {
        Form::Gzip => {
            let mut input = flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(1 << 16, whole));
            let spool = fill(&mut input)?;
            drain(input.into_inner())?;
            spool
        }
        Form::Zstd => {
            let mut input = zstd::stream::read::Decoder::with_buffer(BufReader::with_capacity(1 << 16, whole))?;
            let spool = fill(&mut input)?;
            drain(input.finish())?;
            spool
        }
        _ => {
            let mut input = whole;
            let spool = fill(&mut input)?;
            drain(input)?;
            spool
        }
    };
    Ok((form, spool))
}

/// Reads what is left, so that all is hashed.
fn drain(mut input: impl Read) -> io::Result<()> {
    io::copy(&mut input, &mut io::sink()).map(drop)
}
