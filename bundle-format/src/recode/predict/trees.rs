//! Code lengths as zlib makes them of frequencies: Huffman's, and shortened where they are too long.

/// A node's weight: its frequency, then how deep it is.
type Weight = (u32, u8);

/// A heap whose order among equals is that of zlib.
struct Heap<'a> {
    nodes: Vec<usize>,
    weights: &'a mut Vec<Weight>,
}

impl Heap<'_> {
    fn sink(&mut self, mut at: usize) {
        let node = self.nodes[at];
        loop {
            let mut child = 2 * at + 1;
            if child >= self.nodes.len() {
                break;
            }
            if child + 1 < self.nodes.len() && self.weights[self.nodes[child + 1]] <= self.weights[self.nodes[child]] {
                child += 1;
            }
            if self.weights[node] <= self.weights[self.nodes[child]] {
                break;
            }
            self.nodes[at] = self.nodes[child];
            at = child;
        }
        self.nodes[at] = node;
    }

    /// Takes the least, putting the last in its place.
    fn take(&mut self) -> usize {
        let least = self.nodes.swap_remove(0);
        if !self.nodes.is_empty() {
            self.sink(0);
        }
        least
    }
}

/// Lengths of the code for `frequencies`, none above `most`; at least two symbols get one.
pub(super) fn lengths(frequencies: &[u32], most: u8) -> Vec<u8> {
    let n = frequencies.len();
    let mut made = vec![0_u8; n];
    let mut weights: Vec<Weight> = frequencies.iter().map(|&f| (f, 0)).collect();
    let mut nodes: Vec<usize> = (0..n).filter(|&i| frequencies[i] > 0).collect();
    let mut top = nodes.last().copied();
    while nodes.len() < 2 && n >= 2 {
        let extra = match top {
            Some(0) => 1,
            None => 0,
            Some(_) => 0,
        };
        top = Some(top.unwrap_or(0).max(extra));
        weights[extra].0 = 1;
        nodes.push(extra);
        nodes.dedup();
    }
    let leaves = nodes.len();
    if leaves < 2 {
        return made;
    }
    let mut parents = vec![usize::MAX; n + leaves];
    let mut taken = Vec::with_capacity(2 * leaves);
    let mut heap = Heap { nodes, weights: &mut weights };
    for at in (0..leaves / 2).rev() {
        heap.sink(at);
    }
    while heap.nodes.len() >= 2 {
        let a = heap.take();
        let b = heap.nodes[0];
        taken.extend([a, b]);
        let parent = heap.weights.len();
        let (x, y) = (heap.weights[a], heap.weights[b]);
        heap.weights.push((x.0.saturating_add(y.0), x.1.max(y.1).saturating_add(1)));
        (parents[a], parents[b]) = (parent, parent);
        heap.nodes[0] = parent;
        heap.sink(0);
    }
    taken.push(heap.nodes[0]);
    limit(&taken, &parents, n, most, &mut made);
    made
}

/// Depths of the nodes, the last taken being the root; what is too deep is moved up, and what is less frequent gets longer.
fn limit(taken: &[usize], parents: &[usize], leaves: usize, most: u8, made: &mut [u8]) {
    let mut depths = vec![0_u8; parents.len()];
    let mut counts = vec![0_u32; usize::from(most) + 1];
    let mut over = 0_i32;
    for &node in taken.iter().rev() {
        let parent = parents[node];
        if parent == usize::MAX {
            continue;
        }
        let depth = depths[parent] + 1;
        if depth > most {
            over += 1;
        }
        depths[node] = depth.min(most);
        if node < leaves {
            counts[usize::from(depths[node])] += 1;
            made[node] = depths[node];
        }
    }
    if over == 0 {
        return;
    }
    while over > 0 {
        let Some(from) = (1..usize::from(most)).rev().find(|&l| counts[l] > 0) else { break };
        counts[from] -= 1;
        counts[from + 1] += 2;
        counts[usize::from(most)] = counts[usize::from(most)].saturating_sub(1);
        over -= 2;
    }
    let mut least_first = taken.iter().filter(|&&node| node < leaves);
    for length in (1..=usize::from(most)).rev() {
        for &node in least_first.by_ref().take(counts[length] as usize) {
            made[node] = length as u8;
        }
    }
}
