//! Import into a site's own store.

use std::io::Read;
use std::path::Path;

use bundle_format::version_index::{VersionIndex, release_artifact};
use bundle_format::walk::{Bundle, Progress, Proved, Sink, SinkAction};
use bundle_format::{Descriptor, Digest, media};
use registry_lite::store::BlobWriter;
use registry_lite::{LockedStore, StoreError};

use super::agree::check_template;
use super::base::{self, Plan};
use super::keep::Keeping;
use super::place::Place as _;
use super::rebuild::Rebuilding;
use super::site_place::SitePlace;
use super::status::{self, Placed, VerifiedStatus};
use super::{Amount, ImportError, Imported, blobs, cores};

/// Proves the rest of `bundle` and puts its content into `site`. Blobs that are there are not written again; nothing is visible
/// before everything is proved and durable, and then all of it at once. What a delta is made from is looked for before anything is
/// written; its blobs are rebuilt with `memory` bytes. `statuses`, of the bundle's version or of ones that the site holds, become
/// visible with it.
///
/// # Errors
/// [`ImportError`]; the site then shows what it showed before. Blobs that were proved stay, and are not written again by the
/// next attempt.
pub fn import_to_site<R: Read>(
    bundle: Bundle<R>,
    site: &LockedStore,
    statuses: &[VerifiedStatus],
    memory: u64,
    progress: &dyn Progress,
) -> Result<Imported, ImportError> {
    let released = bundle.release().value();
    check_version(site, released.subject_name(), released.subject_digest())?;
    let statuses = status::place(site.store(), Some(released), statuses)?;
    let mut needed = 0_u64;
    for (digest, size) in blobs(bundle.list().value().predicate()) {
        if !site.holds(&digest, size)? {
            needed = needed.saturating_add(size);
        }
    }
    let list = bundle.list().value().predicate().clone();
    let place = SitePlace::new(site);
    let plan = match list.rebuild() {
        Some(rebuild) => base::plan(rebuild, &place, memory, progress)?,
        None => Plan::default(),
    };
    place.check_space(needed.saturating_add(plan.stays()), plan.temporary(&list))?;
    let inner = StoreSink { site, open: None, written: Amount::default(), present: plan.present };
    let failed = |dir: &Path, source| StoreError::Io { what: "keeping patches in", path: dir.to_owned(), source };
    let mut sink = Keeping::new(inner, plan.patches(), place.temporary(), failed);
    let proved = bundle.prove(&mut sink, progress)?;
    let (written, present) = (sink.inner.written, sink.inner.present);
    site.settle()?;
    check_template(&proved, site.store())?;
    let rebuilt = match list.rebuild() {
        Some(list) => {
            let threads = cores().div_ceil(plan.jobs.len().max(1));
            Rebuilding { list, patches: &sink.patches, place: &place, memory, threads, progress }.run(plan.jobs)?
        }
        None => Amount::default(),
    };
    publish(site, &proved, &statuses)?;
    Ok(Imported {
        release: proved.release.id(),
        label: proved.version.label(),
        version: proved.version.raw().descriptor().digest,
        images: proved.version.images().iter().map(|i| i.name.to_string()).collect(),
        written,
        rebuilt,
        present,
    })
}

/// A version index under the same name must be the same one.
fn check_version(site: &LockedStore, label: &str, offered: Digest) -> Result<(), ImportError> {
    let name = VersionIndex::reference(label);
    for entry in site.store().entries()? {
        if entry.annotations.get(media::REF_NAME) == Some(&name) && entry.digest != offered {
            let (place, label) = (site.dir().display().to_string(), label.to_owned());
            return Err(ImportError::VersionExists { place, label, there: entry.digest, offered });
        }
    }
    Ok(())
}

/// Names everything, with the release that vouches for it, and the statuses, as referrers of their version indexes.
fn publish(site: &LockedStore, proved: &Proved, statuses: &[Placed<'_>]) -> Result<(), ImportError> {
    let envelope = proved.release.envelope().bytes();
    let artifact = release_artifact(&proved.version, envelope)?;
    status::put(site, &Descriptor::of(media::DSSE, envelope), envelope)?;
    status::put(site, artifact.descriptor(), artifact.bytes())?;
    let artifact = artifact
        .descriptor()
        .clone()
        .annotated(media::RELEASE_ID, proved.release.id().to_string())
        .annotated(media::VERIFIED_BY, status::signers(&proved.release));
    let mut entries = proved.version.entries();
    entries.push(artifact);
    entries.extend(status::write(site, statuses)?);
    Ok(site.publish(entries)?)
}

/// Puts blobs into the store, one at a time.
struct StoreSink<'a> {
    site: &'a LockedStore,
    open: Option<(BlobWriter<'a>, u64)>,
    written: Amount,
    present: Amount,
}

impl Sink for StoreSink<'_> {
    type Error = StoreError;

    fn begin(&mut self, blob: &Descriptor) -> Result<SinkAction, StoreError> {
        if self.site.holds(&blob.digest, blob.size)? {
            self.present.add(blob.size);
            return Ok(SinkAction::Pass);
        }
        self.open = Some((self.site.write_blob(blob)?, blob.size));
        Ok(SinkAction::Take)
    }

    fn begin_patch(&mut self, _: Digest, _: u64) -> Result<SinkAction, StoreError> {
        Ok(SinkAction::Pass)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.open.as_mut().map_or(Ok(()), |(blob, _)| blob.write(bytes))
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let Some((blob, size)) = self.open.take() else { return Ok(()) };
        blob.commit()?;
        self.written.add(size);
        Ok(())
    }

    fn abort(&mut self) {
        self.open = None;
    }
}
