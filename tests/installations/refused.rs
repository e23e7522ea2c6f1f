//! What is refused, with which words, and that nothing is lost by it.

use std::fs;

use crate::cloud::{Cloud, ON};

#[test]
fn what_cannot_be_done_is_said_before_anything_is_done() {
    let cloud = Cloud::new();
    for (why, line, exit, code, names) in [
        ("not installed", "upgrade cloud", 6, "E-NOT-INSTALLED", &["cloud", "team"][..]),
        ("nothing to show", "status cloud", 6, "E-NOT-INSTALLED", &["cloud"]),
        ("nothing to go back to", "rollback cloud", 6, "E-NOT-INSTALLED", &["cloud"]),
        ("nothing to remove", "uninstall cloud", 6, "E-NOT-INSTALLED", &["cloud"]),
        ("an unknown value", "install cloud --set auth.replica=2", 6, "E-VALUES", &["replica"]),
        ("the vendor's to say", "install cloud --set auth.image=x/y:1", 6, "E-VALUES", &["auth.image", "vendor"]),
        ("a value of another type", "install cloud --set gateway.replicas=many", 6, "E-VALUES", &["gateway.replicas"]),
        ("no module", "install cloud --with auth", 6, "E-NOT-FOUND", &["auth", "search"]),
        (
            "a component that is none",
            "install cloud --without auth",
            6,
            "E-NOT-FOUND",
            &["no module called auth", "search"],
        ),
        ("on and off", "install cloud --with search --without search", 2, "E-USAGE", &["search", "--with"]),
        ("an unknown class", "plan cloud --accept-all secrets", 2, "E-USAGE", &["secrets"]),
        ("no path", "plan cloud --accept web", 2, "E-USAGE", &["web"]),
    ] {
        eprintln!("{why}");
        cloud.sealift(&format!("{line} {ON}")).refused(exit, code, names);
    }
    assert!(!cloud.path("out").exists() && !cloud.path("site/installations").exists());
    cloud.on("install cloud");
    let before = cloud.contents();
    for (why, line, exit, code, names) in [
        ("accepted for nothing", "upgrade cloud --accept auth.env.LOG_LEVE", 6, "E-VALUES", &["auth.env.LOG_LEVE"][..]),
        ("no such record", "rollback cloud 7", 6, "E-NOT-INSTALLED", &["7"]),
        ("nothing before", "rollback cloud", 6, "E-NOT-INSTALLED", &["cloud"]),
        ("no such version", "upgrade cloud --to 9.9.9", 6, "E-NOT-FOUND", &["cloud:9.9.9", "cloud:1.0.0"]),
        ("no such version", "upgrade cloud:9.9.9", 6, "E-NOT-FOUND", &["cloud:9.9.9", "cloud:1.0.0"]),
        ("two versions", "upgrade cloud:1.0.0 --to 2.0.0", 2, "E-USAGE", &["1.0.0", "2.0.0"]),
        ("a version of what is installed", "rollback cloud:1.0.0", 2, "E-USAGE", &["cloud:1.0.0", "RECORD"]),
        ("a version of what is installed", "uninstall cloud:1.0.0", 2, "E-USAGE", &["cloud:1.0.0"]),
        (
            "a claim that shrinks",
            r#"upgrade cloud --set db.volumes.data={"size":"1Mi"}"#,
            6,
            "E-VALUES",
            &["64Mi", "may grow"],
        ),
        ("no such component", "upgrade cloud --only web", 6, "E-NOT-FOUND", &["web", "gateway"]),
    ] {
        eprintln!("{why}");
        cloud.sealift(&format!("{line} {ON}")).refused(exit, code, names);
        assert_eq!(cloud.contents(), before);
    }
    // An image that the site lost is missed before anything is written.
    let images = fs::read_to_string(cloud.path("site/installations/team/cloud/1.json")).unwrap();
    let lost = images.split("sha256:").nth(2).unwrap()[..64].to_owned();
    cloud.deliver("v2");
    fs::remove_file(cloud.path(&format!("site/blobs/sha256/{lost}"))).unwrap();
    let ran = cloud.sealift(&format!("upgrade cloud {ON}"));
    assert!(ran.exit == Some(6) && ran.stderr.contains("hint: import the bundle again"), "{ran:#?}");
    assert_eq!(cloud.contents(), before);
}

#[test]
fn a_folder_that_the_installation_is_not_in_is_refused_by_whatever_would_change_it_or_its_records() {
    let cloud = Cloud::new();
    cloud.on("install cloud");
    cloud.on("upgrade cloud --set gateway.replicas=4");
    let (before, records) = (cloud.contents(), cloud.json("history cloud"));
    let there = format!("dir:{}", cloud.path("out").display());
    for line in [
        "upgrade cloud --to 1.0.0",
        "rollback cloud",
        "rollback cloud 1 --dry-run",
        "uninstall cloud",
        "uninstall cloud --dry-run",
        "status cloud",
    ] {
        let ran = cloud.sealift(&format!("{line} --site site -n team --target dir:elsewhere"));
        ran.refused(6, "E-EXISTS", &["cloud", &there]);
        assert!(!cloud.path("elsewhere").exists(), "{line}");
    }
    assert_eq!((cloud.contents(), cloud.json("history cloud")), (before, records));
}
