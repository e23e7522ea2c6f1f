//! Records of installations (spec/plan.md section 7): what was done, and what it takes to go back.

mod given;

use std::collections::BTreeMap;

use bundle_format::template::{ComponentName, TemplateVersion};
use bundle_format::{Digest, ImageRef};
use serde::{Deserialize, Serialize};

use crate::engine::ImageNames;
use crate::plan::Overlay;
use crate::render::SecretValues;
use crate::target::{ObjectId, Place};

pub use given::Given;

/// Type of the Secrets that are records on a cluster.
pub(crate) const SECRET_TYPE: &str = "sealift.dev/record.v1";

/// One action on an installation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Counts the installation's records, from 1.
    pub number: u64,
    /// What was done.
    pub action: Action,
    /// How far it came.
    pub status: Status,
    /// When it began: RFC 3339, UTC, by the clock of the machine that did it.
    pub time: String,
    /// Who did it: `USER@HOST`.
    #[serde(default)]
    pub by: String,
    /// Version of the template.
    pub version: TemplateVersion,
    /// Revision of the version.
    pub revision: u32,
    /// Digest of the version index.
    pub digest: Digest,
    /// Digests of the versions that it completes itself from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub completes: Vec<Digest>,
    /// Components that are those of another version, and its digest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ahead: BTreeMap<ComponentName, Digest>,
    /// What it was installed on.
    pub target: String,
    /// Optional components that are switched on.
    pub enabled: Vec<ComponentName>,
    /// The site's values, where they are not the vendor's.
    #[serde(default)]
    pub overlay: Overlay,
    /// The site's values as the action found them, before it changed anything.
    #[serde(default)]
    pub found: Overlay,
    /// The record that held before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// The record that a rollback returned to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// How images are named for pods.
    #[serde(default)]
    pub naming: ImageNames,
    /// The Secret that holds the login for the images' registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_secret: Option<String>,
    /// Images, as they were rendered.
    pub images: BTreeMap<ImageRef, String>,
    /// Every object of the installation.
    #[serde(default)]
    pub inventory: Vec<Item>,
    /// Values of the generated secrets.
    #[serde(default)]
    pub secrets: SecretValues,
    /// What it was given, as long as the next action may continue it: while it is begun, and after it was interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Given>,
    /// Why it failed, or who was told what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Most characters of a record's message; what is cut is where nobody looks for it, and was told when it happened.
const MESSAGE: usize = 2000;

/// Bytes that are left free in a record that is begun, so that it can be written when it failed: a message, at most six bytes for a
/// character, and what else changes.
const ROOM: usize = 16 << 10;

impl Record {
    /// Says of an action that it failed, and why.
    pub fn fail(&mut self, why: &str) {
        self.status = Status::Failed;
        self.message = Some(match why.char_indices().nth(MESSAGE) {
            Some((at, _)) => format!("{}…", why.get(..at).unwrap_or_default()),
            None => why.to_owned(),
        });
    }

    /// Bytes that must be left free where the record is written: what is begun will have to say how it ended.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.status == Status::Begun { ROOM } else { 0 }
    }

    /// The record without anything that a Secret's value could be learned from: neither generated values, nor what the site decided
    /// about Secrets of manifests, nor digests of Secrets, which let a weak password be guessed.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let mut open = Self { secrets: SecretValues::new(), ..self.clone() };
        let clear = |overlay: &mut Overlay| *overlay = std::mem::take(overlay).parted().0;
        clear(&mut open.overlay);
        clear(&mut open.found);
        if let Some(given) = &mut open.given {
            clear(&mut given.values);
        }
        for item in open.inventory.iter_mut().filter(|item| item.object.kind == "Secret") {
            item.digest = Digest::of(b"");
        }
        open
    }
}

/// An object of an installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// What names it.
    pub object: ObjectId,
    /// The file that it was rendered into.
    pub file: String,
    /// The component that it belongs to, if to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentName>,
    /// Digest of what was applied, as compact JSON.
    pub digest: Digest,
    /// Whether the version no longer has it, and it was left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub orphan: bool,
}

/// What a record is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A version was installed where there was none.
    Install,
    /// A version took another's place, or values were changed.
    Upgrade,
    /// An earlier state was returned to.
    Rollback,
    /// It was removed.
    Uninstall,
}

/// How far an action came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It began. If this is what a record says later, it was interrupted.
    Begun,
    /// It ended well.
    Done,
    /// It ended with an error.
    Failed,
}

/// An installation and its last record.
#[derive(Debug, Clone)]
pub struct Installation {
    /// Where it is.
    pub place: Place,
    /// Its last record.
    pub record: Record,
}
