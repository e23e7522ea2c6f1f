//! What the site customised stays, what the vendor changed comes, and every state can be returned to.

use std::fs;

use crate::cloud::{Cloud, decision};

/// The site's edits: a variable changed and one added, a configuration file, replicas.
fn customise(cloud: &Cloud) {
    let auth = cloud.file("deployment-auth.yaml");
    cloud.edit(&auth, "value: info", "value: debug");
    cloud.edit(&auth, "- name: OLD_SWITCH", "- name: EXTRA\n          value: site\n        - name: OLD_SWITCH");
    cloud.edit(&cloud.file("configmap-gateway.yaml"), "timeout = 10", "timeout = 99");
    cloud.edit(&cloud.file("deployment-gateway.yaml"), "replicas: 2", "replicas: 5");
}

#[test]
fn an_application_is_installed_customised_upgraded_by_delta_and_taken_back() {
    let cloud = Cloud::new();
    cloud.on("install cloud:1.0.0");
    let password = || cloud.text("10-secret-db.yaml").lines().find(|l| l.contains("password:")).unwrap().to_owned();
    let (first, made) = (cloud.contents(), password());
    assert_eq!(cloud.json("plan cloud --to 1.0.0")["empty"], true);
    customise(&cloud);
    let status = cloud.json("status cloud");
    let drift = status["drift"].to_string();
    for path in ["auth.env.LOG_LEVEL", "auth.env.EXTRA", "gateway.config./etc/shop/gateway.conf", "gateway.replicas"] {
        assert!(drift.contains(path), "{path}: {status:#}");
    }
    let value =
        |path: &str| status["drift"].as_array().unwrap().iter().find(|v| v["path"] == path).unwrap()["value"].clone();
    assert_eq!((value("gateway.replicas"), value("auth.env.EXTRA")), (5.into(), "site".into()));
    let customised = cloud.contents();

    cloud.deliver("v2");
    assert!(cloud.ok("list --site site --upgrades").stdout.contains("team/cloud 1.0.0"));
    let plan = cloud.json("plan cloud");
    for (path, change, rule, winner) in [
        ("auth.env.LOG_LEVEL", "both", "held", "site"),
        ("auth.env.EXTRA", "site", "held", "site"),
        ("auth.env.NEW_SWITCH", "added", "held", "vendor"),
        ("auth.env.OLD_SWITCH", "removed", "held", "site"),
        ("gateway.config./etc/shop/gateway.conf", "both", "held", "site"),
        ("gateway.replicas", "both", "merge", "site"),
        ("orders.image", "vendor", "vendor", "vendor"),
    ] {
        let decided = decision(&plan, path);
        assert_eq!(
            (&decided["change"], &decided["rule"], &decided["winner"]),
            (&change.into(), &rule.into(), &winner.into()),
            "{path}"
        );
    }
    let said = cloud.on("plan cloud").stdout;
    for line in [
        "cloud 1.0.0 -> 2.0.0 for team on dir:",
        "+ payments",
        "~ auth",
        "env.LOG_LEVEL: stays \"debug\"  (held; the vendor's was \"info\", is \"warn\"; --accept auth.env.LOG_LEVEL takes it)",
        "= db",
    ] {
        assert!(said.contains(line), "{line:?} is not in the plan: {said}");
    }
    assert_eq!(cloud.contents(), customised, "a plan changes nothing");

    cloud.on("upgrade cloud");
    let auth = cloud.text("deployment-auth.yaml");
    assert!(
        auth.contains("debug") && auth.contains("EXTRA") && auth.contains("NEW_SWITCH") && auth.contains("OLD_SWITCH"),
        "{auth}"
    );
    assert!(cloud.text("configmap-gateway.yaml").contains("timeout = 99"));
    assert!(cloud.text("deployment-gateway.yaml").contains("replicas: 5"));
    assert_eq!(password(), made);
    let again = cloud.json("plan cloud");
    assert_eq!(again["empty"], true, "{again:#}");
    assert_eq!(decision(&again, "auth.env.LOG_LEVEL")["winner"], "site", "it is told until it is accepted");

    cloud.on("upgrade cloud --accept auth.env.LOG_LEVEL --accept-all config");
    assert!(cloud.text("deployment-auth.yaml").contains("value: warn"));
    assert!(cloud.text("deployment-auth.yaml").contains("EXTRA"), "the site's own variable is nobody's to take");

    // Back to the first version as the site had it; what came later stays, until it is said exactly.
    cloud.on("rollback cloud 1");
    let payments = cloud.file("deployment-payments.yaml");
    assert!(cloud.path(&payments).exists());
    assert!(cloud.text("deployment-auth.yaml").contains("value: debug"), "{}", cloud.text("deployment-auth.yaml"));
    assert!(!cloud.text("deployment-auth.yaml").contains("NEW_SWITCH"));
    cloud.on("rollback cloud 1 --exact");
    assert!(!cloud.path(&payments).exists());
    assert!(cloud.contents().iter().map(|(name, _)| name).eq(first.iter().map(|(name, _)| name)));

    let history = cloud.json("history cloud");
    let actions: Vec<_> =
        history["records"].as_array().unwrap().iter().map(|r| r["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["install", "upgrade", "upgrade", "rollback", "rollback"]);

    // The end, with what is needed to begin again.
    cloud.on("uninstall cloud --keep-data");
    let left: Vec<String> = cloud.contents().into_iter().map(|(name, _)| name).collect();
    assert!(left.iter().all(|name| ["secret", "pvc", "namespace"].iter().any(|kind| name.contains(kind))), "{left:?}");
    cloud.on("install cloud:2.0.0");
    assert_eq!(password(), made);
    cloud.on("uninstall cloud");
    assert_eq!(cloud.contents().into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["00-namespace.yaml"]);
}

#[test]
fn values_modules_single_components_and_partial_versions() {
    let cloud = Cloud::new();
    fs::write(
        cloud.path("site.yaml"),
        "auth: { env: { LOG_LEVEL: trace } }\ngroup/common: { CURRENCY: CHF }\nenabled: { search: true }\n",
    )
    .unwrap();
    cloud.on("install cloud --values site.yaml --set gateway.replicas=4 --set route/shop.host=shop.site");
    assert!(cloud.text("deployment-auth.yaml").contains("trace"));
    assert!(cloud.text("deployment-gateway.yaml").contains("replicas: 4"));
    assert!(cloud.text("route-shop.yaml").contains("host: shop.site"));
    assert!(cloud.contents().iter().any(|(_, text)| text.contains("CHF")));
    cloud.file("deployment-search.yaml");

    cloud.deliver("v2");
    let said = cloud.on("upgrade cloud --only catalog").stdout;
    assert!(said.contains("upgraded cloud 1.0.0 with catalog ahead for "), "{said}");
    let record = &cloud.json("history cloud")["records"][1];
    assert_eq!(
        (&record["version"], &record["ahead"][0]),
        (&"1.0.0".into(), &"catalog".into()),
        "no version of its own"
    );
    let said = cloud.on("status cloud").stdout;
    assert!(said.contains("cloud 1.0.0 with catalog ahead for "), "{said}");
    let catalog = cloud.text("deployment-catalog.yaml");
    let orders = cloud.text("deployment-orders.yaml");
    cloud.on("upgrade cloud --to 2.0.0 --without search");
    assert_eq!(cloud.text("deployment-catalog.yaml").replace("2.0.0", "1.0.0"), catalog.replace("2.0.0", "1.0.0"));
    assert_ne!(cloud.text("deployment-orders.yaml"), orders);
    assert!(cloud.text("deployment-search.yaml").contains("replicas: 0"));
    assert!(cloud.text("deployment-auth.yaml").contains("trace"), "no values file has to be given again");
    cloud.on("upgrade cloud --with search");
    assert!(!cloud.text("deployment-search.yaml").contains("replicas: 0"));

    // A login for the registry becomes a Secret that pods name, now and later.
    fs::write(
        cloud.path("auth.json"),
        r#"{"auths":{"registry.site:5000":{"auth":"dTpw"},"other.example":{"auth":"eDp5"}}}"#,
    )
    .unwrap();
    cloud.on("upgrade cloud --registry registry.site:5000 --registry-login auth.json");
    cloud.on("upgrade cloud --registry registry.site:5000 --registry-login auth.json");
    let login = cloud.text("secret-registry-login.yaml");
    assert!(login.contains("registry.site:5000") && !login.contains("other.example"), "{login}");
    cloud.on("upgrade cloud --to 2.0.0");
    assert!(cloud.text("deployment-orders.yaml").contains("name: cloud-registry-login"));
    assert!(cloud.text("deployment-orders.yaml").contains("registry.site:5000/registry.example/cloud/orders@"));
    cloud.text("secret-registry-login.yaml");
    cloud
        .sealift(&format!("upgrade cloud --registry a.example --registry-login auth.json {}", crate::cloud::ON))
        .refused(6, "E-NOT-FOUND", &["a.example"]);

    cloud.deliver("patch");
    let before = cloud.text("deployment-orders.yaml");
    cloud.on("upgrade cloud");
    let status = cloud.json("status cloud");
    assert_eq!(status["holds"]["version"], "2.0.1", "{status:#}");
    assert_eq!(
        cloud.text("deployment-orders.yaml").replace("2.0.1", "2.0.0"),
        before,
        "the rest comes from the version it names"
    );
    cloud.on("rollback cloud");
    assert_eq!(cloud.text("deployment-orders.yaml"), before);
    cloud.ok("registry gc --site site --grace 0s");
    cloud.on("rollback cloud 1");
    assert_eq!(cloud.json("status cloud")["holds"]["version"], "1.0.0", "what records need is kept");
}

#[test]
fn what_a_version_has_no_more_is_left_until_somebody_says_so() {
    let cloud = Cloud::new();
    cloud.on("install cloud");
    // 2.0.0 without the cache, and without the notice.
    let template = cloud.path("v2/sealift.yaml");
    let text = fs::read_to_string(&template).unwrap();
    let cache = text.find("  - name: cache\n").unwrap();
    let next = text[cache + 4..].find("\n  - name: ").unwrap() + cache + 5;
    let text = format!("{}{}", &text[..cache], &text[next..]).replace("dependsOn: [db, cache]", "dependsOn: [db]");
    fs::write(&template, text.replace("manifests: [k8s/notice.yaml]\n", "")).unwrap();
    fs::remove_file(cloud.path("v2.sealift")).unwrap();
    cloud.deliver("v2");
    let plan = cloud.json("plan cloud");
    let cache = plan["components"].as_array().unwrap().iter().find(|c| c["name"] == "cache").unwrap();
    assert_eq!(cache["change"], "orphan", "{plan:#}");
    cloud.on("upgrade cloud");
    cloud.file("deployment-cache.yaml");
    assert!(cloud.contents().iter().any(|(_, text)| text.contains("Terms of use")));
    cloud.on("upgrade cloud --prune");
    assert!(!cloud.contents().iter().any(|(name, _)| name.contains("cache")));
}

#[test]
fn what_was_installed_becomes_a_template_again() {
    let cloud = Cloud::new();
    cloud.on("install cloud");
    let report = cloud.ok("template from-manifests out --name again --version 1.0.0 -o again --json").json();
    assert_eq!(report["ok"], true, "{report:#}");
    cloud.ok("template check again/sealift.yaml");
    let text = fs::read_to_string(cloud.path("again/sealift.yaml")).unwrap();
    let password =
        cloud.text("10-secret-db.yaml").lines().find_map(|l| l.trim().strip_prefix("password: ").map(str::to_owned));
    assert!(!text.contains(&password.unwrap()), "no secret is carried");
    for part in [
        "kind: StatefulSet",
        "size: 64Mi",
        "host: shop.example",
        "scaling:",
        "secret: { name: cloud-db, key: password }",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
