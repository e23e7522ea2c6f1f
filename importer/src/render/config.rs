//! Configuration as `ConfigMap`s: files of components and plugins, variables of groups.

use std::collections::BTreeMap;

use bundle_format::Hasher;
use bundle_format::template::{Component, ConfigFile, ConfigGroup, PartName, Plugin, Template};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;

use super::meta::Names;
use super::{RenderError, RenderedFile};

/// Most bytes that Kubernetes takes in a `ConfigMap`, keys and values (`core/validation`, `MaxSecretSize`).
const LIMIT: usize = 1 << 20;

/// What several components share, with its digests: made once, because many pods carry them.
#[derive(Default)]
pub(super) struct Shared<'a> {
    /// The digests of the groups' variables.
    pub groups: BTreeMap<&'a PartName, String>,
    /// The plugins, and the digests of the files of those that have any.
    pub plugins: BTreeMap<&'a PartName, (&'a Plugin, Option<String>)>,
}

/// The files of groups and plugins.
pub(super) fn shared<'a>(
    names: &Names<'_>,
    template: &'a Template,
) -> Result<(Vec<RenderedFile>, Shared<'a>), RenderError> {
    let (mut files, mut shared) = (Vec::new(), Shared::default());
    for group in &template.config_groups {
        let map = group_map(names, group)?;
        shared.groups.insert(&group.name, digest(&map));
        files.push(RenderedFile::of(format!("20-group-{}.yaml", group.name), &map)?);
    }
    for plugin in &template.plugins {
        let map = plugin_map(names, plugin)?;
        if let Some(map) = &map {
            files.push(RenderedFile::of(format!("20-plugin-{}.yaml", plugin.name), map)?);
        }
        shared.plugins.insert(&plugin.name, (plugin, map.as_ref().map(digest)));
    }
    Ok((files, shared))
}

fn group_map(names: &Names<'_>, group: &ConfigGroup) -> Result<ConfigMap, RenderError> {
    let items = || group.items.iter().map(|item| (item.name.to_string(), item.value.clone()));
    check(&format!("the group {}", group.name), items().map(|(k, v)| k.len() + v.len()).sum())?;
    let metadata = names.metadata(names.group(&group.name), None);
    Ok(ConfigMap { metadata, data: Some(items().collect()), ..ConfigMap::default() })
}

fn plugin_map(names: &Names<'_>, plugin: &Plugin) -> Result<Option<ConfigMap>, RenderError> {
    let metadata = names.metadata(names.plugin(&plugin.name), None);
    let files = file_map(names, &plugin.config, &format!("the plugin {}", plugin.name))?;
    Ok(files.map(|map| ConfigMap { metadata, ..map }))
}

/// The `ConfigMap` of a component that has configuration files.
pub(super) fn config_map(names: &Names<'_>, component: &Component) -> Result<Option<ConfigMap>, RenderError> {
    let metadata = names.metadata(names.config(&component.name), Some(component));
    let files = file_map(names, &component.config, &format!("the component {}", component.name))?;
    Ok(files.map(|map| ConfigMap { metadata, ..map }))
}

/// The files as a map without a name, if there are any. Content that is not UTF-8 goes into `binaryData`.
fn file_map(names: &Names<'_>, files: &[ConfigFile], owner: &str) -> Result<Option<ConfigMap>, RenderError> {
    if files.is_empty() {
        return Ok(None);
    }
    let mut map = ConfigMap::default();
    let mut size = 0;
    for file in files {
        let content = match (&file.content, &file.file) {
            (Some(content), _) => content.as_bytes(),
            (None, Some(path)) => {
                let missing = || RenderError::MissingDocument { path: path.clone() };
                names.input.documents.get(path).ok_or_else(missing)?
            }
            (None, None) => &[],
        };
        let key = file.path.key();
        size += key.len() + content.len();
        match std::str::from_utf8(content) {
            Ok(text) => _ = map.data.get_or_insert_default().insert(key, text.to_owned()),
            Err(_) => _ = map.binary_data.get_or_insert_default().insert(key, ByteString(content.to_vec())),
        }
    }
    check(owner, size)?;
    Ok(Some(map))
}

fn check(owner: &str, size: usize) -> Result<(), RenderError> {
    if size > LIMIT {
        return Err(RenderError::ConfigTooLarge { owner: owner.to_owned(), size, limit: LIMIT });
    }
    Ok(())
}

/// A digest of what the map says. As an annotation of the pods it restarts them when it changes, because neither a file that
/// is mounted on its own nor a variable is ever updated in a running pod.
pub(super) fn digest(map: &ConfigMap) -> String {
    let texts = map.data.iter().flatten().map(|(key, text)| (key, text.as_bytes()));
    let bytes = map.binary_data.iter().flatten().map(|(key, bytes)| (key, bytes.0.as_slice()));
    let parts = texts.chain(bytes).flat_map(|(key, value)| [key.as_bytes(), value]);
    digest_of(parts)
}

/// A digest of texts, which says where each ends.
pub(super) fn digest_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Hasher::default();
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finish().to_string()
}
