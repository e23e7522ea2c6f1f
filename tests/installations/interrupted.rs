//! Asked to end: by a signal to the command, or by whoever watches, at every place where it is looked at.

use std::cell::Cell;
use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use bundle_format::trust::PrivateKey;
use bundle_format::{Code, Coded as _};
use importer::engine::{Engine, EngineError, Forward, ImageNames, Outcome, Settings, Uninstall, Version};
use importer::holdings::find;
use importer::marks::Choice;
use importer::moving::{Export, Recipients};
use importer::target::{Event, Place, Watch, open};
use registry_lite::Store;
use serde_json::{Value, json};

use crate::cloud::{Cloud, ON};
use crate::common::process::wait_for;
use crate::common::{Background, output};

/// Wants the work to end once it was asked so often.
struct After(Cell<u32>);

impl Watch for After {
    fn event(&self, _: &Event<'_>) {}

    fn cancelled(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left == 0 || self.0.get() == 0
    }
}

/// Does something with the installation in `out`, and ends it when it has asked `asks` times whether it should.
fn engine<T>(cloud: &Cloud, atomic: bool, asks: u32, act: impl FnOnce(&mut Engine<'_>) -> T) -> T {
    let store = Store::open(&cloud.path("site")).unwrap();
    let place = Place { namespace: "team".parse().unwrap(), name: "cloud".parse().unwrap() };
    let target = format!("dir:{}", cloud.path("out").display());
    let (mut target, records) = open(&target, &store, &place, false).unwrap();
    let settings = Settings {
        images: None,
        pull_secret: None,
        pull_login: None,
        patience: Duration::from_secs(10),
        atomic,
        keep: 100,
        by: "a test".to_owned(),
    };
    let watch = After(Cell::new(asks));
    act(&mut Engine { store: &store, records: &*records, target: &mut *target, watch: &watch, place, settings })
}

fn upgrade(cloud: &Cloud, atomic: bool, asks: u32) -> Result<Outcome, EngineError> {
    engine(cloud, atomic, asks, |engine| {
        let version = two(engine.store);
        engine.forward(version, &Forward::default(), &|_| ())
    })
}

fn records(cloud: &Cloud) -> Vec<Value> {
    cloud.json("history cloud")["records"].as_array().unwrap().clone()
}

fn two(store: &Store) -> Version {
    let chosen = find(store, "cloud:2.0.0", Choice::default()).unwrap();
    Version::of(store, &chosen.holding).unwrap()
}

#[test]
fn an_upgrade_that_is_to_end_ends_at_its_next_step_and_the_next_one_goes_on() {
    let cloud = Cloud::new();
    cloud.deliver("v2");
    cloud.on("install cloud:1.0.0");
    let before = cloud.contents();
    let mut interrupted = 0;
    for asks in (1..).step_by(4) {
        let count = records(&cloud).len();
        let error = match upgrade(&cloud, false, asks) {
            Ok(_) => break,
            Err(error) => error,
        };
        assert_eq!((error.code(), cloud.contents()), (Code::Interrupted, before.clone()), "{error}");
        let all = records(&cloud);
        if asks == 1 {
            assert_eq!(
                error.to_string(),
                "upgrading to cloud:2.0.0 was interrupted by a signal, before it changed anything"
            );
            assert_eq!((error.hint(), all.len()), (None, count));
            continue;
        }
        let next = "`sealift upgrade cloud --to 2.0.0` goes on, `sealift rollback cloud` takes it back";
        assert_eq!(error.hint().as_deref(), Some(next));
        let last = all.last().unwrap();
        assert_eq!((all.len(), &last["status"]), (count + 1, &json!("failed")));
        assert_eq!(last["message"], format!("interrupted by a signal: {next}"));
        interrupted += 1;
    }
    assert!(interrupted > 4, "every step is a place to end at: {interrupted}");
    assert!(cloud.text("deployment-orders.yaml").contains("/orders"), "{}", cloud.text("deployment-orders.yaml"));
    let status = cloud.json("status cloud");
    assert_eq!((&status["holds"]["version"], &status["unfinished"]), (&json!("2.0.0"), &Value::Null));
    cloud.on("rollback cloud 1 --exact");
    assert_eq!(cloud.contents(), before);
}

#[test]
fn an_atomic_upgrade_that_is_to_end_goes_back_by_itself() {
    let cloud = Cloud::new();
    cloud.deliver("v2");
    cloud.on("install cloud:1.0.0");
    let before = cloud.contents();
    for asks in [2, 9] {
        let error = upgrade(&cloud, true, asks).unwrap_err();
        assert_eq!((error.code(), error.hint()), (Code::Interrupted, None));
        let text = "upgrading to cloud:2.0.0 was interrupted by a signal; cloud is back at 1.0.0";
        assert_eq!((error.to_string().as_str(), cloud.contents()), (text, before.clone()));
        let all = records(&cloud);
        let [.., ended, back] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((&ended["status"], &ended["message"]), (&json!("failed"), &json!("interrupted by a signal")));
        assert_eq!((&back["action"], &back["status"]), (&json!("rollback"), &json!("done")));
    }
}

#[test]
fn an_atomic_upgrade_with_another_registry_goes_back_to_the_one_before() {
    let cloud = Cloud::new();
    cloud.deliver("v2");
    cloud.on("install cloud:1.0.0");
    let before = cloud.contents();
    let upgrade = |engine: &mut Engine<'_>| {
        engine.settings.images = Some(ImageNames::At("wrong.example:5000".to_owned()));
        engine.settings.pull_secret = Some("wrong".to_owned());
        let version = two(engine.store);
        engine.forward(version, &Forward::default(), &|_| ())
    };
    let error = engine(&cloud, true, 9, upgrade).unwrap_err();
    assert!(matches!(error, EngineError::TakenBack { .. }), "{error}");
    assert_eq!(cloud.contents(), before);
}

#[test]
fn an_atomic_upgrade_takes_back_only_what_it_began_itself() {
    let cloud = Cloud::new();
    cloud.deliver("v2");
    cloud.on("install cloud:1.0.0");
    upgrade(&cloud, false, 9).unwrap_err();
    let (before, all) = (cloud.contents(), records(&cloud));
    assert_eq!(all.len(), 2);
    // It is asked to end before its own record, too early to have anything to take back.
    let error = upgrade(&cloud, true, 1).unwrap_err();
    assert!(matches!(error, EngineError::Interrupted { next: None, .. }), "{error}");
    assert_eq!((records(&cloud), cloud.contents()), (all.clone(), before.clone()));
    // So is one that fails because somebody's file is in the way.
    let plan = cloud.json("plan cloud --to 2.0.0 --with search");
    let ours: Vec<String> = before.iter().map(|(name, _)| name.clone()).collect();
    let files = plan["steps"].as_array().unwrap().iter().filter_map(|step| step["file"].as_str());
    let foreign = files.filter(|file| file.contains("search")).find(|file| !ours.iter().any(|name| name == file));
    let foreign = format!("out/{}", foreign.expect("the module brings a file"));
    fs::write(cloud.path(&foreign), "somebody's").unwrap();
    cloud.sealift(&format!("upgrade cloud --to 2.0.0 --with search --atomic {ON}")).refused(6, "E-EXISTS", &[&foreign]);
    fs::remove_file(cloud.path(&foreign)).unwrap();
    assert_eq!((records(&cloud), cloud.contents()), (all, before));
}

#[test]
fn what_the_site_changed_after_a_failure_belongs_to_the_state_before_it() {
    let cloud = Cloud::new();
    cloud.deliver("v2");
    cloud.on("install cloud:1.0.0");
    upgrade(&cloud, false, 9).unwrap_err();
    cloud.edit(&cloud.file("deployment-gateway.yaml"), "replicas: 2", "replicas: 9");
    let is_there = |when: &str| {
        let gateway = cloud.text("deployment-gateway.yaml");
        assert!(gateway.contains("replicas: 9"), "{when}: {gateway}");
    };
    upgrade(&cloud, true, 9).unwrap_err();
    is_there("an atomic upgrade came back by itself");
    upgrade(&cloud, false, 9).unwrap_err();
    let auth = cloud.file("deployment-auth.yaml");
    cloud.edit(&auth, "value: info", "value: debug");
    cloud.on("upgrade cloud");
    cloud.on("rollback cloud");
    is_there("taken back");
    assert!(cloud.text("deployment-auth.yaml").contains("value: debug"));
}

#[test]
fn an_uninstallation_that_was_interrupted_and_taken_back_costs_no_value() {
    let cloud = Cloud::new();
    cloud.deliver("v2");
    cloud.on("install cloud:1.0.0");
    cloud.on("upgrade cloud --to 1.0.0 --set gateway.replicas=7");
    let before = cloud.contents();
    for (then, again) in [("rollback cloud --exact", false), ("upgrade cloud", true)] {
        let error = engine(&cloud, false, 2, |engine| engine.uninstall(Uninstall::default(), &|_| ())).unwrap_err();
        assert!(cloud.on("status cloud").stdout.contains("UNFINISHED: uninstall of 1.0.0"));
        assert_eq!(error.hint().as_deref(), Some("`sealift uninstall cloud` goes on"));
        cloud.on(then);
        if again {
            cloud.on("rollback cloud --exact");
        }
        assert_eq!(cloud.contents(), before, "{then}");
    }
}

#[test]
fn an_export_that_is_to_end_leaves_no_file() {
    let cloud = Cloud::new();
    cloud.on("install cloud:1.0.0");
    fs::create_dir(cloud.path("exports")).unwrap();
    let key = PrivateKey::from_pem(&fs::read_to_string(cloud.path("vendor.pem")).unwrap(), || None).unwrap();
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    let recipients = Recipients::parse(&[recipient]).unwrap();
    let out = cloud.path("exports/cloud.installation");
    for asks in [1, 2, 3] {
        let export = Export { out: &out, key: &key, recipients: &recipients, data: None };
        let error = engine(&cloud, false, asks, |engine| engine.export(&export)).unwrap_err();
        assert_eq!(error.to_string(), "the export was interrupted by a signal, and nothing was written");
        assert_eq!(error.code(), Code::Interrupted);
        assert_eq!(fs::read_dir(cloud.path("exports")).unwrap().count(), 0);
    }
    let export = Export { out: &out, key: &key, recipients: &recipients, data: None };
    engine(&cloud, false, 1000, |engine| engine.export(&export)).unwrap();
    assert!(out.exists());
}

/// Whether a process takes SIGINT itself.
fn catches_interrupts(id: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
    u64::from_str_radix(caught.trim(), 16).unwrap() & 0b10 != 0
}

#[test]
fn a_first_signal_ends_the_action_and_a_second_the_process() {
    let cloud = Cloud::new();
    for (second, exit) in [(false, Some(1)), (true, None)] {
        // It cannot show its plan, and waits for whoever reads, before its first step.
        let (mut reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(&[b'.'; 1 << 16]).unwrap();
        let mut command = cloud.command(&format!("install cloud {ON}"));
        let mut child = command.stdin(Stdio::null()).stderr(writer).spawn().unwrap();
        drop(command);
        wait_for("signals are caught", || catches_interrupts(child.id()));
        let signal =
            |name: &str| output(std::process::Command::new("kill").args(["-s", name, &child.id().to_string()]));
        signal("INT");
        if second {
            // The first one is delivered by now: the kernel joins two that are not.
            let pending = || fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            wait_for("the first is taken", || pending().contains("ShdPnd:\t0000000000000000"));
            signal("TERM");
            wait_for("it has ended", || pending().contains("State:\tZ"));
        }
        let mut said = String::new();
        reader.read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), exit, "{said}");
        if !second {
            assert!(said.contains("error[E-INTERRUPTED]: installing cloud:1.0.0 was interrupted"), "{said}");
        }
        assert!(!cloud.path("out").exists() && !cloud.path("site/installations/team/cloud/1.json").exists());
    }
    cloud.on("install cloud");
}

#[test]
fn a_signal_at_any_time_leaves_one_state_or_the_other() {
    let cloud = Cloud::new();
    cloud.deliver("v2");
    cloud.on("install cloud:1.0.0");
    let first = cloud.contents();
    let start = Instant::now();
    cloud.on("upgrade cloud");
    let (whole, second) = (start.elapsed(), cloud.contents());
    cloud.on("rollback cloud 1 --exact");
    for round in 0..12_u32 {
        let atomic = if round % 2 == 0 { "--atomic" } else { "" };
        let run = Background::start(&mut cloud.command(&format!("upgrade cloud {atomic} --keep 200 {ON}")));
        thread::sleep(whole * round / 12);
        run.signal(if round % 3 == 0 { "TERM" } else { "INT" });
        let ran = run.end();
        match ran.exit {
            Some(0) => assert_eq!(cloud.contents(), second, "{ran:#?}"),
            // Before signals are caught nothing is begun.
            None => assert_eq!(cloud.contents(), first, "{ran:#?}"),
            Some(_) => {
                assert_eq!(cloud.contents(), first, "{ran:#?}");
                ran.refused(1, "E-INTERRUPTED", &["interrupted by a signal"]);
            }
        }
        assert!(records(&cloud).iter().all(|r| r["status"] != "begun"), "round {round}");
        cloud.on("rollback cloud 1 --exact --keep 200");
        assert_eq!(cloud.contents(), first, "round {round}");
    }
}

#[test]
fn what_goes_on_has_the_values_that_were_given_at_first() {
    let cloud = Cloud::new();
    cloud.deliver("v2");
    cloud.on("install cloud:1.0.0 --set gateway.replicas=1");
    let given = || {
        let values = json!({"gateway.replicas": 7, "auth.env.LOG_LEVEL": "trace"});
        let forward = Forward { values: serde_json::from_value(values).unwrap(), ..Forward::default() };
        let switched = [("search".parse().unwrap(), true)].into();
        let accept = serde_json::from_value(json!({"paths": ["auth.env.OLD_SWITCH"], "classes": []})).unwrap();
        Forward { switched, accept, ..forward }
    };
    let interrupt = || {
        let upgrade = |engine: &mut Engine<'_>| {
            let version = two(engine.store);
            engine.forward(version, &given(), &|_| ()).unwrap_err()
        };
        engine(&cloud, false, 9, upgrade)
    };
    interrupt();
    // A status is of what holds, a plan of what would go on.
    assert!(!cloud.json("status cloud").to_string().contains("trace"));
    let planned = cloud.on("plan cloud");
    let said = "continues record 2 with what that was given: auth.env.LOG_LEVEL=\"trace\", gateway.replicas=7, --with search, --accept auth.env.OLD_SWITCH";
    assert!(planned.stderr.contains(said), "{planned:#?}");
    // Given now goes before given then; and what goes on may be interrupted as well.
    let run = cloud.on("upgrade cloud --to 2.0.0 --set gateway.replicas=5");
    assert!(run.stderr.contains("continues record 2"), "{run:#?}");
    let gateway = cloud.text("deployment-gateway.yaml");
    assert!(gateway.contains("replicas: 5"), "{gateway}");
    let auth = cloud.text("deployment-auth.yaml");
    assert!(auth.contains("value: trace") && !auth.contains("OLD_SWITCH"), "{auth}");
    assert!(
        !cloud.text("deployment-search.yaml").contains("replicas: 0"),
        "a module that is off is there, and scaled to nothing"
    );

    // What was taken back, and what goes elsewhere, starts anew.
    cloud.on("rollback cloud 1 --exact");
    interrupt();
    cloud.on("rollback cloud");
    assert!(!cloud.on("upgrade cloud").stderr.contains("continues"));
    assert!(!cloud.text("deployment-auth.yaml").contains("trace"));
    let last = records(&cloud).last().unwrap()["number"].clone();
    let text = fs::read_to_string(cloud.path(&format!("site/installations/team/cloud/{last}.json"))).unwrap();
    assert!(!text.contains("\"given\""), "what is done is not continued: {text}");
}

#[test]
fn going_back_exactly_leaves_running_what_ran_then() {
    let cloud = Cloud::new();
    cloud.deliver("v2");
    cloud.deliver("v3");
    cloud.on("install cloud:1.0.0");
    let components = || {
        let status = cloud.json("status cloud");
        let all = status["components"].as_array().unwrap().clone();
        all.iter().map(|c| (c["name"].as_str().unwrap().to_owned(), c["orphan"] == true)).collect::<Vec<_>>()
    };
    // A component that an action never came to is not left by what takes it back.
    let first = components();
    upgrade(&cloud, false, 9).unwrap_err();
    cloud.on("rollback cloud");
    assert_eq!(components(), first);
    // One that it came to is, and runs on through an upgrade that is taken back.
    cloud.on("upgrade cloud --to 2.0.0");
    cloud.on("rollback cloud 1");
    let files = || cloud.contents().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let (before, names) = (files(), components());
    assert!(names.contains(&("payments".to_owned(), true)), "{names:?}");
    cloud.on("upgrade cloud --to 3.0.0");
    let held = cloud.json("history cloud")["records"].as_array().unwrap()[4]["number"].clone();
    cloud.on(&format!("rollback cloud {held} --exact"));
    // As the upgrade left it: no version says how it was.
    assert_eq!((files(), components()), (before, names));
}
