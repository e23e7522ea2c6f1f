//! Collection: what no name needs any more is found, shown, and removed (spec/site.md, "Collection").
//!
//! `index.json` alone says what is needed; what was pushed, mounted or asked for lately is kept too, since its manifest may be
//! on the way. Collection holds `lock`, so no import runs beside it. Pushes do: blobs go in small batches under
//! `publish.lock`, and before each of them everything that came since is looked at.

mod document;
mod free;
mod keep;
mod list;
mod plan;

use std::collections::BTreeSet;
use std::time::Duration;

use bundle_format::{Code, Coded};

use crate::digest::ContentDigest;
use crate::store::StoreError;

pub use free::Freed;
pub use keep::{Unreadable, Why};
pub use plan::{KeptUntagged, Plan, Planned};

/// How long what was pushed waits for its manifest, unless the operator says otherwise.
pub const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// Documents that an error names.
const NAMED: usize = 5;

/// What a collection goes by.
#[derive(Debug, Clone)]
pub struct CollectOptions {
    /// How long something is kept after it was pushed, mounted or asked for by somebody who may push.
    pub grace: Duration,
    /// Whether manifests without a tag are kept.
    pub keep_untagged: bool,
    /// What installations were made of.
    pub pins: BTreeSet<ContentDigest>,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self { grace: GRACE, keep_untagged: false, pins: BTreeSet::new() }
    }
}

/// Why nothing was collected, or not all.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What cannot be read may need anything.
    #[error("what is needed cannot be told: {}", list(documents))]
    Unreadable {
        /// The documents.
        documents: Vec<Unreadable>,
    },
}

fn list(documents: &[Unreadable]) -> String {
    let named: Vec<_> =
        documents.iter().take(NAMED).map(|d| format!("{} of {}: {}", d.digest, d.name, d.why)).collect();
    match documents.len().saturating_sub(NAMED) {
        0 => named.join("; "),
        more => format!("{}; and {more} more", named.join("; ")),
    }
}

impl Coded for CollectError {
    fn code(&self) -> Code {
        match self {
            Self::Store(e) => e.code(),
            Self::Unreadable { .. } => Code::SiteDamaged,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(e) => e.hint(),
            Self::Unreadable { .. } => Some(
                "run `sealift registry fsck`; then import or push again what it names, or delete the name, and collect again"
                    .to_owned(),
            ),
        }
    }
}
