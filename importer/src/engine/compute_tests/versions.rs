//! Versions of the application in `testdata/cloud`, as its `versions.py` makes them, and with a little more.

use std::sync::LazyLock;

use bundle_format::Digest;
use bundle_format::template::Template;

use super::*;
use crate::plan::found::tests::Documents;
use crate::plan::found::tests::site::{Choice, choices, read_text};

/// More of the first version: modules with a claim and on every node, a job, something elsewhere, a plugin.
const MORE: &str = r#"  - name: files
    image: registry.example/cloud/front:1.0.0
    optional: true
    replicas: 2
    ports: [{ name: http, port: 8080 }]
    config: [{ path: /etc/files.conf, content: "a = 1\n" }]
    volumes: [{ name: store, path: /store, size: 1Gi }]
  - name: agent
    image: registry.example/cloud/front:1.0.0
    kind: DaemonSet
    optional: true
    kubernetes: { nodeSelector: { disk: ssd } }
  - name: nightly
    image: registry.example/cloud/front:1.0.0
    kind: CronJob
    optional: true
    schedule: "1 2 * * *"
  - name: migrate
    image: registry.example/cloud/db:1.0.0
    kind: Job
    dependsOn: [db]
    args: [migrate, "1"]
  - name: legacy
    image: registry.example/cloud/front:1.0.0
    dependsOn: [db]
    ports: [{ name: http, port: 8080 }]
    config: [{ path: /etc/legacy.conf, content: "a = 1\n" }]
    volumes: [{ name: old, path: /old, size: 1Gi }]
    plugins: [{ name: mesh, env: [{ name: MODE, value: a }] }]
streams: [{ name: sql, component: db, port: sql, nodePort: 30001 }]
externals: [{ name: mail, host: mail.example, ports: [{ name: smtp, port: 25 }] }, { name: bank, addresses: [192.0.2.1], ports: [{ name: https, port: 443 }] }]
plugins:
  - { name: mesh, image: registry.example/cloud/cache:1.0.0, env: [{ name: LEVEL, value: info }], config: [{ path: /m, content: m }] }
"#;

/// Versions 1, 2 and 3. The third has neither `legacy` nor what belongs to it.
pub static VERSIONS: LazyLock<Vec<Version>> = LazyLock::new(|| {
    let (text, documents) = read_text("cloud/v1");
    let first = replace(&text, "# more components\n", MORE);
    let second = [
        ("version: \"1.0.0\"", "version: \"2.0.0\""),
        ("catalog:1.0.0", "catalog:2.0.0"),
        ("orders:1.0.0", "orders:2.0.0"),
        ("{ name: LOG_LEVEL, value: \"info\" }", "{ name: LOG_LEVEL, value: \"warn\" }"),
        ("- { name: OLD_SWITCH, value: \"on\" }", "- { name: NEW_SWITCH, value: \"on\" }"),
        ("replicas: 2 # gateway", "replicas: 3 # gateway"),
        ("[migrate, \"1\"]", "[migrate, \"2\"]"),
        ("size: 1Gi }]\n  - name: agent", "size: 2Gi }]\n  - name: agent"),
        ("disk: ssd", "disk: nvme"),
        ("host: mail.example", "host: mail2.example"),
        ("min: 1, max: 4, cpu: 75", "min: 1, max: 5, cpu: 70, step: 1"),
        ("value: \"EUR\" }", "value: \"USD\" }\n      - { name: REGION, value: \"eu\" }"),
        ("path: /api, readTimeoutSeconds: 60", "path: /api, readTimeoutSeconds: 90"),
        ("{ name: LEVEL, value: info }", "{ name: LEVEL, value: warn }"),
    ];
    let mut second = second.iter().fold(first.clone(), |text, (old, new)| replace(&text, old, new));
    second = replace(
        &second,
        "\n  - name: legacy\n",
        concat!(
            "\n  - name: payments\n    image: registry.example/cloud/payments:2.0.0\n    dependsOn: [auth]\n",
            "    ports: [{ name: http, port: 8080 }]\n  - name: legacy\n"
        ),
    );
    let mut newer = documents.clone();
    for (path, old, new) in [
        ("config/gateway.conf", "timeout = 10", "timeout = 30"),
        ("k8s/notice.yaml", "first edition", "second edition"),
    ] {
        let document = newer.get_mut(&path.parse().unwrap()).unwrap();
        *document = replace(std::str::from_utf8(document).unwrap(), old, new).into_bytes();
    }
    let mut third = serde_json::to_value(Template::parse(second.as_bytes()).unwrap()).unwrap();
    third["metadata"]["version"] = "3.0.0".into();
    third["components"].as_array_mut().unwrap().retain(|c| c["name"] != "legacy");
    third["plugins"] = serde_json::json!([]);
    let third: Template = serde_json::from_value(third).unwrap();
    let parse = |text: &str| Template::parse(text.as_bytes()).unwrap();
    vec![version(parse(&first), documents), version(parse(&second), newer.clone()), version(third, newer)]
});

/// What the site may change of the first version while `MODULES` are on. But for what a server chooses by itself, and for commands,
/// replicas and the node's network where the vendor says none: an apply takes nothing away that was not applied.
pub static CHOICES: LazyLock<Vec<Choice>> = LazyLock::new(|| {
    let enabled = MODULES.iter().map(|name| name.parse().unwrap()).collect();
    let mut all = choices(&VERSIONS[0].template, &VERSIONS[0].documents, &enabled);
    let vendor = Attributes::of(&VERSIONS[0].template, &VERSIONS[0].documents).unwrap();
    all.retain(|(path, _)| {
        let component = VERSIONS[0].template.components.iter().find(|c| c.name.as_str() == path.scope());
        match path.field() {
            "command" | "args" | "class" | "nodePort" => vendor.get(path).is_some(),
            "kubernetes" => path.key() != Some("hostNetwork"),
            "replicas" => component.is_some_and(|c| c.replicas.is_some()),
            _ => true,
        }
    });
    all
});

/// Every module.
pub const MODULES: [&str; 4] = ["search", "files", "agent", "nightly"];

fn replace(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old}");
    text.replace(old, new)
}

pub fn version(template: Template, documents: Documents) -> Version {
    Version {
        version: template.metadata.version.clone(),
        revision: 1,
        digest: Digest::of(template.metadata.version.as_str().as_bytes()),
        completes: Vec::new(),
        ahead: BTreeMap::new(),
        template,
        documents,
        images: BTreeMap::new(),
    }
}
