//! What is known of the kinds of raw objects.

pub(super) use bundle_format::template::kinds::{group_and_kind, is_cluster_wide};
use serde_json::Value;

/// When an object is applied.
pub(super) enum Stage {
    /// First: namespaces, and definitions of custom resources. What is in them or of them comes later.
    Types,
    /// Before the components, which may need it: accounts and their rights, classes, volumes.
    Needs,
    /// After the components.
    Rest,
}

/// When `object` is applied.
pub(super) fn stage(object: &Value) -> Stage {
    match group_and_kind(object) {
        ("", "Namespace") | ("apiextensions.k8s.io", "CustomResourceDefinition") => Stage::Types,
        ("", "ServiceAccount" | "PersistentVolume" | "LimitRange" | "ResourceQuota")
        | ("policy", "PodSecurityPolicy")
        | ("rbac.authorization.k8s.io" | "scheduling.k8s.io" | "node.k8s.io", _)
        | ("storage.k8s.io", "StorageClass")
        | ("networking.k8s.io", "IngressClass") => Stage::Needs,
        _ => Stage::Rest,
    }
}

/// Group and kind of the objects that a definition of custom resources defines, if they belong to no namespace. What a
/// cluster knows beyond that, a pure function cannot ask: objects of other unknown kinds are taken to belong to one.
pub(super) fn defines_cluster_wide(object: &Value) -> Option<(String, String)> {
    let spec = object.get("spec")?;
    if group_and_kind(object) != ("apiextensions.k8s.io", "CustomResourceDefinition") || spec.get("scope")? != "Cluster"
    {
        return None;
    }
    let kind = spec.get("names")?.get("kind")?;
    Some((spec.get("group")?.as_str()?.to_owned(), kind.as_str()?.to_owned()))
}
