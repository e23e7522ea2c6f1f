//! What the verbs give as `--json`. The types are the schema: `spec/schema/output.schema.json` is made from them.

mod log;
mod registry;

use bundle_format::Digest;
use bundle_format::statement::{Release, Statement};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;

pub use log::{FaultLine, LogLine, RequestLine};
pub use registry::{CheckedImage, CheckedProblem, MirrorFile, MirrorsReport, RegistryCheckReport};

/// A failure, on stdout with `--json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorReport {
    error: ErrorBody,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ErrorBody {
    /// Stable code (spec/errors.md).
    code: &'static str,
    /// Exit code of the command.
    exit: u8,
    message: String,
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<serde_json::Value>,
}

impl ErrorReport {
    pub fn of(failure: &Failure) -> Self {
        Self {
            error: ErrorBody {
                code: failure.code.text(),
                exit: failure.code.exit() as u8,
                message: failure.message.clone(),
                hint: failure.hint.clone(),
                details: failure.details.clone(),
            },
        }
    }
}

/// `sealift keygen`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeygenReport {
    pub private_key: String,
    pub public_key: String,
    pub key_id: String,
    pub encrypted: bool,
}

/// `sealift pack`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PackReport {
    /// The file that was written.
    pub bundle: String,
    /// Its bytes.
    pub size: u64,
    #[serde(flatten)]
    pub release: ReleaseReport,
}

/// A release, wherever it is shown.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseReport {
    /// Identity of the release: digest of the signed payload.
    pub release_id: String,
    pub name: String,
    pub version: String,
    pub revision: u32,
    /// Digest of the version index.
    pub digest: String,
    pub channel: Option<String>,
    pub issued_at: Option<String>,
    pub images: Vec<ImageReport>,
}

impl ReleaseReport {
    pub fn of(id: Digest, statement: &Statement<Release>) -> Self {
        let release = statement.predicate();
        let image = |i: &bundle_format::statement::ReleasedImage| ImageReport {
            name: i.name.to_string(),
            digest: i.digest.to_string(),
        };
        Self {
            release_id: id.to_string(),
            name: release.name().to_string(),
            version: release.version().to_string(),
            revision: release.revision(),
            digest: statement.subject_digest().to_string(),
            channel: release.channel.clone(),
            issued_at: release.issued_at.clone(),
            images: release.images().iter().map(image).collect(),
        }
    }

    /// The release for people.
    pub fn write(&self, text: &mut String) {
        let revision = if self.revision > 1 { format!(", revision {}", self.revision) } else { String::new() };
        text.push_str(&format!("release  {} {}{revision}\n", self.name, self.version));
        text.push_str(&format!("id       {}\n", self.release_id));
        text.push_str(&format!("content  {}\n", self.digest));
        for (label, value) in [("channel", &self.channel), ("issued", &self.issued_at)] {
            if let Some(value) = value {
                text.push_str(&format!("{label:8} {value}\n"));
            }
        }
        for image in &self.images {
            text.push_str(&format!("image    {} {}\n", image.name, image.digest));
        }
    }
}

/// An image of a release.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ImageReport {
    pub name: String,
    pub digest: String,
}

/// `sealift verify`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    pub verified: bool,
    /// Keys whose signatures counted.
    pub signed_by: Vec<String>,
    pub size: u64,
    pub members: usize,
    /// Platforms that the content was narrowed to; empty: all.
    pub platforms: Vec<String>,
    #[serde(flatten)]
    pub release: ReleaseReport,
}

/// `sealift inspect`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectReport {
    /// Whether the signatures of the head were checked with a key. The content is checked by `verify`.
    pub signatures_checked: bool,
    /// Keys that signed, or without a key: that are named as signers.
    pub signers: Vec<String>,
    pub size: u64,
    pub platforms: Vec<String>,
    /// Manifests that were left out with the other platforms.
    pub omitted: Vec<String>,
    pub members: Vec<MemberReport>,
    #[serde(flatten)]
    pub release: ReleaseReport,
}

/// A member of a bundle.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MemberReport {
    pub name: String,
    pub size: u64,
    pub sha256: String,
}

/// `sealift import`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Where the content went: a folder or a registry.
    pub target: String,
    pub release_id: String,
    /// `NAME:TAG`.
    pub label: String,
    pub digest: String,
    pub images: Vec<String>,
    pub blobs_written: u64,
    pub bytes_written: u64,
    pub blobs_present: u64,
    pub bytes_present: u64,
}

/// `sealift list`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListReport {
    pub site: String,
    pub templates: Vec<ListedTemplate>,
    pub installations: Vec<ListedInstallation>,
}

/// A template version that a site holds.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedTemplate {
    pub name: String,
    pub version: String,
    pub revision: u32,
    pub digest: String,
    pub title: Option<String>,
    /// Releases that vouch for it.
    pub releases: Vec<String>,
    /// Keys that it was verified with at import.
    pub verified_by: Vec<String>,
    pub images: Vec<ImageReport>,
    /// Bytes of all its content that is here.
    pub size: u64,
    /// Whether some platforms of its images are not here.
    pub partial: bool,
}

/// An installation that a site has made.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedInstallation {
    pub namespace: String,
    pub name: String,
    pub version: String,
    pub revision: u32,
    pub target: String,
    pub record: u64,
    /// Whether the last action ended; if not, it was interrupted.
    pub complete: bool,
}

/// `sealift install`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallReport {
    pub name: String,
    pub version: String,
    pub revision: u32,
    /// Version and revision, as the tag in the registry.
    pub tag: String,
    pub namespace: String,
    pub target: String,
    /// Number of the installation's record.
    pub record: u64,
    /// Files that were written, in the order in which they apply.
    pub files: Vec<String>,
}

/// `sealift template check`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    pub file: String,
    pub ok: bool,
    /// Line, column, path, severity, code, message and hint of each.
    pub problems: Vec<serde_json::Value>,
}

/// `sealift demo`.
#[cfg(feature = "demo")]
#[derive(Debug, Serialize, JsonSchema)]
pub struct DemoReport {
    /// The folder that was left behind.
    pub dir: String,
    /// What was shown, in order.
    pub steps: Vec<DemoStep>,
}

/// A step of the demonstration.
#[cfg(feature = "demo")]
#[derive(Debug, Serialize, JsonSchema)]
pub struct DemoStep {
    /// The command that does the same.
    pub command: String,
    /// What came of it.
    pub result: String,
}

/// What each verb gives with `--json`; every verb may give `error` instead.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used")]
pub struct Outputs {
    error: ErrorReport,
    keygen: KeygenReport,
    pack: PackReport,
    inspect: InspectReport,
    verify: VerifyReport,
    import: ImportReport,
    list: ListReport,
    install: InstallReport,
    template_check: CheckReport,
    registry_serve: ServeReport,
    registry_mirrors: MirrorsReport,
    registry_check: RegistryCheckReport,
    registry_serve_log: LogLine,
    #[cfg(feature = "demo")]
    demo: DemoReport,
}

/// `sealift registry serve`, once it listens.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ServeReport {
    /// Address and port.
    pub listen: String,
    /// The site or the bundle.
    pub content: String,
}
