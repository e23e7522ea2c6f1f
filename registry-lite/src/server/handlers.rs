//! What each endpoint answers: functions from a typed request to a typed reply, with no HTTP in them beyond conditions.

use std::io;

use bundle_format::{Descriptor, Digest};

use super::content::View;
use super::error::ApiError;
use super::event::{Event, Report};
use super::range::Range;
use super::route::{Address, Page, Reference, Route};
use crate::catalog::Found;
use crate::extent::Extent;

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
    NotModified(Digest),
    /// A manifest or an index, as it is stored.
    Manifest {
        /// Its digest.
        digest: Digest,
        /// Its media type.
        media_type: String,
        /// Its bytes.
        bytes: Extent,
    },
    /// A blob or a part of it.
    Blob {
        /// Its digest.
        digest: Digest,
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
        manifests: Vec<Descriptor>,
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

/// Answers a request. Reads no more of a disk than it takes to open a file.
///
/// # Errors
/// [`ApiError`].
pub fn handle(view: &View, route: &Route, conditions: &Conditions, report: &Report) -> Handled {
    let store = Store { view, report };
    match route {
        Route::Ping => Ok((Reply::Pong, false)),
        Route::Manifest(address, reference) => manifest(&store, address, reference, conditions),
        Route::Blob(address, digest) => blob(&store, address, digest, conditions),
        Route::Tags(address, page) => tags(view, address, page),
        Route::Referrers { address, subject, artifact_type } => {
            Ok(referrers(view, address, subject.as_ref(), artifact_type.as_deref()))
        }
        Route::Catalog(page) => {
            let (repositories, next) = cut(view.catalog.repositories(page.last.as_deref()), page);
            Ok((Reply::Catalog { repositories, next }, false))
        }
    }
}

fn manifest(store: &Store<'_>, at: &Address, reference: &Reference, conditions: &Conditions) -> Handled {
    let found = repository(store.view, at)?;
    let digest = match reference {
        Reference::Tag(tag) => found.repository.tag(tag),
        Reference::Digest(digest) => Some(*digest),
    };
    let known = digest.and_then(|digest| Some((digest, found.repository.manifest(&digest)?)));
    let unknown = || ApiError::ManifestUnknown {
        name: at.name.clone(),
        reference: match reference {
            Reference::Tag(tag) => tag.clone(),
            Reference::Digest(digest) => digest.to_string(),
        },
    };
    let (digest, manifest) = known.ok_or_else(unknown)?;
    if not_modified(conditions, &digest) {
        return Ok((Reply::NotModified(digest), found.by_namespace));
    }
    let bytes = store.open(&digest, manifest.size)?.ok_or_else(unknown)?;
    Ok((Reply::Manifest { digest, media_type: manifest.media_type.clone(), bytes }, found.by_namespace))
}

fn blob(store: &Store<'_>, at: &Address, digest: &Digest, conditions: &Conditions) -> Handled {
    let found = repository(store.view, at)?;
    let unknown = || ApiError::BlobUnknown { name: at.name.clone(), digest: digest.to_string() };
    let size = found.repository.blob(digest).ok_or_else(unknown)?;
    let digest = *digest;
    if not_modified(conditions, &digest) {
        return Ok((Reply::NotModified(digest), found.by_namespace));
    }
    let whole = store.open(&digest, size)?.ok_or_else(unknown)?;
    // A range of another content than the client has the rest of is of no use to it (RFC 9110 section 13.1.5).
    let same = conditions.if_range.as_ref().is_none_or(|tag| *tag == etag(&digest));
    let range = conditions.range.as_ref().filter(|_| same).map_or(Range::Whole, |range| Range::parse(range, size));
    let (bytes, part) = match range {
        Range::Whole => (whole, None),
        Range::Part { first, last } => (whole.slice(first, last - first + 1), Some((first, last, size))),
        Range::Unsatisfiable => return Err(ApiError::RangeInvalid { size }),
    };
    Ok((Reply::Blob { digest, bytes, part }, found.by_namespace))
}

fn tags(view: &View, at: &Address, page: &Page) -> Handled {
    let found = repository(view, at)?;
    let (tags, next) = cut(found.repository.tags(page.last.as_deref()), page);
    Ok((Reply::Tags { name: at.name.clone(), tags, next }, found.by_namespace))
}

/// Never an error: a subject that is not here, in a repository that is not here, has no referrers here.
fn referrers(view: &View, at: &Address, subject: Option<&Digest>, artifact_type: Option<&str>) -> (Reply, bool) {
    let found = view.catalog.find(&at.name, at.namespace.as_deref()).ok();
    let manifests = found
        .zip(subject)
        .into_iter()
        .flat_map(|(found, subject)| found.repository.referrers(subject))
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

/// The first `n` entries, and the page after them. An `n` of 0 is an empty list that goes nowhere (distribution-spec,
/// "Listing Tags").
fn cut<'e>(mut entries: impl Iterator<Item = &'e str>, page: &Page) -> (Vec<String>, Option<Page>) {
    let taken: Vec<String> = entries.by_ref().take(page.n.unwrap_or(usize::MAX)).map(str::to_owned).collect();
    let last = taken.last().cloned().filter(|_| entries.next().is_some());
    (taken, last.map(|last| Page { n: page.n, last: Some(last) }))
}

/// The entity tag of content that can only ever be one thing.
pub(super) fn etag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

fn not_modified(conditions: &Conditions, digest: &Digest) -> bool {
    let same = |tag: &str| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag(digest)
    };
    conditions.if_none_match.as_deref().is_some_and(|tags| tags.split(',').any(same))
}

struct Store<'v> {
    view: &'v View,
    report: &'v Report,
}

impl Store<'_> {
    /// What is held, if it has the size that the catalogue saw. Content that was lost since is not there: the client is told so,
    /// the operator why.
    fn open(&self, digest: &Digest, size: u64) -> Result<Option<Extent>, ApiError> {
        let tell = |cause: &io::Error| (self.report)(&Event::Read { digest: *digest, cause });
        match self.view.blobs.locate(digest) {
            Ok(Some(extent)) if extent.len() == size => Ok(Some(extent)),
            Ok(Some(extent)) => {
                let why = format!("{} bytes are held instead of {size}", extent.len());
                tell(&io::Error::new(io::ErrorKind::InvalidData, why));
                Ok(None)
            }
            Ok(None) => {
                tell(&io::Error::from(io::ErrorKind::NotFound));
                Ok(None)
            }
            Err(cause) => {
                tell(&cause);
                Err(ApiError::Storage(cause))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let digest = Digest::of(b"");
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
