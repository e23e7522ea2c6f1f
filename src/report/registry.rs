//! What `sealift registry mirrors` and `sealift registry check` give as `--json`.

use schemars::JsonSchema;
use serde::Serialize;

/// `sealift registry mirrors`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MirrorsReport {
    pub client: String,
    /// Address of the mirror.
    pub mirror: String,
    /// Registries whose images are pulled from it.
    pub registries: Vec<String>,
    pub files: Vec<MirrorFile>,
    /// What to do when the files are in place, in order.
    pub steps: Vec<String>,
    /// What to know.
    pub notes: Vec<String>,
}

/// A file of a client's configuration.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MirrorFile {
    /// Absolute path on the nodes; of a file for a tool, its name.
    pub path: String,
    /// Whether it goes to the nodes; if not, a step says what takes it.
    pub on_nodes: bool,
    /// Permissions, in octal.
    pub mode: String,
    /// Left out of a file with a login that was written.
    pub content: Option<String>,
    /// Where it was written, with `-o`.
    pub written: Option<String>,
}

/// `sealift registry check`; if something is wrong, the `details` of the error.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RegistryCheckReport {
    pub registry: String,
    pub ok: bool,
    /// Requests of the checks that passed.
    pub requests: u64,
    /// Bytes of content that they read.
    pub bytes: u64,
    pub checked: Vec<CheckedImage>,
}

/// An image, asked for as some clients ask.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckedImage {
    /// Its original name.
    pub image: String,
    /// The clients that send these requests.
    pub clients: Vec<String>,
    /// The first thing that is wrong; null: nothing.
    pub problem: Option<CheckedProblem>,
}

/// What is wrong with an answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckedProblem {
    /// Method, path and query.
    pub request: String,
    /// What was wrong with the answer.
    pub fault: String,
    /// What it means, and what to look at.
    pub meaning: String,
}
