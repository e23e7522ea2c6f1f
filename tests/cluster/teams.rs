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
    one.sealift("install cloud:1.0.0 --values one.yaml --timeout 180s");
    two.sealift("install cloud:2.0.0 --set gateway.replicas=1 --with search --timeout 180s");
    assert_eq!(one.variable("auth", "LOG_LEVEL").as_deref(), Some("trace"));
    assert_eq!(one.variable("auth", "CURRENCY").as_deref(), Some("CHF"));
    assert_eq!(two.variable("auth", "CURRENCY").as_deref(), Some("EUR"));
    assert_eq!((one.ask("orders", "/"), two.ask("orders", "/")), ("orders 1.0.0\n".into(), "orders 2.0.0\n".into()));
    assert_eq!(two.ask("search", "/"), "search 1.0.0\n");
    let upgrades = world.sealift("list --site site --upgrades");
    assert!(upgrades.contains(&one.name) && !upgrades.contains(&two.name), "{upgrades}");

    // A module that is switched off is scaled away, and not forgotten.
    two.sealift("upgrade cloud --to 2.0.0 --without search --timeout 180s");
    assert_eq!(two.object("deployment cloud-search")["spec"]["replicas"], 0);
    two.sealift("upgrade cloud --to 2.0.0 --with search --timeout 180s");
    assert_eq!(two.ask("search", "/"), "search 1.0.0\n");

    // One component alone, and then the rest.
    one.sealift("upgrade cloud --to 2.0.0 --only catalog --timeout 180s");
    assert_eq!((one.ask("catalog", "/"), one.ask("orders", "/")), ("catalog 2.0.0\n".into(), "orders 1.0.0\n".into()));
    one.sealift("upgrade cloud --to 2.0.0 --timeout 180s");
    assert_eq!(one.ask("orders", "/"), "orders 2.0.0\n");
    assert_eq!(one.variable("auth", "LOG_LEVEL").as_deref(), Some("trace"));

    // A version that carries one component takes the rest from the one it names.
    world.sealift("import patch.sealift --key vendor.pub --site site");
    two.sealift("upgrade cloud --to 2.0.1 --timeout 180s");
    assert_eq!((two.ask("catalog", "/"), two.ask("orders", "/")), ("catalog 2.0.1\n".into(), "orders 2.0.0\n".into()));
}
