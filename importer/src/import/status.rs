//! Statuses into a site (spec/status.md section 5).

use bundle_format::statement::{Mark, Release, Statement};
use bundle_format::trust::Verified;
use bundle_format::version_index::status_artifact;
use bundle_format::{Descriptor, media};
use registry_lite::{LockedStore, Store};

use super::ImportError;
use crate::holdings::{is_version, label};

/// A status that a key which may give it has signed.
pub type VerifiedStatus = Verified<Statement<Mark>>;

/// Puts `statuses` of versions that `site` holds into it. All become visible at once, after all are durable; one that is there
/// already is left as it is.
///
/// # Errors
/// [`ImportError::Mark`], [`ImportError::NoVersion`]: then nothing was written; [`ImportError::Store`]: then the site shows what it
/// showed before.
pub fn import_statuses(site: &LockedStore, statuses: &[VerifiedStatus]) -> Result<(), ImportError> {
    let placed = place(site.store(), None, statuses)?;
    let entries = write(site, &placed)?;
    Ok(site.publish(entries)?)
}

/// A status, and the version index that it is about.
pub(super) struct Placed<'a> {
    status: &'a VerifiedStatus,
    subject: Descriptor,
}

/// Finds the version of each status: the one that is `offered`, or one that the site holds.
pub(super) fn place<'a>(
    store: &Store,
    offered: Option<&Statement<Release>>,
    statuses: &'a [VerifiedStatus],
) -> Result<Vec<Placed<'a>>, ImportError> {
    let entries = if statuses.is_empty() { Vec::new() } else { store.entries()? };
    let index = |digest, size| Descriptor::new(media::OCI_INDEX, digest, size);
    let held = entries.iter().filter(|e| is_version(e)).filter_map(|e| Some((label(e)?, index(e.digest, e.size))));
    let offered = offered.map(|r| (r.subject_name().to_owned(), index(r.subject_digest(), r.predicate().size())));
    let versions: Vec<(String, Descriptor)> = offered.into_iter().chain(held).collect();
    let find = |status: &'a VerifiedStatus| {
        let said = status.value();
        let (name, digest) = (said.subject_name(), said.subject_digest());
        let of_content = versions.iter().find(|(_, index)| index.digest == digest);
        let Some((label, subject)) = of_content.or_else(|| versions.iter().find(|(label, _)| label == name)) else {
            let dir = store.dir().display().to_string();
            return Err(ImportError::NoVersion { dir, label: name.to_owned(), digest });
        };
        said.check_about(label, subject.digest)?;
        Ok(Placed { status, subject: subject.clone() })
    };
    statuses.iter().map(find).collect()
}

/// Writes envelopes and artifact manifests; gives the entries that will show them.
pub(super) fn write(site: &LockedStore, placed: &[Placed<'_>]) -> Result<Vec<Descriptor>, ImportError> {
    let mut entries = Vec::new();
    for Placed { status, subject } in placed {
        let envelope = status.envelope().bytes();
        let artifact = status_artifact(subject, envelope)?;
        put(site, &Descriptor::of(media::DSSE, envelope), envelope)?;
        put(site, artifact.descriptor(), artifact.bytes())?;
        let entry = artifact.descriptor().clone();
        entries.push(
            entry
                .annotated(media::STATUS_ID, status.id().to_string())
                .annotated(media::STATUS_VERIFIED_BY, signers(status)),
        );
    }
    Ok(entries)
}

/// The keys that counted, as an annotation has them.
pub(super) fn signers<T>(signed: &Verified<T>) -> String {
    signed.signers().iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Writes a document that is not there.
pub(super) fn put(site: &LockedStore, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), ImportError> {
    if !site.holds(&descriptor.digest, descriptor.size)? {
        let mut blob = site.write_blob(descriptor)?;
        blob.write(bytes)?;
        blob.commit()?;
    }
    Ok(())
}
