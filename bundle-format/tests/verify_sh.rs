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
