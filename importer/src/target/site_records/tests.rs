//! Records in a site's folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::record::{Action, Status};

fn place() -> Place {
    Place { namespace: "team".parse().unwrap(), name: "shop".parse().unwrap() }
}

fn record(number: u64) -> Record {
    let digest = Digest::of(number.to_string().as_bytes());
    let text = json!({
        "number": number, "action": "upgrade", "status": "done", "time": "2026-01-31T12:00:00Z", "by": "me@here",
        "version": "1.0", "revision": 1, "digest": digest, "target": "dir:/out", "enabled": [],
        "completes": [Digest::of(b"base")],
        "images": {"nginx": format!("site/nginx@{}", Digest::of(b"image"))},
        "inventory": [{"object": {"kind": "ConfigMap", "name": "m"}, "file": "20-m.yaml", "digest": digest}],
        "overlay": {"web.env.RATIO": {"name": "RATIO", "value": "0.5"}, "web.kubernetes.affinity": {"weight": -1.5}},
        "secrets": {"db": {"password": "hush"}},
    });
    serde_json::from_value(text).unwrap()
}

#[test]
fn records_are_kept_in_order_and_for_the_owner_alone() {
    let site = TempDir::new().unwrap();
    let records = SiteRecords::new(site.path());
    for number in [1, 2, 10] {
        records.keep(&place(), &record(number)).unwrap();
    }
    let mut last = record(10);
    last.status = Status::Failed;
    records.keep(&place(), &last).unwrap();
    assert_eq!(records.all(&place()).unwrap(), [record(1), record(2), last.clone()]);
    let path = site.path().join("installations/team/shop/10.json");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let installed = records.installations().unwrap();
    assert_eq!((installed.len(), &installed[0].place, &installed[0].record), (1, &place(), &last));
    records.forget(&place(), 2).unwrap();
    records.forget(&place(), 2).unwrap();
    assert_eq!(records.all(&place()).unwrap(), [record(1), last]);
    assert_eq!(records.files(&place()).unwrap(), ["20-m.yaml".to_owned()].into());
}

/// A record as it was written before objects were recorded.
fn old() -> Value {
    json!({
        "number": 1, "action": "install", "status": "done", "time": "2025-01-31T12:00:00Z", "version": "1.0", "revision": 1,
        "digest": Digest::of(b"v"), "target": "dir:/out", "enabled": ["web"], "images": {}, "secrets": {"db": {"k": "v"}},
        "files": [["00-namespace.yaml", Digest::of(b"a")], ["20-m.yaml", Digest::of(b"b")]],
    })
}

#[test]
fn records_of_earlier_releases_are_read_with_the_files_that_they_wrote() {
    let site = TempDir::new().unwrap();
    let folder = site.path().join("installations/team/shop");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("1.json"), old().to_string()).unwrap();
    fs::write(folder.join("01.json"), "not one of ours").unwrap();
    let records = SiteRecords::new(site.path());
    let read = records.all(&place()).unwrap();
    assert_eq!((read.len(), read[0].action, &read[0].inventory), (1, Action::Install, &Vec::new()));
    assert_eq!(read[0].secrets.len(), 1);
    records.keep(&place(), &record(2)).unwrap();
    let files = records.files(&place()).unwrap();
    assert_eq!(files.iter().map(String::as_str).collect::<Vec<_>>(), ["00-namespace.yaml", "20-m.yaml"]);
}

#[test]
fn a_damaged_record_is_named() {
    let site = TempDir::new().unwrap();
    let folder = site.path().join("installations/team/shop");
    fs::create_dir_all(&folder).unwrap();
    let mut wrong = old();
    wrong["images"] = json!({"nginx": "nginx:latest"});
    for (bytes, in_pins_alone) in [("{".to_owned(), false), (old().to_string() + "}", false), (wrong.to_string(), true)]
    {
        fs::write(folder.join("3.json"), &bytes).unwrap();
        let refused = pins(site.path()).unwrap_err();
        assert!(
            matches!(&refused, TargetError::Record { name, .. } if name.ends_with("installations/team/shop/3.json"))
        );
        assert_eq!(SiteRecords::new(site.path()).all(&place()).is_ok(), in_pins_alone);
    }
}

#[test]
fn copies_of_records_on_clusters_hold_no_secrets_and_keep_what_they_need() {
    let site = TempDir::new().unwrap();
    let cluster: ClusterUid = "6a1c3e0e-7d3f-4b52-9f0f-3f1f5f6f7f8f".parse().unwrap();
    let copies = SiteCopies::new(site.path(), &cluster);
    copies.keep(&place(), &record(7)).unwrap();
    let path = site.path().join("clusters/6a1c3e0e-7d3f-4b52-9f0f-3f1f5f6f7f8f/team/shop/7.json");
    assert!(!fs::read_to_string(&path).unwrap().contains("hush"));
    let copy = Record { secrets: BTreeMap::new(), ..record(7) };
    assert_eq!(copies.all(&place()).unwrap(), std::slice::from_ref(&copy));
    // Nor anything of the Secrets of manifests, in what is in force, what was found and what was given; nor what helps to guess.
    let mut full = serde_json::to_value(record(7)).unwrap();
    let guess = Digest::of(b"a Secret with a weak password");
    let path = "object/Secret/key";
    let hidden =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"token": "hush"}});
    let item =
        json!({"object": {"kind": "Secret", "name": "shop-registry-login"}, "file": "10-s.yaml", "digest": guess});
    full["inventory"].as_array_mut().unwrap().push(item);
    full["overlay"][path] = hidden.clone();
    full["found"][path] = hidden.clone();
    full["given"] = json!({"version": Digest::of(b"v"), "values": {path: hidden, "object/Secret/gone": null}});
    let full: Record = serde_json::from_value(full).unwrap();
    copies.keep(&place(), &full).unwrap();
    let text =
        fs::read_to_string(site.path().join("clusters/6a1c3e0e-7d3f-4b52-9f0f-3f1f5f6f7f8f/team/shop/7.json")).unwrap();
    assert!(!text.contains("hush") && !text.contains(&guess.to_string()), "{text}");
    let kept = copies.all(&place()).unwrap().remove(0);
    assert_eq!((&kept.overlay, kept.inventory.len()), (&copy.overlay, 2));
    assert_eq!(
        kept.given.unwrap().values.values.keys().map(ToString::to_string).collect::<Vec<_>>(),
        ["object/Secret/gone"]
    );
    copies.keep(&place(), &record(7)).unwrap();
    SiteRecords::new(site.path()).keep(&place(), &record(1)).unwrap();
    let numbers: Vec<u64> = installations(site.path()).unwrap().iter().map(|i| i.record.number).collect();
    assert_eq!((numbers.len(), copies.installations().unwrap().len()), (2, 1));
    let expected = [b"1".as_slice(), b"7", b"base", b"image"].map(Digest::of);
    assert_eq!(pins(site.path()).unwrap(), expected.into());
    copies.forget(&place(), 7).unwrap();
    assert_eq!(pins(site.path()).unwrap().len(), 3);
    for text in ["", "..", "a/b", "a.b", &"a".repeat(65)] {
        assert!(text.parse::<ClusterUid>().is_err(), "{text:?}");
    }
}

#[test]
fn one_process_acts_on_a_site_at_a_time() {
    let dir = TempDir::new().unwrap();
    let site = dir.path().join("site");
    drop(Store::lock_or_create(&site).unwrap());
    let records = SiteRecords::new(&site);
    let lock = records.lock(&place(), "me").unwrap();
    lock.check().unwrap();
    assert!(matches!(records.lock(&place(), "me"), Err(TargetError::Store(registry_lite::StoreError::Locked { .. }))));
    drop(lock);
    let held = Store::open(&site).unwrap().lock().unwrap();
    assert!(SiteRecords::of(&held).lock(&place(), "me").is_ok(), "who holds the lock needs no other");
    assert!(records.lock(&place(), "me").is_err());
}
