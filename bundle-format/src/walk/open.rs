//! The head of a bundle: who vouches for it, and what it holds.

use std::io::Read;

use super::error::BundleError;
use crate::archive::{ArchiveError, ArchiveReader, BLOCK, Fault, MemberName, padding};
use crate::digest::Digest;
use crate::limits;
use crate::statement::{PackingList, Release, Statement};
use crate::trust::{TrustRoot, Unverified, Verified};

/// A bundle whose head is proved: the signatures are good, the content is still to come.
pub struct Bundle<R> {
    pub(super) archive: ArchiveReader<R>,
    pub(super) release: Verified<Statement<Release>>,
    pub(super) list: Verified<Statement<PackingList>>,
}

/// What the head of a bundle claims, proved by nobody.
#[derive(Debug)]
pub struct Glance {
    /// The release.
    pub release: Unverified<Statement<Release>>,
    /// The packing list.
    pub list: Unverified<Statement<PackingList>>,
}

/// The members before the packing list, and the list.
pub(super) struct Head {
    pub release: Unverified<Statement<Release>>,
    pub list: Unverified<Statement<PackingList>>,
    /// Every member before the list: name, size, digest.
    members: Vec<(MemberName, u64, Digest)>,
}

impl<R: Read> Bundle<R> {
    /// Reads the head of the bundle that `input` begins with, and checks who signed it. Memory: the head's limits.
    ///
    /// # Errors
    /// [`BundleError`], above all [`BundleError::Distrust`].
    pub fn open(input: R, trust: &TrustRoot) -> Result<Self, BundleError> {
        let mut archive = ArchiveReader::new(input);
        let head = Head::read(&mut archive)?;
        let distrust = |member| move |source| BundleError::Distrust { member, source: Box::new(source) };
        let release = head.release.verify(trust.release()).map_err(distrust(MemberName::Release))?;
        if head.list.envelope().claimed_signers().count() != 1 {
            return Err(BundleError::ListSignatures);
        }
        let list = head.list.verify(trust.packing()).map_err(distrust(MemberName::PackingList))?;
        let (said, listed) = (release.value(), list.value());
        if listed.predicate().release() != release.id() {
            return Err(BundleError::OtherList("it is the list of another release"));
        }
        if (listed.subject_name(), listed.subject_digest()) != (said.subject_name(), said.subject_digest()) {
            return Err(BundleError::OtherList("its subject is not the release's"));
        }
        let mut members = head.members.iter();
        for member in listed.predicate().head() {
            match members.next() {
                Some((name, ..)) if *name != member.name => {
                    return Err(BundleError::OtherList("the head is not as listed"));
                }
                Some((_, size, found)) if (*size, *found) != (member.size, member.sha256) => {
                    let (member, wanted, found) = (member.name, member.sha256, *found);
                    return Err(BundleError::Digest { member, wanted, found });
                }
                Some(_) => {}
                None => return Err(BundleError::OtherList("a member of the head is missing")),
            }
        }
        if members.next().is_some() {
            return Err(BundleError::OtherList("a member of the head is not listed"));
        }
        Ok(Self { archive, release, list })
    }

    /// The release.
    pub fn release(&self) -> &Verified<Statement<Release>> {
        &self.release
    }

    /// The packing list.
    pub fn list(&self) -> &Verified<Statement<PackingList>> {
        &self.list
    }

    /// Bytes that the whole archive has, by its signed list.
    #[expect(clippy::len_without_is_empty, reason = "no bundle is empty")]
    pub fn len(&self) -> u64 {
        let own = self.list.envelope().bytes().len() as u64;
        self.list.value().predicate().archive_len(own).unwrap_or(u64::MAX)
    }

    /// Refuses a file of `actual` bytes that is shorter than the archive, before reading on.
    ///
    /// # Errors
    /// [`Fault::Truncated`], with the member in which the file ends.
    pub fn check_len(&self, actual: u64) -> Result<(), BundleError> {
        if actual >= self.len() {
            return Ok(());
        }
        let mut end = self.archive.position();
        let mut members = self.list.value().predicate().body();
        let cut = members.find(|m| {
            let all = BLOCK as u64 + m.size.saturating_add(padding(m.size) as u64);
            end = end.saturating_add(all);
            end > actual
        });
        let fault = cut.map_or(Fault::End(self.list.value().predicate().last()), |m| Fault::Truncated(m.name));
        Err(ArchiveError { position: actual, fault }.into())
    }

    /// How many bytes of the archive were read.
    pub fn position(&self) -> u64 {
        self.archive.position()
    }
}

impl Glance {
    /// Reads the head of a bundle without checking who signed it: to show it, never to act on it.
    ///
    /// # Errors
    /// [`BundleError`]: the head is malformed.
    pub fn read(input: impl Read) -> Result<Self, BundleError> {
        let head = Head::read(&mut ArchiveReader::new(input))?;
        Ok(Self { release: head.release, list: head.list })
    }
}

impl Head {
    pub fn read(archive: &mut ArchiveReader<impl Read>) -> Result<Self, BundleError> {
        let envelope = |member| move |source| BundleError::Envelope { member, source };
        let limit = |name: &MemberName| (*name == MemberName::Release).then_some(limits::RELEASE_ENVELOPE_BYTES);
        let (name, size) = archive.head(MemberName::Release, limit)?;
        let bytes = archive.whole(name, size)?;
        let mut members = vec![(name, size, Digest::of(&bytes))];
        let release = Unverified::parse(bytes).map_err(envelope(name))?;
        loop {
            let limit = |name: &MemberName| match name {
                MemberName::PackingList => Some(limits::PACKING_LIST_ENVELOPE_BYTES),
                MemberName::Trust(_) if members.len() <= limits::TRUST_DOCUMENTS => Some(limits::TRUST_DOCUMENT_BYTES),
                _ => None,
            };
            let (name, size) = archive.head(MemberName::PackingList, limit)?;
            let bytes = archive.whole(name, size)?;
            if name == MemberName::PackingList {
                let list = Unverified::parse(bytes).map_err(envelope(name))?;
                return Ok(Self { release, list, members });
            }
            members.push((name, size, Digest::of(&bytes)));
        }
    }
}
