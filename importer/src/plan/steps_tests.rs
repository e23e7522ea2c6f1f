//! Steps of a small application.

use serde_json::json;

use super::*;

fn name(component: &str) -> ComponentName {
    component.parse().unwrap()
}

fn object(kind: &str, name: &str, text: &str) -> Value {
    let version = if kind == "Deployment" { "apps/v1" } else { "v1" };
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "team"}, "data": {"text": text}})
}

fn file(name: &str, component: &str, objects: &[Value]) -> RenderedFile {
    let file = RenderedFile::new(name.to_owned(), objects.to_vec()).unwrap();
    if component.is_empty() { file } else { file.owned_by(&component.parse().unwrap()) }
}

/// `web` needs `db`; both have configuration, and there is a manifest.
fn shop(text: &str) -> Vec<RenderedFile> {
    vec![
        file(
            "00-namespace.yaml",
            "",
            &[json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}})],
        ),
        file("10-secret-db.yaml", "", &[object("Secret", "shop-db", "")]),
        file("20-configmap-web.yaml", "web", &[object("ConfigMap", "shop-web-config", text)]),
        file("30-pvc-db-data.yaml", "db", &[object("PersistentVolumeClaim", "shop-db-data", "")]),
        file("40-service-db.yaml", "db", &[object("Service", "shop-db", "")]),
        file("40-service-web.yaml", "web", &[object("Service", "shop-web", "")]),
        file("50-001-deployment-db.yaml", "db", &[object("Deployment", "shop-db", "")]),
        file("50-002-deployment-web.yaml", "web", &[object("Deployment", "shop-web", text)]),
        file("90-001-extra.yaml", "", &[object("ConfigMap", "extra", "")]),
    ]
}

fn live(files: &[RenderedFile]) -> Live {
    let objects = files.iter().flat_map(RenderedFile::objects);
    Live { objects: objects.map(|object| (ObjectId::of(object).unwrap(), object.clone())).collect() }
}

fn planned(files: &[RenderedFile], live: &Live, before: &[Item], prune: bool) -> Vec<Step> {
    let ranks = ["db", "web"].map(|n| vec![name(n)]);
    steps(
        files,
        live,
        before,
        Leaving { ranks: &ranks, prune, accepted: &BTreeSet::new(), leftovers: &Leftovers::new() },
    )
}

/// A step as a text: `+ FILE`, `~ FILE`, `wait COMPONENT: OBJECTS`, `- OBJECTS`.
fn told(steps: &[Step]) -> Vec<String> {
    let list = |objects: &[ObjectId]| objects.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let tell = |step: &Step| match step {
        Step::Apply { file, objects } => {
            let new = objects.iter().any(|(_, effect)| *effect == Effect::Create);
            format!("{} {file}", if new { '+' } else { '~' })
        }
        Step::Wait { component, objects } => {
            format!("wait {}: {}", component.as_ref().map_or("", ComponentName::as_str), list(objects))
        }
        Step::Remove { objects } => format!("- {}", list(objects)),
    };
    steps.iter().map(tell).collect()
}

#[test]
fn an_installation_prepares_and_then_starts_components_after_those_they_need() {
    let files = shop("1");
    let steps = planned(&files, &Live::default(), &[], false);
    assert_eq!(
        told(&steps),
        [
            "+ 00-namespace.yaml",
            "+ 10-secret-db.yaml",
            "+ 20-configmap-web.yaml",
            "+ 30-pvc-db-data.yaml",
            "+ 40-service-db.yaml",
            "+ 50-001-deployment-db.yaml",
            "wait db: PersistentVolumeClaim shop-db-data, Service shop-db, Deployment shop-db",
            "+ 40-service-web.yaml",
            "+ 50-002-deployment-web.yaml",
            "wait web: ConfigMap shop-web-config, Service shop-web, Deployment shop-web",
            "+ 90-001-extra.yaml",
            "wait : ConfigMap extra",
        ]
    );
}

#[test]
fn what_is_applied_needs_no_step() {
    let files = shop("1");
    let inventory = inventory(&files, &[], &[]);
    assert_eq!(inventory.len(), 9);
    assert_eq!(planned(&files, &live(&files), &inventory, true), []);
}

#[test]
fn what_is_being_removed_is_applied_again() {
    let files = shop("1");
    let mut live = live(&files);
    let web = live.objects.keys().find(|id| id.kind == "Deployment" && id.name == "shop-web").unwrap().clone();
    live.objects.get_mut(&web).unwrap()["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let steps = planned(&files, &live, &inventory(&files, &[], &[]), false);
    let wait = "wait web: ConfigMap shop-web-config, Service shop-web, Deployment shop-web";
    assert_eq!(told(&steps), ["~ 50-002-deployment-web.yaml", wait]);
}

#[test]
fn what_changes_is_applied_and_waited_for_alone() {
    let (old, new) = (shop("1"), shop("2"));
    let steps = planned(&new, &live(&old), &inventory(&old, &[], &[]), false);
    assert_eq!(
        told(&steps),
        [
            "~ 20-configmap-web.yaml",
            "~ 50-002-deployment-web.yaml",
            "wait web: ConfigMap shop-web-config, Service shop-web, Deployment shop-web",
        ]
    );
}

#[test]
fn what_the_last_version_said_and_this_one_does_not_is_a_change() {
    let mut old = shop("1");
    old[8] = file(
        "90-001-extra.yaml",
        "",
        &[json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "extra", "namespace": "team"}, "data": {"text": "", "gone": "x"}})],
    );
    let steps = planned(&shop("1"), &live(&old), &inventory(&old, &[], &[]), false);
    assert_eq!(told(&steps), ["~ 90-001-extra.yaml", "wait : ConfigMap extra"]);
}

#[test]
fn drift_is_put_right() {
    let files = shop("1");
    let mut there = live(&files);
    let id = ObjectId::of(&files[6].objects()[0]).unwrap();
    there.objects.get_mut(&id).unwrap()["data"]["text"] = json!("changed");
    let steps = planned(&files, &there, &inventory(&files, &[], &[]), false);
    assert_eq!(told(&steps)[0], "~ 50-001-deployment-db.yaml");
    assert_eq!(steps.len(), 2, "and waited for; nothing else is touched");
}

/// The shop without `web`, its manifest, or both.
fn without(names: &[&str]) -> Vec<RenderedFile> {
    shop("1").into_iter().filter(|file| !names.iter().any(|name| file.name().contains(name))).collect()
}

#[test]
fn what_is_gone_from_the_template_stays_until_it_is_pruned() {
    let (old, new) = (shop("1"), without(&["web", "extra"]));
    let before = inventory(&old, &[], &[]);
    let ranks = [vec![name("db")]];
    let accepted = BTreeSet::new();
    let leftovers = Leftovers::new();
    let leaving = |prune| Leaving { ranks: &ranks, prune, accepted: &accepted, leftovers: &leftovers };
    let kept = steps(&new, &live(&old), &before, leaving(false));
    assert_eq!(kept, []);
    let left = inventory(&new, &before, &kept);
    let orphans: Vec<_> = left.iter().filter(|item| item.orphan).map(|item| item.object.to_string()).collect();
    assert_eq!(orphans, ["ConfigMap shop-web-config", "Service shop-web", "Deployment shop-web", "ConfigMap extra"]);
    let pruned = steps(&new, &live(&old), &left, leaving(true));
    assert_eq!(
        told(&pruned),
        ["- ConfigMap extra", "- Deployment shop-web, Service shop-web, ConfigMap shop-web-config"]
    );
    assert!(inventory(&new, &left, &pruned).iter().all(|item| !item.orphan));
}

#[test]
fn a_manifest_goes_when_that_is_accepted() {
    let (old, new) = (shop("1"), without(&["extra"]));
    let before = inventory(&old, &[], &[]);
    let ranks = ["db", "web"].map(|n| vec![name(n)]);
    let accepted = [ObjectId::of(&old[8].objects()[0]).unwrap()].into();
    let steps = steps(
        &new,
        &live(&old),
        &before,
        Leaving { ranks: &ranks, prune: false, accepted: &accepted, leftovers: &Leftovers::new() },
    );
    assert_eq!(told(&steps), ["- ConfigMap extra"]);
}

#[test]
fn claims_secrets_and_the_namespace_never_go() {
    let before = inventory(&shop("1"), &[], &[]);
    let steps = planned(&[], &live(&shop("1")), &before, true);
    let told = told(&steps).join("\n");
    assert!(told.contains("Deployment shop-db") && !told.contains("Claim") && !told.contains("Secret"), "{told}");
    assert!(!told.contains("Namespace"), "{told}");
    let at = |text: &str| told.find(text).unwrap();
    assert!(at("Deployment shop-web") < at("Deployment shop-db"), "dependants go first");
}

#[test]
fn an_older_job_goes_after_the_new_one_is_complete() {
    let job = |name: &str| {
        let object = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "team"}});
        vec![file("50-001-job-db.yaml", "db", &[object])]
    };
    let (old, new) = (job("shop-db-1"), job("shop-db-2"));
    let steps = planned(&new, &live(&old), &inventory(&old, &[], &[]), false);
    assert_eq!(told(&steps), ["+ 50-001-job-db.yaml", "wait db: Job shop-db-2", "- Job shop-db-1"]);
}

#[test]
fn what_is_gone_already_is_not_removed() {
    let before = inventory(&shop("1"), &[], &[]);
    assert_eq!(planned(&[], &Live::default(), &before, true), []);
}

#[test]
fn components_that_do_not_need_each_other_start_together() {
    let files = shop("1");
    let ranks = [vec![name("db"), name("web")]];
    let leaving = Leaving { ranks: &ranks, prune: false, accepted: &BTreeSet::new(), leftovers: &Leftovers::new() };
    let told = told(&steps(&files, &Live::default(), &[], leaving));
    assert_eq!(
        told[4..10],
        [
            "+ 40-service-db.yaml",
            "+ 50-001-deployment-db.yaml",
            "+ 40-service-web.yaml",
            "+ 50-002-deployment-web.yaml",
            "wait db: PersistentVolumeClaim shop-db-data, Service shop-db, Deployment shop-db",
            "wait web: ConfigMap shop-web-config, Service shop-web, Deployment shop-web",
        ]
    );
}

#[test]
fn what_is_left_over_in_an_object_is_a_change() {
    let files = shop("1");
    let inventory = inventory(&files, &[], &[]);
    let ranks = ["db", "web"].map(|n| vec![name(n)]);
    let (id, spot) = (ObjectId::of(&files[7].objects()[0]).unwrap(), crate::plan::Spot::below(&["spec", "replicas"]));
    let leftovers = Leftovers::from([(id, vec![crate::plan::Leftover { spot, instead: None }])]);
    let leaving = Leaving { ranks: &ranks, prune: false, accepted: &BTreeSet::new(), leftovers: &leftovers };
    assert_eq!(
        told(&steps(&files, &live(&files), &inventory, leaving)),
        ["~ 50-002-deployment-web.yaml", "wait web: ConfigMap shop-web-config, Service shop-web, Deployment shop-web",]
    );
}
