//! Single components of a version: theirs is all that they bring, and all of it.

use std::fs;

use crate::cloud::{Cloud, ON, decision};

/// Changes the template of 2.0.0, and packs it again.
fn deliver(cloud: &Cloud, changes: &[(&str, &str)]) {
    let template = cloud.path("v2/sealift.yaml");
    let mut text = fs::read_to_string(&template).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from:?}: {text}");
        text = text.replace(from, to);
    }
    fs::write(template, text).unwrap();
    fs::remove_file(cloud.path("v2.sealift")).unwrap();
    cloud.deliver("v2");
}

/// The digest of the image that a deployment runs.
fn image(cloud: &Cloud, file: &str) -> String {
    let text = cloud.text(file);
    text.lines().find_map(|line| line.trim().strip_prefix("image: ")).unwrap().split_once('@').unwrap().1.to_owned()
}

#[test]
fn an_image_that_was_built_again_under_its_old_tag_comes_with_its_component_alone() {
    let cloud = Cloud::new();
    cloud.on("install cloud:1.0.0");
    // The orders run the catalog's image as well.
    deliver(
        &cloud,
        &[
            ("cloud/catalog:2.0.0", "cloud/catalog:1.0.0"),
            ("image: registry.example/cloud/orders:2.0.0", "image: registry.example/cloud/catalog:1.0.0"),
            ("  - name: registry.example/cloud/orders:2.0.0\n    from: oci:images/orders-2.0.0\n", ""),
        ],
    );
    let old = image(&cloud, "deployment-catalog.yaml");
    let plan = cloud.json("plan cloud --to 2.0.0 --only catalog");
    let new = decision(&plan, "catalog.image")["value"].as_str().unwrap().to_owned();
    assert!(new.starts_with("registry.example/cloud/catalog:1.0.0@sha256:"), "{new}");
    cloud.on("upgrade cloud --to 2.0.0 --only catalog");
    let now = image(&cloud, "deployment-catalog.yaml");
    assert!(now != old && new.ends_with(&now), "{old} {now} {new}");
    assert_eq!(cloud.json("status cloud")["changed"], serde_json::json!([]));
    cloud.on("upgrade cloud --to 2.0.0 --only orders");
    assert_eq!(image(&cloud, "deployment-orders.yaml"), now);
    cloud.on("rollback cloud 1");
    assert_eq!(image(&cloud, "deployment-catalog.yaml"), old);
    let plan = cloud.json("plan cloud --to 2.0.0");
    let image_of = decision(&plan, "catalog.image");
    let [was, is] = ["old", "new"].map(|key| image_of[key].as_str().unwrap());
    assert!(was.ends_with(&old) && is.ends_with(&now), "a name is not all that a plan says of images: {image_of}");
    cloud.on("upgrade cloud --to 2.0.0");
    assert_eq!(image(&cloud, "deployment-catalog.yaml"), now);
}

#[test]
fn a_component_brings_the_plugins_that_it_uses_with_their_files() {
    let cloud = Cloud::new();
    cloud.on("install cloud:1.0.0");
    fs::write(cloud.path("v2/config/log.conf"), "level = new\n").unwrap();
    deliver(
        &cloud,
        &[
            (
                "\ncomponents:\n",
                "\nplugins:\n  - name: log\n    image: registry.example/cloud/cache:1.0.0\n    config: [{ path: /etc/log.conf, file: config/log.conf }]\n\ncomponents:\n",
            ),
            ("  - name: catalog\n    image", "  - name: catalog\n    plugins: [{ name: log }]\n    image"),
        ],
    );
    cloud.on("upgrade cloud --to 2.0.0 --only payments");
    assert!(cloud.contents().iter().all(|(_, text)| !text.contains("plugin-log")), "nothing uses it");
    cloud.on("upgrade cloud --to 2.0.0 --only catalog");
    assert!(cloud.text("deployment-catalog.yaml").contains("name: plugin-log"));
    assert!(cloud.contents().iter().any(|(_, text)| text.contains("level = new")));
    assert_eq!(cloud.json("status cloud")["changed"], serde_json::json!([]));
}

#[test]
fn a_value_of_what_is_not_taken_is_refused_rather_than_forgotten() {
    let cloud = Cloud::new();
    cloud.deliver("v2");
    cloud.on("install cloud:1.0.0");
    let line = format!("upgrade cloud --to 2.0.0 --only catalog --set payments.replicas=4 {ON}");
    cloud.sealift(&line).refused(6, "E-NOT-FOUND", &["cloud:1.0.0 has no component called payments", "gateway"]);
    cloud.on("upgrade cloud --to 2.0.0 --only catalog --only payments --set payments.replicas=4");
    assert!(cloud.text("deployment-payments.yaml").contains("replicas: 4"));
    // Nothing changes one value and leaves them ahead: that is said.
    cloud.sealift(&format!("upgrade cloud --set gateway.replicas=3 {ON}")).refused(
        2,
        "E-USAGE",
        &["`--to 1.0.0` changes the value, and takes catalog, payments back to it"],
    );
}
