//! The server's memory does not depend on what it serves. A test of its own, since it looks at the whole process. It serves from
//! one file, as from a bundle.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::thread;

use bundle_format::{Descriptor, Digest, media};
use registry_lite::catalog::{Catalog, NoMarks, Shelf};
use registry_lite::digest::ContentDigest;
use registry_lite::documents::Documents;
use registry_lite::server::{Config, Stop, View, serve};
use registry_lite::store::{Entry, Stamp};
use registry_lite::{BlobRead, Extent};
use serde_json::json;

const CLIENTS: usize = 64;
const BLOB_BYTES: u64 = 6 << 30;
const TAKEN_BYTES: usize = 8 << 20;

/// Blobs that lie in one file.
struct Archive {
    file: Arc<File>,
    blobs: HashMap<ContentDigest, Extent>,
}

impl BlobRead for Archive {
    fn locate(&self, digest: &ContentDigest) -> io::Result<Option<Extent>> {
        Ok(self.blobs.get(digest).cloned())
    }

    fn stamp(&self, digest: &ContentDigest) -> io::Result<Option<Stamp>> {
        self.blobs.get(digest).map(|_| self.file.metadata().map(|m| Stamp::from(&m))).transpose()
    }
}

/// The most memory that this process ever had, in KiB (proc(5), `VmHWM`).
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// An archive of an image whose layer is a hole of 6 GiB (a server checks lengths), and the layer's digest.
fn archive(file: &Arc<File>) -> (View, Digest) {
    let huge = Digest::of(b"huge");
    let config = Descriptor::of(media::OCI_EMPTY, b"{}");
    let layer = Descriptor::new(media::OCI_LAYER_TAR, huge, BLOB_BYTES);
    let manifest =
        json!({"schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "config": config, "layers": [layer]}).to_string();
    let root = Descriptor::of(media::OCI_MANIFEST, manifest.as_bytes());
    file.write_all_at(b"{}", 512).unwrap();
    file.write_all_at(manifest.as_bytes(), 1024).unwrap();
    file.set_len(8192 + BLOB_BYTES).unwrap();
    let at = |offset, len| Extent::new(Arc::clone(file), offset, len).unwrap();
    let members = [(config.digest, at(512, 2)), (root.digest, at(1024, root.size)), (huge, at(8192, BLOB_BYTES))];
    let blobs = members.into_iter().map(|(digest, extent)| (digest.into(), extent)).collect();
    let documents = Arc::new(Documents::new(Arc::new(Archive { file: Arc::clone(file), blobs })));
    let entry = Entry::from(root.annotated(media::REF_NAME, "sealift/huge:1"));
    let view =
        View { catalog: Arc::new(Catalog::of(&[entry], None)), shelf: Shelf { documents, marks: Arc::new(NoMarks) } };
    (view, huge)
}

#[test]
fn sixty_four_clients_of_a_huge_blob_cost_next_to_nothing() {
    let (view, huge) = archive(&Arc::new(tempfile::tempfile().unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stop = Stop::default();
    let handle = stop.clone();
    let mut config = Config::new(Arc::new(|event| panic!("{event}")));
    config.limits.stop_time = std::time::Duration::ZERO;
    let server = thread::spawn(move || serve(listener, Arc::new(view), config, &handle));
    let before = peak();
    thread::scope(|scope| {
        let begun: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| take(TcpStream::connect(address).unwrap(), &huge))).collect();
        // All connections stay open until all clients have taken their part.
        let open: Vec<TcpStream> = begun.into_iter().map(|client| client.join().unwrap()).collect();
        drop(open);
    });
    let grown = (peak() - before) << 10;
    // The kernel sends it from the page cache: there is no buffer that a blob or a client could fill.
    let allowed = 16 << 20;
    assert!(grown < allowed, "{grown} bytes more for {CLIENTS} clients, {allowed} allowed");
    stop.stop();
    server.join().unwrap().unwrap();
}

fn take(mut stream: TcpStream, digest: &Digest) -> TcpStream {
    write!(stream, "GET /v2/sealift/huge/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let (mut taken, mut buf) = (0, vec![0; 16 << 10]);
    while taken < TAKEN_BYTES {
        let n = stream.read(&mut buf).unwrap();
        assert_ne!(n, 0, "the answer ended");
        taken += n;
    }
    stream
}
