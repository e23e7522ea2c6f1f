//! What a check finds, and that what it sets aside can come again.

use std::fs::{self, File};
use std::num::{NonZeroU64, NonZeroUsize};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use registry_lite::digest::Algorithm;
use registry_lite::store::{Checked, Finding, FsckOptions};

use super::world::World;

fn check(world: &World) -> Checked {
    world.publish();
    world.store.fsck(&FsckOptions::default(), &()).unwrap()
}

/// Other bytes, without another length.
fn flip(path: &Path) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 0).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 0).unwrap();
}

fn shop() -> World {
    let mut world = World::new();
    world.image("app", &["base", "bin"]).image("arm", &["base", "arm.bin"]).index("both", &["app", "arm"]);
    world.name("both", "team/app:1").name("app", "team/other:1").about("sig", "app").name("sig", "");
    world.algorithm = Algorithm::Sha512;
    world.image("long", &["long.bin"]).name("long", "team/long:1");
    world.algorithm = Algorithm::Sha256;
    world
}

#[test]
fn a_whole_site_has_nothing_to_find() {
    let world = shop();
    let checked = check(&world);
    assert_eq!(checked.findings, []);
    assert_eq!(checked.blobs as usize, world.held().len());
    let (bytes, blobs) = world.store.held().unwrap();
    assert_eq!((checked.bytes, checked.blobs), (bytes, blobs));
}

#[test]
fn damaged_blobs_are_set_aside_with_the_names_that_need_them() {
    type Break = fn(&Path);
    let cut: Break = |path| File::options().write(true).open(path).unwrap().set_len(2).unwrap();
    let empty: Break = |path| drop(File::create(path).unwrap());
    let longer: Break = |path| fs::write(path, b"much longer than it was before it was damaged").unwrap();
    for (why, break_it) in [("flipped", flip as Break), ("cut short", cut), ("empty", empty), ("longer", longer)] {
        for (label, needed_by) in [
            ("base", vec!["team/app:1", "team/other:1"]),
            ("arm.bin", vec!["team/app:1"]),
            ("app", vec!["team/app:1", "team/other:1"]),
            ("long.bin", vec!["team/long:1"]),
            ("sig.layer", vec!["(unnamed)"]),
        ] {
            let world = shop();
            let digest = world.digest(label);
            let path = world.path(&digest);
            break_it(&path);
            let broken = fs::read(&path).unwrap();
            world.publish();
            let only_look = FsckOptions { dry_run: true, ..FsckOptions::default() };
            for (options, set_aside) in [(only_look, false), (FsckOptions::default(), true)] {
                let checked = world.store.fsck(&options, &()).unwrap();
                let [Finding::Damaged { digest: found, quarantined, needed_by: names, .. }] = &checked.findings[..]
                else {
                    panic!("{why} {label}: {:?}", checked.findings)
                };
                assert_eq!((found, *quarantined, path.exists()), (&digest, set_aside, !set_aside), "{why} {label}");
                let fits =
                    names.len() == needed_by.len() && names.iter().zip(&needed_by).all(|(n, e)| n.starts_with(e));
                assert!(fits, "{why} {label}: {names:?}");
            }
            let aside = world.dir.path().join(format!("quarantine/{}", digest.to_string().replace(':', "-")));
            assert_eq!(fs::read(aside).unwrap(), broken, "{why} {label}: kept for whoever wonders");
            let again = check(&world).findings;
            let [Finding::Missing { digest: missing, .. }] = &again[..] else { panic!("{why} {label}: {again:?}") };
            assert_eq!(missing, &digest, "{why} {label}");
        }
    }
}

#[test]
fn what_is_named_and_not_there_is_found() {
    let mut world = shop();
    world.lose("bin");
    let findings = check(&world).findings;
    let [Finding::Missing { digest, needed_by }] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((digest, needed_by.len()), (&world.digest("bin"), 2));
    world.blob("bin");
    // A member of an index may be missing: bundles carry some platforms of an index.
    world.lose("arm");
    assert_eq!(check(&world).findings, []);
    world.lose("both");
    let findings = check(&world).findings;
    assert!(
        matches!(&findings[..], [Finding::Missing { needed_by, .. }] if needed_by == &["team/app:1"]),
        "{findings:?}"
    );
}

#[test]
fn a_length_that_is_not_the_listed_one_is_found_though_the_digest_is_right() {
    let mut world = World::new();
    world.image("app", &["bin"]).name("app", "team/app:1");
    world.entries[0].size += 1;
    let findings = check(&world).findings;
    assert!(matches!(findings[..], [Finding::Size { held, listed, .. }] if listed == held + 1), "{findings:?}");
}

#[test]
fn names_and_files_that_are_none_are_found_and_left() {
    let mut world = shop();
    world.name("app", "no name: at all");
    let file = world.dir.path().join("blobs/sha256/notes.txt");
    fs::write(&file, b"").unwrap();
    let findings = check(&world).findings;
    let [foreign, name] = &findings[..] else { panic!("{findings:?}") };
    assert!(matches!(foreign, Finding::Foreign { path } if *path == file) && !foreign.is_serious(), "{foreign:?}");
    assert!(matches!(name, Finding::Name { .. }) && name.is_serious(), "{name:?}");
    assert!(file.exists());
    fs::write(world.dir.path().join("index.json"), b"{").unwrap();
    let findings = world.store.fsck(&FsckOptions::default(), &()).unwrap().findings;
    assert!(findings.iter().any(|f| matches!(f, Finding::Index { .. })), "{findings:?}");
}

#[test]
fn a_blob_that_was_replaced_by_a_good_one_is_not_set_aside() {
    let mut world = World::new();
    world.blob("bin");
    let digest = world.digest("bin");
    assert!(!world.store.quarantine(&digest).unwrap(), "it is what its name says");
    flip(&world.path(&digest));
    assert!(world.store.quarantine(&digest).unwrap());
    assert!(!world.store.quarantine(&digest).unwrap(), "it is not there any more");
    world.blob("bin");
    assert!(!world.store.quarantine(&digest).unwrap() && world.path(&digest).exists(), "it came again");
}

#[test]
fn a_check_keeps_to_its_rate() {
    let mut world = World::new();
    for n in 0..4 {
        world.blob(&format!("{n}").repeat(50_000));
    }
    world.publish();
    let options = FsckOptions { rate: NonZeroU64::new(1_000_000), jobs: NonZeroUsize::new(4).unwrap(), dry_run: true };
    let begun = Instant::now();
    assert_eq!(world.store.fsck(&options, &()).unwrap().bytes, 200_000);
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(140), "200 000 bytes at 1 MB/s: {took:?}");
}
