//! One action at a time.

use std::time::Duration;

use bundle_format::{Code, Coded};
use importer::target::Records;

use crate::Site;

#[test]
fn an_installation_is_held_until_the_lock_is_dropped() {
    let Some(site) = Site::new() else { return };
    let records = site.cluster.records(None);
    // In a namespace that is not there yet.
    let lock = records.lock(&site.place, "eva@one").unwrap();
    lock.check().unwrap();
    let e = records.lock(&site.place, "ben@two").err().expect("it is held");
    assert_eq!(e.code(), Code::Locked);
    assert!(e.to_string().starts_with("eva@one is working on this installation, since 20"), "{e}");
    let mut other = site.place.clone();
    other.name = "other".parse().unwrap();
    records.lock(&other, "ben@two").unwrap();
    drop(lock);
    records.lock(&site.place, "ben@two").unwrap().check().unwrap();
    assert_eq!(site.kubectl(&["get", "leases", "-o", "name"], ""), "");
}

#[test]
fn a_lease_that_has_run_out_is_taken_over() {
    let Some(site) = Site::new() else { return };
    site.make_namespace();
    let lease = "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: sealift.shop}\nspec: {holderIdentity: dead@host/1, \
        leaseDurationSeconds: 60, acquireTime: '2020-01-01T00:00:00.000000Z', renewTime: '2020-01-01T00:00:00.000000Z'}\n";
    site.kubectl(&["create", "-f", "-"], lease);
    let lock = site.cluster.records(None).lock(&site.place, "eva@one").unwrap();
    lock.check().unwrap();
    let holder = site.get("lease", "sealift.shop")["spec"]["holderIdentity"].as_str().unwrap().to_owned();
    assert!(holder.starts_with("eva@one/"), "{holder}");
}

#[test]
fn a_lease_is_renewed_and_who_has_lost_it_is_told() {
    let Some(site) = Site::new() else { return };
    let lock = site.cluster.records(None).lock(&site.place, "eva@one").unwrap();
    let renewed = || site.get("lease", "sealift.shop")["spec"]["renewTime"].as_str().unwrap().to_owned();
    let first = renewed();
    std::thread::sleep(Duration::from_secs(18));
    assert_ne!(renewed(), first);
    lock.check().unwrap();
    let steal = r#"{"spec":{"holderIdentity":"ben@two/1"}}"#;
    site.kubectl(&["patch", "lease", "sealift.shop", "--type=merge", "-p", steal], "");
    std::thread::sleep(Duration::from_secs(18));
    let e = lock.check().unwrap_err();
    assert!(e.to_string().starts_with("ben@two is working"), "{e}");
    // What is another's is not released.
    drop(lock);
    assert_eq!(site.get("lease", "sealift.shop")["spec"]["holderIdentity"], "ben@two/1");
}
