//! From content to an archive: statements, envelopes, members. Every step takes what the one before gave, so that a test can
//! change it in between.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bundle_format::Digest;
use ed25519_dalek::Signer;
use ed25519_dalek::pkcs8::EncodePublicKey;
use serde_json::{Value, json};

use super::content::Content;
use super::keys::{VENDOR_PEM, signing_key};

/// A bundle before it is signed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The release statement.
    pub release: Value,
    /// Name and content of the trust documents.
    pub trust: Vec<(String, Vec<u8>)>,
    /// What the packing list says is omitted.
    pub omitted: Vec<String>,
    /// The kind of the bundle.
    pub kind: &'static str,
    /// What a reader of the packing list must know.
    pub requires: Vec<String>,
    /// What the packing list says of blobs that are not carried.
    pub rebuild: Option<Value>,
    /// Name and content of the members after the packing list.
    pub body: Vec<(String, Vec<u8>)>,
}

impl Draft {
    /// The bundle that carries `content` whole.
    #[must_use]
    pub fn of(content: &Content) -> Self {
        let index = content.index_bytes();
        let annotation = |key: &str| content.index["annotations"][format!("dev.sealift.template.{key}")].clone();
        let text = |key: &str| annotation(key).as_str().unwrap_or_default().to_owned();
        let revision: u32 = text("revision").parse().unwrap_or(1);
        let tag = if revision > 1 { format!("{}-r{revision}", text("version")) } else { text("version") };
        let images: Vec<Value> = content
            .images()
            .map(|i| json!({"name": i["annotations"]["dev.sealift.image.name"], "digest": i["digest"]}))
            .collect();
        let release = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": format!("{}:{tag}", text("name")), "digest": {"sha256": Digest::of(&index).hex()}}],
            "predicateType": "https://sealift.dev/release/v1",
            "predicate": {
                "requires": [],
                "name": text("name"),
                "version": text("version"),
                "revision": revision,
                "size": index.len(),
                "images": images,
            },
        });
        let name = format!("sealift/{}:{tag}", text("name"));
        Self {
            release,
            trust: Vec::new(),
            omitted: Vec::new(),
            kind: "full",
            requires: Vec::new(),
            rebuild: None,
            body: content.members(&name),
        }
    }

    /// The signed release.
    #[must_use]
    pub fn release_envelope(&self) -> Vec<u8> {
        envelope(self.release.to_string().as_bytes(), &[VENDOR_PEM])
    }

    /// The statement that lists what the archive holds.
    #[must_use]
    pub fn list(&self, release_envelope: &[u8]) -> Value {
        let head = [("release.dsse.json".to_owned(), release_envelope.to_vec())];
        let members: Vec<Value> = head.iter().chain(&self.trust).chain(&self.body).map(|(n, c)| member(n, c)).collect();
        let mut list = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": self.release["subject"],
            "predicateType": "https://sealift.dev/packing-list/v1",
            "predicate": {
                "requires": self.requires,
                "release": Digest::of(&payload(release_envelope)).to_string(),
                "kind": self.kind,
                "omitted": self.omitted,
                "members": members,
            },
        });
        if let Some(rebuild) = &self.rebuild {
            list["predicate"]["rebuild"] = rebuild.clone();
        }
        list
    }

    /// The members of the archive, in order.
    #[must_use]
    pub fn members(&self, release_envelope: Vec<u8>, list_envelope: Vec<u8>) -> Vec<(String, Vec<u8>)> {
        let mut members = vec![("release.dsse.json".to_owned(), release_envelope)];
        members.extend(self.trust.iter().cloned());
        members.push(("packing-list.dsse.json".to_owned(), list_envelope));
        members.extend(self.body.iter().cloned());
        members
    }

    /// The archive, its packing list signed by the vendor.
    #[must_use]
    pub fn seal(&self) -> Vec<u8> {
        self.seal_with(self.release_envelope())
    }

    /// The archive with this release envelope.
    #[must_use]
    pub fn seal_with(&self, release_envelope: Vec<u8>) -> Vec<u8> {
        let list = self.list(&release_envelope).to_string();
        tar(&self.members(release_envelope, envelope(list.as_bytes(), &[VENDOR_PEM])))
    }
}

/// An entry of a packing list.
fn member(name: &str, content: &[u8]) -> Value {
    json!({"name": name, "size": content.len(), "sha256": Digest::of(content).hex()})
}

/// What an envelope carries.
fn payload(envelope: &[u8]) -> Vec<u8> {
    let envelope: Value = serde_json::from_slice(envelope).unwrap_or_default();
    STANDARD.decode(envelope["payload"].as_str().unwrap_or_default()).unwrap_or_default()
}

/// `payload` in an envelope, signed by `keys`.
#[must_use]
pub fn envelope(payload: &[u8], keys: &[&str]) -> Vec<u8> {
    let signatures: Vec<(String, Vec<u8>)> = keys.iter().map(|key| sign(payload, key)).collect();
    dsse(payload, &signatures)
}

/// Identity of `key`, and its signature over `payload` as an in-toto statement.
#[must_use]
pub fn sign(payload: &[u8], key: &str) -> (String, Vec<u8>) {
    let key = signing_key(key);
    let spki = key.verifying_key().to_public_key_der().map(|der| der.as_bytes().to_vec()).unwrap_or_default();
    (Digest::of(&spki).hex(), key.sign(&message(payload)).to_bytes().to_vec())
}

/// What is signed of an in-toto statement.
#[must_use]
pub fn message(payload: &[u8]) -> Vec<u8> {
    const TYPE: &str = "application/vnd.in-toto+json";
    let head = format!("DSSEv1 {} {TYPE} {} ", TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// An envelope with these key identities and signatures.
#[must_use]
pub fn dsse(payload: &[u8], signatures: &[(String, Vec<u8>)]) -> Vec<u8> {
    let signatures: Vec<String> = signatures
        .iter()
        .map(|(keyid, sig)| format!(r#"{{"keyid":"{keyid}","sig":"{}"}}"#, STANDARD.encode(sig)))
        .collect();
    let (payload, signatures) = (STANDARD.encode(payload), signatures.join(","));
    let text = format!(
        r#"{{"payloadType":"application/vnd.in-toto+json","payload":"{payload}","signatures":[{signatures}]}}"#
    );
    (text + "\n").into_bytes()
}

/// The header of a member of any name, below 8 GiB.
#[must_use]
pub fn header(name: &[u8], size: u64) -> Vec<u8> {
    let mut h = vec![0; 512];
    let mut put = |at: usize, bytes: &[u8]| {
        for (to, byte) in h[at..].iter_mut().zip(bytes) {
            *to = *byte;
        }
    };
    put(0, &name[..name.len().min(100)]);
    put(100, b"0000644\x000000000\x000000000\0");
    put(124, format!("{size:011o}\x0000000000000\x00        0").as_bytes());
    put(257, b"ustar\x0000");
    put(329, b"0000000\x000000000\0");
    checksum(&mut h);
    h
}

/// Puts the right checksum into a header.
pub fn checksum(h: &mut [u8]) {
    h[148..156].copy_from_slice(b"        ");
    let sum: u32 = h[..512].iter().map(|b| u32::from(*b)).sum();
    h[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// An archive of these members.
#[must_use]
pub fn tar(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut out: Vec<u8> = members.iter().flat_map(|(name, content)| chunk(name, content)).collect();
    out.resize(out.len() + 1024, 0);
    out
}

/// Header, content and padding of a member.
#[must_use]
pub fn chunk(name: &str, content: &[u8]) -> Vec<u8> {
    let mut out = header(name.as_bytes(), content.len() as u64);
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}
