//! Lines of the log that a registry writes to stderr with `--log json`.

use schemars::JsonSchema;
use serde::Serialize;

/// One line.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum LogLine {
    /// A request that is over.
    Request(RequestLine),
    /// Something that went wrong in the server or its storage.
    Fault(FaultLine),
}

/// A request that is over. Method, target, agent and user are printable ASCII, cut to a length; other bytes, `"` and `\` are escaped.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestLine {
    /// When its head had arrived, UTC, RFC 3339.
    pub time: String,
    /// The client's address and port.
    pub peer: String,
    /// The login, if one was given and was right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    /// The answer's status; absent if the client left, or was cut off, before there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The code of a refusal (spec/registry.md).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Bytes of the answer's body that were handed to the network.
    pub sent: u64,
    /// Bytes of the request's body that were read.
    pub received: u64,
    /// From the head's arrival to the last byte that was sent.
    pub seconds: f64,
    /// `User-Agent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Whether the answer ended too soon.
    pub broken_off: bool,
}

/// Something that went wrong in the server or its storage.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FaultLine {
    /// UTC, RFC 3339.
    pub time: String,
    /// What kind of thing: as in the counter `sealift_registry_faults_total`.
    pub kind: &'static str,
    /// What happened, to what.
    pub message: String,
}
