//! The vectors in spec/vectors are what testdata makes, and mean what they say. `UPDATE=1` renews them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

mod tools;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bundle_format::Digest;
use serde_json::{Value, json};
use testdata::bundle::{self, Case, QA_PEM, VENDOR_PEM};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors")
}

fn key_name(pem: &str) -> &'static str {
    if pem == VENDOR_PEM { "vendor.pub" } else { "qa.pub" }
}

/// How to make `target` from `base`: `copy OFFSET LENGTH` takes bytes of the base, `data BASE64` gives them.
fn patch(base: &[u8], target: &[u8]) -> String {
    const BLOCK: usize = 512;
    let places: HashMap<&[u8], usize> =
        base.chunks_exact(BLOCK).enumerate().rev().map(|(n, b)| (b, n * BLOCK)).collect();
    let mut steps: Vec<Result<(usize, usize), Vec<u8>>> = Vec::new();
    for block in target.chunks(BLOCK) {
        // A block that follows the one before in the base is taken from there, if it is there several times.
        let next = match steps.last() {
            Some(Ok((at, len))) if base.get(at + len..at + len + block.len()) == Some(block) => Some(at + len),
            _ => places.get(block).copied(),
        };
        match (next, steps.last_mut()) {
            (Some(at), Some(Ok((from, len)))) if *from + *len == at => *len += block.len(),
            (Some(at), _) => steps.push(Ok((at, block.len()))),
            (None, Some(Err(data))) => data.extend_from_slice(block),
            (None, _) => steps.push(Err(block.to_vec())),
        }
    }
    let mut text = String::new();
    for step in steps {
        match step {
            Ok((at, len)) => writeln!(text, "copy {at} {len}").unwrap(),
            Err(data) => writeln!(text, "data {}", STANDARD.encode(data)).unwrap(),
        }
    }
    text
}

fn apply(base: &[u8], patch: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for line in patch.lines() {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["copy", at, len] => {
                let at: usize = at.parse().unwrap();
                out.extend_from_slice(&base[at..at + len.parse::<usize>().unwrap()]);
            }
            ["data", data] => out.extend(STANDARD.decode(data).unwrap()),
            other => panic!("{other:?}"),
        }
    }
    out
}

/// Every file of the folder but those that people write.
fn files(cases: &[Case]) -> BTreeMap<String, Vec<u8>> {
    let base = &cases[0].bytes;
    let mut files = BTreeMap::new();
    let mut index = Vec::new();
    for case in cases {
        if case.name != "good" {
            files.insert(format!("{}.patch", case.name), patch(base, &case.bytes).into_bytes());
        }
        let keys: Vec<_> = case.keys.iter().map(|k| key_name(k)).collect();
        index.push(json!({
            "name": case.name,
            "keys": keys,
            "code": case.code.map(|c| c.text()),
            "member": if case.says.is_empty() { Value::Null } else { case.says.clone().into() },
            "sha256": Digest::of(&case.bytes).hex(),
        }));
    }
    files.insert("good.sealift".to_owned(), base.clone());
    let lines: Vec<String> = index.iter().map(Value::to_string).collect();
    files.insert("index.json".to_owned(), format!("[\n{}\n]\n", lines.join(",\n")).into_bytes());
    for pem in [VENDOR_PEM, QA_PEM] {
        files.insert(key_name(pem).to_owned(), bundle::public_pem(pem).unwrap().into_bytes());
    }
    files
}

#[test]
fn the_vectors_are_what_testdata_makes() {
    let files = files(&bundle::all().unwrap());
    let update = std::env::var_os("UPDATE").is_some();
    let written_by_people = ["README.md", "make.sh"].map(str::to_owned);
    // Folders are vectors of something else.
    let found: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(Result::unwrap)
        .filter(|e| e.file_type().unwrap().is_file())
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    for name in found.iter().filter(|n| !files.contains_key(*n) && !written_by_people.contains(n)) {
        assert!(update, "{name} is no vector any more; UPDATE=1 removes it");
        fs::remove_file(folder().join(name)).unwrap();
    }
    for (name, content) in &files {
        let path = folder().join(name);
        if update {
            fs::write(&path, content).unwrap();
        }
        assert!(fs::read(&path).ok().as_ref() == Some(content), "{name} is stale; UPDATE=1 renews it");
    }
    let total: usize = files.values().map(Vec::len).sum();
    assert!(total < 4 << 20, "{total} bytes of vectors");
}

#[test]
fn every_patch_gives_its_bundle() {
    let cases = bundle::all().unwrap();
    let base = fs::read(folder().join("good.sealift")).unwrap();
    for case in &cases[1..] {
        let text = fs::read_to_string(folder().join(format!("{}.patch", case.name))).unwrap();
        assert!(apply(&base, &text) == case.bytes, "{}", case.name);
    }
}

#[test]
fn the_script_makes_them_too() {
    if tools::missing(&["jq", "base64", "sha256sum"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(folder().join("make.sh")).arg(dir.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), bundle::all().unwrap().len());
}
