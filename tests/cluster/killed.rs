//! Killed at any step: the next run goes on, or goes back, and loses nothing.

use std::time::Duration;

use crate::common::Background;
use crate::world::world;

#[test]
fn an_upgrade_killed_at_any_time_is_finished_by_the_next_or_taken_back() {
    let Some(world) = world() else { return };
    world.sealift("import v2.sealift --key vendor.pub --site site");
    let team = world.team("killed");
    team.sealift("install cloud:1.0.0 --set gateway.replicas=1 --timeout 300s");
    team.kubectl("set env deployment/cloud-auth LOG_LEVEL=debug");
    let secrets = team.secrets();
    for (round, millis) in [100, 400, 900, 1800, 3500].into_iter().enumerate() {
        let run = Background::start(&mut world.command(&team.line("upgrade cloud --to 2.0.0 --timeout 300s")));
        std::thread::sleep(Duration::from_millis(millis));
        run.kill();
        // Each second one is taken back at once; the others go on first.
        if round % 2 == 0 {
            team.sealift("upgrade cloud --to 2.0.0 --timeout 300s");
            team.answers("orders", "/", "orders 2.0.0\n");
        }
        if round < 4 {
            team.sealift("rollback cloud 1 --timeout 300s");
            team.answers("orders", "/", "orders 1.0.0\n");
        }
        team.has("auth", "LOG_LEVEL", Some("debug"));
        assert_eq!(team.secrets(), secrets);
        let status = team.json("status cloud");
        assert_eq!((&status["ready"], &status["unfinished"]), (&true.into(), &serde_json::Value::Null), "{status:#}");
    }
}
