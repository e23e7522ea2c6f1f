//! From roots to what they reach.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use bundle_format::oci::OciError;
use bundle_format::{Descriptor, Digest, Document, Raw, limits, media};

use super::{Catalog, Manifest, Name, NameError, Repository};
use crate::extent::{BlobRead, Extent};

/// Why there is no catalogue at all. What is wrong with a single root is in [`Catalog::skipped`].
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// More roots than are held in memory.
    #[error("there are more than {limit} named roots")]
    TooManyRoots {
        /// Most roots that there may be.
        limit: usize,
    },
}

/// A root that is not served.
#[derive(Debug, thiserror::Error)]
#[error("{name} ({}): {reason}", root.digest)]
pub struct Skipped {
    /// Its name, as it was given.
    pub name: String,
    /// What it is.
    pub root: Descriptor,
    /// Why it is not served.
    #[source]
    pub reason: Reason,
}

/// Why a root is not served.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// Content that it needs is not held. A manifest that an index lists is not needed: an index whose platforms were
    /// narrowed has only some of them.
    #[error("incomplete: {digest} is not held")]
    Missing {
        /// The content.
        digest: Digest,
    },
    /// Content that it needs is held with another length, as after a lost write.
    #[error("incomplete: {digest} has {found} bytes instead of {expected}")]
    Size {
        /// The content.
        digest: Digest,
        /// Bytes it should have.
        expected: u64,
        /// Bytes it has.
        found: u64,
    },
    /// Content that it needs cannot be read.
    #[error("reading {digest}: {source}")]
    Io {
        /// The content.
        digest: Digest,
        /// The cause.
        source: io::Error,
    },
    /// A manifest or an index is not what it should be.
    #[error(transparent)]
    Document(#[from] OciError),
    /// The root is neither a manifest nor an index.
    #[error("{media_type:?} is not the type of a manifest or an index")]
    NotADocument {
        /// The root's media type.
        media_type: String,
    },
    /// Indexes within indexes, too deep.
    #[error("{digest} lies deeper than {} indexes", limits::INDEX_DEPTH)]
    TooDeep {
        /// What lies too deep.
        digest: Digest,
    },
    /// It reaches more than one root may.
    #[error(
        "it reaches more than {} documents and blobs, or {} bytes of documents",
        limits::MEMBERS,
        limits::MANIFESTS_TOTAL_BYTES
    )]
    TooLarge,
    /// Its name says a digest which is not the root's.
    #[error("the name says {named}")]
    OtherDigest {
        /// The digest in the name.
        named: Digest,
    },
    /// Its name is not one that anything can be served under.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An earlier root has the same name.
    #[error("the name already stands for {earlier}")]
    NameTaken {
        /// The earlier root.
        earlier: Digest,
    },
    /// It has no name, and no subject that is served.
    #[error("it has neither a name nor a subject that is served")]
    Unreachable,
}

impl Catalog {
    /// Reads the manifests and indexes that `roots` reach, and checks that `blobs` holds all they need, by length. Memory:
    /// about 150 bytes for each manifest and blob of each repository.
    ///
    /// A root that cannot be served whole is left out, and is in [`Catalog::skipped`] with the reason.
    ///
    /// # Errors
    /// [`CatalogError`].
    pub fn build(
        roots: impl IntoIterator<Item = (Name, Descriptor)>,
        blobs: &dyn BlobRead,
    ) -> Result<Self, CatalogError> {
        let mut builder = Builder { blobs, catalog: Self::default(), documents: HashMap::new(), sizes: HashMap::new() };
        let mut unnamed = Vec::new();
        for (n, (name, root)) in roots.into_iter().enumerate() {
            if n >= limits::MEMBERS {
                return Err(CatalogError::TooManyRoots { limit: limits::MEMBERS });
            }
            match name.path() {
                Some(path) => {
                    if let Err(reason) = builder.named(&path, &name, &root) {
                        builder.catalog.skipped.push(Skipped { name: name.to_string(), root, reason });
                    }
                }
                None => unnamed.push(root),
            }
        }
        builder.unnamed(unnamed);
        Ok(builder.catalog)
    }

    /// As [`Catalog::build`], from the entries of an `index.json`. An entry whose name is none is left out, like every other
    /// root that cannot be served.
    ///
    /// # Errors
    /// [`CatalogError`].
    pub fn of_entries(
        entries: impl IntoIterator<Item = Descriptor>,
        blobs: &dyn BlobRead,
    ) -> Result<Self, CatalogError> {
        let mut nameless = Vec::new();
        let roots = entries.into_iter().filter_map(|root| match root.annotations.get(media::REF_NAME) {
            None => Some((Name::Unnamed, root)),
            Some(text) => match text.parse() {
                Ok(name) => Some((name, root)),
                Err(reason) => {
                    let name = text.chars().take(300).collect();
                    nameless.push(Skipped { name, root, reason: Reason::Name(reason) });
                    None
                }
            },
        });
        let mut catalog = Self::build(roots, blobs)?;
        catalog.skipped.append(&mut nameless);
        Ok(catalog)
    }
}

/// A manifest or an index that was read and proved.
struct Known {
    media_type: String,
    size: u64,
    document: Document,
}

/// What one root reaches.
#[derive(Default)]
struct Reach {
    manifests: HashMap<Digest, Manifest>,
    blobs: HashMap<Digest, u64>,
    /// Subject and referrer.
    referrers: Vec<(Digest, Descriptor)>,
    document_bytes: u64,
}

struct Builder<'a> {
    blobs: &'a dyn BlobRead,
    catalog: Catalog,
    /// Many roots share documents and layers: each is looked at once.
    documents: HashMap<Digest, Arc<Known>>,
    sizes: HashMap<Digest, Option<u64>>,
}

impl Builder<'_> {
    fn named(&mut self, path: &str, name: &Name, root: &Descriptor) -> Result<(), Reason> {
        if let Some(named) = name.digest().filter(|named| **named != root.digest) {
            return Err(Reason::OtherDigest { named: *named });
        }
        let taken = name.tag().and_then(|tag| self.catalog.repositories.get(path)?.tag(tag));
        if let Some(earlier) = taken.filter(|earlier| *earlier != root.digest) {
            return Err(Reason::NameTaken { earlier });
        }
        let reach = self.reach(root)?;
        if !self.catalog.repositories.contains_key(path)
            && let Name::Image(image) = name
        {
            self.catalog.by_bare_name.entry(image.repository().to_owned()).or_default().push(path.to_owned());
        }
        let repository = self.catalog.repositories.entry(path.to_owned()).or_default();
        if let Name::Image(image) = name {
            repository.host = Some(image.host().to_owned());
        }
        if let Some(tag) = name.tag() {
            repository.tags.insert(tag.to_owned(), root.digest);
        }
        repository.add(&reach);
        Ok(())
    }

    /// Puts each unnamed root beside its subject, in every repository that has it. The subject may be unnamed itself (the
    /// signature of an SBOM), so what is put is looked at as a subject in turn.
    fn unnamed(&mut self, roots: Vec<Descriptor>) {
        let mut waiting = Vec::new();
        let mut by_subject: HashMap<Digest, Vec<usize>> = HashMap::new();
        for root in roots {
            match self.reach(&root) {
                Ok(reach) => {
                    if let Some((subject, _)) = reach.referrers.iter().find(|(_, d)| d.digest == root.digest) {
                        by_subject.entry(*subject).or_default().push(waiting.len());
                    }
                    waiting.push((root, reach, false));
                }
                Err(reason) => self.catalog.skipped.push(Skipped { name: Name::Unnamed.to_string(), root, reason }),
            }
        }
        for repository in self.catalog.repositories.values_mut() {
            let mut subjects: Vec<Digest> = by_subject.keys().copied().collect();
            subjects.retain(|subject| repository.manifests.contains_key(subject));
            while let Some(subject) = subjects.pop() {
                for &at in by_subject.get(&subject).into_iter().flatten() {
                    let Some((root, reach, placed)) = waiting.get_mut(at) else { continue };
                    *placed = true;
                    if !repository.manifests.contains_key(&root.digest) {
                        subjects.extend(reach.manifests.keys());
                        repository.add(reach);
                    }
                }
            }
        }
        for (root, _, _) in waiting.into_iter().filter(|(_, _, placed)| !placed) {
            self.catalog.skipped.push(Skipped { name: Name::Unnamed.to_string(), root, reason: Reason::Unreachable });
        }
    }

    fn reach(&mut self, root: &Descriptor) -> Result<Reach, Reason> {
        if !root.is_document() {
            return Err(Reason::NotADocument { media_type: root.media_type.clone() });
        }
        let mut reach = Reach::default();
        self.walk(root, 0, &mut reach)?;
        Ok(reach)
    }

    /// `depth` indexes lie above `at`. A digest is walked once, so neither a loop (which no one can make) nor an index that
    /// lists the same index many times costs more than its distinct content.
    fn walk(&mut self, at: &Descriptor, depth: usize, reach: &mut Reach) -> Result<(), Reason> {
        if reach.manifests.contains_key(&at.digest) {
            return Ok(());
        }
        if depth > limits::INDEX_DEPTH {
            return Err(Reason::TooDeep { digest: at.digest });
        }
        let known = self.document(at)?;
        reach.document_bytes = reach.document_bytes.saturating_add(at.size);
        reach.manifests.insert(at.digest, Manifest { media_type: at.media_type.clone(), size: at.size });
        if let Some(subject) = known.document.subject() {
            reach.referrers.push((subject.digest, referrer(at, &known.document)));
        }
        let is_index = matches!(known.document, Document::Index { .. });
        for child in known.document.children() {
            if reach.document_bytes > limits::MANIFESTS_TOTAL_BYTES
                || reach.manifests.len() + reach.blobs.len() >= limits::MEMBERS
            {
                return Err(Reason::TooLarge);
            }
            match self.size(child)? {
                None if is_index => {}
                None => return Err(Reason::Missing { digest: child.digest }),
                Some(_) if is_index && child.is_document() => self.walk(child, depth + 1, reach)?,
                Some(size) => {
                    reach.blobs.insert(child.digest, size);
                }
            }
        }
        Ok(())
    }

    /// The size of what is held for `wanted`, which is the expected one.
    fn size(&mut self, wanted: &Descriptor) -> Result<Option<u64>, Reason> {
        let digest = wanted.digest;
        let size = match self.sizes.get(&digest) {
            Some(size) => *size,
            None => self.locate(&digest)?.map(|extent| extent.len()),
        };
        self.sizes.insert(digest, size);
        match size {
            Some(found) if found != wanted.size => Err(Reason::Size { digest, expected: wanted.size, found }),
            other => Ok(other),
        }
    }

    fn document(&mut self, at: &Descriptor) -> Result<Arc<Known>, Reason> {
        let digest = at.digest;
        if let Some(known) = self.documents.get(&digest)
            && known.media_type == at.media_type
            && known.size == at.size
        {
            return Ok(Arc::clone(known));
        }
        if at.size > limits::MANIFEST_BYTES {
            return Err(Reason::TooLarge);
        }
        let extent = self.locate(&digest)?.ok_or(Reason::Missing { digest })?;
        let mut bytes = Vec::new();
        // One byte more than allowed is enough for `Raw::parse` to refuse what is too long.
        let read = extent.reader().take(limits::MANIFEST_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|source| Reason::Io { digest, source })?;
        if bytes.len() as u64 != at.size {
            return Err(Reason::Size { digest, expected: at.size, found: extent.len() });
        }
        let document = Raw::parse(at, bytes)?.value().clone();
        let known = Arc::new(Known { media_type: at.media_type.clone(), size: at.size, document });
        self.documents.insert(digest, Arc::clone(&known));
        Ok(known)
    }

    fn locate(&self, digest: &Digest) -> Result<Option<Extent>, Reason> {
        self.blobs.locate(digest).map_err(|source| Reason::Io { digest: *digest, source })
    }
}

impl Repository {
    fn add(&mut self, reach: &Reach) {
        self.manifests.extend(reach.manifests.iter().map(|(digest, manifest)| (*digest, manifest.clone())));
        self.blobs.extend(&reach.blobs);
        for (subject, referrer) in &reach.referrers {
            self.referrers.entry(*subject).or_default().insert(referrer.digest, referrer.clone());
        }
    }
}

/// The descriptor of a referrer (distribution-spec, "Listing Referrers"): its type, and its annotations in full.
fn referrer(at: &Descriptor, document: &Document) -> Descriptor {
    let mut descriptor = Descriptor::new(&at.media_type, at.digest, at.size);
    descriptor.artifact_type = document.artifact_type().map(str::to_owned);
    descriptor.annotations = document.annotations().clone();
    descriptor
}
