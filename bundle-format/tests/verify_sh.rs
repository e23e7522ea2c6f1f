//! The auditor's shell script and the Rust reader say the same of every case.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

mod tools;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use testdata::bundle;

fn script() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/verify.sh")
}

#[test]
fn the_script_agrees_on_every_case() {
    if tools::missing(&["tar", "jq", "openssl", "sha256sum"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut keys = BTreeMap::new();
    for (name, pem) in [("vendor", bundle::VENDOR_PEM), ("qa", bundle::QA_PEM)] {
        let file = dir.path().join(format!("{name}.pub"));
        fs::write(&file, bundle::public_pem(pem).unwrap()).unwrap();
        keys.insert(pem, file);
    }
    let cases = bundle::all().unwrap();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut wrong = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let file = dir.path().join(case.name);
            fs::write(&file, &case.bytes).unwrap();
            let mut command = Command::new(script());
            command.arg(&file).args(case.keys.iter().map(|k| &keys[k])).env("TMPDIR", dir.path());
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let good = case.code.is_none();
            let first = if good { "OK shop 1.0.0 " } else { "FAIL: " };
            let exit = if good { 0 } else { 1 };
            if output.status.code() != Some(exit) || !said.starts_with(first) || !output.stderr.is_empty() {
                let error = String::from_utf8_lossy(&output.stderr);
                wrong.push(format!("{} ({:?}): {} {said}{error}", case.name, case.code, output.status));
            }
            fs::remove_file(file).unwrap();
        }
        wrong
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|w| w.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "the script leaves something behind");
}

/// A folder with the good bundle and the vendor's key.
fn site() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("the medium");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("good.sealift"), &bundle::all().unwrap()[0].bytes).unwrap();
    fs::write(folder.join("vendor.pub"), bundle::public_pem(bundle::VENDOR_PEM).unwrap()).unwrap();
    fs::write(folder.join("qa.pub"), bundle::public_pem(bundle::QA_PEM).unwrap()).unwrap();
    dir
}

/// Exit code, output, error output of the script in the folder of the medium.
fn run(dir: &Path, arguments: &[&str], path: Option<&Path>) -> (Option<i32>, String, String) {
    let mut command = Command::new("/bin/sh");
    command.arg(script()).args(arguments).current_dir(dir.join("the medium")).env("TMPDIR", dir);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn what_cannot_be_checked_is_neither_good_nor_bad() {
    if tools::missing(&["tar", "jq", "openssl", "sha256sum"]) {
        return;
    }
    let dir = site();
    let keys = dir.path().join("the medium");
    for (name, algorithm) in [("rsa", "rsa"), ("x25519", "x25519")] {
        let private = keys.join("private");
        let made = Command::new("openssl").args(["genpkey", "-algorithm", algorithm, "-out"]).arg(&private).output();
        assert!(made.unwrap().status.success());
        let public = Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(&private).output().unwrap();
        fs::write(keys.join(name), public.stdout).unwrap();
    }
    fs::write(keys.join("private"), bundle::VENDOR_PEM).unwrap();
    for (why, arguments, says) in [
        ("no argument", &[][..], "usage"),
        ("no key", &["good.sealift"][..], "usage"),
        ("no bundle", &["no.sealift", "vendor.pub"][..], "no.sealift"),
        ("a folder for a bundle", &[".", "vendor.pub"][..], "cannot be read"),
        ("no such key", &["good.sealift", "no.pub"][..], "no.pub"),
        ("a private key", &["good.sealift", "private"][..], "private"),
        ("a bundle for a key", &["good.sealift", "good.sealift"][..], "not a public key"),
        ("an RSA key", &["good.sealift", "rsa"][..], "not an Ed25519 key"),
        ("a key that only agrees on secrets", &["good.sealift", "x25519"][..], "not an Ed25519 key"),
        ("a key twice", &["good.sealift", "vendor.pub", "vendor.pub"][..], "twice"),
    ] {
        let (code, out, error) = run(dir.path(), arguments, None);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{why}: {error}");
        assert!(error.contains(says), "{why}: {error}");
    }
}

#[test]
fn a_missing_tool_is_named() {
    if tools::missing(&["tar", "jq", "openssl", "sha256sum"]) {
        return;
    }
    let dir = site();
    for missing in ["jq", "openssl", "tar", "sha256sum"] {
        let bin = dir.path().join(format!("without-{missing}"));
        fs::create_dir(&bin).unwrap();
        for folder in ["/usr/bin", "/bin"] {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_name() != missing {
                    // Both folders may be one.
                    let _ = std::os::unix::fs::symlink(entry.path(), bin.join(entry.file_name()));
                }
            }
        }
        let (code, _, error) = run(dir.path(), &["good.sealift", "vendor.pub"], Some(&bin));
        assert_eq!((code, error.as_str()), (Some(2), format!("verify.sh: {missing} is missing\n").as_str()));
    }
}

#[test]
fn it_says_what_it_proved_and_writes_nowhere_but_in_the_temporary_folder() {
    use std::os::unix::fs::PermissionsExt;
    if tools::missing(&["tar", "jq", "openssl", "sha256sum"]) {
        return;
    }
    let dir = site();
    let medium = dir.path().join("the medium");
    fs::set_permissions(&medium, fs::Permissions::from_mode(0o555)).unwrap();
    let (code, out, error) = run(dir.path(), &["good.sealift", "vendor.pub"], None);
    fs::set_permissions(&medium, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
    let trust = bundle_format::trust::PublicKey::from_pem(&bundle::public_pem(bundle::VENDOR_PEM).unwrap()).unwrap();
    let good = &bundle::all().unwrap()[0].bytes;
    let root = bundle_format::trust::TrustRoot::pinned(vec![trust.clone()]).unwrap();
    let opened = bundle_format::walk::Bundle::open(good.as_slice(), &root).unwrap();
    let expected = format!(
        "OK shop 1.0.0 revision 1, images: 2\nOK release {}\nOK release signed by {id}\nOK packing list signed by {id}\n\
         OK members: {}, left out by platform: 0\nOK archive: every byte\n",
        opened.release().id(),
        opened.list().value().predicate().members().len() + 1,
        id = trust.id(),
    );
    assert_eq!(out, expected);
    assert_eq!(fs::read_dir(&medium).unwrap().count(), 3);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the temporary folder is gone");
}
