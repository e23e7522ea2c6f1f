//! A small shop to pack, and what the tests of the command share. Every path that a test types is relative to its shop.

#![allow(dead_code, reason = "each test file uses a part")]

pub mod disk;
pub mod files;
pub mod http;
pub mod process;
pub mod pusher;
pub mod registry;
pub mod tmpfs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use testdata::{Compression, Image, Layer};

pub use files::{Tree, tree};
#[allow(unused_imports, reason = "each test file uses a part")]
pub use process::{Background, Ran, output};

pub const WEB: &str = "registry.example/shop/web:1.0.0";
pub const API: &str = "registry.example/shop/api:1.0.0";
pub const DB: &str = "registry.example/shop/db:1.0.0";

/// A line that packs the shop into `shop.sealift`.
pub const PACK: &str = "pack sealift.yaml -o shop.sealift --key vendor.pem";
/// A line that imports it into the folder `site`.
pub const IMPORT: &str = "import shop.sealift --key vendor.pub --site site";

/// A vendor's folder: the template of `testdata` with images, and the key pair `vendor`.
pub struct Shop {
    dir: tempfile::TempDir,
    /// Where temporary files would go. It lies elsewhere, and must be empty after every run.
    tmp: tempfile::TempDir,
}

impl Shop {
    pub fn new() -> Self {
        let shop = Self { dir: tempfile::tempdir().unwrap(), tmp: tempfile::tempdir().unwrap() };
        testdata::shop::write(shop.dir(), 0).unwrap();
        // Images whose digests the tests know, so none from a docker archive.
        shop.edit("docker-archive:images/db.tar", "oci-archive:images/db.tar");
        for (file, name, image) in [("web", WEB, web()), ("api", API, api()), ("db", DB, db())] {
            image.write_oci_archive(&shop.path(&format!("images/{file}.tar")), name).unwrap();
        }
        shop.sealift("keygen -q --no-passphrase -o vendor").ok();
        shop
    }

    /// With the bundle `shop.sealift`.
    pub fn packed() -> Self {
        let shop = Self::new();
        shop.sealift(PACK).ok();
        shop
    }

    /// With the bundle, and the site `site` that has imported it.
    pub fn imported() -> Self {
        let shop = Self::packed();
        shop.sealift(IMPORT).ok();
        shop
    }

    /// With one image of `layers` layers of 8 MiB that do not compress, for what must take a while.
    pub fn large(layers: usize) -> Self {
        let shop = Self::new();
        let layer = |n| Layer::new(Compression::None, [(format!("data/{n}"), noise(8 << 20))]);
        let image = Image::new("linux/amd64", &(0..layers).map(layer).collect::<Vec<_>>()).unwrap();
        image.write_layout(&shop.path("images/large"), "large").unwrap();
        let template = "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: { name: large, version: '1' }\n\
                        images: [{ name: 'registry.example/large:1', from: 'oci:images/large' }]\n\
                        components: [{ name: large, image: 'registry.example/large:1' }]\n";
        shop.write("large.yaml", template.as_bytes());
        shop
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Writes the template anew, with `from` replaced by `to`.
    pub fn edit(&self, from: &str, to: &str) {
        let text = String::from_utf8(self.read("sealift.yaml")).unwrap();
        assert!(text.contains(from), "the template has no {from:?}");
        self.write("sealift.yaml", text.replacen(from, to, 1).as_bytes());
    }

    /// The command `sealift` with the words of `line`, in the shop's folder, without a terminal.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
        command.args(line.split_whitespace());
        self.prepare(&mut command);
        command
    }

    /// Runs another program in the shop's folder; returns what it prints.
    pub fn run(&self, line: &str) -> Vec<u8> {
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().unwrap());
        output(self.prepare(command.args(words)))
    }

    pub fn prepare<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for variable in ["SEALIFT_PASSPHRASE", "SOURCE_DATE_EPOCH", "REGISTRY_AUTH_FILE", "http_proxy", "https_proxy"] {
            command.env_remove(variable);
        }
        command.env("TMPDIR", self.tmp.path()).current_dir(self.dir()).stdin(Stdio::null())
    }

    /// Runs `sealift` to its end.
    pub fn sealift(&self, line: &str) -> Ran {
        let ran = Ran::of(&mut self.command(line));
        self.no_temporary_files();
        ran
    }

    pub fn no_temporary_files(&self) {
        assert_eq!(tree(self.tmp.path()), Tree::new(), "TMPDIR is used");
    }

    /// Runs `sealift`, which must refuse, name `names` in the message, and leave every file of the shop as it was.
    pub fn refuses(&self, line: &str, exit: i32, code: &str, names: &[&str]) -> Ran {
        let before = tree(self.dir());
        let ran = self.sealift(line).refused(exit, code, names);
        files::assert_same(&before, &tree(self.dir()), line);
        ran
    }

    /// What `list --json` says of the site.
    pub fn list(&self, site: &str) -> serde_json::Value {
        self.sealift(&format!("list --json --site {site}")).ok().json()
    }
}

/// Two platforms under one index.
pub fn web() -> Image {
    let of = |platform| {
        let base = Layer::new(Compression::Gzip, [("etc/os-release", "ID=sealift\n".repeat(500))]);
        let app = Layer::new(Compression::Zstd, [("bin/web", format!("{platform}\n").repeat(2000))]);
        Image::new(platform, &[base, app]).unwrap()
    };
    Image::index([of("linux/amd64"), of("linux/arm64")]).unwrap()
}

pub fn api() -> Image {
    image("api", Compression::Gzip)
}

pub fn db() -> Image {
    image("db", Compression::None)
}

/// An image that differs by `name`.
pub fn image(name: &str, compression: Compression) -> Image {
    let base = Layer::new(compression, [("etc/os-release", "ID=sealift\n".repeat(500))]);
    let app = Layer::new(compression, [(format!("bin/{name}"), name.repeat(3000)), ("bin/x".into(), name.to_owned())]);
    Image::new("linux/amd64", &[base, app]).unwrap()
}

/// Bytes that do not compress.
pub fn noise(len: usize) -> Vec<u8> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    fs::File::open("/dev/urandom").unwrap().take(len as u64).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Says that a test is skipped, by its name. Where all must run (CI), that is a failure.
pub fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "this test must run here: {why}");
    eprintln!("SKIPPED {}: {why}", std::thread::current().name().unwrap_or_default());
}

/// Whether every one of `tools` is installed. A missing one is a named skip, but a failure where the environment says CI.
pub fn have(tools: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = |tool: &str| std::env::split_paths(&path).any(|dir| dir.join(tool).exists());
    let missing: Vec<_> = tools.iter().filter(|tool| !there(tool)).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "not installed: {missing:?}");
    eprintln!("SKIPPED: not installed: {missing:?}");
    false
}
