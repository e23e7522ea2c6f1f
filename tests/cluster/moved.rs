//! Moving an installation with its data from one namespace to another, as from one cluster to the next.

use std::fs;
use std::process::Command;

use age::secrecy::ExposeSecret as _;

use crate::world::{Team, World, kubectl, wait, world};

/// Keys of the site, and of who is to read. Returns the recipient.
pub fn keys(world: &World) -> String {
    if !world.path("here.pem").exists() {
        world.sealift("keygen -q --no-passphrase -o here");
    }
    let identity = age::x25519::Identity::generate();
    fs::write(world.path("identity.txt"), identity.to_string().expose_secret()).unwrap();
    identity.to_public().to_string()
}

/// Busybox, which the database's image is made from, as the nodes pull it.
pub fn helper(team: &Team<'_>) -> String {
    let set = team.object("statefulset cloud-db");
    set["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
}

pub fn shell(team: &Team<'_>, script: &str) -> String {
    let mut command = Command::new("kubectl");
    command.args(["--namespace", &team.name, "exec", "cloud-db-0", "--", "sh", "-c", script]);
    String::from_utf8(crate::common::output(&mut command)).unwrap()
}

#[test]
fn data_written_here_is_there() {
    let Some(world) = world() else { return };
    let (here, there) = (world.team("here"), world.team("there"));
    here.sealift("install cloud:1.0.0 --set gateway.replicas=1 --set auth.env.LOG_LEVEL=trace --timeout 300s");
    shell(
        &here,
        "mkdir -p /data/deep && echo of the site >/data/deep/file && chmod 640 /data/deep/file && ln -s deep/file /data/link",
    );
    let sum = "dd if=/dev/urandom of=/data/large bs=65536 count=100 2>/dev/null; md5sum </data/large";
    let sum = shell(&here, sum);
    let recipient = keys(&world);
    let export = format!(
        "export-installation cloud -o cloud.installation --key here.pem --encrypt-to {recipient} --data --helper-image {}",
        helper(&here)
    );
    let said = here.json(&format!("{export} --timeout 300s"));
    assert_eq!(said["data"][0]["claim"], "data-cloud-db-0", "{said:#}");
    let stopped: Vec<_> = said["stopped"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
    assert!(stopped.contains(&"StatefulSet cloud-db") && stopped.contains(&"Deployment cloud-front"), "{stopped:?}");
    assert!(!stopped.contains(&"Deployment cloud-cache"), "{stopped:?}");

    // It runs again as it did, and nothing looks as if the site had changed it.
    here.answers("gateway", "/", "gateway 1.0.0\n");
    assert_eq!(here.object("deployment cloud-gateway")["spec"]["replicas"], 1);
    let status = here.json("status cloud");
    assert_eq!(status["drift"], serde_json::json!([]), "{status:#}");
    assert_eq!(
        here.kubectl("get pods -l app.kubernetes.io/managed-by=sealift -o name").matches("sealift-data").count(),
        0
    );

    let import = format!(
        "import-installation cloud.installation --key here.pub --identity identity.txt --helper-image {} --timeout 300s",
        helper(&here)
    );
    there.sealift(&import);
    assert_eq!(shell(&there, "cat /data/link; stat -c %a /data/deep/file"), "of the site\n640\n");
    assert_eq!(shell(&there, "md5sum </data/large"), sum);
    there.has("auth", "LOG_LEVEL", Some("trace"));
    assert_eq!(here.secrets(), there.secrets());
    assert_eq!(there.json("plan cloud --to 1.0.0")["empty"], true);

    // Once more is no first installation; and data never goes over data.
    world.fails(&there.line(&import), "E-EXISTS");
    there.sealift("uninstall cloud --keep-data");
    there.sealift(&import);
    assert_eq!(shell(&there, "md5sum </data/large"), sum);
}

#[test]
fn what_a_killed_export_stopped_is_started_by_the_next_action() {
    let Some(world) = world() else { return };
    let team = world.team("stopped");
    team.sealift("install cloud:1.0.0 --set gateway.replicas=2 --timeout 300s");
    let recipient = keys(&world);
    // A pod that never runs: the export waits for it, with everything stopped.
    let line = format!(
        "export-installation cloud -o killed.installation --key here.pem --encrypt-to {recipient} --data --helper-image \
         registry.example/none:1"
    );
    let mut child = world.command(&team.line(&line)).spawn().unwrap();
    let replicas = |name: &str| team.object(name)["spec"]["replicas"].as_u64().unwrap();
    wait(std::time::Duration::from_secs(120), "the database is stopped", || replicas("statefulset cloud-db") == 0);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(replicas("deployment cloud-gateway"), 0);
    assert!(!world.path("killed.installation").exists());
    // Neither a plan nor a status takes it for the site's wish.
    assert_eq!(team.json("plan cloud --to 1.0.0")["decisions"].to_string().matches("\"gateway.replicas\"").count(), 0);
    let status = team.sealift("status cloud");
    assert!(status.contains("an export has stopped it"), "{status}");
    // The lease of the killed process runs out.
    wait(std::time::Duration::from_secs(90), "the lease runs out", || {
        let line = team.line("upgrade cloud --to 1.0.0 --timeout 300s");
        world.command(&line).output().unwrap().status.success()
    });
    assert_eq!((replicas("deployment cloud-gateway"), replicas("statefulset cloud-db")), (2, 1));
    team.answers("gateway", "/", "gateway 1.0.0\n");
    kubectl(&format!(
        "--namespace {} delete pod --ignore-not-found --wait=false -l app.kubernetes.io/managed-by=sealift,!app.kubernetes.io/instance",
        team.name
    ));
}
