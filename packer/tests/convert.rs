//! Converters: each folder `testdata/convert/SOURCE/NAME` has an input, and what becomes of it. `UPDATE=1` writes that anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bundle_format::Coded as _;
use bundle_format::template::{Manifest, Severity, Template};
use packer::convert::{
    ConvertError, Draft, Naming, Written, from_compose, from_manifests, from_objects, from_rainbond,
};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/convert")
}

fn convert(source: &str, input: &Path) -> Result<Draft, ConvertError> {
    let naming = Naming::default();
    match source {
        "compose" => from_compose(&input.join("compose.yaml"), &naming),
        "manifests" => {
            from_manifests(&[input.to_owned()], &Naming { name: Some("shop".parse().unwrap()), version: None })
        }
        _ => from_rainbond(input, &naming),
    }
}

/// Every file below `dir`, by its path there.
fn files(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            match entry.path().is_dir() {
                true => folders.push(entry.path()),
                false => {
                    let path = entry.path().strip_prefix(dir).unwrap().display().to_string();
                    found.insert(path, String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned());
                }
            }
        }
    }
    found
}

fn notes(written: &Written) -> String {
    let line = |n: &packer::convert::Note| {
        format!("{}: {}: {}\n", n.kind.word(), n.component.as_deref().unwrap_or("-"), n.text)
    };
    written.notes.iter().map(line).collect()
}

#[test]
fn each_input_becomes_the_template_that_is_written_down() {
    for source in ["compose", "manifests", "rainbond"] {
        for case in fs::read_dir(data().join(source)).unwrap().map(|e| e.unwrap().path()) {
            let dir = tempfile::tempdir().unwrap();
            let draft = convert(source, &case.join("input")).unwrap();
            let written = draft.write(dir.path(), &format!("from-{source}"), "input", false).unwrap();
            fs::write(dir.path().join("notes.txt"), notes(&written)).unwrap();
            assert!(written.is_valid(), "{}:\n{}", case.display(), notes(&written));
            let checked = Template::check(&fs::read(&written.template).unwrap());
            assert!(
                !checked.problems.iter().any(|p| p.severity == Severity::Error),
                "{}: {:?}",
                case.display(),
                checked.problems
            );
            assert_eq!(
                checked.template.unwrap(),
                draft.template,
                "{}: what is written is what was converted",
                case.display()
            );
            for manifest in &draft.template.manifests {
                Manifest::parse(&fs::read(dir.path().join(manifest.as_str())).unwrap()).unwrap();
            }
            let (now, expected) = (files(dir.path()), case.join("expected"));
            if std::env::var_os("UPDATE").is_some() {
                let _ = fs::remove_dir_all(&expected);
                for path in now.keys() {
                    fs::create_dir_all(expected.join(path).parent().unwrap()).unwrap();
                    fs::copy(dir.path().join(path), expected.join(path)).unwrap();
                }
            }
            for (path, text) in files(&expected) {
                assert_eq!(now.get(&path), Some(&text), "{}: {path} is stale: run with UPDATE=1", case.display());
            }
            assert_eq!(now.len(), files(&expected).len(), "{}", case.display());
        }
    }
}

#[test]
fn no_secret_of_the_input_is_in_what_is_written() {
    for (source, case) in [("compose", "shop"), ("manifests", "shop"), ("rainbond", "mall")] {
        let dir = tempfile::tempdir().unwrap();
        let draft = convert(source, &data().join(source).join(case).join("input")).unwrap();
        draft.write(dir.path(), "from", "input", false).unwrap();
        for (path, text) in files(dir.path()) {
            for secret in ["never-carried", "bmV2ZXItY2FycmllZA==", "s3cr3t!word"] {
                assert!(!text.contains(secret), "{source}: {path} has {secret}");
            }
        }
    }
}

#[test]
fn nothing_is_overwritten_unless_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let draft = convert("compose", &data().join("compose/shop/input")).unwrap();
    fs::create_dir_all(dir.path().join("config/web")).unwrap();
    let first = draft.write(dir.path(), "from-compose", "input", false).unwrap();
    fs::write(&first.template, "mine").unwrap();
    let refused = draft.write(dir.path(), "from-compose", "input", false).unwrap_err();
    assert_eq!(refused.code().text(), "E-EXISTS");
    assert_eq!(fs::read_to_string(&first.template).unwrap(), "mine");
    draft.write(dir.path(), "from-compose", "input", true).unwrap();
    assert_ne!(fs::read_to_string(&first.template).unwrap(), "mine");
}

#[test]
fn a_link_in_the_output_leads_nowhere_else() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("k8s")).unwrap();
    let draft = convert("manifests", &data().join("manifests/shop/input")).unwrap();
    assert!(matches!(draft.write(dir.path(), "from", "input", true), Err(ConvertError::Write { .. })));
    assert_eq!(files(elsewhere.path()).len(), 0);
}

/// Writes a compose file, with `secret.txt` beside its folder, and converts it.
fn compose(text: &str) -> Result<(Draft, Template), ConvertError> {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("app");
    fs::create_dir(&folder).unwrap();
    fs::write(dir.path().join("secret.txt"), "outside").unwrap();
    std::os::unix::fs::symlink(dir.path().join("secret.txt"), folder.join("link.txt")).unwrap();
    fs::write(folder.join("compose.yaml"), text).unwrap();
    let draft = from_compose(&folder.join("compose.yaml"), &Naming::default())?;
    let (yaml, _) = draft.yaml("from-compose", "compose.yaml").unwrap();
    let template = Template::check(yaml.as_bytes()).template.unwrap();
    Ok((draft, template))
}

#[test]
fn a_compose_file_reads_nothing_outside_of_its_folder() {
    let (draft, template) = compose(
        "services:\n  a:\n    image: a:1\n    env_file: ../secret.txt\n    configs: [c]\n    volumes:\n      - ../secret.txt:/x\n      - ./link.txt:/y\n      - /etc/passwd:/z\nconfigs: {c: {file: ../secret.txt}}\n",
    )
    .unwrap();
    assert_eq!(template.components[0].config, []);
    assert_eq!(template.components[0].env, []);
    assert_eq!(
        draft.notes.iter().filter(|n| n.kind == packer::convert::NoteKind::Left).count(),
        5,
        "{:#?}",
        draft.notes
    );
}

#[test]
fn hostile_compose_files_are_refused_or_tamed() {
    let bomb = format!(
        "x0: &x0 [a,a,a,a,a,a,a,a,a,a]\n{}services: {{a: {{image: 'a:1', command: *x9}}}}\n",
        (1..10).map(|i| format!("x{i}: &x{i} [{}]\n", vec![format!("*x{}", i - 1); 10].join(","))).collect::<String>()
    );
    let deep = format!("services: {}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let many = format!("services:\n{}", (0..501).map(|i| format!("  s{i}: {{image: 'a:1'}}\n")).collect::<String>());
    let cyclic = "services: &a {x: *a}\n".to_owned();
    for text in [
        bomb,
        deep,
        many,
        cyclic,
        "[]".into(),
        "services: 3".into(),
        "services: {a: {image: 'a b'}}".into(),
        "\u{0}".into(),
    ] {
        assert!(compose(&text).is_err(), "{}", &text[..text.len().min(80)]);
    }
    let (_, template) = compose(
        "services:\n  '../../../etc': {image: 'a:1', ports: ['1-65535:1-65535', 99999, '80:0'], expose: [-1], volumes: ['x:/a/../../b', ':', '/'], environment: {'A B': 1, 'X': \"\\e[2J\"}}\n  '商': {image: 'a:1'}\n",
    )
    .unwrap();
    let names: Vec<&str> = template.components.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["etc", "component"]);
    assert!(template.components[0].ports.is_empty() && template.components[0].volumes.is_empty());
}

#[test]
fn an_archive_of_rainbond_is_read_without_obeying_its_names() {
    let dir = tempfile::tempdir().unwrap();
    let metadata = fs::read(data().join("rainbond/mall/input/metadata.json")).unwrap();
    let archive = dir.path().join("mall-2.1-ram.tar.gz");
    let gzip = flate2::write::GzEncoder::new(fs::File::create(&archive).unwrap(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    let mut add = |name: &str, content: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        // The library refuses to write such names itself.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, content).unwrap();
    };
    add("../../escaped", b"no");
    add("/tmp/escaped", b"no");
    add("mall-2.1-ram/component-images.tar", b"layers");
    add("mall-2.1-ram/metadata.json", &metadata);
    tar.into_inner().unwrap().finish().unwrap();
    let output = dir.path().join("out");
    let draft = from_rainbond(&archive, &Naming::default()).unwrap();
    let written = draft.write(&output, "from-rainbond", "archive", false).unwrap();
    assert_eq!(fs::read(output.join("images/component-images.tar")).unwrap(), b"layers");
    let image = &draft.template.components[0].image;
    assert_eq!(draft.template.image_source(image).unwrap().to_string(), "docker-archive:images/component-images.tar");
    assert!(written.is_valid(), "{}", notes(&written));
    assert!(!dir.path().join("escaped").exists() && !dir.path().parent().unwrap().join("escaped").exists());
}

#[test]
fn what_is_no_export_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in [("empty", &b""[..]), ("text", b"hello"), ("gzip", b"\x1f\x8b\x08nonsense")] {
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        assert!(from_rainbond(&path, &Naming::default()).is_err(), "{name}");
    }
    for text in ["[]", "{}", r#"{"apps": []}"#, &format!("{}1{}", "[".repeat(200), "]".repeat(200))] {
        fs::write(dir.path().join("metadata.json"), text).unwrap();
        assert!(from_rainbond(dir.path(), &Naming::default()).is_err(), "{text}");
    }
}

#[test]
fn what_controllers_made_in_a_namespace_is_left_out() {
    let object = |kind: &str, name: &str, more: serde_json::Value| {
        let mut object =
            serde_json::json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "team-a"}});
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    let none = serde_json::json!({});
    let objects = vec![
        object("ConfigMap", "kube-root-ca.crt", none.clone()),
        object("Secret", "default-token-x", serde_json::json!({"type": "kubernetes.io/service-account-token"})),
        object("Secret", "sh.helm.release.v1.web.v1", serde_json::json!({"type": "helm.sh/release.v1"})),
        object("Secret", "sealift.shop.v3", serde_json::json!({"type": "sealift.dev/record.v1"})),
        object("Lease", "sealift.shop", none.clone()),
        object("ReplicaSet", "web-1", none.clone()),
        object("ServiceAccount", "default", none.clone()),
        object(
            "Endpoints",
            "web",
            serde_json::json!({"metadata": {"name": "web", "ownerReferences": [{"kind": "Service"}]}}),
        ),
        object("Role", "reader", serde_json::json!({"rules": []})),
        object("PersistentVolumeClaim", "data-db-0", none.clone()),
        object("PersistentVolumeClaim", "data-db-12", none.clone()),
        object("PersistentVolumeClaim", "data-db-old", none.clone()),
        object(
            "StatefulSet",
            "db",
            serde_json::json!({"apiVersion": "apps/v1", "spec": {
                "selector": {"matchLabels": {"a": "db"}},
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {
                    "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}],
                "template": {"metadata": {"labels": {"a": "db"}}, "spec": {"containers": [
                    {"name": "db", "image": "r.example/db:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}},
            }}),
        ),
    ];
    let draft = from_objects(objects, &Naming::default()).unwrap();
    assert_eq!(draft.template.metadata.name.as_str(), "team-a");
    let kept: Vec<&str> = draft.template.manifests.iter().map(|m| m.as_str()).collect();
    assert_eq!(kept, ["k8s/role-reader.yaml", "k8s/persistentvolumeclaim-data-db-old.yaml"]);
    assert_eq!(draft.template.components[0].volumes.len(), 1);
}

#[test]
fn what_a_rainbond_export_says_of_things_elsewhere_reaches_who_depends_on_them_or_is_noted() {
    let metadata = serde_json::json!({
        "group_name": "shop", "group_version": "1.0",
        "apps": [
            {
                "service_key": "db", "service_share_uuid": "db+1", "k8s_component_name": "db", "service_source": "third_party",
                "endpoints": {"endpoints_info": "[\"db.corp.example:3306\", \"spare.corp.example:3306\"]"},
                "port_map_list": [{"container_port": 3306, "protocol": "mysql"}],
                "probes": [{"mode": "readiness", "port": 3306}],
                "service_connect_info_map_list": [
                    {"attr_name": "MYSQL_HOST", "attr_value": "127.0.0.1", "container_port": 3306},
                    {"attr_name": "MYSQL_PORT", "attr_value": "3306", "container_port": 3306},
                    {"attr_name": "MYSQL_USER", "attr_value": "shop"},
                    {"attr_name": "MYSQL_PASSWORD", "attr_value": "**None**"},
                ],
            },
            {
                "service_key": "web", "service_share_uuid": "web+2", "k8s_component_name": "web", "share_image": "r.example/web:1",
                "service_env_map_list": [{"attr_name": "MYSQL_USER", "attr_value": "own"}],
                "dep_service_map_list": [{"dep_service_key": "db+1"}],
                "service_related_plugin_config": [
                    {"plugin_key": "on", "plugin_status": true, "memory_required": 64},
                    {"plugin_key": "off", "plugin_status": false},
                ],
            },
        ],
        "plugins": [
            {"plugin_key": "on", "plugin_name": "on", "share_image": "r.example/on:1"},
            {"plugin_key": "off", "plugin_name": "off", "share_image": "r.example/off:1"},
        ],
        "ingress_stream_routes": [{"component_key": "gone", "port": 1}],
    });
    let (dir, output) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(dir.path().join("metadata.json"), metadata.to_string()).unwrap();
    let draft = from_rainbond(dir.path(), &Naming::default()).unwrap();
    let written = draft.write(&output.path().join("t"), "from-rainbond", "shop", false).unwrap();
    let template = Template::parse(&fs::read(output.path().join("t/sealift.yaml")).unwrap()).unwrap();
    let web = template.components.iter().find(|c| c.name.as_str() == "web").unwrap();
    let said = |name: &str| {
        let env = web.env.iter().find(|e| e.name.as_str() == name).unwrap();
        match (&env.value, &env.secret, &env.service) {
            (Some(value), ..) => value.clone(),
            (_, Some(secret), _) => format!("secret {}", secret.name),
            (.., service) => format!("service {}", service.as_ref().unwrap().component),
        }
    };
    let found = ["MYSQL_HOST", "MYSQL_PORT", "MYSQL_USER", "MYSQL_PASSWORD"].map(said);
    assert_eq!(found, ["service db", "3306", "own", "secret db"]);
    assert_eq!(web.plugins.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["on"]);
    let notes = notes(&written);
    for note in [
        "of the addresses of db all but db.corp.example",
        "the probes of db",
        "the plugin off, which is switched off there",
        "the plugin `on` had 64 MB",
        "a stream: its component or port is not here",
    ] {
        assert!(notes.contains(note), "{note}: {notes}");
    }
}
