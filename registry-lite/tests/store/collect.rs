//! What a collection keeps, and what it removes.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use bundle_format::{Code, Coded as _};
use registry_lite::digest::Algorithm;
use registry_lite::store::{CollectOptions, Mark, StoreError, Why};

use super::world::{DAY, World, stored};

const HOUR: Duration = Duration::from_secs(60 * 60);

struct Case {
    why: &'static str,
    make: fn(&mut World),
    options: fn(&World) -> CollectOptions,
    /// What goes; everything else that was made stays.
    goes: &'static [&'static str],
}

fn usual(_: &World) -> CollectOptions {
    CollectOptions::default()
}

fn keep_untagged(_: &World) -> CollectOptions {
    CollectOptions { keep_untagged: true, ..CollectOptions::default() }
}

#[test]
fn what_a_name_reaches_stays_and_the_rest_goes() {
    let cases = [
        Case {
            why: "a tagged image stays with its layers; a blob that nobody lists goes",
            make: |w| {
                w.image("app", &["base", "bin"]).name("app", "team/app:1");
                w.blob("left behind");
            },
            options: usual,
            goes: &["left behind"],
        },
        Case {
            why: "an image without a tag goes, but not the layer that a tagged one shares",
            make: |w| {
                w.image("old", &["base", "old.bin"]).name("old", "team/app@");
                w.image("new", &["base", "new.bin"]).name("new", "team/app:1");
            },
            options: usual,
            goes: &["old", "old.config", "old.bin"],
        },
        Case {
            why: "two repositories share a layer: it stays as long as one of them needs it",
            make: |w| {
                w.image("one", &["base", "one.bin"]).name("one", "team/one@");
                w.image("two", &["base", "two.bin"]).name("two", "other/two:1");
            },
            options: usual,
            goes: &["one", "one.config", "one.bin"],
        },
        Case {
            why: "an image without a tag stays if it was asked for",
            make: |w| {
                w.image("old", &["old.bin"]).name("old", "team/app@");
            },
            options: keep_untagged,
            goes: &[],
        },
        Case {
            why: "an image without a tag stays while its push is young: its index may be on the way",
            make: |w| {
                w.image("arm", &["bin"]).name("arm", "team/app@").pushed("team/app", "arm", HOUR);
            },
            options: usual,
            goes: &[],
        },
        Case {
            why: "and goes when it is old",
            make: |w| {
                w.image("arm", &["bin"]).name("arm", "team/app@").pushed("team/app", "arm", 2 * DAY);
            },
            options: usual,
            goes: &["arm", "arm.config", "bin"],
        },
        Case {
            why: "a blob that was just pushed waits for its manifest; one of last week does not",
            make: |w| {
                w.blob("young");
                w.blob("old");
                w.pushed("a/b", "young", HOUR).pushed("a/b/c", "old", 7 * DAY);
            },
            options: usual,
            goes: &["old"],
        },
        Case {
            why: "a clock that was set back makes a push seem to come from the future: it stays",
            make: |w| {
                w.blob("early");
                let digest = w.digest("early");
                w.pushed("a/b", "early", HOUR);
                let path = w.dir.path().join(format!("repositories/a/b/_pushed/sha256-{}", digest.hex()));
                let future = SystemTime::now() + 300 * DAY;
                File::options().write(true).open(path).unwrap().set_modified(future).unwrap();
            },
            options: usual,
            goes: &[],
        },
        Case {
            why: "an index keeps its members, and they theirs, also those that have names of their own",
            make: |w| {
                w.image("amd", &["amd.bin"]).image("arm", &["arm.bin"]).name("arm", "team/app@");
                w.index("inner", &["arm"]).index("outer", &["amd", "inner"]).name("outer", "team/app:1");
            },
            options: usual,
            goes: &[],
        },
        Case {
            why: "an index that lost its tag goes with its members, all the way down",
            make: |w| {
                w.image("amd", &["amd.bin"]).index("inner", &["amd"]).index("outer", &["inner"]);
                w.name("outer", "team/app@").name("amd", "team/app@");
            },
            options: usual,
            goes: &["outer", "inner", "amd", "amd.config", "amd.bin"],
        },
        Case {
            why: "an index that a bundle brought without one of its platforms",
            make: |w| {
                w.image("amd", &["amd.bin"]).image("arm", &["arm.bin"]).index("both", &["amd", "arm"]);
                w.lose("arm").name("both", "ghcr.io/team/app:1");
            },
            options: usual,
            goes: &["arm.config", "arm.bin"],
        },
        Case {
            why: "a signature stays with what it signs, and the signature of the signature",
            make: |w| {
                w.image("app", &["bin"]).name("app", "team/app:1");
                w.about("sbom", "app").about("sig", "sbom").about("sig of sig", "sig");
                w.name("sig of sig", "team/app@").name("sig", "team/app@").name("sbom", "team/app@");
            },
            options: usual,
            goes: &[],
        },
        Case {
            why: "and goes with it",
            make: |w| {
                w.image("app", &["bin"]).name("app", "team/app@");
                w.about("sbom", "app").about("sig", "sbom").name("sig", "team/app@").name("sbom", "team/app@");
            },
            options: usual,
            goes: &["app", "app.config", "bin", "sbom", "sbom.config", "sbom.layer", "sig", "sig.config", "sig.layer"],
        },
        Case {
            why: "a signature of one platform of an index",
            make: |w| {
                w.image("arm", &["bin"]).index("both", &["arm"]).name("both", "team/app:1");
                w.about("sig", "arm").name("sig", "team/app@");
            },
            options: usual,
            goes: &[],
        },
        Case {
            why: "a signature that has a tag stays, whatever it signs is gone",
            make: |w| {
                w.image("app", &["bin"]).name("app", "team/app@").about("sig", "app");
                w.name("sig", "team/app:sig");
            },
            options: usual,
            goes: &["app", "app.config", "bin"],
        },
        Case {
            why: "a release has no name: it stays with its version",
            make: |w| {
                w.image("v1", &["doc"]).index("version", &["v1"]).name("version", "sealift/shop:1");
                w.about("release", "version").name("release", "");
                w.image("gone", &["x"]).about("its release", "gone").name("its release", "");
            },
            options: usual,
            goes: &["gone", "gone.config", "x", "its release", "its release.config", "its release.layer"],
        },
        Case {
            why: "the list under a fallback tag is a tag like any other",
            make: |w| {
                w.image("app", &["bin"]).name("app", "team/app:1").about("sig", "app");
                let tag = w.digest("app").to_string().replace(':', "-");
                w.index("list", &["sig"]).name("list", &format!("team/app:{tag}"));
            },
            options: usual,
            goes: &[],
        },
        Case {
            why: "what an installation was made of stays, though its tag moved on",
            make: |w| {
                w.image("old", &["base", "old.bin"]).name("old", "quay.io/a/b@");
                w.image("new", &["base", "new.bin"]).name("new", "quay.io/a/b:1");
            },
            options: |w| w.pins(&["old"]),
            goes: &[],
        },
        Case {
            why: "also if its name was deleted",
            make: |w| {
                w.image("old", &["old.bin"]).index("both", &["old"]);
            },
            options: |w| w.pins(&["both"]),
            goes: &[],
        },
        Case {
            why: "content by SHA-512 is like any other",
            make: |w| {
                w.algorithm = Algorithm::Sha512;
                w.image("app", &["bin"]).name("app", "team/app:1");
                w.image("old", &["old.bin"]).name("old", "team/app@");
                w.blob("left behind");
                w.blob("young");
                w.pushed("team/app", "young", HOUR);
            },
            options: usual,
            goes: &["old", "old.config", "old.bin", "left behind"],
        },
        Case {
            why: "an index that lists a layer as if it were a manifest harms nothing",
            make: |w| {
                w.image("app", &["bin"]).name("app", "team/app:1");
                let layer = w.blob("layer");
                let mut lie = layer.clone();
                lie["mediaType"] = "application/vnd.oci.image.manifest.v1+json".into();
                w.list("liar", lie).name("liar", "evil/app:1");
            },
            options: usual,
            goes: &[],
        },
        Case {
            why: "names that only others understand are kept as they are",
            make: |w| {
                w.image("app", &["bin"]).name("app", "just-a-tag");
            },
            options: usual,
            goes: &[],
        },
    ];
    for Case { why, make, options, goes } in cases {
        let mut world = World::new();
        make(&mut world);
        let made = world.held();
        let before = stored(&world);
        let options = options(&world);
        let (planned, freed) = world.collect(&options).unwrap_or_else(|e| panic!("{why}: {e}"));
        let gone: BTreeSet<String> = made.difference(&world.held()).cloned().collect();
        assert_eq!(gone, goes.iter().map(ToString::to_string).collect(), "{why}");
        let named: BTreeSet<String> = world.names().into_iter().collect();
        assert!(!named.iter().any(|name| gone.iter().any(|g| name.ends_with(&format!("@{g}")))), "{why}: {named:?}");
        assert_eq!(freed.bytes, before - stored(&world), "{why}: what is said to be freed is what the disk has more");
        assert_eq!((planned.bytes, planned.blobs), (freed.bytes, freed.blobs), "{why}: the plan said so");
        assert_eq!(planned.kept_bytes, stored(&world), "{why}");
        let (again, nothing) = world.collect_again(&options);
        assert_eq!((again.blobs, nothing.blobs, nothing.names), (0, 0, 0), "{why}: nothing is left to do");
    }
}

#[test]
fn a_plan_alone_removes_nothing() {
    let mut world = World::new();
    world.image("old", &["bin"]).name("old", "team/app@");
    world.publish();
    let before = world.held();
    let site = world.store.clone().lock().unwrap();
    let plan = site.plan_collection(&CollectOptions::default()).unwrap();
    assert_eq!((plan.planned().blobs, plan.planned().names.len()), (3, 1));
    drop(plan);
    assert_eq!((world.held(), world.names().len()), (before, 1));
}

#[test]
fn what_comes_into_use_after_the_plan_is_not_removed() {
    type Change = fn(&mut World);
    let cases: [(&str, Change, &[&str]); 6] = [
        ("nothing", |_| {}, &[]),
        (
            "a tag for the whole image",
            |w| {
                w.name("old", "team/app:back");
            },
            &["old", "old.config", "old.bin"],
        ),
        (
            "a push of one of its layers",
            |w| {
                w.pushed("x/y", "old.bin", Duration::ZERO);
            },
            &["old.bin"],
        ),
        (
            "the image pushed again by its digest",
            |w| {
                w.pushed("team/app", "old", Duration::ZERO);
            },
            &["old", "old.config", "old.bin"],
        ),
        (
            "an index that lists it",
            |w| {
                w.index("list", &["old"]).name("list", "team/app:list");
            },
            &["old", "old.config", "old.bin"],
        ),
        (
            "another image with the layer",
            |w| {
                w.image("new", &["old.bin"]).name("new", "team/new:1");
            },
            &["old.bin"],
        ),
    ];
    for (what, change, stays) in cases {
        let mut world = World::new();
        world.image("old", &["old.bin"]).name("old", "team/app@");
        world.blob("left behind");
        world.publish();
        let options = CollectOptions { grace: Duration::ZERO, ..CollectOptions::default() };
        let store = world.store.clone();
        let site = store.lock().unwrap();
        let plan = site.plan_collection(&options).unwrap();
        assert_eq!(plan.planned().blobs, 4, "{what}");
        let before = world.held();
        change(&mut world);
        world.publish();
        plan.free(&()).unwrap();
        let held = world.held();
        let kept: BTreeSet<_> = before.intersection(&held).cloned().collect();
        assert_eq!(kept, stays.iter().map(ToString::to_string).collect(), "{what}");
    }
}

#[test]
fn a_manifest_that_cannot_be_read_stops_the_collection() {
    type Break = fn(&mut World);
    let damage: Break = |w| fs::write(w.path(&w.digest("app")), b"{}").unwrap();
    let cases: [(&str, &str, Break, &str); 6] = [
        ("a tagged one is damaged", "team/app:1", damage, "team/app:1"),
        (
            "a tagged one is missing",
            "team/app:1",
            |w| {
                w.lose("app");
            },
            "missing",
        ),
        ("one without a tag may be about something that is kept", "team/app@", damage, "team/app@"),
        ("so may one without a name", "", damage, "what is held is"),
        (
            "one that was cut short",
            "team/app:1",
            |w| {
                let path = w.path(&w.digest("app"));
                File::options().write(true).open(path).unwrap().set_len(20).unwrap();
            },
            "team/app:1",
        ),
        (
            "a member of an index was damaged and set aside",
            "team/other:1",
            |w| {
                w.index("both", &["app"]).name("both", "team/both:1");
                fs::write(w.path(&w.digest("app")), b"{}").unwrap();
                assert!(w.store.quarantine(&w.digest("app")).unwrap());
                w.entries.retain(|e| e.name() != Some("team/other:1"));
            },
            "team/both:1",
        ),
    ];
    for (why, name, break_it, named) in cases {
        let mut world = World::new();
        world.image("app", &["bin"]).name("app", name);
        world.blob("left behind");
        break_it(&mut world);
        let before = world.held();
        let error = world.collect(&CollectOptions::default()).unwrap_err();
        assert_eq!(error.code(), Code::SiteDamaged, "{why}: {error}");
        assert!(error.to_string().contains(named), "{why}: {error}");
        assert!(error.hint().unwrap().contains("fsck"), "{why}");
        assert_eq!(world.held(), before, "{why}: nothing was removed");
    }
}

#[test]
fn files_that_are_no_blobs_are_never_removed() {
    let mut world = World::new();
    world.blob("left behind");
    let blobs = world.dir.path().join("blobs");
    let hex = world.digest("left behind").hex();
    fs::create_dir_all(blobs.join("sha384")).unwrap();
    let foreign = [
        "sha256/notes.txt".to_owned(),
        format!("sha256/{hex}.bak"),
        format!("sha256/{}", hex.to_uppercase()),
        format!("sha384/{hex}"),
        "readme".to_owned(),
    ];
    for name in &foreign {
        fs::write(blobs.join(name), b"somebody's").unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", blobs.join(format!("sha256/{}", "0".repeat(64)))).unwrap();
    fs::create_dir(blobs.join(format!("sha256/{}", "1".repeat(64)))).unwrap();
    let (_, freed) = world.collect(&CollectOptions::default()).unwrap();
    assert_eq!(freed.blobs, 1);
    for name in &foreign {
        assert!(blobs.join(name).exists(), "{name}");
    }
    assert!(blobs.join(format!("sha256/{}", "0".repeat(64))).symlink_metadata().is_ok());
    assert!(blobs.join(format!("sha256/{}", "1".repeat(64))).is_dir());
}

#[test]
fn marks_that_matter_no_more_go_and_then_their_folders() {
    let mut world = World::new();
    world.image("app", &["bin", "hidden"]).name("app", "team/app:1");
    world.blob("old");
    world.blob("young");
    world.blob("deleted");
    world.pushed("a/b", "old", 2 * DAY).pushed("c/d", "young", HOUR);
    world.mark(Mark::Removed, "team/app", "hidden", 9 * DAY).mark(Mark::Removed, "e/f", "deleted", HOUR);
    let folder = |name: &str| world.dir.path().join("repositories").join(name);
    let (_, freed) = world.collect(&CollectOptions::default()).unwrap();
    assert_eq!(freed.marks, 2);
    let marks = |name: &str| fs::read_dir(folder(name)).map_or(0, Iterator::count);
    assert_eq!(
        (marks("a/b/_pushed"), marks("c/d/_pushed"), marks("team/app/_removed"), marks("e/f/_removed")),
        (0, 1, 1, 0)
    );
    assert!(folder("a/b/_pushed").exists(), "a folder that was just used stays for a while");
    for name in ["a/b/_pushed", "a/b", "a", "c", "e/f/_removed", "e/f", "e"] {
        File::open(folder(name)).unwrap().set_modified(SystemTime::now() - 2 * HOUR).unwrap();
    }
    world.collect(&CollectOptions::default()).unwrap();
    assert!(!folder("a").exists() && !folder("e").exists());
    assert!(folder("c/d/_pushed").exists() && folder("team/app/_removed").exists());
}

#[test]
fn damaged_blobs_that_were_set_aside_go_when_they_were_healed_or_nobody_needs_them() {
    let mut world = World::new();
    world.image("app", &["needed", "healed"]).name("app", "team/app:1");
    world.blob("unneeded");
    for label in ["needed", "healed", "unneeded"] {
        fs::write(world.path(&world.digest(label)), b"damaged").unwrap();
        assert!(world.store.quarantine(&world.digest(label)).unwrap());
    }
    world.blob("healed");
    let aside = |label: &str| world.store.is_quarantined(&world.digest(label));
    world.collect(&CollectOptions::default()).unwrap();
    assert!(aside("needed") && aside("healed") && aside("unneeded"), "for a day whoever wonders can look at them");
    std::thread::sleep(Duration::from_millis(1100));
    let (_, freed) = world.collect(&CollectOptions { grace: Duration::ZERO, ..CollectOptions::default() }).unwrap();
    assert_eq!((aside("needed"), aside("healed"), aside("unneeded")), (true, false, false));
    assert_eq!((freed.quarantined, freed.quarantined_bytes), (2, 14));
}

#[test]
fn the_largest_things_without_a_tag_are_shown_with_the_reason() {
    let mut world = World::new();
    world.image("app", &["bin"]).name("app", "team/app:1");
    world.about("sig", "app").name("sig", "team/app@");
    world.image("installed", &["a layer that is longer than the others"]).name("installed", "team/app@");
    world.image("young", &["y"]).name("young", "team/app@").pushed("team/app", "young", HOUR);
    world.image("listed", &["l"]).name("listed", "team/app@").index("list", &["listed"]).name("list", "team/app:2");
    let (planned, _) = world.collect(&world.pins(&["installed"])).unwrap();
    let shown: Vec<_> = planned.largest_untagged.iter().map(|k| (k.name.clone(), &k.why)).collect();
    let name = |label: &str| format!("team/app@{}", world.digest(label));
    assert_eq!(shown.len(), 3, "what an index lists needs no reason of its own: {shown:?}");
    assert!(shown.contains(&(name("installed"), &Why::Installed)));
    assert!(shown.contains(&(name("sig"), &Why::About(world.digest("app")))));
    assert!(shown.iter().any(|(n, why)| *n == name("young") && matches!(why, Why::Recent(_))));
    assert!(planned.largest_untagged.is_sorted_by_key(|k| std::cmp::Reverse(k.bytes)));
    assert_eq!((planned.tagged, planned.untagged), (2, 4));
}

#[test]
fn nothing_is_collected_while_an_import_runs() {
    let world = World::new();
    let _import = world.store.clone().lock().unwrap();
    assert!(matches!(world.store.clone().lock(), Err(StoreError::Locked { .. })));
}
