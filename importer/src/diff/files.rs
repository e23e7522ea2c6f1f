//! Two trees of files compared.

use std::collections::BTreeSet;

use super::Change;
use super::layer::{Entry, Tree};

/// A path that is not the same in both images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The path, without a slash in front. Bytes that are no UTF-8 are replaced: it is to be shown, never opened.
    pub path: String,
    /// What became of it.
    pub change: Change,
    /// What the old image has there.
    pub old: Option<Entry>,
    /// What the new image has there.
    pub new: Option<Entry>,
}

/// What became of an image's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilesDiff {
    /// The paths that differ, sorted.
    Compared(Vec<FileChange>),
    /// They were not compared, and why.
    NotCompared(String),
}

/// The paths that differ.
pub fn compare(old: &Tree, new: &Tree) -> Vec<FileChange> {
    let (old, new) = (old.files(), new.files());
    let paths: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let diff = |path: &Vec<u8>| {
        let (was, is) = (old.get(path).copied(), new.get(path).copied());
        let change = Change::between(was.as_ref(), is.as_ref());
        let path = String::from_utf8_lossy(path).into_owned();
        (change != Change::Same).then_some(FileChange { path, change, old: was, new: is })
    };
    paths.into_iter().filter_map(diff).collect()
}
