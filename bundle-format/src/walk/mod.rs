//! The one walk over a bundle that verify, import and serve share (spec/bundle.md section 7).

mod claimed;
mod contents;
mod error;
mod graph;
mod open;
mod patch;
mod proved;
mod sink;

pub use claimed::Claimed;
pub use error::BundleError;
pub use graph::GraphFault;
pub use open::{Bundle, Glance};
pub use patch::PatchFault;
pub use proved::Proved;
pub use sink::{Sink, SinkAction};

/// Hears how far a long work is. All methods may be called from any thread.
pub trait Progress: Sync {
    /// `bytes` more are done.
    fn advance(&self, bytes: u64);

    /// Whether the work is no longer wanted. Whoever would leave something behind asks now and then, cleans up and stops.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Nobody listens.
impl Progress for () {
    fn advance(&self, _: u64) {}
}
