//! The file of values that `spec/plan.md` shows, and how its plan reads.

use std::fs;
use std::path::Path;

use crate::cloud::{Cloud, ON, decision};

/// What the page shows.
fn example() -> String {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("spec/plan.md")).unwrap();
    let (_, from) = page.split_once("\n3.8 ").unwrap();
    let (_, yaml) = from.split_once("```yaml\n").unwrap();
    yaml.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_file_of_values_on_the_page_is_one() {
    let cloud = Cloud::new();
    fs::write(cloud.path("values.yaml"), example()).unwrap();
    fs::write(cloud.path("gateway.conf"), "timeout = 5\n").unwrap();
    let plan = cloud.json("plan cloud --values values.yaml");
    for (path, value) in [
        ("gateway.replicas", "4"),
        ("gateway.env.LOG_LEVEL", "\"debug\""),
        ("gateway.config./etc/shop/gateway.conf", "\"timeout = 5\\n\""),
        ("group/common.CURRENCY", "\"USD\""),
        ("route/shop.host", "\"shop.site.example\""),
    ] {
        assert_eq!(decision(&plan, path)["value"].to_string(), value, "{path}");
    }
    assert_eq!(decision(&plan, "db.volumes.data")["value"]["storageClass"], "fast");
    assert!(plan["components"].as_array().unwrap().iter().any(|c| c["name"] == "search"), "the module is on");
}

#[test]
fn a_plan_says_what_stays_and_does_not_look_as_if_it_went() {
    let cloud = Cloud::new();
    cloud.on("install cloud --set gateway.replicas=4");
    cloud.edit(&cloud.file("configmap-gateway.yaml"), "timeout = 10", "timeout = 99");
    cloud.edit(&cloud.file("route-shop.yaml"), "host: shop.example", "host: shop.site");
    cloud.deliver("v2");
    cloud.on("upgrade cloud");
    let text = cloud.sealift(&format!("plan cloud:2.0.0 {ON}")).ok().stdout;
    for line in [
        "    replicas: stays 4  (the site's; the vendor's is 3; --accept gateway.replicas takes it)\n",
        "        here   timeout = 99\n        vendor timeout = 30\n",
        "beside the components\n    route/shop.host: stays \"shop.site\"",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let back = cloud.sealift(&format!("rollback cloud --dry-run {ON}")).ok().stdout;
    assert!(
        back.contains("? payments  not in this version: left running; `upgrade --prune` or `rollback --exact`"),
        "{back}"
    );
    // Somebody disposes of what was left: nothing is said of it any more.
    cloud.on("rollback cloud");
    for file in ["deployment-payments.yaml", "service-payments.yaml"] {
        fs::remove_file(cloud.path(&cloud.file(file))).unwrap();
    }
    let status = cloud.json("status cloud");
    assert!(status["components"].as_array().unwrap().iter().all(|c| c["name"] != "payments"), "{status:#}");
    let ran = cloud.sealift(&format!("rollback cloud:1.0.0 {ON}"));
    ran.refused(2, "E-USAGE", &["cloud:1.0.0"]);
}
