//! What the tests serve: a site with images of every kind, and a server over it.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use bundle_format::{Descriptor, Digest, media};
use registry_lite::Store;
use registry_lite::content;
use registry_lite::server::{Config, Content, Report, Stop, View, serve};
use serde_json::json;
use tempfile::TempDir;
use testdata::{Compression, Image, Layer};

/// A site's content and what is in it.
pub struct Site {
    dir: TempDir,
    roots: Vec<Descriptor>,
}

/// An image of two layers, one of them of `bytes` bytes that do not compress.
pub fn image(platform: &str, content: &str, bytes: usize) -> Image {
    let mut state = content.bytes().fold(1_u64, |state, byte| state.wrapping_mul(31).wrapping_add(u64::from(byte) | 1));
    let mut noise = Vec::with_capacity(bytes + 8);
    while noise.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        noise.extend_from_slice(&state.to_be_bytes());
    }
    let app = Layer::new(Compression::Gzip, [("bin/app", content.as_bytes().to_vec())]);
    let data = Layer::new(Compression::None, [("data", noise)]);
    Image::new(platform, &[app, data]).unwrap()
}

impl Site {
    pub fn new() -> Self {
        let dir = TempDir::new().unwrap();
        drop(Store::lock_or_create(dir.path()).unwrap());
        Self { dir, roots: Vec::new() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Holds all of `image` but what is in `without`, under `name` if there is one.
    pub fn hold(&mut self, image: &Image, name: Option<&str>, without: &[Digest]) -> Digest {
        for (digest, bytes) in image.blobs().iter().filter(|(digest, _)| !without.contains(digest)) {
            fs::write(self.blob(digest), bytes).unwrap();
        }
        self.name(image.root().clone(), name)
    }

    /// Holds `document` as a manifest.
    pub fn hold_manifest(&mut self, document: &serde_json::Value, name: Option<&str>) -> Digest {
        let bytes = serde_json::to_vec(document).unwrap();
        let descriptor = Descriptor::of(document["mediaType"].as_str().unwrap(), &bytes);
        fs::write(self.blob(&descriptor.digest), bytes).unwrap();
        self.name(descriptor, name)
    }

    pub fn hold_blob(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        fs::write(self.blob(&digest), bytes).unwrap();
        digest
    }

    pub fn blob(&self, digest: &Digest) -> PathBuf {
        self.path().join("blobs/sha256").join(digest.hex())
    }

    pub fn name(&mut self, root: Descriptor, name: Option<&str>) -> Digest {
        let digest = root.digest;
        self.roots.push(match name {
            Some(name) => root.annotated(media::REF_NAME, name),
            None => root,
        });
        self.write_index();
        digest
    }

    /// As a store does it: a new file takes the old one's place.
    fn write_index(&self) {
        let index = json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": self.roots});
        let new = self.path().join("index.json.new");
        fs::write(&new, serde_json::to_vec(&index).unwrap()).unwrap();
        fs::rename(new, self.path().join("index.json")).unwrap();
    }

    pub fn store(&self) -> Store {
        Store::open(self.path()).unwrap()
    }

    /// What it shows now, as a server that starts would see it.
    pub fn view(&self) -> View {
        content::Site::open(self.store(), Arc::new(|event| panic!("{event}"))).unwrap().view()
    }

    pub fn serve(&self) -> Server {
        self.serve_with(|_| {})
    }

    pub fn serve_with(&self, change: impl FnOnce(&mut Config)) -> Server {
        Server::start(|report| content::Site::open(self.store(), report).unwrap(), change)
    }
}

/// A server that ends with the test.
pub struct Server {
    pub address: SocketAddr,
    pub stop: Stop,
    thread: Option<JoinHandle<io::Result<()>>>,
    events: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start(content: impl FnOnce(Report) -> Arc<content::Site>, change: impl FnOnce(&mut Config)) -> Self {
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        let report: Report = Arc::new(move |event| seen.lock().unwrap().push(event.to_string()));
        let mut config = Config::new(Arc::clone(&report));
        change(&mut config);
        let content = content(report);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Stop::default();
        let handle = stop.clone();
        let thread = std::thread::spawn(move || serve(listener, content, config, &handle));
        Self { address, stop, thread: Some(thread), events }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }

    /// Waits for the server to end after it was stopped.
    pub fn join(mut self) -> io::Result<()> {
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What most tests serve.
pub struct Usual {
    pub site: Site,
    /// `docker.io/library/nginx:1.25`: an index of two platforms.
    pub nginx: Image,
    /// `quay.io/plain/app:1`: a manifest.
    pub plain: Image,
    /// `localhost:5000/shop/web:2`: a name with a port.
    pub port: Image,
    /// `ghcr.io/sparse/tool:3`: an index of which only linux/amd64 is held.
    pub sparse: Image,
    /// The manifest that `sparse` lacks.
    pub absent: Digest,
    /// `sealift/shop:1.0.0`: an index of our own.
    pub template: Digest,
    /// The unnamed release of `template`.
    pub release: Digest,
    /// A blob that no root reaches.
    pub stray: Digest,
}

pub const ARTIFACT: &str = "application/vnd.sealift.release.v1";

impl Usual {
    pub fn new() -> Self {
        let mut site = Site::new();
        let amd = image("linux/amd64", "nginx for amd64", 300_000);
        let nginx = Image::index([amd, image("linux/arm64/v8", "nginx for arm64", 1000)]).unwrap();
        site.hold(&nginx, Some("docker.io/library/nginx:1.25"), &[]);
        let plain = image("linux/amd64", "plain", 2000);
        site.hold(&plain, Some("quay.io/plain/app:1"), &[]);
        site.hold(&plain, Some("quay.io/plain/app:latest"), &[]);
        let port = image("linux/amd64", "port", 2000);
        site.hold(&port, Some("localhost:5000/shop/web:2"), &[]);
        let narrow = image("linux/arm64", "never carried", 10);
        let absent = narrow.root().digest;
        let lacking: Vec<Digest> = narrow.blobs().keys().copied().collect();
        let sparse = Image::index([image("linux/amd64", "sparse", 10), narrow]).unwrap();
        site.hold(&sparse, Some("ghcr.io/sparse/tool:3"), &lacking);
        let template = Image::index([plain.clone()]).unwrap();
        let template = site.hold(&template, Some("sealift/shop:1.0.0"), &[]);
        let release = site.release(&template);
        let stray = site.hold_blob(b"written by an import that did not end");
        Self { site, nginx, plain, port, sparse, absent, template, release, stray }
    }
}

impl Site {
    /// An unnamed artifact about `subject`.
    pub fn release(&mut self, subject: &Digest) -> Digest {
        let config = Descriptor::new(media::OCI_EMPTY, self.hold_blob(b"{}"), 2);
        let payload = Descriptor::new(media::DSSE, self.hold_blob(b"envelope"), 8);
        let size = fs::metadata(self.blob(subject)).unwrap().len();
        self.hold_manifest(
            &json!({
                "schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "artifactType": ARTIFACT,
                "config": config, "layers": [payload], "annotations": {"org.example": "kept"},
                "subject": Descriptor::new(media::OCI_INDEX, *subject, size),
            }),
            None,
        )
    }
}
