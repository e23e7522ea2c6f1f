//! Environment variables, and what they connect to: generated secrets and the services of other components.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{ComponentName, EnvName, PortName, SecretKey, SecretName};

/// An environment variable: a name and exactly one of `value`, `secret` and `service`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Env {
    /// Its name, unique within the component.
    pub name: EnvName,
    /// The value, in which `$(NAME)` stands for an earlier variable, as in Kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The value is a key of a generated secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
    /// The value is the address of a component's `Service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceRef>,
}

/// A key of a generated secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretRef {
    /// The secret, one of the template's `secrets`.
    pub name: SecretName,
    /// The key, one of that secret's `keys`.
    pub key: SecretKey,
}

/// The address of a component's `Service`. The variable is left out while the component is switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceRef {
    /// The component.
    pub component: ComponentName,
    /// One of its ports: the address is `HOST:PORT`. Without it, the address is the host alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<PortName>,
}

/// A secret that the site generates: at random, once for an installation, kept through upgrades and rollbacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// Its name, unique among the secrets. Components that refer to one name share its values.
    pub name: SecretName,
    /// The keys, each of which gets a value of its own.
    #[schemars(length(min = 1))]
    pub keys: Vec<SecretKey>,
    /// Length of each value in ASCII letters and digits, 8 to 1024.
    #[serde(default = "Secret::default_length")]
    #[schemars(range(min = 8, max = 1024))]
    pub length: NonZeroU32,
}

impl Secret {
    /// 32 characters: 160 bits, at the five bits that a site gives each.
    fn default_length() -> NonZeroU32 {
        const LENGTH: NonZeroU32 = NonZeroU32::MIN.saturating_add(31);
        LENGTH
    }
}
