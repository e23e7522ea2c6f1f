//! Objects of Kubernetes, and what names them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What names an object on a target. The version of its API is no part of it: a cluster serves one object under several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId {
    /// Group of the API, empty for the core.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace, if its kind has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl ObjectId {
    /// What names `object`, if it has `apiVersion`, `kind` and `metadata.name`.
    #[must_use]
    pub fn of(object: &Value) -> Option<Self> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let version = object.get("apiVersion")?.as_str()?;
        let metadata = object.get("metadata")?;
        Some(Self {
            group: version.split_once('/').map_or("", |(group, _)| group).to_owned(),
            kind: text(object.get("kind"))?,
            namespace: text(metadata.get("namespace")).filter(|n| !n.is_empty()),
            name: text(metadata.get("name"))?,
        })
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if !self.group.is_empty() && !self.group.ends_with("k8s.io") && self.group.contains('.') {
            write!(f, ".{}", self.group)?;
        }
        write!(f, " {}", self.name)
    }
}

/// What is on a target of one installation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Live {
    /// The objects, as the target has them.
    pub objects: BTreeMap<ObjectId, Value>,
}

impl Live {
    /// The object called `id`.
    #[must_use]
    pub fn get(&self, id: &ObjectId) -> Option<&Value> {
        self.objects.get(id)
    }
}

/// The types of objects that a target takes, by which the versions of the API are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    types: BTreeSet<(String, String)>,
    measures: bool,
}

impl Capabilities {
    /// A target that takes objects of these types, each an `apiVersion` and a kind. `measures` says whether it measures the CPU
    /// and memory of pods (`metrics.k8s.io`).
    #[must_use]
    pub fn new(types: BTreeSet<(String, String)>, measures: bool) -> Self {
        Self { types, measures }
    }

    /// A target that is not asked: Kubernetes 1.25 and later, with `metrics.k8s.io`, without further types.
    #[must_use]
    pub fn assumed() -> Self {
        let types = [
            ("v1", "Service"),
            ("apps/v1", "Deployment"),
            ("batch/v1", "CronJob"),
            ("batch/v1", "Job"),
            ("networking.k8s.io/v1", "Ingress"),
            ("autoscaling/v2", "HorizontalPodAutoscaler"),
            ("policy/v1", "PodDisruptionBudget"),
        ];
        Self { types: types.map(|(v, k)| (v.to_owned(), k.to_owned())).into(), measures: true }
    }

    /// Whether the target takes objects of this type.
    #[must_use]
    pub fn has(&self, api_version: &str, kind: &str) -> bool {
        self.types.contains(&(api_version.to_owned(), kind.to_owned()))
    }

    /// The first of `versions` under which the target takes objects of `kind`.
    #[must_use]
    pub fn choose<'v>(&self, kind: &str, versions: &[&'v str]) -> Option<&'v str> {
        versions.iter().copied().find(|version| self.has(version, kind))
    }

    /// Whether the CPU and memory of pods are measured.
    #[must_use]
    pub fn measures(&self) -> bool {
        self.measures
    }
}
