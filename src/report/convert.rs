//! What `sealift template from-… --json` gives.

use packer::convert::{Draft, Note, NoteKind, Written};
use schemars::JsonSchema;
use serde::Serialize;

/// `sealift template from-compose`, `from-manifests`, `from-rainbond`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConvertReport {
    /// The template that was written.
    pub template: String,
    /// Whether `template check` finds no error in it.
    pub ok: bool,
    /// Components in it.
    pub components: usize,
    /// Files that were written beside it.
    pub files: Vec<String>,
    /// What to know about the conversion, the most pressing first.
    pub notes: Vec<NoteReport>,
}

/// Something to know about a conversion.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NoteReport {
    pub kind: NoteKindReport,
    /// The component that it is about, if it is about one.
    pub component: Option<String>,
    pub text: String,
}

/// What became of something in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKindReport {
    /// The written template has an error here.
    Invalid,
    /// It was not converted.
    NotConverted,
    /// It was converted in a way that a person should look at.
    LookAt,
    /// It was converted, into something that looks different.
    Changed,
}

impl ConvertReport {
    pub fn of(draft: &Draft, written: &Written) -> Self {
        Self {
            template: written.template.display().to_string(),
            ok: written.is_valid(),
            components: draft.template.components.len(),
            files: written.files.iter().map(ToString::to_string).collect(),
            notes: written.notes.iter().map(NoteReport::of).collect(),
        }
    }
}

impl NoteReport {
    fn of(note: &Note) -> Self {
        let kind = match note.kind {
            NoteKind::Invalid => NoteKindReport::Invalid,
            NoteKind::Left => NoteKindReport::NotConverted,
            NoteKind::Look => NoteKindReport::LookAt,
            NoteKind::Changed => NoteKindReport::Changed,
        };
        Self { kind, component: note.component.clone(), text: note.text.clone() }
    }
}
