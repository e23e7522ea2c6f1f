//! Clients that push, and remember what they were told is there.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use bundle_format::{Digest, media};
use serde_json::{Value, json};

use super::http::{Answer, ask, get};

/// What a client was told, and what it asked for last.
#[derive(Default)]
pub struct Told {
    /// Blobs that were acknowledged, by repository and digest.
    pub blobs: BTreeMap<(String, Digest), Vec<u8>>,
    /// Manifests that were acknowledged.
    pub manifests: BTreeMap<(String, Digest), Vec<u8>>,
    /// What each tag was last acknowledged as; nothing after an acknowledged deletion.
    pub tags: BTreeMap<(String, String), Option<Digest>>,
    /// Changes since then that nobody said are made or not.
    pub open: HashMap<(String, String), Vec<Option<Digest>>>,
    /// Acknowledged changes of tags.
    pub changes: usize,
    /// Answers of other kinds than those that a push expects.
    pub odd: Vec<String>,
}

impl Told {
    pub fn add(&mut self, later: Self) {
        self.blobs.extend(later.blobs);
        self.manifests.extend(later.manifests);
        for (tag, digest) in later.tags {
            self.open.remove(&tag);
            self.tags.insert(tag, digest);
        }
        for (tag, open) in later.open {
            self.open.entry(tag).or_default().extend(open);
        }
        self.changes += later.changes;
        self.odd.extend(later.odd);
    }

    /// Every acknowledged blob, manifest and tag is there, byte for byte. Says how many things were compared.
    pub fn check(&self, host: &str) -> usize {
        for ((repository, digest), bytes) in &self.blobs {
            let there = get(host, &format!("/v2/{repository}/blobs/{digest}")).unwrap();
            assert!(there.status == 200 && there.body == *bytes, "lost: blob {digest} of {repository}: {}", there.head);
        }
        for ((repository, digest), bytes) in &self.manifests {
            let there = get(host, &format!("/v2/{repository}/manifests/{digest}")).unwrap();
            assert!(there.status == 200 && there.body == *bytes, "lost: {repository}@{digest}: {}", there.head);
        }
        self.check_tags(host);
        self.blobs.len() + self.manifests.len() + self.tags.len()
    }

    /// Every acknowledged tag pulls whole.
    pub fn check_tags(&self, host: &str) {
        for ((repository, tag), digest) in &self.tags {
            let there = get(host, &format!("/v2/{repository}/manifests/{tag}")).unwrap();
            let found = (there.status == 200).then(|| Digest::of(&there.body));
            let open = self.open.get(&(repository.clone(), tag.clone()));
            let may_be = found == *digest || open.is_some_and(|open| open.contains(&found));
            assert!(may_be, "lost: {repository}:{tag} is {found:?}, not {digest:?}");
            if found.is_some() {
                for (blob, size) in listed(&there.body) {
                    let there = get(host, &format!("/v2/{repository}/blobs/{blob}")).unwrap();
                    let whole =
                        there.status == 200 && there.body.len() as u64 == size && Digest::of(&there.body) == blob;
                    assert!(whole, "{repository}:{tag} lacks {blob}: {}", there.head);
                }
            }
        }
    }
}

/// Digests and sizes of the blobs of a manifest.
pub fn listed(manifest: &[u8]) -> Vec<(Digest, u64)> {
    let manifest: Value = serde_json::from_slice(manifest).unwrap();
    let layers = manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]);
    layers.map(|l| (l["digest"].as_str().unwrap().parse().unwrap(), l["size"].as_u64().unwrap())).collect()
}

/// A client with a repository of its own.
pub struct Pusher {
    pub host: String,
    pub repository: String,
    pub told: Told,
    /// Goes on with what a real client would do after this many layers that others push as well.
    pub shared: usize,
    /// Whether tags and manifests are deleted now and then.
    pub deletes: bool,
    /// Images so far.
    pub round: usize,
}

impl Pusher {
    pub fn new(host: &str, repository: &str) -> Self {
        Self {
            host: host.to_owned(),
            repository: repository.to_owned(),
            told: Told::default(),
            shared: 0,
            deletes: false,
            round: 0,
        }
    }

    /// Pushes image after image under a few tags, until it is told to stop or the server goes away. `run` differs between runs
    /// on the same repository.
    pub fn run(mut self, run: usize, stop: &AtomicBool) -> Told {
        while !stop.load(Ordering::Relaxed) {
            self.round += 1;
            if self.image(&format!("{run}.{}", self.round)).is_err() {
                break;
            }
        }
        self.told
    }

    fn ask(&self, method: &str, rest: &str, media_type: &str, body: &[u8]) -> io::Result<Answer> {
        ask(&self.host, method, &format!("/v2/{}/{rest}", self.repository), media_type, body)
    }

    fn image(&mut self, label: &str) -> io::Result<()> {
        let own = format!("{} {label} ", self.repository).repeat(1 + self.round * 97 % 2000).into_bytes();
        let config = json!({"architecture": "amd64", "os": "linux", "label": [self.repository, label]}).to_string();
        let mut layers = vec![own];
        layers.extend((0..self.shared).map(|n| format!("shared {} ", (self.round + n) % 5).repeat(500).into_bytes()));
        let descriptor = |bytes: &[u8], media_type: &str| json!({"mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len()});
        let manifest = json!({"schemaVersion": 2, "mediaType": media::OCI_MANIFEST,
            "config": descriptor(config.as_bytes(), media::OCI_CONFIG),
            "layers": layers.iter().map(|l| descriptor(l, media::OCI_LAYER_GZIP)).collect::<Vec<_>>()});
        let manifest = manifest.to_string().into_bytes();
        for bytes in layers.iter().map(Vec::as_slice).chain([config.as_bytes()]) {
            if !self.blob(bytes)? {
                return Ok(());
            }
        }
        let tag = format!("t{}", self.round % 3);
        let digest = Digest::of(&manifest);
        let path = format!("manifests/{tag}");
        let done = self.change(&tag, Some(digest), |p| p.ask("PUT", &path, media::OCI_MANIFEST, &manifest))?;
        match done.status {
            201 => drop(self.told.manifests.insert((self.repository.clone(), digest), manifest)),
            // A collection without any grace may take a blob before its manifest comes: a client pushes it again.
            404 if self.shared > 0 => {}
            _ => self.told.odd.push(format!("manifest: {}", done.text())),
        }
        if self.deletes && self.round % 7 == 3 {
            let gone = self.change(&tag, None, |p| p.ask("DELETE", &path, "", b""))?;
            if !matches!(gone.status, 202 | 404) {
                self.told.odd.push(format!("deletion: {}", gone.text()));
            }
        }
        Ok(())
    }

    /// Changes a tag, and remembers what it may stand for if no answer comes.
    fn change(
        &mut self,
        tag: &str,
        to: Option<Digest>,
        ask: impl FnOnce(&Self) -> io::Result<Answer>,
    ) -> io::Result<Answer> {
        let key = (self.repository.clone(), tag.to_owned());
        self.told.open.entry(key.clone()).or_default().push(to);
        let answer = ask(self)?;
        match answer.status {
            201 | 202 => {
                self.told.open.remove(&key);
                self.told.tags.insert(key, to);
                self.told.changes += 1;
            }
            400..500 => drop(self.told.open.get_mut(&key).and_then(Vec::pop)),
            // A disk that fails in the last step may have made it.
            _ => {}
        }
        Ok(answer)
    }

    /// Pushes a blob in one of the ways that there are; says whether it was acknowledged.
    fn blob(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let digest = Digest::of(bytes);
        if self.shared > 0 && self.ask("HEAD", &format!("blobs/{digest}"), "", b"")?.status == 200 {
            return Ok(true);
        }
        let binary = "application/octet-stream";
        let done = match self.round % 3 {
            0 => self.ask("POST", &format!("blobs/uploads/?digest={digest}"), binary, bytes)?,
            way => {
                let begun = self.ask("POST", "blobs/uploads/", "", b"")?;
                let Some(mut at) = begun.header("location").map(str::to_owned) else {
                    self.told.odd.push(format!("upload: {}", begun.text()));
                    return Ok(false);
                };
                let (first, rest) = bytes.split_at(if way == 1 { 0 } else { bytes.len() / 2 });
                if !first.is_empty() {
                    let chunk = ask(&self.host, "PATCH", &at, binary, first)?;
                    at = chunk.header("location").unwrap_or(&at).to_owned();
                }
                let sign = if at.contains('?') { '&' } else { '?' };
                ask(&self.host, "PUT", &format!("{at}{sign}digest={digest}"), binary, rest)?
            }
        };
        match done.status {
            201 => drop(self.told.blobs.insert((self.repository.clone(), digest), bytes.to_vec())),
            _ => {
                self.told.odd.push(format!("blob: {}", done.text()));
                // As a client waits that is refused.
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
        Ok(done.status == 201)
    }
}
