//! The content graph, proved while its blobs go by (spec/bundle.md section 3.6).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::digest::Digest;
use crate::limits;
use crate::media;
use crate::oci::{Descriptor, Document, Raw};

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
    /// Two references disagree whether the blob is a manifest.
    #[error("{0} is referred to as a manifest and as something else")]
    TwoTypes(Digest),
    /// Indexes are nested too deep.
    #[error("{0} lies more than {depth} levels of indexes deep", depth = limits::INDEX_DEPTH)]
    TooDeep(Digest),
    /// All manifests together are too large to hold.
    #[error("the manifests have more than {limit} bytes together", limit = limits::MANIFESTS_TOTAL_BYTES)]
    TooLarge,
    /// Content is referred to, and neither carried nor named as omitted.
    #[error("{0} is missing: content refers to it, the packing list neither has it nor omits it")]
    Missing(Digest),
    /// The list omits what it may not, or what nothing refers to.
    #[error("{0} cannot be omitted: it is not an entry of an image's index, or it is carried")]
    Omitted(Digest),
}

/// What is known of a blob before it goes by.
struct Expected {
    descriptor: Descriptor,
    depth: usize,
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
        let expected = Expected { descriptor: root, depth: 0, omittable: false, seen: false };
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
        let depth = self.nodes.get(&digest).map_or(0, |n| n.depth);
        let index = matches!(document.value(), Document::Index { .. });
        let child_depth = if index { depth + 1 } else { depth };
        if child_depth > limits::INDEX_DEPTH {
            return Err(GraphFault::TooDeep(digest));
        }
        let omittable = index && digest != self.root;
        for child in document.value().children() {
            match self.nodes.get_mut(&child.digest) {
                None => {
                    let node = Expected { descriptor: child.clone(), depth: child_depth, omittable, seen: false };
                    self.nodes.insert(child.digest, node);
                }
                Some(node) => {
                    if node.descriptor.size != child.size {
                        let (listed, referred) = (node.descriptor.size, child.size);
                        return Err(GraphFault::Size { digest: child.digest, listed, referred });
                    }
                    let same = |d: &Descriptor| (media::is_index(&d.media_type), media::is_manifest(&d.media_type));
                    if same(&node.descriptor) != same(child) {
                        return Err(GraphFault::TwoTypes(child.digest));
                    }
                    node.omittable &= omittable;
                    node.depth = node.depth.max(child_depth);
                }
            }
        }
        self.documents.insert(digest, document);
        Ok(())
    }

    /// Everything went by: what is missing must be what was omitted. Gives the manifests.
    pub fn end(self, omitted: &BTreeSet<Digest>) -> Result<BTreeMap<Digest, Raw>, GraphFault> {
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
