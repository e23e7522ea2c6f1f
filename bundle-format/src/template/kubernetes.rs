//! What a component says to Kubernetes in Kubernetes' own words.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Fields of a component's pods and container that are Kubernetes' own, and go there as they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubernetesAttributes {
    /// Labels that a node must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that the pods tolerate (core/v1 `Toleration`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Map<String, Value>>,
    /// Where the pods run (core/v1 `Affinity`).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub affinity: Map<String, Value>,
    /// How the pods are spread (core/v1 `TopologySpreadConstraint`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topology_spread_constraints: Vec<Map<String, Value>>,
    /// Service account of the pods, which then get a token for the Kubernetes API. A manifest makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,
    /// Rights of the pods (core/v1 `PodSecurityContext`).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub pod_security_context: Map<String, Value>,
    /// Rights of the container (core/v1 `SecurityContext`).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub security_context: Map<String, Value>,
    /// Priority class of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_class: Option<String>,
    /// Runtime class of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_class: Option<String>,
    /// Whether the pods use the node's network.
    #[serde(default)]
    pub host_network: bool,
    /// How the pods look up names: `ClusterFirst`, `ClusterFirstWithHostNet`, `Default`, `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_policy: Option<String>,
    /// Names that the pods know without asking (core/v1 `HostAlias`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host_aliases: Vec<Map<String, Value>>,
    /// Seconds that a pod has to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_grace_period_seconds: Option<u32>,
    /// What happens in the container after its start and before its end (core/v1 `Lifecycle`).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub lifecycle: Map<String, Value>,
    /// Annotations for the pods.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl KubernetesAttributes {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
