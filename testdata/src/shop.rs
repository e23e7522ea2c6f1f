//! The shop: the template that tests and the demonstration pack, with small images of every form.

use std::fs;
use std::io;
use std::path::Path;

use crate::docker_archive::write_before_25;
use crate::image::{Compression, Image, Layer};

/// The files of `testdata/templates/shop`, as the vendor has them beside his template.
const FILES: &[(&str, &[u8])] = &[
    ("sealift.yaml", include_bytes!("../templates/shop/sealift.yaml")),
    ("icon.png", include_bytes!("../templates/shop/icon.png")),
    ("config/api.toml", include_bytes!("../templates/shop/config/api.toml")),
    ("docs/README.md", include_bytes!("../templates/shop/docs/README.md")),
    ("k8s/extra.yaml", include_bytes!("../templates/shop/k8s/extra.yaml")),
];

/// Writes the shop into `dir`: the template's files, and in `images/` the archives that it names. `padding` bytes are added
/// to a layer of each image, for those who need them larger.
///
/// # Errors
/// Those of the file system.
pub fn write(dir: &Path, padding: usize) -> io::Result<()> {
    for (path, content) in FILES {
        let file = dir.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, content)?;
    }
    let images = dir.join("images");
    fs::create_dir_all(&images)?;
    let base = Layer::new(Compression::Gzip, [("etc/os-release", "NAME=shop\n"), ("bin/sh", "#!the shell\n")]);
    let web = |platform: &str| {
        let program = format!("the web server, for {platform}\n");
        let program = Layer::new(Compression::Gzip, [("bin/app", program.into_bytes())]);
        Image::new(platform, &[base.clone(), filler("web", padding), program])
    };
    let web = Image::index([web("linux/amd64")?, web("linux/arm64")?])?;
    web.write_oci_archive(&images.join("web.tar"), "registry.example/shop/web:1.0.0")?;
    let api = Layer::new(Compression::Zstd, [("bin/app", "the API server\n")]);
    let api = Image::new("linux/amd64", &[base.clone(), filler("api", padding), api])?;
    api.write_oci_archive(&images.join("api.tar"), "registry.example/shop/api:1.0.0")?;
    let plain = |files: [(&str, &str); 1]| Layer::new(Compression::None, files);
    let db =
        [plain([("etc/os-release", "NAME=shop\n")]), filler("db", padding), plain([("bin/app", "the database\n")])];
    let db = Image::new("linux/amd64", &db)?;
    write_before_25(&images.join("db.tar"), &[(&db, &["registry.example/shop/db:1.0.0"])])
}

/// A layer that does not compress, the same on every machine (splitmix64).
fn filler(seed: &str, bytes: usize) -> Layer {
    let mut state = seed.bytes().fold(0_u64, |s, b| s.wrapping_mul(31).wrapping_add(u64::from(b)));
    let mut content = Vec::with_capacity(bytes);
    while content.len() < bytes {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        content.extend_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    content.truncate(bytes);
    Layer::new(Compression::None, [(format!("usr/share/{seed}"), content)])
}
