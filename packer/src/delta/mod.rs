//! Patches are made here: from what the site holds to what it shall hold (spec/delta.md).

mod archive;
mod corpus;
mod encode;
mod entries;
mod inflate;
mod inner;
mod matcher;
mod plan;
mod target;

use bundle_format::Digest;
use bundle_format::delta::{Header, Spool};

pub use corpus::Corpus;

/// How hard to look for a smaller patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effort {
    /// As fast as the medium.
    Fast,
    /// Smaller than what other tools make, in no more time.
    #[default]
    Default,
    /// As small as is known how to.
    Best,
}

/// How a blob may travel.
#[derive(Debug)]
pub enum Outcome {
    /// Through a patch, which was proved to rebuild it.
    Patch(Patch),
    /// Whole, and why.
    Whole(WhyWhole),
}

/// A patch that was proved: applying it gives the blob.
#[derive(Debug)]
pub struct Patch {
    /// Its head, with the sources that it needs.
    pub header: Header,
    /// Its bytes.
    pub bytes: Spool,
    /// Their digest.
    pub digest: Digest,
    /// What made the blob's compression, for people: `Go 1.26 level 6`.
    pub compressor: String,
}

/// Why a blob travels whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyWhole {
    /// A patch would not be smaller.
    Smaller,
    /// Nothing known makes its compressed bytes again at a price that pays.
    Compressor,
}
