//! A chart is rendered when the shop is packed; the site imports what it became, and never sees the chart.

use std::process::Command;

use super::common::{API, IMPORT, PACK, Ran, Shop};

#[test]
fn what_a_chart_becomes_is_verified_and_imported_with_the_rest() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // It is in no distribution, so CI may lack it.
    if !std::env::split_paths(&path).any(|dir| dir.join("helm").is_file()) {
        return eprintln!("SKIPPED: helm is not installed");
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
fn without_helm_a_chart_is_refused_by_its_name() {
    let shop = Shop::new();
    std::fs::create_dir(shop.path("cache")).unwrap();
    shop.edit("manifests:\n", "charts: [{ name: cache, chart: cache }]\nmanifests:\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
    command.args(PACK.split(' ')).current_dir(shop.dir()).env("PATH", "");
    Ran::of(&mut command).refused(5, "E-TOOL", &["the chart `cache`", "helm", "PATH"]);
}
