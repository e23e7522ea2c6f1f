//! Plugins: further containers that components run beside, or before, their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::component::{Port, Resources};
use super::env::Env;
use super::mounts::ConfigFile;
use super::names::PartName;
use crate::ImageRef;

/// A plugin: a container that components name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plugin {
    /// Its name, unique among the plugins.
    pub name: PartName,
    /// Name of the image that it runs.
    #[schemars(with = "String")]
    pub image: ImageRef,
    /// When it runs.
    #[serde(default)]
    pub kind: PluginKind,
    /// Replaces the image's entrypoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Replaces the image's arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Ports that it listens on, within the component's pods. Not for an `Init`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// Its environment variables, and their defaults where components give them other values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<Env>,
    /// Its configuration files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub config: Vec<ConfigFile>,
    /// What it is given, and what it may take at most.
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
}

/// When a plugin runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PluginKind {
    /// Beside the component, as long as it.
    #[default]
    Sidecar,
    /// Before the component, to its end.
    Init,
}

/// A component's use of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PluginUse {
    /// One of the template's plugins.
    pub name: PartName,
    /// Variables for it in this component; those of the same name replace the plugin's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<Env>,
    /// Whether it is given this component's volumes, at the same paths.
    #[serde(default)]
    pub volumes: bool,
}
