//! What a status does to installing, upgrading and going back. The cloud shop has 1.0.0 and 2.0.0.

use crate::cloud::{Cloud, ON};
use crate::common::Ran;

/// A site with both versions, and a tester.
fn both() -> Cloud {
    let cloud = Cloud::new();
    cloud.deliver("v2");
    cloud.ok("keygen -q --no-passphrase -o qa");
    cloud
}

/// Marks the bundle of `version` as of `at` seconds since 1970, and brings that to the site.
fn mark(cloud: &Cloud, version: &str, status: &str, at: u64) {
    let file = format!("{version}-{status}-{at}.json");
    let line = format!(
        "mark {version}.sealift --key vendor.pub --signer qa.pem --status {status} -o {file} --note loses+orders"
    );
    Ran::of(cloud.command(&line).env("SOURCE_DATE_EPOCH", at.to_string())).ok();
    cloud.ok(&format!("import --status {file} --qa-key qa.pub --site site"));
}

#[test]
fn a_withdrawn_version_is_not_planned_installed_or_upgraded_to_unless_that_is_said() {
    let cloud = both();
    mark(&cloud, "v2", "withdrawn", 1_700_000_000);
    let refused = |line: &str| {
        let names = ["cloud:2.0.0 was withdrawn at 2023-11-14T22:13:20Z: loses+orders", "--withdrawn"];
        cloud.sealift(&format!("{line} {ON}")).refused(6, "E-WITHDRAWN", &names);
    };
    refused("install cloud:2.0.0");
    refused("plan cloud:2.0.0");
    assert!(!cloud.path("out").exists() && !cloud.path("site/installations").exists());
    // Without a version, the highest that may be.
    let ran = cloud.on("install cloud");
    assert!(
        ran.stdout.contains("installed cloud 1.0.0") && ran.stderr.contains("passed over: cloud:2.0.0"),
        "{ran:#?}"
    );
    let before = cloud.contents();
    refused("upgrade cloud --to 2.0.0");
    refused("upgrade cloud --to 2.0.0 --only auth");
    refused("plan cloud --to 2.0.0");
    refused("upgrade cloud --to 2.0.0 --dry-run");
    assert_eq!(cloud.contents(), before);
    assert_eq!(cloud.json("plan cloud")["to"], "1.0.0");
    assert_eq!(cloud.json("upgrade cloud --to 2.0.0 --withdrawn")["to"], "2.0.0");
}

#[test]
fn what_is_installed_when_it_is_withdrawn_stays_and_nothing_lower_takes_its_place_by_itself() {
    let cloud = both();
    cloud.on("install cloud:2.0.0");
    mark(&cloud, "v2", "withdrawn", 1_700_000_000);
    let before = cloud.contents();
    for line in ["upgrade cloud", "upgrade cloud --set gateway.replicas=4", "plan cloud"] {
        cloud.sealift(&format!("{line} {ON}")).refused(6, "E-WITHDRAWN", &["cloud:2.0.0"]);
    }
    assert_eq!(cloud.contents(), before);
    let listed = cloud.ok("list --site site").stdout;
    assert!(listed.contains("installed  team/cloud 2.0.0 (WITHDRAWN) on dir:"), "{listed}");
    let status = cloud.on("status cloud").stdout;
    assert!(status.contains("status   WITHDRAWN") && status.contains("note     loses+orders"), "{status}");
    assert_eq!(cloud.json("status cloud")["releaseStatus"]["status"], "withdrawn");
    // Whoever wants the lower one says so; whoever must go on with this one, too.
    cloud.on("upgrade cloud --set gateway.replicas=4 --withdrawn");
    assert_eq!(cloud.json("upgrade cloud --to 1.0.0")["to"], "1.0.0");
}

#[test]
fn the_way_back_is_open_and_warned_of() {
    let cloud = both();
    cloud.on("install cloud:1.0.0");
    let first = cloud.contents();
    cloud.on("upgrade cloud --to 2.0.0");
    mark(&cloud, "v1", "withdrawn", 1_700_000_000);
    let ran = cloud.on("rollback cloud --exact -q");
    assert!(
        ran.stderr.contains("warning: cloud:1.0.0 was withdrawn at 2023-11-14T22:13:20Z: loses+orders"),
        "{ran:#?}"
    );
    assert_eq!(cloud.contents(), first);
    // Also where the status cannot be read.
    cloud.on("upgrade cloud --to 2.0.0");
    let envelope = std::fs::read(cloud.path("v1-withdrawn-1700000000.json")).unwrap();
    let blob = format!("site/blobs/sha256/{}", bundle_format::Digest::of(&envelope).hex());
    std::fs::write(cloud.path(&blob), vec![b' '; envelope.len()]).unwrap();
    let ran = cloud.on("rollback cloud --exact");
    assert!(ran.stderr.contains("warning: the status sha256:"), "{ran:#?}");
    assert_eq!(cloud.contents(), first);
    cloud.sealift(&format!("upgrade cloud {ON}")).refused(6, "E-SITE-DAMAGED", &["status", "registry fsck"]);
    cloud.on("upgrade cloud --withdrawn");
}

#[test]
fn a_site_that_wants_released_versions_gets_no_others() {
    let cloud = both();
    let only = |line: &str| cloud.sealift(&format!("{line} {ON} --require-released"));
    only("install cloud").refused(6, "E-NOT-RELEASED", &["cloud:2.0.0", "--status"]);
    mark(&cloud, "v1", "released", 1_700_000_000);
    let ran = only("install cloud").ok();
    assert!(
        ran.stdout.contains("installed cloud 1.0.0") && ran.stderr.contains("cloud:2.0.0 is not marked"),
        "{ran:#?}"
    );
    only("upgrade cloud --to 2.0.0").refused(6, "E-NOT-RELEASED", &["cloud:2.0.0"]);
    mark(&cloud, "v2", "withdrawn", 1_700_000_000);
    only("upgrade cloud --to 2.0.0").refused(6, "E-WITHDRAWN", &["cloud:2.0.0"]);
    mark(&cloud, "v2", "released", 1_700_000_001);
    only("upgrade cloud").ok();
    let both = cloud.sealift(&format!("upgrade cloud {ON} --require-released --withdrawn"));
    assert!(both.exit == Some(2) && both.stderr.contains("cannot be used with"), "{both:#?}");
}

#[test]
fn what_awaits_upgrading_is_never_withdrawn_and_shows_its_status() {
    let cloud = both();
    cloud.on("install cloud:1.0.0");
    let upgrades = || cloud.ok("list --site site --upgrades --json").json()["installations"].clone();
    assert_eq!((&upgrades()[0]["upgrade"], &upgrades()[0]["upgradeStatus"]), (&"2.0.0".into(), &().into()));
    mark(&cloud, "v2", "withdrawn", 1_700_000_000);
    assert_eq!(upgrades(), serde_json::json!([]));
    mark(&cloud, "v2", "released", 1_700_000_001);
    assert_eq!(upgrades()[0]["upgradeStatus"]["status"], "released");
    let said = cloud.ok("list --site site --upgrades").stdout;
    assert!(said.contains("team/cloud 1.0.0 on dir:") && said.contains("2.0.0 (released) awaits"), "{said}");
}

#[test]
fn what_mends_a_withdrawn_version_is_not_withdrawn_with_it() {
    let cloud = both();
    cloud.deliver("patch");
    mark(&cloud, "v2", "withdrawn", 1_700_000_000);
    let mended = cloud.on("install cloud");
    assert!(mended.stdout.contains("installed cloud 2.0.1"), "{mended:#?}");
}
