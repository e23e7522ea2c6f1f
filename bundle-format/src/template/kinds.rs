//! What is known of the kinds of Kubernetes' objects: which belong to a namespace.

use serde_json::Value;

use super::RELEASE_NAMESPACE;

/// Groups of the API whose kinds are known, and with them which of them belong to a namespace.
const KNOWN: [&str; 8] = [
    "",
    "apps",
    "autoscaling",
    "batch",
    "coordination.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
];

/// API group, empty for the core, and kind.
#[must_use]
pub fn group_and_kind(object: &Value) -> (&str, &str) {
    let text = |key| object.get(key).and_then(Value::as_str).unwrap_or_default();
    (text("apiVersion").split_once('/').map_or("", |(group, _)| group), text("kind"))
}

/// Whether Kubernetes' own objects of this kind belong to no namespace (Kubernetes 1.33, `kubectl api-resources`; and of
/// the kinds that are gone, those of 1.20).
#[must_use]
pub fn is_cluster_wide(group: &str, kind: &str) -> bool {
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
        "policy" => kind == "PodSecurityPolicy",
        "rbac.authorization.k8s.io" => matches!(kind, "ClusterRole" | "ClusterRoleBinding"),
        "storage.k8s.io" => kind != "CSIStorageCapacity",
        "resource.k8s.io" => matches!(kind, "DeviceClass" | "ResourceSlice" | "DeviceTaintRule"),
        _ => false,
    }
}

/// Whether an object lies in the namespace that it is installed into, `namespace` if that is known already. Of types that are not
/// Kubernetes' own nobody knows whether they belong to one.
#[must_use]
pub fn is_in_namespace(object: &Value, namespace: Option<&str>) -> bool {
    let (group, kind) = group_and_kind(object);
    let given = object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
    let here = ["", RELEASE_NAMESPACE].contains(&given) || namespace == Some(given);
    KNOWN.contains(&group) && !is_cluster_wide(group, kind) && here
}

/// That a site's value of a chart may stand `at` a place of an object.
///
/// # Errors
/// The rule that it breaks.
pub(super) fn may_be_filled(object: &Value, at: &str) -> Result<(), &'static str> {
    let is_at = |place: &str| at.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match group_and_kind(object) {
        ("", "Secret") => Err("values of Secrets are shown to nobody: a value that a site sets is"),
        _ if !is_in_namespace(object, None) => Err(
            "what is not in the installation's namespace, or of a type that is not Kubernetes' own, is not adjusted by values",
        ),
        _ if ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"].into_iter().any(is_at) => {
            Err("it says which object this is")
        }
        _ => Ok(()),
    }
}
