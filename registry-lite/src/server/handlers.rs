//! What each reading endpoint answers: functions from a typed request to a typed reply, with no HTTP in them beyond
//! conditions.

use std::io;
use std::sync::Arc;

use super::content::View;
use super::error::ApiError;
use super::event::{Event, Report};
use super::range::Range;
use super::route::{Address, Page, Reference, Route};
use crate::catalog::{Found, RepositoryName};
use crate::digest::ContentDigest;
use crate::documents::{DocumentError, Held};
use crate::extent::Extent;
use crate::manifest::Referrer;

/// What the headers of a request say about its answer.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// `Range`.
    pub range: Option<String>,
    /// `If-Range`.
    pub if_range: Option<String>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
}

/// A successful answer.
#[derive(Debug)]
pub enum Reply {
    /// This is a registry.
    Pong,
    /// The client has the content already.
    NotModified(ContentDigest),
    /// A manifest or an index, as it is stored.
    Manifest {
        /// Its digest.
        digest: ContentDigest,
        /// Its media type.
        media_type: String,
        /// Its bytes.
        held: Arc<Held>,
    },
    /// A blob or a part of it.
    Blob {
        /// Its digest.
        digest: ContentDigest,
        /// The bytes of the blob, or of the part.
        bytes: Extent,
        /// First byte, last byte and size of the whole, if it is a part.
        part: Option<(u64, u64, u64)>,
    },
    /// Tags.
    Tags {
        /// The repository, as the client names it.
        name: String,
        /// The tags, in ASCII order.
        tags: Vec<String>,
        /// Where the list goes on.
        next: Option<Page>,
    },
    /// Referrers of a digest.
    Referrers {
        /// Their descriptors.
        manifests: Vec<Referrer>,
        /// Whether only those of a type were asked for.
        filtered: bool,
    },
    /// Repositories.
    Catalog {
        /// Their paths, in ASCII order.
        repositories: Vec<String>,
        /// Where the list goes on.
        next: Option<Page>,
    },
}

/// A reply, and whether the `ns` of the request decided what it is about.
pub type Handled = Result<(Reply, bool), ApiError>;

/// Answers a request from memory, if that is enough: no file is opened.
#[must_use]
pub fn recall(view: &View, route: &Route, conditions: &Conditions) -> Option<Handled> {
    match route {
        Route::Ping => Some(Ok((Reply::Pong, false))),
        Route::Manifest(address, reference) => {
            let found = view.catalog.find(&address.name, address.namespace.as_deref()).ok()?;
            let digest = match reference {
                Reference::Tag(tag) => found.repository.tag(tag)?,
                Reference::Digest(digest) => *digest,
            };
            let media_type = found.repository.named(&digest)?.media_type.clone();
            let held = view.shelf.documents.kept(&digest)?;
            let reply = match not_modified(conditions, &digest) {
                true => Reply::NotModified(digest),
                false => Reply::Manifest { digest, media_type, held },
            };
            Some(Ok((reply, found.by_namespace)))
        }
        _ => None,
    }
}

/// Answers a request. May read documents; of a blob it reads no more than it takes to open it.
///
/// # Errors
/// [`ApiError`].
pub fn handle(view: &View, route: &Route, conditions: &Conditions, report: &Report) -> Handled {
    let store = Reader { view, report };
    match route {
        Route::Ping => Ok((Reply::Pong, false)),
        Route::Manifest(address, reference) => manifest(&store, address, reference, conditions),
        Route::Blob(address, digest) => blob(&store, address, digest, conditions),
        Route::Tags(address, page) => tags(view, address, page),
        Route::Referrers { address, subject, artifact_type } => {
            Ok(referrers(view, address, subject, artifact_type.as_deref()))
        }
        Route::Catalog(page) => {
            let (repositories, next) = cut(view.catalog.repositories(page.last.as_deref()), page);
            Ok((Reply::Catalog { repositories, next }, false))
        }
    }
}

fn manifest(store: &Reader<'_>, at: &Address, reference: &Reference, conditions: &Conditions) -> Handled {
    let found = repository(store.view, at)?;
    let digest = match reference {
        Reference::Tag(tag) => found.repository.tag(tag),
        Reference::Digest(digest) => Some(*digest),
    };
    let unknown = || ApiError::ManifestUnknown { name: at.name.clone(), reference: reference.to_string() };
    let digest = digest.ok_or_else(unknown)?;
    let known = found.repository.manifest(&digest, &store.view.shelf).ok_or_else(unknown)?;
    let held = store.document(&digest, &known.media_type)?.ok_or_else(unknown)?;
    if not_modified(conditions, &digest) {
        return Ok((Reply::NotModified(digest), found.by_namespace));
    }
    Ok((Reply::Manifest { digest, media_type: known.media_type.clone(), held }, found.by_namespace))
}

fn blob(store: &Reader<'_>, at: &Address, digest: &ContentDigest, conditions: &Conditions) -> Handled {
    let unknown = || ApiError::BlobUnknown { name: at.name.clone(), digest: digest.to_string() };
    let found = repository(store.view, at);
    let listed = found.as_ref().ok().and_then(|found| found.repository.blob(digest, &store.view.shelf));
    let (size, by_namespace) = match (listed, found) {
        (Some(size), Ok(found)) => (Some(size), found.by_namespace),
        // No manifest lists it, but somebody may have pushed it, so that the next manifest can.
        (_, found) if store.is_pushed(at, digest)? => (None, found.is_ok_and(|f| f.by_namespace)),
        (_, Err(error)) => return Err(error),
        (None, Ok(_)) => return Err(unknown()),
    };
    let digest = *digest;
    let whole = store.open(&digest, size)?.ok_or_else(unknown)?;
    if not_modified(conditions, &digest) {
        return Ok((Reply::NotModified(digest), by_namespace));
    }
    let size = whole.len();
    // A range of another content than the client has the rest of is of no use to it (RFC 9110 section 13.1.5).
    let same = conditions.if_range.as_ref().is_none_or(|tag| *tag == etag(&digest));
    let range = conditions.range.as_ref().filter(|_| same).map_or(Range::Whole, |range| Range::parse(range, size));
    let (bytes, part) = match range {
        Range::Whole => (whole, None),
        Range::Part { first, last } => (whole.slice(first, last - first + 1), Some((first, last, size))),
        Range::Unsatisfiable => return Err(ApiError::RangeInvalid { size }),
    };
    Ok((Reply::Blob { digest, bytes, part }, by_namespace))
}

fn tags(view: &View, at: &Address, page: &Page) -> Handled {
    let found = repository(view, at)?;
    let (tags, next) = cut(found.repository.tags(page.last.as_deref()), page);
    Ok((Reply::Tags { name: at.name.clone(), tags, next }, found.by_namespace))
}

/// Never an error: a subject that is not here, in a repository that is not here, has no referrers here.
fn referrers(view: &View, at: &Address, subject: &ContentDigest, artifact_type: Option<&str>) -> (Reply, bool) {
    let found = view.catalog.find(&at.name, at.namespace.as_deref()).ok();
    let manifests = found
        .into_iter()
        .flat_map(|found| found.repository.referrers(subject, &view.shelf))
        .filter(|d| artifact_type.is_none_or(|wanted| d.artifact_type.as_deref() == Some(wanted)))
        .cloned()
        .collect();
    let reply = Reply::Referrers { manifests, filtered: artifact_type.is_some() };
    (reply, found.is_some_and(|found| found.by_namespace))
}

fn repository<'v>(view: &'v View, at: &Address) -> Result<Found<'v>, ApiError> {
    let found = view.catalog.find(&at.name, at.namespace.as_deref());
    found.map_err(|reason| ApiError::NameUnknown { name: at.name.clone(), reason })
}

/// The repository that a change at this address is made in. Unlike a question, a change means one repository and no other
/// that has a name like it.
///
/// # Errors
/// [`ApiError::NameInvalid`].
pub fn target(at: &Address) -> Result<RepositoryName, ApiError> {
    let name = match &at.namespace {
        Some(namespace) => RepositoryName::at_host(namespace, &at.name),
        None => RepositoryName::at_path(&at.name),
    };
    name.map_err(|_| ApiError::NameInvalid { name: at.name.clone() })
}

/// The first `n` entries, and the page after them. An `n` of 0 is an empty list that goes nowhere (distribution-spec,
/// "Listing Tags").
fn cut<'e>(mut entries: impl Iterator<Item = &'e str>, page: &Page) -> (Vec<String>, Option<Page>) {
    let taken: Vec<String> = entries.by_ref().take(page.n.unwrap_or(usize::MAX)).map(str::to_owned).collect();
    let last = taken.last().cloned().filter(|_| entries.next().is_some());
    (taken, last.map(|last| Page { n: page.n, last: Some(last) }))
}

/// The entity tag of content that can only ever be one thing.
pub(super) fn etag(digest: &ContentDigest) -> String {
    format!("\"{digest}\"")
}

fn not_modified(conditions: &Conditions, digest: &ContentDigest) -> bool {
    let same = |tag: &str| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag(digest)
    };
    conditions.if_none_match.as_deref().is_some_and(|tags| tags.split(',').any(same))
}

struct Reader<'v> {
    view: &'v View,
    report: &'v Report,
}

impl Reader<'_> {
    /// What is held, if it has the size that a manifest says. Content that was lost is not there: the client is told so, the
    /// operator why.
    fn open(&self, digest: &ContentDigest, size: Option<u64>) -> Result<Option<Extent>, ApiError> {
        let tell = |cause: &io::Error| (self.report)(&Event::Read { digest: *digest, cause });
        match self.view.shelf.documents.blobs().locate(digest) {
            Ok(Some(extent)) if size.is_none_or(|size| extent.len() == size) => Ok(Some(extent)),
            Ok(Some(extent)) => {
                let why = format!("{} bytes are held instead of {}", extent.len(), size.unwrap_or_default());
                tell(&io::Error::new(io::ErrorKind::InvalidData, why));
                Ok(None)
            }
            Ok(None) => {
                tell(&io::Error::from(io::ErrorKind::NotFound));
                Ok(None)
            }
            Err(cause) if is_lost(&cause) => {
                tell(&cause);
                Ok(None)
            }
            Err(cause) => {
                tell(&cause);
                Err(ApiError::Storage(cause))
            }
        }
    }

    /// A document that the catalogue knows. One that was lost or damaged is not there.
    fn document(&self, digest: &ContentDigest, media_type: &str) -> Result<Option<Arc<Held>>, ApiError> {
        match self.view.shelf.documents.get(digest, media_type) {
            Ok(held) => Ok(Some(held)),
            Err(DocumentError::Io { source, .. }) if !is_lost(&source) => {
                (self.report)(&Event::Read { digest: *digest, cause: &source });
                Err(ApiError::Storage(source))
            }
            Err(lost) => {
                let cause = io::Error::new(io::ErrorKind::InvalidData, lost.to_string());
                (self.report)(&Event::Read { digest: *digest, cause: &cause });
                Ok(None)
            }
        }
    }

    fn is_pushed(&self, at: &Address, digest: &ContentDigest) -> Result<bool, ApiError> {
        let Ok(name) = target(at) else { return Ok(false) };
        let pushed = self.view.shelf.marks.is_pushed(&name, digest);
        pushed.map_err(|cause| {
            let cause = io::Error::other(cause);
            (self.report)(&Event::Read { digest: *digest, cause: &cause });
            ApiError::Storage(cause)
        })
    }
}

/// What stands under the blob's name is no file.
fn is_lost(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Algorithm;

    #[test]
    fn a_page_ends_where_it_was_asked_to_and_says_where_the_next_begins() {
        let all = ["a", "b", "c"];
        for (why, n, taken, next) in [
            ("all", None, 3, None),
            ("two of three", Some(2), 2, Some("b")),
            ("three of three", Some(3), 3, None),
            ("more than there are", Some(9), 3, None),
            ("none", Some(0), 0, None),
        ] {
            let (entries, page) = cut(all.into_iter(), &Page { n, last: None });
            assert_eq!((entries.len(), page.and_then(|p| p.last).as_deref()), (taken, next), "{why}");
        }
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let digest = ContentDigest::of(Algorithm::Sha256, b"");
        let tag = etag(&digest);
        for (header, expected) in [
            (tag.clone(), true),
            (format!("W/{tag}"), true),
            (format!("\"other\", {tag}"), true),
            ("*".to_owned(), true),
            ("\"other\"".to_owned(), false),
            (digest.to_string(), false),
        ] {
            let conditions = Conditions { if_none_match: Some(header.clone()), ..Conditions::default() };
            assert_eq!(not_modified(&conditions, &digest), expected, "{header}");
        }
    }
}
