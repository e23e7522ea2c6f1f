//! What the tests push.

use bundle_format::media;
use registry_lite::digest::{Algorithm, ContentDigest};
use serde_json::{Value, json};

use crate::http::{Answer, with};
use crate::registry::Registry;

/// An image of a configuration and one layer.
#[derive(Debug, Clone)]
pub struct Image {
    pub config: Vec<u8>,
    pub layer: Vec<u8>,
    pub manifest: Vec<u8>,
}

pub fn sha256(bytes: &[u8]) -> String {
    ContentDigest::of(Algorithm::Sha256, bytes).to_string()
}

pub fn sha512(bytes: &[u8]) -> String {
    ContentDigest::of(Algorithm::Sha512, bytes).to_string()
}

pub fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": sha256(bytes), "size": bytes.len()})
}

/// An index of these manifests.
pub fn index(manifests: &[&[u8]]) -> Vec<u8> {
    let manifests: Vec<_> = manifests.iter().map(|bytes| descriptor(media::OCI_MANIFEST, bytes)).collect();
    json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": manifests}).to_string().into_bytes()
}

/// An artifact about `subject`, without content of its own.
pub fn artifact(kind: &str, subject: &[u8]) -> Vec<u8> {
    let config = descriptor(media::OCI_EMPTY, b"{}");
    json!({
        "schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "artifactType": kind, "config": config, "layers": [],
        "subject": descriptor(media::OCI_MANIFEST, subject), "annotations": {"org.example.kind": kind},
    })
    .to_string()
    .into_bytes()
}

impl Image {
    /// Another `content` is another image in every blob.
    pub fn new(content: &str) -> Self {
        let (config, layer) = (json!({"author": content}).to_string().into_bytes(), content.repeat(50).into_bytes());
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "config": descriptor(media::OCI_CONFIG, &config),
            "layers": [descriptor(media::OCI_LAYER_TAR, &layer)],
        });
        Self { config, layer, manifest: manifest.to_string().into_bytes() }
    }

    pub fn digest(&self) -> String {
        sha256(&self.manifest)
    }
}

impl Registry {
    /// Pushes a blob in one request.
    pub fn push_blob(&self, name: &str, bytes: &[u8]) -> String {
        let digest = sha256(bytes);
        let to = format!("{name}/blobs/uploads/?digest={digest}");
        let answer = self.request("POST", &to).body(bytes).send();
        assert_eq!(answer.status, 201, "{answer:?}");
        digest
    }

    /// The end of an upload, as most clients send it.
    pub fn finish(&self, location: &str, digest: &str, bytes: &[u8]) -> Answer {
        self.request("PUT", &with(location, &format!("digest={digest}"))).body(bytes).send()
    }

    pub fn put_manifest(&self, to: &str, media_type: &str, bytes: &[u8]) -> Answer {
        self.request("PUT", to).header("content-type", media_type).body(bytes).send()
    }

    /// Pushes `image` with all that it lists.
    pub fn push(&self, name: &str, reference: &str, image: &Image) {
        self.push_blob(name, &image.config);
        self.push_blob(name, &image.layer);
        self.tag(name, reference, image);
    }

    /// Pushes the manifest of `image` alone.
    pub fn tag(&self, name: &str, reference: &str, image: &Image) {
        let to = format!("{name}/manifests/{reference}");
        let answer = self.put_manifest(&to, media::OCI_MANIFEST, &image.manifest);
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    /// What a tag stands for; empty if nothing.
    pub fn tagged(&self, name: &str, tag: &str) -> String {
        self.head(&format!("{name}/manifests/{tag}")).header("docker-content-digest").to_owned()
    }

    pub fn tags(&self, name: &str) -> Vec<String> {
        let answer = self.get(&format!("{name}/tags/list"));
        if answer.status == 404 { Vec::new() } else { serde_json::from_value(answer.json()["tags"].clone()).unwrap() }
    }

    pub fn has_manifest(&self, name: &str, reference: &str) -> bool {
        let answer = self.head(&format!("{name}/manifests/{reference}"));
        assert!(matches!(answer.status, 200 | 404), "{answer:?}");
        answer.status == 200
    }

    pub fn has_blob(&self, name: &str, bytes: &[u8]) -> bool {
        let answer = self.get(&format!("{name}/blobs/{}", sha256(bytes)));
        assert!(answer.status == 404 || answer.status == 200 && answer.body == bytes, "{answer:?}");
        answer.status == 200
    }
}
