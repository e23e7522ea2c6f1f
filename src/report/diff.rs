//! What `sealift diff --json` gives.

use importer::diff::{Change, Diff, Entry, FieldChange, FilesDiff, Opened, PlatformDiff};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// `sealift diff`. What is the same in both versions is left out, but for layers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiffReport {
    pub signatures_checked: bool,
    /// Whether anything differs.
    pub different: bool,
    pub old: DiffedBundle,
    pub new: DiffedBundle,
    /// Fields of the template outside of its components.
    pub template: Vec<DiffedField>,
    pub components: Vec<DiffedComponent>,
    pub documents: Vec<DiffedDocument>,
    pub images: Vec<DiffedImage>,
    /// Bytes of content that both versions need; every blob counts once.
    pub shared_bytes: u64,
    /// Bytes of content that only the new version needs: about what travels where layers are shared.
    pub new_bytes: u64,
    /// Bytes of content that only the old version needs.
    pub gone_bytes: u64,
}

/// A side of the comparison.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffedBundle {
    pub bundle: String,
    /// `NAME:TAG`.
    pub label: String,
    pub digest: String,
    /// Bytes of the bundle.
    pub size: u64,
}

/// A field that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffedField {
    pub path: String,
    /// Not there if the field was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// Not there if the field was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// A component that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffedComponent {
    pub name: String,
    pub change: ChangeReport,
    pub fields: Vec<DiffedField>,
}

/// A document that differs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiffedDocument {
    pub path: String,
    pub change: ChangeReport,
    pub old_size: Option<u64>,
    pub new_size: Option<u64>,
    /// Objects of Kubernetes in it that differ.
    pub objects: Vec<DiffedObject>,
}

/// An object of Kubernetes that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffedObject {
    /// `KIND NAMESPACE/NAME`, or `KIND NAME`.
    pub object: String,
    pub change: ChangeReport,
}

/// An image that differs. Images of one repository are paired, whatever their tags.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiffedImage {
    pub change: ChangeReport,
    pub old_name: Option<String>,
    pub new_name: Option<String>,
    pub old_digest: Option<String>,
    pub new_digest: Option<String>,
    pub platforms: Vec<DiffedPlatform>,
}

/// A platform of an image that differs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiffedPlatform {
    pub platform: String,
    pub change: ChangeReport,
    pub old_digest: Option<String>,
    pub new_digest: Option<String>,
    /// Fields of the image's configuration that differ.
    pub config: Vec<DiffedField>,
    pub layers: Vec<DiffedLayer>,
    /// Files that differ; null if they were not compared.
    pub files: Option<Vec<DiffedFile>>,
    /// Why files were not compared.
    pub files_not_compared: Option<String>,
}

/// A layer of an image that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffedLayer {
    pub digest: String,
    pub size: u64,
    pub change: ChangeReport,
    /// Whether a bundle carries the layer as it is.
    pub carried: bool,
}

/// A file in the layers that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffedFile {
    /// To be shown, never to be opened.
    pub path: String,
    pub change: ChangeReport,
    pub old: Option<EntryReport>,
    pub new: Option<EntryReport>,
}

/// What an image has at a path.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EntryReport {
    /// `file`, `directory`, `symlink`, `hardlink`, `device`, `fifo` or `other`.
    pub kind: &'static str,
    pub size: u64,
    /// Permissions, octal.
    pub mode: String,
    pub uid: u64,
    pub gid: u64,
    /// Of the content, or of where a link points.
    pub sha256: String,
}

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ChangeReport {
    Added,
    Removed,
    Changed,
    Same,
}

impl ChangeReport {
    fn of(change: Change) -> Self {
        match change {
            Change::Added => Self::Added,
            Change::Removed => Self::Removed,
            Change::Changed => Self::Changed,
            Change::Same => Self::Same,
        }
    }

    /// For people: a sign in front of a line.
    pub fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '~',
            Self::Same => '=',
        }
    }
}

impl DiffReport {
    pub fn of(old: &Opened, new: &Opened, diff: Diff, signatures_checked: bool) -> Self {
        let side = |b: &Opened| DiffedBundle {
            bundle: b.place().to_owned(),
            label: b.version().label(),
            digest: b.version().raw().descriptor().digest.to_string(),
            size: b.len(),
        };
        let different = !diff.is_empty();
        let components = diff.components.into_iter().map(|c| DiffedComponent {
            name: c.name,
            change: ChangeReport::of(c.change),
            fields: fields(c.fields),
        });
        let documents = diff.documents.into_iter().map(|d| DiffedDocument {
            path: d.path,
            change: ChangeReport::of(d.change),
            old_size: d.old_size,
            new_size: d.new_size,
            objects: (d.objects.into_iter())
                .map(|o| DiffedObject { object: o.object, change: ChangeReport::of(o.change) })
                .collect(),
        });
        let images = diff.images.into_iter().map(|i| DiffedImage {
            change: ChangeReport::of(i.change),
            old_digest: i.old.as_ref().map(|o| o.1.to_string()),
            new_digest: i.new.as_ref().map(|n| n.1.to_string()),
            old_name: i.old.map(|o| o.0),
            new_name: i.new.map(|n| n.0),
            platforms: i.platforms.into_iter().map(platform).collect(),
        });
        Self {
            signatures_checked,
            different,
            old: side(old),
            new: side(new),
            template: fields(diff.template),
            components: components.collect(),
            documents: documents.collect(),
            images: images.collect(),
            shared_bytes: diff.totals.shared,
            new_bytes: diff.totals.new,
            gone_bytes: diff.totals.gone,
        }
    }
}

fn fields(fields: Vec<FieldChange>) -> Vec<DiffedField> {
    fields.into_iter().map(|f| DiffedField { path: f.path, old: f.old, new: f.new }).collect()
}

fn platform(p: PlatformDiff) -> DiffedPlatform {
    let layers = p.layers.into_iter().map(|l| DiffedLayer {
        digest: l.digest.to_string(),
        size: l.size,
        change: ChangeReport::of(l.change),
        carried: l.carried,
    });
    let (files, files_not_compared) = match p.files {
        Some(FilesDiff::Compared(files)) => (Some(files), None),
        Some(FilesDiff::NotCompared(why)) => (None, Some(why)),
        None => (None, None),
    };
    let file = |f: importer::diff::FileChange| DiffedFile {
        path: f.path,
        change: ChangeReport::of(f.change),
        old: f.old.map(entry),
        new: f.new.map(entry),
    };
    DiffedPlatform {
        platform: p.platform,
        change: ChangeReport::of(p.change),
        old_digest: p.old.map(|d| d.to_string()),
        new_digest: p.new.map(|d| d.to_string()),
        config: fields(p.config),
        layers: layers.collect(),
        files: files.map(|files| files.into_iter().map(file).collect()),
        files_not_compared,
    }
}

fn entry(e: Entry) -> EntryReport {
    let (uid, gid) = e.owner;
    EntryReport { kind: e.kind, size: e.size, mode: format!("{:04o}", e.mode), uid, gid, sha256: e.digest.hex() }
}
