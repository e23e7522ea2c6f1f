//! The body of a bundle: every member against the packing list, every blob against the graph.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use super::Progress;
use super::error::BundleError;
use super::graph::Graph;
use super::open::Bundle;
use super::sink::{Sink, SinkAction};
use crate::archive::{ArchiveError, ArchiveReader, Fault, MemberName};
use crate::digest::{Digest, Hasher};
use crate::hashing::{self, Gone, HashLine};
use crate::limits;
use crate::media;
use crate::oci::{Descriptor, Raw};
use crate::statement::{Member, PackingList, Release, Statement};
use crate::trust::Verified;
use crate::version_index::{Documents, OCI_LAYOUT, VersionIndex, VersionIndexError, index_json};

/// A bundle that was walked to its end.
#[derive(Debug)]
pub struct Proved {
    /// The release.
    pub release: Verified<Statement<Release>>,
    /// The packing list.
    pub list: Verified<Statement<PackingList>>,
    /// The template version.
    pub version: VersionIndex,
    /// Its documents' manifest.
    pub documents: Documents,
    /// Every manifest and index that is carried.
    pub manifests: BTreeMap<Digest, Raw>,
    /// Where the content of each blob begins in the archive, and its bytes.
    pub extents: BTreeMap<Digest, (u64, u64)>,
    /// Bytes of the archive.
    pub len: u64,
}

/// What to do with the content of layers and configurations.
enum Rest<'s, R, S> {
    Prove(&'s mut S),
    /// Leave it to whoever fetches it by its digest.
    Skip(fn(&mut ArchiveReader<R>, MemberName, u64) -> Result<(), ArchiveError>),
}

impl<R: Read> Bundle<R> {
    /// Proves the whole bundle in one sequential read; each blob goes to `sink`. Memory: 8 MiB of buffers, and the manifests.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn prove<S: Sink>(self, sink: &mut S, progress: &dyn Progress) -> Result<Proved, BundleError<S::Error>> {
        self.walk(Rest::Prove(sink), progress)
    }

    fn walk<S: Sink>(self, rest: Rest<'_, R, S>, progress: &dyn Progress) -> Result<Proved, BundleError<S::Error>> {
        let Self { archive, release, list } = self;
        let root = {
            let said = release.value();
            let mut root = Descriptor::new(media::OCI_INDEX, said.subject_digest(), said.predicate().size());
            root.artifact_type = Some(media::TEMPLATE.to_owned());
            root
        };
        let read = std::thread::scope(|scope| {
            let walk = Walk {
                archive,
                rest,
                progress,
                reported: 0,
                line: HashLine::start(scope),
                graph: Graph::new(root.clone()),
                index_json: Vec::new(),
                extents: BTreeMap::new(),
            };
            walk.body(list.value().predicate())
        })?;
        let version = match read.manifests.get(&root.digest) {
            Some(raw) => VersionIndex::read(raw.clone())?,
            None => return Err(BundleError::Release("its version index is not in the archive")),
        };
        let documents = match read.manifests.get(&version.documents().digest) {
            Some(raw) => Documents::read(raw.clone())?,
            None => return Err(BundleError::Release("its documents are not in the archive")),
        };
        check_release(release.value(), &version)?;
        let index = index_json(version.entries()).map_err(VersionIndexError::Json)?;
        if read.index_json != index {
            let why = "its entries are not the template version and its images";
            return Err(BundleError::Layout { member: MemberName::IndexJson, why });
        }
        let Body { manifests, extents, len, .. } = read;
        Ok(Proved { release, list, version, documents, manifests, extents, len })
    }
}

impl<R: Read + Seek> Bundle<R> {
    /// Proves everything but the content of configurations and layers, which it passes over: enough to serve them to clients
    /// that check digests (spec/bundle.md section 7.3).
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn index(self, progress: &dyn Progress) -> Result<Proved, BundleError> {
        self.walk::<()>(Rest::Skip(ArchiveReader::skip), progress)
    }
}

/// The release's own members say again what the version index says, for people with `jq`: they must agree.
fn check_release<S: std::error::Error>(
    said: &Statement<Release>,
    version: &VersionIndex,
) -> Result<(), BundleError<S>> {
    if said.predicate().name() != version.name()
        || said.predicate().version() != version.version()
        || said.predicate().revision() != version.revision()
        || said.subject_name() != version.label()
    {
        return Err(BundleError::Release("name, version or revision differ"));
    }
    let images = version.images().iter().map(|i| (&i.name, i.root.digest));
    if !images.eq(said.predicate().images().iter().map(|i| (&i.name, i.digest))) {
        return Err(BundleError::Release("the images differ"));
    }
    Ok(())
}

/// What the body gave.
struct Body {
    index_json: Vec<u8>,
    manifests: BTreeMap<Digest, Raw>,
    extents: BTreeMap<Digest, (u64, u64)>,
    len: u64,
}

struct Walk<'a, R, S> {
    archive: ArchiveReader<R>,
    rest: Rest<'a, R, S>,
    progress: &'a dyn Progress,
    /// Bytes that `progress` has heard of.
    reported: u64,
    line: HashLine,
    graph: Graph,
    /// To be compared when the version index is known.
    index_json: Vec<u8>,
    extents: BTreeMap<Digest, (u64, u64)>,
}

impl<R: Read, S: Sink> Walk<'_, R, S> {
    fn body(mut self, list: &PackingList) -> Result<Body, BundleError<S::Error>> {
        for member in list.body() {
            self.archive.expect(member.name, member.size)?;
            match member.name {
                MemberName::Blob(digest) => {
                    self.extents.insert(digest, (self.archive.position(), member.size));
                    self.blob(member, digest)?;
                }
                _ => self.layout_file(member)?,
            }
            self.report();
        }
        let manifests = self.graph.end(list.omitted())?;
        let at = self.archive.position();
        let len = self.archive.end(list.last())?;
        self.progress.advance(len - at);
        Ok(Body { index_json: self.index_json, manifests, extents: self.extents, len })
    }

    fn report(&mut self) {
        let now = self.archive.position();
        self.progress.advance(now - self.reported);
        self.reported = now;
    }

    /// `oci-layout` and `index.json`.
    fn layout_file(&mut self, member: &Member) -> Result<(), BundleError<S::Error>> {
        let (name, size, limit) = (member.name, member.size, limits::MANIFEST_BYTES);
        if size > limit {
            return Err(self.fault(Fault::TooLarge { name, size, limit }));
        }
        let bytes = self.archive.whole(name, size)?;
        check_digest(member, Digest::of(&bytes))?;
        match name {
            MemberName::IndexJson => self.index_json = bytes,
            _ if bytes != OCI_LAYOUT => {
                return Err(BundleError::Layout { member: name, why: "it is not the one of version 1.0.0" });
            }
            _ => {}
        }
        Ok(())
    }

    fn blob(&mut self, member: &Member, digest: Digest) -> Result<(), BundleError<S::Error>> {
        let descriptor = self.graph.meet(digest, member.size)?.clone();
        let action = match &mut self.rest {
            Rest::Skip(skip) if !descriptor.is_document() => {
                return Ok(skip(&mut self.archive, member.name, member.size)?);
            }
            Rest::Skip(_) => SinkAction::Pass,
            Rest::Prove(sink) => sink.begin(&descriptor).map_err(BundleError::Sink)?,
        };
        let proved = self.content(member, &descriptor, action);
        match (&mut self.rest, action, proved) {
            (Rest::Prove(sink), SinkAction::Take, Ok(())) => sink.commit().map_err(BundleError::Sink),
            (Rest::Prove(sink), SinkAction::Take, Err(e)) => {
                sink.abort();
                Err(e)
            }
            (.., proved) => proved,
        }
    }

    /// One content: to the hashing thread, to the sink, and for manifests into the graph.
    fn content(
        &mut self,
        member: &Member,
        descriptor: &Descriptor,
        action: SinkAction,
    ) -> Result<(), BundleError<S::Error>> {
        // `Graph::meet` has checked the size of manifests against their limit.
        let mut kept = descriptor.is_document().then(Vec::new);
        let mut left = member.size;
        // Handing a small content over would cost more than hashing it here.
        let mut local = (member.size <= hashing::CHUNK as u64 / 16).then(Hasher::default);
        while left > 0 {
            let mut buffer = self.line.buffer().map_err(|Gone| self.gone())?;
            let n = self.archive.content(member.name, left, &mut buffer)?;
            left -= n as u64;
            let bytes = &buffer[..n];
            if let (Rest::Prove(sink), SinkAction::Take) = (&mut self.rest, action) {
                sink.write(bytes).map_err(BundleError::Sink)?;
            }
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(bytes);
            }
            match &mut local {
                Some(hasher) => {
                    hasher.update(bytes);
                    self.line.keep(buffer);
                }
                None => self.line.hash(buffer, n).map_err(|Gone| self.gone())?,
            }
            self.report();
        }
        self.archive.pad(member.name, member.size)?;
        let found = match local {
            Some(hasher) => hasher.finish(),
            None => self.line.digest().map_err(|Gone| self.gone())?,
        };
        check_digest(member, found)?;
        if let Some(bytes) = kept {
            let digest = descriptor.digest;
            let document = Raw::parse(descriptor, bytes).map_err(|source| BundleError::Document { digest, source })?;
            self.graph.add(document)?;
        }
        Ok(())
    }

    fn fault(&self, fault: Fault) -> BundleError<S::Error> {
        ArchiveError { position: self.archive.position(), fault }.into()
    }

    fn gone(&self) -> BundleError<S::Error> {
        self.fault(Fault::Io(io::Error::other(Gone)))
    }
}

fn check_digest<S: std::error::Error>(member: &Member, found: Digest) -> Result<(), BundleError<S>> {
    if found == member.sha256 {
        return Ok(());
    }
    Err(BundleError::Digest { member: member.name, wanted: member.sha256, found })
}
