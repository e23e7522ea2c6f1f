//! Which values of a chart a site can set, found with the real helm. Without it a test says so and is skipped.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot run has failed")]

use std::fs;
use std::path::Path;

use bundle_format::template::{ChartValue, ChartValues, Manifest, Places, Template};
use packer::{RenderError, Rendered, render};
use serde_json::{Value, json};

/// A chart in the manner of those that are published: a deployment with a digest of its configuration, names that are derived, defaults.
const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-cache
spec:
  replicas: {{ .Values.replicas | default 1 }}
  selector: { matchLabels: { app: cache } }
  template:
    metadata:
      labels: { app: cache }
      annotations:
        checksum/config: {{ include (print $.Template.BasePath \"/config.yaml\") . | sha256sum }}
    spec:
      hostNetwork: {{ .Values.hostNetwork }}
      containers:
        - name: cache
          image: 'cache:{{ .Values.tag }}'
          args: ['--port={{ .Values.service.port }}', '--name={{ .Values.title }}:{{ .Values.service.port }}']
          env:
            - name: TITLE
              value: {{ .Values.title | quote }}
            - name: HOST_NETWORK
              value: {{ .Values.hostNetwork | quote }}
";
const CONFIG: &str = "apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }}-cache }
data:
  cache.conf: |
    maxmemory {{ .Values.maxmemory }}
    title {{ .Values.title }}
";
const VALUES: &str =
    "replicas: 1\ntag: '1'\ntitle: old\nmaxmemory: 64mb\nhostNetwork: false\nservice: { port: 6379 }\nmetrics: false\n";

struct Vendor(tempfile::TempDir);

impl Vendor {
    /// Nothing where there is no helm: it is in no distribution.
    fn new() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|dir| dir.join("helm").is_file()) {
            eprintln!("SKIPPED: helm is not installed");
            return None;
        }
        let vendor = Self(tempfile::tempdir().unwrap());
        vendor.write("cache/Chart.yaml", "apiVersion: v2\nname: cache\nversion: 1.0.0\n");
        vendor.write("cache/values.yaml", VALUES);
        vendor.write("cache/templates/deployment.yaml", DEPLOYMENT);
        vendor.write("cache/templates/config.yaml", CONFIG);
        Some(vendor)
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.0.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn dir(&self) -> &Path {
        self.0.path()
    }

    fn render(&self, adjustable: &str) -> Result<(Template, Vec<Rendered>), RenderError> {
        let template = format!(
            "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: {{ name: shop, version: '1' }}\n\
             charts: [{{ name: own, chart: cache, adjustable: {adjustable} }}]\n"
        );
        let template = Template::parse(template.as_bytes()).unwrap();
        let rendered = render(&template, self.dir())?;
        Ok((template, rendered))
    }

    /// The objects with `values` filled in, as a site does it.
    fn filled(&self, adjustable: &str, values: &Value) -> Vec<Value> {
        let (template, rendered) = self.render(adjustable).unwrap();
        let paths: Vec<String> = rendered.iter().map(|r| r.path.to_string()).collect();
        assert_eq!(paths, ["rendered/charts/own.yaml", "rendered/charts/own.places.json"]);
        let mut objects = Manifest::parse(&rendered[0].bytes).unwrap().into_objects();
        let chart = &template.charts[0];
        let places = Places::parse(&rendered[1].bytes, chart, &objects).unwrap();
        let values = values.as_object().unwrap().iter();
        let values: ChartValues =
            values.map(|(path, value)| (path.parse().unwrap(), ChartValue::of(value).unwrap())).collect();
        places.fill(chart, &values, &mut objects);
        objects
    }
}

const ALL: &str = "{ replicas: 1, title: old, maxmemory: 64mb, hostNetwork: false, service.port: 6379 }";

#[test]
fn what_a_site_fills_in_is_what_helm_would_have_made_of_it() {
    let Some(vendor) = Vendor::new() else { return };
    let values = json!({
        "replicas": 3, "title": "a new one", "maxmemory": "2gb", "hostNetwork": true, "service.port": 7000,
    });
    let mut filled = vendor.filled(ALL, &values);
    // The vendor with other defaults, and nothing adjustable.
    vendor.write(
        "cache/values.yaml",
        &VALUES
            .replace("old", "a new one")
            .replace("64mb", "2gb")
            .replace("false", "true")
            .replace("6379", "7000")
            .replace("replicas: 1", "replicas: 3"),
    );
    let (_, rendered) = vendor.render("{}").unwrap();
    assert_eq!(rendered.len(), 1);
    let mut expected = Manifest::parse(&rendered[0].bytes).unwrap().into_objects();
    // Whatever it is, it is another one.
    let checksum = "/spec/template/metadata/annotations/checksum~1config";
    let [was, is] = [&mut filled, &mut expected].map(|objects| objects[1].pointer_mut(checksum).unwrap().take());
    assert!(was.is_string() && is.is_string() && was != is);
    assert_eq!(filled, expected);
}

#[test]
fn a_digest_is_another_one_only_when_what_it_is_of_is() {
    let Some(vendor) = Vendor::new() else { return };
    let digest = |values: Value| {
        vendor.filled(ALL, &values)[1]["spec"]["template"]["metadata"]["annotations"]["checksum/config"].clone()
    };
    let own = digest(json!({}));
    assert_eq!(digest(json!({"replicas": 5})), own);
    assert_ne!(digest(json!({"maxmemory": "1gb"})), own);
    assert_eq!(digest(json!({"maxmemory": "64mb"})), own, "the chart's own value");
}

#[test]
fn a_text_is_a_text_whatever_is_in_it() {
    let Some(vendor) = Vendor::new() else { return };
    let title = "x\"]\n- name: \u{1f6a2} {{ .Values.tag }}: true";
    let objects = vendor.filled(ALL, &json!({ "title": title }));
    let container = &objects[1]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["env"][0]["value"], title);
    assert_eq!(container["args"][1], format!("--name={title}:6379"));
    assert_eq!(objects.len(), 2);
}

#[test]
fn a_value_that_decides_more_than_what_it_fills_is_refused_by_its_name() {
    let Some(vendor) = Vendor::new() else { return };
    vendor.write(
        "cache/templates/more.yaml",
        "{{ if .Values.metrics }}\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: metrics }\n{{ end }}\n---
apiVersion: v1\nkind: ConfigMap\nmetadata: { name: sums }\ndata:
  twice: '{{ mul 2 .Values.doubled }}'
  size: '{{ if eq (int .Values.level) 1 }}one{{ else }}{{ .Values.level }}{{ end }}'
  encoded: '{{ .Values.word | b64enc }}'
  {{ .Values.key }}: x
---
apiVersion: v1\nkind: ConfigMap\nmetadata: { name: 'named-{{ .Values.named }}' }
---
apiVersion: v1\nkind: Secret\nmetadata: { name: s }\nstringData: { password: '{{ .Values.password }}' }
---
apiVersion: example.org/v1\nkind: Thing\nmetadata: { name: thing }\nspec: { color: '{{ .Values.color }}' }
---
apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: { name: role, annotations: { a: '{{ .Values.role }}' } }\n",
    );
    let more = "doubled: 2\nlevel: 5\nword: w\nkey: k\nnamed: n\npassword: p\ncolor: red\nrole: r\n";
    vendor.write("cache/values.yaml", &format!("{VALUES}{more}"));
    for (adjustable, value, says) in [
        ("{ metrics: false }", "metrics", "decides which objects there are"),
        ("{ key: k }", "key", "what fields they have"),
        ("{ doubled: 2 }", "doubled", "becomes something else in /data/twice of ConfigMap sums"),
        ("{ word: w }", "word", "becomes something else in /data/encoded"),
        ("{ level: 5 }", "level", "is not only filled in, in /data/size"),
        ("{ tag: '1' }", "tag", "is in the name of an image"),
        ("{ named: n }", "a value", "it says which object this is"),
        ("{ password: p }", "a value", "values of Secrets"),
        ("{ color: red }", "a value", "not Kubernetes' own"),
        ("{ role: r }", "a value", "not in the installation's namespace"),
        ("{ titel: old }", "titel", "changes nothing"),
        ("{ title: old, metrics: true }", "metrics", "decides which objects there are"),
    ] {
        let error = vendor.render(adjustable).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the chart `own`: a site cannot set {value}: it ")), "{error}");
        assert!(error.contains(says), "{adjustable}: {error}");
    }
    let schema = r#"{"properties": {"replicas": {"type": "integer", "maximum": 10}}}"#;
    vendor.write("cache/values.schema.json", schema);
    let error = vendor.render("{ replicas: 1 }").unwrap_err().to_string();
    assert!(error.contains("a site cannot set replicas: it is refused as 20011: "), "{error}");
}
