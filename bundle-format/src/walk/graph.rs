//! The content graph, proved while its blobs go by (spec/bundle.md section 3.6).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::digest::Digest;
use crate::limits;
use crate::oci::{Descriptor, Document, Raw};
use crate::statement::PackingList;

/// How the content does not hang together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphFault {
    /// Nothing before the blob refers to it.
    #[error("blobs/sha256/{} belongs to nothing: no content before it refers to it", .0.hex())]
    Unreferenced(Digest),
    /// A reference states another size.
    #[error("blobs/sha256/{} has {listed} bytes in the packing list, and {referred} where it is referred to", digest.hex())]
    Size {
        /// The blob.
        digest: Digest,
        /// Bytes in the packing list.
        listed: u64,
        /// Bytes in a reference.
        referred: u64,
    },
    /// Two references disagree what kind of manifest the blob is, or whether it is one.
    #[error("blobs/sha256/{} is a manifest, and is referred to by two media types", .0.hex())]
    TwoTypes(Digest),
    /// An index refers to what is no manifest, or a manifest to one as if it were a layer.
    #[error("blobs/sha256/{} refers to blobs/sha256/{}, which is not of a kind that may stand there", parent.hex(), child.hex())]
    Misplaced {
        /// Who refers.
        parent: Digest,
        /// To what.
        child: Digest,
    },
    /// Indexes are nested too deep.
    #[error("blobs/sha256/{} lies more than {depth} levels of indexes deep", .0.hex(), depth = limits::INDEX_DEPTH)]
    TooDeep(Digest),
    /// All manifests together are too large to hold.
    #[error("the manifests have more than {limit} bytes together", limit = limits::MANIFESTS_TOTAL_BYTES)]
    TooLarge,
    /// Content is referred to, and neither carried nor named as omitted.
    #[error("blobs/sha256/{} is missing: content refers to it, the packing list neither has it nor omits it", .0.hex())]
    Missing(Digest),
    /// What must be carried whole is not.
    #[error("blobs/sha256/{} is not carried: manifests, indexes and the template's documents always are", .0.hex())]
    NotCarried(Digest),
    /// The list omits what it may not, or what nothing refers to.
    #[error("blobs/sha256/{} cannot be omitted: it is not an entry of an image's index, or it is carried", .0.hex())]
    Omitted(Digest),
}

/// What is known of a blob before it goes by.
struct Expected {
    descriptor: Descriptor,
    /// An entry of an image's index may be left out.
    omittable: bool,
    seen: bool,
}

/// The graph as far as it was read.
pub(super) struct Graph {
    root: Digest,
    nodes: HashMap<Digest, Expected>,
    documents: BTreeMap<Digest, Raw>,
    documents_bytes: u64,
}

impl Graph {
    /// A graph of which only the root, the version index, is known.
    pub fn new(root: Descriptor) -> Self {
        let digest = root.digest;
        let expected = Expected { descriptor: root, omittable: false, seen: false };
        Self {
            root: digest,
            nodes: HashMap::from([(digest, expected)]),
            documents: BTreeMap::new(),
            documents_bytes: 0,
        }
    }

    /// A blob of the packing list comes next. Returns how it was referred to.
    pub fn meet(&mut self, digest: Digest, size: u64) -> Result<&Descriptor, GraphFault> {
        let node = self.nodes.get_mut(&digest).ok_or(GraphFault::Unreferenced(digest))?;
        if node.descriptor.size != size {
            return Err(GraphFault::Size { digest, listed: size, referred: node.descriptor.size });
        }
        node.seen = true;
        if node.descriptor.is_document() {
            self.documents_bytes = self.documents_bytes.saturating_add(size);
            if size > limits::MANIFEST_BYTES || self.documents_bytes > limits::MANIFESTS_TOTAL_BYTES {
                return Err(GraphFault::TooLarge);
            }
        }
        Ok(&node.descriptor)
    }

    /// A manifest or index was proved and parsed: what it refers to may come.
    pub fn add(&mut self, document: Raw) -> Result<(), GraphFault> {
        let digest = document.descriptor().digest;
        let index = matches!(document.value(), Document::Index { .. });
        let omittable = index && digest != self.root;
        for child in document.value().children() {
            if child.is_document() != index {
                return Err(GraphFault::Misplaced { parent: digest, child: child.digest });
            }
            match self.nodes.get_mut(&child.digest) {
                None => {
                    let node = Expected { descriptor: child.clone(), omittable, seen: false };
                    self.nodes.insert(child.digest, node);
                }
                Some(node) => {
                    if node.descriptor.size != child.size {
                        let (listed, referred) = (node.descriptor.size, child.size);
                        return Err(GraphFault::Size { digest: child.digest, listed, referred });
                    }
                    let known = &node.descriptor;
                    if (known.is_document() || child.is_document()) && known.media_type != child.media_type {
                        return Err(GraphFault::TwoTypes(child.digest));
                    }
                    node.omittable &= omittable;
                }
            }
        }
        self.documents.insert(digest, document);
        Ok(())
    }

    /// Goes down from the root level by level. Only when all was read is it known how deep an index lies: a second index
    /// that refers to it may come after it.
    fn check_depth(&self) -> Result<(), GraphFault> {
        let index = |digest: &Digest| match self.documents.get(digest).map(Raw::value) {
            Some(Document::Index { manifests, .. }) => Some(manifests),
            _ => None,
        };
        let mut level = BTreeSet::from([self.root]);
        for _ in 0..limits::INDEX_DEPTH {
            level = level.iter().filter_map(index).flatten().map(|child| child.digest).collect();
        }
        match level.into_iter().find(|digest| index(digest).is_some()) {
            Some(digest) => Err(GraphFault::TooDeep(digest)),
            None => Ok(()),
        }
    }

    /// Everything went by: what is missing must be what was omitted. Gives the manifests.
    pub fn end(mut self, list: &PackingList) -> Result<BTreeMap<Digest, Raw>, GraphFault> {
        self.check_depth()?;
        for (digest, size) in list.rebuild().into_iter().flat_map(|rebuild| rebuild.blobs()) {
            if self.meet(digest, size)?.is_document() {
                return Err(GraphFault::NotCarried(digest));
            }
        }
        let omitted = list.omitted();
        // In order, so that the same bundle is always refused for the same blob.
        let missing: BTreeMap<_, _> = self.nodes.iter().filter(|(_, n)| !n.seen).collect();
        if let Some((digest, _)) = missing.iter().find(|(digest, node)| !node.omittable || !omitted.contains(digest)) {
            return Err(GraphFault::Missing(**digest));
        }
        match omitted.iter().find(|digest| !missing.contains_key(digest)) {
            Some(digest) => Err(GraphFault::Omitted(*digest)),
            None => Ok(self.documents),
        }
    }
}
