//! Killed at any time, with what the site set still there.

use std::thread;
use std::time::Duration;

use crate::cloud::{Cloud, ON};
use crate::common::Background;

#[test]
fn an_upgrade_killed_at_any_time_is_finished_by_the_next_or_taken_back() {
    let cloud = Cloud::new();
    cloud.deliver("v2");
    cloud.on("install cloud:1.0.0");
    cloud.edit(&cloud.file("deployment-auth.yaml"), "value: info", "value: debug");
    let secret = cloud.text("10-secret-db.yaml");
    // The state that is returned to is record 1 as the site left it: its own value included.
    cloud.on("upgrade cloud --to 1.0.0");
    let first = cloud.contents();
    cloud.on("upgrade cloud");
    let second = cloud.contents();
    cloud.on("rollback cloud 2 --exact");
    assert_eq!(cloud.contents(), first);
    for round in 0..20_u64 {
        let run = Background::start(&mut cloud.command(&format!("upgrade cloud -q --keep 200 {ON}")));
        thread::sleep(Duration::from_millis(round * 4));
        run.kill();
        if round % 2 == 0 {
            cloud.on("upgrade cloud --keep 200");
            assert_eq!(cloud.contents(), second, "round {round}");
        }
        cloud.on("rollback cloud 2 --exact --keep 200");
        assert_eq!(cloud.contents(), first, "round {round}");
        assert_eq!(cloud.text("10-secret-db.yaml"), secret);
    }
}
