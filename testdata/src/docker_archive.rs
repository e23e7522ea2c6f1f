//! Docker archives, in both layouts that `docker save` has written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use bundle_format::{Descriptor, Digest, Document, Raw, media};
use serde_json::{Value, json};

use crate::Image;
use crate::image::write_tar;

/// Writes `images`, each with the names that it is saved under, as docker before version 25 does (moby image/spec v1.2):
/// a configuration, and a folder for every layer with the uncompressed `layer.tar`. A layer that an earlier image of the
/// archive has is a symbolic link to it. The manifest, and with it the image's digest, is lost.
///
/// # Errors
/// Those of the file system; an image that is an index.
pub fn write_before_25(file: &Path, images: &[(&Image, &[&str])]) -> io::Result<()> {
    let mut tar = tar::Builder::new(File::create(file)?);
    let mut list = Vec::new();
    let mut written: BTreeMap<Digest, String> = BTreeMap::new();
    for (image, names) in images {
        let (config, layers) = parts(image)?;
        let mut paths = Vec::new();
        let mut parent = String::new();
        for layer in &layers {
            let content = uncompressed(image, layer)?;
            let diff_id = Digest::of(&content);
            let id = Digest::of(format!("{parent} {diff_id}").as_bytes()).hex();
            let path = format!("{id}/layer.tar");
            match written.get(&diff_id) {
                Some(same) if *same == path => {}
                Some(other) => {
                    folder(&mut tar, &id, &parent)?;
                    let mut header = tar::Header::new_gnu();
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_size(0);
                    tar.append_link(&mut header, &path, format!("../{other}"))?;
                }
                None => {
                    folder(&mut tar, &id, &parent)?;
                    append(&mut tar, &path, &content)?;
                    written.insert(diff_id, path.clone());
                }
            }
            paths.push(path);
            parent = id;
        }
        let path = format!("{}.json", config.digest.hex());
        append(&mut tar, &path, blob(image, &config)?)?;
        list.push(entry(path, names, paths));
    }
    append(&mut tar, "manifest.json", &serde_json::to_vec(&list)?)?;
    tar.into_inner()?.flush()
}

/// Writes `images`, each with the names that it is saved under, as docker since version 25 does: an OCI layout in which
/// the image keeps its manifest or index, with a `manifest.json` beside it for older readers.
///
/// # Errors
/// Those of the file system; an index without an image.
pub fn write_since_25(file: &Path, images: &[(&Image, &[&str])]) -> io::Result<()> {
    let path = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
    let mut files = BTreeMap::new();
    let mut list = Vec::new();
    let mut entries = Vec::new();
    for (image, names) in images {
        for (digest, bytes) in image.blobs() {
            files.insert(path(digest), bytes.clone());
        }
        let (config, layers) = parts(image)?;
        list.push(entry(path(&config.digest), names, layers.iter().map(|layer| path(&layer.digest)).collect()));
        if names.is_empty() {
            entries.push(image.root().clone());
        }
        for name in *names {
            let tag = name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
            let full = format!("docker.io/library/{name}");
            let root = image.root().clone();
            entries.push(root.annotated("io.containerd.image.name", full).annotated(media::REF_NAME, tag));
        }
    }
    let index = json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": entries});
    files.insert("index.json".to_owned(), serde_json::to_vec(&index)?);
    files.insert("manifest.json".to_owned(), serde_json::to_vec(&list)?);
    files.insert("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
    write_tar(file, &files.into_iter().collect::<Vec<_>>())
}

/// Configuration and layers of the image, or of an index's first image.
fn parts(image: &Image) -> io::Result<(Descriptor, Vec<Descriptor>)> {
    let mut at = image.root().clone();
    loop {
        match Raw::parse(&at, blob(image, &at)?.to_vec()).map_err(io::Error::other)?.value().clone() {
            Document::Image { config, layers, .. } => return Ok((config, layers)),
            Document::Index { manifests, .. } => {
                at = manifests.into_iter().next().ok_or_else(|| io::Error::other("an index without an image"))?;
            }
        }
    }
}

fn blob<'a>(image: &'a Image, descriptor: &Descriptor) -> io::Result<&'a [u8]> {
    let blob = image.blobs().get(&descriptor.digest).ok_or_else(|| io::Error::other("a blob is missing"))?;
    Ok(blob)
}

fn uncompressed(image: &Image, layer: &Descriptor) -> io::Result<Vec<u8>> {
    let bytes = blob(image, layer)?;
    let mut out = Vec::new();
    match layer.media_type.as_str() {
        media::OCI_LAYER_GZIP => flate2::read::GzDecoder::new(bytes).read_to_end(&mut out)?,
        media::OCI_LAYER_ZSTD => zstd::Decoder::new(bytes)?.read_to_end(&mut out)?,
        _ => {
            out.extend_from_slice(bytes);
            out.len()
        }
    };
    Ok(out)
}

/// The folder of a layer, with the two files that readers of the first format want.
fn folder(tar: &mut tar::Builder<File>, id: &str, parent: &str) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(0o755);
    header.set_size(0);
    tar.append_data(&mut header, format!("{id}/"), io::empty())?;
    append(tar, &format!("{id}/VERSION"), b"1.0")?;
    append(tar, &format!("{id}/json"), &serde_json::to_vec(&json!({"id": id, "parent": parent}))?)
}

fn append(tar: &mut tar::Builder<File>, path: &str, content: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, path, content)
}

fn entry(config: String, names: &[&str], layers: Vec<String>) -> Value {
    let tags = if names.is_empty() { Value::Null } else { json!(names) };
    json!({"Config": config, "RepoTags": tags, "Layers": layers})
}
