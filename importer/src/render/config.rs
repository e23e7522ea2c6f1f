//! Configuration files as a `ConfigMap`.

use bundle_format::Hasher;
use bundle_format::template::Component;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;

use super::RenderError;
use super::meta::Names;

/// Most bytes that Kubernetes takes in a `ConfigMap`, keys and values (`core/validation`, `MaxSecretSize`).
const LIMIT: usize = 1 << 20;

/// The `ConfigMap` of a component that has configuration files. Content that is not UTF-8 goes into `binaryData`.
pub(super) fn config_map(names: &Names<'_>, component: &Component) -> Result<Option<ConfigMap>, RenderError> {
    if component.config.is_empty() {
        return Ok(None);
    }
    let mut map =
        ConfigMap { metadata: names.metadata(names.config(&component.name), Some(component)), ..ConfigMap::default() };
    let mut size = 0;
    for file in &component.config {
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
    if size > LIMIT {
        return Err(RenderError::ConfigTooLarge { component: component.name.clone(), size, limit: LIMIT });
    }
    Ok(Some(map))
}

/// A digest of what the files say. As an annotation of the pods it restarts them when a file changes, because a file that is
/// mounted on its own is never updated in a running pod.
pub(super) fn digest(map: &ConfigMap) -> String {
    let mut hasher = Hasher::default();
    let mut add = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    for (key, text) in map.data.iter().flatten() {
        add(key.as_bytes());
        add(text.as_bytes());
    }
    for (key, bytes) in map.binary_data.iter().flatten() {
        add(key.as_bytes());
        add(&bytes.0);
    }
    hasher.finish().to_string()
}
