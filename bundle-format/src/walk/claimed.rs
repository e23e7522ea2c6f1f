//! A bundle of which nobody asks who signed it: the base of a delta (spec/bundle.md section 5.4).

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::contents::{Rest, walk};
use super::error::BundleError;
use super::open::Head;
use crate::archive::{ArchiveReader, MemberName};
use crate::digest::Digest;
use crate::oci::Raw;
use crate::statement::PackingList;
use crate::trust::Distrust;
use crate::version_index::VersionIndex;

/// What a bundle claims to hold. Each blob is believed when it has the digest that it is asked for by, and nothing else is.
#[derive(Debug)]
pub struct Claimed {
    /// The template version.
    pub version: VersionIndex,
    /// The packing list.
    pub list: PackingList,
    /// Every manifest and index that is carried.
    pub manifests: BTreeMap<Digest, Raw>,
    /// Where the content of each blob begins in the archive, and its bytes.
    pub extents: BTreeMap<Digest, (u64, u64)>,
    /// Where each patch begins in the archive, and its bytes.
    pub patches: BTreeMap<Digest, (u64, u64)>,
}

impl Claimed {
    /// Reads all headers, statements and manifests of a bundle, and passes over the rest.
    ///
    /// # Errors
    /// [`BundleError`]: it is no bundle, or one that is cut short, or whose statements do not fit its content.
    pub fn read(input: impl Read + Seek) -> Result<Self, BundleError> {
        let mut archive = ArchiveReader::new(input);
        let head = Head::read(&mut archive)?;
        let statement =
            |member| move |source| BundleError::Distrust { member, source: Box::new(Distrust::Document(source)) };
        let release = head.release.look_unverified().map_err(statement(MemberName::Release))?;
        let list = head.list.look_unverified().map_err(statement(MemberName::PackingList))?;
        let list = list.predicate().clone();
        let contents = walk::<_, ()>(archive, &release, &list, Rest::Skip(ArchiveReader::skip), &())?;
        let (version, manifests) = (contents.version, contents.manifests);
        Ok(Self { version, list, manifests, extents: contents.extents, patches: contents.patches })
    }
}
