//! Objects of manifests that a version no longer has.

use std::sync::LazyLock;

use bundle_format::template::Template;

use super::versions::version;
use super::*;
use crate::plan::{AttributePath, Change};

/// A manifest and a chart with something of everything, and a version that has neither.
static VERSIONS: LazyLock<Vec<Version>> = LazyLock::new(|| {
    let head = "apiVersion: sealift.dev/v1\nkind: Template\n";
    let web = "components: [{name: web, image: 'registry.example/web:1', volumes: [{name: v, path: /v, size: 1Gi}]}]\n";
    let parse = |number: u32, more: &str| {
        let text = format!("{head}metadata: {{name: cloud, version: '{number}'}}\n{web}{more}");
        Template::parse(text.as_bytes()).unwrap()
    };
    let object = |version: &str, kind: &str, name: &str, rest: &str| {
        format!("---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}{rest}}}\n")
    };
    let own = ", namespace: sealift-release-namespace";
    let chart = [object("apps/v1", "Deployment", "proxy", own), object("v1", "ServiceAccount", "proxy", own)].concat();
    let manifest = [
        object("v1", "Namespace", "team-tools", ""),
        object("v1", "ConfigMap", "extra", ""),
        object("v1", "ConfigMap", "extra", ", namespace: team-tools"),
        object("v1", "Secret", "extra", ""),
        object("v1", "PersistentVolumeClaim", "extra", ""),
        object("apps/v1", "StatefulSet", "extra", ""),
        object("rbac.authorization.k8s.io/v1", "ClusterRole", "extra", ""),
    ]
    .concat();
    let documents = [("k8s/extra.yaml", manifest), ("rendered/charts/proxy.yaml", chart)];
    let documents = documents.into_iter().map(|(path, text)| (path.parse().unwrap(), text.into_bytes())).collect();
    let with = parse(1, "manifests: [k8s/extra.yaml]\ncharts: [{name: proxy, chart: charts/proxy}]\n");
    vec![version(with, documents), version(parse(2, ""), BTreeMap::new())]
});

/// Those of the names that are in the cluster, of what the first version's documents hold.
fn left(world: &World) -> Vec<String> {
    let is_raw = |id: &&ObjectId| !id.name.starts_with("cloud") && id.name != "team";
    world.said().keys().filter(is_raw).map(|id| format!("{id} {}", id.namespace.as_deref().unwrap_or("-"))).collect()
}

fn installed() -> World {
    let mut world = World::of(&VERSIONS);
    world.act(&Wish::version(0)).unwrap();
    world
}

const KEPT: [&str; 3] = ["Namespace team-tools -", "PersistentVolumeClaim extra team", "Secret extra team"];

#[test]
fn what_documents_no_longer_have_stays_and_goes_when_it_is_pruned_but_for_data_secrets_and_namespaces() {
    let mut world = installed();
    let all = left(&world);
    assert_eq!(all.len(), 9, "{all:?}");
    world.act(&Wish::version(1)).unwrap();
    assert_eq!(left(&world), all, "what nobody lets go stays");
    let (_, again) = world.plan(&Wish::version(1)).unwrap();
    assert_eq!(again.steps, [], "and asks for nothing");
    let plan = world.act(&Wish::version(1).pruning()).unwrap();
    let removed: usize =
        plan.steps.iter().map(|s| if let Step::Remove { objects } = s { objects.len() } else { 0 }).sum();
    assert_eq!((left(&world), removed), (KEPT.map(str::to_owned).to_vec(), 6));
    let (record, again) = world.plan(&Wish::version(1).pruning()).unwrap();
    assert_eq!(again.steps, [], "what stays is not asked for again");
    let orphans = record.inventory.iter().filter(|item| item.orphan).count();
    assert_eq!(orphans, KEPT.len(), "an uninstallation still knows of it");
}

#[test]
fn an_upgrade_that_prunes_at_once_ends_where_two_end() {
    let (mut one, mut two) = (installed(), installed());
    one.act(&Wish::version(1).pruning()).unwrap();
    two.act(&Wish::version(1)).unwrap();
    two.act(&Wish::version(1).pruning()).unwrap();
    assert_eq!(one.said(), two.said());
    assert_eq!(left(&one), KEPT);
}

#[test]
fn one_object_goes_that_is_accepted_by_the_name_that_a_plan_shows() {
    for (path, gone) in [
        ("object/ConfigMap/extra", "ConfigMap extra team"),
        ("object/ConfigMap/extra@team-tools", "ConfigMap extra team-tools"),
        ("object/Deployment/proxy", "Deployment proxy team"),
        ("object/Deployment/proxy@sealift-release-namespace", "Deployment proxy team"),
        ("object/ClusterRole/extra", "ClusterRole extra -"),
    ] {
        let mut world = installed();
        let mut wish = Wish::version(1);
        let path: AttributePath = path.parse().unwrap();
        wish.accept.paths.insert(path.clone());
        let mut expected = left(&world);
        let plan = world.act(&wish).unwrap();
        let told: Vec<_> = plan.decisions.iter().filter(|d| d.path == path && d.change == Change::Removed).collect();
        assert_eq!(told.len(), 1, "{path}: {:?}", plan.decisions);
        assert!(expected.contains(&gone.to_owned()), "{path}");
        expected.retain(|object| object != gone);
        assert_eq!(left(&world), expected, "{path}");
    }
}

#[test]
fn what_holds_data_or_secrets_does_not_go_by_being_accepted() {
    for path in ["object/Secret/extra", "object/PersistentVolumeClaim/extra", "object/Namespace/team-tools"] {
        let mut world = installed();
        let mut wish = Wish::version(1);
        wish.accept.paths.insert(path.parse().unwrap());
        let before = left(&world);
        world.act(&wish).unwrap();
        assert_eq!(left(&world), before, "{path}");
    }
}

#[test]
fn what_was_pruned_is_back_after_a_rollback() {
    let mut world = installed();
    let all = left(&world);
    world.act(&Wish::version(1).pruning()).unwrap();
    world.go_back(Some(1), false).unwrap();
    assert_eq!(left(&world), all);
}
