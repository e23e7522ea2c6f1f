//! Which steps make a content: entry by entry, each from what is most like it.

use std::collections::HashMap;
use std::io;

use bundle_format::delta::{Bytes, DIFFER, Step};

use super::Effort;
use super::corpus::Corpus;
use super::entries::{BLOCK, Entry, WINDOW, entries};
use super::matcher::{self, Region};

/// Most bytes of the target that are compared at once, and about as many of the sources.
const AT_ONCE: u64 = 64 << 20;
/// Entries that one entry is compared with.
const LIKE: usize = 4;
/// Equal bytes within a region that are worth a step of their own.
const EQUAL: usize = 512;
/// Equal bytes that make a region worth its step, where it does not go on where the one before ended.
const WORTH: usize = 14;
/// Steps of one item, about.
const ITEM: usize = 4096;

/// Steps in the making.
pub struct Plan<'a> {
    corpus: &'a Corpus,
    target: &'a dyn Bytes,
    items: Vec<Vec<Step>>,
    steps: Vec<Step>,
    /// The address after the last one used.
    next: u64,
}

/// Items of steps that make `target`, with addresses in all contents of `corpus`.
pub fn plan(corpus: &Corpus, target: &dyn Bytes) -> io::Result<Vec<Vec<Step>>> {
    let mut plan = Plan { corpus, target, items: Vec::new(), steps: Vec::new(), next: 0 };
    for entry in entries(target)? {
        plan.entry(&entry)?;
        if plan.steps.len() >= ITEM {
            plan.end_item();
        }
    }
    plan.end_item();
    Ok(plan.items)
}

impl Plan<'_> {
    fn end_item(&mut self) {
        if !self.steps.is_empty() {
            self.items.push(std::mem::take(&mut self.steps));
        }
    }

    fn copy(&mut self, source: u64, len: u64) {
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

    fn add(&mut self, len: u64) {
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
        let mut at = entry.begin;
        while at < entry.end {
            let len = (entry.end - at).min(AT_ONCE);
            self.differ(entry, like, at, len)?;
            self.end_item();
            at += len;
        }
        Ok(())
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

    /// `len` bytes from `at` on that are nowhere as they are.
    fn differ(&mut self, entry: &Entry, like: Option<&Entry>, at: u64, len: u64) -> io::Result<()> {
        let sources = self.sources(entry, like, at, len);
        let mut new = vec![0; len as usize];
        self.target.read_at(at, &mut new)?;
        let mut old = Vec::new();
        // Where each source begins in `old`, and its address.
        let mut places = Vec::new();
        for (address, n) in sources {
            places.push((old.len(), address));
            let from = old.len();
            old.resize(from + n as usize, 0);
            self.corpus.all.read_at(address, &mut old[from..])?;
        }
        let regions = matcher::regions(&old, &new, self.corpus.effort);
        let mut done = 0;
        for region in cut(&regions, &places) {
            let equal = (0..region.len).filter(|i| old[region.old + i] == new[region.new + i]).count();
            let place = places.partition_point(|(begin, _)| *begin <= region.old) - 1;
            let address = places[place].1 + (region.old - places[place].0) as u64;
            if equal < WORTH && address != self.next + (region.new - done) as u64 {
                continue;
            }
            self.add((region.new - done) as u64);
            self.region(&old[region.old..][..region.len], &new[region.new..][..region.len], address);
            done = region.new + region.len;
        }
        self.add((new.len() - done) as u64);
        Ok(())
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
    fn sources(&self, entry: &Entry, like: Option<&Entry>, at: u64, len: u64) -> Vec<(u64, u64)> {
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
