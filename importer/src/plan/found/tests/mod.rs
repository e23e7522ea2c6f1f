//! Edits, rendered and found again.

mod laws;
pub(crate) mod site;
mod table;

use std::collections::BTreeSet;

use bundle_format::template::{ComponentName, Manifest, TemplateName};
use bundle_format::{Digest, ImageRef};
use serde_json::json;

use table::{Edit, edits};

use super::*;
use crate::render::{Namespace, RenderInput, SecretValues, render, secrets_needed};
use crate::target::Capabilities;

/// An application with something of everything that a site may change.
const TEMPLATE: &str = r#"
apiVersion: sealift.dev/v1
kind: Template
metadata: {name: shop, version: "1.0"}
secrets: [{name: db, keys: [password, other]}]
configGroups: [{name: common, items: [{name: TZ, value: UTC}, {name: LANG, value: C}]}]
plugins:
- name: mesh
  image: registry.example/mesh:1
  env: [{name: LEVEL, value: info}]
  config: [{path: /etc/mesh.conf, content: "on\n"}]
externals:
- {name: mail, host: mail.example.org}
- {name: bank, addresses: [192.0.2.1], ports: [{name: https, port: 443}]}
routes:
- {name: main, component: web, port: http, host: shop.example.org, annotations: {example.org/a: "1"}}
streams: [{name: raw, component: db, port: sql, nodePort: 30001}]
manifests: [extra.yaml]
components:
- name: db
  image: registry.example/db:1
  kind: StatefulSet
  ports: [{name: sql, port: 5432}]
  env: [{name: PASSWORD, secret: {name: db, key: password}}]
  connection: [{name: DB_USER, value: shop}]
  volumes: [{name: data, path: /data, size: 1Gi}]
- name: web
  image: registry.example/web:1
  replicas: 2
  dependsOn: [db]
  command: [web]
  args: [--port, "8080"]
  ports: [{name: http, port: 8080}, {name: admin, port: 9090, service: false}]
  env:
  - {name: LEVEL, value: info}
  - {name: EMPTY, value: ""}
  - {name: DB_HOST, service: {component: db}}
  config: [{path: /etc/web.conf, content: "a = 1\n"}, {path: /etc/other.conf, content: ""}]
  volumes: [{name: files, path: /files, size: 1Gi}]
  probes: {readiness: {http: {port: http, path: /ready}}, liveness: {tcp: {port: admin}, periodSeconds: 7}}
  resources: {requests: {cpu: 100m}, limits: {cpu: "1", memory: 1Gi}}
  labels: {tier: front}
  kubernetes: {nodeSelector: {disk: ssd}, annotations: {example.org/note: x}, securityContext: {runAsUser: 1000}}
  plugins: [{name: mesh}]
- name: worker
  image: registry.example/worker:1
  scaling: {min: 1, max: 3}
  plugins: [{name: mesh, env: [{name: MODE, value: a}]}]
"#;

const EXTRA: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: extra}
data: {a: "1", b: "2"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: own, namespace: team}
spec:
  replicas: 1
  selector: {matchLabels: {app: own}}
  template:
    metadata: {labels: {app: own}}
    spec: {containers: [{name: main, image: "registry.example/web:1", env: [{name: A, value: "1"}]}]}
"#;

pub(crate) type Documents = BTreeMap<RelativePath, Vec<u8>>;

fn documents(extra: &str) -> Documents {
    [("extra.yaml".parse().unwrap(), extra.as_bytes().to_vec())].into()
}

fn rendered(template: &Template, documents: &Documents, off: &[&str]) -> Vec<RenderedFile> {
    let off: BTreeSet<ComponentName> = off.iter().map(|name| name.parse().unwrap()).collect();
    with_modules(template, documents, &BTreeSet::new(), &off)
}

fn with_modules(
    template: &Template,
    documents: &Documents,
    enabled: &BTreeSet<ComponentName>,
    off: &BTreeSet<ComponentName>,
) -> Vec<RenderedFile> {
    let image = |image: &ImageRef| format!("site.example/{}@{}", image.mirror_path(), Digest::of(b"image"));
    let secrets: SecretValues = secrets_needed(template)
        .iter()
        .map(|s| (s.name.clone(), s.keys.iter().map(|k| (k.clone(), "hush".to_owned())).collect()))
        .collect();
    let installation: TemplateName = "shop".parse().unwrap();
    let namespace: Namespace = "team".parse().unwrap();
    let input = RenderInput {
        installation: &installation,
        namespace: &namespace,
        image: &image,
        documents,
        secrets: &secrets,
        enabled,
        off,
        capabilities: &Capabilities::assumed(),
        pull_secret: None,
    };
    render(template, &input).unwrap()
}

fn live(files: &[RenderedFile]) -> Live {
    Live { objects: files.iter().flat_map(objects).map(|(id, object)| (id, object.clone())).collect() }
}

fn template() -> Template {
    Template::parse(TEMPLATE.as_bytes()).unwrap()
}

/// The template with values put at places of its JSON; `null` takes them away.
fn edited(edits: &[&Edit]) -> Template {
    let mut json = serde_json::to_value(template()).unwrap();
    for (_, place, value, _, _) in edits {
        let (parent, last) = place.rsplit_once('/').unwrap();
        match (json.pointer_mut(parent).unwrap(), value) {
            (Value::Object(fields), Value::Null) => _ = fields.remove(last).unwrap(),
            (Value::Object(fields), value) => _ = fields.insert(last.to_owned(), value.clone()),
            (Value::Array(items), value) if last == "-" => items.push(value.clone()),
            (Value::Array(items), Value::Null) => _ = items.remove(last.parse().unwrap()),
            (Value::Array(items), value) => items[last.parse::<usize>().unwrap()] = value.clone(),
            _ => unreachable!(),
        }
    }
    serde_json::from_value(json).unwrap()
}

fn expected(edits: &[&Edit]) -> BTreeMap<String, Option<Value>> {
    edits.iter().map(|(_, _, _, path, value)| ((*path).to_owned(), (!value.is_null()).then(|| value.clone()))).collect()
}

fn told(overlay: &Overlay) -> BTreeMap<String, Option<Value>> {
    overlay.values.iter().map(|(path, value)| (path.to_string(), value.clone())).collect()
}

fn find(live: &Live) -> Overlay {
    let documents = documents(EXTRA);
    found(&template(), &documents, &rendered(&template(), &documents, &[]), None, live)
}

#[test]
fn what_was_rendered_is_no_edit() {
    assert_eq!(told(&find(&live(&rendered(&template(), &documents(EXTRA), &[])))), BTreeMap::new());
    assert_eq!(told(&find(&Live::default())), BTreeMap::new(), "what is gone is made again");
}

#[test]
fn each_edit_is_found_by_its_path_and_nothing_else_is() {
    for edit in &edits() {
        let there = live(&rendered(&edited(&[edit]), &documents(EXTRA), &[]));
        assert_eq!(told(&find(&there)), expected(&[edit]), "{}", edit.0);
    }
}

#[test]
fn any_edits_together_are_found_as_they_are() {
    let all = edits();
    let mut state = 0x5eed_u64;
    for round in 0..60 {
        let mut chosen: Vec<&Edit> = Vec::new();
        for edit in &all {
            // A linear congruential generator (Knuth, MMIX): the same edits in every run.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let clashes = chosen.iter().any(|other| other.1.starts_with(edit.1) || edit.1.starts_with(other.1));
            if state >> 62 == 0 && !clashes {
                chosen.push(edit);
            }
        }
        let there = live(&rendered(&edited(&chosen), &documents(EXTRA), &[]));
        assert_eq!(told(&find(&there)), expected(&chosen), "round {round}");
    }
}

#[test]
fn what_an_interrupted_action_wrote_is_no_edit() {
    let documents = documents(EXTRA);
    let (template, all) = (template(), edits());
    let ours = rendered(&template, &documents, &[]);
    let chosen: Vec<&Edit> =
        all.iter().filter(|e| ["web.env.LEVEL", "web.replicas", "route/main.host"].contains(&e.3)).collect();
    let also = rendered(&edited(&chosen), &documents, &[]);
    assert_eq!(told(&found(&template, &documents, &ours, Some(&also), &live(&also))), BTreeMap::new());
    let mut there = live(&also);
    let web = there.objects.iter_mut().find(|(id, _)| id.kind == "Deployment" && id.name == "shop-web").unwrap().1;
    web["spec"]["replicas"] = json!(7);
    let found = found(&template, &documents, &ours, Some(&also), &there);
    assert_eq!(told(&found), [("web.replicas".to_owned(), Some(json!(7)))].into());
}

/// The live objects with a value put at a place of one of them.
fn changed(files: &[RenderedFile], kind: &str, name: &str, place: &str, value: Value) -> Live {
    let mut live = live(files);
    let object = live.objects.iter_mut().find(|(id, _)| id.kind == kind && id.name == name).unwrap().1;
    let (parent, last) = place.rsplit_once('/').unwrap();
    match object.pointer_mut(parent).unwrap() {
        Value::Object(fields) => _ = fields.insert(last.replace("~1", "/"), value),
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => items[last.parse::<usize>().unwrap()] = value,
        _ => unreachable!(),
    }
    live
}

#[test]
fn edits_of_objects_are_attributes_of_the_template() {
    let container = "/spec/template/spec/containers/0";
    let ours = rendered(&template(), &documents(EXTRA), &[]);
    let at = |rest: &str| format!("{container}{rest}");
    for (case, kind, name, place, value, path, expected) in [
        (
            "a connection variable is the dependant's",
            "Deployment",
            "shop-web",
            at("/env/-"),
            json!({"name": "DB_USER2", "value": "x"}),
            "web.env.DB_USER2",
            Some(json!("x")),
        ),
        (
            "a foreign reference is none of ours",
            "Deployment",
            "shop-web",
            at("/env/-"),
            json!({"name": "X", "valueFrom": {"secretKeyRef": {"name": "theirs", "key": "k"}}}),
            "",
            None,
        ),
        (
            "an image is drift",
            "Deployment",
            "shop-web",
            at("/image"),
            json!("nginx:1"),
            "web.image",
            Some(json!("nginx:1")),
        ),
        (
            "a probe by the port's number",
            "Deployment",
            "shop-web",
            at("/livenessProbe/tcpSocket/port"),
            json!(8080),
            "web.probes.liveness",
            Some(json!({"tcp": {"port": "http"}, "periodSeconds": 7})),
        ),
        (
            "headers of a probe",
            "Deployment",
            "shop-web",
            at("/readinessProbe/httpGet/httpHeaders"),
            json!([{"name": "X-Probe", "value": "1"}, {"name": "Host", "value": "a.example"}]),
            "web.probes.readiness",
            Some(
                json!({"http": {"port": "http", "path": "/ready", "scheme": "HTTP", "headers": {"Host": "a.example", "X-Probe": "1"}}}),
            ),
        ),
        (
            "a header that stands twice in a probe",
            "Deployment",
            "shop-web",
            at("/readinessProbe/httpGet/httpHeaders"),
            json!([{"name": "X-Probe", "value": "1"}, {"name": "x-probe", "value": "2"}]),
            "",
            None,
        ),
        (
            "a probe that the template cannot say",
            "Deployment",
            "shop-web",
            at("/livenessProbe"),
            json!({"grpc": {"port": 1}}),
            "",
            None,
        ),
        (
            "a restart",
            "Deployment",
            "shop-web",
            "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt".into(),
            json!("now"),
            "",
            None,
        ),
        (
            "an annotation of pods",
            "Deployment",
            "shop-web",
            "/spec/template/metadata/annotations/example.org~1note".into(),
            json!("y"),
            "web.kubernetes.annotations",
            Some(json!({"example.org/note": "y"})),
        ),
        (
            "an annotation of a route",
            "Ingress",
            "shop-route-main",
            "/metadata/annotations/example.org~1b".into(),
            json!("2"),
            "route/main.annotations",
            Some(json!({"example.org/a": "1", "example.org/b": "2"})),
        ),
        ("replicas that a scaler sets", "Deployment", "shop-worker", "/spec/replicas".into(), json!(3), "", None),
        ("a value of a secret", "Secret", "shop-db", "/data/password".into(), json!("eA=="), "", None),
        (
            "a new item of a group",
            "ConfigMap",
            "shop-group-common",
            "/data/NEW".into(),
            json!("1"),
            "group/common.NEW",
            Some(json!("1")),
        ),
    ] {
        let found = find(&changed(&ours, kind, name, &place, value));
        let expected = expected.map(|value| (path.to_owned(), Some(value))).into_iter().collect::<BTreeMap<_, _>>();
        assert_eq!(told(&found), expected, "{case}");
    }
}

#[test]
fn a_component_that_is_switched_off_has_the_replicas_of_the_template() {
    let documents = documents(EXTRA);
    let mut json = serde_json::to_value(template()).unwrap();
    json["components"][2]["optional"] = json!(true);
    json["components"][2].as_object_mut().unwrap().remove("scaling");
    let template: Template = serde_json::from_value(json).unwrap();
    let ours = rendered(&template, &documents, &["worker"]);
    let there = changed(&ours, "Deployment", "shop-worker", "/spec/replicas", json!(2));
    assert_eq!(told(&found(&template, &documents, &ours, None, &there)), BTreeMap::new());
}

#[test]
fn an_object_of_a_manifest_is_kept_with_the_leaves_that_were_changed() {
    let ours = rendered(&template(), &documents(EXTRA), &[]);
    let original = Manifest::parse(EXTRA.as_bytes()).unwrap().into_objects();
    for from_server in [false, true] {
        let mut there = live(&ours);
        for (id, object) in &mut there.objects {
            if from_server {
                object["metadata"]["uid"] = json!("1");
            }
            match id.name.as_str() {
                "extra" => object["data"] = json!({"a": "changed", "c": "3"}),
                "own" => {
                    object["spec"]["replicas"] = json!(4);
                    object["spec"]["template"]["spec"]["containers"][0]["env"] =
                        json!([{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]);
                    if from_server {
                        object["spec"]["progressDeadlineSeconds"] = json!(600);
                    }
                }
                _ => {}
            }
        }
        let mut map = original[0].clone();
        map["data"] = json!({"a": "changed", "c": "3"});
        let mut own = original[1].clone();
        own["spec"]["replicas"] = json!(4);
        own["spec"]["template"]["spec"]["containers"][0]["env"] =
            json!([{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]);
        let expected =
            [("object/ConfigMap/extra".to_owned(), Some(map)), ("object/Deployment/own@team".to_owned(), Some(own))];
        assert_eq!(told(&find(&there)), expected.into(), "from a server: {from_server}");
    }
}

#[test]
fn the_site_is_heard_where_there_are_charts_alone() {
    let head = "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: {name: shop, version: '1'}\n\
        charts: [{name: one, chart: charts/one}]\n";
    let template = Template::parse(head.as_bytes()).unwrap();
    let chart = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: one, namespace: sealift-release-namespace}\nspec: {replicas: 1}\n";
    let documents: Documents = [("rendered/charts/one.yaml".parse().unwrap(), chart.as_bytes().to_vec())].into();
    let files = rendered(&template, &documents, &[]);
    let mut there = live(&files);
    let (_, one) = there.objects.iter_mut().find(|(id, _)| id.name == "one").unwrap();
    one["spec"]["replicas"] = json!(3);
    let found = told(&found(&template, &documents, &files, None, &there));
    assert_eq!(found["object/Deployment/one"].as_ref().unwrap()["spec"]["replicas"], 3, "{found:?}");
}

#[test]
fn an_object_of_a_manifest_keeps_what_it_is_called() {
    let ours = rendered(&template(), &documents(EXTRA), &[]);
    for metadata in [json!({"name": "own", "namespace": 7}), json!({"labels": {"a": "b"}}), json!("none")] {
        let mut there = live(&ours);
        let (_, own) = there.objects.iter_mut().find(|(id, _)| id.name == "own").unwrap();
        own["metadata"] = metadata.clone();
        let found = told(&find(&there)).remove("object/Deployment/own@team").unwrap().unwrap();
        assert_eq!(found["metadata"]["name"], "own", "{metadata}");
        assert_eq!(found["metadata"]["namespace"], "team", "{metadata}");
    }
}

#[test]
fn a_variable_of_a_manifest_that_comes_from_elsewhere_now_is_kept_whole() {
    let ours = rendered(&template(), &documents(EXTRA), &[]);
    let env = json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]);
    for from_server in [false, true] {
        let mut there = live(&ours);
        let (_, own) = there.objects.iter_mut().find(|(id, _)| id.name == "own").unwrap();
        own["spec"]["template"]["spec"]["containers"][0]["env"] = env.clone();
        if from_server {
            own["metadata"]["uid"] = json!("1");
        }
        let found = told(&find(&there)).remove("object/Deployment/own@team").unwrap().unwrap();
        assert_eq!(found["spec"]["template"]["spec"]["containers"][0]["env"], env, "from a server: {from_server}");
    }
}

/// The shop of the tests, and what an API server of 1.20.2 made of it.
fn served() -> (Template, Documents, Vec<RenderedFile>, Live) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/templates/shop");
    let template = Template::parse(&std::fs::read(folder.join("sealift.yaml")).unwrap()).unwrap();
    let extra: RelativePath = "k8s/extra.yaml".parse().unwrap();
    let documents = [(extra.clone(), std::fs::read(folder.join(extra.as_str())).unwrap())].into();
    let pairs: Vec<Value> =
        serde_json::from_str(include_str!("../../../../../testdata/kubernetes/1.20.2.json")).unwrap();
    let pairs = || pairs.iter().filter(|pair| pair["rendered"]["metadata"]["namespace"] == "team-a");
    let file = |pair: &Value| {
        let object = pair["rendered"].clone();
        let label = object["metadata"]["labels"]["app.kubernetes.io/component"].as_str().map(str::to_owned);
        let name = if object["metadata"]["labels"].is_null() { "90-001-extra.yaml" } else { "50-object.yaml" };
        let file = RenderedFile::new(name.to_owned(), vec![object]).unwrap();
        label.map_or_else(|| file.clone(), |label| file.clone().owned_by(&label.parse().unwrap()))
    };
    let files = pairs().map(file).collect();
    let live = pairs().map(|pair| (ObjectId::of(&pair["live"]).unwrap(), pair["live"].clone()));
    let live = Live { objects: live.collect() };
    (template, documents, files, live)
}

#[test]
fn what_a_server_adds_is_no_edit_and_what_the_site_changes_there_is() {
    let (template, documents, files, mut live) = served();
    assert!(files.len() > 10);
    assert_eq!(told(&found(&template, &documents, &files, None, &live)), BTreeMap::new());
    let mut put = |kind: &str, name: &str, place: &str, value: Value| {
        let object = live.objects.iter_mut().find(|(id, _)| id.kind == kind && id.name == name).unwrap().1;
        *object.pointer_mut(place).unwrap() = value;
    };
    put("Deployment", "shop-web", "/spec/replicas", json!(3));
    put("Deployment", "shop-api", "/spec/template/spec/containers/0/readinessProbe/periodSeconds", json!(20));
    put("ConfigMap", "shop-api-config", "/data/etc_shop_api.toml", json!("x = 1\n"));
    put("PersistentVolumeClaim", "shop-report-reports", "/spec/resources/requests/storage", json!("2Gi"));
    put("Ingress", "shop", "/spec/rules/0/host", json!("other.example"));
    let found = told(&found(&template, &documents, &files, None, &live));
    let mut ingress = Manifest::parse(documents.values().next().unwrap()).unwrap().into_objects().remove(0);
    ingress["spec"]["rules"][0]["host"] = json!("other.example");
    ingress["spec"]["rules"][0]["http"] =
        found["object/Ingress/shop"].clone().unwrap()["spec"]["rules"][0]["http"].clone();
    let expected: BTreeMap<String, Option<Value>> = [
        ("web.replicas", json!(3)),
        ("api.probes.readiness", json!({"http": {"path": "/ready", "port": "http", "scheme": "HTTP"}, "periodSeconds": 20})),
        ("api.config./etc/shop/api.toml", json!("x = 1\n")),
        ("report.volumes.reports",
         json!({"path": "/var/lib/shop/reports", "size": "2Gi", "accessModes": ["ReadWriteMany"], "readOnly": false})),
        ("object/Ingress/shop", ingress),
    ]
    .map(|(path, value)| (path.to_owned(), Some(value)))
    .into();
    assert_eq!(found, expected);
}
