//! The template's own manifests.

use std::collections::HashSet;

use bundle_format::ImageRef;
use bundle_format::template::{Manifest, RelativePath};
use serde_json::Value;

use super::meta::Names;
use super::{RenderError, RenderedFile};

/// The files of manifests, in the order of the template, with the namespace where an object has none and can have one, and
/// with the images of the template pinned.
pub(super) fn render(names: &Names<'_>) -> Result<Vec<RenderedFile>, RenderError> {
    let packed = names.template.images();
    let pin = |image: &ImageRef| packed.contains(image).then(|| (names.input.image)(image));
    let mut manifests = Vec::new();
    for path in &names.template.manifests {
        let missing = || RenderError::MissingDocument { path: path.clone() };
        let bytes = names.input.documents.get(path).ok_or_else(missing)?;
        let refused = |source| RenderError::Manifest { path: path.clone(), source };
        let mut manifest = Manifest::parse(bytes).map_err(refused)?;
        manifest.pin(&pin);
        manifests.push((path, manifest.into_objects()));
    }
    let cluster_wide: HashSet<(String, String)> =
        manifests.iter().flat_map(|(_, objects)| objects).filter_map(defines_cluster_wide).collect();
    let mut files = Vec::new();
    for (index, (path, mut objects)) in manifests.into_iter().enumerate() {
        for object in &mut objects {
            let (group, kind) = group_and_kind(object);
            if !is_cluster_wide(group, kind) && !cluster_wide.contains(&(group.to_owned(), kind.to_owned())) {
                put_namespace(object, names.input.namespace.as_str());
            }
        }
        files.push(RenderedFile::new(file_name(index + 1, path), objects)?);
    }
    Ok(files)
}

/// A number, and as much of the path's last name as is harmless in a file's name.
fn file_name(number: usize, path: &RelativePath) -> String {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_lowercase();
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let stem: String = stem.chars().map(|c| if legal(c) { c } else { '-' }).take(60).collect();
    let stem = match stem.trim_matches('-') {
        "" => "manifest",
        stem => stem,
    };
    format!("90-{number:03}-{stem}.yaml")
}

fn put_namespace(object: &mut Value, namespace: &str) {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata")
        && metadata.get("namespace").and_then(Value::as_str).is_none_or(str::is_empty)
    {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
}

/// API group, empty for the core, and kind.
fn group_and_kind(object: &Value) -> (&str, &str) {
    let text = |key| object.get(key).and_then(Value::as_str).unwrap_or_default();
    (text("apiVersion").split_once('/').map_or("", |(group, _)| group), text("kind"))
}

/// Group and kind of the objects that a definition of custom resources defines, if they belong to no namespace. What a
/// cluster knows beyond that, a pure function cannot ask: objects of other unknown kinds are taken to belong to one.
fn defines_cluster_wide(object: &Value) -> Option<(String, String)> {
    let spec = object.get("spec")?;
    if group_and_kind(object) != ("apiextensions.k8s.io", "CustomResourceDefinition") || spec.get("scope")? != "Cluster"
    {
        return None;
    }
    let kind = spec.get("names")?.get("kind")?;
    Some((spec.get("group")?.as_str()?.to_owned(), kind.as_str()?.to_owned()))
}

/// Whether Kubernetes' own objects of this kind belong to no namespace (Kubernetes 1.33, `kubectl api-resources`).
fn is_cluster_wide(group: &str, kind: &str) -> bool {
    match group {
        "" => matches!(kind, "Namespace" | "Node" | "PersistentVolume"),
        "admissionregistration.k8s.io"
        | "apiregistration.k8s.io"
        | "apiextensions.k8s.io"
        | "node.k8s.io"
        | "scheduling.k8s.io"
        | "flowcontrol.apiserver.k8s.io" => true,
        "certificates.k8s.io" => matches!(kind, "CertificateSigningRequest" | "ClusterTrustBundle"),
        "networking.k8s.io" => matches!(kind, "IngressClass" | "IPAddress" | "ServiceCIDR"),
        "rbac.authorization.k8s.io" => matches!(kind, "ClusterRole" | "ClusterRoleBinding"),
        "storage.k8s.io" => kind != "CSIStorageCapacity",
        "resource.k8s.io" => matches!(kind, "DeviceClass" | "ResourceSlice" | "DeviceTaintRule"),
        _ => false,
    }
}
