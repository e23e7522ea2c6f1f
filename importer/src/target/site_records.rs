//! Records in a site's folder (spec/site.md section 4): those of folders of manifests, and copies of those of clusters.

mod copies;
mod files;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bundle_format::Digest;
use registry_lite::{LockedStore, Store};
use serde::Deserialize;

use super::{Lock, Place, Records, TargetError};
use crate::record::{Installation, Record};

pub use copies::{ClusterUid, ClusterUidError, SiteCopies};

/// Records of installations in folders of manifests, `SITE/installations/NAMESPACE/NAME/NUMBER.json`, readable by the owner
/// alone: they hold the generated secrets.
#[derive(Debug)]
pub struct SiteRecords<'s> {
    site: PathBuf,
    held: Option<&'s LockedStore>,
}

impl<'s> SiteRecords<'s> {
    /// The records of the site in `site`, whose lock nobody holds who uses them.
    #[must_use]
    pub fn new(site: &Path) -> Self {
        Self { site: site.to_owned(), held: None }
    }

    /// The records of a site that is locked already: [`Records::lock`] then takes no lock of its own.
    #[must_use]
    pub fn of(site: &'s LockedStore) -> Self {
        Self { site: site.dir().to_owned(), held: Some(site) }
    }

    fn root(&self) -> PathBuf {
        self.site.join("installations")
    }

    /// The names of the files that the records of an installation say were written, for [`super::DirTarget::files`].
    ///
    /// # Errors
    /// [`TargetError::Record`], and those of the file system.
    pub fn files(&self, place: &Place) -> Result<BTreeSet<String>, TargetError> {
        let mut out = BTreeSet::new();
        let folder = files::folder(&self.root(), place);
        for number in files::numbers(&folder)? {
            let written: Written = files::read(&files::path(&folder, number))?;
            out.extend(written.files.into_iter().map(|(name, _)| name));
            out.extend(written.inventory.into_iter().map(|item| item.file));
        }
        Ok(out)
    }
}

/// What a record says of files, in the words of today and of the time before objects were recorded.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    files: Vec<(String, Digest)>,
    #[serde(default)]
    inventory: Vec<WrittenItem>,
}

#[derive(Deserialize)]
struct WrittenItem {
    file: String,
}

/// The site's lock, here or in the hands of who called.
struct SiteLock(#[expect(dead_code, reason = "holds the lock")] Option<LockedStore>);

impl Lock for SiteLock {
    /// The kernel takes a lock from nobody who lives.
    fn check(&self) -> Result<(), TargetError> {
        Ok(())
    }
}

impl Records for SiteRecords<'_> {
    fn lock(&self, _: &Place, _: &str) -> Result<Box<dyn Lock>, TargetError> {
        let own = if self.held.is_some() { None } else { Some(Store::open(&self.site)?.lock()?) };
        Ok(Box::new(SiteLock(own)))
    }

    fn all(&self, place: &Place) -> Result<Vec<Record>, TargetError> {
        files::all(&files::folder(&self.root(), place))
    }

    fn keep(&self, place: &Place, record: &Record) -> Result<(), TargetError> {
        files::keep(&files::folder(&self.root(), place), record)
    }

    fn forget(&self, place: &Place, number: u64) -> Result<(), TargetError> {
        files::forget(&files::folder(&self.root(), place), number)
    }

    fn installations(&self) -> Result<Vec<Installation>, TargetError> {
        files::installations(&self.root())
    }
}

/// Every installation that the site knows of, in folders and on clusters, by namespace and name, each with its last record.
///
/// # Errors
/// [`TargetError::Record`]; those of the file system.
pub fn installations(site: &Path) -> Result<Vec<Installation>, TargetError> {
    let mut out = files::installations(&site.join("installations"))?;
    for cluster in copies::roots(site)? {
        out.extend(files::installations(&cluster)?);
    }
    out.sort_by(|a, b| (&a.place, &a.record.target).cmp(&(&b.place, &b.record.target)));
    Ok(out)
}

/// The digests that the site's installations were made of: template versions, those that they complete themselves from, and
/// images, of every record that there is, because each can be returned to. They are kept by a collection.
///
/// # Errors
/// [`TargetError::Record`]: a record that cannot be read may need anything; those of the file system.
pub fn pins(site: &Path) -> Result<BTreeSet<Digest>, TargetError> {
    let mut pins = BTreeSet::new();
    let mut roots = vec![site.join("installations")];
    roots.extend(copies::roots(site)?);
    for root in roots {
        for folder in files::folders(&root)? {
            for number in files::numbers(&folder)? {
                let path = files::path(&folder, number);
                let record: Record = files::read(&path)?;
                pins.insert(record.digest);
                pins.extend(&record.completes);
                pins.extend(record.ahead.values());
                for image in record.images.values() {
                    pins.insert(digest(image).ok_or_else(|| TargetError::Record {
                        name: path.display().to_string(),
                        why: format!("{image:?} is no image with a digest"),
                    })?);
                }
            }
        }
    }
    Ok(pins)
}

fn digest(image: &str) -> Option<Digest> {
    image.rsplit_once('@').and_then(|(_, digest)| digest.parse().ok())
}

#[cfg(test)]
mod tests;
