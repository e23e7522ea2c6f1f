//! Templates as Kubernetes objects.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bundle_format::template::{ComponentName, ConfigFile, RelativePath, Template, TemplateName};
use bundle_format::{Digest, ImageRef};
use importer::render::{Namespace, RenderError, RenderInput, RenderedFile, SecretValues, render, secrets_needed};
use serde_json::Value;

fn shop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/templates/shop")
}

/// What a site adds, with the simplest values.
struct Site {
    installation: TemplateName,
    namespace: Namespace,
    documents: BTreeMap<RelativePath, Vec<u8>>,
    secrets: SecretValues,
    enabled: BTreeSet<ComponentName>,
}

fn image(image: &ImageRef) -> String {
    format!("site.example/{}@{}", image.mirror_path(), Digest::of(image.to_string().as_bytes()))
}

impl Site {
    fn of(template: &Template) -> Self {
        let value = |name: &str, key: &str| format!("value-of-{name}-{key}");
        let secrets = secrets_needed(template).iter().map(|s| {
            (s.name.clone(), s.keys.iter().map(|k| (k.clone(), value(s.name.as_str(), k.as_str()))).collect())
        });
        Self {
            installation: template.metadata.name.clone(),
            namespace: "team-a".parse().unwrap(),
            documents: BTreeMap::new(),
            secrets: secrets.collect(),
            enabled: BTreeSet::new(),
        }
    }

    fn document(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.documents.insert(path.parse().unwrap(), content.into());
        self
    }

    fn enable(mut self, component: &str) -> Self {
        self.enabled.insert(component.parse().unwrap());
        self
    }

    fn render(&self, template: &Template) -> Result<Vec<RenderedFile>, RenderError> {
        let Self { installation, namespace, documents, secrets, enabled } = self;
        render(template, &RenderInput { installation, namespace, image: &image, documents, secrets, enabled })
    }
}

fn template(body: &str) -> Template {
    let head = "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: {name: t, version: '1'}\n";
    Template::parse(format!("{head}{body}").as_bytes()).unwrap_or_else(|e| panic!("{e}"))
}

fn rendered(body: &str) -> Vec<RenderedFile> {
    let template = template(body);
    Site::of(&template).render(&template).unwrap()
}

fn names(files: &[RenderedFile]) -> Vec<&str> {
    files.iter().map(RenderedFile::name).collect()
}

/// The only object of the file whose name ends with `end`.
fn object<'a>(files: &'a [RenderedFile], end: &str) -> &'a Value {
    let found: Vec<_> = files.iter().filter(|f| f.name().ends_with(end)).collect();
    assert_eq!(found.len(), 1, "{end} in {:?}", names(files));
    &found[0].objects()[0]
}

fn rendered_shop() -> Vec<RenderedFile> {
    let template = Template::parse(&fs::read(shop().join("sealift.yaml")).unwrap()).unwrap();
    let mut site = Site::of(&template).enable("report");
    for path in template.documents() {
        site.documents.insert(path.clone(), fs::read(shop().join(path.as_str())).unwrap());
    }
    site.render(&template).unwrap()
}

#[test]
fn the_shop_renders_as_committed() {
    let expected = shop().join("expected");
    let files = rendered_shop();
    if std::env::var_os("UPDATE").is_some() {
        let _ = fs::remove_dir_all(&expected);
        fs::create_dir(&expected).unwrap();
        for file in &files {
            fs::write(expected.join(file.name()), file.content()).unwrap();
        }
    }
    let mut committed: Vec<_> =
        fs::read_dir(&expected).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    committed.sort();
    assert_eq!(names(&files), committed, "UPDATE=1 renews them");
    for file in &files {
        let committed = fs::read_to_string(expected.join(file.name())).unwrap();
        assert!(
            committed == file.content(),
            "{} is stale; UPDATE=1 renews it. Found:\n{}",
            file.name(),
            file.content()
        );
    }
}

/// Reads `object` as a `T` and writes it again: what is lost was no field of `T`.
fn through<T: serde::de::DeserializeOwned + serde::Serialize>(object: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(object.clone()).unwrap()).unwrap()
}

#[test]
fn every_object_of_the_shop_is_what_its_kind_says() {
    use k8s_openapi::api::{apps::v1 as apps, batch::v1 as batch, core::v1 as core, networking::v1 as networking};
    for file in rendered_shop() {
        for object in file.objects() {
            let again = match object["kind"].as_str().unwrap() {
                "Namespace" => through::<core::Namespace>(object),
                "Secret" => through::<core::Secret>(object),
                "ConfigMap" => through::<core::ConfigMap>(object),
                "PersistentVolumeClaim" => through::<core::PersistentVolumeClaim>(object),
                "Service" => through::<core::Service>(object),
                "Deployment" => through::<apps::Deployment>(object),
                "StatefulSet" => through::<apps::StatefulSet>(object),
                "Job" => through::<batch::Job>(object),
                "CronJob" => through::<batch::CronJob>(object),
                "Ingress" => through::<networking::Ingress>(object),
                other => panic!("{other} in {}", file.name()),
            };
            assert_eq!(&again, object, "{}", file.name());
        }
    }
}

/// The JSON that kubectl reads from `dir`, with the label that had to be added for it to print; None without kubectl.
fn read_by_kubectl(dir: &Path) -> Option<Vec<Value>> {
    let mut command = Command::new("kubectl");
    command.args(["label", "--local", "-o", "json", "--overwrite", "added=1", "-f"]).arg(dir);
    let output = match command.env("KUBECONFIG", "/dev/null").output() {
        Ok(output) => output,
        Err(e) if std::env::var_os("CI").is_some() => panic!("kubectl: {e}"),
        Err(e) => {
            eprintln!("skipped: kubectl: {e}");
            return None;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    Some(objects.map(Result::unwrap).collect())
}

fn without_added_label(mut object: Value) -> Value {
    let metadata = object["metadata"].as_object_mut().unwrap();
    let labels = metadata["labels"].as_object_mut().unwrap();
    labels.remove("added");
    if labels.is_empty() {
        metadata.remove("labels");
    }
    object
}

fn assert_kubectl_reads(files: &[RenderedFile]) {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        fs::write(dir.path().join(file.name()), file.content()).unwrap();
    }
    let Some(read) = read_by_kubectl(dir.path()) else { return };
    let read: Vec<Value> = read.into_iter().map(without_added_label).collect();
    let meant: Vec<&Value> = files.iter().flat_map(RenderedFile::objects).collect();
    assert_eq!(read.iter().collect::<Vec<_>>(), meant);
}

#[test]
fn kubectl_reads_the_shop_as_it_is_meant() {
    assert_kubectl_reads(&rendered_shop());
}

#[test]
fn every_text_survives_two_readers_of_yaml() {
    let texts = [
        "",
        " ",
        "yes",
        "on",
        "0644",
        "0x10",
        "1_000",
        "12:30:45",
        "1e3",
        ".inf",
        "null",
        "~",
        "2026-01-31",
        "- a",
        "a: b",
        "# no comment",
        "'\"'",
        "\\",
        "---",
        "--- a\n...\n",
        "%YAML",
        "a\nb",
        "a\nb\n",
        "a\n\n\n",
        "\n",
        "\n\na",
        "  a\n b",
        "a  \nb\t\n",
        "\ta",
        "a\r\nb\r\n",
        "\r",
        "\u{1}\u{7f}",
        "\u{85}\u{2028}\u{feff}",
        "😀é",
        "@a",
        "`a`",
        "{{ x }}",
        "a #b",
        "a:\n  - b",
        "=",
        "<<",
        "!tag",
        "&a",
        "*a",
        "?",
        "|",
        ">",
        "y",
        "n",
        "NO",
        "1.0",
        "+1",
        "0o7",
        "0b1",
    ];
    let long = format!("{} {}", "word ".repeat(100), "x".repeat(5000));
    let all: BTreeMap<String, String> =
        texts.iter().map(|t| (*t).to_owned()).chain([long]).enumerate().map(|(i, t)| (format!("k{i}"), t)).collect();
    let mut template = template("components: [{name: c, image: 'nginx:1', config: [{path: /k, content: ''}]}]\n");
    let component = &mut template.components[0];
    component.args = all.values().cloned().collect();
    let file = component.config.remove(0);
    let with = |(key, text): (&String, &String)| ConfigFile {
        path: format!("/{key}").parse().unwrap(),
        content: Some(text.clone()),
        ..file.clone()
    };
    component.config = all.iter().map(with).collect();
    let files = Site::of(&template).render(&template).unwrap();
    assert_eq!(object(&files, "configmap-c.yaml")["data"], serde_json::json!(all));
    for file in &files {
        let read: Value = serde_saphyr::from_str(file.content()).unwrap();
        assert_eq!(&read, &file.objects()[0], "{}", file.name());
    }
    assert_kubectl_reads(&files);
}

#[test]
fn workloads_are_numbered_in_the_order_of_their_dependencies() {
    let files = rendered(
        "components:
  - {name: web, image: 'nginx:1', dependsOn: [api]}
  - {name: api, image: 'nginx:1', dependsOn: [job, db]}
  - {name: db, image: 'nginx:1', kind: StatefulSet}
  - {name: job, image: 'nginx:1', kind: Job, dependsOn: [db]}
  - {name: agent, image: 'nginx:1', kind: DaemonSet}
",
    );
    assert_eq!(
        names(&files),
        [
            "00-namespace.yaml",
            "40-service-db-headless.yaml",
            "50-001-statefulset-db.yaml",
            "50-002-job-job.yaml",
            "50-003-deployment-api.yaml",
            "50-004-deployment-web.yaml",
            "50-005-daemonset-agent.yaml",
        ]
    );
}

#[test]
fn a_new_version_alone_changes_no_pod_no_selector_and_no_claim() {
    let body = "components:
  - {name: a, image: 'nginx:1', volumes: [{name: v, path: /v, size: 1Gi}]}
  - {name: b, image: 'nginx:1', kind: StatefulSet, volumes: [{name: v, path: /v, size: 1Gi}]}
  - {name: c, image: 'nginx:1', kind: Job}
";
    let one = template(body);
    let mut two = one.clone();
    two.metadata.version = "2".parse().unwrap();
    let (one, two) = (Site::of(&one).render(&one).unwrap(), Site::of(&two).render(&two).unwrap());
    for (one, two) in one.iter().zip(&two).skip(1) {
        let (one, two) = (&one.objects()[0], &two.objects()[0]);
        assert_ne!(one["metadata"]["labels"], two["metadata"]["labels"]);
        assert_eq!(one["metadata"]["name"], two["metadata"]["name"]);
        assert_eq!(one["spec"], two["spec"]);
    }
}

#[test]
fn a_job_is_another_one_exactly_when_what_it_does_changed() {
    let name = |body: &str| object(&rendered(body), "job-j.yaml")["metadata"]["name"].as_str().unwrap().to_owned();
    let job = |rest: &str| format!("components: [{{name: j, kind: Job, {rest}}}]\n");
    let first = name(&job("image: 'nginx:1'"));
    assert!(first.starts_with("t-j-") && first.len() == "t-j-".len() + 8);
    assert_eq!(first, name(&job("image: 'docker.io/library/nginx:1', optional: false")));
    let config = |content: &str| job(&format!("image: 'nginx:1', config: [{{path: /c, content: {content}}}]"));
    assert_ne!(name(&config("a")), name(&config("b")), "a file's content is part of what it does");
    for other in ["image: 'nginx:2'", "image: 'nginx:1', args: [x]", "image: 'nginx:1', env: [{name: A, value: b}]"] {
        assert_ne!(first, name(&job(other)), "{other}");
    }
}

#[test]
fn what_is_switched_off_is_left_out_and_so_are_variables_that_name_it() {
    let template = template(
        "components:
  - name: web
    image: 'nginx:1'
    dependsOn: [search]
    env: [{name: HOST, service: {component: search}}, {name: ADDRESS, service: {component: search, port: http}}, {name: A, value: b}]
  - {name: search, image: 'nginx:1', optional: true, ports: [{name: http, port: 8080, servicePort: 80}]}
",
    );
    let env = |files: &[RenderedFile]| {
        object(files, "deployment-web.yaml")["spec"]["template"]["spec"]["containers"][0]["env"].clone()
    };
    let off = Site::of(&template).render(&template).unwrap();
    assert_eq!(names(&off), ["00-namespace.yaml", "50-001-deployment-web.yaml"]);
    assert_eq!(env(&off), serde_json::json!([{"name": "A", "value": "b"}]));
    let on = Site::of(&template).enable("search").render(&template).unwrap();
    assert_eq!(
        env(&on),
        serde_json::json!([
            {"name": "HOST", "value": "t-search"},
            {"name": "ADDRESS", "value": "t-search:80"},
            {"name": "A", "value": "b"},
        ])
    );
}

#[test]
fn binary_and_executable_files_are_mounted_as_such() {
    let template = template(
        "components: [{name: c, image: 'nginx:1', config: [{path: /a.png, file: a.png}, {path: /bin/x, content: x, executable: true}]}]\n",
    );
    let files = Site::of(&template).document("a.png", b"\x89PNG\0").render(&template).unwrap();
    let map = object(&files, "configmap-c.yaml");
    assert_eq!((&map["binaryData"]["a.png"], &map["data"]["bin_x"]), (&"iVBORwA=".into(), &"x".into()));
    let volume = &object(&files, "deployment-c.yaml")["spec"]["template"]["spec"]["volumes"][0];
    assert_eq!(
        volume["configMap"]["items"],
        serde_json::json!([{"key": "a.png", "path": "a.png"}, {"key": "bin_x", "mode": 0o755, "path": "bin_x"}])
    );
}

#[test]
fn manifests_get_the_namespace_and_the_pinned_images() {
    let template = template(
        "images: [{name: 'tool:1'}]\ncomponents: [{name: c, image: 'nginx:1'}]\nmanifests: [b.yaml, a.yaml]\n",
    );
    let pod = |name: &str, image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{{name: c, image: '{image}'}}]}}\n"
        )
    };
    let crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x.example.com}\nspec: {group: example.com, scope: Cluster, names: {kind: Wide}}\n";
    let b = [
        pod("component-image", "docker.io/library/nginx:1"),
        pod("image-entry", "tool:1"),
        pod("not-packed", "other:1"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: elsewhere, namespace: other}\n".to_owned(),
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: role}\n".to_owned(),
        "apiVersion: example.com/v1\nkind: Wide\nmetadata: {name: wide}\n".to_owned(),
        "apiVersion: example.com/v1\nkind: Narrow\nmetadata: {name: narrow}\n".to_owned(),
    ];
    let site = Site::of(&template).document("b.yaml", b.join("---\n")).document("a.yaml", crd);
    let files = site.render(&template).unwrap();
    assert_eq!(names(&files)[2..], ["90-001-b.yaml", "90-002-a.yaml"], "in the order of the template");
    let found: Vec<_> = files[2]
        .objects()
        .iter()
        .map(|o| (o["metadata"]["name"].as_str().unwrap(), o["metadata"]["namespace"].as_str()))
        .collect();
    let team = Some("team-a");
    assert_eq!(
        found,
        [
            ("component-image", team),
            ("image-entry", team),
            ("not-packed", team),
            ("elsewhere", Some("other")),
            ("role", None),
            ("wide", None),
            ("narrow", team),
        ]
    );
    let images: Vec<_> =
        files[2].objects().iter().filter_map(|o| o["spec"]["containers"][0]["image"].as_str()).collect();
    assert_eq!(images, [image(&"nginx:1".parse().unwrap()), image(&"tool:1".parse().unwrap()), "other:1".to_owned()]);
}

#[test]
fn no_name_of_a_file_comes_from_an_unchecked_name() {
    for (path, name) in [
        ("k8s/EXTRA_1.yaml", "90-001-extra-1.yaml"),
        ("-rf *;$(x)", "90-001-rf-----x.yaml"),
        ("ünï.yml", "90-001-n.yaml"),
        ("...", "90-001-manifest.yaml"),
        (&"a".repeat(255), &format!("90-001-{}.yaml", "a".repeat(60))),
    ] {
        let template = template(&format!("manifests: [{path:?}]\n"));
        let files = Site::of(&template).document(path, "").render(&template).unwrap();
        assert_eq!(names(&files), ["00-namespace.yaml", name]);
    }
}

#[test]
fn what_is_missing_or_too_large_is_named() {
    let file = "components: [{name: c, image: 'nginx:1', config: [{path: /a, file: a}]}]\n";
    let secret = "secrets: [{name: s, keys: [k]}]\ncomponents: [{name: c, image: 'nginx:1'}]\n";
    let manifest = "manifests: [m.yaml]\n";
    let plain = |t: &Template| Site::of(t);
    for (body, site, error) in [
        (file, &plain as &dyn Fn(&Template) -> Site, "the document a is not there"),
        (manifest, &plain, "the document m.yaml is not there"),
        (manifest, &|t| Site::of(t).document("m.yaml", "a: b"), "m.yaml: object 1: `apiVersion` is missing"),
        (secret, &|t| Site { secrets: SecretValues::new(), ..Site::of(t) }, "the secret s has no value for its key k"),
        (secret, &|t| Site::of(t).enable("nothing"), "the template has no component nothing"),
        (file, &|t| Site::of(t).document("a", vec![b'x'; 1 << 20]), "the configuration files of c have 1048577 bytes"),
        (
            "components: [{name: a-name-of-twenty-characters-and-more, image: 'nginx:1'}]\n",
            &|t| Site { installation: "an-installation-with-a-long-name".parse().unwrap(), ..Site::of(t) },
            "an-installation-with-a-long-name-a-name-of-twenty-characters-and-more has more than 52 characters",
        ),
    ] {
        let template = template(body);
        let found = site(&template).render(&template).unwrap_err().to_string();
        assert!(found.starts_with(error), "{found}");
    }
}
