//! What compressors make, and the vectors of it in spec/vectors/compressors.

use std::fs;
use std::path::Path;

use bundle_format::recode::Compressor;
use sha2::{Digest, Sha256};

/// All that `by` makes of `content`, in one call.
pub fn compressed(mut by: impl Compressor, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    by.write(content, &mut out);
    by.finish(&mut out);
    out
}

/// The same, with content that comes in pieces of `sizes`, again and again.
pub fn compressed_in_pieces(mut by: impl Compressor, mut content: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    for size in sizes.iter().cycle() {
        let (now, rest) = content.split_at(content.len().min(*size));
        by.write(now, &mut out);
        content = rest;
        if content.is_empty() {
            break;
        }
    }
    by.finish(&mut out);
    out
}

/// A line of a file of vectors: maker, level, corpus, bytes, SHA-256 of what is made.
pub fn row(maker: &str, level: u8, corpus: &str, made: &[u8]) -> String {
    format!("{maker}\t{level}\t{corpus}\t{}\t{}\n", made.len(), hex::encode(Sha256::digest(made)))
}

/// The vectors are `rows`, or become so with UPDATE=1.
pub fn assert_vectors(name: &str, rows: &[String]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors/compressors").join(name);
    let found = format!("maker\tlevel\tcorpus\tbytes\tsha256\n{}", rows.concat());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    let differ: Vec<_> = expected.lines().zip(found.lines()).filter(|(e, f)| e != f).collect();
    assert!(differ.is_empty(), "{name}, expected and made: {differ:#?}");
    assert_eq!(expected.lines().count(), found.lines().count(), "{name}");
}
