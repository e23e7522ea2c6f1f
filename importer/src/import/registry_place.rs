//! A registry, as the place that an import fills.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use bundle_format::{Descriptor, Digest};
use registry_lite::client::{ClientError, Upload};
use registry_lite::store::free_space;

use super::place::{Found, Incoming, Place, Wanted};
use super::registry::bring;
use super::{ImportError, RegistryTarget};

/// What a blob is called whose media type does not matter.
const BYTES: &str = "application/octet-stream";

pub(super) struct RegistryPlace<'a> {
    target: &'a RegistryTarget,
    /// The repository that gets every blob.
    home: &'a str,
    temporary: PathBuf,
}

impl<'a> RegistryPlace<'a> {
    pub fn new(target: &'a RegistryTarget, home: &'a str) -> Self {
        Self { target, home, temporary: std::env::temp_dir() }
    }

    /// The repository that holds the blob: the home, or one that an import of one of its bases has filled.
    fn repository(&self, blob: &Wanted<'_>) -> Result<Option<String>, ClientError> {
        let descriptor = Descriptor::new(BYTES, blob.digest, blob.size);
        let names = blob.list.names(blob.bases);
        let names: BTreeSet<_> = names.iter().filter_map(|label| label.split(':').next()).collect();
        let bases = names.into_iter().map(|name| self.target.repository(&format!("sealift/{name}")));
        let mut all = std::iter::once(self.home.to_owned()).chain(bases.filter(|name| name != self.home));
        all.find_map(|name| match self.target.registry.has_blob(&name, &descriptor) {
            Ok(false) => None,
            Ok(true) => Some(Ok(name)),
            Err(e) => Some(Err(e)),
        })
        .transpose()
    }
}

impl Place for RegistryPlace<'_> {
    fn name(&self) -> String {
        self.target.registry.host().to_owned()
    }

    fn find(&self, blob: &Wanted<'_>, read: &dyn Fn(u64)) -> Result<Found, ImportError> {
        // A registry proves what it takes. Fetching all of it would cost more than sending the full bundle.
        let found = self.repository(blob)?.map_or(Found::Missing, |_| Found::Whole);
        read(blob.size);
        Ok(found)
    }

    fn reads_what_it_finds(&self) -> bool {
        false
    }

    fn adopt(&self, blob: &Wanted<'_>) -> Result<(), ImportError> {
        match self.repository(blob)? {
            Some(from) => Ok(bring(self.target, self.home, &Descriptor::new(BYTES, blob.digest, blob.size), &from)?),
            None => Ok(()),
        }
    }

    fn open(&self, blob: &Wanted<'_>) -> Result<Box<dyn Read + Send + '_>, ImportError> {
        let registry = &self.target.registry;
        let repository = self.repository(blob)?.unwrap_or_else(|| self.home.to_owned());
        Ok(Box::new(registry.open_blob(&repository, &Descriptor::new(BYTES, blob.digest, blob.size))?))
    }

    fn write(&self, digest: Digest, size: u64) -> Result<Box<dyn Incoming + '_>, ImportError> {
        let upload = self.target.registry.start_upload(self.home)?;
        Ok(Box::new(Pushed { upload, blob: Descriptor::new(BYTES, digest, size) }))
    }

    fn settle(&self) -> Result<(), ImportError> {
        Ok(())
    }

    fn check_space(&self, _: u64, temporary: u64) -> Result<(), ImportError> {
        let path = self.temporary.clone();
        match free_space(&path) {
            Ok(free) if free < temporary => Err(ImportError::NoSpace { path, free, needed: temporary }),
            Ok(_) => Ok(()),
            Err(source) => Err(ImportError::Temporary { path, source }),
        }
    }

    fn temporary(&self) -> &Path {
        &self.temporary
    }
}

struct Pushed {
    upload: Upload,
    blob: Descriptor,
}

impl Incoming for Pushed {
    fn write(&mut self, bytes: &[u8]) -> Result<(), ImportError> {
        Ok(self.upload.write(bytes)?)
    }

    fn commit(self: Box<Self>) -> Result<(), ImportError> {
        Ok(self.upload.commit(&self.blob)?)
    }
}
