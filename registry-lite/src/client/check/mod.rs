//! Asking a registry what each kind of client will ask it, before the clients do (spec/registry.md, "How to know that clients
//! will be served"). What comes back is held against the image's own digests and sizes, and against what that client depends on.

mod answer;
mod fault;
mod manner;
mod replay;

use std::time::Duration;

use bundle_format::{Digest, ImageRef};

pub use fault::{Fault, Problem};
pub use manner::Manner;

use super::{ClientError, Registry};

type Checked<T> = Result<T, Box<Problem>>;

/// How long the answer to what is not there may take. Whoever asks other registries first takes longer.
const QUICK: Duration = Duration::from_secs(2);

/// An image that clients will ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its original name.
    pub image: ImageRef,
    /// What the name stands for, where that is known.
    pub digest: Option<Digest>,
}

/// How much of an image's content is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Manifests, the configuration, and of the first layer a small one whole, of a large one a part.
    Part,
    /// All layers of one platform.
    Full,
}

/// What was asked for, and is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    /// Requests.
    pub requests: u32,
    /// Bytes of content that were read.
    pub bytes: u64,
}

impl Registry {
    /// Asks for `wanted` as clients of this `manner` do: the manifest by its name, one platform of an index, the
    /// configuration and layers by their digests, a range of a layer, and something that is not there. Nothing is asked twice.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, manner: Manner, wanted: &Wanted, depth: Depth) -> Result<Passed, Box<Problem>> {
        replay::Replay::new(self, manner, wanted).run(wanted, depth)
    }

    /// Whether the registry answers at all, asked once.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], [`ClientError::Unauthorized`], [`ClientError::Refused`].
    pub fn answers(&self) -> Result<(), ClientError> {
        self.pinged(false)
    }
}
