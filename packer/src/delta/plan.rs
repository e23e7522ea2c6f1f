//! Which steps make a content: entry by entry, each from what is most like it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use bundle_format::delta::{Bytes, DIFFER, Expansion, Joined, Part, Step};
use bundle_format::recode::Recipe;

use super::Effort;
use super::corpus::Corpus;
use super::entries::{BLOCK, Entry, WINDOW, entries, pattern};
use super::inner::streams;
use super::matcher::{self, Region};

/// Most bytes of the target that are compared at once, and about as many of the sources.
pub const AT_ONCE: u64 = 64 << 20;
/// Entries that one entry is compared with.
const LIKE: usize = 4;
/// Equal bytes within a region that are worth a step of their own.
const EQUAL: usize = 512;
/// Equal bytes that make a region worth its step: where it is aligned as one shortly before, not far from it, or elsewhere.
const WORTH: usize = 12;
const WORTH_NEAR: usize = 24;
const WORTH_FAR: usize = 40;
const NEAR: u64 = 1 << 14;
/// Steps of one item, about.
const ITEM: usize = 4096;

/// Steps in the making.
pub struct Plan<'a> {
    pub(super) corpus: &'a Corpus,
    target: Arc<dyn Bytes>,
    items: Vec<Vec<Step>>,
    pub(super) steps: Vec<Step>,
    /// The address after the last one used.
    next: u64,
    /// What the steps make: the target's content, where streams within it are inflated.
    made: Joined,
    /// How much of the target's content is in that, and where it was cut.
    taken: u64,
    pub(super) cuts: Vec<(u64, u64)>,
    /// Streams within sources that are inflated, with addresses in all contents of the corpus, and their contents.
    pub(super) expansions: Vec<Expansion>,
    pub(super) expanded: Joined,
    pub(super) last_recipe: Option<Recipe>,
    pub(super) corrections: Vec<Vec<u8>>,
    /// Where streams of the target's content begin and end: none is within a stream that is inflated.
    borders: Vec<u64>,
}

/// What a plan came to.
pub struct Planned {
    /// Items of steps, with addresses in all contents of the corpus, and then of the expansions.
    pub items: Vec<Vec<Step>>,
    /// What they make.
    pub made: Joined,
    /// Offsets of the target's content, and where they are in what is made.
    pub cuts: Vec<(u64, u64)>,
    /// Streams within sources.
    pub expansions: Vec<Expansion>,
    /// Their contents.
    pub expanded: Joined,
    /// Of the streams in the target that need some, in order.
    pub corrections: Vec<Vec<u8>>,
}

impl Planned {
    /// Where an offset of the target's content is in what is made.
    pub fn moved(&self, offset: u64) -> u64 {
        let at = self.cuts.partition_point(|(from, _)| *from <= offset);
        self.cuts[..at].last().map_or(offset, |(from, to)| to + (offset - from))
    }
}

/// Steps that make `target` from what is in `corpus`. Its compressed streams have these borders.
pub fn plan(corpus: &Corpus, target: Arc<dyn Bytes>, borders: Vec<u64>) -> io::Result<Planned> {
    let mut plan = Plan {
        corpus,
        target: Arc::clone(&target),
        items: Vec::new(),
        steps: Vec::new(),
        next: 0,
        made: Joined::default(),
        taken: 0,
        cuts: Vec::new(),
        expansions: Vec::new(),
        expanded: Joined::default(),
        last_recipe: None,
        corrections: Vec::new(),
        borders,
    };
    for entry in entries(target.as_ref())? {
        plan.entry(&entry)?;
        if plan.steps.len() >= ITEM {
            plan.end_item();
        }
    }
    plan.end_item();
    plan.take(target.len());
    let Plan { items, made, cuts, expansions, expanded, corrections, .. } = plan;
    Ok(Planned { items, made, cuts, expansions, expanded, corrections })
}

impl<'a> Plan<'a> {
    pub(super) fn end_item(&mut self) {
        if !self.steps.is_empty() {
            self.items.push(std::mem::take(&mut self.steps));
        }
    }

    pub(super) fn copy(&mut self, source: u64, len: u64) {
        if len == 0 {
            return;
        }
        self.next = source + len;
        if let Some(Step::Copy { source: before, len: so_far }) = self.steps.last_mut()
            && *before + *so_far == source
        {
            *so_far += len;
            return;
        }
        self.steps.push(Step::Copy { source, len });
    }

    pub(super) fn add(&mut self, len: u64) {
        if len == 0 {
            return;
        }
        if let Some(Step::Add { len: so_far }) = self.steps.last_mut() {
            *so_far += len;
            return;
        }
        self.steps.push(Step::Add { len });
    }

    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        let named = self.corpus.by_name.get(&entry.name).map(Vec::as_slice).unwrap_or_default();
        let equal = self.corpus.by_digest.get(&entry.digest).map(Vec::as_slice).unwrap_or_default();
        let get = |n: &u32| &self.corpus.entries[*n as usize];
        // The one that follows what was used last needs the fewest bits; then one of the same name.
        let follows = |e: &&Entry| e.header == Some(self.next) || e.header.is_none() && e.begin == self.next;
        let same = equal.iter().map(get).filter(|e| e.len() == entry.len());
        let same = same
            .clone()
            .find(follows)
            .or_else(|| same.clone().find(|e| e.name == entry.name))
            .or_else(|| same.clone().next());
        let like = same.filter(|e| e.name == entry.name);
        let like = like.or_else(|| named.iter().map(get).find(follows)).or_else(|| named.last().map(get));
        self.header(entry, like.or(same).and_then(|e| e.header))?;
        if entry.len() == 0 {
            return Ok(());
        }
        if let Some(same) = same {
            self.copy(same.begin, entry.len());
            return Ok(());
        }
        self.end_item();
        if entry.len() <= AT_ONCE {
            let new = self.read_target(entry.begin, entry.len())?;
            let first = self.borders.partition_point(|b| *b <= entry.begin);
            let whole = self.borders.get(first).is_none_or(|b| *b >= entry.end);
            let inner = if whole { streams(&new) } else { Vec::new() };
            let like = like.or_else(|| self.similar(entry));
            if !inner.is_empty() {
                return self.archive(entry, like, &new, inner);
            }
            let sources = self.sources(entry, like, entry.begin, entry.len());
            self.differ(&sources, &new)?;
            self.end_item();
            return Ok(());
        }
        let mut at = entry.begin;
        while at < entry.end {
            let len = (entry.end - at).min(AT_ONCE);
            let sources = self.sources(entry, like, at, len);
            let new = self.read_target(at, len)?;
            self.differ(&sources, &new)?;
            self.end_item();
            at += len;
        }
        Ok(())
    }

    fn read_target(&self, at: u64, len: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len as usize];
        self.target.read_at(at, &mut bytes)?;
        Ok(bytes)
    }

    /// An entry of another name that an entry may have been: one that is called alike but for numbers, or has most in common.
    fn similar(&self, entry: &Entry) -> Option<&'a Entry> {
        let corpus: &'a Corpus = self.corpus;
        let called = corpus.by_pattern.get(pattern(&entry.name).as_str()).and_then(|all| all.last());
        if let Some(number) = called {
            return corpus.entries.get(*number as usize);
        }
        let mut votes: HashMap<u32, usize> = HashMap::new();
        for (hash, _) in &entry.sketch {
            for (number, _) in corpus.by_sketch.get(hash).map(Vec::as_slice).unwrap_or_default() {
                *votes.entry(*number).or_default() += 1;
            }
        }
        let (number, votes) = votes.into_iter().max_by_key(|(number, n)| (*n, *number))?;
        (votes > 1).then(|| &corpus.entries[number as usize])
    }

    /// The target's content up to `end` is in what is made, as it is.
    pub(super) fn take(&mut self, end: u64) {
        if end > self.taken {
            self.cuts.push((self.taken, self.made.len()));
            self.made.push(Arc::new(Part::new(Arc::clone(&self.target), self.taken, end - self.taken)));
            self.taken = end;
        }
    }

    /// The target's content from here to `end` is in what is made as `content`.
    pub(super) fn take_inflated(&mut self, end: u64, content: Vec<u8>) {
        self.cuts.push((self.taken, self.made.len()));
        self.made.push(Arc::new(content));
        self.taken = end;
    }

    /// Reads bytes of all contents of the corpus, or of the expansions, which follow them.
    pub(super) fn read_space(&self, address: u64, buffer: &mut [u8]) -> io::Result<()> {
        match address.checked_sub(self.corpus.all.len()) {
            Some(at) => self.expanded.read_at(at, buffer),
            None => self.corpus.all.read_at(address, buffer),
        }
    }

    fn header(&mut self, entry: &Entry, like: Option<u64>) -> io::Result<()> {
        let Some(at) = entry.header else { return Ok(()) };
        let (mut block, mut old) = ([0; BLOCK as usize], [0; BLOCK as usize]);
        self.target.read_at(at, &mut block)?;
        if let Some(like) = like {
            self.corpus.all.read_at(like, &mut old)?;
            if old == block {
                self.copy(like, BLOCK);
                return Ok(());
            }
            self.next = like + BLOCK;
        }
        // A new file is like its neighbours: the model knows the header before.
        self.steps.push(Step::Header { source: like, block: Box::new(block) });
        Ok(())
    }

    /// `new` bytes that are nowhere as they are, from `sources`: address and bytes of each.
    pub(super) fn differ(&mut self, sources: &[(u64, u64)], new: &[u8]) -> io::Result<()> {
        let like = self.like(sources, new)?;
        self.emit(&like, new, 0, new.len());
        Ok(())
    }

    /// Which regions of `new` are like which of the sources.
    pub(super) fn like(&self, sources: &[(u64, u64)], new: &[u8]) -> io::Result<Like> {
        let mut old = Vec::new();
        // Where each source begins in `old`, and its address.
        let mut places = Vec::new();
        for (address, n) in sources {
            places.push((old.len(), *address));
            let from = old.len();
            old.resize(from + *n as usize, 0);
            self.read_space(*address, &mut old[from..])?;
        }
        let regions = cut(&matcher::regions(&old, new, self.corpus.effort), &places);
        Ok(Like { old, places, regions })
    }

    /// The steps for the bytes of `new` between `from` and `to`.
    pub(super) fn emit(&mut self, like: &Like, new: &[u8], from: usize, to: usize) {
        let mut done = from;
        let mut shifts = [0_u64; 3];
        let first = like.regions.partition_point(|r| r.new + r.len <= from);
        for region in like.regions[first..].iter().take_while(|r| r.new < to) {
            let skip = from.saturating_sub(region.new);
            let (at, old) = (region.new + skip, region.old + skip);
            let len = (region.len - skip).min(to - at);
            let equal = (0..len).filter(|i| like.old[old + i] == new[at + i]).count();
            let place = like.places.partition_point(|(begin, _)| *begin <= old) - 1;
            let address = like.places[place].1 + (old - like.places[place].0) as u64;
            // What a step costs depends on how far it goes from the ones before.
            let shift = address.wrapping_sub(at as u64);
            let worth = match shifts.contains(&shift) {
                true => WORTH,
                false if shifts[0].abs_diff(shift) < NEAR => WORTH_NEAR,
                false => WORTH_FAR,
            };
            if equal < worth && address != self.next + (at - done) as u64 {
                continue;
            }
            if shifts[0] != shift {
                shifts = [shift, shifts[0], shifts[1]];
            }
            self.add((at - done) as u64);
            self.region(&like.old[old..][..len], &new[at..][..len], address);
            done = at + len;
        }
        self.add((to - done) as u64);
    }

    /// A region as steps: what is equal for long is copied, the rest coded byte by byte.
    fn region(&mut self, old: &[u8], new: &[u8], address: u64) {
        let (mut from, mut run) = (0, 0);
        for i in 0..=old.len() {
            if i < old.len() && old[i] == new[i] {
                run += 1;
                continue;
            }
            if run >= EQUAL || run == i {
                let equal = i - run;
                self.coded(address + from as u64, (equal - from) as u64);
                self.copy(address + equal as u64, run as u64);
                from = i;
            }
            run = 0;
        }
        self.coded(address + from as u64, (old.len() - from) as u64);
    }

    fn coded(&mut self, mut source: u64, mut len: u64) {
        while len > 0 {
            let n = len.min(DIFFER);
            self.steps.push(Step::Differ { source, len: n });
            (source, len) = (source + n, len - n);
            self.next = source;
        }
    }

    /// What to compare with: address and bytes of each.
    pub(super) fn sources(&self, entry: &Entry, like: Option<&Entry>, at: u64, len: u64) -> Vec<(u64, u64)> {
        let mut out: Vec<(u64, u64)> = Vec::new();
        let mut room = AT_ONCE;
        let mut take = |begin: u64, end: u64| {
            let n = (end - begin).min(room);
            if n > 0 && !out.iter().any(|(a, l)| *a <= begin && begin + n <= a + l) {
                room -= n;
                out.push((begin, n));
            }
        };
        if let Some(like) = like {
            // Of something larger, the part that lies where this part does, and a bit more on both sides.
            let from = like.begin + (at - entry.begin).saturating_sub(8 << 20);
            if like.len() <= AT_ONCE {
                take(like.begin, like.end);
            } else if from < like.end {
                take(from, (from + len + (16 << 20)).min(like.end));
            }
        }
        let (first, last) = ((at - entry.begin) / WINDOW, (at - entry.begin + len - 1) / WINDOW);
        let mut votes: HashMap<(u32, u32), u32> = HashMap::new();
        let here = entry.sketch.iter().filter(|(_, window)| (first..=last).contains(&u64::from(*window)));
        for (hash, _) in here {
            for place in self.corpus.by_sketch.get(hash).map(Vec::as_slice).unwrap_or_default() {
                *votes.entry(*place).or_default() += 1;
            }
        }
        let mut votes: Vec<_> = votes.into_iter().map(|(place, n)| (n, place)).filter(|(n, _)| *n > 1).collect();
        votes.sort_unstable_by(|a, b| b.cmp(a));
        let most = if self.corpus.effort == Effort::Best { LIKE * 4 } else { LIKE };
        for (_, (number, window)) in votes.into_iter().take(most.max((len / WINDOW) as usize * 2)) {
            let like = &self.corpus.entries[number as usize];
            let begin = like.begin + u64::from(window) * WINDOW;
            take(begin, (begin + WINDOW).min(like.end));
        }
        out
    }
}

/// What some new bytes have in common with sources.
pub struct Like {
    old: Vec<u8>,
    places: Vec<(usize, u64)>,
    regions: Vec<Region>,
}

/// Regions cut where one source ends and the next begins.
fn cut(regions: &[Region], places: &[(usize, u64)]) -> Vec<Region> {
    let mut out = Vec::new();
    for region in regions {
        let mut region = *region;
        while region.len > 0 {
            let next = places.partition_point(|(begin, _)| *begin <= region.old);
            let room = places.get(next).map_or(usize::MAX, |(begin, _)| begin - region.old);
            let n = region.len.min(room);
            out.push(Region { len: n, ..region });
            region = Region { new: region.new + n, old: region.old + n, len: region.len - n };
        }
    }
    out
}
