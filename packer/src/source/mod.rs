//! Where the images of a template come from: OCI layouts, OCI archives and docker archives, read in place and by digest.
//!
//! Every source is an immutable view. Names inside an archive are looked up in a table in memory and never become paths;
//! nothing is extracted; and what a source hands out is not proved until a
//! [`VerifiedReader`](bundle_format::VerifiedReader) has read it to its end.

mod archive;
mod choose;
mod compression;
mod docker;
mod folder;
mod layout;
mod registry;
mod spec;
mod table;
mod tree;

use bundle_format::{BlobSource, Descriptor, SourceError};

pub use registry::registry_image;
pub use spec::{FileKind, FileSpec, SourceSpec, SpecError};

/// A source of one image: its manifest or index, and every blob below.
///
/// [`BlobSource::open`] may be called from several threads at once.
pub trait ImageSource: BlobSource {
    /// The descriptor of the image's manifest or index, without the names that the source calls it by.
    ///
    /// # Errors
    /// Those of asking the source, where it is asked only now.
    fn root(&self) -> Result<Descriptor, SourceError>;
}

/// The source's refusal, with the place.
fn refused(place: &str, why: impl Into<String>) -> SourceError {
    SourceError::Refused { place: place.to_owned(), why: why.into() }
}

/// A name that the source made up, for a message: on one line, and cut to 300 characters.
fn quoted(name: &str) -> String {
    format!("{:?}", name.chars().take(300).collect::<String>())
}
