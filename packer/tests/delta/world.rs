//! Layers to make patches between, and a rebuilding that shares nothing with the packer but the decoder.

use std::collections::HashMap;
use std::io::{Read, Write};

use bundle_format::Digest;
use bundle_format::delta::{Bytes, Form, Header, Spool, rebuild};
use bundle_format::recode::{Maker, Recipe};
use packer::delta::{Corpus, Effort, Outcome, Patch};

/// A file of a layer: its path, seconds of its time, its bytes.
pub type File = (String, u64, Vec<u8>);

/// A tar of files.
pub fn tar(files: &[File]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for (name, time, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mtime(*time);
        header.set_mode(0o644);
        out.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    out.into_inner().unwrap()
}

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packed {
    Plain,
    /// By a compressor that is known.
    Known(Recipe),
    /// By flate2's own, which is not.
    Unknown(u32),
    /// Gzip members of so many bytes of content each.
    Members(Recipe, usize),
    Zstd(i32),
}

/// A recipe without further parameters.
pub const fn recipe(maker: Maker, variant: u8, level: i8) -> Recipe {
    Recipe { maker, variant, level, block: 0 }
}

/// DEFLATE data, or a frame, of a recipe.
pub fn deflated(recipe: Recipe, content: &[u8]) -> Vec<u8> {
    let (mut compressor, mut out) = (recipe.compressor(1, None).unwrap(), Vec::new());
    compressor.write(content, &mut out);
    compressor.finish(&mut out);
    out
}

/// A gzip member of a recipe.
pub fn member(recipe: Recipe, content: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(deflated(recipe, content));
    let mut crc = flate2::Crc::new();
    crc.update(content);
    out.extend(crc.sum().to_le_bytes());
    out.extend(crc.amount().to_le_bytes());
    out
}

/// `content`, compressed.
pub fn packed(how: Packed, content: &[u8]) -> Vec<u8> {
    match how {
        Packed::Plain => content.to_vec(),
        Packed::Known(recipe) => member(recipe, content),
        Packed::Unknown(level) => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
            out.write_all(content).unwrap();
            out.finish().unwrap()
        }
        Packed::Members(recipe, n) => content.chunks(n).flat_map(|part| member(recipe, part)).collect(),
        Packed::Zstd(level) => zstd::encode_all(content, level).unwrap(),
    }
}

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

/// The space of a patch: the contents of its sources and of what is expanded (spec/delta.md section 3.2).
pub fn space(header: &Header, blobs: &[Vec<u8>]) -> Vec<u8> {
    let by_digest: HashMap<Digest, &Vec<u8>> = blobs.iter().map(|b| (Digest::of(b), b)).collect();
    let mut space = Vec::new();
    for source in &header.sources {
        let blob = by_digest[&source.digest];
        let content = inflated(source.form, blob);
        assert_eq!((source.size, source.content), (blob.len() as u64, content.len() as u64));
        space.extend(content);
    }
    for e in &header.expansions {
        let content = inflated(e.form, &space[e.at as usize..][..e.size as usize]);
        assert_eq!(e.content, content.len() as u64);
        space.extend(content);
    }
    space
}

pub fn bytes(spool: &Spool) -> Vec<u8> {
    let mut out = vec![0; spool.len() as usize];
    spool.read_at(0, &mut out).unwrap();
    out
}

/// What the packer makes of `new`, if the site has `old`.
pub fn encoded(old: &[Vec<u8>], new: &[u8], effort: Effort) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let mut corpus = Corpus::new(effort, 64 << 20, dir.path());
    for blob in old {
        corpus.add(Digest::of(blob), blob.len() as u64, blob.as_slice()).unwrap();
    }
    corpus.encode(Digest::of(new), new.len() as u64, &new.to_vec()).unwrap()
}

/// Rebuilds `new` from a patch and `old`, with one thread and with three, and compares.
pub fn exact(patch: &Patch, old: &[Vec<u8>], new: &[u8]) {
    let patch_bytes = bytes(&patch.bytes);
    assert_eq!(patch.digest, Digest::of(&patch_bytes));
    assert_eq!((patch.header.digest, patch.header.size), (Digest::of(new), new.len() as u64));
    let space = space(&patch.header, old);
    for threads in [1, 3] {
        let mut out = Vec::new();
        rebuild(&patch_bytes, &space, threads, &mut out).unwrap();
        assert!(out == new, "rebuilt otherwise with {threads} threads");
    }
}

/// Encodes, rebuilds and compares; returns the patch's bytes, if there is a patch.
pub fn round(old: &[Vec<u8>], new: &[u8], effort: Effort) -> Option<usize> {
    match encoded(old, new, effort) {
        Outcome::Patch(patch) => {
            exact(&patch, old, new);
            Some(patch.bytes.len() as usize)
        }
        Outcome::Whole(_) => None,
    }
}

/// A zip archive whose members are deflated by a recipe.
pub fn zip(files: &[(&str, Vec<u8>)], recipe: Recipe) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let at = out.len() as u32;
        let data = deflated(recipe, content);
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut fields = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        fields.extend(crc.sum().to_le_bytes());
        fields.extend((data.len() as u32).to_le_bytes());
        fields.extend((content.len() as u32).to_le_bytes());
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&fields);
        out.extend(name.as_bytes());
        out.extend(data);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let at = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([(files.len() as u16).to_le_bytes(), (files.len() as u16).to_le_bytes()].concat());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// An ELF file with code, and a section that is compressed as linkers do it.
pub fn elf(code: &[u8], section: &[u8]) -> Vec<u8> {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    zlib.write_all(section).unwrap();
    let mut body = [1_u32.to_le_bytes(), [0; 4]].concat();
    body.extend((section.len() as u64).to_le_bytes());
    body.extend(1_u64.to_le_bytes());
    body.extend(zlib.finish().unwrap());
    let names = b"\0.debug_info\0.shstrtab\0";
    let mut out = b"\x7fELF\x02\x01\x01".to_vec();
    out.resize(64, 0);
    out.extend(code);
    let (body_at, names_at) = (out.len(), out.len() + body.len());
    out.extend(&body);
    out.extend(names);
    let table = out.len() as u64;
    for (name, flags, at, len) in [(0, 0, 0, 0), (1, 0x800_u64, body_at, body.len()), (13, 0, names_at, names.len())] {
        out.extend([(name as u32).to_le_bytes(), 1_u32.to_le_bytes()].concat());
        for number in [flags, 0, at as u64, len as u64, 0, 1, 0] {
            out.extend(number.to_le_bytes());
        }
    }
    out[40..48].copy_from_slice(&table.to_le_bytes());
    for (at, number) in [(58, 64_u16), (60, 3), (62, 2)] {
        out[at..at + 2].copy_from_slice(&number.to_le_bytes());
    }
    out
}
