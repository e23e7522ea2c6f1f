mod laws;
mod objects;
mod rows;
mod spec;
mod versions;
mod wishes;

use std::collections::BTreeMap;

use bundle_format::template::{RelativePath, Template};

use super::*;

/// How many cases laws are tried with: 40, or what `PROPTEST_CASES` says.
pub(crate) fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40)
}

pub const TEMPLATE: &str = r#"
apiVersion: sealift.dev/v1
kind: Template
metadata: {name: shop, version: "1"}
secrets: [{name: db, keys: [password]}]
components:
  - name: web
    image: registry.example/web:1
    dependsOn: [db]
    command: [run]
    ports: [{name: http, port: 80}]
    env:
      - {name: LOG_LEVEL, value: info}
      - {name: PASSWORD, secret: {name: db, key: password}}
      - {name: URL, value: "x$(PASSWORD)"}
    config:
      - {path: /etc/app.conf, content: "a = 1\n"}
      - {path: /etc/logo.bin, file: logo.bin, executable: true}
    volumes: [{name: data, path: /data, size: 10Gi}]
    probes: {readiness: {http: {port: http, path: /}}}
    resources: {requests: {cpu: "0.5"}, limits: {memory: 1Gi}}
    scaling: {min: 1, max: 3}
    labels: {tier: front}
    kubernetes: {nodeSelector: {disk: fast}}
    plugins: [{name: mesh, env: [{name: LEVEL, value: a}]}]
    monitors: [{name: app, port: http}]
    graphs: [{title: load, query: up}]
  - name: db
    image: registry.example/db:1
    kind: StatefulSet
    ports: [{name: sql, port: 5432}]
    connection: [{name: DB_NAME, value: shop}]
    optional: true
plugins: [{name: mesh, image: "registry.example/mesh:1", env: [{name: LEVEL, value: b}], config: [{path: /m, content: m}]}]
configGroups: [{name: common, items: [{name: TZ, value: UTC}], components: [web]}]
routes: [{name: main, component: web, port: http, host: shop.example}]
streams: [{name: sql, component: db, port: sql}]
externals: [{name: mail, host: mail.example, ports: [{name: smtp, port: 25}]}]
charts: [{name: extra, chart: charts/extra, adjustable: {replicas: 1, main.level: '1', debug: false}}]
manifests: [k8s/more.yaml]
"#;

pub fn documents() -> BTreeMap<RelativePath, Vec<u8>> {
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\ndata: {a: '1', b: '2'}\n---\n\
        apiVersion: v1\nkind: Secret\nmetadata: {name: more, namespace: other}\n";
    let chart = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: extra}\nspec: {replicas: 1, template: \
        {spec: {containers: [{name: a, image: 'x:1', env: [{name: A, value: '1'}]}, {name: b, image: 'y:1'}]}}}\n";
    let places = r#"{"places": [
        {"object": 0, "at": "/spec/replicas", "fill": {"value": "replicas"}},
        {"object": 0, "at": "/spec/template/spec/containers/0/env/0/value", "fill": {"text": [{"value": "main.level"}]}}]}"#;
    [
        ("k8s/more.yaml", manifest.as_bytes()),
        ("rendered/charts/extra.yaml", chart.as_bytes()),
        ("rendered/charts/extra.places.json", places.as_bytes()),
        ("logo.bin", &[0xff, 0]),
    ]
    .into_iter()
    .map(|(path, bytes)| (path.parse().unwrap(), bytes.to_vec()))
    .collect()
}

pub fn template() -> Template {
    Template::parse(TEMPLATE.as_bytes()).unwrap()
}

pub fn vendor() -> Attributes {
    Attributes::of(&template(), &documents()).unwrap()
}

pub fn path(text: &str) -> AttributePath {
    text.parse().unwrap()
}
