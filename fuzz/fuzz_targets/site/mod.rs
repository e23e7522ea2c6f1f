//! An installation of `testdata/templates/full`, in all that rendering it takes.
#![allow(dead_code, reason = "each target uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use bundle_format::template::{ComponentName, RelativePath, Template};
use bundle_format::{Digest, ImageRef};
use importer::engine::Version;
use importer::render::{RenderError, RenderInput, RenderedFile, SecretValues, render, secrets_needed};
use importer::target::{Capabilities, Place};

pub static PLACE: LazyLock<Place> = LazyLock::new(|| Place { namespace: read("team"), name: read("full") });
pub static VERSION: LazyLock<Version> = LazyLock::new(version);
/// The optional components, all of them on.
pub static ENABLED: LazyLock<BTreeSet<ComponentName>> =
    LazyLock::new(|| VERSION.template.components.iter().filter(|c| c.optional).map(|c| c.name.clone()).collect());
pub static IMAGES: LazyLock<BTreeMap<ImageRef, String>> = LazyLock::new(|| {
    let name = |image: &ImageRef| format!("site.example/{}@{}", image.mirror_path(), Digest::of(b"image"));
    VERSION.template.images().into_iter().map(|image| (image.clone(), name(image))).collect()
});
pub static SECRETS: LazyLock<SecretValues> = LazyLock::new(|| {
    let values = |secret: &bundle_format::template::Secret| {
        secret.keys.iter().map(|key| (key.clone(), "hush".to_owned())).collect()
    };
    secrets_needed(&VERSION.template).iter().map(|secret| (secret.name.clone(), values(secret))).collect()
});
pub static TARGET: LazyLock<Capabilities> = LazyLock::new(Capabilities::assumed);

fn read<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> T {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn version() -> Version {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/templates/full");
    let mut documents = BTreeMap::new();
    walk(&folder, &folder, &mut documents);
    let text = documents.remove(&read::<RelativePath>("sealift.yaml")).unwrap_or_default();
    let template = Template::parse(&text).unwrap_or_else(|e| panic!("{e}"));
    Version {
        version: template.metadata.version.clone(),
        revision: template.metadata.revision.get(),
        digest: Digest::of(&text),
        completes: Vec::new(),
        ahead: BTreeMap::new(),
        documents,
        images: BTreeMap::new(),
        template,
    }
}

fn walk(root: &Path, folder: &Path, documents: &mut BTreeMap<RelativePath, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        match path.is_dir() {
            true if name.starts_with("expected") => {}
            true => walk(root, &path, documents),
            false => _ = documents.insert(read(&name), std::fs::read(&path).unwrap_or_default()),
        }
    }
}

/// Renders `template` as this installation of it.
pub fn rendered(
    template: &Template,
    documents: &BTreeMap<RelativePath, Vec<u8>>,
    enabled: &BTreeSet<ComponentName>,
) -> Result<Vec<RenderedFile>, RenderError> {
    let image = |image: &ImageRef| IMAGES.get(image).cloned().unwrap_or_else(|| image.to_string());
    let input = RenderInput {
        installation: &PLACE.name,
        namespace: &PLACE.namespace,
        image: &image,
        documents,
        secrets: &SECRETS,
        enabled,
        off: &BTreeSet::new(),
        capabilities: &TARGET,
        pull_secret: Some("login"),
    };
    render(template, &input)
}

/// That files say in YAML what their objects are, and name each object once.
pub fn hold_together(files: &[RenderedFile]) {
    let mut names = BTreeSet::new();
    for file in files {
        let read = bundle_format::template::Manifest::parse(file.content().as_bytes());
        let read = read.unwrap_or_else(|e| panic!("{}: {e}\n{}", file.name(), file.content()));
        assert_eq!(read.objects(), file.objects(), "{}", file.name());
        for id in file.objects().iter().filter_map(importer::target::ObjectId::of) {
            assert!(names.insert(id.clone()), "{id} is there twice");
        }
    }
}
