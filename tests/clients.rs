//! Real clients push to a site's registry and pull back what they pushed. What each of them asks is written down in
//! `tests/clients/*.txt`: whoever changes an answer sees who depends on it. `UPDATE=1` writes them anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
#[path = "clients/containerd.rs"]
mod containerd;
#[path = "clients/containers.rs"]
mod containers;
#[path = "clients/import.rs"]
mod import;
#[path = "clients/proxy.rs"]
mod proxy;
#[path = "clients/transcript.rs"]
mod transcript;

use std::path::Path;
use std::process::Command;

use common::{Background, Shop};
use proxy::Proxy;
use testdata::{Compression, Image, Layer};

/// A site's registry behind a proxy that writes down what it is asked.
struct Served {
    shop: Shop,
    proxy: Proxy,
    _server: Background,
}

impl Served {
    fn new() -> Self {
        let shop = Shop::imported();
        let mut server = Background::start(&mut shop.command("registry serve --site site --listen 127.0.0.1:0"));
        let proxy = Proxy::to(&server.address());
        Self { shop, proxy, _server: server }
    }

    /// `host:port` for clients.
    fn host(&self) -> String {
        self.proxy.address.to_string()
    }

    /// An image layout with one image, named `it`, in the folder `layout`. It has one layer, since clients move several at
    /// the same time, in no order.
    fn layout(&self) -> Image {
        let layer = Layer::new(Compression::Gzip, [("etc/motd", b"hello\n".to_vec())]);
        let image = Image::new("linux/amd64", &[layer]).unwrap();
        image.write_layout(&self.shop.path("layout"), "it").unwrap();
        image
    }
}

/// The first line that `tool --version` prints.
fn version(tool: &str) -> String {
    let text = String::from_utf8(common::output(Command::new(tool).arg("--version"))).unwrap();
    text.lines().next().unwrap().trim().to_owned()
}

/// The digest of an image layout's only manifest.
fn digest_of_layout(folder: &Path) -> String {
    let index: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
    index["manifests"][0]["digest"].as_str().unwrap().to_owned()
}
