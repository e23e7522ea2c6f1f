//! Killed at any time, with what the site set still there.

use std::thread;
use std::time::Instant;

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
    let start = Instant::now();
    cloud.on("upgrade cloud");
    let whole = start.elapsed();
    let second = cloud.contents();
    cloud.on("rollback cloud 2 --exact");
    assert_eq!(cloud.contents(), first);
    for round in 0..24_u32 {
        let run = Background::start(&mut cloud.command(&format!("upgrade cloud -q --keep 200 {ON}")));
        thread::sleep(whole * round / 24);
        run.kill();
        if round % 2 == 0 {
            cloud.on("upgrade cloud --keep 200");
            assert_eq!(cloud.contents(), second, "round {round}");
        }
        // Also what takes it back may be killed.
        let run = Background::start(&mut cloud.command(&format!("rollback cloud 2 --exact -q --keep 200 {ON}")));
        thread::sleep(whole * (round * 7 % 24) / 24);
        run.kill();
        cloud.on("rollback cloud 2 --exact --keep 200");
        assert_eq!(cloud.contents(), first, "round {round}");
        assert_eq!(cloud.text("10-secret-db.yaml"), secret);
    }
    // Of each that was killed, the next record says what became of it; so it does of one that is made to look so.
    cloud.on("upgrade cloud --keep 200");
    let last = cloud.json("history cloud")["records"].as_array().unwrap().last().unwrap()["number"].clone();
    cloud.edit(&format!("site/installations/team/cloud/{last}.json"), "\"done\"", "\"begun\"");
    cloud.on("rollback cloud 2 --exact --keep 200");
    assert_eq!(cloud.contents(), first);
    let history = cloud.json("history cloud");
    let records = history["records"].as_array().unwrap();
    assert!(records.iter().all(|r| r["status"] != "begun"), "{history:#}");
    let killed = records.iter().find(|r| r["number"] == last).unwrap();
    assert!(killed["message"].as_str().unwrap().starts_with("interrupted, and taken back by record"), "{killed:#}");
}
