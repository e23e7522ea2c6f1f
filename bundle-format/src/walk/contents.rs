//! The body of a bundle: every member against the packing list, every blob against the graph.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::Progress;
use super::error::BundleError;
use super::graph::{Graph, GraphFault};
use super::patch::{Patches, keep_head};
use super::sink::{Sink, SinkAction};
use crate::archive::{ArchiveError, ArchiveReader, Fault, MemberName};
use crate::digest::{Digest, Hasher};
use crate::hashing::{self, Gone, HashLine};
use crate::limits;
use crate::media;
use crate::oci::{Descriptor, Raw};
use crate::statement::{Member, PackingList, Release, Statement};
use crate::version_index::{Documents, OCI_LAYOUT, VersionIndex, VersionIndexError, index_json};

/// What the body of a bundle holds.
pub(super) struct Contents {
    pub version: VersionIndex,
    pub documents: Documents,
    pub manifests: BTreeMap<Digest, Raw>,
    pub extents: BTreeMap<Digest, (u64, u64)>,
    pub patches: BTreeMap<Digest, (u64, u64)>,
    pub len: u64,
}

/// What to do with the content of layers, configurations and patches.
pub(super) enum Rest<'s, R, S> {
    Prove(&'s mut S),
    /// Leave it to whoever fetches it by its digest.
    Skip(fn(&mut ArchiveReader<R>, MemberName, u64) -> Result<(), ArchiveError>),
}

/// Reads everything after the packing list, and compares it with release and list.
pub(super) fn walk<R: Read, S: Sink>(
    archive: ArchiveReader<R>,
    release: &Statement<Release>,
    list: &PackingList,
    rest: Rest<'_, R, S>,
    progress: &dyn Progress,
) -> Result<Contents, BundleError<S::Error>> {
    let mut root = Descriptor::new(media::OCI_INDEX, release.subject_digest(), release.predicate().size());
    root.artifact_type = Some(media::TEMPLATE.to_owned());
    let read = std::thread::scope(|scope| {
        let walk = Walk {
            archive,
            rest,
            progress,
            reported: 0,
            line: HashLine::start(scope),
            graph: Graph::new(root.clone()),
            listed: Patches::of(list),
            index_json: Vec::new(),
            extents: BTreeMap::new(),
            patches: BTreeMap::new(),
        };
        walk.body(list)
    })?;
    let version = match read.manifests.get(&root.digest) {
        Some(raw) => VersionIndex::read(raw.clone())?,
        None => return Err(BundleError::Release("its version index is not in the archive")),
    };
    let documents = match read.manifests.get(&version.documents().digest) {
        Some(raw) => Documents::read(raw.clone())?,
        None => return Err(BundleError::Release("its documents are not in the archive")),
    };
    // Whoever looks at a delta reads the documents in it, whatever he holds.
    if let Some(away) = documents.raw().value().children().find(|d| !read.extents.contains_key(&d.digest)) {
        return Err(GraphFault::NotCarried(away.digest).into());
    }
    check_release(release, &version)?;
    let index = index_json(version.entries()).map_err(VersionIndexError::Json)?;
    if read.index_json != index {
        let why = "its entries are not the template version and its images";
        return Err(BundleError::Layout { member: MemberName::IndexJson, why });
    }
    let Body { manifests, extents, patches, len, .. } = read;
    Ok(Contents { version, documents, manifests, extents, patches, len })
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
    patches: BTreeMap<Digest, (u64, u64)>,
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
    listed: Patches<'a>,
    /// To be compared when the version index is known.
    index_json: Vec<u8>,
    extents: BTreeMap<Digest, (u64, u64)>,
    patches: BTreeMap<Digest, (u64, u64)>,
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
                MemberName::Patch(digest) => {
                    self.patches.insert(digest, (self.archive.position(), member.size));
                    self.patch(member, digest)?;
                }
                _ => self.layout_file(member)?,
            }
            self.report();
        }
        let manifests = self.graph.end(list)?;
        let at = self.archive.position();
        let len = self.archive.end(list.last())?;
        self.progress.advance(len - at);
        Ok(Body { index_json: self.index_json, manifests, extents: self.extents, patches: self.patches, len })
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
        // `Graph::meet` has checked the size of manifests against their limit.
        let mut kept = Vec::new();
        let keep: fn(&mut Vec<u8>, &[u8]) = match descriptor.is_document() {
            true => |kept, bytes| kept.extend_from_slice(bytes),
            false => |_, _| {},
        };
        let proved = self.content(member, action, |bytes| keep(&mut kept, bytes)).and_then(|()| {
            if !descriptor.is_document() {
                return Ok(());
            }
            let document = Raw::parse(&descriptor, kept).map_err(|source| BundleError::Document { digest, source })?;
            Ok(self.graph.add(document)?)
        });
        self.end_of_content(action, proved)
    }

    /// A patch: its head is parsed when all of it is proved.
    fn patch(&mut self, member: &Member, digest: Digest) -> Result<(), BundleError<S::Error>> {
        let action = match &mut self.rest {
            Rest::Skip(skip) => return Ok(skip(&mut self.archive, member.name, member.size)?),
            Rest::Prove(sink) => sink.begin_patch(digest, member.size).map_err(BundleError::Sink)?,
        };
        let mut head = Vec::new();
        let proved = self.content(member, action, |bytes| keep_head(&mut head, bytes)).and_then(|()| {
            self.listed.check(digest, &head).map_err(|source| BundleError::Patch { patch: digest, source })
        });
        self.end_of_content(action, proved)
    }

    fn end_of_content(
        &mut self,
        action: SinkAction,
        proved: Result<(), BundleError<S::Error>>,
    ) -> Result<(), BundleError<S::Error>> {
        match (&mut self.rest, action, proved) {
            (Rest::Prove(sink), SinkAction::Take, Ok(())) => sink.commit().map_err(BundleError::Sink),
            (Rest::Prove(sink), SinkAction::Take, Err(e)) => {
                sink.abort();
                Err(e)
            }
            (.., proved) => proved,
        }
    }

    /// One content: to the hashing thread, to the sink, and to `keep`.
    fn content(
        &mut self,
        member: &Member,
        action: SinkAction,
        mut keep: impl FnMut(&[u8]),
    ) -> Result<(), BundleError<S::Error>> {
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
            keep(bytes);
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
        check_digest(member, found)
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
