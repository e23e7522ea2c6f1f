//! The vectors of spec/delta.md: patches that rebuild what `spec/vectors/deltas/index.json` says. `UPDATE=1` makes them anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "deltas/cases.rs"]
mod cases;

use std::io::Read;
use std::path::{Path, PathBuf};

use bundle_format::Digest;
use bundle_format::delta::{Form, Header, rebuild};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors/deltas")
}

/// The content of a form, by decoders that know nothing of patches.
fn inflated(form: Form, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match form {
        Form::Plain => out.extend(bytes),
        Form::Gzip => drop(flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut out).unwrap()),
        Form::Zstd => out = zstd::decode_all(bytes).unwrap(),
        Form::Deflate => drop(flate2::read::DeflateDecoder::new(bytes).read_to_end(&mut out).unwrap()),
        Form::Zlib => drop(flate2::read::ZlibDecoder::new(bytes).read_to_end(&mut out).unwrap()),
    }
    out
}

/// The space of a patch from blobs in the order of its sources.
fn space(header: &Header, blobs: &[Vec<u8>]) -> Vec<u8> {
    let mut space = Vec::new();
    for (source, blob) in header.sources.iter().zip(blobs) {
        assert_eq!((source.digest, source.size), (Digest::of(blob), blob.len() as u64));
        space.extend(inflated(source.form, blob));
    }
    for e in &header.expansions {
        space.extend(inflated(e.form, &space[e.at as usize..][..e.size as usize]));
    }
    space
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|e| panic!("{name}: {e}; UPDATE=1 makes it"))
}

#[test]
fn every_vector_is_rebuilt_from_the_files_beside_it() {
    if std::env::var_os("UPDATE").is_some() {
        update();
    }
    let index: Vec<Value> = serde_json::from_slice(&read("index.json")).unwrap();
    assert_eq!(index.len(), cases::all().len());
    for vector in index {
        let text = |name: &str| vector[name].as_str().unwrap();
        let patch = read(&format!("{}.patch", text("name")));
        assert_eq!(Digest::of(&patch).hex(), text("sha256"), "{}", text("name"));
        let sources: Vec<Vec<u8>> =
            vector["sources"].as_array().unwrap().iter().map(|s| read(s.as_str().unwrap())).collect();
        let header = Header::read(&mut patch.as_slice()).unwrap();
        assert_eq!(header.sources.len(), sources.len());
        let space = space(&header, &sources);
        for threads in [1, 2] {
            let mut out = Vec::new();
            rebuild(&patch, &space, threads, &mut out).unwrap_or_else(|e| panic!("{}: {e}", text("name")));
            assert_eq!(Digest::of(&out).hex(), text("makes"), "{}", text("name"));
        }
        assert_eq!(header.digest.hex(), text("makes"), "{}", text("name"));
    }
}

/// A change here is a change of the format: it needs another version (spec/delta.md section 8).
#[test]
fn the_vectors_are_what_is_written_today() {
    for case in cases::all() {
        assert!(case.patch() == read(&format!("{}.patch", case.name)), "{} is coded otherwise", case.name);
    }
}

fn update() {
    let (mut index, mut total) = (Vec::new(), 0);
    let mut write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder().join(name), bytes).unwrap();
        total += bytes.len();
    };
    for (name, bytes) in cases::files() {
        write(name, &bytes);
    }
    for case in cases::all() {
        let patch = case.patch();
        write(&format!("{}.patch", case.name), &patch);
        index.push(json!({
            "name": case.name,
            "shows": case.shows,
            "sources": case.sources.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            "sha256": Digest::of(&patch).hex(),
            "makes": Digest::of(&case.blob).hex(),
            "size": case.blob.len(),
        }));
    }
    let mut text = serde_json::to_string_pretty(&index).unwrap();
    text.push('\n');
    write("index.json", text.as_bytes());
    assert!(total < 200_000, "{total} bytes of vectors");
}
