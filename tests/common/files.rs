//! Folders before and after.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use bundle_format::Digest;

/// A file as it lies there: what it is, and whether it is still the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub content: Digest,
    pub inode: u64,
    pub mode: u32,
    /// Seconds and nanoseconds of the last change.
    pub changed: (i64, i64),
}

/// Every file below a folder by its relative path; a folder by its path and a slash.
pub type Tree = BTreeMap<String, Option<File>>;

pub fn tree(dir: &Path) -> Tree {
    let mut out = Tree::new();
    collect(dir, "", &mut out);
    out
}

fn collect(dir: &Path, prefix: &str, out: &mut Tree) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        let meta = entry.metadata().unwrap();
        if meta.is_dir() {
            collect(&entry.path(), &format!("{name}/"), out);
            out.insert(format!("{name}/"), None);
        } else if meta.is_file() {
            let content = Digest::of_reader(&mut fs::File::open(entry.path()).unwrap()).unwrap().0;
            let (mode, changed) = (meta.mode(), (meta.mtime(), meta.mtime_nsec()));
            out.insert(name, Some(File { content, inode: meta.ino(), mode, changed }));
        } else {
            out.insert(name, None);
        }
    }
}

/// No file came, went, or was written. A site's `lock` says who had it last, and is no content.
pub fn assert_same(before: &Tree, after: &Tree, what: &str) {
    let lock = |name: &str| name.ends_with("/lock");
    let differs = |a: &Tree, b: &Tree| -> Vec<String> {
        a.iter().filter(|(name, file)| !lock(name) && b.get(*name) != Some(*file)).map(|(n, _)| n.clone()).collect()
    };
    let (gone, came) = (differs(before, after), differs(after, before));
    assert!(gone.is_empty() && came.is_empty(), "{what}: not as before: {gone:?}, now {came:?}");
}

/// Every blob of the layout is what its name says; returns how many there are.
pub fn proved_blobs(layout: &Path) -> usize {
    let blobs = tree(&layout.join("blobs/sha256"));
    for (name, file) in &blobs {
        assert_eq!(file.as_ref().unwrap().content.hex(), *name, "{}", layout.display());
    }
    blobs.len()
}

/// Changes a file without changing its length: flips the bits of the byte in the middle.
pub fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(path, bytes).unwrap();
}
