//! Where content goes, and where what a delta is made from is found: a site's store, or a registry.

use std::io::Read;
use std::path::Path;

use bundle_format::Digest;
use bundle_format::statement::Rebuild;

use super::ImportError;

/// A blob that may be there already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub digest: Digest,
    pub size: u64,
    /// `NAME:TAG` of the template versions that it belongs to.
    pub bases: bundle_format::statement::BaseSet,
    pub list: &'a Rebuild,
}

/// How a blob was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Whole,
    Missing,
    Damaged,
}

/// What an import needs of the place that it fills. Used by several threads at once.
pub(super) trait Place: Sync {
    /// What to call it in messages.
    fn name(&self) -> String;

    /// Whether the blob is there, and whole as far as this place is to be asked; hears of bytes that were read for that.
    fn find(&self, blob: &Wanted<'_>, read: &dyn Fn(u64)) -> Result<Found, ImportError>;

    /// Whether [`Place::find`] has read what it calls whole.
    fn reads_what_it_finds(&self) -> bool;

    /// Makes a blob that was found one of the template version that is imported.
    fn adopt(&self, blob: &Wanted<'_>) -> Result<(), ImportError>;

    /// Opens a blob that was found, or committed before. What comes out is not proved.
    fn open(&self, blob: &Wanted<'_>) -> Result<Box<dyn Read + Send + '_>, ImportError>;

    /// Starts to write a blob.
    fn write(&self, digest: Digest, size: u64) -> Result<Box<dyn Incoming + '_>, ImportError>;

    /// Waits until what was committed can be opened.
    fn settle(&self) -> Result<(), ImportError>;

    /// Refuses work that needs more room: for what stays, and for temporary files.
    fn check_space(&self, stays: u64, temporary: u64) -> Result<(), ImportError>;

    /// The folder for temporary files.
    fn temporary(&self) -> &Path;
}

/// A blob that is being written. Dropping it forgets it.
pub(super) trait Incoming: Send {
    /// Adds bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), ImportError>;

    /// The blob is whole and proved.
    fn commit(self: Box<Self>) -> Result<(), ImportError>;
}
