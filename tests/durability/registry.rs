//! A registry that is pushed to, killed, collected and filled to the last byte, all at once.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bundle_format::Digest;

use super::common::files::proved_blobs;
use super::common::http::{ask, get};
use super::common::pusher::{Pusher, Told, listed};
use super::common::tmpfs::Tmpfs;
use super::common::{Background, IMPORT, Shop, tree};

pub fn serve(shop: &Shop, site: &str) -> (Background, String) {
    let mut server =
        Background::start(&mut shop.command(&format!("registry serve --listen 127.0.0.1:0 --site {site}")));
    let host = server.address();
    (server, host)
}

/// Ends those that look at it, also when the test fails: otherwise it would wait for them for ever.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Lets `pushers` push until `end` returns.
pub fn push_while(pushers: Vec<Pusher>, run: usize, end: impl FnOnce()) -> Told {
    let stop = AtomicBool::new(false);
    let mut told = Told::default();
    thread::scope(|scope| {
        let running: Vec<_> = pushers.into_iter().map(|p| scope.spawn(|| p.run(run, &stop))).collect();
        {
            let _stop = Stop(&stop);
            end();
        }
        running.into_iter().for_each(|pusher| told.add(pusher.join().unwrap()));
    });
    told
}

fn team(host: &str, count: usize) -> Vec<Pusher> {
    (0..count).map(|n| Pusher::new(host, &format!("team/p{n}"))).collect()
}

#[test]
fn a_collection_never_takes_anything_from_a_tag_however_much_is_pushed_meanwhile() {
    let shop = Shop::new();
    let (server, host) = serve(&shop, "site");
    let pushers = team(&host, 4).into_iter().map(|p| Pusher { shared: 3, deletes: true, ..p }).collect();
    let (collections, freed, pulls) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let stop = AtomicBool::new(false);
    let told = thread::scope(|scope| {
        for n in 0..2 {
            let (stop, pulls, host) = (&stop, &pulls, &host);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    for tag in ["t0", "t1", "t2"] {
                        pulls.fetch_add(usize::from(pull(host, &format!("team/p{n}"), tag)), Ordering::Relaxed);
                    }
                }
            });
        }
        let _stop = Stop(&stop);
        push_while(pushers, 0, || {
            let end = Instant::now() + Duration::from_secs(5);
            while Instant::now() < end {
                // Without any grace, hardly a push comes to its end.
                let grace = if collections.fetch_add(1, Ordering::Relaxed) % 4 == 0 { "0s" } else { "1s" };
                let ran = shop.sealift(&format!("registry gc --site site --grace {grace} --json")).ok().json();
                freed.fetch_add(ran["freed"]["blobs"].as_u64().unwrap() as usize, Ordering::Relaxed);
            }
        })
    });
    assert_eq!(told.odd, Vec::<String>::new());
    told.check_tags(&host);
    shop.sealift("registry gc --site site --grace 0s").ok();
    told.check_tags(&host);
    shop.sealift("registry fsck --site site").ok();
    server.signal("TERM");
    assert_eq!(server.end().ok().stderr.lines().filter(|l| l.contains("storing")).count(), 0);
    let (collections, freed, pulls) = (collections.into_inner(), freed.into_inner(), pulls.into_inner());
    eprintln!("{collections} collections freed {freed} blobs beside {} changes and {pulls} pulls", told.changes);
    assert!(collections > 5 && freed > 50 && told.changes > 50 && pulls > 20);
}

/// Pulls a tag. What is missing from it must be missing because it stands for something else by now.
fn pull(host: &str, repository: &str, tag: &str) -> bool {
    let at = format!("/v2/{repository}/manifests/{tag}");
    let manifest = get(host, &at).unwrap();
    if manifest.status != 200 {
        return false;
    }
    for (blob, _) in listed(&manifest.body) {
        let there = get(host, &format!("/v2/{repository}/blobs/{blob}")).unwrap();
        if there.status == 200 {
            assert_eq!(Digest::of(&there.body), blob);
            continue;
        }
        let now = get(host, &at).unwrap();
        assert!(now.status != 200 || now.body != manifest.body, "{repository}:{tag} lacks {blob}: {}", there.text());
        return false;
    }
    true
}

#[test]
fn whatever_is_killed_what_was_acknowledged_is_there_afterwards() {
    let shop = Shop::packed();
    let mut told = Told::default();
    for round in 0..8_u64 {
        let (server, host) = serve(&shop, "site");
        let left: Vec<_> = tree(&shop.path("site/uploads")).into_keys().filter(|name| name != "lock").collect();
        assert!(left.is_empty(), "round {round}: a server sweeps what the one before it left: {left:?}");
        told.check(&host);
        told.add(push_while(team(&host, 3), round as usize, || {
            thread::sleep(Duration::from_millis(150 + round * 37 % 200));
            // Something else that works on the site dies first.
            let line = if round % 2 == 0 { "registry gc --site site --grace 1h --keep-untagged -q" } else { IMPORT };
            let beside = Background::start(&mut shop.command(line));
            thread::sleep(Duration::from_millis(2 + round * 11 % 60));
            beside.kill();
            server.kill();
        }));
        assert_eq!(told.odd, Vec::<String>::new(), "round {round}");
    }
    shop.sealift(IMPORT).ok();
    assert!(tree(&shop.path("site/tmp")).is_empty(), "whoever locks the site sweeps what was being written");
    let (_server, host) = serve(&shop, "site");
    let compared = told.check(&host);
    proved_blobs(&shop.path("site"));
    shop.sealift("registry fsck --site site").ok();
    // A collection keeps what has a tag, and what the import brought.
    shop.sealift("registry gc --site site --grace 0s").ok();
    told.check_tags(&host);
    assert_eq!(shop.list("site")["templates"][0]["partial"], false);
    eprintln!("8 kills: {compared} acknowledged things compared, {} changes of tags, none lost", told.changes);
    assert!(told.changes > 20);
}

fn fill(disk: &Path) {
    use std::io::Write as _;
    let mut file = fs::File::create(disk.join("filler")).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
}

#[test]
fn a_full_disk_refuses_pushes_loses_nothing_and_goes_on_when_there_is_room() {
    let shop = Shop::new();
    let Some(disk) = Tmpfs::mount(&shop.path("disk"), "24m") else { return };
    let (server, host) = serve(&shop, "disk/site");
    let told = push_while(team(&host, 3), 0, || {
        thread::sleep(Duration::from_millis(400));
        fill(&shop.path("disk"));
        thread::sleep(Duration::from_millis(300));
    });
    assert!(!told.odd.is_empty(), "the disk was not full");
    for odd in &told.odd {
        assert!(odd.contains(" 507 "), "{odd}");
    }
    told.check(&host);
    disk.remount("size=48m");
    let more = push_while(team(&host, 3), 1, || thread::sleep(Duration::from_millis(200)));
    assert_eq!(more.odd, Vec::<String>::new());
    assert!(more.changes > 3);
    let mut all = told;
    all.add(more);
    let compared = all.check(&host);
    server.signal("TERM");
    let log = server.end().ok().stderr;
    assert!(log.contains("storing what a client pushed") && log.contains("No space left"), "{log}");
    eprintln!("{} refusals on the full disk, {compared} acknowledged things compared", all.odd.len());
}

#[test]
fn a_collection_makes_room_on_a_disk_that_is_full_to_the_last_byte() {
    let shop = Shop::new();
    let Some(_disk) = Tmpfs::mount(&shop.path("disk"), "24m") else { return };
    let (_server, host) = serve(&shop, "disk/site");
    let told = push_while(team(&host, 2), 0, || thread::sleep(Duration::from_millis(400)));
    let orphan = vec![7; 1 << 20];
    let at = format!("/v2/team/p0/blobs/uploads/?digest={}", Digest::of(&orphan));
    assert_eq!(ask(&host, "POST", &at, "", &orphan).unwrap().status, 201);
    fill(&shop.path("disk"));
    let ran = shop.sealift("registry gc --site disk/site --grace 0s --json").ok().json();
    assert!(ran["freed"]["bytes"].as_u64().unwrap() > 1 << 20, "{ran}");
    assert!(ran["freed"]["names"].as_u64().unwrap() > 0, "{ran}");
    told.check_tags(&host);
    shop.sealift("registry fsck --site disk/site").ok();
}
