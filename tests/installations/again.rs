//! Actions that change nothing, and what is put back where the vendor has nothing.

use crate::cloud::{Cloud, ON};

fn records(cloud: &Cloud) -> Vec<u64> {
    let history = cloud.json("history cloud");
    history["records"].as_array().unwrap().iter().map(|r| r["number"].as_u64().unwrap()).collect()
}

#[test]
fn an_action_that_changes_nothing_is_no_step_to_go_back_from() {
    let cloud = Cloud::new();
    cloud.on("install cloud:1.0.0");
    cloud.deliver("v2");
    let ran = cloud.sealift(&format!("upgrade cloud --set gateway.replicas=3 {ON}"));
    let ran = ran.refused(2, "E-USAGE", &["2.0.0 would come with it", "--to 1.0.0"]);
    assert_eq!(records(&cloud), [1], "{ran:#?}");
    cloud.on("upgrade cloud --to 2.0.0 --set gateway.replicas=3");
    let plan = cloud.on("plan cloud --set gateway.replicas=1").stdout;
    assert!(plan.contains("replicas: 3 -> 1  (given)"), "{plan}");
    for again in ["upgrade cloud", "install cloud:2.0.0", "upgrade cloud --set gateway.replicas=3"] {
        let said = cloud.on(again).stdout;
        assert!(said.contains("nothing to do"), "{again}: {said}");
        assert_eq!(records(&cloud), [1, 2], "{again}");
    }
    // The site's edits are taken over by a record of their own, which is no step back either.
    let gateway = cloud.file("deployment-gateway.yaml");
    cloud.edit(&gateway, "replicas: 3", "replicas: 4");
    cloud.on("upgrade cloud");
    assert_eq!(records(&cloud), [1, 2, 3]);
    cloud.on("rollback cloud");
    assert!(cloud.text("deployment-orders.yaml").contains("cloud/orders@"), "{}", cloud.text("deployment-orders.yaml"));
    assert_eq!(cloud.json("status cloud")["holds"]["version"], "1.0.0");
}

#[test]
fn what_a_file_says_where_the_vendor_says_nothing_is_put_back() {
    let cloud = Cloud::new();
    cloud.on("install cloud:1.0.0");
    let before = cloud.contents();
    let auth = cloud.file("deployment-auth.yaml");
    cloud.edit(&auth, "        name: auth\n", "        name: auth\n        command: [sleep]\n");
    assert!(cloud.json("status cloud")["drift"].to_string().contains("auth.command"));
    assert_eq!(cloud.json("plan cloud --to 1.0.0")["empty"], false);
    cloud.on("upgrade cloud --to 1.0.0");
    assert_eq!(cloud.contents(), before);
    cloud.edit(&auth, "      containers:\n", "      hostNetwork: true\n      containers:\n");
    cloud.on("upgrade cloud --to 1.0.0");
    assert!(cloud.text("deployment-auth.yaml").contains("hostNetwork: true"), "the site's");
    cloud.on("upgrade cloud --to 1.0.0 --unset auth.kubernetes.hostNetwork");
    assert!(!cloud.text("deployment-auth.yaml").contains("hostNetwork: true"));
}
