//! The content of a bundle, as JSON that a test can change before it is linked by digests.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use bundle_format::version_index::index_json;
use bundle_format::{Descriptor, Digest, media};
use serde_json::{Value, json};

use crate::{Compression, Image, Layer};

/// A template version and its blobs.
#[derive(Debug, Clone)]
pub struct Content {
    /// The version index. Its first manifest is set when the documents are linked.
    pub index: Value,
    /// The documents' manifest.
    pub documents: Value,
    /// All other blobs.
    pub blobs: BTreeMap<Digest, Vec<u8>>,
}

impl Content {
    /// `shop:1.0.0`: a template, a file of Kubernetes manifests, the image `api` for two platforms, the image `web` for one.
    ///
    /// # Errors
    /// None but those of memory.
    pub fn small() -> io::Result<Self> {
        let image = |platform: &str, text: &str| {
            Image::new(platform, &[Layer::new(Compression::None, [("bin/app", text.as_bytes())])])
        };
        let web = image("linux/amd64", "web")?;
        let api = Image::index([image("linux/amd64", "api")?, image("linux/arm64/v8", "api, other")?])?;
        let mut content = Self { index: Value::Null, documents: Value::Null, blobs: BTreeMap::new() };
        let template = content.put(media::TEMPLATE_YAML, TEMPLATE.as_bytes());
        let mut extra = content.put(media::KUBERNETES_YAML, EXTRA.as_bytes());
        extra["annotations"] = json!({"org.opencontainers.image.title": "k8s/extra.yaml"});
        let empty = content.put(media::OCI_EMPTY, b"{}");
        content.documents = json!({
            "schemaVersion": 2,
            "mediaType": media::OCI_MANIFEST,
            "artifactType": media::TEMPLATE,
            "config": empty,
            "layers": [template, extra],
        });
        content.index = json!({
            "schemaVersion": 2,
            "mediaType": media::OCI_INDEX,
            "artifactType": media::TEMPLATE,
            "manifests": [null],
            "annotations": {
                "dev.sealift.template.name": "shop",
                "dev.sealift.template.version": "1.0.0",
                "dev.sealift.template.revision": "1",
            },
        });
        content.add_image(API, &api);
        content.add_image(WEB, &web);
        Ok(content)
    }

    /// Keeps a blob. Returns its descriptor.
    pub fn put(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let descriptor = Descriptor::of(media_type, bytes);
        self.blobs.insert(descriptor.digest, bytes.to_vec());
        json!({"mediaType": media_type, "digest": descriptor.digest, "size": descriptor.size})
    }

    /// Adds an image at the end of the version index.
    pub fn add_image(&mut self, name: &str, image: &Image) {
        self.blobs.extend(image.blobs().iter().map(|(d, b)| (*d, b.clone())));
        self.add_root(name, json!(image.root()));
    }

    /// Adds an image of which `root` is the descriptor.
    pub fn add_root(&mut self, name: &str, mut root: Value) {
        root["annotations"] = json!({"dev.sealift.image.name": name});
        if let Some(manifests) = self.index["manifests"].as_array_mut() {
            manifests.push(root);
        }
    }

    /// The descriptor of the image at `place`, from 1, changed in place.
    pub fn image(&mut self, place: usize) -> &mut Value {
        &mut self.index["manifests"][place]
    }

    /// The descriptors of the images.
    pub fn images(&self) -> impl Iterator<Item = &Value> {
        self.index["manifests"].as_array().into_iter().flatten().skip(1)
    }

    /// A blob that is JSON.
    #[must_use]
    pub fn json(&self, descriptor: &Value) -> Value {
        digest(descriptor).and_then(|d| self.blobs.get(&d)).map(|b| parse(b)).unwrap_or_default()
    }

    /// Changes the manifest or index that the image at `place` is, and everything that names it.
    pub fn edit_image(&mut self, place: usize, edit: impl FnOnce(&mut Value)) {
        let mut root = self.image(place).clone();
        let mut value = self.json(&root);
        edit(&mut value);
        self.replace(&mut root, value.to_string().as_bytes());
        *self.image(place) = root;
    }

    /// Changes a manifest of the index that the image at `place` is, and everything that names it.
    pub fn edit_platform(&mut self, place: usize, platform: usize, edit: impl FnOnce(&mut Value)) {
        let index = self.json(&self.index["manifests"][place]);
        let mut root = index["manifests"][platform].clone();
        let mut value = self.json(&root);
        edit(&mut value);
        self.replace(&mut root, value.to_string().as_bytes());
        self.edit_image(place, |index| index["manifests"][platform] = root);
    }

    /// Puts `bytes` in place of the blob that `descriptor` names.
    pub fn replace(&mut self, descriptor: &mut Value, bytes: &[u8]) {
        if let Some(digest) = digest(descriptor) {
            self.blobs.remove(&digest);
        }
        let new = self.put("", bytes);
        descriptor["digest"] = new["digest"].clone();
        descriptor["size"] = new["size"].clone();
    }

    /// The version index, with the documents linked.
    #[must_use]
    pub fn index_bytes(&self) -> Vec<u8> {
        let documents = Descriptor::of(media::OCI_MANIFEST, self.documents.to_string().as_bytes());
        let mut index = self.index.clone();
        if index["manifests"][0].is_null() {
            index["manifests"][0] = json!(documents);
            index["manifests"][0]["artifactType"] = json!(media::TEMPLATE);
        }
        index.to_string().into_bytes()
    }

    /// The members after the packing list, in the order of spec/bundle.md section 3.7. `name` is the version index's.
    #[must_use]
    pub fn members(&self, name: &str) -> Vec<(String, Vec<u8>)> {
        let index = self.index_bytes();
        let mut own = Descriptor::of(media::OCI_INDEX, &index).annotated(media::REF_NAME, name);
        own.artifact_type = Some(media::TEMPLATE.to_owned());
        let images = self.images().filter_map(|entry| {
            let mut entry = entry.clone();
            entry["annotations"] = json!({media::REF_NAME: entry["annotations"]["dev.sealift.image.name"]});
            serde_json::from_value(entry).ok()
        });
        let entries = std::iter::once(own).chain(images).collect();
        let mut members = vec![
            ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
            ("index.json".to_owned(), index_json(entries).unwrap_or_default()),
        ];
        let mut blobs = self.blobs.clone();
        let documents = self.documents.to_string().into_bytes();
        let first = [Digest::of(&index), Digest::of(&documents)];
        blobs.extend([(first[0], index), (first[1], documents)]);
        for digest in order(first, &blobs) {
            if let Some(blob) = blobs.get(&digest) {
                members.push((format!("blobs/sha256/{}", digest.hex()), blob.clone()));
            }
        }
        members
    }
}

/// What the version index reaches, as far as it is there.
fn order([index, documents]: [Digest; 2], blobs: &BTreeMap<Digest, Vec<u8>>) -> Vec<Digest> {
    let children = |digest: &Digest, kind: &str| -> Vec<Digest> {
        let value = blobs.get(digest).map(|b| parse(b)).unwrap_or_default();
        match &value[kind] {
            Value::Array(all) => all.iter().filter_map(self::digest).collect(),
            one => self::digest(one).into_iter().collect(),
        }
    };
    let mut order = vec![index, documents];
    order.extend(children(&documents, "config"));
    order.extend(children(&documents, "layers"));
    // Manifests and indexes, each image's after the one's before.
    let mut manifests: Vec<Digest> = Vec::new();
    for root in children(&index, "manifests") {
        let mut level = vec![root];
        while !level.is_empty() && root != documents {
            manifests.extend(&level);
            level = level.iter().flat_map(|d| children(d, "manifests")).collect();
        }
    }
    for kind in ["config", "layers"] {
        order.extend(manifests.iter().filter(|_| kind == "config"));
        order.extend(manifests.iter().flat_map(|d| children(d, kind)));
    }
    let mut seen = BTreeSet::new();
    order.retain(|digest| seen.insert(*digest));
    order
}

fn digest(descriptor: &Value) -> Option<Digest> {
    descriptor["digest"].as_str()?.parse().ok()
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_default()
}

/// Name of the image for two platforms, the first in the version index after the documents.
pub const API: &str = "registry.example/shop/api:1.0.0";
/// Name of the image for one platform.
pub const WEB: &str = "registry.example/shop/web:1.0.0";

const TEMPLATE: &str = "apiVersion: sealift.dev/v1
kind: Template
metadata: {name: shop, version: 1.0.0}
components:
- {name: api, image: 'registry.example/shop/api:1.0.0', labels: {}}
- {name: web, image: 'registry.example/shop/web:1.0.0', labels: {}}
manifests: [k8s/extra.yaml]
";

const EXTRA: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: extra}
";
