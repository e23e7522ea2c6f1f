//! Exports of Rainbond applications: `metadata.json`, and the images beside it. Its fields are those of rainbond-oam's
//! `pkg/ram/v1alpha1/types.go`; numbers and texts stand for each other there, as different versions wrote them.

mod archive;
mod attributes;
mod component;
mod connections;
mod edge;
mod elsewhere;
mod fields;
mod groups;
mod health;
mod mounts;
mod plugins;
mod scale;
mod watch;

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use bundle_format::template::{ComponentName, Manifest};
use serde_json::Value;

pub(super) use self::archive::open_member;
use super::draft::{Draft, NoteKind};
use super::manifests::{at, list_at, map_at, text_at};
use super::{ConvertError, Naming, connect};

/// An export that is being converted.
struct App {
    root: Value,
    /// Components by all the keys that others call them by.
    keys: BTreeMap<String, ComponentName>,
    /// Their names, in the order of the export.
    names: Vec<ComponentName>,
    plugins: BTreeMap<String, bundle_format::template::PartName>,
    hosts: connect::Hosts,
}

/// Converts an export: a folder with `metadata.json`, or the archive that Rainbond wrote.
///
/// # Errors
/// What cannot be read or is no export; more than a converter takes.
pub fn from_rainbond(path: &Path, naming: &Naming) -> Result<Draft, ConvertError> {
    let export = archive::open(path)?;
    let root: Value = serde_json::from_slice(&export.metadata).map_err(|e| ConvertError::Syntax {
        place: format!("{}: metadata.json", path.display()),
        line: e.line() as u64,
        why: e.to_string(),
    })?;
    if list_at(&root, &["apps"]).is_empty() && list_at(&root, &["k8s_resources"]).is_empty() {
        let why = "metadata.json has neither `apps` nor `k8s_resources`".to_owned();
        return Err(ConvertError::Foreign { place: path.display().to_string(), why });
    }
    let title = word(&root, "group_name").unwrap_or_default();
    let (name, version) = naming.or(&title, &word(&root, "group_version").unwrap_or_default())?;
    let mut draft = Draft::new(name, version);
    let (keys, plugins, hosts) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut app = App { root, keys, names: Vec::new(), plugins, hosts };
    app.metadata(&mut draft, &title)?;
    app.plugins(&mut draft)?;
    app.components(&mut draft)?;
    app.groups(&mut draft)?;
    app.routes(&mut draft)?;
    app.resources(&mut draft)?;
    app.unread(&mut draft);
    let hosts = std::mem::take(&mut app.hosts);
    connect::rewrite(&mut draft, &hosts)?;
    images(&mut draft, export.images)?;
    Ok(draft.finish())
}

/// A scalar field as text; `None` if it is empty.
fn word(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

/// A field as a number, however it is written.
fn number<T: TryFrom<u64>>(value: &Value, key: &str) -> Option<T> {
    let number = match value.get(key)? {
        Value::Number(n) => n.as_u64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    T::try_from(number).ok()
}

/// Whether a field says yes.
fn yes(value: &Value, key: &str) -> bool {
    match value.get(key) {
        Some(Value::Bool(b)) => *b,
        Some(Value::Number(n)) => n.as_u64().is_some_and(|n| n != 0),
        Some(Value::String(text)) => ["true", "True", "1", "on"].contains(&text.as_str()),
        _ => false,
    }
}

impl App {
    fn metadata(&self, draft: &mut Draft, title: &str) -> Result<(), ConvertError> {
        let root = &self.root;
        let note = at(root, &["annotations"]).unwrap_or(&Value::Null);
        let metadata = &mut draft.template.metadata;
        metadata.title = Some(title.to_owned()).filter(|t| !t.is_empty());
        metadata.description = word(note, "describe");
        metadata.alias = word(note, "version_alias");
        metadata.notes = word(note, "version_info");
        metadata.plugin = at(root, &["platform_plugin"]).is_some_and(|p| yes(p, "is_platform_plugin"));
        if metadata.plugin {
            draft.note(
                NoteKind::Left,
                None,
                "where the platform shows its plugin (`platform_plugin`): menu, entry path, position",
            );
        }
        if let Some(logo) = text_at(note, &["image_base64_string"]).filter(|t| !t.is_empty()) {
            let logo = logo.rsplit_once("base64,").map_or(logo, |(_, l)| l);
            let suffix = word(note, "suffix").filter(|s| ["png", "jpg", "jpeg", "svg", "gif"].contains(&s.as_str()));
            match base64::engine::general_purpose::STANDARD.decode(logo) {
                Ok(bytes) => {
                    let path = draft.file("docs", &format!("logo.{}", suffix.as_deref().unwrap_or("png")), bytes)?;
                    draft.template.metadata.icon = Some(path);
                }
                Err(_) => draft.note(NoteKind::Left, None, "the logo: it is no base64"),
            }
        }
        if let Some(mode) = word(root, "governance_mode").filter(|m| m != "KUBERNETES_NATIVE_SERVICE") {
            let text = format!(
                "the governance mode {mode}: components reach each other through Kubernetes' services, not at 127.0.0.1"
            );
            draft.note(NoteKind::Look, None, text);
        }
        if let Some(status) = word(root, "group_dev_status") {
            let text = format!(
                "the status {status:?} (`group_dev_status`): a release is made by signing it, and `channel` names a line of versions"
            );
            draft.note(NoteKind::Left, None, text);
        }
        if at(root, &["helm_chart"]).and_then(Value::as_object).is_some_and(|c| !c.is_empty()) {
            draft.note(
                NoteKind::Left,
                None,
                "`helm_chart`: put the chart beside the template, and name it in `charts`",
            );
        }
        Ok(())
    }

    fn resources(&self, draft: &mut Draft) -> Result<(), ConvertError> {
        for given in list_at(&self.root, &["k8s_resources"]) {
            let (kind, name) = (word(given, "kind").unwrap_or_default(), word(given, "name").unwrap_or_default());
            let content = word(given, "content").unwrap_or_default();
            match Manifest::parse(content.as_bytes()) {
                Ok(manifest) => {
                    let file = format!("{}-{name}.yaml", kind.to_ascii_lowercase());
                    let path = draft.file("k8s", &file, content.into_bytes())?;
                    draft.template.manifests.push(path);
                    manifest.images().into_iter().for_each(|image| draft.image(image, None));
                }
                Err(e) => draft.note(NoteKind::Left, None, format!("the resource {kind} {name}: {e}")),
            }
        }
        Ok(())
    }

    /// The component that `key` names: a `service_share_uuid`, a `service_key`, or what is behind the `+`.
    fn find(&self, key: &str) -> Option<ComponentName> {
        let behind = || key.split_once('+').map(|(_, id)| id);
        self.keys.get(key).or_else(|| self.keys.get(behind()?)).cloned()
    }
}

/// Says for each image that it is found in the export's archives.
fn images(draft: &mut Draft, archives: Vec<(&'static str, super::draft::Content)>) -> Result<(), ConvertError> {
    let components: Vec<_> = draft.template.components.iter().map(|c| c.image.clone()).collect();
    let plugins: Vec<_> = draft.template.plugins.iter().map(|p| p.image.clone()).collect();
    for (name, content) in archives {
        let path = draft.copied("images", name, content)?;
        let source = format!("docker-archive:{path}").parse()?;
        let of = if name == "component-images.tar" { &components } else { &plugins };
        for image in of {
            draft.image(image.clone(), Some(Clone::clone(&source)));
        }
    }
    Ok(())
}
