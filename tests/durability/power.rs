//! Power cuts on real file systems: what was acknowledged is there afterwards, byte for byte. Only root can mount.

use std::fs;
use std::thread;
use std::time::Duration;

use super::common::disk::Disk;
use super::common::pusher::{Pusher, Told};
use super::common::{Background, Shop, have, tree};
use super::registry::{push_while, serve};

/// A shop whose site lies on a disk of its own.
fn shop_on(kind: &str) -> Option<(Shop, Disk)> {
    if !have(&["python3"]) {
        return None;
    }
    let shop = Shop::packed();
    let disk = Disk::make(kind, &shop.path("disk.img"), &shop.path("disk"))?;
    Some((shop, disk))
}

/// The cut is a real one: what was not synced is gone, what was synced is there.
fn control(shop: &Shop, disk: &mut Disk) {
    let write = |name: &str, sync: bool| {
        let file = shop.path(&format!("disk/{name}"));
        fs::write(file.with_extension("part"), vec![1; 100_000]).unwrap();
        if sync {
            fs::File::open(file.with_extension("part")).unwrap().sync_all().unwrap();
        }
        fs::rename(file.with_extension("part"), &file).unwrap();
    };
    write("synced", true);
    fs::File::open(shop.path("disk")).unwrap().sync_all().unwrap();
    write("lost", false);
    disk.cut();
    disk.restart();
    let len = |name: &str| fs::metadata(shop.path(&format!("disk/{name}"))).map_or(0, |m| m.len());
    assert_eq!((len("synced"), len("lost")), (100_000, 0), "what was not synced must not survive the cut");
}

fn acknowledged_things_survive(kind: &str, rounds: usize) {
    let Some((shop, mut disk)) = shop_on(kind) else { return };
    control(&shop, &mut disk);
    let mut told = Told::default();
    let mut compared = 0;
    for round in 0..rounds {
        let (server, host) = serve(&shop, "disk/site");
        compared += told.check(&host);
        let team = (0..4).map(|n| Pusher::new(&host, &format!("team/p{n}"))).collect();
        let more = push_while(team, round, || {
            thread::sleep(Duration::from_millis(700 + 130 * round as u64));
            disk.cut();
        });
        assert!(more.changes > 0, "nothing was acknowledged in round {round}");
        told.add(more);
        server.kill();
        disk.restart();
    }
    let (server, host) = serve(&shop, "disk/site");
    compared += told.check(&host);
    assert!(tree(&shop.path("disk/site/uploads")).into_keys().all(|name| name == "lock"));
    shop.sealift("registry fsck --site disk/site").ok();
    shop.sealift("registry gc --site disk/site --grace 0s").ok();
    told.check_tags(&host);
    server.kill();
    let (changes, blobs) = (told.changes, told.blobs.len());
    eprintln!(
        "{kind}: {rounds} cuts, {blobs} blobs and {changes} changes of tags acknowledged, {compared} compared, 0 lost"
    );
}

#[test]
fn what_a_registry_acknowledged_survives_power_cuts_on_ext4() {
    acknowledged_things_survive("ext4", 4);
}

#[test]
fn what_a_registry_acknowledged_survives_power_cuts_on_xfs() {
    acknowledged_things_survive("xfs", 3);
}

#[test]
fn what_a_registry_acknowledged_survives_power_cuts_on_btrfs() {
    acknowledged_things_survive("btrfs", 3);
}

#[test]
fn imports_and_collections_that_lose_power_leave_a_site_that_shows_nothing_or_all() {
    if !have(&["python3"]) {
        return;
    }
    let shop = Shop::large(6);
    shop.sealift("pack large.yaml -o large.sealift --key vendor.pem -q").ok();
    let Some(mut disk) = Disk::make("ext4", &shop.path("disk.img"), &shop.path("disk")) else { return };
    let bundle = shop.read("large.sealift");
    let import = "import large.sealift --key vendor.pub --site disk/site -q";
    let (mut nothing, mut all) = (0, 0);
    for point in [600, bundle.len() / 3, bundle.len() / 2, bundle.len() - 1, bundle.len()] {
        let _ = fs::remove_dir_all(shop.path("disk/site"));
        let mut run = Background::fed(&mut shop.command("import - --key vendor.pub --site disk/site -q"));
        run.feed(&bundle[..point]);
        disk.cut();
        run.kill();
        disk.restart();
        if !shop.path("disk/site/site.json").exists() {
            nothing += 1;
            continue;
        }
        let list = shop.list("disk/site");
        match list["templates"].as_array().unwrap().as_slice() {
            [] => nothing += 1,
            [whole] => {
                assert_eq!(whole["partial"], false);
                all += 1;
            }
            more => panic!("{more:?}"),
        }
        shop.sealift("registry fsck --site disk/site").ok();
    }
    assert!(nothing > 0);
    shop.sealift(import).ok();
    // A collection that loses power has removed nothing that is needed.
    let (server, host) = serve(&shop, "disk/site");
    let mut told = Told::default();
    for round in 0..3 {
        let team = (0..2).map(|n| Pusher::new(&host, &format!("team/p{n}"))).collect();
        told.add(push_while(team, round, || thread::sleep(Duration::from_millis(300))));
    }
    server.kill();
    let run = Background::start(&mut shop.command("registry gc --site disk/site --grace 0s"));
    thread::sleep(Duration::from_millis(20));
    disk.cut();
    run.kill();
    disk.restart();
    let (server, host) = serve(&shop, "disk/site");
    told.check_tags(&host);
    assert_eq!(shop.list("disk/site")["templates"][0]["partial"], false);
    shop.sealift("registry gc --site disk/site --grace 0s").ok();
    shop.sealift("registry fsck --site disk/site").ok();
    told.check_tags(&host);
    server.kill();
    eprintln!("5 cuts of an import: {nothing} times nothing is shown, {all} times all of it");
    eprintln!("1 cut of a collection: {} changes of tags, 0 lost", told.changes);
}
