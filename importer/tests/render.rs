//! Templates as Kubernetes objects.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "render/clusters.rs"]
mod clusters;
#[path = "render/collisions.rs"]
mod collisions;
#[path = "render/fields.rs"]
mod fields;
#[path = "render/golden.rs"]
mod golden;
#[path = "render/manifests.rs"]
mod manifests;
#[path = "render/off.rs"]
mod off;
#[path = "render/rendered.rs"]
mod rendered_when_packed;
#[path = "render/texts.rs"]
mod texts;
#[path = "render/variables.rs"]
mod variables;
#[path = "render/workloads.rs"]
mod workloads;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use bundle_format::template::{ComponentName, RelativePath, Template, TemplateName};
use bundle_format::{Digest, ImageRef};
use importer::render::{Namespace, RenderError, RenderInput, RenderedFile, SecretValues, render, secrets_needed};
use importer::target::Capabilities;
use serde_json::Value;

/// What a site adds, with the simplest values.
struct Site {
    installation: TemplateName,
    namespace: Namespace,
    documents: BTreeMap<RelativePath, Vec<u8>>,
    secrets: SecretValues,
    enabled: BTreeSet<ComponentName>,
    off: BTreeSet<ComponentName>,
    capabilities: Capabilities,
    pull_secret: Option<&'static str>,
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
            off: BTreeSet::new(),
            capabilities: Capabilities::assumed(),
            pull_secret: None,
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

    fn switch_off(mut self, component: &str) -> Self {
        self.off.insert(component.parse().unwrap());
        self
    }

    /// On a target that takes these types, each `apiVersion` and kind, besides those that every one has.
    fn on(mut self, types: &[(&str, &str)], measures: bool) -> Self {
        let types = types.iter().map(|(version, kind)| ((*version).to_owned(), (*kind).to_owned()));
        self.capabilities = Capabilities::new(types.collect(), measures);
        self
    }

    fn render(&self, template: &Template) -> Result<Vec<RenderedFile>, RenderError> {
        let Self { installation, namespace, documents, secrets, enabled, off, capabilities, pull_secret } = self;
        let input = RenderInput {
            installation,
            namespace,
            image: &image,
            documents,
            secrets,
            enabled,
            off,
            capabilities,
            pull_secret: *pull_secret,
        };
        render(template, &input)
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
