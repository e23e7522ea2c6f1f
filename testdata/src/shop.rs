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
    write_version(dir, padding, FIRST)
}

/// The version that `write` writes.
const FIRST: &str = "1.0.0";

/// The same as another version: the programs are others, and a few bytes of the filling; `web` has more replicas and one more
/// variable.
///
/// # Errors
/// Those of the file system.
pub fn write_version(dir: &Path, padding: usize, version: &str) -> io::Result<()> {
    let said = if version == FIRST { String::new() } else { format!(", {version}") };
    for (path, content) in FILES {
        let file = dir.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        match std::str::from_utf8(content) {
            Ok(text) if path.ends_with(".yaml") && version != FIRST => {
                let more = "    env:\n      - name: LOG_LEVEL\n        value: info\n      - name: API_ADDRESS";
                let text = text.replace(FIRST, version).replace("replicas: 2", "replicas: 4");
                fs::write(file, text.replace("    env:\n      - name: API_ADDRESS", more))?;
            }
            _ => fs::write(file, content)?,
        }
    }
    let images = dir.join("images");
    fs::create_dir_all(&images)?;
    let base = Layer::new(Compression::Gzip, [("etc/os-release", "NAME=shop\n"), ("bin/sh", "#!the shell\n")]);
    let web = |platform: &str| {
        let program = format!("the web server, for {platform}{said}\n");
        let program = Layer::new(Compression::Gzip, [("bin/app", program.into_bytes())]);
        Image::new(platform, &[base.clone(), filler("web", padding, &said), program])
    };
    let web = Image::index([web("linux/amd64")?, web("linux/arm64")?])?;
    web.write_oci_archive(&images.join("web.tar"), &format!("registry.example/shop/web:{version}"))?;
    let api = Layer::new(Compression::Zstd, [("bin/app", format!("the API server{said}\n"))]);
    let api = Image::new("linux/amd64", &[base.clone(), filler("api", padding, &said), api])?;
    api.write_oci_archive(&images.join("api.tar"), &format!("registry.example/shop/api:{version}"))?;
    let plain = |files: [(&str, &str); 1]| Layer::new(Compression::None, files);
    let db = [
        plain([("etc/os-release", "NAME=shop\n")]),
        filler("db", padding, &said),
        plain([("bin/app", &format!("the database{said}\n"))]),
    ];
    let db = Image::new("linux/amd64", &db)?;
    write_before_25(&images.join("db.tar"), &[(&db, &[&format!("registry.example/shop/db:{version}")])])
}

/// A layer that does not compress, the same on every machine (splitmix64), but for `change` in its midst.
fn filler(seed: &str, bytes: usize, change: &str) -> Layer {
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
    let midst = content.len() / 2;
    for (byte, other) in content[midst..].iter_mut().zip(change.bytes()) {
        *byte = other;
    }
    Layer::new(Compression::None, [(format!("usr/share/{seed}"), content)])
}
