//! Several teams, modules, partial upgrades, values files.

use std::fs;

use crate::world::world;

#[test]
fn two_teams_have_two_versions_each_with_its_values() {
    let Some(world) = world() else { return };
    world.sealift("import v2.sealift --key vendor.pub --site site");
    let (one, two) = (world.team("one"), world.team("two"));
    fs::write(world.path("one.yaml"), "auth: { env: { LOG_LEVEL: trace } }\ngroup/common: { CURRENCY: CHF }\n")
        .unwrap();
    one.sealift("install cloud:1.0.0 --values one.yaml --timeout 300s");
    two.sealift("install cloud:2.0.0 --set gateway.replicas=1 --with search --timeout 300s");
    one.has("auth", "LOG_LEVEL", Some("trace"));
    one.has("auth", "CURRENCY", Some("CHF"));
    two.has("auth", "CURRENCY", Some("EUR"));
    one.answers("orders", "/", "orders 1.0.0\n");
    two.answers("orders", "/", "orders 2.0.0\n");
    two.answers("search", "/", "search 1.0.0\n");
    let upgrades = world.sealift("list --site site --upgrades");
    assert!(upgrades.contains(&format!("{}/cloud 1.0.0", one.name)), "{upgrades}");

    // A module that is switched off is scaled away, and not forgotten.
    two.sealift("upgrade cloud --to 2.0.0 --without search --timeout 300s");
    assert_eq!(two.object("deployment cloud-search")["spec"]["replicas"], 0);
    two.sealift("upgrade cloud --to 2.0.0 --with search --timeout 300s");
    two.answers("search", "/", "search 1.0.0\n");

    // One component alone, and then the rest.
    one.sealift("upgrade cloud --to 2.0.0 --only catalog --timeout 300s");
    one.answers("catalog", "/", "catalog 2.0.0\n");
    one.answers("orders", "/", "orders 1.0.0\n");
    one.sealift("upgrade cloud --to 2.0.0 --timeout 300s");
    one.answers("orders", "/", "orders 2.0.0\n");
    one.has("auth", "LOG_LEVEL", Some("trace"));

    // A version that carries one component takes the rest from the one it names.
    world.sealift("import patch.sealift --key vendor.pub --site site");
    two.sealift("upgrade cloud --to 2.0.1 --timeout 300s");
    two.answers("catalog", "/", "catalog 2.0.1\n");
    two.answers("orders", "/", "orders 2.0.0\n");
}

#[test]
fn what_runs_in_a_namespace_becomes_a_template() {
    let Some(world) = world() else { return };
    let team = world.team("template");
    team.sealift("install cloud:1.0.0 --set gateway.replicas=1 --timeout 300s");
    world
        .sealift(&format!("template from-namespace {} --name again --version 1.0.0 -o again-{}", team.name, team.name));
    let template = format!("again-{}/sealift.yaml", team.name);
    world.sealift(&format!("template check {template}"));
    let text = fs::read_to_string(world.path(&template)).unwrap();
    for part in
        ["registry.example/cloud/gateway", "kind: StatefulSet", "timeout = 10", "host: shop.example", "size: 64Mi"]
    {
        assert!(
            text.contains(part) || folder_contains(&world.path(&format!("again-{}", team.name)), part),
            "{part}: {text}"
        );
    }
    let secret = team.object("secret cloud-db")["data"]["password"].as_str().unwrap().to_owned();
    assert!(!text.contains(&secret), "no secret is carried");
}

fn folder_contains(folder: &std::path::Path, part: &str) -> bool {
    let files = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    files.into_iter().any(|path| match path.is_dir() {
        true => folder_contains(&path, part),
        false => fs::read_to_string(path).is_ok_and(|text| text.contains(part)),
    })
}
