//! Ctrl-C: an action ends by itself, says what is next, and leaves nothing stopped behind.

use std::fs;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::common::{Background, Ran};
use crate::moved::{helper, keys, shell};
use crate::world::{Team, kubectl, wait, world};

/// Interrupts a run; it must end by itself, and soon.
fn interrupt(run: Background, soon: Duration) -> Ran {
    let start = Instant::now();
    run.signal("INT");
    let ran = run.end();
    assert!(start.elapsed() < soon, "it took {:?}: {ran:#?}", start.elapsed());
    ran
}

fn image(team: &Team<'_>) -> String {
    let orders = team.object("deployment cloud-orders");
    orders["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
}

#[test]
fn an_upgrade_that_does_not_become_ready_ends_with_a_signal() {
    let Some(world) = world() else { return };
    world.sealift("import v3.sealift --key vendor.pub --site site");
    let team = world.team("ends");
    team.sealift("install cloud:1.0.0 --set gateway.replicas=1 --timeout 300s");
    let (first, secrets) = (image(&team), team.secrets());

    let line = "upgrade cloud --to 3.0.0 --set gateway.replicas=2 --timeout 600s";
    let upgrade = |line: &str| {
        let run = Background::start(&mut world.command(&team.line(line)));
        wait(Duration::from_secs(120), "the broken version runs", || image(&team) != first);
        std::thread::sleep(Duration::from_secs(2));
        run
    };
    let ran = interrupt(upgrade(line), Duration::from_secs(20));
    let next = "`sealift upgrade cloud --to 3.0.0` goes on, `sealift rollback cloud` takes it back";
    ran.refused(1, "E-INTERRUPTED", &["upgrading to cloud:3.0.0 was interrupted by a signal", next]);
    let status = team.json("status cloud");
    assert_eq!((&status["holds"]["version"], &status["unfinished"]["status"]), (&"1.0.0".into(), &"failed".into()));
    assert_eq!(status["unfinished"]["message"], format!("interrupted by a signal: {next}"));
    assert_eq!(team.kubectl("get lease sealift.cloud --ignore-not-found -o name"), "", "the lease is given back");
    let plan = world.command(&team.line("plan cloud --to 3.0.0")).output().unwrap();
    let said = String::from_utf8_lossy(&plan.stderr).into_owned();
    assert!(said.contains("continues record 2 with what that was given: gateway.replicas=2"), "{said}");

    team.sealift("rollback cloud --exact --timeout 300s");
    team.answers("orders", "/", "orders 1.0.0\n");
    assert_eq!((image(&team), team.secrets()), (first.clone(), secrets.clone()));
    assert_eq!(team.json("status cloud")["unfinished"], Value::Null);

    // With --atomic it goes back by itself, and waits until all is ready again.
    let ran = interrupt(upgrade(&format!("{line} --atomic")), Duration::from_secs(180));
    ran.refused(1, "E-INTERRUPTED", &["was interrupted by a signal; cloud is back at 1.0.0"]);
    assert_eq!((image(&team), team.secrets()), (first, secrets));
    let status = team.json("status cloud");
    assert_eq!((&status["ready"], &status["unfinished"]), (&true.into(), &Value::Null), "{status:#}");
    team.answers("orders", "/", "orders 1.0.0\n");
}

#[test]
fn an_export_that_is_interrupted_starts_again_what_it_had_stopped() {
    let Some(world) = world() else { return };
    let team = world.team("running");
    team.sealift("install cloud:1.0.0 --set gateway.replicas=2 --timeout 300s");
    let recipient = keys(&world);
    let replicas = |name: &str| team.object(name)["spec"]["replicas"].as_u64().unwrap();
    let database = team.object("statefulset cloud-db");
    let real = database["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
    // More than is read before anybody can interrupt it.
    shell(&team, "dd if=/dev/zero of=/data/large bs=1048576 count=1500 2>/dev/null");
    for (helper, moment) in [("registry.example/none:1", "Pending"), (real.as_str(), "Running")] {
        let line = format!(
            "export-installation cloud -o ended.installation --key here.pem --encrypt-to {recipient} --data --helper-image {helper}"
        );
        let run = Background::start(&mut world.command(&team.line(&line)));
        let pods = "get pods -l app.kubernetes.io/managed-by=sealift,!app.kubernetes.io/instance -o jsonpath={.items[*].status.phase}";
        wait(Duration::from_secs(120), &format!("its pod is {moment}"), || team.kubectl(pods) == moment);
        assert_eq!((replicas("statefulset cloud-db"), replicas("deployment cloud-gateway")), (0, 0));
        if moment == "Running" {
            std::thread::sleep(Duration::from_millis(2500));
        }
        let ran = interrupt(run, Duration::from_secs(90));
        let names = ["nothing was written", "what it had stopped is started again: ", "StatefulSet cloud-db"];
        ran.refused(1, "E-INTERRUPTED", &names);
        assert_eq!((replicas("statefulset cloud-db"), replicas("deployment cloud-gateway")), (1, 2));
        let annotations = team.object("statefulset cloud-db")["metadata"]["annotations"].to_string();
        assert!(!annotations.contains("stopped-replicas"), "{annotations}");
        assert_eq!(team.kubectl(pods), "", "its pod is gone");
        assert_eq!(team.kubectl("get lease sealift.cloud --ignore-not-found -o name"), "");
        let left = fs::read_dir(world.path("")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let left: Vec<String> = left.filter(|n| n.contains("ended") || n.contains("sealift-export")).collect();
        assert_eq!(left, [""; 0]);
        kubectl(&format!("--namespace {} rollout status statefulset/cloud-db --timeout=120s", team.name));
    }
    team.answers("gateway", "/", "gateway 1.0.0\n");
    let status = team.json("status cloud");
    assert_eq!((&status["unfinished"], &status["drift"]), (&Value::Null, &serde_json::json!([])), "{status:#}");
}

#[test]
fn an_import_that_ends_while_it_fills_claims_is_gone_on_with_or_taken_back() {
    let Some(world) = world() else { return };
    let (here, there) = (world.team("from"), world.team("into"));
    here.sealift("install cloud:1.0.0 --set gateway.replicas=1 --timeout 300s");
    let recipient = keys(&world);
    // More than is filled before anybody can interrupt it.
    shell(&here, "echo of the site >/data/small; dd if=/dev/zero of=/data/large bs=1048576 count=300 2>/dev/null");
    let image = helper(&here);
    let export = "export-installation cloud -o filled.installation --key here.pem --data --timeout 300s";
    here.sealift(&format!("{export} --encrypt-to {recipient} --helper-image {image}"));
    let import = format!(
        "import-installation filled.installation --key here.pub --identity identity.txt --helper-image {image} --timeout 300s"
    );
    let (large, size) = (world.path("volumes/into/large"), 300 << 20);
    let filling = || {
        let start = SystemTime::now();
        let run = Background::start(&mut world.command(&there.line(&import)));
        // What was filled whole has the time of its own.
        let grows = || fs::metadata(&large).is_ok_and(|m| m.len() > 0 && m.modified().unwrap() > start);
        wait(Duration::from_secs(120), "the claim is being filled", grows);
        run
    };
    let claim = "get persistentvolumeclaim data-cloud-db-0 -o jsonpath={.metadata.annotations.sealift\\.dev/filled}";
    // Nothing may run on half of the data, whoever has forgotten the import by now.
    let is_half_done = || {
        assert!(fs::metadata(&large).unwrap().len() < size, "it was ended half way");
        assert!(there.kubectl(claim).starts_with("begun sha256:"), "{}", there.kubectl(claim));
        world.fails(&there.line("status cloud"), "E-NOT-INSTALLED");
        for line in ["install cloud:1.0.0", &format!("{import} --no-data")] {
            let said = world.fails(&there.line(line), "E-INCOMPLETE");
            assert!(said.contains(&format!("data-cloud-db-0 in {} is filled only in part", there.name)), "{said}");
        }
        assert_eq!(there.kubectl("get statefulsets,deployments,services -o name"), "");
    };

    let ran = interrupt(filling(), Duration::from_secs(60));
    let back = format!("kubectl --namespace {} delete persistentvolumeclaim data-cloud-db-0", there.name);
    let names = ["nothing is installed yet", "the same import goes on", &format!("`{back}` takes it back")];
    ran.refused(1, "E-INTERRUPTED", &names);
    let pods = "get pods -l app.kubernetes.io/managed-by=sealift -o name";
    assert_eq!(there.kubectl(pods), "", "its pod is gone");
    assert_eq!(there.kubectl("get lease sealift.cloud --ignore-not-found -o name"), "", "the lease is given back");
    is_half_done();

    // Taken back, as it was said; and the volume given free, which a provisioner would have made anew.
    kubectl(back.strip_prefix("kubectl ").unwrap());
    let free =
        r#"[{"op":"remove","path":"/spec/claimRef/uid"},{"op":"remove","path":"/spec/claimRef/resourceVersion"}]"#;
    kubectl(&format!("patch persistentvolume {} --type=json -p {free}", there.name));

    let run = filling();
    run.kill();
    is_half_done();
    there.sealift(&import);
    assert!(there.kubectl(claim).starts_with("done sha256:"), "{}", there.kubectl(claim));
    assert_eq!(shell(&there, "cat /data/small; wc -c </data/large"), format!("of the site\n{size}\n"));
    assert_eq!(
        there.kubectl(pods).matches("sealift-data").count(),
        0,
        "nor is the pod left of the one that was killed"
    );
    assert_eq!(here.secrets(), there.secrets());
    let status = there.json("status cloud");
    assert_eq!((&status["ready"], &status["unfinished"]), (&true.into(), &Value::Null), "{status:#}");
}
