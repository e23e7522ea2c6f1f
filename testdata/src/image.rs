//! Small multi-layer images.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use bundle_format::{BlobSource, Descriptor, Digest, Platform, SourceError, media};
use serde_json::json;

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// As most registries hold it.
    Gzip,
    /// As newer builders can.
    Zstd,
}

/// The files of a layer: path and content.
#[derive(Debug, Clone)]
pub struct Layer {
    files: Vec<(String, Vec<u8>)>,
    compression: Compression,
}

impl Layer {
    /// A layer of `files`, compressed.
    pub fn new<P: Into<String>, C: Into<Vec<u8>>>(
        compression: Compression,
        files: impl IntoIterator<Item = (P, C)>,
    ) -> Self {
        Self { files: files.into_iter().map(|(p, c)| (p.into(), c.into())).collect(), compression }
    }

    /// The uncompressed tar of the layer.
    ///
    /// # Errors
    /// None but those of memory; a path that is no path in a tar.
    pub fn tar(&self) -> io::Result<Vec<u8>> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, content) in &self.files {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o755);
            tar.append_data(&mut header, path, content.as_slice())?;
        }
        tar.into_inner()
    }
}

/// An image, or an index of images, in memory.
#[derive(Debug, Clone)]
pub struct Image {
    root: Descriptor,
    blobs: BTreeMap<Digest, Vec<u8>>,
}

impl Image {
    /// An image for `platform` (`os/architecture[/variant]`) of `layers`, in OCI form.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn new(platform: &str, layers: &[Layer]) -> io::Result<Self> {
        Self::running(platform, layers, &["/bin/app"])
    }

    /// The same, which runs `command`.
    ///
    /// # Errors
    /// Those of the layers.
    pub fn running(platform: &str, layers: &[Layer], command: &[&str]) -> io::Result<Self> {
        let mut blobs = BTreeMap::new();
        let mut descriptors = Vec::new();
        let mut diff_ids = Vec::new();
        for layer in layers {
            let tar = layer.tar()?;
            diff_ids.push(Digest::of(&tar));
            let (media_type, blob) = match layer.compression {
                Compression::None => (media::OCI_LAYER_TAR, tar),
                Compression::Gzip => (media::OCI_LAYER_GZIP, gzip(&tar)?),
                Compression::Zstd => (media::OCI_LAYER_ZSTD, zstd::encode_all(tar.as_slice(), 3)?),
            };
            descriptors.push(keep(&mut blobs, media_type, blob));
        }
        let platform = parse_platform(platform);
        let config = json!({
            "architecture": platform.architecture,
            "os": platform.os,
            "config": {"Cmd": command},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": [],
        });
        let config = keep(&mut blobs, media::OCI_CONFIG, serde_json::to_vec(&config)?);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "config": config, "layers": descriptors,
        });
        let mut root = keep(&mut blobs, media::OCI_MANIFEST, serde_json::to_vec(&manifest)?);
        root.platform = Some(platform);
        Ok(Self { root, blobs })
    }

    /// An index over `images`.
    ///
    /// # Errors
    /// None but those of memory.
    pub fn index(images: impl IntoIterator<Item = Self>) -> io::Result<Self> {
        let mut blobs = BTreeMap::new();
        let mut manifests = Vec::new();
        for image in images {
            manifests.push(image.root);
            blobs.extend(image.blobs);
        }
        let index = json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": manifests});
        let root = keep(&mut blobs, media::OCI_INDEX, serde_json::to_vec(&index)?);
        Ok(Self { root, blobs })
    }

    /// The image's manifest or index.
    #[must_use]
    pub fn root(&self) -> &Descriptor {
        &self.root
    }

    /// Every blob: manifests, configurations, layers.
    #[must_use]
    pub fn blobs(&self) -> &BTreeMap<Digest, Vec<u8>> {
        &self.blobs
    }

    /// The files of an OCI image layout that holds the image under `name`: path and content, in order.
    ///
    /// # Errors
    /// None but those of memory.
    pub fn layout(&self, name: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
        let root = self.root.clone().annotated(media::REF_NAME, name);
        let index = json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [root]});
        let mut files = vec![
            ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
            ("index.json".to_owned(), serde_json::to_vec(&index)?),
        ];
        files.extend(self.blobs.iter().map(|(digest, blob)| (format!("blobs/sha256/{}", digest.hex()), blob.clone())));
        Ok(files)
    }

    /// Writes an OCI image layout into the new folder `dir`.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write_layout(&self, dir: &Path, name: &str) -> io::Result<()> {
        fs::create_dir_all(dir.join("blobs/sha256"))?;
        for (path, content) in self.layout(name)? {
            fs::write(dir.join(path), content)?;
        }
        Ok(())
    }

    /// Writes an OCI archive, the layout in a tar.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write_oci_archive(&self, file: &Path, name: &str) -> io::Result<()> {
        write_tar(file, &self.layout(name)?)
    }
}

/// Writes `files` as a tar.
///
/// # Errors
/// Those of the file system.
pub fn write_tar(file: &Path, files: &[(String, Vec<u8>)]) -> io::Result<()> {
    let mut tar = tar::Builder::new(File::create(file)?);
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content.as_slice())?;
    }
    tar.into_inner()?.flush()
}

impl BlobSource for Image {
    fn open(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send + '_>, SourceError> {
        match self.blobs.get(&blob.digest) {
            Some(bytes) => Ok(Box::new(bytes.as_slice())),
            None => Err(SourceError::Missing { place: self.place(), what: blob.digest.to_string() }),
        }
    }

    fn place(&self) -> String {
        "an image in memory".to_owned()
    }
}

fn keep(blobs: &mut BTreeMap<Digest, Vec<u8>>, media_type: &str, bytes: Vec<u8>) -> Descriptor {
    let descriptor = Descriptor::of(media_type, &bytes);
    blobs.insert(descriptor.digest, bytes);
    descriptor
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn parse_platform(name: &str) -> Platform {
    let mut parts = name.split('/').map(str::to_owned);
    Platform {
        os: parts.next().unwrap_or_default(),
        architecture: parts.next().unwrap_or_default(),
        os_version: None,
        variant: parts.next(),
    }
}
