//! What receives the blobs of a walk.

use std::convert::Infallible;

use crate::oci::Descriptor;

/// Where proved blobs go. The calls for a blob are `begin`, then `write` for its bytes in order, then `commit` or `abort`;
/// the bytes are proved only when `commit` is called.
pub trait Sink {
    /// What can go wrong there.
    type Error: std::error::Error + 'static;

    /// A blob comes.
    ///
    /// # Errors
    /// The sink's own.
    fn begin(&mut self, blob: &Descriptor) -> Result<SinkAction, Self::Error>;

    /// Some bytes of the blob.
    ///
    /// # Errors
    /// The sink's own.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// The blob is whole and proved.
    ///
    /// # Errors
    /// The sink's own.
    fn commit(&mut self) -> Result<(), Self::Error>;

    /// The blob is not what it should be: forget it.
    fn abort(&mut self);
}

/// What a sink wants of a blob.
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
    fn write(&mut self, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }
    fn commit(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
    fn abort(&mut self) {}
}
