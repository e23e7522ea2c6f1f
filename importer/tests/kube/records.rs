//! Records.

use bundle_format::{Code, Coded};
use importer::record::{Record, Status};
use importer::target::{Records, TargetError};
use serde_json::json;

use crate::{Site, kubectl};

pub fn record(number: u64, message: &str) -> Record {
    let digest = format!("sha256:{}", "a".repeat(64));
    serde_json::from_value(json!({
        "number": number, "action": "install", "status": "begun", "time": "2026-01-01T00:00:00Z", "version": "1.0.0", "revision": 1,
        "digest": digest, "target": "kube:a", "enabled": [], "images": {}, "message": message,
        "secrets": {"db": {"password": "secret"}},
    }))
    .unwrap()
}

#[test]
fn a_record_is_kept_found_changed_and_forgotten() {
    let Some(site) = Site::new() else { return };
    let records = site.cluster.records(None);
    assert_eq!(records.all(&site.place).unwrap(), []);
    // The namespace is made: a record is written before the first step.
    for number in [1, 2, 10] {
        records.keep(&site.place, &record(number, "")).unwrap();
    }
    let mut second = record(2, "it went well");
    second.status = Status::Done;
    records.keep(&site.place, &second).unwrap();
    assert_eq!(records.all(&site.place).unwrap(), [record(1, ""), second, record(10, "")]);
    let secret = site.get("secret", "sealift.shop.v2");
    assert_eq!(secret["type"], "sealift.dev/record.v1");
    assert_eq!(
        secret["metadata"]["labels"],
        json!({"app.kubernetes.io/managed-by": "sealift", "sealift.dev/installation": "shop", "sealift.dev/status": "done"})
    );
    for number in [1, 1] {
        records.forget(&site.place, number).unwrap();
    }
    let numbers: Vec<u64> = records.all(&site.place).unwrap().iter().map(|r| r.number).collect();
    assert_eq!(numbers, [2, 10]);
}

#[test]
fn installations_are_found_across_namespaces_with_their_last_record() {
    let Some(site) = Site::new() else { return };
    let other = Site::new().unwrap();
    let records = site.cluster.records(None);
    records.keep(&site.place, &record(9, "")).unwrap();
    records.keep(&site.place, &record(10, "last")).unwrap();
    records.keep(&other.place, &record(1, "other")).unwrap();
    let found = records.installations().unwrap();
    let message = |site: &Site| found.iter().find(|i| i.place == site.place).unwrap().record.message.clone().unwrap();
    assert_eq!((message(&site), message(&other)), ("last".to_owned(), "other".to_owned()));
    let one = site.cluster.records(Some(other.place.namespace.clone())).installations().unwrap();
    assert_eq!(one.iter().map(|i| &i.place).collect::<Vec<_>>(), [&other.place]);
}

#[test]
fn secrets_of_others_are_passed_over_and_damaged_records_are_named() {
    let Some(site) = Site::new() else { return };
    let records = site.cluster.records(None);
    records.keep(&site.place, &record(1, "")).unwrap();
    let labels = "labels: {app.kubernetes.io/managed-by: sealift, sealift.dev/installation: shop}";
    let foreign = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: sealift.shop.v7, {labels}}}\n---\n\
         apiVersion: v1\nkind: Secret\ntype: sealift.dev/record.v1\nmetadata: {{name: other, {labels}}}\n"
    );
    site.kubectl(&["apply", "-f", "-"], &foreign);
    assert_eq!(records.all(&site.place).unwrap(), [record(1, "")]);
    // Nor is one written over.
    let e = records.keep(&site.place, &record(7, "")).unwrap_err();
    assert!(e.to_string().contains("no record"), "{e}");

    let damaged = format!(
        "apiVersion: v1\nkind: Secret\ntype: sealift.dev/record.v1\nmetadata: {{name: sealift.shop.v3, {labels}}}\nstringData: {{record: nonsense}}\n"
    );
    site.kubectl(&["apply", "-f", "-"], &damaged);
    match records.all(&site.place).unwrap_err() {
        TargetError::Record { name, .. } => assert_eq!(name, "sealift.shop.v3"),
        other => panic!("{other:?}"),
    }
    kubectl(&["--namespace", site.namespace(), "delete", "secret", "sealift.shop.v3"], "");
}

#[test]
fn a_record_that_a_cluster_cannot_keep_is_refused() {
    let Some(site) = Site::new() else { return };
    let records = site.cluster.records(None);
    let noise = |len: usize| {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
        };
        (0..len).map(|_| next()).filter(|c| *c != '"' && *c != '\\').collect::<String>()
    };
    let e = records.keep(&site.place, &record(1, &noise(1_400_000))).unwrap_err();
    assert_eq!(e.code(), Code::Limit, "{e}");
    // Close below the limit it is kept.
    let large = record(1, &noise(1_150_000));
    records.keep(&site.place, &large).unwrap();
    assert_eq!(records.all(&site.place).unwrap(), [large]);
}
