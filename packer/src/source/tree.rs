//! Named files that are only read: what a folder and an archive have in common.

use std::io::Read;

use bundle_format::{SourceError, limits};

use super::{quoted, refused};

/// Files by name. A name is made by us or looked up in a table, so it has no `..` and no leading `/`.
pub(super) trait Tree: Send + Sync {
    /// Opens a file; nothing if there is none of that name.
    fn open(&self, name: &str) -> Result<Option<Content<'_>>, SourceError>;

    /// The path of the folder or the archive.
    fn place(&self) -> &str;
}

/// The bytes of a file, from its beginning.
pub(super) struct Content<'a> {
    pub size: u64,
    pub reader: Box<dyn Read + Send + 'a>,
}

/// A document of at most [`limits::MANIFEST_BYTES`]; nothing if there is none of that name.
pub(super) fn read_document(tree: &impl Tree, name: &str) -> Result<Option<Vec<u8>>, SourceError> {
    let Some(content) = tree.open(name)? else { return Ok(None) };
    let limit = limits::MANIFEST_BYTES;
    let mut bytes = Vec::new();
    // One byte more than allowed, should the file grow between being measured and being read.
    let read = content.reader.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|source| SourceError::Io { place: format!("{} in {}", quoted(name), tree.place()), source })?;
    if content.size > limit || bytes.len() as u64 > limit {
        return Err(refused(
            tree.place(),
            format!("{} is longer than the {limit} bytes that it may have", quoted(name)),
        ));
    }
    Ok(Some(bytes))
}
