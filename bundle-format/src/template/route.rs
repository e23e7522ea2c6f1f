//! How the application is reached from outside: HTTP routes and streams.

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroU32};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{ComponentName, PartName, PortName};
use super::quantity::Quantity;

/// An HTTP route: requests for a host and path go to a port of a component. It becomes an `Ingress`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Route {
    /// Its name, unique among routes and streams.
    pub name: PartName,
    /// The component.
    pub component: ComponentName,
    /// One of its ports that has a `service`.
    pub port: PortName,
    /// Host that requests name; `*.example.org` for all below it. Any host unless given. A site has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Path that requests begin with.
    #[serde(default = "Route::root")]
    pub path: String,
    /// Whether the path must be met exactly.
    #[serde(default)]
    pub exact: bool,
    /// Name of a `kubernetes.io/tls` Secret of the site: requests come over TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_secret: Option<String>,
    /// Class of the `Ingress`; the cluster's default unless given. A site has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// What the path becomes before the component sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<String>,
    /// Seconds to wait for a connection to the component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout_seconds: Option<NonZeroU32>,
    /// Seconds to wait for the component's answer; websockets need long ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_timeout_seconds: Option<NonZeroU32>,
    /// Seconds to wait for the component to take a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_timeout_seconds: Option<NonZeroU32>,
    /// Largest body of a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_body: Option<Quantity>,
    /// Whether answers are buffered on their way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffering: Option<bool>,
    /// Whether a client stays with one replica, by a cookie.
    #[serde(default)]
    pub sticky: bool,
    /// Headers that are set on the way to the component.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub request_headers: BTreeMap<String, String>,
    /// Annotations for the `Ingress`, for what this format has no word for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Route {
    fn root() -> String {
        "/".to_owned()
    }
}

/// A TCP or UDP port of a component that is reached from outside through a port of the nodes or a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stream {
    /// Its name, unique among routes and streams.
    pub name: PartName,
    /// The component.
    pub component: ComponentName,
    /// One of its ports.
    pub port: PortName,
    /// How it is reached.
    #[serde(default)]
    pub through: Exposure,
    /// Port of the nodes, if it must be a certain one (30000 to 32767 unless the cluster says otherwise).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_port: Option<NonZeroU16>,
}

/// How a stream is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Exposure {
    /// At a port of every node.
    #[default]
    NodePort,
    /// At an address of a load balancer, where the cluster has one.
    LoadBalancer,
}
