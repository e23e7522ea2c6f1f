//! How many replicas run, where the cluster decides.

use std::num::{NonZeroU8, NonZeroU32};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A scaling rule: it becomes a `HorizontalPodAutoscaler` where the cluster measures what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scaling {
    /// Fewest replicas.
    pub min: NonZeroU32,
    /// Most replicas.
    pub max: NonZeroU32,
    /// Replicas that are added or taken away at once; as many as the cluster likes unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<NonZeroU32>,
    /// Per cent of the requested CPU that replicas are to use on average; 80 unless `memory` is given alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<NonZeroU8>,
    /// Per cent of the requested memory that replicas are to use on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<NonZeroU8>,
}
