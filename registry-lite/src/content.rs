//! What there is to serve: a site that imports while it is served, or one bundle.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::Arc;

use bundle_format::walk::Proved;
use bundle_format::{Code, Coded, Descriptor, Digest, media};

use crate::catalog::{Catalog, CatalogError, Name, NameError};
use crate::extent::{BlobRead, Extent};
use crate::server::{Content, Report, View, Watched};
use crate::store::{Store, StoreError};

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The site.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// More names than fit.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A name is none.
    #[error("a name in the index is not one: {0}")]
    Name(#[from] NameError),
    /// Watching the site fails.
    #[error("reading the site: {0}")]
    Io(#[from] io::Error),
}

impl Coded for ContentError {
    fn code(&self) -> Code {
        match self {
            Self::Store(e) => e.code(),
            Self::Catalog(_) => Code::Limit,
            Self::Name(_) => Code::SiteDamaged,
            Self::Io(_) => Code::Io,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(e) => e.hint(),
            _ => None,
        }
    }
}

/// What `store` has published, now and whenever that changes.
///
/// # Errors
/// [`ContentError`].
pub fn of_site(store: Store, report: Report) -> Result<Arc<dyn Content>, ContentError> {
    let index = store.index_path();
    let load = move || -> Result<View, ContentError> {
        Ok(View { catalog: Arc::new(catalog(store.entries()?, &store)?), blobs: Arc::new(store.clone()) })
    };
    Ok(Arc::new(Watched::new(index, load, report)?))
}

/// What a bundle holds, read where it lies. `proved` is the walk over the same file.
///
/// # Errors
/// [`ContentError`].
pub fn of_bundle(file: File, proved: &Proved) -> Result<View, ContentError> {
    let blobs = BundleBlobs { file: Arc::new(file), extents: proved.extents.clone() };
    Ok(View { catalog: Arc::new(catalog(proved.version.entries(), &blobs)?), blobs: Arc::new(blobs) })
}

/// The catalogue of these entries of an `index.json`.
///
/// # Errors
/// [`ContentError::Name`], [`ContentError::Catalog`].
pub fn catalog(entries: Vec<Descriptor>, blobs: &dyn BlobRead) -> Result<Catalog, ContentError> {
    let mut roots = Vec::new();
    for entry in entries {
        let name = match entry.annotations.get(media::REF_NAME) {
            Some(name) => name.parse()?,
            None => Name::Unnamed,
        };
        roots.push((name, entry));
    }
    Ok(Catalog::build(roots, blobs)?)
}

/// The blobs of a bundle's file.
struct BundleBlobs {
    file: Arc<File>,
    /// Offset and bytes of each.
    extents: BTreeMap<Digest, (u64, u64)>,
}

impl BlobRead for BundleBlobs {
    fn locate(&self, digest: &Digest) -> io::Result<Option<Extent>> {
        match self.extents.get(digest) {
            Some((offset, len)) => Extent::new(Arc::clone(&self.file), *offset, *len).map(Some),
            None => Ok(None),
        }
    }
}
