//! What the verbs give as `--json`. The types are the schema: `spec/schema/output.schema.json` is made from them.

mod backup;
#[cfg(feature = "packer")]
mod convert;
mod delta;
mod diff;
mod log;
mod plan;
mod registry;
mod removal;
mod status;
mod template;

use bundle_format::Digest;
use bundle_format::statement::{Release, Statement};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;

pub use backup::{ExportInstallationReport, ImportInstallationReport, MovedReport};
#[cfg(feature = "packer")]
pub use convert::ConvertReport;
#[cfg(feature = "packer")]
pub use delta::ComparedReport;
pub use delta::{CarriageReport, LackingReport};
pub use diff::{DiffReport, DiffedField, DiffedFile, DiffedPlatform};
pub use log::{FaultLine, LogLine, RequestLine};
pub use plan::{
    ComponentStateReport, HistoryReport, PlanReport, RecordReport, StatusReport, Subject, ValueReport, write_plan,
};
pub use registry::{CheckedImage, CheckedProblem, MirrorFile, MirrorsReport, RegistryCheckReport};
pub use removal::UninstallReport;
pub use status::{ImportStatusReport, ImportedStatus, MarkReport, MarkedReport};
#[cfg(feature = "packer")]
pub use template::FindImagesReport;
pub use template::ShowReport;

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
    /// `full`, `delta` or `compact`.
    pub kind: String,
    /// How the blobs of a delta or compact bundle travel.
    #[cfg(feature = "packer")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared: Option<ComparedReport>,
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
    /// `full`, `delta` or `compact`.
    pub kind: String,
    /// What is left to the site: in a delta or compact bundle, and proved by the import alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_to_site: Option<CarriageReport>,
    /// The status that counts, of those that were given with `--status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_status: Option<MarkedReport>,
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
    /// `full`, `delta` or `compact`.
    pub kind: String,
    /// What is left to the site: in a delta or compact bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_to_site: Option<CarriageReport>,
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
    /// Blobs that were made from others.
    pub blobs_rebuilt: u64,
    pub bytes_rebuilt: u64,
    pub blobs_present: u64,
    pub bytes_present: u64,
    /// Statuses that came with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<ImportedStatus>,
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
    /// What whoever tests says of it; none if nothing was imported.
    pub release_status: Option<MarkedReport>,
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
    /// Whether the last action ended well; if not, it failed or was interrupted.
    pub complete: bool,
    /// The status of the version that it has.
    pub release_status: Option<MarkedReport>,
    /// A higher version that the site holds, and that is not withdrawn.
    pub upgrade: Option<String>,
    /// The status of that one.
    pub upgrade_status: Option<MarkedReport>,
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
    diff: DiffReport,
    verify: VerifyReport,
    mark: MarkReport,
    import: ImportReport,
    /// `import --status` without a bundle.
    import_status: ImportStatusReport,
    /// `error.details` of an import that lacks its base.
    import_lacking: LackingReport,
    list: ListReport,
    install: PlanReport,
    plan: PlanReport,
    upgrade: PlanReport,
    rollback: PlanReport,
    history: HistoryReport,
    status: StatusReport,
    uninstall: UninstallReport,
    export_installation: ExportInstallationReport,
    import_installation: ImportInstallationReport,
    template_check: CheckReport,
    /// `template from-compose`, `from-manifests` and `from-rainbond`.
    #[cfg(feature = "packer")]
    template_from: ConvertReport,
    template_show: ShowReport,
    #[cfg(feature = "packer")]
    template_find_images: FindImagesReport,
    registry_serve: ServeReport,
    registry_gc: GcReport,
    registry_fsck: FsckReport,
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

/// `sealift registry gc`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GcReport {
    pub site: String,
    /// Tagged names that are kept.
    pub tagged: u64,
    /// Manifests without a tag that are kept.
    pub untagged: u64,
    pub kept_blobs: u64,
    pub kept_bytes: u64,
    /// The kept manifests without a tag that need most, largest first.
    pub largest_untagged: Vec<KeptUntaggedReport>,
    /// Manifests without a tag that go: their names, or digests where they have none.
    pub going: Vec<String>,
    /// Blobs that go, by the plan.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What went; not with `--dry-run`.
    pub freed: Option<FreedReport>,
}

/// Something without a tag that a collection keeps.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeptUntaggedReport {
    pub name: String,
    /// Bytes that it reaches; others may need some of them too.
    pub bytes: u64,
    pub why: String,
}

/// What a collection removed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FreedReport {
    /// Manifests without a tag that are no longer named.
    pub names: u64,
    pub blobs: u64,
    /// Bytes of the blobs' files.
    pub bytes: u64,
    /// Notes about single blobs that no longer matter.
    pub marks: u64,
    /// Damaged blobs that nobody needs any more.
    pub quarantined: u64,
    pub quarantined_bytes: u64,
}

/// `sealift registry fsck`; in `error.details` if it found something.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FsckReport {
    pub site: String,
    pub ok: bool,
    /// Blobs that were read whole.
    pub blobs: u64,
    pub bytes: u64,
    pub findings: Vec<FindingReport>,
}

/// Something that is not as it should be.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindingReport {
    /// `damaged`, `flaky`, `missing`, `size`, `name`, `index`, or `foreign`, which does not count as a failure.
    pub kind: String,
    pub digest: Option<String>,
    /// Whether it was set aside.
    pub quarantined: bool,
    /// Some of the names that need it.
    pub needed_by: Vec<String>,
    pub message: String,
}
