//! What an uninstallation says before it removes anything.

use crate::cloud::Cloud;

#[test]
fn what_uninstall_removes_is_shown_first_and_the_data_that_goes_is_named() {
    let cloud = Cloud::new();
    // A claim of its own file, as a stateful set's are not.
    let volume = "  - name: auth\n    volumes: [{ name: keep, path: /keep, size: 1Mi }]\n";
    cloud.edit("v2/sealift.yaml", "  - name: auth\n", volume);
    std::fs::remove_file(cloud.path("v2.sealift")).unwrap();
    cloud.deliver("v2");
    cloud.on("install cloud:2.0.0");
    let before = cloud.contents();
    let claim = cloud.json("uninstall cloud --dry-run")["claims"][0].as_str().unwrap().to_owned();
    let said = cloud.on("uninstall cloud --dry-run").stdout;
    let line = format!("- PersistentVolumeClaim {claim}  and the data in it; --keep-data keeps it");
    for line in ["cloud for team on dir:", "- Deployment cloud-gateway\n", &line, "= Namespace team  stays"] {
        assert!(said.contains(line), "{line:?} is not in: {said}");
    }
    let kept = cloud.on("uninstall cloud --dry-run --keep-data").stdout;
    assert!(kept.contains(&format!("= PersistentVolumeClaim {claim}  stays")), "{kept}");
    assert!(kept.contains("= Secret cloud-db  stays") && !kept.contains("the data"), "{kept}");
    assert_eq!(cloud.contents(), before, "a dry run removes nothing");
    assert_eq!(cloud.json("history cloud")["records"].as_array().unwrap().len(), 1, "and records nothing");

    // The same list comes before anything goes, and as the result.
    let planned = cloud.json("uninstall cloud --dry-run");
    let ran = cloud.on("uninstall cloud --json");
    assert!(ran.stderr.contains(&line), "{}", ran.stderr);
    let done = ran.json();
    assert_eq!(done["record"]["status"], "done");
    for field in ["removed", "claims", "kept"] {
        assert_eq!(done[field], planned[field], "{field}");
    }
    assert_eq!(planned["record"], serde_json::Value::Null);
    cloud.sealift(&format!("uninstall cloud --dry-run {}", crate::cloud::ON)).refused(6, "E-NOT-INSTALLED", &["cloud"]);
}
