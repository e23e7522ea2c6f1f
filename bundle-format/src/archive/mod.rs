//! The archive: a strict subset of ustar, our own reader and writer (spec/bundle.md section 1).

mod header;
mod name;
mod reader;
mod writer;

pub use header::{BLOCK, archive_len, encode as encode_header, padding};
pub use name::{MemberName, MemberNameError};
pub use reader::{ArchiveError, ArchiveReader, Fault};
pub use writer::ArchiveWriter;
