//! Parts of the application that are no components: groups of configuration, folders of kustomize, graphs.

use std::num::NonZeroU16;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{ComponentName, EnvName, PartName, PortName, TemplateVersion};
use super::path::RelativePath;
use super::quantity::Duration;
use crate::Digest;

/// Variables that several components share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigGroup {
    /// Its name, unique among the groups.
    pub name: PartName,
    /// The variables.
    pub items: Vec<ConfigItem>,
    /// Components that get them; all unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<ComponentName>,
}

/// A variable of a group. A component's own variable of the same name wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigItem {
    /// Its name, unique within the group.
    pub name: EnvName,
    /// Its value.
    pub value: String,
}

/// A folder of kustomize beside the template, which the packer renders with `kubectl kustomize`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kustomization {
    /// Its name, unique among these.
    pub name: PartName,
    /// The folder.
    pub folder: RelativePath,
}

impl Kustomization {
    /// The document that packing makes of it.
    #[must_use]
    pub fn document(&self) -> RelativePath {
        RelativePath::rendered("kustomizations", &self.name)
    }
}

/// Where a component's measurements are read. It becomes a `ServiceMonitor` where the cluster knows these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    /// Its name, unique within the component.
    pub name: PartName,
    /// One of the component's ports that has a `service`.
    pub port: PortName,
    /// Path of the request.
    #[serde(default = "Monitor::metrics")]
    pub path: String,
    /// How often, as `30s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
}

impl Monitor {
    fn metrics() -> String {
        "/metrics".to_owned()
    }
}

/// A graph that the vendor suggests for a component. It travels, and is shown; it is not installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// Its title, unique within the component.
    pub title: String,
    /// The query in PromQL.
    pub query: String,
}

/// Something that runs elsewhere and that components reach like one of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct External {
    /// Its name, unique among components and externals.
    pub name: ComponentName,
    /// Name in DNS. Exactly one of this and `addresses`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// IP addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Its ports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ExternalPort>,
}

/// A port of something that runs elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalPort {
    /// Its name.
    pub name: PortName,
    /// Its number.
    pub port: NonZeroU16,
}

/// The earlier version that a partial one completes itself from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Completes {
    /// The version, of the same template.
    pub version: TemplateVersion,
    /// Digest of its version index. What is installed is exactly that.
    #[schemars(with = "String")]
    pub digest: Digest,
}
