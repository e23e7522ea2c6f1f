//! Charts and kustomizations are rendered with the real tools when a version is packed. Without a tool, a test says so and is
//! skipped: helm is in no distribution.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot run has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bundle_format::template::{Manifest, Template};
use bundle_format::trust::{PrivateKey, TrustRoot};
use bundle_format::walk::Bundle;
use bundle_format::{Code, Coded, ImageRef, SourceError, media};
use packer::{FoundImage, IfExists, ImageSource, ImageUser, PackError, PackOptions, Plan, find_images, render};
use testdata::{Compression, Image, Layer};

/// Whether `tool` is there to test with.
fn has(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).any(|dir| dir.join(tool).is_file());
    if !there {
        eprintln!("SKIPPED: {tool} is not installed");
    }
    there
}

struct Vendor(tempfile::TempDir);

impl Vendor {
    fn new() -> Self {
        let vendor = Self(tempfile::tempdir().unwrap());
        vendor.write("redis/Chart.yaml", "apiVersion: v2\nname: redis\nversion: 1.0.0\n");
        vendor.write("redis/values.yaml", "tag: '7'\n");
        vendor.write("redis/crds/crd.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: crd }\n");
        vendor.write(
            "redis/templates/tests/test.yaml",
            &pod("test", "test:1").replace("name: test }", "name: test, annotations: { helm.sh/hook: test } }"),
        );
        vendor.write(
            "redis/templates/pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: { name: {{ .Release.Name }}-pod, namespace: {{ .Release.Namespace }} }\n\
             spec: { containers: [{ name: redis, image: 'redis:{{ .Values.tag }}' }] }\n",
        );
        vendor.write("k/kustomization.yaml", "resources: [pod.yaml]\nnamePrefix: a-\n");
        vendor.write("k/pod.yaml", &pod("web", "web:1"));
        vendor
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let file: PathBuf = self.dir().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn template(rest: &str) -> Template {
        let head = "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: { name: shop, version: '1' }\n";
        Template::parse(format!("{head}{rest}").as_bytes()).unwrap()
    }

    fn render(&self, rest: &str) -> Result<String, packer::RenderError> {
        let rendered = render(&Self::template(rest), self.dir())?;
        Ok(rendered.into_iter().map(|r| format!("{}\n{}", r.path, String::from_utf8(r.bytes).unwrap())).collect())
    }
}

fn pod(name: &str, image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{ name: {name} }}\nspec: {{ containers: [{{ name: c, image: '{image}' }}] }}\n"
    )
}

const CHART: &str = "charts: [{ name: cache, chart: redis, values: [values.yaml] }]\n";

#[test]
fn a_chart_becomes_a_document_with_the_vendors_values_and_a_namespace_to_replace() {
    if !has("helm") {
        return;
    }
    let vendor = Vendor::new();
    vendor.write("values.yaml", "tag: '8'\n");
    let text = vendor.render(CHART).unwrap();
    let (path, objects) = text.split_once('\n').unwrap();
    assert_eq!(path, "rendered/charts/cache.yaml");
    let manifest = Manifest::parse(objects.as_bytes()).unwrap();
    let named: Vec<_> = manifest.objects().iter().map(|o| o["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(named, ["crd", "cache-pod"], "definitions come along, tests do not");
    assert_eq!(manifest.objects()[1]["metadata"]["namespace"], "sealift-release-namespace");
    assert_eq!(manifest.images().iter().map(ToString::to_string).collect::<Vec<_>>(), ["docker.io/library/redis:8"]);
}

#[test]
fn a_chart_that_cannot_be_carried_as_it_is_is_refused_with_what_to_do() {
    if !has("helm") {
        return;
    }
    let chart = "apiVersion: v2\nname: redis\nversion: 1.0.0\n";
    let missing =
        format!("{chart}dependencies: [{{ name: common, version: 1.x, repository: 'https://charts.example' }}]\n");
    let chance = "apiVersion: v1\nkind: Secret\nmetadata: { name: s }\nstringData: { password: {{ randAlphaNum 12 | quote }} }\n";
    let large = "{{ range until 60000 }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: 'the-configuration-of-{{ . }}' }\n{{ end }}";
    for (why, file, text, code, says, hint) in [
        (
            "a dependency that is not there",
            "redis/Chart.yaml",
            missing.as_str(),
            Code::File,
            "common",
            "helm dependency build",
        ),
        (
            "a password that is made up",
            "redis/templates/s.yaml",
            chance,
            Code::File,
            "something else each time",
            "values",
        ),
        ("a template that fails", "redis/templates/s.yaml", "{{ fail \"no host\" }}", Code::File, "no host", "beside"),
        ("no Kubernetes object", "redis/templates/s.yaml", "a: b\n", Code::File, "`apiVersion` is missing", ""),
        ("too much", "redis/templates/s.yaml", large, Code::File, "more than 4194304 bytes", ""),
    ] {
        let vendor = Vendor::new();
        vendor.write("values.yaml", "{}\n");
        vendor.write(file, text);
        let error = vendor.render(CHART).unwrap_err();
        assert_eq!(error.code(), code, "{why}");
        assert!(error.to_string().contains("the chart `cache`") && error.to_string().contains(says), "{why}: {error}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{why}: {:?}", error.hint());
    }
    let error = Vendor::new().render(CHART).unwrap_err();
    assert!(error.to_string().contains("values.yaml"), "a file of values that is not there: {error}");
}

#[test]
fn a_kustomization_becomes_a_document_and_fetches_nothing() {
    if !has("kubectl") {
        return;
    }
    let vendor = Vendor::new();
    let rest = "kustomizations: [{ name: policies, folder: k }]\n";
    let text = vendor.render(rest).unwrap();
    assert!(text.starts_with("rendered/kustomizations/policies.yaml\n") && text.contains("name: a-web"), "{text}");
    for address in ["https://192.0.2.1/x.yaml", "https://github.com/example/example?ref=v1"] {
        vendor.write("k/kustomization.yaml", &format!("resources: ['{address}']\n"));
        let error = vendor.render(rest).unwrap_err();
        assert_eq!(error.code(), Code::File);
        assert!(error.to_string().contains("the kustomization `policies`"), "{error}");
    }
}

#[test]
fn every_image_is_found_with_who_uses_it_and_whether_it_is_carried() {
    if !has("helm") || !has("kubectl") {
        return;
    }
    let vendor = Vendor::new();
    vendor.write(
        "m.yaml",
        "apiVersion: example.com/v1\nkind: Database\nmetadata: { name: db }\nspec: { image: 'db:1' }\n",
    );
    let template = Vendor::template(
        "images: [{ name: 'redis:7', from: 'oci:redis' }]\n\
         components: [{ name: web, image: 'web:1', plugins: [{ name: mesh }] }]\n\
         plugins: [{ name: mesh, image: 'mesh:1' }]\ncharts: [{ name: cache, chart: redis }]\n\
         kustomizations: [{ name: policies, folder: k }]\nmanifests: [m.yaml]\n",
    );
    let found = find_images(&template, vendor.dir()).unwrap();
    let user = |user: &ImageUser| match user {
        ImageUser::Component(name) => format!("component {name}"),
        ImageUser::Plugin(name) => format!("plugin {name}"),
        ImageUser::Object { document, object, path, pod } => format!("{document} {object} {path} {pod}"),
    };
    let line = |f: &FoundImage| {
        let users: Vec<String> = f.users.iter().map(user).collect();
        format!("{} {} {}", f.name.repository(), f.carried, users.join(", "))
    };
    assert_eq!(
        found.iter().map(line).collect::<Vec<_>>(),
        [
            "library/db false m.yaml Database/db spec.image false",
            "library/mesh true plugin mesh",
            "library/redis true rendered/charts/cache.yaml Pod/cache-pod spec.containers[0].image true",
            "library/web true component web, rendered/kustomizations/policies.yaml Pod/a-web spec.containers[0].image true",
        ]
    );
    assert_eq!(found[2].from.as_ref().map(ToString::to_string).as_deref(), Some("oci:redis"));
    fs::remove_file(vendor.dir().join("m.yaml")).unwrap();
    assert!(matches!(find_images(&template, vendor.dir()), Err(PackError::File { .. })));
}

fn no_registry(image: &ImageRef) -> Result<Box<dyn ImageSource>, SourceError> {
    Err(SourceError::Missing { place: "the test".to_owned(), what: image.to_string() })
}

#[test]
fn what_charts_become_travels_in_the_bundle_and_its_images_must_too() {
    if !has("helm") {
        return;
    }
    let vendor = Vendor::new();
    vendor.write("values.yaml", "tag: '8'\n");
    vendor.write(
        "redis/templates/other.yaml",
        "apiVersion: example.com/v1\nkind: Db\nmetadata: { name: x }\nspec: { image: 'db:1' }\n",
    );
    let image = Image::new("linux/amd64", &[Layer::new(Compression::Gzip, [("bin/app", "redis")])]).unwrap();
    image.write_layout(&vendor.dir().join("image"), "redis").unwrap();
    let head = "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: { name: shop, version: '1' }\n";
    let file = vendor.dir().join("sealift.yaml");
    let options = PackOptions {
        template: &file,
        images: BTreeMap::new(),
        platforms: Vec::new(),
        issued_at: None,
        registry: &no_registry,
    };
    fs::write(&file, format!("{head}{CHART}")).unwrap();
    let error = Plan::make(&options).err().unwrap();
    assert_eq!(
        error.to_string(),
        "rendered/charts/cache.yaml runs docker.io/library/redis:8, which the template does not carry"
    );
    fs::write(&file, format!("{head}{CHART}images: [{{ name: 'redis:8', from: 'oci:image' }}]\n")).unwrap();
    let plan = Plan::make(&options).unwrap();
    let named: Vec<_> = plan.uncarried().iter().map(|(_, used)| format!("{} {}", used.object, used.image)).collect();
    assert_eq!(named, ["Db/x docker.io/library/db:1"], "nobody knows whether something runs it");

    let key = PrivateKey::generate().unwrap();
    let out = vendor.dir().join("shop.sealift");
    plan.sign(&[&key]).unwrap().write(&out, IfExists::Refuse, &()).unwrap();
    let trust = TrustRoot::pinned(vec![key.public().unwrap()]).unwrap();
    let proved = Bundle::open(fs::File::open(&out).unwrap(), &trust).unwrap().prove(&mut (), &()).unwrap();
    let files: Vec<_> =
        proved.documents.files().iter().map(|(path, file)| (path.to_string(), file.media_type.clone())).collect();
    assert_eq!(files, [("rendered/charts/cache.yaml".to_owned(), media::KUBERNETES_YAML.to_owned())]);
}
