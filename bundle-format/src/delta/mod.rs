//! Patches: how a blob is made from other blobs, to the bit (spec/delta.md).

mod bytes;
mod header;
mod machine;
mod model;
mod patch;
mod script;
mod space;
mod stack;
mod writer;

use std::io::{self, Read};

pub use bytes::{Bytes, Cursor, Joined, Part, Spool};
pub use header::{EXPANSIONS, Expansion, Form, Header, MAGIC, SOURCES, Source};
pub use machine::rebuild;
pub use patch::{LITERAL_BITS, LITERALS, Parameters, Patch, WINDOW_BITS};
pub use script::{DIFFER, GZIP_HEADER, ITEM_BYTES, STEPS, Step};
pub use space::{SourceOpener, Space, inflate};
pub use writer::{Coding, Writer, copy_all};

/// Why a blob was not rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    /// The patch breaks a rule of its format.
    #[error("the patch is malformed: {0}")]
    Malformed(&'static str),
    /// It would need more memory than is allowed.
    #[error("the patch needs {needed} bytes of memory, {allowed} are allowed")]
    Memory {
        /// What it says that it needs.
        needed: u64,
        /// What the caller allows.
        allowed: u64,
    },
    /// A source does not inflate to what the patch says.
    #[error("the source {digest} is not compressed as the patch says: {why}")]
    Source {
        /// The source.
        digest: crate::Digest,
        /// What is wrong.
        why: io::Error,
    },
    /// Reading the patch, or writing what it makes.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Most bytes of the corrections of one stream.
const CORRECTIONS_BYTES: u64 = 64 << 20;

/// Corrections as a stream of their own: they are small beside what they correct.
fn read_section(section: impl Read) -> Result<Box<dyn Read + Send>, DeltaError> {
    let mut bytes = Vec::new();
    section.take(CORRECTIONS_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 <= CORRECTIONS_BYTES {
        true => Ok(Box::new(io::Cursor::new(bytes))),
        false => Err(DeltaError::Malformed("a stream has too many corrections")),
    }
}
