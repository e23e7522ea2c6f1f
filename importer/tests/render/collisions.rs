//! No two things of an installation are called alike: what a template's check takes renders to objects, claims, containers and volumes
//! of different names.

use std::collections::BTreeSet;

use bundle_format::template::Template;
use importer::target::ObjectId;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::Site;

/// Names that are made up of what Sealift puts before and behind names.
const NAMES: [&str; 16] = [
    "a",
    "b",
    "a-config",
    "a-headless",
    "group-a",
    "group-a-config",
    "plugin-a",
    "plugin-a-config",
    "stream-a",
    "route-a",
    "stream-a-headless",
    "registry-login",
    "a-0",
    "a-t-b",
    "t-a",
    "config",
];

fn text(value: &Value, place: &str) -> String {
    value.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn items<'v>(value: &'v Value, place: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(place).and_then(Value::as_array).into_iter().flatten()
}

/// What is there twice among the objects: an object, a claim that Kubernetes makes of a template, a container or volume of a pod.
fn twice(objects: &[&Value]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut names = vec!["Secret t-registry-login".to_owned()];
    for object in objects {
        let id = ObjectId::of(object)?;
        names.push(format!("{} {}", id.kind, id.name));
        for claim in items(object, "/spec/volumeClaimTemplates") {
            let claim = text(claim, "/metadata/name");
            names.extend((0..3).map(|n| format!("PersistentVolumeClaim {claim}-{}-{n}", id.name)));
        }
        let template = object.pointer("/spec/template").or_else(|| object.pointer("/spec/jobTemplate/spec/template"));
        if let Some(pods) = template {
            for list in ["/spec/containers", "/spec/initContainers"] {
                names.extend(items(pods, list).map(|c| format!("container {} of {id}", text(c, "/name"))));
            }
            names.extend(items(pods, "/spec/volumes").map(|v| format!("volume {} of {id}", text(v, "/name"))));
        }
    }
    names.into_iter().find(|name| !seen.insert(name.clone()))
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(NAMES.to_vec())
}

fn component() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["Deployment", "StatefulSet", "DaemonSet"]);
    let volumes = prop::collection::btree_set(name(), 0..3);
    let plugins = prop::collection::btree_set(0_usize..2, 0..2);
    (name(), kind, volumes, any::<bool>(), plugins).prop_map(|(name, kind, volumes, files, plugins)| {
        let volume = |(i, name)| json!({"name": name, "path": format!("/v{i}"), "size": "1Gi", "accessModes": ["ReadWriteMany"]});
        json!({
            "name": name, "kind": kind, "image": "nginx:1", "ports": [{"name": "http", "port": 80}],
            "volumes": volumes.into_iter().enumerate().map(volume).collect::<Vec<_>>(),
            "config": if files { json!([{"path": "/c", "content": "c"}]) } else { json!([]) },
            "plugins": plugins,
        })
    })
}

fn names(most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::btree_set(name(), 0..most).prop_map(|names| names.into_iter().collect())
}

fn templates() -> impl Strategy<Value = Value> {
    let components = prop::collection::vec(component(), 1..4);
    (components, names(3), names(3), names(3), names(3), names(2)).prop_map(
        |(mut components, plugins, groups, streams, externals, secrets)| {
            for component in &mut components {
                let used = items(component, "/plugins").filter_map(|n| plugins.get(usize::try_from(n.as_u64()?).ok()?));
                component["plugins"] = used.map(|name| json!({"name": name})).collect();
            }
            let first = components[0]["name"].clone();
            let each = |names: &[&str], rest: Value| -> Value {
                let with = |name: &&str| {
                    let mut item = rest.clone();
                    item["name"] = json!(name);
                    item
                };
                names.iter().map(with).collect()
            };
            let stream = json!({"component": first, "port": "http"});
            json!({
                "apiVersion": "sealift.dev/v1", "kind": "Template", "metadata": {"name": "t", "version": "1"},
                "components": components,
                "plugins": each(&plugins, json!({"image": "nginx:2", "config": [{"path": "/p", "content": "p"}]})),
                "configGroups": each(&groups, json!({"items": [{"name": "A", "value": "a"}]})),
                "streams": each(&streams, stream.clone()),
                "routes": each(&["main"], stream),
                "externals": each(&externals, json!({"addresses": ["192.0.2.1"], "ports": [{"name": "p", "port": 1}]})),
                "secrets": each(&secrets, json!({"keys": ["k"]})),
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_a_check_takes_has_names_that_differ(value in templates()) {
        let Some(template) = Template::check_value(&value).template else { return Ok(()) };
        let files = Site::of(&template).render(&template).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let objects: Vec<&Value> = files.iter().flat_map(|file| file.objects()).collect();
        prop_assert_eq!(twice(&objects), None);
        let mut files: Vec<&str> = files.iter().map(|file| file.name()).collect();
        let all = files.len();
        files.dedup();
        prop_assert_eq!(files.len(), all);
    }
}

#[test]
fn an_object_of_a_manifest_is_not_called_as_one_of_ours() {
    let template = crate::template("components: [{name: c, image: 'nginx:1'}]\nmanifests: [a.yaml, b.yaml]\n");
    let map = |name: &str, namespace: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}{namespace}}}\n")
    };
    let ours = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: t-c}\n".to_owned();
    for (a, b, error) in [
        (map("a", ""), map("b", ""), None),
        (map("a", ""), map("a", ", namespace: other"), None),
        (map("a", ""), map("a", ""), Some("two parts of the template both become the ConfigMap a")),
        (map("a", ""), map("a", ", namespace: team-a"), Some("two parts of the template both become the ConfigMap a")),
        (map("a", ""), ours, Some("two parts of the template both become the Deployment t-c")),
    ] {
        let found = Site::of(&template).document("a.yaml", a).document("b.yaml", b).render(&template);
        match error {
            None => assert!(found.is_ok(), "{found:?}"),
            Some(error) => assert!(found.unwrap_err().to_string().starts_with(error)),
        }
    }
}

#[test]
fn a_manifest_may_bring_the_namespace() {
    let template = crate::template("manifests: [a.yaml]\n");
    let namespace =
        |name: &str| format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{a: b}}}}\n");
    for (name, files) in [("team-a", vec!["05-001-a.yaml"]), ("other", vec!["00-namespace.yaml", "05-001-a.yaml"])] {
        let found = Site::of(&template).document("a.yaml", namespace(name)).render(&template).unwrap();
        assert_eq!(crate::names(&found), files);
    }
}
