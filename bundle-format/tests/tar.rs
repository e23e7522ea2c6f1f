//! Bundles against the tars of others (spec/bundle.md section 1.2).

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

mod tools;

use std::fs;
use std::path::Path;
use std::process::Command;

use testdata::bundle;

fn run(dir: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).current_dir(dir).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The good bundles, each in a folder of its own, and what GNU tar lists of them.
fn each_good_one(check: impl Fn(&Path, &str)) {
    for case in bundle::all().unwrap().iter().filter(|c| c.code.is_none()) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("bundle"), &case.bytes).unwrap();
        let names = run(dir.path(), "tar", &["-tf", "bundle"]);
        check(dir.path(), &names);
    }
}

#[test]
fn gnu_tar_packs_the_same_bytes_again() {
    if tools::missing(&["tar"]) {
        return;
    }
    each_good_one(|dir, names| {
        fs::create_dir(dir.join("x")).unwrap();
        fs::write(dir.join("names"), names).unwrap();
        run(dir, "tar", &["-C", "x", "-xf", "bundle"]);
        let options = "--format=ustar --numeric-owner --owner=0 --group=0 --mode=0644 --mtime=@0 -b1";
        let arguments: Vec<&str> = options.split(' ').chain(["-C", "x", "-cf", "again", "-T", "names"]).collect();
        run(dir, "tar", &arguments);
        assert!(fs::read(dir.join("again")).unwrap() == fs::read(dir.join("bundle")).unwrap());
    });
}

#[test]
fn bsdtar_lists_the_same_members() {
    if tools::missing(&["tar", "bsdtar"]) {
        return;
    }
    each_good_one(|dir, names| assert_eq!(run(dir, "bsdtar", &["-tf", "bundle"]), names));
}

#[test]
fn python_lists_the_same_members() {
    if tools::missing(&["tar", "python3"]) {
        return;
    }
    let program = "import tarfile\nfor m in tarfile.open('bundle', 'r:'):\n    assert m.isreg()\n    print(m.name)";
    each_good_one(|dir, names| assert_eq!(run(dir, "python3", &["-c", program]), names));
}
