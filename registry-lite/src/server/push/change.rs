//! The changes themselves, as they are made to the roots.

use bundle_format::media;

use super::publisher::{After, Job, Workbench};
use crate::catalog::RepositoryName;
use crate::digest::ContentDigest;
use crate::manifest::{Manifest, Reference as Listed};
use crate::server::error::ApiError;
use crate::server::route::Reference;
use crate::store::{Entry, Mark, Store, StoreError, Upload};

/// Missing blobs that an error names.
const NAMED: usize = 5;

/// Puts a manifest, whose bytes are in `upload` and synced, under its digest and `tags`.
pub(super) fn put_manifest(
    repository: RepositoryName,
    digest: ContentDigest,
    manifest: Manifest,
    tags: Vec<String>,
    upload: Upload,
) -> Job {
    Job::new(repository.clone(), move |bench| {
        check_held(bench, &manifest)?;
        for tag in &tags {
            check_free(bench, &repository.tagged(tag), Some(&digest))?;
        }
        let size = upload.len();
        let store = bench.site.store();
        if tags.is_empty() {
            store.mark(&repository, Mark::Pushed, &digest)?;
        }
        bench.uploads.name(upload, &digest)?;
        // What a client pushes is there, whatever it deleted before.
        let listed = manifest.references().iter().map(|r| r.digest);
        for digest in listed.clone().chain([digest]) {
            store.unmark(&repository, Mark::Removed, &digest)?;
        }
        let entry = |name| Entry::named(manifest.media_type(), digest, size, name);
        for other in put(bench.entries, &repository, entry, digest, &tags) {
            // It may run somewhere, by its digest: it has as long as what was just pushed.
            store.touch_mark(&repository, Mark::Pushed, &other)?;
        }
        let listed: Vec<_> = listed.collect();
        // Its blobs are kept by the manifest now, and the manifest by its tag. One without a tag may wait for its index.
        Ok(After::tidy(move |site| {
            for digest in listed.iter().chain(Some(&digest).filter(|_| !tags.is_empty())) {
                let _ = site.store().unmark(&repository, Mark::Pushed, digest);
            }
        }))
    })
}

/// An image needs all that it lists, but for what may not be distributed. An index needs nothing: bundles carry some platforms
/// of an index.
fn check_held(bench: &Workbench<'_>, manifest: &Manifest) -> Result<(), ApiError> {
    let mut missing = Vec::new();
    let needed = manifest.references().iter().filter(|r| !manifest.is_index() && !r.elsewhere);
    for reference in needed {
        let found = bench.site.store().blob_len(&reference.digest)?;
        if found != Some(reference.size) {
            missing.push(match found {
                None => reference.digest.to_string(),
                Some(found) => format!("{} of {} bytes ({found} are held)", reference.digest, reference.size),
            });
        }
        if missing.len() == NAMED {
            break;
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(ApiError::ManifestBlobUnknown { missing }) }
}

/// Sets aside what is held with another length than a manifest says, if its content is not what its digest says: the client's
/// next attempt is then told that it is missing, and pushes it.
pub(super) fn set_damaged_aside(store: &Store, listed: &[Listed]) -> Result<(), StoreError> {
    for reference in listed.iter().filter(|r| !r.elsewhere) {
        if store.blob_len(&reference.digest)?.is_some_and(|held| held != reference.size) {
            store.quarantine(&reference.digest)?;
        }
    }
    Ok(())
}

/// The name of a template version stands for what its release was signed for, and for nothing else (spec/site.md section 1.4).
fn check_free(bench: &Workbench<'_>, name: &str, wanted: Option<&ContentDigest>) -> Result<(), ApiError> {
    let is_version = |e: &&Entry| e.artifact_type.as_deref() == Some(media::TEMPLATE);
    match bench.entries.iter().filter(is_version).find(|e| e.name() == Some(name) && wanted != Some(&e.digest)) {
        Some(_) => Err(ApiError::Denied {
            what: format!("{name} is a template version that was imported here: it never becomes anything else"),
        }),
        None => Ok(()),
    }
}

/// Nor does anything that it needs go from its repository.
pub(super) fn of_version(digest: &ContentDigest) -> ApiError {
    ApiError::Denied { what: format!("{digest} is needed by a template version that was imported here") }
}

/// Adds a root under each of `tags`, or under its digest alone. What had a tag before is called by its digest from then on, and is
/// given back.
fn put(
    entries: &mut Vec<Entry>,
    repository: &RepositoryName,
    entry: impl Fn(String) -> Entry,
    digest: ContentDigest,
    tags: &[String],
) -> Vec<ContentDigest> {
    let mut displaced = Vec::new();
    let untagged = repository.untagged(&digest);
    for tag in tags {
        let name = repository.tagged(tag);
        match entries.iter_mut().find(|e| e.name() == Some(&name)) {
            Some(same) if same.digest == digest => same.media_type = entry(name).media_type,
            Some(other) => {
                let before = std::mem::replace(other, entry(name));
                displaced.push(before.digest);
                keep_untagged(entries, repository, before);
            }
            None => entries.push(entry(name)),
        }
    }
    if tags.is_empty() {
        if !entries.iter().any(|e| is_of(e, repository, &digest)) {
            entries.push(entry(untagged));
        }
    } else {
        entries.retain(|e| e.name() != Some(&untagged));
    }
    displaced
}

/// Keeps what lost a tag, by its digest, unless it has another name in the repository.
fn keep_untagged(entries: &mut Vec<Entry>, repository: &RepositoryName, mut entry: Entry) {
    if !entries.iter().any(|e| is_of(e, repository, &entry.digest)) {
        entry.annotations.insert(media::REF_NAME.to_owned(), repository.untagged(&entry.digest));
        entries.push(entry);
    }
}

/// Whether `entry` is a name of `digest` in `repository`.
fn is_of(entry: &Entry, repository: &RepositoryName, digest: &ContentDigest) -> bool {
    let name = repository.to_string();
    let rest = entry.name().and_then(|n| n.strip_prefix(&name));
    entry.digest == *digest && rest.is_some_and(|rest| rest.starts_with([':', '@']))
}

/// Takes a tag away, or a manifest with all its tags.
pub(super) fn delete_manifest(repository: RepositoryName, reference: Reference, asked: String) -> Job {
    Job::new(repository.clone(), move |bench| {
        let unknown = || ApiError::ManifestUnknown { name: asked.clone(), reference: reference.to_string() };
        match &reference {
            Reference::Tag(tag) => {
                let name = repository.tagged(tag);
                let at = bench.entries.iter().position(|e| e.name() == Some(&name)).ok_or_else(unknown)?;
                check_free(bench, &name, None)?;
                let entry = bench.entries.remove(at);
                keep_untagged(bench.entries, &repository, entry);
            }
            Reference::Digest(digest) => {
                let is_named = bench.entries.iter().any(|e| is_of(e, &repository, digest));
                let shown = bench.catalog.repository(&repository);
                let listed = shown.is_some_and(|r| r.is_listed(digest, bench.site.shelf()));
                if !is_named && !listed {
                    return Err(unknown());
                }
                if shown.is_some_and(|r| r.is_of_version(digest, bench.site.shelf())) {
                    return Err(of_version(digest));
                }
                let store = bench.site.store();
                if store.unmark(&repository, Mark::Pushed, digest)? {
                    store.sync_marks(&repository, Mark::Pushed)?;
                }
                if listed {
                    store.mark(&repository, Mark::Removed, digest)?;
                }
                bench.entries.retain(|e| !is_of(e, &repository, digest));
            }
        }
        Ok(After::nothing())
    })
}
