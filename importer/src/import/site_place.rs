//! A site's store, as the place that an import fills.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bundle_format::{BlobSource, Descriptor, Digest, SourceError, VerifiedReader};
use registry_lite::LockedStore;
use registry_lite::store::BlobWriter;

use super::ImportError;
use super::place::{Found, Incoming, Place, Wanted};

/// Bytes that are read at once.
const CHUNK: usize = 1 << 18;
/// What a blob is called whose media type does not matter.
const BYTES: &str = "application/octet-stream";

pub(super) struct SitePlace<'a> {
    site: &'a LockedStore,
    temporary: PathBuf,
}

impl<'a> SitePlace<'a> {
    pub fn new(site: &'a LockedStore) -> Self {
        Self { site, temporary: site.temporary() }
    }
}

impl Place for SitePlace<'_> {
    fn name(&self) -> String {
        self.site.dir().display().to_string()
    }

    fn find(&self, blob: &Wanted<'_>, read: &dyn Fn(u64)) -> Result<Found, ImportError> {
        if !self.site.holds(&blob.digest, blob.size)? {
            // One of another size is damaged, too: it is there under this name.
            let there = self.site.store().blob_len(&blob.digest.into())?;
            return Ok(if there.is_some() { Found::Damaged } else { Found::Missing });
        }
        let mut content = VerifiedReader::new(self.open(blob)?, blob.digest, blob.size);
        let mut buffer = vec![0; CHUNK];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => return Ok(Found::Whole),
                Ok(n) => read(n as u64),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if matches!(e.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
                    return Ok(Found::Damaged);
                }
                Err(source) => return Err(SourceError::Io { place: self.name(), source }.into()),
            }
        }
    }

    fn reads_what_it_finds(&self) -> bool {
        true
    }

    fn adopt(&self, _: &Wanted<'_>) -> Result<(), ImportError> {
        Ok(())
    }

    fn open(&self, blob: &Wanted<'_>) -> Result<Box<dyn Read + Send + '_>, ImportError> {
        Ok(self.site.store().open(&Descriptor::new(BYTES, blob.digest, blob.size))?)
    }

    fn write(&self, digest: Digest, size: u64) -> Result<Box<dyn Incoming + '_>, ImportError> {
        Ok(Box::new(self.site.write_blob(&Descriptor::new(BYTES, digest, size))?))
    }

    fn settle(&self) -> Result<(), ImportError> {
        Ok(self.site.settle()?)
    }

    fn check_space(&self, stays: u64, temporary: u64) -> Result<(), ImportError> {
        Ok(self.site.check_space(stays.saturating_add(temporary))?)
    }

    fn temporary(&self) -> &Path {
        &self.temporary
    }
}

impl Incoming for BlobWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), ImportError> {
        Ok(BlobWriter::write(self, bytes)?)
    }

    fn commit(self: Box<Self>) -> Result<(), ImportError> {
        Ok(BlobWriter::commit(*self)?)
    }
}
