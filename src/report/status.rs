//! The status of a template version, wherever it is shown.

use bundle_format::statement::{Mark, ReleaseStatus};
use importer::import::VerifiedStatus;
use importer::marks::Marked;
use schemars::JsonSchema;
use serde::Serialize;

/// What whoever tests says of a template version (spec/status.md).
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkedReport {
    /// Identity of the statement: digest of the signed payload.
    pub status_id: String,
    /// `released` or `withdrawn`.
    pub status: String,
    /// Why.
    pub note: Option<String>,
    /// When, by the clock of whoever marked it: RFC 3339, UTC.
    pub marked_at: String,
    /// Keys whose signatures counted.
    pub signed_by: Vec<String>,
}

impl MarkedReport {
    fn new(id: String, mark: &Mark, signed_by: Vec<String>) -> Self {
        Self {
            status_id: id,
            status: mark.status().to_string(),
            note: mark.note().map(ToString::to_string),
            marked_at: mark.marked_at().to_string(),
            signed_by,
        }
    }

    pub fn of(status: &VerifiedStatus) -> Self {
        let signers = status.signers().iter().map(ToString::to_string).collect();
        Self::new(status.id().to_string(), status.value().predicate(), signers)
    }

    pub fn held(marked: &Marked) -> Self {
        Self::new(marked.id.clone(), &marked.mark, marked.verified_by.clone())
    }

    pub fn is_withdrawn(&self) -> bool {
        self.status == ReleaseStatus::Withdrawn.text()
    }

    /// The status in a line of a list: what must not be overlooked is in capitals.
    pub fn word(&self) -> String {
        if self.is_withdrawn() { "WITHDRAWN".to_owned() } else { self.status.clone() }
    }

    /// The status for people.
    pub fn write(&self, text: &mut String) {
        text.push_str(&format!("status   {}, marked at {}\n", self.word(), self.marked_at));
        for line in self.note.iter().flat_map(|note| note.lines()) {
            text.push_str(&format!("note     {line}\n"));
        }
    }
}

/// `sealift mark`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkReport {
    /// The file that was written.
    pub file: String,
    /// `NAME:TAG`.
    pub label: String,
    /// Digest of the version index.
    pub digest: String,
    #[serde(flatten)]
    pub marked: MarkedReport,
}

/// A status that an import brought.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportedStatus {
    /// `NAME:TAG`.
    pub label: String,
    /// Digest of the version index.
    pub digest: String,
    #[serde(flatten)]
    pub marked: MarkedReport,
}

impl ImportedStatus {
    pub fn of(status: &VerifiedStatus) -> Self {
        let said = status.value();
        Self {
            label: said.subject_name().to_owned(),
            digest: said.subject_digest().to_string(),
            marked: MarkedReport::of(status),
        }
    }

    pub fn write(&self, text: &mut String) {
        text.push_str(&format!(
            "status   {} {}, marked at {}\n",
            self.label,
            self.marked.word(),
            self.marked.marked_at
        ));
        for line in self.marked.note.iter().flat_map(|note| note.lines()) {
            text.push_str(&format!("note     {line}\n"));
        }
    }
}

/// `sealift import --status FILE` without a bundle.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ImportStatusReport {
    /// The site's folder.
    pub target: String,
    pub statuses: Vec<ImportedStatus>,
}
