//! From the first installation to a rollback: what the site customised stays, what the vendor changed comes.

use crate::world::world;

const KEEP: &str = "--timeout 300s";

#[test]
fn an_application_is_installed_customised_upgraded_by_delta_and_taken_back() {
    let Some(world) = world() else { return };
    let team = world.team("journey");
    team.sealift(&format!("install cloud:1.0.0 {KEEP}"));
    for (component, answer) in
        [("front", "front 1.0.0\n"), ("gateway", "gateway 1.0.0\n"), ("orders", "orders 1.0.0\n")]
    {
        team.answers(component, "/", answer);
    }
    assert_eq!(team.json("status cloud")["ready"], true);
    let secrets = team.secrets();
    team.ask("db", "/cgi-bin/put?precious");

    // Planning again gives nothing to do.
    let plan = team.json("plan cloud --to 1.0.0");
    assert_eq!(plan["empty"], true, "{plan:#}");

    // The site customises with its own tools.
    team.kubectl("set env deployment/cloud-auth LOG_LEVEL=debug EXTRA=site");
    team.kubectl("scale deployment/cloud-gateway --replicas=1");
    let patch = r#"{"data":{"etc_shop_gateway.conf":"timeout=99\n"}}"#;
    let key = team.object("configmap cloud-gateway-config")["data"].as_object().unwrap().keys().next().unwrap().clone();
    let patch = patch.replace("etc_shop_gateway.conf", &key);
    team.kubectl(&format!("patch configmap cloud-gateway-config --type=merge -p {patch}"));
    let drift = team.json("status cloud")["drift"].to_string();
    for path in ["auth.env.LOG_LEVEL", "auth.env.EXTRA", "gateway.replicas", "gateway.config./etc/shop/gateway.conf"] {
        assert!(drift.contains(path), "{path} is no drift: {drift}");
    }

    // The next version comes as a delta.
    world.sealift("import v2.sealift --key vendor.pub --site site");
    let plan = team.json("plan cloud --to 2.0.0");
    let decided = |path: &str| {
        let all = plan["decisions"].as_array().unwrap();
        all.iter().find(|d| d["path"] == path).unwrap_or_else(|| panic!("nothing decides {path}: {plan:#}")).clone()
    };
    assert_eq!(decided("auth.env.LOG_LEVEL")["winner"], "site");
    assert_eq!(decided("auth.env.NEW_SWITCH")["winner"], "vendor");
    assert_eq!(decided("auth.env.OLD_SWITCH")["winner"], "site");
    assert_eq!(decided("gateway.replicas")["winner"], "site");
    assert_eq!(decided("gateway.config./etc/shop/gateway.conf")["winner"], "site");
    team.sealift(&format!("upgrade cloud --to 2.0.0 {KEEP}"));
    team.answers("orders", "/", "orders 2.0.0\n");
    team.answers("payments", "/", "payments 2.0.0\n");
    team.has("auth", "LOG_LEVEL", Some("debug"));
    team.has("auth", "EXTRA", Some("site"));
    team.has("auth", "NEW_SWITCH", Some("on"));
    team.answers("gateway", "/cgi-bin/config", "== /etc/shop/gateway.conf\ntimeout=99\n");
    assert_eq!(team.object("deployment cloud-gateway")["spec"]["replicas"], 1);
    team.answers("db", "/cgi-bin/get", "precious");
    assert_eq!(team.secrets(), secrets);
    assert_eq!(team.json("plan cloud --to 2.0.0")["empty"], true);

    // What the vendor changed is taken where it is accepted, and nothing else.
    team.sealift(&format!("upgrade cloud --to 2.0.0 --accept auth.env.LOG_LEVEL {KEEP}"));
    team.has("auth", "LOG_LEVEL", Some("warn"));
    team.has("auth", "EXTRA", Some("site"));

    // A broken version comes back by itself.
    world.sealift("import v3.sealift --key vendor.pub --site site");
    let error = world.fails(&team.line("upgrade cloud --to 3.0.0 --atomic --timeout 60s"), "E-NOT-READY");
    assert!(error.contains("orders") && error.contains("back at 2.0.0"), "{error}");
    assert!(error.contains("cannot read the order book"), "the last lines of its log are not shown: {error}");
    team.answers("orders", "/", "orders 2.0.0\n");
    let status = team.json("status cloud");
    assert_eq!((&status["ready"], &status["holds"]["version"]), (&true.into(), &"2.0.0".into()), "{status:#}");

    // And back to the first, where what came later keeps running; then exactly.
    team.sealift(&format!("rollback cloud 1 {KEEP}"));
    team.answers("orders", "/", "orders 1.0.0\n");
    team.answers("payments", "/", "payments 2.0.0\n");
    team.has("auth", "NEW_SWITCH", None);
    team.has("auth", "EXTRA", Some("site"));
    team.answers("db", "/cgi-bin/get", "precious");
    assert_eq!(team.secrets(), secrets);
    team.sealift(&format!("rollback cloud 1 --exact {KEEP}"));
    assert_eq!(team.kubectl("get deployment cloud-payments --ignore-not-found -o name"), "");
    team.answers("db", "/cgi-bin/get", "precious");

    let history = team.json("history cloud");
    let actions: Vec<_> =
        history["records"].as_array().unwrap().iter().map(|r| r["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        ["install", "upgrade", "upgrade", "upgrade", "rollback", "rollback", "rollback"],
        "{history:#}"
    );

    // The end, with the data kept: a new installation finds it, and the same secrets.
    team.sealift("uninstall cloud --keep-data --timeout 300s");
    assert_eq!(team.kubectl("get deployments -o name"), "");
    team.sealift(&format!("install cloud:2.0.0 {KEEP}"));
    team.answers("db", "/cgi-bin/get", "precious");
    assert_eq!(team.secrets(), secrets);
}
