//! A component: one container, how often it runs, and what it needs (spec/template.md section 5).

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::env::Env;
use super::kubernetes::KubernetesAttributes;
use super::mounts::{ConfigFile, SharedMount, Volume};
use super::names::{ComponentName, PortName};
use super::parts::{Graph, Monitor};
use super::path::MountPath;
use super::plugin::PluginUse;
use super::probe::Probes;
use super::quantity::Quantity;
use super::scaling::Scaling;
use crate::ImageRef;

/// One part of the application: a container image and how Kubernetes runs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Component {
    /// Its name, unique among the components.
    pub name: ComponentName,
    /// Name of the image that it runs. The site pins it to the digest that was packed.
    #[schemars(with = "String")]
    pub image: ImageRef,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What kind of workload it becomes.
    #[serde(default)]
    pub kind: WorkloadKind,
    /// When a `CronJob` runs (crontab(5)), in the cluster's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Whether there is never more than one of it, also while it is replaced.
    #[serde(default)]
    pub singleton: bool,
    /// How many of it run; 1 unless given. Not for a `DaemonSet`, `Job` or `CronJob`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Replaces the image's entrypoint. `$(NAME)` stands for an environment variable, as in Kubernetes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Replaces the image's arguments. `$(NAME)` stands for an environment variable, as in Kubernetes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Ports that it listens on. Not for a `Job`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// Environment variables, in order: a value may refer to an earlier one as `$(NAME)`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<Env>,
    /// Variables that the components get which depend on it, before their own; their own of the same name win.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connection: Vec<Env>,
    /// Configuration files that are mounted into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub config: Vec<ConfigFile>,
    /// Folders that outlive its container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// Volumes of other components that it mounts as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<SharedMount>,
    /// How Kubernetes finds out whether it works. Not for a `Job` or `CronJob`.
    #[serde(default, skip_serializing_if = "Probes::is_empty")]
    pub probes: Probes,
    /// What it is given, and what it may take at most.
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
    /// How many of it run, where the cluster decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// Components that must be ready (a `Job`: complete) before it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<ComponentName>,
    /// Whether a site may leave it out.
    #[serde(default)]
    pub optional: bool,
    /// Labels for its Kubernetes objects, beside those that Sealift sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What is said to Kubernetes in its own words.
    #[serde(default, skip_serializing_if = "KubernetesAttributes::is_empty")]
    pub kubernetes: KubernetesAttributes,
    /// Plugins that run beside it, or before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<PluginUse>,
    /// Where its measurements are read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitors: Vec<Monitor>,
    /// Graphs of its measurements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub graphs: Vec<Graph>,
}

impl Component {
    /// Where its volumes, and those that it shares, are mounted.
    pub fn mount_paths(&self) -> impl Iterator<Item = &MountPath> {
        self.volumes.iter().map(|v| &v.path).chain(self.mounts.iter().map(|m| &m.path))
    }
}

/// The kinds of workload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum WorkloadKind {
    /// Interchangeable replicas.
    #[default]
    Deployment,
    /// Replicas with a name and volumes of their own.
    StatefulSet,
    /// One on every node.
    DaemonSet,
    /// Runs to its end: once for each state of its definition, image included.
    Job,
    /// Runs to its end again and again, by a `schedule`.
    CronJob,
}

/// A port that a component listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Port {
    /// Its name, unique within the component.
    pub name: PortName,
    /// Its number within the container.
    pub port: NonZeroU16,
    /// Its protocol.
    #[serde(default)]
    pub protocol: Protocol,
    /// What is spoken over it, for meshes and people: `http`, `grpc`, `mysql` (Kubernetes' `appProtocol`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
    /// Whether other components reach it, through the component's `Service`.
    #[serde(default = "yes")]
    pub service: bool,
    /// Its number at the `Service`, if that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_port: Option<NonZeroU16>,
}

fn yes() -> bool {
    true
}

/// Transport protocols.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// What a component is given, and what it may take at most: amounts by resource (`cpu`, `memory`, `nvidia.com/gpu`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// What it is given; a node must have it free.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<String, Quantity>,
    /// What it may take at most.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, Quantity>,
}

impl Resources {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.limits.is_empty()
    }
}
