//! How Kubernetes finds out whether a component works.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{is_header_name, is_header_value};
use super::names::PortName;

/// How Kubernetes finds out whether a component works.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probes {
    /// Whether it can do its work: until then it gets no traffic, and what depends on it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<Probe>,
    /// Whether it lives: otherwise it is restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<Probe>,
    /// Whether it has started: until then the other two do not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<Probe>,
}

impl Probes {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The probes that are given, each with the name of its field.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Probe)> {
        let all = [("readiness", &self.readiness), ("liveness", &self.liveness), ("startup", &self.startup)];
        all.into_iter().filter_map(|(name, probe)| probe.as_ref().map(|probe| (name, probe)))
    }
}

/// A probe: exactly one of `http`, `tcp` and `exec`. The times are Kubernetes' own and default as there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Probe {
    /// An HTTP request that is answered with 200 to 399.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpProbe>,
    /// A connection that is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpProbe>,
    /// A command in the container that exits with 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<ExecProbe>,
    /// Seconds before the first probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_delay_seconds: Option<u16>,
    /// Seconds between probes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_seconds: Option<NonZeroU16>,
    /// Seconds after which a probe has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<NonZeroU16>,
    /// Failures in a row before it counts as failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<NonZeroU16>,
    /// Successes in a row before it counts as working again; only for `readiness`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_threshold: Option<NonZeroU16>,
}

/// An HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpProbe {
    /// One of the component's ports.
    pub port: PortName,
    /// Path and query, beginning with `/`.
    pub path: String,
    /// With or without TLS (the certificate is not checked).
    #[serde(default)]
    pub scheme: Scheme,
    /// Headers of the request, by their names; `Host` is the name that is asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

impl HttpProbe {
    /// Adds a header to those of a request and gives whether a template can say it: its name is one (RFC 9110 section 5.1) and
    /// none of `headers` has it, whatever its case, and its value is one line of ASCII.
    #[must_use]
    pub fn add_header(headers: &mut BTreeMap<String, String>, name: &str, value: &str) -> bool {
        let is_there = headers.keys().any(|other| other.eq_ignore_ascii_case(name));
        let good = !is_there && is_header_name(name) && is_header_value(value);
        if good {
            headers.insert(name.to_owned(), value.to_owned());
        }
        good
    }
}

/// Schemes of HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Scheme {
    /// Without TLS.
    #[default]
    Http,
    /// With TLS.
    Https,
}

/// A TCP connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TcpProbe {
    /// One of the component's ports.
    pub port: PortName,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecProbe {
    /// The command and its arguments; no shell unless it names one.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
}
