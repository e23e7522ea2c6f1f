//! What is mounted into a component: configuration files and volumes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{ComponentName, VolumeName};
use super::path::{MountPath, RelativePath};
use super::quantity::Quantity;

/// A configuration file: where it is mounted, and exactly one of `content` and `file`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// Where it is mounted; only this file, not its folder.
    pub path: MountPath,
    /// Its content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The document beside the template that is its content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<RelativePath>,
    /// Whether it may be executed: mode 0755 instead of 0644.
    #[serde(default)]
    pub executable: bool,
}

/// A folder that outlives the container: exactly one of `size` (a persistent volume claim) and `emptyDir`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Volume {
    /// Its name, unique within the component. The name of the claim follows from it: another name is another, empty volume.
    pub name: VolumeName,
    /// Where it is mounted.
    pub path: MountPath,
    /// How much it holds at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Quantity>,
    /// How nodes may mount it; `[ReadWriteOnce]` unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_modes: Vec<AccessMode>,
    /// The storage class, instead of the cluster's default. A site has its own: best left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// A folder that lives as long as the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_dir: Option<EmptyDir>,
    /// Whether it is mounted read-only.
    #[serde(default)]
    pub read_only: bool,
}

/// A volume of another component that this one mounts as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharedMount {
    /// The component whose volume it is; no `StatefulSet`, whose pods have one each.
    pub component: ComponentName,
    /// Its volume, one with a `size`.
    pub volume: VolumeName,
    /// Where it is mounted here.
    pub path: MountPath,
    /// Whether it is mounted read-only.
    #[serde(default)]
    pub read_only: bool,
}

/// How nodes may mount a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum AccessMode {
    /// By one node, for reading and writing.
    ReadWriteOnce,
    /// By many nodes, for reading.
    ReadOnlyMany,
    /// By many nodes, for reading and writing.
    ReadWriteMany,
    /// By one pod, for reading and writing.
    ReadWriteOncePod,
}

/// A folder that lives as long as its pod; `{}` for one on the node's disk without a limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmptyDir {
    /// Whether it is in memory, where it counts against the component's limit.
    #[serde(default)]
    pub memory: bool,
    /// How much it may hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_limit: Option<Quantity>,
}
