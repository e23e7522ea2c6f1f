//! A chart is rendered when the shop is packed; the site imports what it became, and never sees the chart.

use std::process::Command;

use super::common::{API, IMPORT, PACK, Ran, Shop};

/// Whether there is helm. It is in no distribution, so CI may lack it.
fn has_helm() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).any(|dir| dir.join("helm").is_file());
    if !there {
        eprintln!("SKIPPED: helm is not installed");
    }
    there
}

#[test]
fn what_a_chart_becomes_is_verified_and_imported_with_the_rest() {
    if !has_helm() {
        return;
    }
    let shop = Shop::new();
    std::fs::create_dir_all(shop.path("cache/templates")).unwrap();
    shop.write("cache/Chart.yaml", b"apiVersion: v2\nname: cache\nversion: 1.0.0\n");
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{ name: cache, namespace: {{{{ .Release.Namespace }}}} }}\n\
         spec: {{ containers: [{{ name: c, image: {API} }}] }}\n"
    );
    shop.write("cache/templates/pod.yaml", pod.as_bytes());
    shop.edit("manifests:\n", "charts: [{ name: cache, chart: cache }]\nmanifests:\n");
    shop.sealift("template check sealift.yaml").ok();
    let found = shop.sealift("template find-images sealift.yaml --json").ok().json();
    let api = found["images"].as_array().unwrap().iter().find(|i| i["name"] == API).unwrap().clone();
    let users = api["usedBy"].as_array().unwrap();
    assert!(users.iter().any(|u| u["document"] == "rendered/charts/cache.yaml" && u["object"] == "Pod/cache"), "{api}");
    shop.sealift(PACK).ok();
    shop.sealift("verify shop.sealift --key vendor.pub").ok();
    shop.sealift(IMPORT).ok();
}

#[test]
fn a_site_without_helm_sets_values_of_a_chart_and_keeps_them_through_an_upgrade() {
    if !has_helm() {
        return;
    }
    let shop = Shop::new();
    std::fs::create_dir_all(shop.path("cache/templates")).unwrap();
    shop.write("cache/Chart.yaml", b"apiVersion: v2\nname: cache\nversion: 1.0.0\n");
    shop.write("cache/values.yaml", b"replicas: 1\nlog: { level: info }\nmetrics: false\n");
    let templates = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: cache }}\nspec:\n  replicas: {{{{ .Values.replicas }}}}\n  \
         selector: {{ matchLabels: {{ a: b }} }}\n  template:\n    metadata: {{ labels: {{ a: b }} }}\n    spec:\n      containers:\n        \
         - name: c\n          image: {API}\n          args: ['--log={{{{ .Values.log.level }}}}']\n"
    );
    shop.write("cache/templates/cache.yaml", templates.as_bytes());
    let chart =
        |adjustable: &str| format!("charts: [{{ name: cache, chart: cache, adjustable: {{ {adjustable} }} }}]\n");
    let (first, wrong) = (chart("replicas: 1, log.level: info"), chart("replicas: 1, metrics: false"));
    shop.edit("manifests:\n", &format!("{wrong}manifests:\n"));
    shop.refuses(PACK, 5, "E-FILE", &["the chart `cache`", "metrics", "changes nothing"]);
    shop.edit(&wrong, &first);
    shop.sealift(PACK).ok();
    let said = shop.sealift("template show sealift.yaml").ok().stdout;
    assert!(said.contains("adjustable chart/cache.log.level=info\nadjustable chart/cache.replicas=1\n"), "{said}");
    shop.sealift("verify shop.sealift --key vendor.pub").ok();
    shop.sealift(IMPORT).ok();

    let on = |line: &str| {
        let path = shop.path("empty");
        std::fs::create_dir_all(&path).unwrap();
        let mut command = shop.command(&format!("{line} --site site -n team --target dir:out"));
        Ran::of(command.env("PATH", path))
    };
    on("install shop --set chart/cache.replica=3").refused(
        6,
        "E-VALUES",
        &["chart/cache.replica", "chart/cache.replicas"],
    );
    on("install shop --set chart/cache.replicas=0").refused(6, "E-VALUES", &["a whole number from 1"]);
    on("install shop --set chart/cache.replicas=3").ok();
    let runs = || {
        let files = std::fs::read_dir(shop.path("out")).unwrap().map(|f| f.unwrap().path());
        let texts = files.filter(|f| f.is_file()).map(|f| std::fs::read_to_string(f).unwrap());
        let text: String = texts.filter(|text| text.contains("--log=")).collect();
        let line = |part: &str| text.lines().find(|l| l.contains(part)).unwrap().trim().to_owned();
        format!("{} {}", line("replicas:"), line("--log="))
    };
    assert_eq!(runs(), "replicas: 3 - --log=info");

    // The next version has another level, and as many replicas of its own.
    let second = chart("replicas: 2, log.level: warn");
    shop.edit(&first, &second);
    shop.edit("version: \"1.0.0\"", "version: \"2.0.0\"");
    shop.sealift(&PACK.replace("shop.sealift", "next.sealift")).ok();
    shop.sealift(&IMPORT.replace("shop.sealift", "next.sealift")).ok();
    let plan = on("plan shop").ok().stdout;
    assert!(plan.contains("chart/cache.replicas"), "{plan}");
    on("upgrade shop").ok();
    assert_eq!(runs(), "replicas: 3 - --log=warn");
    on("upgrade shop --accept chart/cache.replicas").ok();
    assert_eq!(runs(), "replicas: 2 - --log=warn");
    on("rollback shop --exact").ok();
    assert_eq!(runs(), "replicas: 3 - --log=warn");
    on("upgrade shop --set chart/cache.log.level=debug").ok();
    assert_eq!(runs(), "replicas: 3 - --log=debug");
    let drift = on("status shop --json").ok().json();
    assert_eq!(drift["drift"].as_array().map(Vec::len), Some(0), "{drift}");
}

#[test]
fn without_helm_a_chart_is_refused_by_its_name() {
    let shop = Shop::new();
    std::fs::create_dir(shop.path("cache")).unwrap();
    shop.edit("manifests:\n", "charts: [{ name: cache, chart: cache }]\nmanifests:\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    command.args(PACK.split(' ')).current_dir(shop.dir()).env("PATH", "");
    Ran::of(&mut command).refused(5, "E-TOOL", &["the chart `cache`", "helm", "PATH"]);
}
