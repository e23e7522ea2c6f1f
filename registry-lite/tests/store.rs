//! The store keeps what it acknowledged, shows nothing that is not whole, and lets one process write at a time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot run has failed")]

#[path = "store/collect.rs"]
mod collect;
#[path = "store/fsck.rs"]
mod fsck;
#[path = "store/world.rs"]
mod world;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use bundle_format::{BlobSource, Descriptor, Digest, media};
use registry_lite::{LockedStore, Store, StoreError};
use tempfile::TempDir;

fn site() -> (TempDir, LockedStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::lock_or_create(dir.path()).unwrap();
    (dir, store)
}

fn put(store: &LockedStore, content: &[u8]) -> Descriptor {
    let blob = Descriptor::of(media::FILE, content);
    let mut writer = store.write_blob(&blob).unwrap();
    writer.write(content).unwrap();
    writer.commit().unwrap();
    blob
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn names(store: &Store) -> Vec<(String, Digest)> {
    let entries = store.entries().unwrap();
    entries.iter().map(|e| (e.annotations.get(media::REF_NAME).cloned().unwrap_or_default(), e.digest)).collect()
}

#[test]
fn a_new_site_is_an_empty_image_layout() {
    let (dir, store) = site();
    assert_eq!(files(dir.path()), ["blobs", "index.json", "lock", "oci-layout", "publish.lock", "site.json", "tmp"]);
    assert!(store.store().entries().unwrap().is_empty());
}

#[test]
fn a_committed_blob_reads_back_and_an_abandoned_one_is_gone() {
    let (dir, store) = site();
    let kept = put(&store, b"kept");
    let abandoned = Descriptor::of(media::FILE, b"abandoned");
    store.write_blob(&abandoned).unwrap().write(b"aban").unwrap();
    store.settle().unwrap();
    assert_eq!(store.store().read(&kept, 100).unwrap(), b"kept");
    assert!(!store.holds(&abandoned.digest, abandoned.size).unwrap());
    assert_eq!(files(&dir.path().join("blobs/sha256")), [kept.digest.hex()]);
    assert!(files(&dir.path().join("tmp")).is_empty());
}

#[test]
fn a_blob_that_lost_bytes_is_not_held_and_is_replaced() {
    let (dir, store) = site();
    let blob = put(&store, b"content");
    store.settle().unwrap();
    fs::write(dir.path().join("blobs/sha256").join(blob.digest.hex()), b"cont").unwrap();
    assert!(!store.holds(&blob.digest, blob.size).unwrap());
    put(&store, b"content");
    store.settle().unwrap();
    assert_eq!(store.store().read(&blob, 100).unwrap(), b"content");
}

#[test]
fn a_name_that_moves_leaves_the_old_content_reachable_by_its_digest() {
    let (_dir, store) = site();
    let old = put(&store, b"old").annotated(media::REF_NAME, "localhost:5000/shop/web:1");
    let new = put(&store, b"new").annotated(media::REF_NAME, "localhost:5000/shop/web:1");
    store.publish(vec![old.clone()]).unwrap();
    store.publish(vec![new.clone()]).unwrap();
    let by_digest = format!("localhost:5000/shop/web@{}", old.digest);
    let moved = [(by_digest.clone(), old.digest), ("localhost:5000/shop/web:1".to_owned(), new.digest)];
    assert_eq!(names(store.store()), moved);
    // And back: each content stays reachable, and nothing is listed twice.
    store.publish(vec![old.clone()]).unwrap();
    let mut back = names(store.store());
    back.sort();
    let mut expected = vec![
        ("localhost:5000/shop/web:1".to_owned(), old.digest),
        (by_digest, old.digest),
        (format!("localhost:5000/shop/web@{}", new.digest), new.digest),
    ];
    expected.sort();
    assert_eq!(back, expected);
    for entry in [&new, &old, &new, &old] {
        store.publish(vec![entry.clone()]).unwrap();
    }
    let mut again = names(store.store());
    again.sort();
    assert_eq!(again, expected, "however often it moves");
}

#[test]
fn publishing_the_same_again_changes_no_file() {
    let (dir, store) = site();
    let entry = put(&store, b"x").annotated(media::REF_NAME, "sealift/shop:1");
    let written = || fs::metadata(dir.path().join("index.json")).unwrap().ino();
    store.publish(vec![entry.clone()]).unwrap();
    let before = written();
    store.publish(vec![entry.clone()]).unwrap();
    assert_eq!(written(), before);
    // Content that came in the meantime may complete what the names stand for: those who watch the file must look again.
    put(&store, b"another platform");
    store.publish(vec![entry]).unwrap();
    assert_ne!(written(), before);
}

#[test]
fn a_second_writer_is_told_who_is_first_and_readers_are_not_kept_out() {
    let (dir, _first) = site();
    match Store::open(dir.path()).unwrap().lock() {
        Err(StoreError::Locked { holder, .. }) => assert_eq!(holder, format!("process {}", std::process::id())),
        other => panic!("{other:?}"),
    }
    assert!(Store::open(dir.path()).unwrap().entries().unwrap().is_empty());
}

#[test]
fn whoever_locks_the_site_sweeps_what_a_killed_run_left() {
    let (dir, store) = site();
    drop(store);
    fs::write(dir.path().join("tmp/.tmp-abc"), b"half a blob").unwrap();
    fs::write(dir.path().join(".tmp-def"), b"half an index").unwrap();
    let _store = Store::open(dir.path()).unwrap().lock().unwrap();
    assert!(files(&dir.path().join("tmp")).is_empty());
    assert!(!dir.path().join(".tmp-def").exists());
}

#[test]
fn other_folders_are_not_taken_for_sites() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::NotASite { .. })));
    assert!(matches!(Store::open(&dir.path().join("missing")), Err(StoreError::NotASite { .. })));
    fs::write(dir.path().join("photo.jpg"), b"").unwrap();
    assert!(matches!(Store::lock_or_create(dir.path()), Err(StoreError::NotASite { .. })));
    assert_eq!(files(dir.path()), ["photo.jpg"], "nothing was written there");
    let (site, store) = site();
    drop(store);
    fs::write(site.path().join("site.json"), br#"{"format":"https://sealift.dev/site/v9"}"#).unwrap();
    assert!(matches!(Store::open(site.path()), Err(StoreError::OtherFormat { .. })));
    fs::write(site.path().join("site.json"), b"{").unwrap();
    assert!(matches!(Store::open(site.path()), Err(StoreError::Damaged { .. })));
}

#[test]
fn a_link_in_the_place_of_a_blob_is_not_followed() {
    let (dir, store) = site();
    let blob = Descriptor::of(media::FILE, b"secret");
    let outside = dir.path().join("outside");
    fs::write(&outside, b"secret").unwrap();
    std::os::unix::fs::symlink(&outside, dir.path().join("blobs/sha256").join(blob.digest.hex())).unwrap();
    assert!(store.store().read(&blob, 100).is_err());
}

#[test]
fn work_that_does_not_fit_is_refused_before_it_begins() {
    let (_dir, store) = site();
    assert!(matches!(store.check_space(u64::MAX), Err(StoreError::NoSpace { needed: u64::MAX, .. })));
    store.check_space(1).unwrap();
}
