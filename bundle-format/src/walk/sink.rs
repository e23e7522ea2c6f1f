//! What receives the blobs of a walk.

use std::convert::Infallible;

use crate::digest::Digest;
use crate::oci::Descriptor;

/// Where proved blobs and patches go. The calls for a blob are `begin`, for a patch `begin_patch`, then `write` for its bytes in
/// order, then `commit` or `abort`; the bytes are proved only when `commit` is called.
pub trait Sink {
    /// What can go wrong there.
    type Error: std::error::Error + 'static;

    /// A blob comes.
    ///
    /// # Errors
    /// The sink's own.
    fn begin(&mut self, blob: &Descriptor) -> Result<SinkAction, Self::Error>;

    /// A patch comes; all blobs have come before.
    ///
    /// # Errors
    /// The sink's own.
    fn begin_patch(&mut self, patch: Digest, size: u64) -> Result<SinkAction, Self::Error>;

    /// Some bytes of the blob or patch.
    ///
    /// # Errors
    /// The sink's own.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// The blob or patch is whole and proved.
    ///
    /// # Errors
    /// The sink's own.
    fn commit(&mut self) -> Result<(), Self::Error>;

    /// The blob or patch is not what it should be: forget it.
    fn abort(&mut self);
}

/// What a sink wants of a blob or patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkAction {
    /// Its bytes.
    Take,
    /// Nothing: it has them. They are proved all the same.
    Pass,
}

/// Verifying writes nowhere.
impl Sink for () {
    type Error = Infallible;
    fn begin(&mut self, _: &Descriptor) -> Result<SinkAction, Infallible> {
        Ok(SinkAction::Pass)
    }
    fn begin_patch(&mut self, _: Digest, _: u64) -> Result<SinkAction, Infallible> {
        Ok(SinkAction::Pass)
    }
    fn write(&mut self, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }
    fn commit(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
    fn abort(&mut self) {}
}
