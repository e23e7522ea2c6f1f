//! The cloud shop of `testdata/cloud` with images of a few bytes, in its versions, and a site.

#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testdata::{Compression, Image, Layer};

use crate::common::{Ran, output, tree};

/// The options that name the installation in `out`.
pub const ON: &str = "--site site -n team --target dir:out";

/// A vendor's and a site's folders.
pub struct Cloud {
    dir: tempfile::TempDir,
}

impl Cloud {
    /// The bundles v1, v2 (a delta on v1), v3, patch (the catalog alone, on 2.0.0), and a site that has the first.
    pub fn new() -> Self {
        let cloud = Self { dir: tempfile::tempdir().unwrap() };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cloud");
        for version in ["v1", "v2", "v3", "patch"] {
            output(Command::new("cp").arg("-r").arg(source.join("v1")).arg(cloud.path(version)));
            output(Command::new("python3").arg(source.join("versions.py")).arg(version).arg(cloud.path(version)));
            cloud.images(version);
        }
        cloud.ok("keygen -q --no-passphrase -o vendor");
        cloud.ok("pack v1/sealift.yaml -o v1.sealift --key vendor.pem");
        let packed = cloud.ok("pack v2/sealift.yaml -o v2.sealift --key vendor.pem --base v1.sealift --json").json();
        cloud.edit("patch/sealift.yaml", &format!("sha256:{}", "0".repeat(64)), packed["digest"].as_str().unwrap());
        cloud.ok("import v1.sealift --key vendor.pub --site site");
        cloud
    }

    /// Packs `version` as it is in its folder, and imports it.
    pub fn deliver(&self, version: &str) {
        if !self.path(&format!("{version}.sealift")).exists() {
            self.ok(&format!("pack {version}/sealift.yaml -o {version}.sealift --key vendor.pem"));
        }
        self.ok(&format!("import {version}.sealift --key vendor.pub --site site"));
    }

    /// Makes the images that the version's template names, each in a layout of its own.
    fn images(&self, version: &str) {
        let template = self.path(&format!("{version}/sealift.yaml"));
        let mut text = fs::read_to_string(&template).unwrap();
        let names: Vec<String> =
            text.lines().filter_map(|line| line.trim().strip_prefix("from: oci:images:")).map(str::to_owned).collect();
        for name in names {
            let layer = Layer::new(Compression::Gzip, [("app", format!("{name}\n"))]);
            let image = Image::new("linux/amd64", &[layer]).unwrap();
            let folder = format!("images/{}", name.replace(':', "-"));
            image.write_layout(&self.path(&format!("{version}/{folder}")), &name).unwrap();
            text = text.replace(&format!("oci:images:{name}\n"), &format!("oci:{folder}\n"));
        }
        fs::write(&template, text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
        command.args(line.split_whitespace()).current_dir(self.dir.path()).env_remove("SEALIFT_PASSPHRASE");
        command
    }

    pub fn sealift(&self, line: &str) -> Ran {
        Ran::of(&mut self.command(line))
    }

    pub fn ok(&self, line: &str) -> Ran {
        self.sealift(line).ok()
    }

    /// Runs a verb on the installation in `out`.
    pub fn on(&self, line: &str) -> Ran {
        self.ok(&format!("{line} {ON}"))
    }

    pub fn json(&self, line: &str) -> Value {
        self.on(&format!("{line} --json")).json()
    }

    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.path(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}: {text}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// The one file in `out` whose name ends so.
    pub fn file(&self, end: &str) -> String {
        let all = tree(&self.path("out")).into_keys();
        let mut fitting: Vec<String> = all.filter(|name| name.ends_with(end)).collect();
        assert_eq!(fitting.len(), 1, "{end}: {fitting:?}");
        format!("out/{}", fitting.remove(0))
    }

    /// The objects in it.
    pub fn text(&self, end: &str) -> String {
        fs::read_to_string(self.path(&self.file(end))).unwrap()
    }

    /// Every file of `out` with its content.
    pub fn contents(&self) -> Vec<(String, String)> {
        let all = tree(&self.path("out")).into_keys();
        all.map(|name| (name.clone(), fs::read_to_string(self.path(&format!("out/{name}"))).unwrap())).collect()
    }
}

/// What a plan decides about `path`.
pub fn decision<'p>(plan: &'p Value, path: &str) -> &'p Value {
    let all = plan["decisions"].as_array().unwrap();
    all.iter().find(|d| d["path"] == path).unwrap_or_else(|| panic!("nothing decides {path}: {plan:#}"))
}
