//! Values of charts that a site sets (spec/plan.md 3.9).

use std::sync::LazyLock;

use bundle_format::template::Template;
use serde_json::json;

use super::versions::version;
use super::*;
use crate::plan::{Change, Winner};

/// A chart in three versions: the second has one more object with the same values and other values of its own, in the third the
/// title is nobody's to set.
static VERSIONS: LazyLock<Vec<Version>> = LazyLock::new(|| {
    let make = |number: &str, adjustable: &str, own: (u32, &str), worker: bool| {
        let template = format!(
            "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: {{name: cloud, version: '{number}'}}\n\
             charts: [{{name: cache, chart: charts/cache, adjustable: {adjustable}}}]\n"
        );
        let (replicas, title) = own;
        let workload = |name: &str| {
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "sealift-release-namespace"},
                "spec": {"replicas": replicas, "template": {"spec": {"containers": [
                    {"name": "main", "image": "registry.example/cache:1", "args": [format!("--title={title}")], "env": [{"name": "A", "value": "1"}]},
                ]}}},
            })
        };
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cache"}, "data": {"c.conf": format!("title {title}\n")}});
        let mut objects = vec![config, workload("cache")];
        let mut places = vec![
            json!({"object": 0, "at": "/data/c.conf", "fill": {"text": [{"text": "title "}, {"value": "main.title"}, {"text": "\n"}]}}),
        ];
        if worker {
            objects.push(workload("worker"));
        }
        for object in 1..objects.len() {
            places.push(json!({"object": object, "at": "/spec/replicas", "fill": {"value": "replicas"}}));
            let title = json!([{"text": "--title="}, {"value": "main.title"}]);
            let at = "/spec/template/spec/containers/0/args/0";
            places.push(json!({"object": object, "at": at, "fill": {"text": title}}));
        }
        if !adjustable.contains("title") {
            places.retain(|place| place["fill"]["value"] == "replicas");
        }
        let objects: String = objects.iter().map(|object| format!("---\n{object}\n")).collect();
        let documents = [
            ("rendered/charts/cache.yaml", objects),
            ("rendered/charts/cache.places.json", json!({ "places": places }).to_string()),
        ];
        let documents = documents.into_iter().map(|(path, text)| (path.parse().unwrap(), text.into_bytes())).collect();
        version(Template::parse(template.as_bytes()).unwrap(), documents)
    };
    vec![
        make("1", "{replicas: 1, main.title: old}", (1, "old"), false),
        make("2", "{replicas: 2, main.title: new}", (2, "new"), true),
        make("3", "{replicas: 2}", (2, "fixed"), true),
        make("4", "{replicas: 2, main.title: true}", (2, "true"), true),
    ]
});

/// A wish with values of the chart.
fn setting(version: usize, values: Value) -> Wish {
    let values = values.as_object().unwrap().clone();
    let values = values.into_iter().map(|(path, value)| (format!("chart/cache.{path}").parse().unwrap(), Some(value)));
    Wish { values: Overlay { values: values.collect() }, ..Wish::version(version) }
}

fn installed(values: Value) -> World {
    let mut world = World::of(&VERSIONS);
    world.act(&setting(0, values)).unwrap();
    world
}

fn object<'w>(said: &'w BTreeMap<ObjectId, Value>, kind: &str, name: &str) -> &'w Value {
    said.iter().find(|(id, _)| id.kind == kind && id.name == name).unwrap().1
}

/// Replicas and titles of what runs, and the title of the configuration.
fn runs(world: &World) -> String {
    let said = world.said();
    let workloads = said.keys().filter(|id| id.kind == "Deployment").map(|id| {
        let spec = &object(&said, "Deployment", &id.name)["spec"];
        let args = spec["template"]["spec"]["containers"][0]["args"][0].as_str().unwrap();
        format!("{} {} {args}", id.name, spec["replicas"])
    });
    let config = object(&said, "ConfigMap", "cache")["data"]["c.conf"].as_str().unwrap().trim().to_owned();
    workloads.chain([config]).collect::<Vec<_>>().join(", ")
}

/// That what is installed needs nothing, and that nothing but values of charts is the site's.
fn is_at_rest(world: &World, version: usize) {
    let (record, again) = world.plan(&Wish::version(version)).unwrap();
    assert_eq!(again.steps, [], "{:?}", again.decisions);
    assert_eq!(record.overlay, world.records.last().unwrap().overlay);
}

fn overlay(world: &World) -> String {
    let overlay = &world.records.last().unwrap().overlay;
    overlay
        .values
        .iter()
        .map(|(path, value)| format!("{path}={}", value.as_ref().unwrap()))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn what_is_set_stands_wherever_the_chart_says_it_and_is_all_that_is_the_sites() {
    let world = installed(json!({"replicas": 3, "main.title": "ours"}));
    assert_eq!(runs(&world), "cache 3 --title=ours, title ours");
    assert_eq!(overlay(&world), "chart/cache.main.title=\"ours\" chart/cache.replicas=3");
    is_at_rest(&world, 0);
    let world = installed(json!({}));
    assert_eq!((runs(&world), overlay(&world)), ("cache 1 --title=old, title old".to_owned(), String::new()));
}

#[test]
fn an_upgrade_keeps_what_is_set_also_where_the_new_version_says_it_first() {
    let mut world = installed(json!({"replicas": 3}));
    let plan = world.act(&Wish::version(1)).unwrap();
    assert_eq!(runs(&world), "cache 3 --title=new, worker 3 --title=new, title new");
    let told: Vec<_> = plan
        .decisions
        .iter()
        .filter(|d| d.path.scope() == "chart/cache")
        .map(|d| (d.path.to_string(), d.change, d.winner))
        .collect();
    let title = ("chart/cache.main.title".to_owned(), Change::Vendor, Winner::Vendor);
    assert_eq!(told, [title, ("chart/cache.replicas".to_owned(), Change::Both, Winner::Site)]);
    is_at_rest(&world, 1);
    world.go_back(None, false).unwrap();
    assert_eq!(runs(&world), "cache 3 --title=old, title old");
    is_at_rest(&world, 0);
}

#[test]
fn a_value_is_set_to_another_one_back_to_the_vendors_and_by_a_rollback() {
    let mut world = installed(json!({"replicas": 3, "main.title": "ours"}));
    let plan = world.act(&setting(0, json!({"replicas": 4}))).unwrap();
    assert_eq!((runs(&world).as_str(), plan.changed_objects().len()), ("cache 4 --title=ours, title ours", 1));
    let replicas = plan.decisions.iter().find(|d| d.path.to_string() == "chart/cache.replicas").unwrap();
    assert_eq!((&replicas.site, &replicas.value, replicas.given), (&Some(json!(3)), &Some(json!(4)), true));
    let plan = world.plan(&setting(0, json!({"replicas": 4}))).unwrap().1;
    assert_eq!(plan.steps, [], "it is so already");
    let mut back = world.clone();
    back.go_back(None, false).unwrap();
    assert_eq!(runs(&back), "cache 3 --title=ours, title ours");
    is_at_rest(&back, 0);
    world.act(&setting(0, json!({"replicas": 1}))).unwrap();
    assert_eq!(
        (runs(&world).as_str(), overlay(&world).as_str()),
        ("cache 1 --title=ours, title ours", "chart/cache.main.title=\"ours\"")
    );
    let mut wish = Wish::version(0);
    wish.accept.paths.insert("chart/cache.main.title".parse().unwrap());
    world.act(&wish).unwrap();
    assert_eq!((runs(&world).as_str(), overlay(&world).as_str()), ("cache 1 --title=old, title old", ""));
}

/// The site changes the deployment of the chart on the cluster.
fn edit(world: &mut World, change: impl FnOnce(&mut Value)) {
    let version = world.version_of(world.records.last().unwrap());
    let overlay = world.records.last().unwrap().overlay.clone();
    let vendor = Attributes::filled(&version.template, &version.documents, &overlay).unwrap();
    let path: crate::plan::AttributePath = "object/Deployment/cache".parse().unwrap();
    let mut object = overlay.applied_to(&vendor).get(&path).unwrap().clone();
    change(&mut object);
    world.edit(&Overlay { values: BTreeMap::from([(path, Some(object))]) }).unwrap();
}

#[test]
fn what_the_site_changed_on_the_cluster_stays_until_the_value_is_given_again() {
    let mut world = installed(json!({"replicas": 3}));
    edit(&mut world, |object| {
        object["spec"]["replicas"] = 5.into();
        object["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "site".into();
    });
    assert_eq!(runs(&world), "cache 5 --title=old, title old");
    world.act(&Wish::version(1)).unwrap();
    assert_eq!(runs(&world), "cache 5 --title=new, worker 3 --title=new, title new");
    is_at_rest(&world, 1);
    for (given, expected) in [(3, "cache 3"), (4, "cache 4")] {
        let mut world = world.clone();
        world.act(&setting(1, json!({ "replicas": given }))).unwrap();
        assert_eq!(runs(&world), format!("{expected} --title=new, worker {given} --title=new, title new"));
        let said = world.said();
        let env = &object(&said, "Deployment", "cache")["spec"]["template"]["spec"]["containers"][0]["env"][0];
        assert_eq!(env["value"], "site", "all else that the site changed stays");
        is_at_rest(&world, 1);
    }
}

#[test]
fn a_value_that_a_version_no_longer_lets_a_site_set_goes_and_is_told() {
    let mut world = installed(json!({"replicas": 3, "main.title": "ours"}));
    let plan = world.act(&Wish::version(2)).unwrap();
    assert_eq!(runs(&world), "cache 3 --title=fixed, worker 3 --title=fixed, title fixed");
    let title = plan.decisions.iter().find(|d| d.path.to_string() == "chart/cache.main.title").unwrap();
    assert_eq!((title.change, title.winner, &title.value), (Change::Removed, Winner::Vendor, &None));
    is_at_rest(&world, 2);
    world.go_back(None, false).unwrap();
    assert_eq!(runs(&world), "cache 3 --title=ours, title ours");
}

#[test]
fn a_value_that_is_of_another_type_in_a_version_is_not_passed_over() {
    let mut world = installed(json!({"replicas": 3, "main.title": "ours"}));
    let error = world.plan(&Wish::version(3)).unwrap_err();
    assert_eq!(bundle_format::Coded::code(&error), bundle_format::Code::Values);
    let said = format!("{error}; {}", bundle_format::Coded::hint(&error).unwrap());
    assert!(said.contains("chart/cache.main.title: ") && said.contains("`true` or `false`"), "{said}");
    assert!(said.contains("--accept chart/cache.main.title"), "{said}");
    let mut accepting = Wish::version(3);
    accepting.accept.paths.insert("chart/cache.main.title".parse().unwrap());
    for wish in [accepting, setting(3, json!({"main.title": false}))] {
        let expected = if wish.values.is_empty() { "true" } else { "false" };
        let mut world = world.clone();
        world.act(&wish).unwrap();
        assert_eq!(runs(&world), format!("cache 3 --title={expected}, worker 3 --title={expected}, title {expected}"));
        is_at_rest(&world, 3);
    }
    world.act(&Wish::version(1)).unwrap();
}

#[test]
fn an_action_that_was_interrupted_is_continued_and_taken_back_with_its_values() {
    let start = installed(json!({"replicas": 3}));
    let wish = setting(1, json!({"replicas": 6, "main.title": "ours"}));
    let steps = start.plan(&wish).unwrap().1.steps.len();
    assert!(steps > 0);
    for most in 0..=steps {
        let mut world = start.clone();
        world.take(world.plan(&wish).unwrap(), Some(most));
        let mut back = world.clone();
        back.go_back(Some(1), true).unwrap();
        assert!(runs(&back).starts_with("cache 3 --title=old, "), "{most}: {}", runs(&back));
        world.act(&wish).unwrap();
        assert_eq!(runs(&world), "cache 6 --title=ours, worker 6 --title=ours, title ours", "{most}");
        is_at_rest(&world, 1);
    }
}

#[test]
fn a_document_that_does_not_say_where_values_go_is_refused_by_its_name() {
    for (places, says) in [
        (json!({"places": [{"object": 9, "at": "", "fill": {"value": "replicas"}}]}), "no such object"),
        (json!({"places": [{"object": 1, "at": "/spec/none", "fill": {"value": "replicas"}}]}), "no such place"),
        (json!({"places": [{"object": 1, "at": "/spec/replicas", "fill": {"value": "other"}}]}), "not adjustable"),
        (
            json!({"places": [{"object": 1, "at": "/metadata/name", "fill": {"value": "main.title"}}]}),
            "which object this is",
        ),
        (
            json!({"places": [{"object": 1, "at": "/spec/replicas", "fill": {"value": "main.title"}}]}),
            "do not make what stands there",
        ),
        (
            json!({"places": [
                {"object": 1, "at": "/spec/replicas", "fill": {"value": "replicas"}},
                {"object": 1, "at": "/spec/replicas", "fill": {"value": "replicas"}},
            ]}),
            "a second time",
        ),
        (json!({"places": 1}), "no list of places"),
    ] {
        let mut version = VERSIONS[0].clone();
        version.documents.insert("rendered/charts/cache.places.json".parse().unwrap(), places.to_string().into_bytes());
        let wish = setting(0, json!({"replicas": 3}));
        let error = Attributes::filled(&version.template, &version.documents, &wish.values).unwrap_err().to_string();
        assert!(error.starts_with("rendered/charts/cache.places.json: ") && error.contains(says), "{error}");
    }
}
