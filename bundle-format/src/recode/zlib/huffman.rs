//! Huffman codes as zlib and gzip build them: which of the many optimal codes is what makes their output theirs.

use super::tables::LITERALS;

/// The longest code of literals and distances.
pub const MAX_BITS: usize = 15;
/// Nodes of the largest tree, and an unused first place of the heap.
const NODES: usize = 2 * LITERALS + 1;

/// A code: its symbols up to `last`, with bits and their number (0: the symbol is not in it).
pub struct Code {
    pub symbols: [(u16, u8); LITERALS + 2],
    /// The last symbol that has bits.
    pub last: usize,
}

/// Symbols by how often they are, and the tree over them.
struct Tree {
    often: [u32; NODES],
    father: [u16; NODES],
    depth: [u8; NODES],
    /// A binary heap from place 1 on, the rarest on top.
    heap: [u16; NODES],
    in_heap: usize,
}

impl Tree {
    /// Whether node `a` comes out before `b`: the rarer one, then the shallower one; of equals, `a`.
    fn before(&self, a: u16, b: u16) -> bool {
        let key = |n: u16| (self.often[usize::from(n)], self.depth[usize::from(n)]);
        key(a) <= key(b)
    }

    /// Moves the node at heap place `at` down to where it belongs.
    fn sift(&mut self, mut at: usize) {
        let node = self.heap[at];
        let mut son = 2 * at;
        while son <= self.in_heap {
            if son < self.in_heap && self.before(self.heap[son + 1], self.heap[son]) {
                son += 1;
            }
            if self.before(node, self.heap[son]) {
                break;
            }
            self.heap[at] = self.heap[son];
            at = son;
            son *= 2;
        }
        self.heap[at] = node;
    }
}

/// The code for symbols that are there as often as `often` says, none longer than `longest` bits; and the length in bits of
/// all of them in it, without extra bits.
///
/// A code has two symbols at least: those that zlib adds are not counted.
pub fn build(often: &[u16], longest: usize) -> (Code, u64) {
    let mut tree = Tree { often: [0; NODES], father: [0; NODES], depth: [0; NODES], heap: [0; NODES], in_heap: 0 };
    let mut last = None;
    for (symbol, n) in often.iter().enumerate().filter(|(_, n)| **n != 0) {
        tree.often[symbol] = u32::from(*n);
        tree.in_heap += 1;
        tree.heap[tree.in_heap] = symbol as u16;
        last = Some(symbol);
    }
    while tree.in_heap < 2 {
        let added = match last {
            None => 0,
            Some(last) if last < 2 => last + 1,
            Some(_) => 0,
        };
        last = last.max(Some(added));
        tree.often[added] = 1;
        tree.in_heap += 1;
        tree.heap[tree.in_heap] = added as u16;
    }
    let last = last.unwrap_or(0);
    for at in (1..=tree.in_heap / 2).rev() {
        tree.sift(at);
    }

    // The two rarest get a father, until one is left. The order in which they leave the heap is kept: it decides which
    // symbols get longer codes when some are too long.
    let mut order = [0_u16; NODES];
    let mut kept = NODES;
    let mut keep = |node| {
        kept -= 1;
        order[kept] = node;
    };
    let mut father = often.len();
    loop {
        let rarest = tree.heap[1];
        tree.heap[1] = tree.heap[tree.in_heap];
        tree.in_heap -= 1;
        tree.sift(1);
        let next = tree.heap[1];
        keep(rarest);
        keep(next);
        let (a, b) = (usize::from(rarest), usize::from(next));
        tree.often[father] = tree.often[a] + tree.often[b];
        tree.depth[father] = tree.depth[a].max(tree.depth[b]).saturating_add(1);
        tree.father[a] = father as u16;
        tree.father[b] = father as u16;
        tree.heap[1] = father as u16;
        father += 1;
        tree.sift(1);
        if tree.in_heap < 2 {
            break;
        }
    }
    keep(tree.heap[1]);
    let lengths = lengths(&tree, &order[kept..], last, longest);
    let bits = often.iter().zip(&lengths).map(|(n, length)| u64::from(*n) * u64::from(*length)).sum();
    (Code { symbols: assign(&lengths, last), last }, bits)
}

/// The lengths of codes from a tree; `order` has its nodes, the root first.
fn lengths(tree: &Tree, order: &[u16], last: usize, longest: usize) -> [u8; NODES] {
    let mut lengths = [0_u8; NODES];
    let mut count = [0_u32; MAX_BITS + 2];
    let mut too_long = 0;
    for node in order.iter().skip(1).map(|node| usize::from(*node)) {
        let mut length = lengths[usize::from(tree.father[node])] + 1;
        if usize::from(length) > longest {
            length = longest as u8;
            too_long += 1;
        }
        lengths[node] = length;
        if node <= last {
            count[usize::from(length)] += 1;
        }
    }
    if too_long == 0 {
        return lengths;
    }
    // A leaf as far down as possible becomes a node for itself and one that was too long, whose brother moves up.
    while too_long > 0 {
        let Some(bits) = (1..longest).rev().find(|bits| count[*bits] > 0) else { break };
        count[bits] -= 1;
        count[bits + 1] += 2;
        count[longest] -= 1;
        too_long -= 2;
    }
    // The rarest get the longest codes.
    let mut leaves = order.iter().rev().map(|node| usize::from(*node)).filter(|node| *node <= last);
    for bits in (1..=longest).rev() {
        for leaf in leaves.by_ref().take(count[bits] as usize) {
            lengths[leaf] = bits as u8;
        }
    }
    lengths
}

/// The bits of each symbol from the lengths of all (RFC 1951, 3.2.2), turned around: they are written lowest first.
pub const fn assign(lengths: &[u8], last: usize) -> [(u16, u8); LITERALS + 2] {
    let mut count = [0_u16; MAX_BITS + 1];
    let mut symbol = 0;
    while symbol <= last {
        count[lengths[symbol] as usize] += 1;
        symbol += 1;
    }
    count[0] = 0;
    let mut next = [0_u16; MAX_BITS + 1];
    let mut bits = 1;
    while bits <= MAX_BITS {
        next[bits] = (next[bits - 1] + count[bits - 1]) << 1;
        bits += 1;
    }
    let mut symbols = [(0, 0); LITERALS + 2];
    symbol = 0;
    while symbol <= last {
        let length = lengths[symbol];
        if length > 0 {
            symbols[symbol] = (next[length as usize].reverse_bits() >> (16 - length), length);
            next[length as usize] += 1;
        }
        symbol += 1;
    }
    symbols
}
