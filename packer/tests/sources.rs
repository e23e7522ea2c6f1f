//! Images read from folders and archives: what comes out is exactly the image that went in, or a refusal with the path.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "sources/docker.rs"]
mod docker;
#[path = "sources/oci.rs"]
mod oci;
#[path = "sources/refusals.rs"]
mod refusals;
#[path = "sources/spec.rs"]
mod spec;
#[path = "sources/tools.rs"]
mod tools;

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::path::Path;

use bundle_format::{Descriptor, Digest, Document, Raw, SourceError, VerifiedReader, limits};
use packer::source::{ImageSource, SourceSpec};
use testdata::{Compression, Image, Layer};

type Files = Vec<(String, Vec<u8>)>;

/// Opens `text`, relative to `dir`.
fn open(dir: &Path, text: &str) -> Result<Box<dyn ImageSource>, SourceError> {
    SourceSpec::parse(text, dir).unwrap().open(|name| panic!("{name} is in no file"))
}

/// Walks the source from its root and reads every blob to its proved end; returns their sizes by digest.
fn walk(source: &dyn ImageSource) -> Result<BTreeMap<Digest, u64>, Box<dyn Error>> {
    let mut seen = BTreeMap::new();
    let mut todo = vec![(source.root()?, 0)];
    while let Some((blob, depth)) = todo.pop() {
        assert!(depth <= limits::INDEX_DEPTH);
        if blob.is_document() {
            let raw = Raw::parse(&blob, source.read(&blob, limits::MANIFEST_BYTES)?)?;
            todo.extend(raw.value().children().map(|child| (child.clone(), depth + 1)));
        } else {
            read_to_end(source, &blob)?;
        }
        seen.insert(blob.digest, blob.size);
    }
    Ok(seen)
}

/// What must hold of every source that opens.
fn validate(source: &dyn ImageSource) -> BTreeMap<Digest, u64> {
    walk(source).unwrap_or_else(|e| panic!("{}: {e}", source.place()))
}

fn read_to_end(source: &dyn ImageSource, blob: &Descriptor) -> io::Result<u64> {
    let reader = source.open(blob).map_err(io::Error::other)?;
    io::copy(&mut VerifiedReader::new(reader, blob.digest, blob.size), &mut io::sink())
}

/// Configuration and layers of an image with neither variants nor platforms.
fn parts(source: &dyn ImageSource) -> (Descriptor, Vec<Descriptor>) {
    let root = source.root().unwrap();
    match Raw::parse(&root, source.read(&root, limits::MANIFEST_BYTES).unwrap()).unwrap().value().clone() {
        Document::Image { config, layers, .. } => (config, layers),
        Document::Index { .. } => panic!("{} is an index", root.digest),
    }
}

fn sizes(image: &Image) -> BTreeMap<Digest, u64> {
    image.blobs().iter().map(|(digest, bytes)| (*digest, bytes.len() as u64)).collect()
}

/// An image that differs by `name`, on a base layer that all of them share.
fn image(name: &str, compression: Compression) -> Image {
    let base = Layer::new(compression, [("etc/os-release", "ID=sealift\n".repeat(500))]);
    let app = Layer::new(compression, [("bin/app", name.repeat(3000)), ("bin/version", name.to_owned())]);
    Image::new("linux/amd64", &[base, app]).unwrap()
}

/// Two platforms under one index.
fn platforms() -> Image {
    let of = |platform| {
        let layer = Layer::new(Compression::Zstd, [("bin/app", platform)]);
        Image::new(platform, &[layer]).unwrap()
    };
    Image::index([of("linux/amd64"), of("linux/arm64/v8")]).unwrap()
}
